"""A trained model leaves Frostline: folders that other libraries load, predictions for new texts, and evaluations."""

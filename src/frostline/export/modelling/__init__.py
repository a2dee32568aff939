"""Source of the modelling file in an exported folder, which imports torch and transformers alone."""

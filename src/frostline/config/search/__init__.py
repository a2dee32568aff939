"""The search space of an Optuna sweep, and checks of it."""

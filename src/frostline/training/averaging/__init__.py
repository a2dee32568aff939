"""Averages and interpolations of weights, evaluated and saved in place of the last step's; one class a file."""

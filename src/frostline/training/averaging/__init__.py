"""Averages and interpolations of weights, evaluated and saved instead of the last weights; one class a file."""

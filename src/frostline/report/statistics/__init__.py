"""Intervals and tests for comparisons of runs."""

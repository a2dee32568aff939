"""Confidence intervals and tests for comparisons of runs."""

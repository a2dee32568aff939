"""Readers of run folders and of results.csv files."""

"""Execution of jobs: launch, outcome, monitor, trials of a search."""

"""Figures of runs: what each shows as plain values in one file, how it is drawn in drawn/ beside it."""

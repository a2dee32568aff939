"""Ranks of a run: collectives, launcher, share of cores and devices."""

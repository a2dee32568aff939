"""Strategies: pure functions from a model's blocks to the phases of a plan."""

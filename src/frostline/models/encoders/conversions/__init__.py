"""Weights that a package holds in a format of its own, made into what transformers reads."""

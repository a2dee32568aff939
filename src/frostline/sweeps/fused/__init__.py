"""Heads over one frozen encoder, trained together: each gets the results of a run by itself, up to rounding."""

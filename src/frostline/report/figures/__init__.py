"""Figures of runs: each module computes the values of one kind of figure, and the modules in draw/ plot them."""

"""Data sets: one module for each source of labelled texts."""

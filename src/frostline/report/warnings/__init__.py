"""Warnings of what may make a table misleading: missing or unequal runs."""

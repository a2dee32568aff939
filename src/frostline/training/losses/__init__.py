"""Losses, one class a file; each returns the loss of every text."""

"""Regularizers in addition to weight decay, one class a file."""

"""Regularizers beside weight decay, one class a file."""

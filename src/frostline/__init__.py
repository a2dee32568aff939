"""Frostline: find out how a pre-trained encoder should be adapted to a classification task."""

__version__ = "0.1.0"

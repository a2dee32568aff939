"""Conversion of weights in other formats to the format of transformers."""

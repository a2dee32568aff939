"""Texts to token states (B, T, D), with named blocks."""

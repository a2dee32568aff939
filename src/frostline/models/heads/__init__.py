"""Vectors (B, D) to logits (B, C)."""

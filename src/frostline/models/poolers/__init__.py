"""Poolers: from token states (B, T, D) and a mask (B, T) to vectors (B, D)."""

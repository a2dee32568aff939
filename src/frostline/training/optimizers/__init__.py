"""Torch optimizers, made from parameter groups."""

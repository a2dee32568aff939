"""Adapters: parameters that are added to an encoder and trained while its pre-trained parameters stay frozen."""

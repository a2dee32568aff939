"""The model: encoder, pooler and head, its blocks and its partial forward pass."""

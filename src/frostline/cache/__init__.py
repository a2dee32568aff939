"""The store: what was computed below a frost line, on disk."""

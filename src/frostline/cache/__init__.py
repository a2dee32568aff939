"""The cache of states below a frost line, on disk."""

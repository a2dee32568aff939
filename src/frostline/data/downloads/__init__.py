"""Downloads of pinned packages from package indexes, and their cache on disk."""

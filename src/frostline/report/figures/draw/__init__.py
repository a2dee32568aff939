"""Drawing of figures by matplotlib: one module for each kind, and their common style."""

"""A table as text: one module for each format."""

"""A table as text: one module a form."""

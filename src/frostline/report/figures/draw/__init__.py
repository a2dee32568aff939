"""How figures are drawn, by matplotlib: one module a kind, and what all have in common in style."""

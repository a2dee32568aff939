"""Heads over one encoder at rest, trained together: each as it would be alone."""

"""Checks of a config, before anything is loaded."""

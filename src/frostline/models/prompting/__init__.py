"""Prompts for language models used as classifiers."""

"""A report as one HTML file that loads nothing else; content of runs is never interpreted as markup or script."""

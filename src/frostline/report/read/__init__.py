"""Reading of run folders and results.csv files."""

"""A study as a thing that can be made again: what its study.yaml says, the runs, the tables, and how like before."""

"""A study that can be reproduced: its study.yaml, its runs, its tables, and the comparison with committed results."""

"""A study as one page of HTML: nothing is fetched, and nothing that a run holds is ever markup or script."""

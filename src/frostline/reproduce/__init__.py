"""Repeat a recorded run or study, and compare the results with the record."""

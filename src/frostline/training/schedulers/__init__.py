"""Progress of the run, 0 to 1, to a factor on the learning rate."""

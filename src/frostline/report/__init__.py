"""Tables of runs: read from their folders alone, with what is missing or does not belong said beside them."""

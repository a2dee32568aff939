"""The comparison of two runs, from their folders alone: what is bitwise equal, what is close, what differs."""

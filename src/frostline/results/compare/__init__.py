"""Two runs beside each other, from their folders alone: what is equal to the bit, what is near, what differs."""

"""Parameter groups to a torch optimizer."""

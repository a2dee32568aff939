"""What is made small in training, one class a file; each gives every text's own loss."""

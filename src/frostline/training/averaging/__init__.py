"""Which weights are scored and kept instead of the last step's, one class a file."""

"""What learns inside an encoder whose own parameters stay as they are."""

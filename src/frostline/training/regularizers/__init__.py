"""What holds training back beside weight decay, one class a file."""

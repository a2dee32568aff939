"""Where texts come from: one source a file, and `prepare`, which makes any source's data a Corpus."""

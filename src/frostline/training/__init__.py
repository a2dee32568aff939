"""One run: from its config through Lightning's Trainer to result.json."""

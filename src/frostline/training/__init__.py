"""One run: from its config, with the Lightning Trainer, to result.json."""

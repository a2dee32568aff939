"""Where the numbers of a run go while it trains: its own folder always, W&B and TensorBoard as asked."""

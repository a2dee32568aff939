"""Loggers of a run: metrics.csv always, W&B and TensorBoard if the config has them."""

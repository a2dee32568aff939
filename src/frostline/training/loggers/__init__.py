"""Loggers of a run: metrics.csv always, W&B and TensorBoard if they are asked for."""

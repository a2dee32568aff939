"""Distributed runs: collective calls, the launcher of ranks, cores and GPUs of a machine, worker processes."""

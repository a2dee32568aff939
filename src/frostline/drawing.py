"""Where torch's chance begins."""

from __future__ import annotations

import torch


def begin(seed: int, device: torch.device) -> None:
    """Of the CPU and of this device; torch.manual_seed would keep a stack trace for each kind that is not there."""
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(seed)

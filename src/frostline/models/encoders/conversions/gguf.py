"""From llama.cpp's gguf, whatever its quantisation: the numbers that its blocks stand for, as float32."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def convert_gguf(source: Path, target: Path) -> None:
    """source: a folder with one .gguf file, weights and tokenizer in one."""
    [file] = source.glob("*.gguf")
    with contextlib.redirect_stderr(io.StringIO()):  # its bars
        tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=file.name)
        model = AutoModelForCausalLM.from_pretrained(source, gguf_file=file.name, dtype=torch.float32)
    tokenizer.save_pretrained(target)
    weights = {name: p.detach().contiguous() for name, p in model.named_parameters()}  # tied ones once
    save_file(weights, target / "model.safetensors", metadata={"format": "pt"})

"""Conversion of an ONNX file that torch exported, with or without int8 weights, to weights by their names in torch.

Weights keep their names, except for the matrices of linear layers, which are numbered: they are identified by the
MatMul node that reads them, whose name contains the path of the module, and they are transposed. An int8 weight is
(quantized - zero point) x scale (the operator DequantizeLinear).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

WORDS = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}


def convert_onnx(source: Path, target: Path) -> None:
    """Convert a folder with one .onnx file of a BERT-like model and tokenizer.json. Heads are left out.

    Raises:
        ValueError: the file lacks weights of the architecture that config.json of `target` describes.
    """
    [file] = source.glob("*.onnx")
    config = AutoConfig.for_model(**json.loads((target / "config.json").read_text(encoding="utf-8")))
    with torch.device("meta"):
        model = AutoModel.from_config(config)  # type: ignore[no-untyped-call]  # untyped by its authors
    weights = {name.removeprefix(f"{model.base_model_prefix}."): value for name, value in _weights(file).items()}
    expected = {name: p.shape for name, p in model.named_parameters()}
    if missing := [name for name, shape in expected.items() if name not in weights or weights[name].shape != shape]:
        raise ValueError(f"{file.name} lacks {len(missing)} weights, the first of them {missing[0]}")
    save_file({name: weights[name] for name in expected}, target / "model.safetensors", metadata={"format": "pt"})
    options = {"tokenizer_file": str(source / "tokenizer.json"), "model_max_length": config.max_position_embeddings}
    tokenizer: Any = PreTrainedTokenizerFast
    tokenizer(**options, **WORDS).save_pretrained(target)


def _weights(file: Path) -> dict[str, Tensor]:
    """Return all weights of the file by their names in torch, as float32."""
    import onnx

    graph = onnx.load(str(file)).graph
    stored = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
    floats = {name: value for name, value in stored.items() if value.dtype == np.float32 and value.ndim}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in stored:
            floats[node.output[0]] = _dequantized(*(stored[name] for name in node.input))
    weights = {name.removesuffix("_DequantizeLinear_Output"): value for name, value in floats.items()}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in floats:
            module = node.name.removesuffix("_quant").removesuffix("/MatMul").strip("/").replace("/", ".")
            weights[f"{module}.weight"] = floats[node.input[1]].T
    return {name: torch.from_numpy(value.copy(order="C")) for name, value in weights.items()}


def _dequantized(value: Any, scale: Any, zero: Any) -> Any:
    return ((value.astype(np.int32) - zero.astype(np.int32)) * scale).astype(np.float32)

"""Load exported folders where frostline cannot be imported, and compare them with the JSON file beside each.

    python tests/support/load_without_frostline.py FORMAT FOLDER ...

Prints a line for each folder: its name and the largest distances of logits, or vectors, and of probabilities.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Expected = dict[str, Any]


def transformers_folder(folder: Path, expected: Expected) -> list[float]:
    """Compare AutoModelForSequenceClassification and the pipeline text-classification."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    remote: dict[str, Any] = {"trust_remote_code": True} if (folder / "modeling_frostline.py").exists() else {}
    model = AutoModelForSequenceClassification.from_pretrained(folder, **remote).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, **remote)
    far = _distance(_logits(model, tokenizer, _texts(expected)), expected["logits"])
    assert [model.config.id2label[i] for i in range(len(expected["classes"]))] == expected["classes"]
    classify: Any = pipeline("text-classification", model=str(folder), **(remote or {"truncation": True}))
    given = [{"text": t} if isinstance(t, str) else {"text": t[0], "text_pair": t[1]} for t in expected["texts"]]
    batch = 2 if tokenizer.pad_token is not None else 1
    rows = classify(given, top_k=None, batch_size=batch)
    found = [[next(c["score"] for c in row if c["label"] == name) for name in expected["classes"]] for row in rows]
    return [far, _distance(torch.tensor(found), expected["probabilities"])]


def peft_folder(folder: Path, expected: Expected) -> list[float]:
    """Compare a model of peft above the model in the folder `base`."""
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    base = AutoModelForSequenceClassification.from_pretrained(folder / "base", trust_remote_code=True)
    tokenizer = AutoTokenizer.from_pretrained(folder / "base", trust_remote_code=True)
    before = _logits(base.eval(), tokenizer, _texts(expected))
    assert _distance(before, expected["logits"]) > 1e-5  # the head is not in the model below
    model = PeftModel.from_pretrained(base, str(folder)).eval()
    return [_distance(_logits(model, tokenizer, _texts(expected)), expected["logits"])]


def sentence_transformers_folder(folder: Path, expected: Expected) -> list[float]:
    """Compare the vectors, or the logits, that a SentenceTransformer returns."""
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    found: Any = model.encode(_texts(expected), convert_to_tensor=True, show_progress_bar=False, batch_size=2)
    return [_distance(found, expected["logits"])]


def onnx_folder(folder: Path, expected: Expected) -> list[float]:
    """Compare the logits of onnxruntime, for all texts in a batch and one by one."""
    import onnxruntime
    from transformers import AutoTokenizer

    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts, distances = _texts(expected), []
    for batch in ([texts] if tokenizer.pad_token is not None else []) + [[text] for text in texts]:
        inputs = tokenizer(batch, truncation=True, padding=len(batch) > 1, return_tensors="np")
        [logits] = session.run(None, {name: inputs[name] for name in ("input_ids", "attention_mask")})
        rows = [expected["logits"][texts.index(text)] for text in batch]
        distances.append(_distance(torch.from_numpy(logits), rows))
    return distances


def _texts(expected: Expected) -> list[Any]:
    return [text if isinstance(text, str) else tuple(text) for text in expected["texts"]]


@torch.no_grad()
def _logits(model: Any, tokenizer: Any, texts: list[Any]) -> Tensor:
    many = tokenizer.pad_token is not None
    batches = [texts] if many else [[text] for text in texts]
    parts = [model(**tokenizer(b, truncation=True, padding=many, return_tensors="pt")).logits for b in batches]
    return torch.cat(parts)


def _distance(found: Tensor, expected: Any) -> float:
    """Return the largest distance, relative to the largest expected value if that is above 1."""
    values = torch.tensor(expected)
    assert found.shape == values.shape, (found.shape, values.shape)
    return float((found - values).abs().max() / values.abs().max().clamp(min=1))


LOADERS: dict[str, Callable[[Path, Expected], list[float]]] = {
    "transformers": transformers_folder,
    "peft": peft_folder,
    "sentence-transformers": sentence_transformers_folder,
    "onnx": onnx_folder,
}


def main(kind: str, *folders: str) -> None:
    torch.set_num_threads(1)
    for folder in map(Path, folders):
        expected = json.loads((folder.parent / f"{folder.name}.json").read_text())
        print(folder.name, *LOADERS[kind](folder, expected), flush=True)


if __name__ == "__main__":
    sys.modules["frostline"] = None  # type: ignore[assignment]  # so that an import of it fails
    main(*sys.argv[1:])

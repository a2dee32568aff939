"""The files of a new project: a head, a data set and an experiment of the user, and a test."""

from __future__ import annotations

import itertools

OPENINGS = ("The", "This", "What a", "Such a")
WORDS = {"good": ("lovely", "splendid", "charming"), "bad": ("dull", "clumsy", "tiresome")}
NOUNS = ("film", "novel", "concert", "play")

FILES = {
    "pyproject.toml": """\
[project]
name = "{name}"
version = "0.1.0"
dependencies = ["frostline"]

[tool.frostline]
config-dir = "conf"

[tool.pytest.ini_options]
pythonpath = ["."]
testpaths = ["tests"]
""",
    ".gitignore": """\
/runs/
__pycache__/
""",
    "README.md": """\
# {name}

`frostline` in this folder reads `conf/`, because `[tool.frostline]` in `pyproject.toml` names it.

```
frostline list head dataset experiment   # the choices, those of conf/ included
frostline check experiment=first         # all mistakes at once, before training
frostline plan experiment=first          # which parameters are trained when
frostline experiment=first               # one run
frostline -m experiment=first seed=1,2,3 # a sweep
frostline report runs                    # a table of the runs
pytest                                   # the tests of this project
```

| file | content |
| --- | --- |
| `conf/experiment/first.yaml` | the overrides of an experiment |
| `conf/head/scaled.yaml`, `{package}/heads.py` | a head: its options, and its class |
| `conf/dataset/reviews.yaml`, `data/reviews.csv` | a data set: its columns, and its texts |
| `tests/` | the tests |
""",
    "conf/experiment/first.yaml": """\
# @package _global_
# The scaled head on the frozen encoder, with the reviews
defaults:
  - override /encoder: bert_tiny
  - override /head: scaled
  - override /freezing: frozen
  - override /dataset: reviews
  - override /logger: csv

study: first
""",
    "conf/head/scaled.yaml": """\
# One linear layer on scaled embeddings
_target_: {package}.heads.Scaled
scale: 2.0
""",
    "conf/dataset/reviews.yaml": """\
# Reviews that are good or bad
_target_: frostline.data.datasets.table.Table
train: data/reviews.csv
val: null
test: null
text_column: text
label_column: label
multi_label: null
label_separator: null
separator: null
encoding: null
quoting: null
""",
    "{package}/__init__.py": '"""The parts of {name}."""\n',
    "{package}/heads.py": '''\
"""Heads: each maps the pooled embeddings of B texts to the logits of C classes."""

from torch import Tensor, nn


class Scaled(nn.Module):
    """A linear layer on scaled embeddings.

    Args:
        width, classes: D and C, which Frostline takes from the encoder and the data.
        scale: the factor of the embeddings.
    """

    def __init__(self, width: int, classes: int, scale: float = 1.0) -> None:
        super().__init__()
        self.scale, self.out = scale, nn.Linear(width, classes)

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the logits (B, C) of embeddings (B, D)."""
        return self.out(self.scale * vectors)
''',
    "tests/test_{package}.py": '''\
"""Tests of the parts and of the experiments."""

import frostline
import torch

from {package}.heads import Scaled


def test_the_head_scales_the_embeddings() -> None:
    head, vectors = Scaled(width=4, classes=2, scale=2.0), torch.randn(3, 4)
    assert torch.allclose(head(vectors), head.out(2 * vectors)) and head(vectors).shape == (3, 2)


def test_the_experiment_has_no_mistakes() -> None:
    frostline.check("experiment=first")
''',
}


def project_files(name: str) -> dict[str, str]:
    """Return path -> content of the files of a new project."""
    package = package_name(name)
    fields = {"{name}": name, "{package}": package}
    files = {_filled(path, fields): _filled(content, fields) for path, content in FILES.items()}
    return files | {"data/reviews.csv": _reviews()}


def package_name(name: str) -> str:
    """Return the name of the Python package of a project."""
    return name.replace("-", "_").lower()


def _filled(text: str, fields: dict[str, str]) -> str:
    for field, value in fields.items():
        text = text.replace(field, value)
    return text


def _reviews() -> str:
    rows = [
        f"{opening} {word} {noun}.,{label}"
        for label, words in WORDS.items()
        for opening, word, noun in itertools.product(OPENINGS, words, NOUNS)
    ]
    return "\n".join(["text,label", *rows]) + "\n"

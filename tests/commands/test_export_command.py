"""`frostline export`: what it writes of a run, and what it says about wrong input.

The module is frostline.commands.export.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from command_line import Command, in_process

frostline = in_process
Go = Callable[..., dict[str, Any]]


def test_a_run_is_exported_and_never_over_a_folder(go: Go, frostline: Command) -> None:
    rows = "".join(f"{label},{label} text number {number}\n" for number in range(30) for label in ("good", "bad"))
    Path("texts.csv").write_text(f"label,text\n{rows}")
    run = go("dataset=table", "dataset.train=texts.csv", "freezing=frozen", "trainer.max_epochs=1")["folder"]
    said = frostline("export", str(run), "model")
    assert said.status == 0, said.err
    assert said.out.startswith("model: a folder of transformers")
    config = json.loads(Path("model/config.json").read_text())
    assert config["id2label"] == {"0": "bad", "1": "good"}
    assert config["max_tokens"] == 128
    again = frostline("export", str(run), "model", "--format", "transformers")
    assert again.status == 2
    assert again.problems() == ["model: exists already; give another folder, or remove it"]
    assert frostline("export", str(run)).status == 0
    assert (run / "export" / "transformers" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "problems"),
    [
        ([], ["export: names no run; give frostline export RUN [TO]"]),
        (["a", "b", "c"], ["export: names 3 folders; give frostline export RUN [TO]"]),
        (["a", "--format=transformer"], ["--format: no format is called transformer; did you mean transformers?"]),
        (["nowhere"], ["nowhere: is not a folder; give the folder of a complete run"]),
    ],
)
def test_wrong_input_is_named(words: list[str], problems: list[str], frostline: Command) -> None:
    said = frostline("export", *words)
    assert said.status == 2
    assert said.problems() == problems
    assert list(Path.cwd().iterdir()) == []

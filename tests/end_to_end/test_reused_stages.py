"""Commands on an encoder that comes from a run: plans without torch, cached states, fused sweeps, repetition.

The modules are frostline.models.source_runs and frostline.config.checks.reused_parts.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import fused_sweeps
from command_line import Command, in_process
from frostline.results.atomic_files import read_json

frostline = in_process
TOPICS = {"sport": "the team won match {}", "food": "soup {} was too salty", "travel": "train {} left at noon"}
SMALL = ["dataset=table", "dataset.train=texts.csv", "trainer.min_steps=null", "trainer.max_epochs=1", "logger=csv"]
FIRST = "hydra.run.dir=first"
REUSED = [*SMALL, "freezing=frozen", "encoder=run", "encoder.path=first"]
LETTERS = """
import torch
from torch import nn

class Letters(nn.Module):
    pad_id = 0

    def __init__(self, width: int = 8):
        super().__init__()
        self.width, self.table = width, nn.Embedding(128, width)
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(2))

    def tokenize(self, texts, max_length):
        return [[1 + ord(letter) % 127 for letter in text[:max_length]] for text in texts]

    def forward(self, input_ids, attention_mask):
        states = self.table(input_ids)
        for layer in self.layers:
            states = states + torch.tanh(layer(states))
        return states
"""


@pytest.fixture(autouse=True)
def texts(tmp_path: Path) -> None:
    rows = [f"{topic},{text.format(number)}\n" for number in range(20) for topic, text in TOPICS.items()]
    (tmp_path / "texts.csv").write_text("label,text\n" + "".join(rows))


def test_check_and_plan_read_the_record_of_the_run_without_torch(frostline: Command) -> None:
    assert frostline(*SMALL, "freezing=frozen", FIRST).status == 0
    code = "import sys; from frostline import cli; sys.argv = ['frostline', *sys.argv[1:]]\n"
    code += "try:\n    cli.main(sys.argv[1:])\nfinally:\n    print('torch' in sys.modules)"
    for words in (["check", *REUSED], ["plan", *REUSED], ["plan", *REUSED, "head=run", "head.path=first"]):
        done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
        assert done.stdout.splitlines()[-1] == "False", done.stderr
    plain, reused = frostline("plan", *SMALL, "freezing=frozen"), frostline("plan", *REUSED)
    assert "387" in plain.out
    assert reused.out == plain.out


def test_states_of_an_adapted_encoder_are_cached_by_its_weights(frostline: Command) -> None:
    assert frostline(*SMALL, "freezing=frozen", "cache.mode=on", FIRST).status == 0
    assert frostline(*SMALL, "freezing=full", "encoder=run", "encoder.path=first", "hydra.run.dir=second").status == 0
    for source, encoded in (("first", False), ("second", True), ("second", False)):
        overrides = [
            *REUSED[:-1],
            f"encoder.path={source}",
            "cache.mode=on",
            f"optimizer.lr={0.01 if encoded else 0.02}",
        ]
        assert frostline(*overrides, f"hydra.run.dir=third-{source}-{encoded}").status == 0
        cost = read_json(Path(f"third-{source}-{encoded}") / "result.json")["cost"]
        assert (cost["texts_encoded"] > 0) == encoded, source


def test_a_fused_sweep_on_an_adapted_encoder_gives_the_results_of_single_runs(frostline: Command) -> None:
    assert frostline(*SMALL, "freezing=full", FIRST).status == 0
    said = frostline("-m", "hydra/launcher=fused", *REUSED, "seed=1,2", "study=fused")
    assert said.status == 0, said.err
    fused = fused_sweeps.results("fused")
    assert len(fused) == 2
    assert {read_json(run / "environment.json")["together"] for run in fused.values()} == {2}
    assert frostline(*REUSED, "seed=2", "study=fused", "hydra.run.dir=single").status == 0
    single = read_json(Path("single/result.json"))
    fused_sweeps.assert_equals_single_run(fused[single["id"]], Path("single"))


def test_a_run_on_an_adapted_encoder_is_repeated_from_its_record(frostline: Command) -> None:
    assert frostline(*SMALL, "freezing=full", FIRST).status == 0
    overrides = [*REUSED[:5], "freezing=direct", "encoder=run", "encoder.path=first", "head=run", "head.path=first"]
    assert frostline(*overrides, "hydra.run.dir=second").status == 0
    said = frostline("reproduce", "second")
    assert said.status == 0, said.out + said.err
    assert frostline(*SMALL, "seed=7", "freezing=full", "hydra.run.dir=other").status == 0
    Path("first/checkpoints/best.safetensors").write_bytes(Path("other/checkpoints/best.safetensors").read_bytes())
    again = frostline(*overrides, "hydra.run.dir=second")
    assert again.status == 2
    assert "'first' has changed" in again.err


def test_an_encoder_of_a_user_is_reused_and_its_code_is_part_of_the_id(frostline: Command, tmp_path: Path) -> None:
    (tmp_path / "letterlab.py").write_text(LETTERS)
    (tmp_path / "conf" / "encoder").mkdir(parents=True)
    (tmp_path / "conf" / "encoder" / "letters.yaml").write_text("# Letters\n_target_: letterlab.Letters\nwidth: 8\n")
    own = ["--config-dir", "conf", *SMALL]
    assert frostline(*own, "freezing=full", "encoder=letters", "optimizer.lr=0.01", FIRST).status == 0
    reused = ["--config-dir", "conf", *SMALL, "freezing=direct", "encoder=run", "encoder.path=first", "head=run"]
    said = frostline(*reused, "head.path=first", "hydra.run.dir=second")
    assert said.status == 0, said.err
    first, second = (read_json(Path(name) / "result.json")["metrics"] for name in ("first", "second"))
    assert first["test/f1_macro"] == second["test/f1_macro"]
    assert first["test/loss"] == second["test/loss"]
    (tmp_path / "letterlab.py").write_text(LETTERS.replace("torch.tanh", "torch.sin"))
    words = ["check", *reused, "head.path=first"]
    done = subprocess.run([sys.executable, "-m", "frostline", *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert "encoder.path: module letterlab, or one that it imports, has changed since the run in 'first'" in done.stderr

"""A run of another environment: done again in the present one, and in its own, made anew from the record.

Seen with transformers 5.0.0 against 5.24.0, torch 2.13.0 in both, x86_64: bert_tiny, minilm and distilbert_cased gave
equal bits when they were trained, smollm2 at rest did, too; a small Gemma 2 gave weights up to 1.6e-06 apart (what in
transformers does it was not looked for), and equal bits again with the recorded versions. To make an environment takes
two to three minutes.

Tests frostline.reproduce.virtual_environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import torch
from transformers import AutoModel, Gemma2Config

from command_line import Command, in_process
from frostline.data.datasets.vader import Vader
from frostline.results.atomic_files import read_json

frostline = in_process
pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(3600)]
HOUSE = Path(__file__).resolve().parents[2]
OLDER = "5.0.0"  # the first that pyproject.toml allows
WITH_IT = ("transformers", "tokenizers", "huggingface_hub")  # which have to be older, too
SMALL = [f"dataset.{size}" for size in ("max_train=96", "max_val=48", "max_test=64", "max_length=16")]
RUN = [*SMALL, "trainer.max_epochs=2", "logger=csv", "freezing=full", "hydra.run.dir=runs/record"]


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The python of an environment that pip has made, with all pins but those of transformers."""
    folder = tmp_path_factory.mktemp("older")
    pins = (HOUSE / "constraints.txt").read_text().splitlines()
    (folder / "pins").write_text("\n".join(pin for pin in pins if pin.partition("==")[0] not in WITH_IT))
    needed = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]["dependencies"]
    (folder / "needed").write_text("\n".join([*needed, f"transformers=={OLDER}"]))
    subprocess.run([sys.executable, "-m", "venv", folder / "made"], check=True)
    pip = [folder / "made/bin/python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "-c", folder / "pins", "-r", folder / "needed"], check=True)
    return folder / "made/bin/python"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is made anew is there for all tests of this module, and for no other run of this user's."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", str(cache))


@pytest.fixture
def gemma(plain: list[str]) -> list[str]:
    """Two layers of random weights, which read what bert_tiny's tokenizer writes."""
    torch.manual_seed(0)
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
    sizes = {"vocab_size": 30522, "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 128}
    limits = {"max_position_embeddings": 64, "sliding_window": 8, "pad_token_id": 0}
    AutoModel.from_config(Gemma2Config(**sizes, **heads, **limits)).save_pretrained("plain")
    return plain


def recorded(python: Path, *words: str) -> Path:
    """A run of another environment."""
    environ = os.environ | {"PYTHONPATH": str(HOUSE / "src"), "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    done = subprocess.run([python, "-m", "frostline", *RUN, *words], env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Path("runs/record")


def test_an_older_transformers_is_named_and_its_environment_gives_equal_bits(
    frostline: Command, older: Path, gemma: list[str]
) -> None:
    record = recorded(older, *gemma)
    present = frostline("reproduce", str(record))
    lines = present.out.splitlines()
    assert (present.status, lines[-1]) == (0, "record: within 0.0001"), present.err
    versions = [read_json(run / "environment.json")["packages"] for run in (record, Path("reproduced/record"))]
    assert versions[0]["transformers"] == OLDER != versions[1]["transformers"]
    named = f"likely reason: another version of transformers ({OLDER} | {versions[1]['transformers']})"
    assert named in lines

    again = frostline("reproduce", str(record), "--environment", "recorded")
    assert again.out.splitlines()[-1] == "record: equal to the bit", again.out
    versions += [read_json(Path("reproduced/record-2/environment.json"))["packages"]]
    assert versions[2] == versions[0]


def test_texts_that_changed_are_refused_in_either_environment_and_named(frostline: Command, older: Path) -> None:
    words = ["dataset=table", "dataset.train=mine.csv"]
    mine(400)
    record = recorded(older, *words)
    mine(401)
    for environment in ("present", "recorded"):
        said = frostline("reproduce", str(record), "--environment", environment)
        assert said.status == 2
        assert any(line.startswith("dataset: the texts are not those of the record") for line in said.problems())
    frostline(*RUN, *words, "hydra.run.dir=runs/other")
    lines = frostline("diff", str(record), "runs/other").out.splitlines()
    [reason] = [line for line in lines if line.startswith("likely reason: ")]
    assert reason.startswith("likely reason: other data (fingerprint: ")
    assert any(line.startswith(f"also recorded: another version of transformers ({OLDER} | ") for line in lines)


def mine(count: int) -> None:
    raw = Vader("movies").load().train
    pd.DataFrame({"text": raw.texts[:count], "label": raw.labels[:count]}).to_csv("mine.csv", index=False)

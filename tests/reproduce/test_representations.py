"""Tests of frostline vectors, against plain transformers with the weights of the checkpoint."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from pyarrow import parquet
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from command_line import Command, in_process
from conftest import Go
from frostline.data.build import load_corpus
from frostline.data.datasets.vader import Vader
from frostline.models.encoders.auto_model import locate_checkpoint
from frostline.reproduce.representations import Representations, embed, tsne, write_embeddings
from frostline.training.build import build

frostline = in_process
LENGTH = 24
SMALL = [f"dataset.{size}" for size in ("max_train=96", "max_val=48", "max_test=80", f"max_length={LENGTH}")]
RUN = [*SMALL, "trainer.max_epochs=2"]


def config_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((folder / "config.yaml").read_text())
    return found


def transformers_embeddings(folder: Path, trained: bool) -> tuple[list[int], np.ndarray]:
    """Return labels and mean token states (N, D) of the test texts, encoded one by one.

    trained: with the weights of the checkpoint.
    """
    config = config_of(folder)
    checkpoint = locate_checkpoint(config["encoder"]["name"], config["encoder"]["pin"])
    model = AutoModel.from_pretrained(checkpoint, add_pooling_layer=False, dtype=torch.float32).eval()
    if trained:
        saved = load_file(folder / "checkpoints/best.safetensors")
        weights = {name.replace("encoder.emb", "emb"): value for name, value in saved.items() if name[:4] != "head"}
        model.load_state_dict(weights)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    test = load_corpus(config["dataset"]).test
    with torch.no_grad():
        rows = [tokenizer(text, truncation=True, max_length=LENGTH, return_tensors="pt") for text in test.texts]
        vectors = [model(**row).last_hidden_state[0].mean(dim=0).numpy() for row in rows]
    return test.labels, np.stack(vectors)


def read(folder: Path) -> dict[str, Any]:
    table = parquet.read_table(folder / "vectors.parquet")
    plain = {name: table[name].to_numpy() for name in ("id", "label")}
    lists = [name for name in table.column_names if name not in plain]
    return plain | {name: np.stack(table[name].to_pylist()).astype(np.float32) for name in lists}


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {str(f): (f.stat().st_mtime_ns, f.read_bytes()) for f in sorted(folder.rglob("*")) if f.is_file()}


def test_before_and_after_are_those_of_plain_transformers(go: Go, frostline: Command) -> None:
    folder = go(*RUN, "freezing=full")["folder"]
    before_command = files(folder)
    said = frostline("vectors", str(folder))
    assert said.status == 0, said.err
    assert said.out.splitlines()[-1] == f"{folder}/vectors.parquet: 80 test texts, before and after"
    found = read(folder)
    labels, before = transformers_embeddings(folder, trained=False)
    assert found["id"].tolist() == list(range(80))
    assert found["label"].tolist() == labels
    assert np.abs(found["before"] - before).max() < 1e-5
    assert np.abs(found["after"] - transformers_embeddings(folder, trained=True)[1]).max() < 1e-5
    assert np.abs(found["after"] - before).max() > 0.01
    assert found["tsne_after"].shape == (80, 2)

    after_command = files(folder)
    assert {
        name: after_command[name] for name in after_command if not name.endswith("vectors.parquet")
    } == before_command
    assert frostline("vectors", str(folder)).out.splitlines() == [f"{folder}/vectors.parquet: exists already"]
    assert files(folder) == after_command


@pytest.mark.parametrize("words", [["freezing=frozen"], ["freezing=direct"], ["freezing=frozen", "head=prototype"]])
def test_a_frozen_encoder_has_equal_embeddings_before_and_after(go: Go, frostline: Command, words: list[str]) -> None:
    folder = go(*RUN, *words)["folder"]
    said = frostline("vectors", str(folder))
    assert said.out.splitlines()[-1].endswith("80 test texts, the same before and after: the encoder was frozen"), (
        said.err
    )
    found = read(folder)
    assert np.array_equal(found["before"], found["after"])
    assert np.array_equal(found["tsne_before"], found["tsne_after"])
    assert np.abs(found["before"] - transformers_embeddings(folder, trained=False)[1]).max() < 1e-5


def test_cached_embeddings_are_not_computed_again(go: Go) -> None:
    config = config_of(go(*RUN, "freezing=frozen")["folder"])
    built = build(config)
    found = embed(built, config, {})
    assert built.model.texts_encoded == 0
    config["cache"]["mode"] = "off"
    built = build(config)
    assert np.allclose(embed(built, config, {}).before, found.before, atol=1e-6)
    assert built.model.texts_encoded == 80


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["adapter=lora", "freezing=full"],
        ["adapter=prompt", "freezing=full"],
        ["pooler=attention", "freezing=frozen"],
        ["pooler=layer_mix", "freezing=top_k"],
        ["averaging=wise_ft", "freezing=full"],
        ["freezing=lp_ft", "freezing.probe_epochs=1"],
        ["recipe=setfit"],
        ["encoder=scratch", "freezing=full"],
        ["encoder=smollm2", "head=likelihood", "freezing=direct"],
    ],
)
def test_every_kind_of_run_has_embeddings(go: Go, frostline: Command, words: list[str]) -> None:
    folder = go(*RUN, *words)["folder"]
    said = frostline("vectors", str(folder))
    assert said.status == 0, said.err
    found = read(folder)
    change = np.abs(found["after"] - found["before"]).max()
    assert (change == 0) == ("the encoder was frozen" in said.out)
    assert np.isfinite(found["after"]).all()


def mine(count: int) -> None:
    raw = Vader("movies").load().train
    pd.DataFrame({"text": raw.texts[:count], "label": raw.labels[:count]}).to_csv("mine.csv", index=False)


def test_all_failing_runs_are_reported_together_and_the_others_are_written(go: Go, frostline: Command) -> None:
    mine(200)
    table = go(*RUN, "freezing=frozen", "dataset=table", "dataset.train=mine.csv")["folder"]
    good = go(*RUN, "freezing=frozen")["folder"]
    bare = Path("bare").absolute()
    shutil.copytree(good, bare)
    (bare / "checkpoints/best.safetensors").unlink()
    mine(201)
    said = frostline("vectors", str(table), str(bare), str(good))
    assert said.status == 2
    first, second = said.problems()
    assert first.startswith(f"{table}: dataset: the texts are not those of the record (fingerprint ")
    assert second == f"{bare}: best.safetensors: does not exist; copy the checkpoints of the run, too"
    assert (good / "vectors.parquet").exists() and not (table / "vectors.parquet").exists()


def test_bad_input(frostline: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert frostline("vectors").problems() == ["vectors: names no run; give its folder"]
    assert frostline("vectors", "nowhere").problems() == ["nowhere: is no folder; give that of a run"]
    Path("run").mkdir()
    for name in ("config.yaml", "environment.json", "result.json"):
        Path("run", name).write_text("{}")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    said = frostline("vectors", "run")
    problem = "scikit-learn: is not installed, but t-SNE needs it; pip install 'frostline[report]'"
    assert (said.status, said.problems()) == (2, [problem])


def test_a_multi_label_text_has_the_list_of_its_classes() -> None:
    vectors = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    labels = [[1, 0, 1], [0, 0, 0], [0, 1, 0], [1, 1, 1]]
    write_embeddings(Path("vectors.parquet"), Representations(np.arange(4), labels, vectors, vectors, frozen=True))
    assert parquet.read_table("vectors.parquet")["label"].to_pylist() == [[0, 2], [], [1], [0, 1, 2]]


def test_t_sne_is_deterministic_and_preserves_clusters() -> None:
    rng = np.random.default_rng(0)
    far = np.repeat([[0.0], [50.0]], 30, axis=0)
    vectors = (rng.normal(size=(60, 10)) + far).astype(np.float32)
    points = tsne(vectors)
    assert np.array_equal(points, tsne(vectors))
    distance = np.linalg.norm(points[:, None] - points, axis=-1) + np.diag(np.full(60, np.inf))
    assert (distance.argmin(axis=1) // 30 == np.arange(60) // 30).all()
    assert np.isfinite(tsne(np.ones((4, 3), np.float32))).all()

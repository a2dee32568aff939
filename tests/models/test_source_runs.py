"""Encoders and heads that are taken from complete runs: equal scores, a linear probe by hand, chains, and refusals.

The modules are frostline.models.encoders.run, frostline.models.heads.run, frostline.models.source_runs and
frostline.config.checks.reused_parts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression

from frostline.config import jobs as command
from frostline.data.build import load_corpus
from frostline.errors import UserError
from frostline.instantiate import make
from frostline.models.source_runs import read_config
from frostline.models.trained import load_trained
from frostline.results.atomic_files import read_json
from frostline.results.folder import RunFolder

Go = Callable[..., dict[str, Any]]
SMALL = ("dataset=table", "dataset.train=texts.csv", "trainer.min_steps=null")
TOPICS = {"sport": "the team won match {}", "food": "soup {} was too salty", "travel": "train {} left at noon"}


def write_texts(name: str, topics: dict[str, str]) -> None:
    rows = [f"{topic},{text.format(number)}\n" for number in range(30) for topic, text in topics.items()]
    Path(name).write_text("label,text\n" + "".join(rows))


@pytest.fixture(autouse=True)
def texts() -> None:
    """Write texts.csv with three classes."""
    write_texts("texts.csv", TOPICS)


def again(folder: Path) -> tuple[str, ...]:
    """Return the overrides of a run with the encoder and the head of another one, in which nothing is trained."""
    return "freezing=direct", "encoder=run", f"encoder.path={folder}", "head=run", f"head.path={folder}"


def scores(result: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in result["metrics"].items() if name.startswith("test/")}


@pytest.mark.parametrize(
    ("overrides", "pooler"),
    [
        (("freezing=full", "trainer.max_epochs=3"), ()),
        (("freezing=frozen", "head=logistic", "pooler=cls"), ("pooler=cls",)),
        (("freezing=direct", "head=label_similarity"), ()),
        (("freezing=frozen", "head=knn", "head.k=2"), ()),
    ],
    ids=" ".join,
)
def test_encoder_and_head_of_a_run_give_its_scores(go: Go, overrides: tuple[str, ...], pooler: tuple[str, ...]) -> None:
    first = go(*SMALL, *overrides)
    second = go(*SMALL, *again(first["folder"]), *pooler)
    assert scores(first)
    assert scores(second) == scores(first)
    third = go(*SMALL, *again(second["folder"]), *pooler)
    assert scores(third) == scores(first)
    [role] = {"head"} & read_json(RunFolder(third["folder"]).environment)["sources"].keys()
    source = read_json(RunFolder(third["folder"]).environment)["sources"][role]
    assert (source["id"], source["sources"][role]["id"]) == (second["id"], first["id"])
    assert len(source["checkpoint"]) == len(source["encoder"]) == 64


@pytest.mark.parametrize("adapter", ["lora", "dora", "ia3"])
def test_a_merged_adapter_changes_the_states_by_rounding_alone(go: Go, adapter: str) -> None:
    overrides = ("freezing=full", f"adapter={adapter}", "optimizer.lr=0.01", "trainer.max_epochs=1")
    first = go(*SMALL, *overrides)
    trained = load_trained(RunFolder(first["folder"]))
    encoder = make({"_target_": "frostline.models.encoders.run.EncoderOfRun", "path": str(first["folder"])}).eval()
    begun = make(read_config(RunFolder(first["folder"]))["encoder"]).eval()
    assert [name for name, _ in encoder.named_parameters()] == [name for name, _ in begun.named_parameters()]
    ids = torch.tensor(encoder.tokenize(["the team won a match"], 16))
    with torch.no_grad():
        states = [part(ids, torch.ones_like(ids)) for part in (encoder, trained.model.encoder, begun)]
    np.testing.assert_allclose(states[0], states[1], atol=1e-5)
    assert float((states[0] - states[2]).abs().max()) > 1e-3
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    second = go(*SMALL, "encoder=run", f"encoder.path={first['folder']}", "adapter=lora", "trainer.max_epochs=1")
    assert second["metrics"].keys() == first["metrics"].keys()


def test_a_linear_probe_on_an_adapted_encoder_is_that_of_scikit_learn(go: Go) -> None:
    first = go(*SMALL, "freezing=full", "trainer.max_epochs=1")
    run = go(*SMALL, "freezing=frozen", "head=logistic", "encoder=run", f"encoder.path={first['folder']}")
    corpus = load_corpus(read_config(RunFolder(first["folder"]))["dataset"])
    model = load_trained(RunFolder(first["folder"])).model

    def vectors(split: Any) -> np.ndarray:
        encoder: Any = model.encoder
        rows = [torch.tensor(encoder.tokenize([text], 128)) for text in split.texts]
        with torch.no_grad():
            return np.concatenate([model.vectors(row, torch.ones_like(row)).numpy() for row in rows])

    settings = read_config(RunFolder(run["folder"]))["head"]
    train = vectors(corpus.train)
    mean, std = (train.mean(0), train.std(0)) if settings.get("standardize") else (0.0, 1.0)
    probe = LogisticRegression(C=settings["C"], tol=1e-8, max_iter=10_000).fit(
        (train - mean) / std, corpus.train.labels
    )
    expected = probe.predict_proba((vectors(corpus.test) - mean) / std)
    probabilities = load_trained(RunFolder(run["folder"])).probabilities
    trained = load_trained(RunFolder(run["folder"])).model
    logits = trained.head(torch.from_numpy(vectors(corpus.test)))
    np.testing.assert_allclose(probabilities(logits).detach(), expected, atol=1e-4)


def test_an_adapted_encoder_is_trained_further_from_its_weights(go: Go) -> None:
    first = go(*SMALL, "freezing=full", "trainer.max_epochs=1")
    second = go(*SMALL, "freezing=top_k", "freezing.k=1", "encoder=run", f"encoder.path={first['folder']}")
    before, after = (load_trained(RunFolder(result["folder"])).model.encoder for result in (first, second))
    weights = after.state_dict()
    changed = {name for name, value in before.state_dict().items() if not torch.equal(value, weights[name])}
    assert changed
    assert all(".layer.1." in name for name in changed)


def problems(*overrides: str) -> list[str]:
    with pytest.raises(UserError) as raised:
        command.jobs_of_command([*SMALL, *overrides])
    return [str(problem) for problem in raised.value.problems]


@pytest.fixture
def run(go: Go) -> Path:
    folder: Path = go(*SMALL, "freezing=frozen", "trainer.max_epochs=1")["folder"]
    return folder


def test_runs_that_cannot_be_used_are_refused_before_anything_is_loaded(run: Path, go: Go) -> None:
    assert "is not a folder" in problems("encoder=run", "encoder.path=nowhere")[0]
    assert "is missing" in problems("head=run")[0]
    both = problems("encoder=run", "encoder.path=nowhere", "head=run", "head.path=nowhere")
    assert [line.split(":")[0] for line in both] == ["encoder.path", "head.path"]
    both = problems("encoder=run", "encoder.path=nowhere", "head.droput=0.1")
    assert sorted(line.split(":")[0] for line in both) == ["encoder.path", "head.droput"]
    [wide] = problems("encoder=minilm", "head=run", f"head.path={run}")
    assert "width 128" in wide
    assert "width 384" in wide
    assert "mean" in problems("pooler=cls", "head=run", f"head.path={run}")[0]
    write_texts("other.csv", {"sport": TOPICS["sport"], "money": "shares fell by {} points"})
    with pytest.raises(UserError, match=r"classes food, sport, travel, and the data has money, sport"):
        go(*SMALL, "dataset.train=other.csv", "head=run", f"head.path={run}")
    fitted = go(*SMALL, "freezing=frozen", "head=logistic")["folder"]
    assert "freezing=direct" in problems("freezing=frozen", "head=run", f"head.path={fitted}")[0]
    prefix = go(*SMALL, "freezing=full", "adapter=prefix", "trainer.max_epochs=1")["folder"]
    assert "Prefix, which cannot be merged" in problems("encoder=run", f"encoder.path={prefix}")[0]
    RunFolder(run).best.unlink()
    assert "has no best.safetensors" in problems("encoder=run", f"encoder.path={run}")[0]
    Path("adapted").mkdir()
    Path("adapted/config.json").write_text("{}")
    assert "encoder=hub encoder.name=adapted" in problems("encoder=run", "encoder.path=adapted")[0]
    RunFolder(run).best.touch()
    RunFolder(run).environment.write_text("{")
    assert "cannot be read" in problems("encoder=run", f"encoder.path={run}")[0]
    RunFolder(run).result.unlink()
    [unfinished] = problems("encoder=run", f"encoder.path={run}")
    assert "no complete run" in unfinished
    assert "start its command again" in unfinished


def test_other_weights_in_the_same_folder_make_another_run(run: Path) -> None:
    shutil.copytree(run, "source")
    overrides = (*SMALL, "encoder=run", "encoder.path=source", "seed=2")

    def identity() -> str:
        [job] = command.jobs_of_command(list(overrides))
        return job.id

    first = identity()
    Path("source/vectors.parquet").write_text("what a later command writes")
    assert identity() == first
    weights = load_file("source/checkpoints/best.safetensors")
    name = next(iter(weights))
    save_file(weights | {name: weights[name] + 1e-3}, "source/checkpoints/best.safetensors")
    assert identity() != first


def test_logits_are_in_the_order_of_the_classes_of_the_data(run: Path) -> None:
    config = {"_target_": "frostline.models.heads.run.HeadOfRun", "path": str(run)}
    vectors = torch.randn(5, 128, generator=torch.Generator().manual_seed(0))
    names = read_json(run / "result.json")["classes"]
    straight, turned = (
        make(config, width=128, names=order, encoder=None, multi_label=False).eval() for order in (names, names[::-1])
    )
    assert torch.equal(straight(vectors).flip(1), turned(vectors))
    assert [name for name, _ in turned.named_parameters()] == [name for name, _ in straight.named_parameters()]


def test_seeds_on_an_adapted_encoder_are_trained_together(run: Path) -> None:
    from frostline.config.fusable import fusable_groups

    overrides = [*SMALL, "freezing=frozen", "encoder=run", f"encoder.path={run}"]
    jobs = [command.jobs_of_command([*overrides, f"seed={seed}"])[0] for seed in (1, 2)]
    [group] = fusable_groups([job.config for job in jobs])
    assert (group.indices, group.reason) == ([0, 1], None)


def test_a_folder_that_has_become_part_of_its_own_chain_is_refused(run: Path) -> None:
    folder = RunFolder(run)
    config = json.loads(json.dumps(read_config(folder)))
    config["encoder"] = {"_target_": "frostline.models.encoders.run.EncoderOfRun", "path": str(run)}
    folder.config.write_text(json.dumps(config))
    assert "from itself" in problems("encoder=run", f"encoder.path={run}")[0]

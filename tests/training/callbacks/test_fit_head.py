"""Closed-form heads, and encoders trained on pairs of texts, in whole runs."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn

from command_line import Command, in_process
from frostline.data.pairs import pair_batches
from frostline.errors import UserError
from frostline.results.atomic_files import read_json
from frostline.seeding import derive_seed
from frostline.training.callbacks.fit_head import fitted_values
from frostline.training.losses.contrastive import Contrastive
from prepared_run import prepared_run, trained_run
from reference_loop import BATCH, SEED, ByHand, assert_same, few_texts
from runs import place

frostline = in_process
Go = Callable[..., dict[str, Any]]
D = 128  # of bert_tiny
TUNED = ["freezing=full", "loss=contrastive", "head=logistic", "trainer.max_epochs=5"]


def test_a_closed_form_head_has_no_epochs_and_reads_each_text_once(go: Go) -> None:
    result = go("freezing=frozen", "head=logistic", *few_texts(100))
    assert result["phases"] == [] and result["best"]["epoch"] is None
    assert result["cost"]["texts_encoded"] == 100, "train, validation and test"
    assert result["parameters"]["ever_trainable"] == 2 * (D + 1), "the coefficients that were solved for"
    assert result["metrics"]["val/accuracy"] > 0.5


def test_a_closed_form_head_equals_scikit_learn_s_on_the_vectors_of_the_run(job: Any) -> None:
    run_job = job("freezing=frozen", "head=logistic", *few_texts(100))
    fit = trained_run(run_job)
    scores, plain = fit.evaluate(), ByHand(run_job.config)
    exact = LogisticRegression(tol=1e-12, max_iter=9999).fit(plain.vectors().astype(float), plain.train.labels)
    weight = fit.classifier.model.head.weight.double().numpy()
    np.testing.assert_allclose(weight[1:] - weight[:1], exact.coef_, rtol=0, atol=1e-4)
    vectors = fit.vectors("test")
    expected = exact.score(vectors.numpy().astype(float), fit.built.tokens["test"].labels.numpy())
    assert scores["test/accuracy"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["head=logistic"], 2 * (D + 1)),
        (["head=prototype"], 2 * D),
        (["head=prototype", "head.standardize=true"], 4 * D),
        (["head=knn"], 70 * D),
    ],
    ids=str,
)
def test_only_fitted_values_are_counted(job: Any, words: list[str], count: int) -> None:
    """Without standardising, mean and standard deviation are the constants 0 and 1."""
    fit = trained_run(job("freezing=frozen", *words, *few_texts(100)))
    fit.evaluate()
    assert fitted_values(fit.classifier.model.head) == count


@pytest.mark.parametrize("head", ["logistic", "knn", "prototype"])
def test_a_fitted_head_is_restored_from_its_checkpoint(job: Any, go: Go, head: str) -> None:
    words = ["freezing=frozen", f"head={head}", *few_texts(100)]
    result = go(*words)
    again = prepared_run(job(*words, "study=again"))
    again.restore(load_file(Path(result["folder"]) / "checkpoints" / "best.safetensors"))
    fit = trained_run(job(*words, "study=solved"))
    fit.evaluate()
    given = torch.randn(9, D, generator=torch.Generator().manual_seed(1))
    assert torch.equal(again.classifier.model.head(given), fit.classifier.model.head(given))


@pytest.mark.parametrize("partners", ["train", "batch"])
def test_an_encoder_tuned_on_pairs_is_where_a_loop_by_hand_takes_it(
    job: Any, monkeypatch: pytest.MonkeyPatch, partners: str
) -> None:
    """At least twenty steps on the squared error of the cosines of pairs; then the head is fitted to the vectors."""
    words = ["trainer.max_epochs=3"] if partners == "train" else []
    run_job = job(*TUNED, *few_texts(100), f"loss.partners={partners}", *words)
    fit, plain, drawing = trained_run(run_job), ByHand(run_job.config), Contrastive(partners="batch")

    def pairs_of(epoch: int) -> list[Any]:
        labels, seed = list(plain.train.labels), derive_seed(SEED, "order")
        return pair_batches(labels, plain.lengths, BATCH, 1, seed, epoch)

    if partners == "train":
        monkeypatch.setattr(plain, "batches", pairs_of)

    def loss(rows: Any) -> Tensor:
        read = plain.read(rows)
        if partners == "train":
            first, second = read.mean().view(-1, 2, D).unbind(dim=1)
            cosine = nn.functional.cosine_similarity(first, second)
            return nn.functional.mse_loss(cosine, (read.labels[::2] == read.labels[1::2]).float())
        vectors = read.mean()
        same_class, other = drawing.draw_pairs(read.labels, derive_seed(SEED, "pairs", plain.step))
        terms = []
        for i in range(len(rows)):
            own = [(j, 1.0) for j in range(len(rows)) if same_class[i, j]]
            own += [(j, 0.0) for j in range(len(rows)) if other[i, j]]
            cosines = [(nn.functional.cosine_similarity(vectors[i], vectors[j], dim=0) - y) ** 2 for j, y in own]
            terms.append(sum(cosines) / max(len(cosines), 1))
        return sum(terms) / len(terms)  # type: ignore[return-value]  # not empty

    encoder = plain.encoder()
    plain.run(loss, named=encoder)
    found_weights = fit.weights()
    assert_same({name: value for name, value in found_weights.items() if name.startswith("encoder.")}, encoder)
    exact = LogisticRegression(tol=1e-12, max_iter=9999).fit(plain.vectors().astype(float), plain.train.labels)
    weight = found_weights["head.weight"].double().numpy()
    np.testing.assert_allclose(weight[1:] - weight[:1], exact.coef_, rtol=0, atol=1e-3)


def test_supervised_contrast_takes_an_encoder_where_a_loop_by_hand_does(job: Any) -> None:
    run_job = job("freezing=full", "loss=supcon", "trainer.max_epochs=5", *few_texts(100))
    fit, plain = trained_run(run_job), ByHand(run_job.config)

    def loss(rows: Any) -> Tensor:
        read = plain.read(rows)
        vectors = read.mean()
        near, alone = vectors / vectors.norm(dim=1, keepdim=True), ~torch.eye(len(rows), dtype=torch.bool)
        powers = (near @ near.T / 0.3).exp() * alone
        logs = -(powers / powers.sum(1, keepdim=True)).clamp(min=1e-30).log()
        alike = (read.labels[:, None] == read.labels) & alone
        contrast = (logs * alike).sum(1) / alike.sum(1).clamp(min=1)
        return 0.1 * nn.functional.cross_entropy(plain.head(vectors), read.labels) + 0.9 * contrast.mean()

    named = {f"head.{name}": p for name, p in plain.head.named_parameters()} | plain.encoder()
    plain.run(loss, named=named)
    assert_same(fit.weights(), named)


def test_the_best_epoch_is_selected_with_the_head_fitted_to_it(job: Any) -> None:
    """The validation score of an epoch is that of a head fitted to the vectors of that epoch."""
    fit = trained_run(job(*TUNED, *few_texts(100), "trainer.monitor=val/loss"))
    before = fit.best.values["val/loss"]
    assert fit.evaluate_split("val")["val/loss"] == pytest.approx(before)
    solved = {name: buffer.clone() for name, buffer in fit.classifier.model.head.named_buffers()}
    tokens = fit.built.tokens["train"]
    fit.classifier.model.head.fit(fit.vectors("train"), tokens.labels)
    for name, buffer in fit.classifier.model.head.named_buffers():
        torch.testing.assert_close(buffer, solved[name], rtol=0, atol=1e-4)


def test_setfit_is_one_word_and_draws_pairs_from_all_of_train(job: Any) -> None:
    config = job("recipe=setfit", "dataset.shots=8").config
    assert config["loss"]["partners"] == "train"
    assert config["loss"]["_target_"].endswith("Contrastive")
    assert config["head"]["_target_"].endswith("Logistic")
    assert job("recipe=setfit", "encoder=bert_tiny", "head=prototype").choices["head"] == "prototype"


def test_a_part_without_a_text_is_refused(go: Go) -> None:
    """All of its texts are in the test set as well."""
    lines = [f"text {i}\t{'yes' if i % 2 else 'no'}" for i in range(20)]
    Path("train.tsv").write_text("\n".join(["text\tlabel", *lines]))
    Path("test.tsv").write_text("\n".join(["text\tlabel", *(f"test {line}" for line in lines)]))
    with pytest.raises(UserError, match=r"dataset: val has no texts \(20 val_in_test were dropped\); "):
        go("dataset=table", "dataset.train=train.tsv", "dataset.val=test.tsv", "dataset.test=test.tsv")


def test_texts_without_a_partner_are_counted(go: Go, capsys: pytest.CaptureFixture[str]) -> None:
    """Two texts of 40 are the only ones of their class."""
    lines = [f"text {i}\t{'common' if i < 30 else 'other' if i < 38 else f'rare {i}'}" for i in range(40)]
    Path("train.tsv").write_text("\n".join(["text\tlabel", *lines]))
    for part in ("val", "test"):
        Path(f"{part}.tsv").write_text("\n".join(["text\tlabel", *(f"{part} {line}" for line in lines)]))
    words = ["dataset=table", "dataset.train=train.tsv", "dataset.val=val.tsv", "dataset.test=test.tsv"]
    words = [*words, "trainer=cpu", "trainer.max_epochs=1", "dataset.batch_size=4"]
    go(*TUNED[:3], *words)
    assert "loss: 2 of 40 training texts are the only ones of their class and have no " in capsys.readouterr().err
    go(*SUPCON, *words)
    assert re.search(r"loss: \d\d% of the training texts have another text of their class", capsys.readouterr().err)


@pytest.fixture
def plain_encoder(plain: list[str]) -> list[str]:
    return [*plain, "optimizer=sgd", "trainer.accelerator=cpu"]


SUPCON = ["freezing=full", "loss=supcon"]
IN_BATCH = [*TUNED, "loss.partners=batch"]
KNN = ["freezing=frozen", "head=knn", "head.k=3"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [TUNED, IN_BATCH, SUPCON, KNN], ids=["pairs", "in batch", "supcon", "solved once"])
def test_two_ranks_compare_all_texts_of_a_batch_as_one_does(
    frostline: Command, plain_encoder: list[str], words: list[str]
) -> None:
    """The last batch of an epoch has one text, so one rank has none: the row that fills its share is no partner."""
    few = few_texts(93)  # 65 of them train
    common = [*words, *few, *plain_encoder, "trainer.max_epochs=2", "logger=csv", "dataset.batch_size=8"]
    for ranks, trainer in ((1, "cpu"), (2, "ddp")):
        run = [f"trainer={trainer}", f"trainer.devices={ranks}", f"hydra.run.dir=on{ranks}"]
        said = frostline(*common, *run)
        assert said.status == 0, said.err
        assert "Traceback" not in said.err
    assert read_json(place("on2").environment)["data"]["texts"]["train"] % 8 == 1
    one, two = (load_file(place(f"on{ranks}").best) for ranks in (1, 2))
    assert one.keys() == two.keys()
    assert max(float((one[name].float() - two[name].float()).abs().max()) for name in one) < 1e-5

"""head=transformers: the layers of AutoModelForSequenceClassification, trained and applied as that class does it.

Tests frostline.models.encoders.classification_head and frostline.models.encoders.sequence_classifier.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import transformers as hf
from torch import Tensor, nn

import family_folders
import family_table
from command_line import Command, in_process
from frostline.config.fusable import reason_against_fusing
from frostline.data.batches import training_order
from frostline.data.build import load_corpus
from frostline.errors import UserError
from frostline.export.load import load_model
from frostline.export.predictor import Predictor
from frostline.instantiate import make
from frostline.models.encoders import classifier_probe
from frostline.models.encoders.auto_model import locate_checkpoint
from frostline.models.encoders.pretrained import Pretrained
from frostline.models.heads.transformers_head import TransformersHead
from frostline.seeding import derive_seed
from prepared_run import PreparedRun, prepared_run, trained_run
from reference_loop import BATCH, DECAY, EPOCHS, FEW, LAST, SEED, WARMUP, assert_same, few_texts

frostline = in_process
HEAD = "head=transformers"
NAMES = ["a", "b", "c"]
TEXTS = ["w1 w2 w3", "w9 w8 w7 w6 w5 w4 w3 w2 w1", "w30"]
ROWS = {row[0]: row for row in family_table.page_rows(family_table.HEADS_RULE)}
QUICK = ["BERT", "Llama", "XLNet"]
Go = Callable[..., dict[str, Any]]


def slow_but(quick: list[str], families: list[str]) -> list[Any]:
    return [family if family in quick else pytest.param(family, marks=pytest.mark.slow) for family in families]


ACCEPTED = slow_but(QUICK, [family for family, row in ROWS.items() if row[1] == "accepted"])
REFUSED = slow_but(["T5", "Longformer", "Mamba"], [family for family, row in ROWS.items() if row[1] == "refused"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return the folder of a checkpoint of a family. What is recorded of checkpoints begins empty."""
    hf.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    hf.utils.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path / "cache"))

    def saved(family: str) -> Path:
        path = tmp_path / f"model of {family}"
        return path if path.is_dir() else family_folders.save(family, path)

    return saved


def from_transformers(folder: Path | str, classes: int, seed: int = 1) -> Any:
    """Return the class of transformers, with the seed that a run gives its head."""
    torch.manual_seed(seed)
    options = {"num_labels": classes, "dtype": torch.float32, "ignore_mismatched_sizes": True}
    return hf.AutoModelForSequenceClassification.from_pretrained(folder, **options).eval()


def head_of(encoder: Pretrained, seed: int = 1, **options: Any) -> TransformersHead:
    torch.manual_seed(seed)
    return TransformersHead(NAMES, encoder, **options).eval()


def larger_weights(head: nn.Module) -> None:
    """Replace matrices by larger random values, as initial ones give all texts almost the same logits."""
    torch.manual_seed(2)
    for parameter in head.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter)


def batch(encoder: Pretrained, texts: list[str], side: str = "right") -> dict[str, Tensor]:
    """Return the inputs of the class for texts, padded on a side."""
    rows = [torch.tensor(row) for row in encoder.tokenize(texts, 60)]
    pad = partial(nn.utils.rnn.pad_sequence, batch_first=True, padding_side=side)
    ids, mask = pad(rows, padding_value=encoder.pad_id), pad([torch.ones_like(row) for row in rows])
    return {"input_ids": ids, "attention_mask": mask, **encoder.token_type_inputs(ids, mask)}


@torch.no_grad()
def logits_of(head: TransformersHead, encoder: Pretrained, texts: list[str]) -> Tensor:
    inputs = batch(encoder, texts)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    return head.forward_states(encoder(ids, mask), ids, mask)


# Families


@pytest.mark.parametrize("family", ACCEPTED)
def test_weights_and_logits_are_those_of_the_class_of_transformers(
    family: str, folder: Callable[[str], Path], tmp_path: Path
) -> None:
    encoder = Pretrained(str(folder(family))).eval()
    head, expected = head_of(encoder), from_transformers(folder(family), len(NAMES))
    assert [family, "accepted", type(expected).__name__, head.padding_side] == ROWS[family]
    assert type(head.model).__mro__[1] is type(expected)
    initial = expected.state_dict()
    assert all(torch.equal(value, initial[name]) for name, value in head.model.state_dict().items())

    larger_weights(head)
    expected.load_state_dict(initial | head.model.state_dict())
    expected.config.pad_token_id = head.model.config.pad_token_id
    exported = head.to_sequence_classifier(encoder)
    exported.save_pretrained(tmp_path / "exported")
    reloaded = hf.AutoModelForSequenceClassification.from_pretrained(tmp_path / "exported").eval()
    assert type(exported) is type(reloaded) is type(expected)
    assert reloaded.config.id2label == dict(enumerate(NAMES))
    assert reloaded.config.label2id == {name: index for index, name in enumerate(NAMES)}

    together = logits_of(head, encoder, TEXTS)
    assert float(together.std(dim=0).min()) > 1e-4, "the texts have different logits"
    alone = [batch(encoder, [text]) for text in TEXTS]
    with torch.no_grad():
        for model in (expected, exported, reloaded):
            singly = torch.cat([model(**inputs).logits for inputs in alone])
            torch.testing.assert_close(together, singly, atol=1e-5, rtol=1e-5)
            at_once = model(**batch(encoder, TEXTS, head.padding_side)).logits
            torch.testing.assert_close(together, at_once, atol=1e-5, rtol=1e-5)
    for text, logits in zip(TEXTS, together, strict=True):
        torch.testing.assert_close(logits_of(head, encoder, [text])[0], logits, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", ACCEPTED)
def test_every_parameter_is_trained_and_has_the_name_and_shape_that_a_plan_has(
    family: str, folder: Callable[[str], Path]
) -> None:
    name = str(folder(family))
    encoder, shapes = Pretrained(name).eval(), Pretrained(name, weights=False)
    head, planned = head_of(encoder), TransformersHead(NAMES, shapes)
    assert {n: p.shape for n, p in head.named_parameters()} == {n: p.shape for n, p in planned.named_parameters()}
    larger_weights(head)
    inputs = batch(encoder, TEXTS)
    states = encoder(inputs["input_ids"], inputs["attention_mask"]).detach().requires_grad_()
    logits = head.forward_states(states, inputs["input_ids"], inputs["attention_mask"])
    nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()
    for value in [*head.parameters(), states]:
        assert value.grad is not None and bool(value.grad.any())
    assert not bool(states.grad[inputs["attention_mask"] == 0].any()), "padding has no influence"


@pytest.mark.parametrize("family", REFUSED)
def test_a_family_without_such_layers_is_refused_by_name(family: str, folder: Callable[[str], Path]) -> None:
    encoder = Pretrained(str(folder(family)))
    with pytest.raises(UserError) as error:
        head_of(encoder)
    (problem,) = error.value.problems
    assert (problem.key, [family, "refused", problem.what, ""]) == ("head", ROWS[family])
    assert problem.do == "choose another head, such as head=linear"


def test_the_table_has_every_family_that_is_accepted_as_an_encoder() -> None:
    assert list(ROWS) == [row[0] for row in family_table.page_rows() if row[1] == "accepted"]
    assert len(ACCEPTED) + len(REFUSED) == len(ROWS)


def test_a_class_that_does_more_than_to_apply_layers_is_found(
    folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = Pretrained(str(folder("BERT"))).eval()
    plain = classifier_probe._full_logits
    monkeypatch.setattr(classifier_probe, "_full_logits", lambda *args: plain(*args) * 1.001)
    with pytest.raises(UserError, match="BertForSequenceClassification does more than to apply its layers"):
        head_of(encoder)


# Weights and tokens


def test_the_output_layer_of_a_checkpoint_is_sorted_by_the_names_of_the_classes(
    tmp_path: Path, folder: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    saved = folder("BERT")
    trained = from_transformers(saved, len(NAMES))
    larger_weights(trained.classifier)
    trained.config.id2label = {0: "C", 1: "A", 2: "B"}
    trained.save_pretrained(saved)
    encoder = Pretrained(str(saved)).eval()
    with torch.no_grad():
        expected = trained(**batch(encoder, TEXTS)).logits
    torch.testing.assert_close(logits_of(head_of(encoder), encoder, TEXTS), expected[:, [1, 2, 0]])
    said = capsys.readouterr().err
    assert "initialised: none; its output layer was trained for the classes C, A, B" in said
    other = TransformersHead(["x", "y", "z"], encoder).eval()
    torch.testing.assert_close(logits_of(other, encoder, TEXTS), expected)
    assert "initialised: none; its output layer" in capsys.readouterr().err
    TransformersHead(["a", "b"], encoder)
    assert "initialised: classifier.bias, classifier.weight\n" in capsys.readouterr().err


def test_the_last_token_is_the_one_before_the_padding_of_the_tokenizer(
    tmp_path: Path, folder: Callable[[str], Path]
) -> None:
    saved = folder("GPT-2")
    config = json.loads((saved / "config.json").read_text())
    for pad_token, expected in (("[PAD]", 0), (None, 2)):  # with none, the end of a text, as is the custom for GPT-2
        (saved / "config.json").write_text(json.dumps(config | {"pad_token_id": None}))
        tokenizer = hf.AutoTokenizer.from_pretrained(saved)
        tokenizer.pad_token, tokenizer.eos_token = pad_token, "[SEP]"
        tokenizer.save_pretrained(saved)
        encoder = Pretrained(str(saved)).eval()
        head = head_of(encoder)
        assert head.model.config.pad_token_id == expected
        larger_weights(head)
        singly = torch.cat([logits_of(head, encoder, [text]) for text in TEXTS])
        torch.testing.assert_close(logits_of(head, encoder, TEXTS), singly, atol=1e-5, rtol=1e-5)


def test_dropout_of_the_head_is_that_of_the_config_or_the_given_one(folder: Callable[[str], Path]) -> None:
    encoder = Pretrained(str(folder("BERT")))
    assert head_of(encoder).model.dropout.p == encoder.model.config.hidden_dropout_prob == 0.1
    assert head_of(encoder, dropout=0.3).model.dropout.p == 0.3
    with pytest.raises(UserError, match=r"head\.dropout: LlamaForSequenceClassification has no dropout in its head"):
        head_of(Pretrained(str(folder("Llama"))), dropout=0.1)


# Training


def trained_by_hand(config: dict[str, Any], seed: int) -> dict[str, Tensor]:
    """Return the weights of the class of transformers after training it on few.csv in plain PyTorch."""
    path = locate_checkpoint(config["encoder"]["name"], config["encoder"]["pin"])
    train = load_corpus(config["dataset"]).train
    model, tokenizer = from_transformers(path, 2, seed).train(), hf.AutoTokenizer.from_pretrained(path)
    lengths = [len(ids) for ids in tokenizer(train.texts, truncation=True, max_length=128)["input_ids"]]
    batches = [rows for e in range(EPOCHS) for rows in training_order(lengths, BATCH, derive_seed(SEED, "order"), e)]
    assert len(batches) >= 20
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": decayed, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1.0, fused=True)
    for step, rows in enumerate(batches):
        progress = (step + 1) / (len(batches) + 1)
        for group in optimizer.param_groups:
            group["lr"] = config["optimizer"]["lr"] * min(progress / WARMUP, (1 - progress) / (1 - WARMUP))
        torch.manual_seed(derive_seed(SEED, "dropout", step, 0))
        texts = [train.texts[i] for i in rows]
        inputs = tokenizer(texts, truncation=True, max_length=128, padding=True, return_tensors="pt")
        loss = model(**inputs, labels=torch.tensor([train.labels[i] for i in rows])).loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_([*decayed, *others], 1.0)
        optimizer.step()
    weights: dict[str, Tensor] = model.state_dict()
    return weights


def classifier_of(run: PreparedRun) -> Any:
    head: Any = run.built.model.head
    return head.to_sequence_classifier(run.built.model.encoder)


@pytest.mark.parametrize("encoder", ["bert_tiny", pytest.param("minilm", marks=pytest.mark.slow)])
def test_a_run_is_that_of_transformers_trained_by_hand(encoder: str, job: Any) -> None:
    few_texts()
    run_job = job(*FEW, LAST, HEAD, f"encoder={encoder}", "freezing=full")
    run = trained_run(run_job)
    assert run.trainer.global_step >= 20
    learned = classifier_of(run).state_dict()
    expected = trained_by_hand(run_job.config, derive_seed(SEED, "head"))
    assert learned.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(learned[name], value, rtol=0, atol=1e-6, msg=name)


@pytest.mark.parametrize("strategy", [["freezing=frozen"], ["freezing=top_k", "freezing.k=1"]])
def test_cached_states_give_the_same_run(strategy: list[str], job: Any) -> None:
    few_texts()
    weights, encoded = [], []
    for mode in ("off", "on"):
        run = trained_run(job(*FEW, LAST, HEAD, *strategy, f"cache.mode={mode}", "rerun=true"))
        weights.append(run.weights())
        encoded.append(run.built.model.texts_encoded)
    assert encoded[1] < encoded[0] / 2
    assert_same(weights[1], weights[0], atol=1e-6)


@pytest.mark.parametrize("adapter", ["lora", pytest.param("ia3", marks=pytest.mark.slow)])
def test_an_adapter_is_merged_into_the_class(adapter: str, job: Any) -> None:
    few_texts()
    run_job = job(*FEW, LAST, HEAD, f"adapter={adapter}", "freezing=full", "optimizer.lr=0.003")
    run = trained_run(run_job)
    model = run.built.model.eval()
    ids, mask = run.built.tokens["test"].padded(torch.arange(8).numpy())
    head: Any = model.head
    without = head.to_sequence_classifier(make(run_job.config["encoder"]))
    with torch.no_grad():
        expected = head.forward_states(model.encoder(ids, mask), ids, mask)
        merged = classifier_of(run)(input_ids=ids, attention_mask=mask).logits
        before = without(input_ids=ids, attention_mask=mask).logits
    torch.testing.assert_close(merged, expected, atol=1e-5, rtol=1e-5)
    assert float((before - expected).abs().max()) > 1e-3
    assert classifier_of(run).state_dict().keys() == without.state_dict().keys()


def test_virtual_tokens_cannot_be_merged(job: Any) -> None:
    few_texts()
    run = prepared_run(job(*FEW, LAST, HEAD, "adapter=prompt"))
    with pytest.raises(UserError, match="adapter: adds virtual tokens before each text, which cannot be merged"):
        classifier_of(run)


def test_a_run_on_multi_label_texts_has_the_probabilities_of_the_exported_class(go: Go) -> None:
    words = ["bad", "rude", "fine", "good"]
    rows = [[f"{words[i % 4]} {words[i // 4 % 4]} {i}", i % 2, i // 2 % 2] for i in range(80)]
    pd.DataFrame(rows, columns=["text", "toxic", "insult"]).to_csv("my.csv", index=False)
    data = ["dataset=table", "dataset.train=my.csv", "dataset.label_column=[toxic,insult]", "trainer=cpu"]
    folder = go(*data, HEAD, "trainer.max_epochs=1")["folder"]
    table = pd.read_parquet(folder / "predictions.parquet").sort_values("id")

    trained = load_model(folder)
    head: Any = trained.model.head
    exported = head.to_sequence_classifier(trained.model.encoder)
    assert exported.config.problem_type == "multi_label_classification"
    assert [*exported.config.id2label.values()] == trained.classes == ["insult", "toxic"]
    test = load_corpus(trained.config["dataset"]).test
    tokens = Predictor(trained, "cpu").tokenize(test.texts)
    ids, mask = tokens.padded(np.arange(len(test)))
    with torch.no_grad():
        probabilities = exported(input_ids=ids, attention_mask=mask).logits.sigmoid()
    np.testing.assert_allclose(table[["p_0", "p_1"]].to_numpy(), probabilities, atol=1e-6)


# Commands


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("pooler=cls", "pooler: is not used by a head that reads the states of all tokens; leave pooler out"),
        ("loss=supcon", "loss: needs pooled embeddings, which this head does not use; choose loss=cross_entropy"),
        ("trainer=fsdp2 trainer.devices=2", "head: is not known to be correct with fsdp2; choose a head that is"),
    ],
)
def test_check_refuses_what_the_head_cannot_use(words: str, problem: str, frostline: Command) -> None:
    said = frostline("check", HEAD, *words.split())
    assert said.status == 2
    assert any(line.startswith(problem) for line in said.problems()), said.err


def test_check_and_a_run_refuse_a_family_before_training(frostline: Command, folder: Callable[[str], Path]) -> None:
    few_texts()
    for family, commands in (("T5", [["check"]]), ("Longformer", [["check", "-m", "seed=1,2"], []])):
        words = [*FEW, HEAD, "encoder=hub", f"encoder.name='{folder(family)}'"]
        for command in commands:
            said = frostline(*command, *words)
            assert (said.status, said.problems()) == (
                2,
                [f"head: {ROWS[family][2]}; choose another head, such as head=linear"],
            )
        assert not Path("runs").exists()


def test_check_builds_a_head_once_for_the_content_of_a_folder(
    frostline: Command, folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    few_texts()
    words = [*FEW, HEAD, "encoder=hub", f"encoder.name='{folder('BERT')}'", "dataset.max_length=32"]
    assert frostline("check", *words).status == 0

    def not_again(*args: Any, **options: Any) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr("frostline.instantiate.make", not_again)
    assert frostline("check", *words).status == 0
    with pytest.raises(AssertionError, match="built again"):
        frostline("check", *words, "head.dropout=0.2")


def test_regularizers_that_compare_two_passes_see_the_dropout_of_the_config(frostline: Command) -> None:
    assert frostline("check", HEAD, "freezing=frozen", "regularizer=rdrop").status == 0
    said = frostline("check", HEAD, "freezing=frozen", "regularizer=rdrop", "head.dropout=0")
    assert said.status == 2 and "give head.dropout=0.1" in said.err


def test_the_plan_has_the_layers_of_the_class_in_the_block_of_the_head(frostline: Command) -> None:
    said = frostline("plan", HEAD, "freezing=frozen")
    width, classes = 128, 3
    assert f"{width * width + width + classes * width + classes:,}" in said.out


def test_heads_that_read_states_are_trained_one_by_one(job: Any) -> None:
    assert reason_against_fusing(job(HEAD, "freezing=frozen").config) == "the head reads the states of all tokens"

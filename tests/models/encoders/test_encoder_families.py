"""Encoders of many families, as tiny random checkpoints: each has the embeddings of plain transformers, or is refused.

What `check` says is that of frostline.config.checks.encoder.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers as hf
from torch import Tensor, nn

import family_folders
import family_table
from command_line import Command, in_process
from family_folders import FAMILIES, LAYERS, POSITIONS
from frostline.errors import UserError
from frostline.models.blocks import find_blocks
from frostline.models.encoders.positions import read_positions
from frostline.models.encoders.pretrained import Pretrained
from frostline.models.encoders.probe import TOLERANCE, padding_problem
from frostline.models.encoders.text_encoder import find_text_encoder
from frostline.models.encoders.verified import checkpoint_key, read_verified
from frostline.models.heads.linear import Linear
from frostline.models.partial_forward import PartialForward
from frostline.models.poolers.mean import Mean
from prepared_run import trained_run
from reference_loop import Watch

frostline = in_process
PADDING = "does not ignore padding: the states of a text change with the other texts in its batch"
REFUSED = {
    "Nyströmformer": PADDING,
    "ConvBERT": PADDING,
    "Funnel": PADDING,
    "XLM": "XLMModel has no module for a layer, but lists of their parts: attentions, layer_norm1, ffns, layer_norm2",
    "FlauBERT": "FlaubertModel has no module for a layer, but lists of their parts: attentions, layer_norm1, ffns, ",
    "YOSO": PADDING,
    "FNet": PADDING,
    "CANINE": PADDING,
    "Reformer": PADDING,
    "ViT": "ViTModel reads no token ids",
}
TRAINED = [family for family in FAMILIES if family not in REFUSED]
HALVES = ["T5", "T5, encoder only", "mT5", "BART", "mBART", "Pegasus", "Marian", "LED", "ProphetNet", "T5Gemma"]
ENDLESS = [
    "XLNet",
    "T5",
    "mT5",
    "LongT5",
    "BLOOM",
    "Falcon",
    "GPT-NeoX",
    "Llama",
    "DeBERTa-v3",
    "Mamba",
    "ModernBERT",
    "NomicBERT",
]
ENDING = ["BERT", "XLM-R", "MPNet", "GPT-2", "GPT-J", "OPT", "BART", "Pegasus", "LED", "CLIP", "RoFormer", "MPT"]
MAX_LENGTH = 32
TEXTS = ["w1 w2 w3", "w9 w8 w7 w6 w5 w4 w3 w2 w1", "w30"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the folder of a family, saved once."""
    root = tmp_path_factory.mktemp("families")
    hf.utils.logging.disable_progress_bar()  # type: ignore[no-untyped-call]

    def folder(family: str) -> Path:
        path = root / family
        return path if path.is_dir() else family_folders.save(family, path)

    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded of checkpoints begins empty."""
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path / "cache"))


def batch(encoder: Pretrained, texts: list[str] = TEXTS) -> tuple[Tensor, Tensor]:
    ids = [torch.tensor(text) for text in encoder.tokenize(texts, 60)]
    pad = nn.utils.rnn.pad_sequence
    mask = pad([torch.ones_like(text) for text in ids], batch_first=True)
    return pad(ids, batch_first=True, padding_value=encoder.pad_id), mask


def plain_states(folder: Path) -> Callable[[str], Tensor]:
    """Return a function from a text to its states (T, D), as plain transformers gives them for the text alone.

    Of an encoder-decoder the whole model runs, and returns the states of its encoder beside those of its decoder.
    """
    model: Any = hf.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = hf.AutoTokenizer.from_pretrained(folder)
    if isinstance(model, hf.CLIPModel):
        model = hf.CLIPTextModel.from_pretrained(folder, dtype=torch.float32).eval()

    def states(text: str) -> Tensor:
        inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=MAX_LENGTH)
        if hasattr(model, "decoder") and hasattr(model, "encoder"):
            start = torch.zeros(1, 1, dtype=torch.long)
            found: Tensor = model(**inputs, decoder_input_ids=start).encoder_last_hidden_state[0]
            return found
        alone: Tensor = model(**inputs).last_hidden_state[0]
        return alone

    return states


@pytest.mark.parametrize("family", TRAINED)
def test_embeddings_are_those_of_plain_transformers_and_blocks_those_of_the_plan(
    family: str, checkpoint: Callable[[str], Path]
) -> None:
    """One load of each family, for all that can be seen without training."""
    folder = checkpoint(family)
    encoder, plain = Pretrained(str(folder)).eval(), plain_states(folder)
    ids, mask = batch(encoder)
    with torch.no_grad():
        vectors = Mean()(encoder(ids, mask), mask)
        expected = torch.stack([plain(text).mean(dim=0) for text in TEXTS])
    torch.testing.assert_close(vectors, expected, atol=2e-5, rtol=1e-4)
    assert vectors.shape[1] == encoder.width

    head = Linear(encoder.width, 2)
    blocks = find_blocks(encoder, Mean(), head)
    shapes = Pretrained(str(folder), weights=False)
    planned = find_blocks(shapes, Mean(), Linear(shapes.width, 2))
    assert [block.plan_block for block in blocks] == [block.plan_block for block in planned]
    assert {id(p) for b in blocks for p in b.parameters.values()} == {
        id(p) for p in [*encoder.parameters(), *head.parameters()]
    }
    assert sum(b.kind == "layer" for b in blocks) == (1 if family == "ALBERT" else LAYERS) and encoder.layers == LAYERS

    partial = PartialForward(encoder)
    with torch.no_grad():
        if (reason := partial.incompatibility(2, ids, mask)) is not None:
            assert family in SLOW_BELOW, reason
            return
        states = partial.states(2, ids, mask).masked_fill(~mask.bool()[..., None], 0)
        with partial.replace_lower_layers(2, states):
            assert torch.equal(encoder(ids, mask)[mask.bool()], encoder_states(encoder, ids, mask))


# Families whose states below the frost line are computed again in each epoch, as their layers give each other more
SLOW_BELOW = {"ALBERT", "SqueezeBERT", "RoFormer", "RemBERT", "Longformer", "XLNet", "T5", "T5, encoder only", "mT5"}
SLOW_BELOW |= {"LongT5", "LED", "MPT", "BLOOM"}


def encoder_states(encoder: Pretrained, ids: Tensor, mask: Tensor) -> Tensor:
    """Return the states of the tokens (N, D) by a second encoder, with the same weights and no replaced layers."""
    import copy

    whole = copy.deepcopy(encoder)
    for module in whole.modules():
        module.__dict__.pop("forward", None)
    states: Tensor = whole(ids, mask)[mask.bool()]
    return states


@pytest.mark.parametrize("family", ["BERT", "ELECTRA", "XLNet", "ALBERT", "DeBERTa-v3", "XLM-R"])
def test_pairs_are_read_with_the_token_types_of_plain_transformers(
    family: str, checkpoint: Callable[[str], Path]
) -> None:
    """A pair has the same states alone in plain transformers, and padded to a longer pair in a batch."""
    folder = checkpoint(family)
    encoder, tokenizer = Pretrained(str(folder)).eval(), hf.AutoTokenizer.from_pretrained(folder)
    model: Any = hf.AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    pairs = [("w1 w2", "w3 w4 w5"), ("w9 w8 w7 w6 w5", "w4"), ("", "w2 w3"), ("w1", "")]
    ids, mask = batch(encoder, pairs)  # type: ignore[arg-type]  # pairs are texts too
    with torch.no_grad():
        states = encoder(ids, mask)
        for row, length, pair in zip(states, mask.sum(dim=1).tolist(), pairs, strict=True):
            inputs = tokenizer([pair], return_tensors="pt")  # a list, as an empty second text alone is no pair
            torch.testing.assert_close(row[:length], model(**inputs).last_hidden_state[0], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("family", REFUSED)
def test_a_family_that_cannot_be_trained_is_refused_with_the_reason(
    family: str, checkpoint: Callable[[str], Path]
) -> None:
    with pytest.raises(UserError) as caught:
        Pretrained(str(checkpoint(family)))
    assert caught.value.problems[0].key == "encoder.name"
    assert REFUSED[family] in caught.value.problems[0].what


def test_the_table_of_families_has_each_of_them(tmp_path: Path) -> None:
    rows = {row[0]: row for row in family_table.page_rows()}
    assert list(rows) == list(FAMILIES)
    assert [name for name, row in rows.items() if row[1] == "refused"] == [name for name in FAMILIES if name in REFUSED]
    for number, family in enumerate(["FNet", "ViT", "T5", "BERT", "CLIP"]):
        assert family_table.load_row(family, tmp_path / str(number)) == rows[family]


# Parts of models


@pytest.mark.parametrize("family", HALVES)
def test_of_an_encoder_decoder_only_the_encoder_is_used(family: str, checkpoint: Callable[[str], Path]) -> None:
    encoder = Pretrained(str(checkpoint(family)))
    whole: Any = getattr(hf, FAMILIES[family].model).from_pretrained(checkpoint(family))
    expected = whole.get_encoder()
    assert type(encoder.model) is type(expected)
    assert sum(p.numel() for p in encoder.parameters()) == sum(
        p.numel() for name, p in expected.named_parameters() if "Sinusoid" not in type(_owner(expected, name)).__name__
    )
    assert not any("decoder" in name or "cross" in name for name, _ in encoder.named_parameters())
    assert not any("decoder" in key for key in encoder.content()["architecture"])
    assert find_text_encoder(encoder.model) is encoder.model


def _owner(model: nn.Module, name: str) -> nn.Module:
    return model.get_submodule(name.rpartition(".")[0])


def test_every_way_to_save_a_t5_gives_the_same_encoder_and_the_same_cache_key(tmp_path: Path) -> None:
    torch.manual_seed(1)
    whole = hf.T5ForConditionalGeneration(FAMILIES["T5"].config())
    whole.save_pretrained(tmp_path / "generation")
    for name, kind in {"model": hf.T5Model, "encoder": hf.T5EncoderModel}.items():
        kind.from_pretrained(tmp_path / "generation").save_pretrained(tmp_path / name)
    for folder in tmp_path.iterdir():
        if folder.name != "cache":
            family_folders.tokenizer("end").save_pretrained(folder)
    loaded = [Pretrained(str(tmp_path / name)).eval() for name in ("generation", "model", "encoder")]
    ids, mask = batch(loaded[0])
    with torch.no_grad():
        states = [encoder(ids, mask) for encoder in loaded]
    assert all(torch.equal(states[0], other) for other in states[1:])
    contents = [encoder.content() for encoder in loaded]
    assert contents[0] == contents[1] == contents[2]


def test_the_language_model_head_of_a_decoder_is_refused(checkpoint: Callable[[str], Path]) -> None:
    with pytest.raises(UserError, match=r"encoder\.objective: 'masked', but only the part of"):
        Pretrained(str(checkpoint("BART")), objective="masked")
    assert Pretrained(str(checkpoint("BART"))).objective is None


def test_parameters_that_a_family_never_trains_are_in_no_block(checkpoint: Callable[[str], Path]) -> None:
    """Marian's table of sinusoids is not in its checkpoint at all: the code of the family computes it."""
    for family in ("Marian", "Pegasus", "RoFormer"):
        encoder = Pretrained(str(checkpoint(family)))
        names = [name for name, _ in encoder.named_parameters() if "embed_positions" in name]
        tables = {name: table for name, table in encoder.named_buffers() if "embed_positions" in name}
        assert names == [] and len(tables) == 1
        assert all(0.5 < float(table.abs().max()) <= 1 for table in tables.values()), family


# Positions


@pytest.mark.parametrize("family", ENDLESS)
def test_a_model_without_a_table_of_positions_has_no_limit(family: str, checkpoint: Callable[[str], Path]) -> None:
    encoder = Pretrained(str(checkpoint(family))).eval()
    assert encoder.max_positions is None
    long = " ".join(["w5"] * 3 * POSITIONS)
    (ids,) = encoder.tokenize([long], 1000)
    with torch.no_grad():
        states = encoder(torch.tensor([ids]), torch.ones(1, len(ids)).long())
    assert len(ids) >= 3 * POSITIONS and bool(states.isfinite().all())


@pytest.mark.parametrize("family", ENDING)
def test_a_table_of_positions_ends_where_the_limit_says(family: str, checkpoint: Callable[[str], Path]) -> None:
    encoder = Pretrained(str(checkpoint(family))).eval()
    limit = encoder.max_positions
    assert limit is not None

    def read(tokens: int) -> None:
        with torch.no_grad():
            encoder(torch.full((1, tokens), 7), torch.ones(1, tokens).long())

    read(limit)
    with pytest.raises((IndexError, RuntimeError, ValueError)):
        read(limit + 1)
    with pytest.raises(UserError, match=rf"dataset\.max_length: {limit + 1} tokens, but the encoder reads at most"):
        encoder.tokenize(TEXTS, limit + 1)


def test_texts_beyond_the_pre_training_are_reported_once(
    checkpoint: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    encoder = Pretrained(str(checkpoint("GPT-NeoX")))
    encoder.tokenize(TEXTS, 1000)
    assert capsys.readouterr().err == ""
    for _ in range(2):
        encoder.tokenize([" ".join(["w5"] * 70)], 1000)
    said = capsys.readouterr().err
    assert said.count("texts have up to 70 tokens; it was pre-trained with at most 64") == 1


@pytest.mark.parametrize("scaling", ["dynamic", "longrope"])
def test_rotary_positions_that_follow_from_the_longest_text_of_a_batch_end_before_they_do(scaling: str) -> None:
    """Beyond this limit the vectors of a short text would change with a long text beside it."""
    parameters: dict[str, Any] = {"rope_type": scaling, "rope_theta": 10000.0, "factor": 2.0}
    config = FAMILIES["Llama"].config()
    config.rope_parameters = parameters | {"original_max_position_embeddings": 32}
    assert read_positions(config, nn.Identity(), lambda tokens: True).limit == 32
    config.rope_parameters = {"full_attention": parameters, "sliding_attention": {"rope_type": "default"}}
    assert read_positions(config, nn.Identity(), lambda tokens: True).limit == POSITIONS


# Padding


class Leaking(nn.Module):
    """An encoder whose states of a text change with what is beside it, by a share of their norm."""

    def __init__(self, share: float, noise: float = 0.0) -> None:
        super().__init__()
        self.model, self.share, self.noise = nn.Embedding(60, 8), share, noise
        self.pad_id, self.max_positions = 0, None

    def tokenize(self, texts: list[str], max_length: int) -> list[list[int]]:
        return [[5 + len(word) for word in text.split()][:max_length] for text in texts]

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        states: Tensor = self.model(input_ids)
        padded = (attention_mask == 0).any(dim=1)[:, None, None]
        states = states + self.noise * torch.randn_like(states)
        return torch.where(padded, states * (1 + self.share), states)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_the_test_of_padding_is_relative_to_the_size_of_the_states(scale: float) -> None:
    for share, is_found in [(0.0, False), (TOLERANCE / 3, False), (TOLERANCE * 3, True), (4.0, True)]:
        encoder = Leaking(share)
        encoder.model.weight.data *= scale
        problem = padding_problem(encoder)
        assert (problem is not None) == is_found
        assert problem is None or PADDING in problem


def test_the_test_of_padding_tells_random_states_apart_and_leaves_no_trace() -> None:
    encoder = Leaking(0.0, noise=1.0).train()
    before = torch.get_rng_state()
    problem = padding_problem(encoder)
    assert problem is not None and "returns other states each time that it reads the same text" in problem
    assert torch.equal(torch.get_rng_state(), before) and encoder.training


def test_what_was_tested_is_tested_again_only_after_a_change(
    checkpoint: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = checkpoint("BERT")
    key = checkpoint_key({"name": str(folder), "untrained": False, "reinit_top": 0})
    assert read_verified(key) is None
    first = Pretrained(str(folder))
    assert read_verified(key) == {"width": 16, "limit": POSITIONS, "stated": POSITIONS}

    def not_again(*args: Any) -> None:
        raise AssertionError("tested again")

    monkeypatch.setattr("frostline.models.encoders.pretrained.padding_problem", not_again)
    again = Pretrained(str(folder))
    assert (again.width, again.max_positions) == (first.width, first.max_positions)
    (folder / "config.json").touch()
    with pytest.raises(AssertionError, match="tested again"):
        Pretrained(str(folder))


def test_the_record_of_a_checkpoint_needs_a_folder_or_a_pin() -> None:
    assert checkpoint_key({"name": "owner/model"}) is None
    assert checkpoint_key({"name": "bert_tiny", "pin": {"sha256": "1"}}) != checkpoint_key(
        {"name": "bert_tiny", "pin": {"sha256": "2"}}
    )


# Tokenizers


def test_a_tokenizer_with_special_tokens_alone_is_refused_with_both_numbers(tmp_path: Path) -> None:
    family_folders.save("BERT", tmp_path / "model")
    import tokenizers

    vocabulary = {word: number for number, word in enumerate(family_folders.SPECIAL)}
    words = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    hf.PreTrainedTokenizerFast(tokenizer_object=made, **words, mask_token="[MASK]").save_pretrained(tmp_path / "model")
    with pytest.raises(
        UserError, match=r"has 5 tokens, all of them special tokens, and the model has embeddings of 48"
    ):
        Pretrained(str(tmp_path / "model"))


# Commands


def write_texts(count: int = 48) -> list[str]:
    """Write my.csv, in which the first word decides the class, and return the overrides of a run on it."""
    rng = np.random.default_rng(3)
    rows = []
    for number in range(count):
        words = rng.integers(2, 40, size=rng.integers(2, 12))
        rows.append((" ".join(f"w{word}" for word in [number % 2, *words]), f"class {number % 2}"))
    with Path("my.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *rows])
    data = ["dataset=table", "dataset.train=my.csv", f"dataset.max_length={MAX_LENGTH}", "dataset.batch_size=8"]
    return [*data, "trainer=cpu", "logger=csv", "trainer.max_epochs=2", "trainer.monitor=null"]


def test_check_refuses_a_family_that_ignores_the_mask_once_for_all_jobs(
    frostline: Command, checkpoint: Callable[[str], Path]
) -> None:
    words = [*write_texts(), "encoder=hub", f"encoder.name='{checkpoint('FNet')}'"]
    for command in (["check"], ["check", "-m", "seed=1,2"], ["-m", "seed=1,2"], []):
        said = frostline(*command, *words)
        assert said.status == 2 and said.out == ""
        (problem,) = said.problems()
        assert problem.startswith("encoder.name: FNetModel does not ignore padding")
    assert not Path("runs").exists()


@pytest.mark.parametrize("name", ["./nowhere", "/no/where", "a/b/c"])
def test_check_refuses_a_path_without_a_folder_once_for_all_jobs(frostline: Command, name: str) -> None:
    for command in (["check"], ["-m", "seed=1,2"]):
        said = frostline(*command, "encoder=hub", f"encoder.name={name}")
        assert said.status == 2
        assert said.problems() == [
            f"encoder.name: '{name}' is no folder; give an existing folder, or a hub id such as owner/model"
        ]


def test_offline_check_refuses_a_hub_id_that_is_not_in_the_cache(
    frostline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for command in (["check"], ["-m", "seed=1,2"]):
        said = frostline(*command, "encoder=hub", "encoder.name=bert-tinny")
        assert said.status == 2
        (problem,) = said.problems()
        assert "'bert-tinny' is neither a folder nor in the cache of the hub, and HF_HUB_OFFLINE forbids" in problem


def test_a_sweep_does_not_start_if_the_hub_cannot_be_reached(
    frostline: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def model_info(self: Any, name: str, **options: Any) -> None:
        asked.append(name)
        raise ConnectionError("no network")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    said = frostline("-m", "seed=1,2,3", "encoder=hub", "encoder.name=owner/model")
    assert said.status == 2 and asked == ["owner/model"]
    (problem,) = said.problems()
    assert problem.startswith("encoder.name: 'owner/model' is no folder, and the hub cannot be reached (no network); ")
    assert not Path("runs").exists()
    said = frostline("check", "encoder=hub", "encoder.name=owner/model")
    assert (said.status, "owner/model from the Hugging Face hub" in said.out) == (0, True)


# Training


def assert_trained_as_planned(family: str, folder: Path, strategy: list[str], job: Callable[..., Any]) -> Any:
    """Train two epochs, and assert that exactly the parameters of the plan have moved."""
    words = [*write_texts(), "encoder=hub", f"encoder.name='{folder}'", *strategy]
    watch = Watch()
    run = trained_run(job(*words), watch)
    plan = run.built.plan
    before, after = watch.seen[0], watch.seen[-1]
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    planned = {p.name for block in plan.blocks for p in block.parameters if plan.ever_trains(p.name)}
    assert moved <= planned, f"{family}: {sorted(moved - planned)} moved"
    assert {name for name in planned if name.startswith("head")} <= moved
    still = planned - moved
    assert len(still) <= len(planned) / 3, f"{family}: {sorted(still)} did not move"
    assert all(bool(value.isfinite().all()) for value in after.values())
    return run


@pytest.mark.parametrize("family", ["T5", "XLNet", "BART", "CLIP"])
def test_a_family_that_was_refused_trains(
    family: str, checkpoint: Callable[[str], Path], job: Callable[..., Any]
) -> None:
    assert_trained_as_planned(family, checkpoint(family), ["freezing=top_k", "freezing.k=2"], job)


@pytest.mark.slow
@pytest.mark.parametrize("family", TRAINED)
@pytest.mark.parametrize("strategy", ["full", "frozen", "top_k"])
def test_each_family_trains_what_the_plan_says(
    family: str, strategy: str, checkpoint: Callable[[str], Path], job: Callable[..., Any], frostline: Command
) -> None:
    folder, words = checkpoint(family), [f"freezing={strategy}", *(["freezing.k=2"] if strategy == "top_k" else [])]
    if family == "ALBERT" and strategy == "top_k":
        words = ["freezing=top_k", "freezing.k=1"]  # its layers are one block
    given = [*write_texts(), "encoder=hub", f"encoder.name='{folder}'", *words]
    assert frostline("check", *given).status == 0
    assert frostline("plan", *given).status == 0
    run = assert_trained_as_planned(family, folder, [*words, "cache.mode=on"], job)
    if strategy == "frozen":
        assert_cached_vectors_are_those_of_plain_transformers(run, folder)


def assert_cached_vectors_are_those_of_plain_transformers(run: Any, folder: Path) -> None:
    plain, train = plain_states(folder), run.built.corpus.train
    encoded = run.built.model.texts_encoded
    assert encoded == len(run.built.corpus.train) + len(run.built.corpus.val), "each text is encoded once in two epochs"
    cached = run.vectors("train")
    assert run.built.model.texts_encoded == encoded, "states come from the cache"
    with torch.no_grad():
        expected = torch.stack([plain(text).mean(dim=0) for text in train.texts])
    torch.testing.assert_close(cached, expected, atol=5e-5, rtol=1e-3)

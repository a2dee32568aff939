"""Any AutoModel as an encoder: real weights from pinned packages, folders of one's own, and what cannot be loaded."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor
from torch.nn.functional import cosine_similarity

from frostline.errors import UserError
from frostline.instantiate import make
from frostline.models.encoders.pretrained import Pretrained
from frostline.models.fingerprint import weights_digest
from frostline.models.poolers.mean import Mean
from parts import config, part

TEXTS = ["a good film", "a very bad film that goes on and on", "so-so"]
SECONDS_FOR_A_HUB_THAT_IS_NOT_THERE = 6.0


@pytest.fixture(scope="module")
def tiny() -> Pretrained:
    return loaded("bert_tiny")


@pytest.fixture(scope="module")
def minilm() -> Pretrained:
    return loaded("minilm")


@pytest.fixture(scope="module")
def saved(tiny: Pretrained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """bert_tiny as save_pretrained writes it."""
    folder = tmp_path_factory.mktemp("saved")
    tiny.model.save_pretrained(folder)
    assert tiny.tokenizer is not None
    tiny.tokenizer.save_pretrained(folder)
    return folder


def loaded(name: str) -> Pretrained:
    made: Pretrained = part("encoder", name)
    return made.eval()


def padded(encoder: Pretrained, texts: list[str]) -> tuple[Tensor, Tensor]:
    ids = [torch.tensor(text) for text in encoder.tokenize(texts, 64)]
    kept = [torch.ones_like(text) for text in ids]
    pad = torch.nn.utils.rnn.pad_sequence
    return pad(ids, batch_first=True, padding_value=encoder.pad_id), pad(kept, batch_first=True)


@torch.no_grad()
def states(encoder: Pretrained, texts: list[str] = TEXTS) -> Tensor:
    found: Tensor = encoder(*padded(encoder, texts))
    return found


@torch.no_grad()
def vectors(encoder: Pretrained, texts: list[str]) -> Tensor:
    ids, mask = padded(encoder, texts)
    pooled: Tensor = Mean()(encoder(ids, mask), mask)
    return pooled


def similarity(encoder: Pretrained, one: str, other: str) -> float:
    pair = vectors(encoder, [one, other])
    return cosine_similarity(pair[0], pair[1], dim=0).item()


# Real weights


def test_minilm_knows_what_belongs_together(minilm: Pretrained) -> None:
    related = [("cat", "kitten"), ("the film was a delight", "I loved this movie"), ("card declined", "payment failed")]
    unrelated = [("cat", "quarterly tax return"), ("the film was a delight", "the pipe is rusty")]
    near, far = ([similarity(minilm, *pair) for pair in pairs] for pairs in (related, unrelated))
    assert near[0] == pytest.approx(0.79, abs=0.02)  # a fact of these weights, with mean pooling
    assert min(near) > 0.3
    assert max(far) < 0.15


def test_states_are_those_of_the_plain_model(tiny: Pretrained, saved: Path) -> None:
    plain = transformers.AutoModel.from_pretrained(saved, dtype=torch.float32).eval()
    given = transformers.AutoTokenizer.from_pretrained(saved)(TEXTS, padding=True, return_tensors="pt")
    with torch.no_grad():
        assert torch.equal(plain(**given).last_hidden_state, states(tiny))


@pytest.mark.parametrize(("name", "width", "layers"), [("bert_tiny", 128, 2), ("minilm", 384, 6)])
def test_a_pinned_package_holds_an_encoder(name: str, width: int, layers: int, request: pytest.FixtureRequest) -> None:
    encoder: Pretrained = request.getfixturevalue("tiny" if name == "bert_tiny" else name)
    ids, mask = padded(encoder, TEXTS)
    assert encoder(ids, mask).shape == (*ids.shape, width)
    assert encoder.width == width
    assert len(encoder.model.encoder.layer) == layers
    assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    assert not any("pooler" in key for key in encoder.state_dict())


def test_padding_does_not_change_a_text_s_states(tiny: Pretrained) -> None:
    together = states(tiny)
    for row, text in enumerate(TEXTS):
        alone = states(tiny, [text])[0]
        torch.testing.assert_close(together[row, : len(alone)], alone, atol=1e-5, rtol=1e-4)


def test_texts_are_cut_to_the_length_asked_for_and_keep_their_special_tokens(tiny: Pretrained) -> None:
    whole, cut = (tiny.tokenize([" ".join(["word"] * 30)], length)[0] for length in (64, 10))
    assert (len(whole), len(cut)) == (32, 10)
    assert (cut[0], cut[-1]) == (whole[0], whole[-1])


def test_more_tokens_than_the_encoder_has_positions_are_refused(tiny: Pretrained) -> None:
    assert tiny.max_positions == 512
    tiny.tokenize(TEXTS, 512)
    with pytest.raises(UserError) as caught:
        tiny.tokenize(TEXTS, 513)
    assert told(caught.value) == (
        "dataset.max_length: 513 tokens, but the encoder reads at most 512; set it to 512 or less"
    )


def test_positions_kept_for_padding_are_not_the_texts(saved: Path, tmp_path: Path) -> None:
    """RoBERTa's table of 34 places has 32 for tokens: that many can be read, and no more."""
    small = {"vocab_size": 30522, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    kept = transformers.RobertaConfig(**small, intermediate_size=16, max_position_embeddings=34, pad_token_id=1)
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    transformers.RobertaModel(kept, add_pooling_layer=False).save_pretrained(tmp_path)
    encoder = Pretrained(str(tmp_path))
    assert encoder.max_positions == 32
    ids = torch.full((1, 32), 5)
    assert encoder(ids, torch.ones_like(ids)).shape == (1, 32, 16)
    with pytest.raises((IndexError, RuntimeError), match=r"out of (range|bounds)"):
        encoder(torch.full((1, 33), 5), torch.ones(1, 33).long())


# Folders and chance


def test_a_folder_gives_the_same_states_to_the_bit(tiny: Pretrained, saved: Path) -> None:
    again: Pretrained = make(config("encoder", "hub", f"encoder.name={saved}")).eval()
    assert torch.equal(states(again), states(tiny))
    assert weights_digest(again.state_dict()) == weights_digest(tiny.state_dict())


def test_a_checkpoint_in_half_precision_is_read_as_float32(tiny: Pretrained, saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    transformers.AutoModel.from_pretrained(saved, dtype=torch.float16).save_pretrained(tmp_path)
    again = Pretrained(str(tmp_path)).eval()
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    torch.testing.assert_close(states(again), states(tiny), atol=0.02, rtol=0.02)


def untrained(seed: int) -> Pretrained:
    torch.manual_seed(seed)
    return loaded("scratch")


def test_untrained_weights_depend_on_the_seed_alone(tiny: Pretrained) -> None:
    first, again, other = untrained(1), untrained(1), untrained(2)
    assert weights_digest(first.state_dict()) == weights_digest(again.state_dict())
    assert len({weights_digest(e.state_dict()) for e in (tiny, first, other)}) == 3
    assert {k: v.shape for k, v in first.state_dict().items()} == {k: v.shape for k, v in tiny.state_dict().items()}


def test_untrained_weights_have_the_same_tokens(tiny: Pretrained) -> None:
    assert untrained(1).tokenize(TEXTS, 64) == tiny.tokenize(TEXTS, 64)


def test_shapes_alone_have_the_same_names_and_sizes_and_no_data(tiny: Pretrained) -> None:
    shapes: Pretrained = Pretrained(**given("bert_tiny"), weights=False)
    assert all(p.is_meta for p in shapes.parameters())
    assert [(k, p.shape) for k, p in shapes.named_parameters()] == [(k, p.shape) for k, p in tiny.named_parameters()]


def given(name: str) -> dict[str, Any]:
    return {key: value for key, value in config("encoder", name).items() if key != "_target_"}


def test_the_fingerprint_changes_with_one_byte(tiny: Pretrained) -> None:
    weights = {name: value.clone() for name, value in tiny.state_dict().items()}
    whole = weights_digest(weights)
    assert weights_digest(dict(reversed(weights.items()))) == whole
    name = next(iter(weights))
    weights[name].view(torch.uint8).view(-1)[0] ^= 1
    assert weights_digest(weights) != whole
    weights[name].view(torch.uint8).view(-1)[0] ^= 1
    assert weights_digest(weights) == whole
    weights["another"] = weights.pop(name)
    assert weights_digest(weights) != whole


# What cannot be loaded


def told(error: UserError) -> str:
    assert error.status == 2
    (problem,) = error.problems
    return str(problem)


def change(**values: Any) -> Callable[[Path], object]:
    def act(folder: Path) -> object:
        file = folder / "config.json"
        return file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return act


def cut(size: int) -> Callable[[Path], object]:
    return lambda folder: os.truncate(folder / "model.safetensors", size)


def drop(*names: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).unlink() for name in names]


def pickled(folder: Path) -> None:
    drop("model.safetensors")(folder)
    (folder / "pytorch_model.bin").write_bytes(b"not a pickle")


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no config": (drop("config.json"), "Should have a `model_type` key"),
    "half a config": (lambda folder: os.truncate(folder / "config.json", 20), "is not a valid JSON file"),
    "an unknown family": (change(model_type="zzz"), "model type `zzz`"),
    "a width that is no number": (change(hidden_size="wide"), "Field 'hidden_size' expected int, got str"),
    "heads that do not divide the width": (
        change(num_attention_heads=7),
        "not a multiple of the number of",
    ),
    "no weights": (drop("model.safetensors"), "no file named model.safetensors"),
    "empty weights": (cut(0), "header too small"),
    "half of the weights": (cut(1_000_000), "file not fully covered"),
    "weights that are no pickle": (pickled, "Weights only load failed"),
    "half a tokenizer": (lambda folder: os.truncate(folder / "tokenizer.json", 20), "line"),
}


@pytest.mark.parametrize(("spoil", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_folder_is_told_with_its_reason(
    saved: Path, tmp_path: Path, spoil: Callable[[Path], object], reason: str
) -> None:
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    spoil(tmp_path)
    with pytest.raises(UserError) as caught:
        Pretrained(str(tmp_path))
    message = told(caught.value)
    assert message.startswith(f"encoder.name: '{tmp_path}' cannot be loaded (")
    assert reason in message
    assert message.endswith("); give a folder with config.json, weights and tokenizer, or a hub id that can be reached")


def test_a_checkpoint_that_lacks_weights_is_refused(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    change(num_hidden_layers=3)(tmp_path)
    with pytest.raises(UserError) as caught:
        Pretrained(str(tmp_path))
    assert told(caught.value) == (
        "encoder.name: the weights lack 16 parameters, the first of them "
        "'encoder.layer.2.attention.output.LayerNorm.bias'; "
        "name a checkpoint of this architecture, or set encoder.untrained=true"
    )


def test_weights_of_other_sizes_are_refused(saved: Path, tmp_path: Path) -> None:
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    change(intermediate_size=100)(tmp_path)
    with pytest.raises(UserError) as caught:
        Pretrained(str(tmp_path))
    assert told(caught.value) == (
        "encoder.name: 6 weights do not fit, the first of them 'encoder.layer.0.intermediate.dense.bias' "
        "is [512] instead of [100]; name a checkpoint of this architecture, or set encoder.untrained=true"
    )


def test_a_folder_without_a_tokenizer_is_refused(saved: Path, tmp_path: Path) -> None:
    """transformers would give one that takes every word for unknown."""
    shutil.copytree(saved, tmp_path, dirs_exist_ok=True)
    drop("tokenizer.json", "tokenizer_config.json")(tmp_path)
    with pytest.raises(UserError) as caught:
        Pretrained(str(tmp_path))
    assert told(caught.value) == (f"encoder.name: '{tmp_path}' has no tokenizer; put tokenizer.json beside the weights")


@pytest.mark.parametrize("name", ["./nowhere", "/no/where", "~/no/where/at/all", "a/b/c"])
def test_a_path_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(UserError) as caught:
        Pretrained(name)
    assert told(caught.value) == (
        f"encoder.name: '{name}' is no folder; give an existing folder, or a hub id such as owner/model"
    )


ASK = """
import time
from frostline.models.encoders.pretrained import Pretrained
from frostline.errors import UserError
begun = time.monotonic()
try:
    Pretrained("nobody/nothing")
except UserError as error:
    print(time.monotonic() - begun, error, sep="|")
"""


def asked(**environ: str) -> tuple[float, str]:
    """Seconds and message of a hub id in a process of its own, as the hub's client reads its settings once."""
    clean = {key: value for key, value in os.environ.items() if key not in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=clean | environ, capture_output=True, text=True, timeout=120, check=True
    )
    seconds, _, message = done.stdout.partition("|")
    return float(seconds), message


def test_a_hub_that_cannot_be_reached_is_told_soon(tmp_path: Path) -> None:
    seconds, message = asked(HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path))
    assert "encoder.name: 'nobody/nothing' cannot be loaded (We couldn't connect to" in message
    assert seconds < SECONDS_FOR_A_HUB_THAT_IS_NOT_THERE


@pytest.mark.slow
def test_a_hub_that_never_answers_is_told_soon(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        seconds, message = asked(HF_ENDPOINT=f"http://127.0.0.1:{mute.getsockname()[1]}", HF_HOME=str(tmp_path))
    assert "encoder.name: 'nobody/nothing' cannot be loaded (We couldn't connect to" in message
    assert seconds < SECONDS_FOR_A_HUB_THAT_IS_NOT_THERE


def test_offline_nothing_is_asked(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hub:
        hub.settimeout(0.1)
        endpoint = f"http://127.0.0.1:{hub.getsockname()[1]}"
        _, message = asked(HF_ENDPOINT=endpoint, HF_HOME=str(tmp_path), HF_HUB_OFFLINE="1")
        assert "encoder.name: 'nobody/nothing' cannot be loaded (" in message
        with pytest.raises(TimeoutError):
            hub.accept()

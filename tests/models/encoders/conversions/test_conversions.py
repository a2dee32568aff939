"""The encoders whose weights are converted: what they are, that they are trained, and blind to right padding."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from frostline.config import jobs as command
from frostline.config.checks.downloads import downloads
from frostline.models.encoders.auto_model import locate_checkpoint
from frostline.models.encoders.conversions import onnx
from frostline.models.encoders.conversions.cache import converted
from frostline.models.encoders.pretrained import Pretrained
from parts import part

TEXTS = ["The cat sat on the mat.", "A very good film that goes on and on, until it ends.", "So-so"]
SENTENCE = "The Eiffel Tower is in Paris, the capital of France, and millions of people visit it every year."


@pytest.fixture(scope="module")
def smollm2() -> Pretrained:
    made: Pretrained = part("encoder", "smollm2")
    return made.eval()


@pytest.fixture(scope="module")
def cased() -> Pretrained:
    made: Pretrained = part("encoder", "distilbert_cased")
    return made.eval()


@torch.no_grad()
def padded(encoder: Pretrained, texts: list[str], more: int = 0) -> list[Tensor]:
    """The states of each text, read together and right-padded."""
    ids = [torch.tensor(text) for text in encoder.tokenize(texts, 64)]
    longest = max(map(len, ids)) + more
    filled = torch.stack([torch.nn.functional.pad(i, (0, longest - len(i)), value=encoder.pad_id) for i in ids])
    mask = torch.stack([(torch.arange(longest) < len(i)).long() for i in ids])
    states = encoder(filled, mask)
    return [state[: len(i)] for state, i in zip(states, ids, strict=True)]


@pytest.mark.parametrize(("name", "blocks", "width"), [("smollm2", 30, 576), ("distilbert_cased", 6, 768)])
def test_a_model_s_plan_needs_none_of_its_files(
    name: str, blocks: int, width: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path))
    encoder: Pretrained = part("encoder", name, weights=False)
    layers = encoder.model.layers if name == "smollm2" else encoder.model.transformer.layer
    assert (len(layers), encoder.width) == (blocks, width)
    assert all(p.is_meta for p in encoder.parameters())
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "size"), [("smollm2", "93 MB"), ("distilbert_cased", "42 MB")])
def test_check_says_what_is_fetched(name: str, size: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FROSTLINE_CACHE", str(tmp_path))
    [job] = command.jobs_of_command([f"encoder={name}"])
    assert size in downloads(job.config)[0]


def test_distilbert_reads_the_same_text_alone_and_padded(cased: Pretrained) -> None:
    for text, state in zip(TEXTS, padded(cased, TEXTS, more=3), strict=True):
        torch.testing.assert_close(state, padded(cased, [text])[0], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_grammar_tagger_that_distilbert_was_tuned_to_be_still_corrects(cased: Pretrained) -> None:
    """Its classifier, which we leave out, read from the same file, tells errors from the states of our encoder."""
    [job] = command.jobs_of_command(["encoder=distilbert_cased"])
    pin = job.config["encoder"]["pin"]
    source = Path(locate_checkpoint("source", {key: value for key, value in pin.items() if key != "convert"}))
    weights = onnx._weights(next(source.glob("*.onnx")))
    tags = json.loads((source / "tag_vocab.json").read_text())["tags"]

    def told(text: str) -> list[str]:
        [states] = padded(cased, [text])
        found = (states @ weights["classifier.weight"].T + weights["classifier.bias"]).argmax(dim=1)
        return [tags[i] for i in found.tolist()][1:-1]

    assert told("Its a good film .")[0] == "$REPLACE_It's"
    assert told("She has went to the store .")[2] == "$REPLACE_gone"
    assert set(told("This is a good film .")) == {"$KEEP"}


def test_distilbert_tells_capitals_apart(cased: Pretrained) -> None:
    assert cased.tokenize(["Turkey"], 9) != cased.tokenize(["turkey"], 9)
    assert cased.tokenizer is not None and cased.tokenizer.mask_token == "[MASK]"


def test_a_conversion_is_whole_or_not_there_and_done_once(tmp_path: Path) -> None:
    source = tmp_path / "entry"
    source.mkdir()
    about: dict[str, Any] = {"model_type": "bert"}
    with pytest.raises(ValueError, match="not enough values to unpack"):
        converted(source, "frostline.models.encoders.conversions.onnx.convert_onnx", about)  # there is no file in it
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "entry"]
    first = converted(source, "further_conversion.touch", about)
    assert json.loads((first / "config.json").read_text()) == about
    assert (first / "calls").read_text() == "1"
    assert converted(source, "further_conversion.touch", about) == first
    assert (first / "calls").read_text() == "1"
    assert converted(source, "further_conversion.touch", about | {"hidden_size": 3}) != first


# 540 MB and seconds to load

slow = pytest.mark.slow


@slow
def test_smollm2_reads_the_same_text_alone_and_padded(smollm2: Pretrained) -> None:
    for text, state in zip(TEXTS, padded(smollm2, TEXTS, more=3), strict=True):
        torch.testing.assert_close(state, padded(smollm2, [text])[0], atol=2e-3, rtol=1e-3)


@slow
@torch.no_grad()
def test_smollm2_expects_a_sentence_and_not_its_words_in_disorder(smollm2: Pretrained) -> None:
    tail = smollm2.language_model()

    def perplexity(text: str) -> float:
        ids = torch.tensor(smollm2.tokenize([text], 64))
        chances = tail(smollm2(ids, torch.ones_like(ids))).log_softmax(dim=-1)
        return math.exp(-chances[0, :-1].gather(1, ids[0, 1:, None]).mean())

    shuffled = " ".join(sorted(SENTENCE.split()))
    assert perplexity(SENTENCE) < 20
    assert perplexity(shuffled) > 10 * perplexity(SENTENCE)
    assert sum(p.numel() for p in {*smollm2.parameters(), *tail.parameters()}) == 134_515_008


@slow
def test_smollm2_holds_the_numbers_that_the_gguf_stands_for(smollm2: Pretrained) -> None:
    """One matrix of 4-bit blocks, by llama.cpp's own formula for Q4_1: d * q + m, blocks of 32."""
    gguf = pytest.importorskip("gguf")
    [job] = command.jobs_of_command(["encoder=smollm2"])
    pin = job.config["encoder"]["pin"]
    source = Path(locate_checkpoint("source", {key: value for key, value in pin.items() if key != "convert"}))
    [entry] = [t for t in gguf.GGUFReader(next(source.glob("*.gguf"))).tensors if t.name == "blk.3.ffn_up.weight"]
    assert entry.tensor_type.name == "Q4_1"
    packed = torch.from_numpy(entry.data.copy()).reshape(-1, 20)
    scale, least = packed[:, :4].contiguous().view(torch.float16).float().T[..., None]
    halves = torch.cat([packed[:, 4:] & 15, packed[:, 4:] >> 4], dim=1)
    expected = (scale * halves + least).reshape(1536, 576)
    found = dict(smollm2.model.named_parameters())["layers.3.mlp.up_proj.weight"]
    torch.testing.assert_close(found, expected, atol=0, rtol=1e-6)

"""Heads that ask a language model for words: each held to plain transformers code, applied as it is and trained.

Tests frostline.models.prompting.prompt_tokenizer, frostline.models.prompting.template,
frostline.training.callbacks.language_model_record.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor, nn

from conftest import Go
from frostline.config import jobs as command
from frostline.data.corpus import Split
from frostline.data.tokens import Tokens, tokenize_split
from frostline.errors import UserError
from frostline.instantiate import make
from frostline.models.build import build_model
from frostline.models.encoders.pretrained import Pretrained
from frostline.models.heads.likelihood import Likelihood
from frostline.models.heads.verbalizer import Verbalizer
from frostline.models.prompting.demonstrations import sample_round_robin
from frostline.models.prompting.token_tree import build_token_tree
from frostline.seeding import derive_seed
from frostline.training.build import build
from parts import part
from prepared_run import trained_run
from reference_loop import FEW, LAST, ByHand, few_texts


@pytest.fixture(autouse=True, scope="module")
def quiet() -> None:
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


TEXTS = ["a good film", "the plot is thin, the jokes are old and nobody seems to care about any of it", "so-so"]
NAMES = ["bad", "middling", "good"]
WORDS = "head.words={negative: terrible, neutral: okay, positive: great}"
SMALL = ["dataset.max_train=64", "dataset.max_val=16", "dataset.max_test=33", "trainer=cpu"]
MASKED_WORDS = {"bad": ["terrible", "bad"], "middling": "okay", "good": ["great", "good", "fine"]}
CAUSAL_WORDS = {"bad": ["bad", "a waste of time"], "middling": "a bit of both", "good": ["good", "a good time"]}
CAUSAL_FAMILIES = ["Llama", "GPT-2", "Qwen2", "OPT"]


@pytest.fixture(scope="module")
def tiny() -> Pretrained:
    made: Pretrained = part("encoder", "bert_tiny")
    return made.eval()


@pytest.fixture(scope="module")
def whole(tiny: Pretrained) -> Any:
    """bert_tiny as transformers has it, with its masked-LM head."""
    folder = tiny._build_head.keywords["path"]
    return transformers.AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32).eval()


def small_causal(family: str, folder: Path) -> Any:
    """A random causal model of the family that reads bytes, saved with its tokenizer."""
    torch.manual_seed(1)
    size = {"vocab_size": 320, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    usual = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "max_position_embeddings": 512}
    config = {
        "Llama": lambda: transformers.LlamaConfig(**size, **usual, intermediate_size=24, tie_word_embeddings=True),
        "Qwen2": lambda: transformers.Qwen2Config(**size, **usual, intermediate_size=24, num_key_value_heads=1),
        "GPT-2": lambda: transformers.GPT2Config(**size, n_embd=16, n_layer=2, n_head=2, n_positions=512),
        "OPT": lambda: transformers.OPTConfig(**size, **usual, ffn_dim=24, word_embed_proj_dim=16),
    }[family]()
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    bytes_alone = Tokenizer(models.BPE())
    bytes_alone.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    bytes_alone.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<end>"], initial_alphabet=alphabet)
    bytes_alone.train_from_iterator(TEXTS * 9, trainer)
    transformers.PreTrainedTokenizerFast(tokenizer_object=bytes_alone, eos_token="<end>").save_pretrained(folder)
    return model.eval()


@pytest.fixture(scope="module")
def causal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pretrained, Any]:
    folder = tmp_path_factory.mktemp("llama")
    model = small_causal("Llama", folder)
    return Pretrained(str(folder)).eval(), model


def tokens(head: Any, encoder: Pretrained, texts: Sequence[str] = TEXTS, max_length: int = 64) -> Tokens:
    return tokenize_split(Split(list(texts), [0] * len(texts)), head.tokenize, max_length, encoder.pad_id, "texts")


def batch(head: Any, encoder: Pretrained, texts: Sequence[str] = TEXTS, max_length: int = 64) -> tuple[Tensor, Tensor]:
    found = tokens(head, encoder, texts, max_length)
    return found.padded(torch.arange(len(texts)).numpy())


# By plain transformers, one text and one class at a time


def masked_logits(whole: Any, tokenizer: Any, text: str, template: str, words: dict[str, Any]) -> Tensor:
    given = tokenizer(template.format(text=text, mask=tokenizer.mask_token), return_tensors="pt")
    at = (given["input_ids"][0] == tokenizer.mask_token_id).nonzero()[-1]
    logits = whole(**given).logits[0, at[0]]
    spoken = [[own] if isinstance(own, str) else own for own in words.values()]
    return torch.stack(
        [torch.stack([logits[tokenizer.convert_tokens_to_ids(w)] for w in own]).mean() for own in spoken]
    )


def likelihoods(whole: Any, tokenizer: Any, text: str, template: str, words: dict[str, Any]) -> Tensor:
    """Each class's mean log-chance of a token, one phrase after the other."""
    prompt = tokenizer(template.replace("{text}", text))["input_ids"]
    found = []
    for own in words.values():
        scores = []
        for phrase in [own] if isinstance(own, str) else own:
            said = tokenizer(" " + phrase)["input_ids"]
            logits = whole(input_ids=torch.tensor([prompt + said])).logits[0].log_softmax(dim=-1)
            told = [logits[len(prompt) + i - 1, token] for i, token in enumerate(said)]
            scores.append(torch.stack(told).mean())
        found.append(torch.stack(scores).mean())
    return torch.stack(found)


@torch.no_grad()
@pytest.mark.parametrize("template", ["{text} It was {mask}.", "A {mask} one: {text}"])
def test_verbalizer_gives_the_masked_model_s_own_logits(tiny: Pretrained, whole: Any, template: str) -> None:
    head = Verbalizer(NAMES, tiny, template, MASKED_WORDS).eval()
    found = head.forward_prompt(tiny, *batch(head, tiny)).logits
    for row, text in enumerate(TEXTS):
        expected = masked_logits(whole, tiny.tokenizer, text, template, MASKED_WORDS)
        torch.testing.assert_close(found[row], expected, atol=1e-4, rtol=1e-5)


@torch.no_grad()
def test_a_mask_within_the_text_is_not_taken_for_the_template_s(tiny: Pretrained, whole: Any) -> None:
    text, characters = "[MASK] and [MASK] again", "[ MASK ] and [ MASK ] again"
    for template in ("{text} It was {mask}.", "{mask}! {text}"):
        head = Verbalizer(NAMES, tiny, template, MASKED_WORDS).eval()
        given = tiny.tokenizer(template.format(text=characters, mask="[MASK]"), return_tensors="pt")  # type: ignore[misc]
        (at,) = (given["input_ids"][0] == head.mask_id).nonzero()[:, 0]
        logits = whole(**given).logits[0, at]
        assert head.tokenize([text], 128) == given["input_ids"].tolist()
        found = head.forward_prompt(tiny, *batch(head, tiny, [text])).logits[0]
        torch.testing.assert_close(found[1], logits[head.words[2]], atol=1e-4, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("family", CAUSAL_FAMILIES)
@pytest.mark.parametrize("template", ["{text} It was", "Review: {text}\nThis film is"])
def test_likelihood_in_one_pass_is_that_of_each_class_by_itself(family: str, template: str, tmp_path: Path) -> None:
    model = small_causal(family, tmp_path)
    encoder = Pretrained(str(tmp_path)).eval()
    head = Likelihood(NAMES, encoder, template, CAUSAL_WORDS).eval()
    found = head.forward_prompt(encoder, *batch(head, encoder, max_length=128)).logits
    for row, text in enumerate(TEXTS):
        expected = likelihoods(model, encoder.tokenizer, text, template, CAUSAL_WORDS)
        torch.testing.assert_close(found[row], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_calibration_divides_the_chances_by_those_after_prompts_without_content(causal: tuple[Pretrained, Any]) -> None:
    encoder, model = causal
    template = "{text} It was"
    head = Likelihood(NAMES, encoder, template, CAUSAL_WORDS, calibrate=True).eval()
    found = head.forward_prompt(encoder, *batch(head, encoder)).logits.softmax(dim=1)
    free = [likelihoods(model, encoder.tokenizer, t, template, CAUSAL_WORDS) for t in ("N/A", "[MASK]", "")]
    weights = 1 / torch.stack([scores.softmax(dim=0) for scores in free]).mean(dim=0)  # W = diag(p_cf)^-1
    for row, text in enumerate(TEXTS):
        chances = weights * likelihoods(model, encoder.tokenizer, text, template, CAUSAL_WORDS).softmax(dim=0)
        torch.testing.assert_close(found[row], chances / chances.sum(), atol=1e-5, rtol=1e-5)


def test_calibration_is_asked_for_once_in_an_evaluation_and_anew_after_it(causal: tuple[Pretrained, Any]) -> None:
    encoder = copy.deepcopy(causal[0])
    head = Likelihood(NAMES, encoder, words=CAUSAL_WORDS, calibrate=True)
    asked: list[int] = []
    encoder.register_forward_hook(lambda *given: asked.append(1))
    for grad in (True, False):
        asked.clear()
        head.eval()  # as it is while the encoder learns, too: it has no parameters of its own
        with torch.set_grad_enabled(grad):
            first, again = (head.forward_prompt(encoder, *batch(head, encoder)).logits for _ in range(2))
        assert torch.equal(first, again)
        assert len(asked) == (4 if grad else 3)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.mul_(1.1)
        fresh = Likelihood(NAMES, encoder, words=CAUSAL_WORDS, calibrate=True).eval()
        found, expected = (one.forward_prompt(encoder, *batch(one, encoder)).logits for one in (head.eval(), fresh))
    assert torch.equal(found, expected)
    assert not torch.equal(found, first)


TRAIN = Split(["dull", "fine", "grand", "bleak", "fair", "sweet", "drab"], [0, 1, 2, 0, 1, 2, 0])


@torch.no_grad()
@pytest.mark.parametrize("calibrate", [False, True])
def test_examples_are_a_longer_template(causal: tuple[Pretrained, Any], calibrate: bool) -> None:
    encoder, template = causal[0], "Review: {text}\nIt was"
    shown = Likelihood(NAMES, encoder, template, CAUSAL_WORDS, calibrate, examples=3).eval()
    shown.set_demonstrations(TRAIN, 5)
    rows = sample_round_robin(TRAIN.labels, 3, derive_seed(5, "examples"))  # type: ignore[arg-type]  # one class a text
    words = ["bad", "a bit of both", "good"]  # the first of each class
    told = "".join(f"Review: {TRAIN.texts[row]}\nIt was {words[TRAIN.labels[row]]}\n\n" for row in rows)  # type: ignore[index]  # as above
    written = Likelihood(NAMES, encoder, told + template, CAUSAL_WORDS, calibrate).eval()
    found, expected = (
        head.forward_prompt(encoder, *batch(head, encoder, max_length=400)).logits for head in (shown, written)
    )
    assert torch.equal(found, expected)


def test_examples_are_drawn_of_each_class_in_turn() -> None:
    labels = [int(label) for label in TRAIN.labels if isinstance(label, int)]
    for seed in range(50):
        assert sorted(labels[row] for row in sample_round_robin(labels, 3, seed)) == [0, 1, 2]
        assert sorted(labels[row] for row in sample_round_robin(labels, 7, seed)) == sorted(labels)
    drawn = {tuple(sample_round_robin(labels, 3, seed)) for seed in range(50)}
    assert len(drawn) > 25
    assert {row for rows in drawn for row in rows} == set(range(7))
    assert {labels[rows[0]] for rows in drawn} == {0, 1, 2}  # no class always comes first


def test_what_cannot_be_shown_is_told(causal: tuple[Pretrained, Any]) -> None:
    head = Likelihood(NAMES, causal[0], examples=8)
    with pytest.raises(UserError, match=r"head\.examples: 8, but train has 7 texts; show 7 at most"):
        head.set_demonstrations(TRAIN, 1)
    head.examples = 7
    head.set_demonstrations(TRAIN, 1)
    with pytest.raises(UserError, match=r"64 tokens, but the template alone takes \d+, with 7 examples; set it to"):
        head.tokenize(TEXTS, 64)
    with pytest.raises(UserError, match=r"head\.examples: a text of several classes has no single answer to show"):
        head.set_demonstrations(Split(TRAIN.texts[:3] * 3, [[0, 1, 1]] * 9), 1)
    with pytest.raises(UserError, match="head: its template has one text, and the data has pairs"):
        head.set_demonstrations(Split([("one", "other")] * 9, [0] * 9), 1)


@torch.no_grad()
def test_likelihood_in_a_mixed_step_rounds_the_model_s_own_products_alone(causal: tuple[Pretrained, Any]) -> None:
    encoder, _ = causal
    head = Likelihood(NAMES, encoder, words=CAUSAL_WORDS, calibrate=True).eval()
    with torch.autocast("cpu", torch.bfloat16):
        found = head.forward_prompt(encoder, *batch(head, encoder))
    for values in (found.logits, found.diagnostics):
        assert values is not None and not torch.equal(values, values.bfloat16().float())


def test_phrases_that_begin_alike_are_read_once() -> None:
    tree = build_token_tree([[5], [1, 2, 3], [1, 2, 4], [1, 9], [5, 6]])
    assert tree.ids.tolist() == [1, 2, 5]
    assert tree.depths.tolist() == [0, 1, 0]
    assert tree.tree_mask.int().tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert (tree.next_tokens.tolist(), tree.counts) == ([1, 5, 2, 9, 3, 4, 6], [2, 2, 2, 1])
    assert tree.mean.sum(dim=0).tolist() == pytest.approx([1, 1, 1, 1, 1])
    assert tree.membership.shape == (7, 4)  # [5, 6] goes on from [5], which holds its chance already


# Any head of the kind


def head_on(kind: str, tiny: Pretrained, causal: tuple[Pretrained, Any], **options: Any) -> tuple[Any, Pretrained]:
    if kind == "verbalizer":
        return Verbalizer(NAMES, tiny, words=MASKED_WORDS, **options).eval(), tiny
    return Likelihood(NAMES, causal[0], words=CAUSAL_WORDS, **options).eval(), causal[0]


@pytest.fixture(params=["verbalizer", "likelihood"])
def made(request: pytest.FixtureRequest, tiny: Pretrained, causal: Any) -> tuple[Any, Pretrained]:
    return head_on(request.param, tiny, causal)


@torch.no_grad()
def test_a_text_has_the_same_logits_alone_and_in_company(made: tuple[Any, Pretrained]) -> None:
    head, encoder = made
    together = head.forward_prompt(encoder, *batch(head, encoder)).logits
    for row, text in enumerate(TEXTS):
        alone = head.forward_prompt(encoder, *batch(head, encoder, [text])).logits
        torch.testing.assert_close(together[row : row + 1], alone, atol=1e-4, rtol=1e-4)


def test_a_long_text_is_cut_and_the_template_is_not(made: tuple[Any, Pretrained]) -> None:
    head, encoder = made
    assert encoder.tokenizer is not None
    whole = head.tokenize([TEXTS[1]], 128)[0]
    bare = head.tokenize([""], 128)[0]
    for max_length in (len(bare) + 1, len(bare) + 3, len(whole) - 1):
        ids = head.tokenize([TEXTS[1]], max_length)[0]
        assert len(bare) < len(ids) <= max_length
        said = encoder.tokenizer.decode(ids, skip_special_tokens=True).lower().strip(" .")
        assert said.endswith("it was") and said.startswith("the")
    assert head.tokenize([TEXTS[1]], len(whole)) == [whole]
    with pytest.raises(UserError, match=rf"dataset\.max_length: {len(bare)} tokens, but the template alone takes "):
        head.tokenize(TEXTS, len(bare))


def test_a_text_beyond_all_measure_is_cut_too(made: tuple[Any, Pretrained], caplog: pytest.LogCaptureFixture) -> None:
    head, _ = made
    assert len(head.tokenize(["long words " * 2000], 60)[0]) in (59, 60)
    assert not caplog.records


def test_gradients_reach_the_tail_and_every_block_of_the_encoder(tiny: Pretrained, causal: Any) -> None:
    for kind in ("verbalizer", "likelihood"):
        head, encoder = head_on(kind, tiny, causal)
        head.forward_prompt(encoder, *batch(head, encoder)).logits.logsumexp(dim=1).sum().backward()
        moved = {n for n, p in encoder.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        assert {n for n, _ in encoder.named_parameters() if "key.bias" not in n} <= moved
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())
        encoder.zero_grad()


def test_from_shapes_alone_the_blocks_are_the_same_as_with_the_weights() -> None:
    [job] = command.jobs_of_command(["head=verbalizer"])
    names = ["negative", "neutral", "positive"]
    with_weights, without = (build_model(job.config, names, weights)[0] for weights in (True, False))
    assert [block.plan_block for block in with_weights] == [block.plan_block for block in without]
    assert without[-1].plan_block.parameters[0].name.startswith("head.tail.")


# What cannot be read

WRONG: list[tuple[dict[str, Any], str]] = [
    (
        {"words": {"bad": "horribleness", "middling": "okay", "good": "great"}},
        r"'horribleness' is split into horrible ##",
    ),
    (
        {"words": {"bad": "very bad", "middling": "okay", "good": "great"}},
        r"'very bad' is split into very bad; give words",
    ),
    ({"words": {"bad": "☃", "middling": "okay", "good": "great"}}, r"head\.words: the encoder does not know '☃'; "),
    (
        {"words": {"bad": "bad", "middling": "okay"}},
        r"head\.words: the class 'good' has no words; give head\.words\.good=",
    ),
    (
        {"words": {"bad": "bad", "middling": "okay", "god": "great"}},
        r"head\.words\.god: there is no class 'god'; did you ",
    ),
    (
        {"words": {"bad": "bad", "middling": [], "good": "great"}},
        r"head\.words\.middling: \[\] are no words; give a word",
    ),
    (
        {"words": {"bad": "bad", "middling": "bad", "good": "great"}},
        r"middling: 'bad' is a word of 'bad' too; give each",
    ),
    (
        {"words": {"bad": "bad", "middling": " ", "good": "great"}},
        r"head\.words\.middling: ' ' are no words; give a word",
    ),
    ({"template": "{text} It was."}, r"head\.template: '{text} It was\.' has no {mask}; put {mask} where"),
    ({"template": "It was {mask}."}, r"head\.template: 'It was {mask}\.' has no {text}; put {text} where"),
    ({"template": "{mask} {text} {mask}"}, r"head\.template: .* has {mask} 2 times; leave one of them"),
    ({"template": "{text} {mask} {label}"}, r"head\.template: .* has {label}, which this head cannot fill; it fills "),
]


@pytest.mark.parametrize(("options", "pattern"), WRONG, ids=[pattern[:40] for _, pattern in WRONG])
def test_what_a_verbalizer_cannot_fill_is_told(tiny: Pretrained, options: dict[str, Any], pattern: str) -> None:
    with pytest.raises(UserError, match=pattern):
        Verbalizer(NAMES, tiny, **options)


def test_names_of_classes_that_are_no_single_words_are_told_all_at_once(tiny: Pretrained) -> None:
    with pytest.raises(UserError) as told:
        Verbalizer(["HassTurnOn", "good", "HassTurnOff"], tiny)
    assert [problem.what.split(" is split")[0] for problem in told.value.problems] == ["'HassTurnOn'", "'HassTurnOff'"]


def test_pairs_have_no_place_in_a_template(made: tuple[Any, Pretrained]) -> None:
    with pytest.raises(UserError, match="head: its template has one text, and the data has pairs; choose"):
        made[0].tokenize([("one", "other")], 64)


def test_a_length_beyond_the_encoder_s_is_told_with_the_room_that_words_need(
    causal: tuple[Pretrained, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causal[0], "max_positions", 512)  # Llama itself has no table of positions that ends
    head, _ = head_on("likelihood", causal[0], causal)
    beyond = head.prompt_tokenizer.reserved
    assert beyond > 0
    with pytest.raises(
        UserError, match=rf"reads at most 512, {beyond} of them for the classes' words; set it to {512 - beyond} "
    ):
        head.tokenize(TEXTS, 512)
    assert head.tokenize(TEXTS, 512 - beyond)


def test_an_encoder_of_another_objective_is_refused_where_only_the_model_can_tell(
    tiny: Pretrained, causal: tuple[Pretrained, Any], tmp_path: Path
) -> None:
    with pytest.raises(
        UserError, match=r"head: reads a masked language model, and the encoder is a causal one; choose "
    ):
        Verbalizer(NAMES, causal[0])
    with pytest.raises(
        UserError, match=r"head: reads a causal language model, and the encoder is a masked one; choose "
    ):
        Likelihood(NAMES, tiny)
    tiny.model.save_pretrained(tmp_path)  # type: ignore[operator]
    assert tiny.tokenizer is not None
    tiny.tokenizer.save_pretrained(tmp_path)
    headless = Pretrained(str(tmp_path))
    with pytest.raises(UserError, match=r"encoder\.objective: null: the checkpoint is not known to have a language-mo"):
        Verbalizer(NAMES, headless)
    claimed = Pretrained(str(tmp_path), objective="masked")
    with pytest.raises(UserError, match=r"encoder\.objective: the checkpoint has no language-model head: it lacks '"):
        Verbalizer(NAMES, claimed)


def test_words_of_several_tokens_need_an_encoder_that_can_be_told_where_tokens_stand(
    causal: tuple[Pretrained, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causal[0], "accepts_position_ids", False)
    with pytest.raises(UserError, match=r"head\.words: several tokens, but the encoder takes no position_ids"):
        Likelihood(NAMES, causal[0], words=CAUSAL_WORDS)
    assert causal[0].tokenizer is not None
    ahead = [token[1:] for token in causal[0].tokenizer.get_vocab() if token.startswith("Ġ") and len(token) > 1]
    assert Likelihood(ahead[:2], causal[0]).ids.tolist() == []


def test_a_phase_in_which_nothing_would_learn_is_refused_before_training(causal: tuple[Pretrained, Any]) -> None:
    """The tail's only weights are the encoder's own, so that a frozen encoder leaves nothing to a head's phase."""
    folder = causal[0]._build_head.keywords["path"]
    [job] = command.jobs_of_command(
        ["head=likelihood", "encoder=hub", f"encoder.name={folder}", "freezing=lp_ft", *SMALL]
    )
    with pytest.raises(UserError, match=r"freezing: trains nothing in phase probe, as this head has no parameters "):
        build(job.config)


# What is recorded


@torch.no_grad()
def test_the_perplexity_of_a_causal_model_is_that_of_its_own_loss(causal: tuple[Pretrained, Any]) -> None:
    head, encoder = head_on("likelihood", causal[0], causal)
    ids, mask = tokenize_split(Split(TEXTS, [0] * 3), encoder.tokenize, 64, encoder.pad_id, "").padded(
        torch.arange(3).numpy()
    )
    found = head.token_nll(encoder, ids, mask, torch.rand(ids.shape))
    for row, text in enumerate(TEXTS):
        own = torch.tensor([encoder.tokenize([text], 64)[0]])
        loss = causal[1](input_ids=own, labels=own).loss
        assert found[row, 1] == own.shape[1] - 1
        torch.testing.assert_close(found[row, 0] / found[row, 1], loss, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_the_pseudo_perplexity_of_a_masked_model_is_its_loss_where_tokens_are_masked(
    tiny: Pretrained, whole: Any
) -> None:
    head = Verbalizer(NAMES, tiny, words=MASKED_WORDS).eval()
    ids, mask = tokenize_split(Split(TEXTS, [0] * 3), tiny.tokenize, 64, 0, "").padded(torch.arange(3).numpy())
    chances = torch.rand(ids.shape, generator=torch.Generator().manual_seed(3))
    found = head.token_nll(tiny, ids, mask, chances)
    special = (ids == 101) | (ids == 102) | (ids == 0)
    for row in range(3):
        own = chances[row].masked_fill(special[row], 2)
        chosen = (own < 0.15) | (own == own.min())
        labels = ids[row].masked_fill(~chosen, -100)
        kept = mask[row].bool()
        given = ids[row].masked_fill(chosen, 103)[kept][None]
        loss = whole(input_ids=given, labels=labels[kept][None]).loss
        assert found[row, 1] == chosen.sum()
        torch.testing.assert_close(found[row, 0] / found[row, 1], loss, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_the_share_on_class_words_is_that_of_all_their_chances(
    tiny: Pretrained, whole: Any, causal: tuple[Pretrained, Any]
) -> None:
    head, encoder = head_on("verbalizer", tiny, causal)
    given = encoder.tokenizer(f"{TEXTS[0]} It was [MASK].", return_tensors="pt")  # type: ignore[misc]
    at = int((given["input_ids"][0] == 103).nonzero()[0])
    chances = whole(**given).logits[0, at].softmax(dim=0)
    assert_share(head, encoder, float(chances[head.words].sum()))
    head, encoder = head_on("likelihood", tiny, causal)
    assert encoder.tokenizer is not None
    prompt = encoder.tokenizer(f"{TEXTS[0]} It was")["input_ids"]
    expected = 0.0
    for phrase in ("bad", "a waste of time", "a bit of both", "good", "a good time"):
        said = encoder.tokenizer(f" {phrase}")["input_ids"]
        logits = causal[1](input_ids=torch.tensor([prompt + said])).logits[0].log_softmax(dim=-1)
        expected += math.exp(sum(float(logits[len(prompt) + i - 1, t]) for i, t in enumerate(said)))
    assert_share(head, encoder, expected)


def assert_share(head: Any, encoder: Pretrained, expected: float) -> None:
    outputs = head.forward_prompt(encoder, *batch(head, encoder, TEXTS[:1]))
    assert float(head.observe(outputs, torch.tensor([0]))[0, 0]) == pytest.approx(expected, rel=1e-4)


def test_a_language_model_applied_as_it_is_leaves_its_record(go: Go, tiny: Pretrained, whole: Any) -> None:
    result = go("head=verbalizer", "freezing=direct", WORDS, *SMALL)
    assert result["parameters"]["ever_trainable"] == 0
    assert result["metrics"].keys() >= {"test/accuracy", "test/f1_macro"}
    record = result["language_model"]
    assert record.keys() == {"pseudo_perplexity", "share_on_class_words"}
    assert record["pseudo_perplexity"] > 100
    assert 0 < record["share_on_class_words"] < 0.1
    assert result["cost"]["texts_encoded"] == 16 + 33 + 33  # validation, test, and its plain texts


def test_a_causal_model_applied_as_it_is_tells_its_accuracy_before_and_after_calibration(
    go: Go, causal: tuple[Pretrained, Any], tmp_path: Path
) -> None:
    folder = causal[0]._build_head.keywords["path"]
    lines = ["head=likelihood", "encoder=hub", f"encoder.name={folder}", "freezing=direct", *SMALL]
    plain, calibrated = go(*lines), go(*lines, "head.calibrate=true")
    assert plain["language_model"].keys() == {"perplexity", "share_on_class_words"}
    record = calibrated["language_model"]
    assert record["accuracy_before"] == pytest.approx(plain["metrics"]["test/accuracy"])
    assert record["accuracy_after"] == pytest.approx(calibrated["metrics"]["test/accuracy"])
    assert record["perplexity"] == plain["language_model"]["perplexity"]


def test_other_seeds_show_other_examples(go: Go, causal: tuple[Pretrained, Any]) -> None:
    folder = causal[0]._build_head.keywords["path"]
    lines = ["head=likelihood", "encoder=hub", f"encoder.name={folder}", "freezing=direct", *SMALL]
    lines += ["head.examples=2", "dataset.max_length=400", "dataset.max_test=5"]
    ours, theirs = (go(*lines, f"seed={seed}") for seed in (1, 2))
    assert ours["metrics"]["test/loss"] != theirs["metrics"]["test/loss"]
    assert ours["language_model"]["perplexity"] == theirs["language_model"]["perplexity"]  # of texts as they are


# Trained


class MaskedByHand(ByHand):
    """BertForMaskedLM with a template and one word a class, trained as one would by hand."""

    template, spoken = "{text} It was {mask}.", ["okay", "great"]

    def __init__(self, config: dict[str, Any], **options: Any) -> None:
        super().__init__(config | {"head": {"_target_": "frostline.models.heads.linear.Linear"}}, **options)
        place = make(config["encoder"])._build_head.keywords["path"]
        self.whole = transformers.AutoModelForMaskedLM.from_pretrained(place, dtype=torch.float32)
        self.model, self.head = self.whole, nn.Identity()
        self.named = dict(self.whole.named_parameters())
        self.words = self.tokenizer.convert_tokens_to_ids(self.spoken)

    def blocks(self) -> list[nn.Module]:
        return [self.whole.bert.embeddings, *self.whole.bert.encoder.layer]

    def ids(self, texts: Any) -> Any:
        filled = [self.template.format(text=text, mask="[MASK]") for text in texts]
        return self.tokenizer(filled, padding=True, return_tensors="pt")

    def logits(self, rows: Any) -> Tensor:
        texts = self.ids([self.train.texts[i] for i in rows])
        states = self.whole.bert(**texts).last_hidden_state
        logits: Tensor = self.whole.cls(states[texts["input_ids"] == 103])
        return logits[:, self.words]


class CausalByHand(ByHand):
    """LlamaForCausalLM that reads each prompt with each class's words by itself, trained as one would by hand."""

    def __init__(self, config: dict[str, Any], **options: Any) -> None:
        super().__init__(config | {"head": {"_target_": "frostline.models.heads.linear.Linear"}}, **options)
        name = config["encoder"]["name"]
        self.whole = transformers.AutoModelForCausalLM.from_pretrained(name, dtype=torch.float32)
        self.model, self.head = self.whole, nn.Identity()
        self.named = dict(self.whole.named_parameters())

    def blocks(self) -> list[nn.Module]:
        return [self.whole]

    def ids(self, texts: Any) -> Any:
        [text] = texts
        return self.tokenizer([f"{text} It was"], return_tensors="pt")

    def logits(self, rows: Any) -> Tensor:
        words = {"class 1": "middling", "class 2": "a good time"}
        texts = [self.train.texts[i] for i in rows]
        return torch.stack([likelihoods(self.whole, self.tokenizer, t, "{text} It was", words) for t in texts])


def trained(overrides: list[str], by_hand: Any, learns: Any) -> int:
    """Trains both ways and compares every parameter; how many there were."""
    few_texts()
    [job] = command.jobs_of_command([*FEW, LAST, "optimizer.lr=1e-4", *overrides])
    ours = trained_run(job).classifier.engine.parameters
    expected = by_hand(job.config, learns=learns).run()
    assert len(ours) == len(expected)
    for name, value in expected.items():
        if not name.endswith("key.bias"):
            assert float((ours[plan_name(name)].detach() - value).abs().max()) <= 1e-5, name
    return len(expected)


def plan_name(name: str) -> str:
    """transformers' -> the plan's."""
    if name.startswith("cls."):
        return f"head.tail.model.{name}"
    name = name.replace("bert.encoder.", "encoder.").replace("bert.embeddings.", "encoder.embeddings.")
    name = name.replace("model.layers.", "encoder.layer.").replace("model.embed_tokens.", "encoder.embeddings.")
    return name.replace("model.norm.", "encoder.final.")


def thawed(name: str, epoch: int) -> bool:
    """ULMFiT's without the tables: the tail in epoch 0, the top layer with it in 1, the lower one too in 2."""
    if name.startswith("cls."):
        return True
    return "encoder.layer." in name and epoch >= 2 - int(name.split("encoder.layer.")[1][0])


@pytest.mark.parametrize(
    ("freezing", "learns"),
    [
        pytest.param("freezing=full", lambda name, epoch: True, marks=pytest.mark.slow),
        ("freezing=gradual freezing.thaw_embeddings=false", thawed),
    ],
    ids=["full", "gradual"],
)
def test_training_a_verbalizer_is_training_the_masked_model_itself(freezing: str, learns: Any) -> None:
    words = "head.words={class 1: okay, class 2: great}"
    assert trained(["head=verbalizer", words, *freezing.split()], MaskedByHand, learns) == 42


@pytest.mark.slow
def test_training_by_likelihood_is_training_the_causal_model_itself(tmp_path: Path) -> None:
    small_causal("Llama", tmp_path)
    words = "head.words={class 1: middling, class 2: a good time}"
    lines = ["head=likelihood", words, "encoder=hub", f"encoder.name={tmp_path}", "dataset.max_length=400"]
    assert trained([*lines, "freezing=full"], CausalByHand, lambda name, epoch: True) == 20

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from frostline.data.corpus import Split, Text
from frostline.data.token_counts import TokenizedTexts
from frostline.errors import user_error
from frostline.models.interfaces import Outputs
from frostline.models.numerics import matmul_float32
from frostline.models.prompting.demonstrations import sample_round_robin
from frostline.models.prompting.prompt_tokenizer import (
    PromptTokenizer,
    language_model_head_of,
    sum_per_text,
    token_nll,
)
from frostline.models.prompting.template import PromptTemplate, verbalizer_words
from frostline.models.prompting.token_tree import build_token_tree
from frostline.seeding import derive_seed
from frostline.types import NonNegativeInt

CONTENT_FREE = ("N/A", "[MASK]", "")  # the prompts of arXiv:2102.09690


class Likelihood(nn.Module):
    """A causal language model continues a prompt; the logit of a class is the mean log-likelihood of its words' tokens.

    All classes are scored in one pass: the tokens of all verbalizers follow the prompt, and each attends to the prompt
    and to its verbalizer. Without training this is zero-shot classification; training minimises cross-entropy over
    these logits, through the language-model head and the encoder.

    words: words for each class, `{negative: bad, positive: [great, very good]}`, which follow the prompt after a space;
    the mean is taken over several. null: the names of the classes. Texts are truncated, the template is not.
    calibrate: contextual calibration (arXiv:2102.09690): the probabilities of the classes are divided by their mean
    over the three prompts without content of the paper ("N/A", "[MASK]" and nothing), under the present weights and
    without gradient. The most likely class is that of the paper. The quotients are scaled to a sum of 1, where the text
    of the paper has a second softmax and its code nothing; the probabilities of each prompt are scaled to a sum of 1
    before the mean is taken, where its code scales the mean.

    examples: in-context learning (arXiv:2005.14165): the number of demonstrations, training texts sampled with the seed
    of the run from each class in turn. They precede each text and each prompt without content, in the template,
    followed by the first words of their class and an empty line. They count in `dataset.max_length`.

    Recorded under `language_model`: the perplexity of the test texts without template (exp of the mean negative
    log-likelihood of each token but the first), the mean probability after the prompt that falls on the words of all
    classes, and with `calibrate` the accuracy before and after it.

    Raises:
        UserError: the template has no {text}, a class has no words, or the encoder is no causal language model.
    """

    required_objective = "causal"
    template_fields = "text"
    record = "language_model"
    uses_tree_attention = True  # over the tokens of all verbalizers at once
    ids: Tensor
    depths: Tensor
    tree_mask: Tensor
    next_tokens: Tensor
    mean: Tensor
    membership: Tensor
    free: Tensor
    free_mask: Tensor
    cached_calibration: Tensor | None = None  # of the present evaluation

    def __init__(
        self,
        names: Sequence[str],
        encoder: Any,
        template: str = "{text} It was",
        words: Mapping[str, str | Sequence[str]] | None = None,
        calibrate: bool = False,
        examples: NonNegativeInt = 0,
    ) -> None:
        super().__init__()
        parsed = PromptTemplate.parse(template, self.template_fields.split())
        self.class_words = verbalizer_words(words, names)
        self.calibrate, self.examples = calibrate, examples
        self.tail = language_model_head_of(encoder, self.required_objective)
        if encoder.tokenizer is not None:
            self._register_tree(encoder, parsed)

    def _register_tree(self, encoder: Any, template: PromptTemplate) -> None:
        words = [word for one_class in self.class_words for word in one_class]
        verbalizers = [_word_tokens(encoder.tokenizer, template.after, word) for word in words]
        tree = build_token_tree(verbalizers)
        if len(tree.ids) and not encoder.accepts_position_ids:
            do = "give words of one token each in head.words, or choose another encoder"
            raise user_error("head.words", "several tokens, but the encoder takes no position_ids", do)
        classes = torch.tensor([index for index, one_class in enumerate(self.class_words) for _ in one_class])
        # (P, C): averages over the verbalizers of a class
        to_class = torch.nn.functional.one_hot(classes).float() / torch.bincount(classes)
        buffers = {name: getattr(tree, name) for name in ("ids", "depths", "tree_mask", "next_tokens", "membership")}
        self.counts = tree.counts
        for name, value in (buffers | {"mean": tree.mean @ to_class}).items():
            self.register_buffer(name, value, persistent=False)
        self.prompt_tokenizer = PromptTokenizer(encoder, template, reserved=max(map(len, verbalizers)) - 1)
        self._register_content_free_prompts()

    def _register_content_free_prompts(self) -> None:
        """Tokenize the prompts without content, with the demonstrations that are set."""
        self.cached_calibration = None
        free = [torch.tensor(ids) for ids in self.prompt_tokenizer.prompt_ids(CONTENT_FREE)]
        padded = nn.utils.rnn.pad_sequence(free, batch_first=True, padding_value=self.prompt_tokenizer.pad_id)
        mask = nn.utils.rnn.pad_sequence([torch.ones_like(ids) for ids in free], batch_first=True)
        self.register_buffer("free", padded, persistent=False)
        self.register_buffer("free_mask", mask, persistent=False)

    def set_demonstrations(self, train: Split, seed: int) -> None:
        """Sample the demonstrations and begin all further prompts with them.

        Raises:
            UserError: there are too few training texts, or they are multi-label or pairs.
        """
        if not self.examples:
            return
        if self.examples > len(train):
            do = f"show {len(train)} at most"
            raise user_error("head.examples", f"{self.examples}, but train has {len(train)} texts", do)
        labels = [label for label in train.labels if isinstance(label, int)]
        if len(labels) < len(train):
            raise user_error("head.examples", "a text of several classes has no single answer to show", "set it to 0")
        rows = sample_round_robin(labels, self.examples, derive_seed(seed, "examples"))
        words = [self.class_words[labels[row]][0] for row in rows]
        self.prompt_tokenizer.prepend_demonstrations([train.texts[row] for row in rows], words)
        self._register_content_free_prompts()

    def tokenize(self, texts: Sequence[Text], max_length: int) -> list[list[int]]:
        """Return the token ids of the prompt of each text without verbalizers, at most `max_length` of them."""
        return self.tokenize_and_count(texts, max_length).ids

    def tokenize_and_count(self, texts: Sequence[Text], max_length: int) -> TokenizedTexts:
        """Return the same as `tokenize`, and how much of each text is left out."""
        return self.prompt_tokenizer(texts, max_length)

    def forward_prompt(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Outputs:
        """Return logits (B, C) of prompts, given input_ids and attention_mask (B, T).

        diagnostics (B, 1 + C): the probability that falls on the words of all classes, and the uncalibrated logits.
        """
        steps = self._step_log_probabilities(encoder, input_ids, attention_mask)
        plain = matmul_float32(steps, self.mean)
        probability = matmul_float32(steps.detach(), self.membership).exp().sum(dim=1, keepdim=True)
        logits = plain - self._calibration(encoder) if self.calibrate else plain
        return Outputs(logits, None, torch.cat([probability, plain.detach()], dim=1))

    def train(self, mode: bool = True) -> Self:
        """Set the mode as any module does, and discard the calibration, since weights may have changed."""
        self.cached_calibration = None
        return super().train(mode)

    def _calibration(self, encoder: nn.Module) -> Tensor:
        """Return the calibration (C,) under the present weights; it is computed once in an evaluation."""
        if torch.is_grad_enabled():
            return self._content_free_log_probabilities(encoder)
        if self.cached_calibration is None:
            self.cached_calibration = self._content_free_log_probabilities(encoder)
        return self.cached_calibration

    @torch.no_grad()
    def _content_free_log_probabilities(self, encoder: nn.Module) -> Tensor:
        """Return the log of the mean class probabilities (C,) after prompts without content."""
        plain = matmul_float32(self._step_log_probabilities(encoder, self.free, self.free_mask), self.mean)
        return plain.softmax(dim=1).mean(dim=0).log()

    def _step_log_probabilities(self, encoder: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the log-probability of each next token of the tree (B, S) after right-padded prompts (B, T)."""
        states = self._tree_states(encoder, ids, mask)
        rows = torch.arange(len(ids), device=ids.device)
        nodes = torch.cat([states[rows, mask.sum(dim=1) - 1][:, None], states[:, ids.shape[1] :]], dim=1)
        columns = []
        for node, tokens in enumerate(torch.split(self.next_tokens, self.counts)):
            if len(tokens):
                columns.append(self.tail(nodes[:, node : node + 1])[:, 0].float().log_softmax(dim=1)[:, tokens])
        return torch.cat(columns, dim=1)

    def _tree_states(self, encoder: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
        """Return the states (B, T + N, D) of the prompts and of the N tokens of the tree after each."""
        states: Tensor
        if not len(self.ids):
            states = encoder(ids, mask)
            return states
        (texts, length), nodes = ids.shape, len(self.ids)
        positions = torch.arange(length, device=ids.device).expand(texts, -1)
        positions = torch.cat([positions, mask.sum(dim=1, keepdim=True) + self.depths], dim=1)
        is_token = (mask != 0)[:, None, :]
        causal = is_token & positions.new_ones(length, length).tril().bool()
        causal = causal.expand(texts, length, length)
        prompt_rows = torch.cat([causal, causal.new_zeros(texts, length, nodes)], dim=2)
        tree_mask = self.tree_mask.expand(texts, nodes, nodes)
        tree_rows = torch.cat([is_token.expand(texts, nodes, length), tree_mask], dim=2)
        visible = torch.cat([prompt_rows, tree_rows], dim=1)[:, None]
        bias = torch.zeros(visible.shape, device=ids.device).masked_fill(~visible, torch.finfo(torch.float32).min)
        states = encoder(torch.cat([ids, self.ids.expand(texts, -1)], dim=1), bias, position_ids=positions)
        return states

    def observe(self, outputs: Outputs, labels: Tensor) -> Tensor:
        """Return (B, 3): the probability of the classes' words, and correctness before and after calibration."""
        assert outputs.diagnostics is not None
        predictions = [logits.argmax(dim=1) for logits in (outputs.diagnostics[:, 1:], outputs.logits)]
        if labels.ndim == 1:
            correct = [predicted == labels for predicted in predictions]
        else:
            correct = [labels.gather(1, predicted[:, None])[:, 0] > 0 for predicted in predictions]
        dtype = outputs.diagnostics.dtype
        return torch.stack([outputs.diagnostics[:, 0], *(c.to(dtype) for c in correct)], dim=1)

    def token_nll(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor, uniform: Tensor) -> Tensor:
        """Return the summed negative log-likelihood in nats and the number of tokens (B, 2) of plain texts (B, T).

        uniform: not used by a causal model.
        """
        is_predicted = attention_mask[:, 1:] != 0
        states = encoder(input_ids, attention_mask)[:, :-1]
        nll = token_nll(self.tail, states[is_predicted], input_ids[:, 1:][is_predicted])
        return sum_per_text(nll, is_predicted)

    def summarise(self, observed: Sequence[float], perplexity: float) -> dict[str, float]:
        """Return the metrics, given the means of `observe` and the perplexity."""
        probability, before, after = observed
        metrics = {"perplexity": perplexity, "share_on_class_words": probability}
        return metrics | ({"accuracy_before": before, "accuracy_after": after} if self.calibrate else {})


def _word_tokens(tokenizer: Any, prefix: str, word: str) -> list[int]:
    """Return the token ids of a word that follows `prefix`, the end of the template, after a space.

    Raises:
        UserError: the word changes the tokens of the template.
    """
    start = prefix or "a"
    alone, joined = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in (start, f"{start} {word.strip()}")
    )
    word_ids: list[int] = joined[len(alone) :]
    if joined[: len(alone)] != alone or not word_ids:
        do = "end head.template otherwise, or choose another word"
        raise user_error("head.words", f"'{word}' melts with the end of the template into other tokens", do)
    return word_ids

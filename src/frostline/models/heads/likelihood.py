from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn

from frostline.data.corpus import Split, Text
from frostline.errors import user_error
from frostline.models.interfaces import Outputs
from frostline.models.numerics import product
from frostline.models.prompting.demonstrations import in_turn
from frostline.models.prompting.reading import Reading, per_text, surprise, tail_of
from frostline.models.prompting.template import Template, words_of
from frostline.models.prompting.token_tree import tree
from frostline.seeding import derive_seed
from frostline.types import Whole

CONTENT_FREE = ("N/A", "[MASK]", "")  # those of arXiv:2102.09690


class Likelihood(nn.Module):
    """A causal language model goes on from a prompt; a class's logit is the mean log-chance of its words' tokens.

    All classes are read in one pass over a text: their tokens stand behind the prompt side by side, each sees the
    prompt and its own words. Applied directly it is zero-shot classification; trained, cross-entropy over these logits
    goes through tail and encoder.

    words: words for each class, `{negative: bad, positive: [great, very good]}`, which follow the prompt after a space;
    of a class with several the mean is taken. null: the classes' own names. Texts are cut, the template is not.
    calibrate: contextual calibration (arXiv:2102.09690): the chances of the classes are divided by their mean after the
    paper's three prompts without content ("N/A", "[MASK]" and nothing), as the encoder is at that time, without
    gradient. The most likely class is the paper's; as chances we take the quotients, scaled to a sum of 1, for which
    the paper's text has a second softmax and its code nothing; the mean is of chances that are scaled to a sum of 1 in
    each prompt, where its code scales the mean.

    examples: in-context learning (arXiv:2005.14165): so many texts of train, drawn with the run's seed, of each class
    in turn, stand before each text and before a prompt without content, each in the template, answered with its class's
    first words and an empty line. They count in `dataset.max_length`.

    Recorded under `language_model`: the perplexity of the test texts without template (exp of the mean surprise at
    each token but the first), the mean share of chance after the prompt that falls on any class's words, and with
    `calibrate` the accuracy before and after it.

    Raises:
        UserError: a template without {text}, a class without words, an encoder that is no causal language model.
    """

    required_objective = "causal"
    template_fields = "text"
    record = "language_model"
    uses_tree_attention = True  # over the tokens of all verbalizers at once
    ids: Tensor
    depths: Tensor
    sees: Tensor
    told: Tensor
    mean: Tensor
    whole: Tensor
    free: Tensor
    free_mask: Tensor
    known: Tensor | None = None  # the calibration of this evaluation

    def __init__(
        self,
        names: Sequence[str],
        encoder: Any,
        template: str = "{text} It was",
        words: Mapping[str, str | Sequence[str]] | None = None,
        calibrate: bool = False,
        examples: Whole = 0,
    ) -> None:
        super().__init__()
        form = Template.of(template, self.template_fields.split())
        self.spoken = words_of(words, names)
        self.calibrate, self.examples = calibrate, examples
        self.tail = tail_of(encoder, self.required_objective)
        if encoder.tokenizer is not None:
            self._lay_out(encoder, form)

    def _lay_out(self, encoder: Any, form: Template) -> None:
        phrases = [_tokens(encoder.tokenizer, form.after, word) for own in self.spoken for word in own]
        laid = tree(phrases)
        if len(laid.ids) and not encoder.places_tokens:
            do = "give words of one token each in head.words, or choose another encoder"
            raise user_error("head.words", "several tokens, but the encoder cannot be told where tokens stand", do)
        classes = torch.tensor([i for i, own in enumerate(self.spoken) for _ in own])
        share = torch.nn.functional.one_hot(classes).float() / torch.bincount(classes)  # (P, C): of a class's phrases
        kept = {"ids": laid.ids, "depths": laid.depths, "sees": laid.sees, "told": laid.told}
        kept |= {"mean": laid.mean @ share, "whole": laid.whole}
        self.counts = laid.counts
        for name, value in kept.items():
            self.register_buffer(name, value, persistent=False)
        self.reading = Reading(encoder, form, beyond=max(map(len, phrases)) - 1)
        self._lay_out_free()

    def _lay_out_free(self) -> None:
        """Prompts without content, as they are read now."""
        self.known = None
        free = [torch.tensor(ids) for ids in self.reading.ids(CONTENT_FREE)]
        padded = nn.utils.rnn.pad_sequence(free, batch_first=True, padding_value=self.reading.filler)
        mask = nn.utils.rnn.pad_sequence([torch.ones_like(ids) for ids in free], batch_first=True)
        self.register_buffer("free", padded, persistent=False)
        self.register_buffer("free_mask", mask, persistent=False)

    def set_demonstrations(self, train: Split, seed: int) -> None:
        """Put the examples before what is read from here on.

        Raises:
            UserError: train has too few texts, or such as have several classes, or pairs.
        """
        if not self.examples:
            return
        if self.examples > len(train):
            do = f"show {len(train)} at most"
            raise user_error("head.examples", f"{self.examples}, but train has {len(train)} texts", do)
        labels = [label for label in train.labels if isinstance(label, int)]
        if len(labels) < len(train):
            raise user_error("head.examples", "a text of several classes has no single answer to show", "set it to 0")
        rows = in_turn(labels, self.examples, derive_seed(seed, "examples"))
        self.reading.show([train.texts[row] for row in rows], [self.spoken[labels[row]][0] for row in rows])
        self._lay_out_free()

    def tokenize(self, texts: Sequence[Text], max_length: int) -> list[list[int]]:
        """Token ids of each text in the template, at most `max_length`, the text cut; the words are not among them."""
        return self.reading(texts, max_length)

    def forward_prompt(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Outputs:
        """input_ids and attention_mask (B, T) -> logits (B, C).

        seen (B, 1 + C): the share of chance on the classes' words, and the logits before calibration.
        """
        steps = self._steps(encoder, input_ids, attention_mask)
        plain = product(steps, self.mean)
        share = product(steps.detach(), self.whole).exp().sum(dim=1, keepdim=True)
        logits = plain - self._calibration(encoder) if self.calibrate else plain
        return Outputs(logits, None, torch.cat([share, plain.detach()], dim=1))

    def train(self, mode: bool = True) -> Self:
        """As of any module; and ask again for the calibration, as weights may have changed."""
        self.known = None
        return super().train(mode)

    def _calibration(self, encoder: nn.Module) -> Tensor:
        """(C,): of the weights as they are; asked for once in an evaluation, where no step changes them."""
        if torch.is_grad_enabled():
            return self._content_free(encoder)
        if self.known is None:
            self.known = self._content_free(encoder)
        return self.known

    @torch.no_grad()
    def _content_free(self, encoder: nn.Module) -> Tensor:
        """(C,): log of the classes' mean chances after prompts without content."""
        plain = product(self._steps(encoder, self.free, self.free_mask), self.mean)
        return plain.softmax(dim=1).mean(dim=0).log()

    def _steps(self, encoder: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
        """Right-padded prompts (B, T) -> the log-chance of each step from the prompt or a word to the next (B, S)."""
        states = self._states(encoder, ids, mask)
        rows = torch.arange(len(ids), device=ids.device)
        nodes = torch.cat([states[rows, mask.sum(dim=1) - 1][:, None], states[:, ids.shape[1] :]], dim=1)
        found = []
        for node, told in enumerate(torch.split(self.told, self.counts)):
            if len(told):
                found.append(self.tail(nodes[:, node : node + 1])[:, 0].float().log_softmax(dim=1)[:, told])
        return torch.cat(found, dim=1)

    def _states(self, encoder: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
        """Of the prompts and of the N tokens behind each: (B, T + N, D)."""
        if not len(self.ids):
            return self._asked(encoder, ids, mask)
        (texts, longest), words = ids.shape, len(self.ids)
        places = torch.arange(longest, device=ids.device).expand(texts, -1)
        places = torch.cat([places, mask.sum(dim=1, keepdim=True) + self.depths], dim=1)
        known = (mask != 0)[:, None, :]
        before = (known & places.new_ones(longest, longest).tril().bool()).expand(texts, longest, longest)
        above = torch.cat([before, before.new_zeros(texts, longest, words)], dim=2)
        below = torch.cat([known.expand(texts, words, longest), self.sees.expand(texts, words, words)], dim=2)
        seen = torch.cat([above, below], dim=1)[:, None]
        added = torch.zeros(seen.shape, device=ids.device).masked_fill(~seen, torch.finfo(torch.float32).min)
        return self._asked(encoder, torch.cat([ids, self.ids.expand(texts, -1)], dim=1), added, position_ids=places)

    def _asked(self, encoder: nn.Module, *given: Tensor, **more: Tensor) -> Tensor:
        states: Tensor = encoder(*given, **more)
        return states

    def observe(self, outputs: Outputs, labels: Tensor) -> Tensor:
        """What a batch adds to the record (B, 3): the share, and whether the class is told before and after."""
        assert outputs.seen is not None
        told = [logits.argmax(dim=1) for logits in (outputs.seen[:, 1:], outputs.logits)]
        right = [t == labels if labels.ndim == 1 else labels.gather(1, t[:, None])[:, 0] > 0 for t in told]
        return torch.stack([outputs.seen[:, 0], *(r.to(outputs.seen.dtype) for r in right)], dim=1)

    def surprise(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor, chances: Tensor) -> Tensor:
        """Plain texts (B, T) -> summed surprise in nats and number of tokens (B, 2). chances: of no use here."""
        told = attention_mask[:, 1:] != 0
        states = encoder(input_ids, attention_mask)[:, :-1]
        return per_text(surprise(self.tail, states[told], input_ids[:, 1:][told]), told)

    def recorded(self, observed: Sequence[float], perplexity: float) -> dict[str, float]:
        """From the means of what was observed."""
        share, before, after = observed
        found = {"perplexity": perplexity, "share_on_class_words": share}
        return found | ({"accuracy_before": before, "accuracy_after": after} if self.calibrate else {})


def _tokens(tokenizer: Any, ahead: str, word: str) -> list[int]:
    """Of a word as it follows the template's end."""
    start = ahead or "a"
    alone, joined = (
        tokenizer(text, add_special_tokens=False)["input_ids"] for text in (start, f"{start} {word.strip()}")
    )
    found: list[int] = joined[len(alone) :]
    if joined[: len(alone)] != alone or not found:
        do = "end head.template otherwise, or choose another word"
        raise user_error("head.words", f"'{word}' melts with the end of the template into other tokens", do)
    return found

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from frostline.data.corpus import Text
from frostline.errors import Problem, UserError, user_error
from frostline.models.interfaces import Outputs
from frostline.models.prompting.reading import MASKED_SHARE, Reading, per_text, surprise, tail_of
from frostline.models.prompting.template import Template, words_of


class Verbalizer(nn.Module):
    """A masked language model fills the place of {mask} in a template; each class is known by its words.

    A class's logit is the language model's own for its word (PET, arXiv:2001.07676), the mean of theirs where it has
    several, as in PET's own code. Trained, it is LM-BFF's prompt-based fine-tuning (arXiv:2012.15723): cross-entropy
    over these logits, through the model's tail and the encoder. A word must be one token of the encoder.

    words: a word or a list of words for each class, `{negative: terrible, positive: [great, good]}`; null: the classes'
    own names. Texts are cut so that the template stays whole.

    Recorded under `language_model`: the pseudo-perplexity of the test texts without template (exp of the mean surprise
    at 15% of their tokens, all masked at once, drawn by a seed of its own), and the mean share of the chance at {mask}
    that falls on any class's word.

    Raises:
        UserError: a template without the fields, a class without words, a word that is not one token, an encoder that
            is no masked language model.
    """

    required_objective = "masked"
    template_fields = "text mask"
    record = "language_model"
    to_class: Tensor
    words: Tensor
    special: Tensor

    def __init__(
        self,
        names: Sequence[str],
        encoder: Any,
        template: str = "{text} It was {mask}.",
        words: Mapping[str, str | Sequence[str]] | None = None,
    ) -> None:
        super().__init__()
        self.template = Template.of(template, self.template_fields.split())
        spoken = words_of(words, names)
        self.tail = tail_of(encoder, self.required_objective)
        counts = torch.tensor([len(own) for own in spoken])
        to_class = torch.zeros(int(counts.sum()), len(names))
        to_class[torch.arange(len(to_class)), torch.arange(len(names)).repeat_interleave(counts)] = 1
        self.register_buffer("to_class", to_class / counts, persistent=False)  # (W, C): the mean over a class's words
        if encoder.tokenizer is not None:
            self.reading = Reading(encoder, self.template)
            ids = _one_token_each([word for own in spoken for word in own], encoder.tokenizer, self.template.space)
            self.register_buffer("words", torch.tensor(ids), persistent=False)
            special = torch.tensor(sorted(encoder.tokenizer.all_special_ids))
            self.register_buffer("special", special, persistent=False)
            self.mask_id = int(encoder.tokenizer.mask_token_id)

    def tokenize(self, texts: Sequence[Text], max_length: int) -> list[list[int]]:
        """Token ids of each text in the template, at most `max_length`, the text cut."""
        return self.reading(texts, max_length)

    def forward_prompt(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Outputs:
        """input_ids and attention_mask (B, T) -> logits (B, C); seen (B, 1): the share of chance on the words."""
        states = encoder(input_ids, attention_mask)
        rows = torch.arange(len(states), device=states.device)
        logits = self.tail(states[rows, self._place(input_ids)][:, None])[:, 0]
        spoken = logits[:, self.words]
        share = (spoken.detach().float() - logits.detach().float().logsumexp(dim=1, keepdim=True)).exp().sum(dim=1)
        return Outputs(spoken @ self.to_class.to(spoken.dtype), None, share[:, None])

    def _place(self, input_ids: Tensor) -> Tensor:
        """(B,): where the template's mask stands; the text may hold others."""
        masks = (input_ids == self.mask_id).int()
        if not self.template.mask_is_last:
            return masks.argmax(dim=1)
        return input_ids.shape[1] - 1 - masks.flip(1).argmax(dim=1)

    def observe(self, outputs: Outputs, labels: Tensor) -> Tensor:
        """What a batch adds to the record: (B, 1)."""
        assert outputs.seen is not None
        return outputs.seen

    def surprise(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor, chances: Tensor) -> Tensor:
        """Plain texts (B, T), chances (B, T) from 0 to 1 -> summed surprise in nats and number of tokens (B, 2)."""
        plain = (attention_mask != 0) & ~torch.isin(input_ids, self.special)
        chances = chances.masked_fill(~plain, 2)
        chosen = plain & ((chances < MASKED_SHARE) | (chances == chances.amin(dim=1, keepdim=True)))
        states = encoder(input_ids.masked_fill(chosen, self.mask_id), attention_mask)
        return per_text(surprise(self.tail, states[chosen], input_ids[chosen]), chosen)

    def recorded(self, observed: Sequence[float], perplexity: float) -> dict[str, float]:
        """From the means of what was observed."""
        return {"pseudo_perplexity": perplexity, "share_on_class_words": observed[0]}


def _one_token_each(words: Sequence[str], tokenizer: Any, space: str) -> list[int]:
    if tokenizer.mask_token_id is None:
        raise user_error("encoder", "its tokenizer has no mask", "choose one that was pre-trained to fill masks")
    problems, found = [], []
    for word in words:
        ids = tokenizer(space + word, add_special_tokens=False)["input_ids"]
        if len(ids) != 1:
            parts = " ".join(tokenizer.convert_ids_to_tokens(ids))
            what = f"'{word}' is split into {parts}"
            problems.append(Problem("head.words", what, "give words that are one token of the encoder"))
        elif ids[0] == tokenizer.unk_token_id:
            problems.append(Problem("head.words", f"the encoder does not know '{word}'", "give words that it knows"))
        found += ids[:1]
    if problems:
        raise UserError(problems)
    return found

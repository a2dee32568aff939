from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from frostline.data.corpus import Text
from frostline.data.token_counts import TokenizedTexts
from frostline.errors import Problem, UserError, user_error
from frostline.models.interfaces import Outputs
from frostline.models.prompting.prompt_tokenizer import (
    MASKED_FRACTION,
    PromptTokenizer,
    language_model_head_of,
    sum_per_text,
    token_nll,
)
from frostline.models.prompting.template import PromptTemplate, verbalizer_words


class Verbalizer(nn.Module):
    """A masked language model predicts {mask} in a template; each class has verbalizer words.

    The logit of a class is the logit of the language model for its word (PET, arXiv:2001.07676), the mean for several
    words, as in the code of PET. Training is the prompt-based fine-tuning of LM-BFF (arXiv:2012.15723): cross-entropy
    over these logits, through the language-model head and the encoder. A word must be one token of the encoder.

    words: a word or a list of words for each class, `{negative: terrible, positive: [great, good]}`; null: the names of
    the classes. Texts are truncated, the template is not.

    Recorded under `language_model`: the pseudo-perplexity of the test texts without template (exp of the mean negative
    log-likelihood of 15% of their tokens, all masked at once, sampled with a fixed seed), and the mean probability that
    falls on the words of all classes at {mask}.

    Raises:
        UserError: the template lacks a field, a class has no words, a word is not one token, or the encoder is no
            masked language model.
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
        self.template = PromptTemplate.parse(template, self.template_fields.split())
        class_words = verbalizer_words(words, names)
        self.tail = language_model_head_of(encoder, self.required_objective)
        counts = torch.tensor([len(one_class) for one_class in class_words])
        to_class = torch.zeros(int(counts.sum()), len(names))
        to_class[torch.arange(len(to_class)), torch.arange(len(names)).repeat_interleave(counts)] = 1
        self.register_buffer("to_class", to_class / counts, persistent=False)  # (W, C): the mean over words of a class
        if encoder.tokenizer is not None:
            self.prompt_tokenizer = PromptTokenizer(encoder, self.template)
            all_words = [word for one_class in class_words for word in one_class]
            ids = _single_token_ids(all_words, encoder.tokenizer, self.template.space)
            self.register_buffer("words", torch.tensor(ids), persistent=False)
            special = torch.tensor(sorted(encoder.tokenizer.all_special_ids))
            self.register_buffer("special", special, persistent=False)
            self.mask_id = int(encoder.tokenizer.mask_token_id)

    def tokenize(self, texts: Sequence[Text], max_length: int) -> list[list[int]]:
        """Return the token ids of the prompt of each text, at most `max_length`; the text is truncated."""
        return self.tokenize_and_count(texts, max_length).ids

    def tokenize_and_count(self, texts: Sequence[Text], max_length: int) -> TokenizedTexts:
        """Return the same as `tokenize`, and how much of each text is left out."""
        return self.prompt_tokenizer(texts, max_length)

    def forward_prompt(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Outputs:
        """Return logits (B, C) of prompts, given input_ids and attention_mask (B, T).

        diagnostics (B, 1): the probability that falls on the words of all classes.
        """
        states = encoder(input_ids, attention_mask)
        rows = torch.arange(len(states), device=states.device)
        logits = self.tail(states[rows, self._mask_positions(input_ids)][:, None])[:, 0]
        word_logits = logits[:, self.words]
        log_partition = logits.detach().float().logsumexp(dim=1, keepdim=True)
        probability = (word_logits.detach().float() - log_partition).exp().sum(dim=1)
        return Outputs(word_logits @ self.to_class.to(word_logits.dtype), None, probability[:, None])

    def _mask_positions(self, input_ids: Tensor) -> Tensor:
        """Return the position (B,) of the mask of the template; the text may contain further masks."""
        masks = (input_ids == self.mask_id).int()
        if not self.template.mask_is_last:
            return masks.argmax(dim=1)
        return input_ids.shape[1] - 1 - masks.flip(1).argmax(dim=1)

    def observe(self, outputs: Outputs, labels: Tensor) -> Tensor:
        """Return the contribution of each text to the metrics (B, 1)."""
        assert outputs.diagnostics is not None
        return outputs.diagnostics

    def token_nll(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor, uniform: Tensor) -> Tensor:
        """Return the summed negative log-likelihood in nats and the number of tokens (B, 2) of plain texts (B, T).

        uniform (B, T): random numbers in [0, 1) that choose the masked tokens, at least one in each text.
        """
        plain = (attention_mask != 0) & ~torch.isin(input_ids, self.special)
        uniform = uniform.masked_fill(~plain, 2)
        chosen = plain & ((uniform < MASKED_FRACTION) | (uniform == uniform.amin(dim=1, keepdim=True)))
        states = encoder(input_ids.masked_fill(chosen, self.mask_id), attention_mask)
        return sum_per_text(token_nll(self.tail, states[chosen], input_ids[chosen]), chosen)

    def summarise(self, observed: Sequence[float], perplexity: float) -> dict[str, float]:
        """Return the metrics, given the means of `observe` and the perplexity."""
        return {"pseudo_perplexity": perplexity, "share_on_class_words": observed[0]}


def _single_token_ids(words: Sequence[str], tokenizer: Any, space: str) -> list[int]:
    """Return the token id of each word.

    Raises:
        UserError: a word is unknown or is split into several tokens, or the tokenizer has no mask token.
    """
    if tokenizer.mask_token_id is None:
        raise user_error("encoder", "its tokenizer has no mask", "choose one that was pre-trained to fill masks")
    problems, word_ids = [], []
    for word in words:
        ids = tokenizer(space + word, add_special_tokens=False)["input_ids"]
        if len(ids) != 1:
            tokens = " ".join(tokenizer.convert_ids_to_tokens(ids))
            what = f"'{word}' is split into {tokens}"
            problems.append(Problem("head.words", what, "give words that are one token of the encoder"))
        elif ids[0] == tokenizer.unk_token_id:
            problems.append(Problem("head.words", f"the encoder does not know '{word}'", "give words that it knows"))
        word_ids += ids[:1]
    if problems:
        raise UserError(problems)
    return word_ids

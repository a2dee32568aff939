from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from peft import PromptEmbedding, PromptTuningConfig
from torch import Tensor, nn

from frostline.models.adapters.virtual_tokens import model_of, put_before
from frostline.types import Count


class Prompt:
    """Prompt tuning (arXiv:2104.08691): virtual tokens before each text, whose embeddings learn.

    Their states are cut off again before the pooler. They take places that a text could have. The layers above rest
    and are in eval mode, as all in which nothing learns; the dropout of the embeddings acts where the prompt learns.
    20 tokens, beyond which the paper finds little to gain (its default is 100).

    init: vocab, the embeddings of words drawn from all of the vocabulary (the paper: from its 5,000 most frequent
    words, or the classes' names), or random, from N(0, 1) (peft's; the paper: uniform from -0.5 to 0.5).

        $ frostline plan adapter=prompt freezing=lp_ft
        phase  epochs  emb  emb+  0  1  head  trainable  frost line
        probe  1-10    ·    ·     ·  ·  1     387        4 of 5
        tune   11-13   ·    0.05  ·  ·  0.05  2,947      0 of 5
        2,947 of 4,372,355 parameters are trainable in at least one phase
        the frost line saves up to 47% of all passes through layers

    Raises:
        UserError: the encoder cannot read so many tokens.
    """

    location: str | None = "embeddings"

    def __init__(self, num_virtual_tokens: Count = 20, init: Literal["vocab", "random"] = "vocab") -> None:
        self.num_virtual_tokens, self.init = num_virtual_tokens, init

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Put the virtual tokens before all that the encoder's model reads."""
        model = model_of(encoder)
        words = model.get_input_embeddings()
        config = PromptTuningConfig(
            num_virtual_tokens=self.num_virtual_tokens,
            token_dim=words.embedding_dim,
            num_transformer_submodules=1,
            prompt_tuning_init="SAMPLE_VOCAB" if self.init == "vocab" else "RANDOM",
        )
        prompt = PromptEmbedding(config, words)  # type: ignore[no-untyped-call]  # untyped by its authors
        model.register_forward_hook(self._cut)
        why = "this encoder does not read what is put before its texts"
        put_before(encoder, prompt, self.num_virtual_tokens, self._lengthen, why)

    def _lengthen(self, model: Any, given: dict[str, Any], prompt: Tensor) -> None:
        """prompt: the virtual tokens' embeddings (tokens, D)."""
        words = model.get_input_embeddings()(given.pop("input_ids"))
        given["inputs_embeds"] = torch.cat([prompt.to(words.dtype).expand(len(words), -1, -1), words], dim=1)

    def _cut(self, model: nn.Module, args: Any, output: Any) -> None:
        """Of all states (B, tokens + T, D) those of the text's own tokens (B, T, D)."""
        output.last_hidden_state = output.last_hidden_state[:, self.num_virtual_tokens :]
        if getattr(output, "hidden_states", None) is not None:
            output.hidden_states = tuple(states[:, self.num_virtual_tokens :] for states in output.hidden_states)

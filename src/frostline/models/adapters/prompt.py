from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from peft import PromptEmbedding, PromptTuningConfig
from torch import Tensor, nn

from frostline.models.adapters.virtual_tokens import prepend_virtual_tokens, transformers_model
from frostline.types import Count


class Prompt:
    """Prompt tuning (arXiv:2104.08691): virtual tokens with trainable embeddings before each text.

    Their states are removed before the pooler. They take positions that a text could have. The layers above are frozen
    and in eval mode; the dropout of the embeddings is active while the prompt is trained. The default is 20 tokens,
    beyond which the paper reports little gain (its default is 100).

    init: vocab, the embeddings of words sampled from the vocabulary (in the paper from its 5,000 most frequent words,
    or the names of the classes), or random, from N(0, 1) as in peft (in the paper uniform from -0.5 to 0.5).

        $ frostline plan adapter=prompt freezing=lp_ft
        phase  epochs  emb  emb+  0  1  head  trainable  frost line
        probe  1-10    ·    ·     ·  ·  1     387        4 of 5
        tune   11-13   ·    0.05  ·  ·  0.05  2,947      0 of 5
        2,947 of 4,372,355 parameters are trainable in at least one phase
        the frost line saves up to 47% of all passes through layers

    Raises:
        UserError: the encoder has too few positions.
    """

    location: str | None = "embeddings"

    def __init__(self, num_virtual_tokens: Count = 20, init: Literal["vocab", "random"] = "vocab") -> None:
        self.num_virtual_tokens, self.init = num_virtual_tokens, init

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Add the virtual tokens to the model of the encoder."""
        model = transformers_model(encoder)
        words = model.get_input_embeddings()
        config = PromptTuningConfig(
            num_virtual_tokens=self.num_virtual_tokens,
            token_dim=words.embedding_dim,
            num_transformer_submodules=1,
            prompt_tuning_init="SAMPLE_VOCAB" if self.init == "vocab" else "RANDOM",
        )
        prompt = PromptEmbedding(config, words)  # type: ignore[no-untyped-call]  # untyped by its authors
        model.register_forward_hook(self._remove_virtual_states)
        why = "this encoder does not read what is put before its texts"
        prepend_virtual_tokens(encoder, prompt, self.num_virtual_tokens, self._lengthen, why)

    def _lengthen(self, model: Any, inputs: dict[str, Any], prompt: Tensor) -> None:
        """Replace the token ids by embeddings that begin with those of the virtual tokens, `prompt` (tokens, D)."""
        words = model.get_input_embeddings()(inputs.pop("input_ids"))
        inputs["inputs_embeds"] = torch.cat([prompt.to(words.dtype).expand(len(words), -1, -1), words], dim=1)

    def _remove_virtual_states(self, model: nn.Module, args: Any, output: Any) -> None:
        """Reduce the states (B, tokens + T, D) to those of the text (B, T, D)."""
        output.last_hidden_state = output.last_hidden_state[:, self.num_virtual_tokens :]
        if getattr(output, "hidden_states", None) is not None:
            output.hidden_states = tuple(states[:, self.num_virtual_tokens :] for states in output.hidden_states)

"""Interfaces of encoders, poolers, heads, losses and adapters beyond their basic role, as protocols.

The basic role of a head is ``forward(vectors (B, D)) -> logits (B, C)``, of a pooler ``forward(states (B, T, D), mask
(B, T)) -> vectors (B, D)``, of a loss ``forward(logits (B, C), labels, vectors (B, D) or None) -> losses (B,)``.
`Capability` lists all optional methods and class attributes of parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from frostline.data.corpus import Split, Text
    from frostline.data.token_counts import TokenizedTexts


class Capability(StrEnum):
    """Names of the optional methods and class attributes of parts.

    Before a run, `capabilities` of frostline.config.checks.source reads from the source of a part which of them it has,
    so that neither torch nor the part is imported. The comment on each says what it means and which module asks for it.
    """

    # heads
    FIT = "fit"  # fitted to all training embeddings at once, without gradients; compatibility, plan, fusable
    FORWARD_PROMPT = "forward_prompt"  # runs the encoder on its prompt, without a pooler; compatibility
    FORWARD_STATES = "forward_states"  # reads the states of all tokens, without a pooler; compatibility, fusable
    INIT_FROM_CLASS_NAMES = "init_from_class_names"  # its weights start from embedded class names; fusable
    TEMPLATE_FIELDS = "template_fields"  # the fields that its prompt template must have; compatibility
    REQUIRED_OBJECTIVE = "required_objective"  # pre-training objective of the encoder; compatibility
    USES_TREE_ATTENTION = "uses_tree_attention"  # sets position ids and a 4-D attention mask; compatibility
    # data sets
    MULTI_LABEL = "multi_label"  # True or False: whether its texts have several classes; monitors, training_rules
    # losses
    USES_ONLY_EMBEDDINGS = "uses_only_embeddings"  # ignores the logits, so it trains no head; compatibility, build
    IN_BATCH = "in_batch"  # compares the texts of a batch, so a batch cannot be split; training_rules, fusable
    SINGLE_LABEL = "single_label"  # refuses texts of several classes; training_rules
    # regularizers
    USES_PRETRAINED_WEIGHTS = "uses_pretrained_weights"  # keeps the encoder close to them; training_rules
    USES_TWO_PASSES = "uses_two_passes"  # compares two forward passes under dropout; training_rules
    # weight averaging
    AVERAGES_WEIGHTS = "averages_weights"  # averages the weights of training steps or epochs; training_rules
    AVERAGES_EPOCHS = "averages_epochs"  # takes the weights at the end of late epochs alone; training_rules
    INTERPOLATES_WEIGHTS = "interpolates_weights"  # mixes the weights before and after training; training_rules
    # poolers
    TRAINABLE = "trainable"  # has parameters, which are trained together with the head; outline, fusable
    # encoders and data sets
    LOCAL_FILES = "local_files"  # the arguments that are files, whose content is part of a run's id; inputs
    LOCAL_FOLDERS = "local_folders"  # the arguments that may be folders, whose content is part of a run's id; inputs
    # adapters
    MERGEABLE = "mergeable"  # can be merged into the weights of the encoder; reused_parts
    LOCATION = "location"  # "layers" or "embeddings": the blocks that hold the adapter's parameters; outline


class Outputs(NamedTuple):
    """The result of a forward pass: logits (B, C), and the embeddings (B, D) of the texts if the head reads them.

    diagnostics (B, K): further values for the metrics of a `RecordedHead`.
    """

    logits: Tensor
    vectors: Tensor | None
    diagnostics: Tensor | None = None


@runtime_checkable
class FittedHead(Protocol):
    """A head that is fitted in closed form to all training embeddings at once; its buffers hold the solution."""

    def fit(self, vectors: Tensor, labels: Tensor) -> None:
        """Fit the head to vectors (N, D) and labels (N,), or (N, C) of 0 and 1 for multi-label data."""
        ...


class GlobalBatch(NamedTuple):
    """The batch of all ranks, its N texts in the order that they have on a single rank.

    vectors (N, D): embeddings, through which gradients flow. labels (N,), or (N, C). local_rows (B,): the indices of
    the rows of this rank, arbitrary for rows that are padding. seed: that of the step, identical on all ranks.
    """

    vectors: Tensor
    labels: Tensor
    local_rows: Tensor
    seed: int


@runtime_checkable
class InBatchLoss(Protocol):
    """A loss that compares the texts of a batch: forward takes a GlobalBatch after logits, labels and vectors."""

    in_batch: bool


@runtime_checkable
class PairLoss(Protocol):
    """A loss on drawn pairs: rows 2k and 2k + 1 of each batch are a pair of training texts.

    drawn_pairs: the number of partners of its class, and of other classes, that are drawn for each text in an epoch
    from all of train; with 0 a batch has single texts, as for any other loss.
    """

    drawn_pairs: int


@runtime_checkable
class NameInitialised(Protocol):
    """A head whose weights are initialised from the names of the classes."""

    def init_from_class_names(self, embed: Callable[[Sequence[Text]], Tensor]) -> None:
        """Initialise the weights. embed: returns the embeddings (N, D) of texts, by encoder and pooler."""
        ...


@runtime_checkable
class PromptHead(Protocol):
    """A head that runs the encoder on its prompts and does not use the pooler."""

    def tokenize(self, texts: Sequence[Text], max_length: int) -> list[list[int]]:
        """Return the token ids of the prompt of each text, at most `max_length` of them."""
        ...

    def forward_prompt(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Outputs:
        """Return logits (B, C) of prompts, given input_ids and attention_mask (B, T)."""
        ...


@runtime_checkable
class StatesHead(Protocol):
    """A head that reads the states of all tokens and does not use the pooler."""

    def forward_states(self, states: Tensor, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Return logits (B, C) of states (B, T, D), given input_ids and attention_mask (B, T) of the texts."""
        ...


@runtime_checkable
class CountingTokenizer(Protocol):
    """An encoder or a `PromptHead` that reports what `tokenize` leaves out of the texts."""

    def tokenize_and_count(self, texts: Sequence[Text], max_length: int) -> TokenizedTexts:
        """Return the token ids of each text, at most `max_length` of them, with their counts."""
        ...


@runtime_checkable
class InContext(Protocol):
    """A head whose prompts begin with demonstrations: training texts with their classes."""

    def set_demonstrations(self, train: Split, seed: int) -> None:
        """Choose the demonstrations, once, before any text is tokenized. seed: that of the run.

        Raises:
            UserError: these texts cannot be demonstrations.
        """
        ...


@runtime_checkable
class RecordedHead(Protocol):
    """A head with further metrics of the in-domain test set; `record` is their key in result.json."""

    record: str

    def observe(self, outputs: Outputs, labels: Tensor) -> Tensor:
        """Return the contribution of each text (B, K) to the metrics, which are means over the test set."""
        ...

    def token_nll(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor, uniform: Tensor) -> Tensor:
        """Return the summed negative log-likelihood in nats and the number of tokens (B, 2) of texts without template.

        uniform (B, T): random numbers in [0, 1), one for each token, from a generator with a separate seed.
        """
        ...

    def summarise(self, observed: Sequence[float], perplexity: float) -> dict[str, float]:
        """Return the metrics, given the means of `observe` over the test set and the perplexity."""
        ...


@runtime_checkable
class LayerMixing(Protocol):
    """A pooler of the states after every layer, the embeddings first: forward takes (L + 1, B, T, D)."""

    every_layer: bool


@runtime_checkable
class LayerStacking(Protocol):
    """A `LayerMixing` pooler that first pools each layer without parameters, so that the result can be cached."""

    def stack(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool states (L + 1, B, T, D) to one vector per layer (L + 1, B, D)."""
        ...

    def mix(self, stack: Tensor) -> Tensor:
        """Mix the layers of a stack (L + 1, B, D) to vectors (B, D)."""
        ...


class Adapter(Protocol):
    """Adds parameters to an encoder whose pre-trained parameters stay frozen.

    location: "layers" for an adapter inside each layer, "embeddings" for one below the layers, None for none.
    """

    location: str | None

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Add the parameters, once, to an encoder with weights or on the meta device. layers: input side first.

        They are added inside the layers, or as the module `adapter` of the encoder.

        Raises:
            UserError: the adapter does not fit the encoder.
        """
        ...

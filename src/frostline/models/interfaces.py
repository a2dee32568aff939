"""What encoders, poolers, heads and losses may offer beside their plain role, each asked for by its methods alone.

The plain role of a head is ``forward(vectors (B, D)) -> logits (B, C)``, of a pooler ``forward(states (B, T, D), mask
(B, T)) -> vectors (B, D)``, of a loss ``forward(logits (B, C), labels, vectors (B, D) or None) -> losses (B,)``.
`Capability` lists all that a part may have beyond its role.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from frostline.data.corpus import Split, Text


class Capability(StrEnum):
    """Names of the optional methods and class attributes of parts.

    Before a run, `capabilities` of frostline.config.checks.source reads from the source of a part which of them it has,
    so that neither torch nor the part is imported. The comment on each says what it means and which module asks for it.
    """

    # heads
    FIT = "fit"  # fitted to all training embeddings at once, without gradients; compatibility, plan, fusable
    FORWARD_PROMPT = "forward_prompt"  # runs the encoder on a prompt of its own, without a pooler; compatibility
    INIT_FROM_CLASS_NAMES = "init_from_class_names"  # its weights start from embedded class names; fusable
    TEMPLATE_FIELDS = "template_fields"  # the fields that its prompt template must have; language_model_rules
    REQUIRED_OBJECTIVE = "required_objective"  # pre-training objective of the encoder; language_model_rules
    USES_TREE_ATTENTION = "uses_tree_attention"  # sets position ids and a 4-D attention mask; language_model_rules
    # losses
    USES_ONLY_EMBEDDINGS = "uses_only_embeddings"  # ignores the logits, so it trains no head; compatibility, build
    IN_BATCH = "in_batch"  # compares the texts of a batch, so a batch cannot be split; training_rules, fusable
    # regularizers
    USES_PRETRAINED_WEIGHTS = "uses_pretrained_weights"  # keeps the encoder close to them; training_rules
    USES_TWO_PASSES = "uses_two_passes"  # compares two forward passes under dropout; training_rules
    # weight averaging
    AVERAGES_WEIGHTS = "averages_weights"  # averages the weights of training steps or epochs; training_rules
    AVERAGES_EPOCHS = "averages_epochs"  # takes the weights at the end of late epochs alone; training_rules
    INTERPOLATES_WEIGHTS = "interpolates_weights"  # mixes the weights before and after training; training_rules
    # poolers
    TRAINABLE = "trainable"  # has parameters, which are trained together with the head; outline, fusable
    # adapters
    LOCATION = "location"  # "layers" or "embeddings": the blocks that hold the adapter's parameters; outline


class Outputs(NamedTuple):
    """What a forward pass gives: logits (B, C), and the vectors (B, D) that the head read, None where it read texts.

    seen (B, K): what a head that is `Recorded` saw beside the classes.
    """

    logits: Tensor
    vectors: Tensor | None
    seen: Tensor | None = None


@runtime_checkable
class FittedHead(Protocol):
    """A head that is solved from all training vectors at once; what it then knows is in its buffers."""

    def fit(self, vectors: Tensor, labels: Tensor) -> None:
        """vectors (N, D), labels (N,), or (N, C) of 0 and 1 for multi-label data."""
        ...


class WholeBatch(NamedTuple):
    """A batch of all ranks, its N texts in the order that one rank would have them in.

    vectors (N, D), through which gradients flow; labels (N,), or (N, C); own (B,): where this rank's rows stand, for a
    row that only fills its place any; seed: the step's, alike on all ranks.
    """

    vectors: Tensor
    labels: Tensor
    own: Tensor
    seed: int


@runtime_checkable
class InBatchLoss(Protocol):
    """A loss that holds texts against each other: forward takes a WholeBatch after logits, labels and vectors."""

    in_batch: bool


@runtime_checkable
class NameInitialised(Protocol):
    """A head that begins from the names of the classes."""

    def init_from_class_names(self, embed: Callable[[Sequence[Text]], Tensor]) -> None:
        """embed: texts -> their vectors (N, D), through encoder and pooler."""
        ...


@runtime_checkable
class PromptHead(Protocol):
    """A head that asks the encoder itself, with texts put into words of its own; the pooler has no part in it."""

    def tokenize(self, texts: Sequence[Text], max_length: int) -> list[list[int]]:
        """Token ids of each text as the head wants it read, at most `max_length` of them."""
        ...

    def forward_prompt(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor) -> Outputs:
        """input_ids and attention_mask (B, T) -> logits (B, C)."""
        ...


@runtime_checkable
class InContext(Protocol):
    """A head that is shown some texts of train with their classes before it is asked about any other."""

    def set_demonstrations(self, train: Split, seed: int) -> None:
        """Once, before any text is tokenized. seed: the run's, for what is drawn.

        Raises:
            UserError: these texts cannot be shown.
        """
        ...


@runtime_checkable
class Recorded(Protocol):
    """A head that has more to tell of the home test set than scores; `record` is its key in result.json."""

    record: str

    def observe(self, outputs: Outputs, labels: Tensor) -> Tensor:
        """What each text adds to the record: (B, K), of which the mean over the test set is taken."""
        ...

    def surprise(self, encoder: nn.Module, input_ids: Tensor, attention_mask: Tensor, chances: Tensor) -> Tensor:
        """Of texts as they are: each one's summed surprise in nats and number of tokens (B, 2).

        chances (B, T): from 0 to 1, drawn for each token from a seed of their own.
        """
        ...

    def recorded(self, observed: Sequence[float], perplexity: float) -> dict[str, float]:
        """The record, from the means over the test set."""
        ...


@runtime_checkable
class LayerMixing(Protocol):
    """A pooler that reads the states after every layer, the embeddings' first: forward takes (L + 1, B, T, D)."""

    every_layer: bool


@runtime_checkable
class LayerStacking(Protocol):
    """A `Mixer` that first makes one vector of each layer, without parameters; these can be kept."""

    def stack(self, states: Tensor, mask: Tensor) -> Tensor:
        """states (L + 1, B, T, D) -> (L + 1, B, D)."""
        ...

    def mix(self, stack: Tensor) -> Tensor:
        """stack (L + 1, B, D) -> vectors (B, D)."""
        ...


class Adapter(Protocol):
    """Adds parameters to an encoder whose own ones stay as they are.

    location: "layers" for an adapter inside each layer, "embeddings" for one below the layers, None for none.
    """

    location: str | None

    def attach(self, encoder: nn.Module, layers: Sequence[nn.Module]) -> None:
        """Once, to an encoder with its weights or, for a plan, with shapes alone. layers: input side first.

        What it adds stands inside the layers, or is the encoder's module `adapter`.

        Raises:
            UserError: it does not fit the encoder.
        """
        ...

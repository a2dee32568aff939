"""Pooled vectors of whole splits, computed once for as long as nothing below the head learns."""

from __future__ import annotations

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from frostline.classifier import Classifier
from frostline.data.batches import reading_order
from frostline.data.tokens import Tokens
from frostline.progress import Progress
from frostline.roles import Reader

BATCH = 64


class Vectors:
    """Keeps the vectors (N, D) of each split; forgets them when the encoder has learned in between."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self.kept: dict[str, tuple[tuple[int, int], Tensor]] = {}

    def of(self, split: str, tokens: Tokens) -> Tensor | None:
        """The split's vectors in the present phase; None where the encoder learns or the head asks it itself.

        A collective call.
        """
        engine = self.classifier.engine
        if not engine.encoder_rests() or isinstance(self.classifier.head, Reader):
            return None
        generation = self._generation(engine.index)
        found = self.kept.get(split)
        if found is None or found[0] != generation:
            found = (generation, self.encode(tokens, split))
            self.kept[split] = found
        return found[1]

    def _generation(self, index: int) -> tuple[int, int]:
        """How many phases before this one have changed the encoder, and which weights stand in its place since."""
        blocks = [b for b in self.classifier.engine.blocks if b.kind != "head"]
        earlier = self.classifier.engine.plan.phases[:index]
        changed = sum(any(phase.learns(name) for b in blocks for name in b.parameters) for phase in earlier)
        return changed, self.classifier.standing if changed else 0

    @torch.no_grad()
    def encode(self, tokens: Tokens, split: str) -> Tensor:
        """The vectors (N, D) of a split, as the encoder is now. A collective call.

        Batches do not depend on the number of ranks, and so the vectors do not either.
        """
        model, trainer = self.classifier, self.classifier.trainer
        model.encoder.eval()
        model.pooler.eval()
        every = reading_order(tokens.lengths, BATCH)
        batches = every[trainer.global_rank :: trainer.world_size]
        found: Tensor | None = None
        with Progress(f"encoding {split}", sum(map(len, batches))) as bar:
            for rows in batches:
                ids, mask = (part.to(model.device) for part in tokens.padded(rows))
                with trainer.precision_plugin.forward_context():
                    vectors = model.vectors(ids, mask).float().cpu()
                found = vectors.new_zeros(len(tokens), vectors.shape[1]) if found is None else found
                found[torch.from_numpy(rows)] = vectors
                bar.update(len(rows))
                model.texts_encoded += len(rows)
            if model.shared_out and len(batches) * trainer.world_size < len(every):
                model.vectors(*(part.to(model.device) for part in tokens.padded(np.arange(1))))  # the others gather
        return _sum_over_ranks(found, len(tokens), model)


def _sum_over_ranks(found: Tensor | None, texts: int, model: Classifier) -> Tensor:
    if model.trainer.world_size == 1:
        assert found is not None
        return found
    width = torch.tensor(0 if found is None else found.shape[1], device=model.device)
    dist.all_reduce(width, op=dist.ReduceOp.MAX)
    whole = torch.zeros(texts, int(width)) if found is None else found
    whole = whole.to(model.device)
    dist.all_reduce(whole)
    return whole.cpu()

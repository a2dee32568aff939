from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.console import log
from frostline.models.moments import moments
from frostline.models.numerics import product
from frostline.types import Count, Positive

STEPS = 2000
TOLERANCE = 1e-5  # the steepest slope over the penalty's strength: no weight is off by more than about that


class Logistic(nn.Module):
    """Multinomial logistic regression with an L2 penalty, solved to tolerance (L-BFGS in float64).

    It has scikit-learn's objective: the sum of the texts' losses plus |weights|^2 / (2 C), biases free; two classes
    share one weight vector. Where texts have several classes, each class is told from the rest by itself. standardize:
    each dimension of the training vectors to mean 0 and deviation 1, which the coefficients then hold.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        width: Count,
        classes: Count,
        multi_label: bool = False,
        C: Positive = 1.0,  # noqa: N803  # the name that everyone knows
        standardize: bool = False,
    ) -> None:
        super().__init__()
        self.multi_label, self.standardize = multi_label, standardize
        self.strength = (2 if classes == 2 and not multi_label else 1) / C  # each of two rows is half of sklearn's one
        self.register_buffer("weight", torch.zeros(classes, width))
        self.register_buffer("bias", torch.zeros(classes))

    @torch.no_grad()
    def fit(self, vectors: Tensor, labels: Tensor) -> None:
        """vectors (N, D), labels (N,), or (N, C) of 0 and 1 for multi-label data."""
        wide = vectors.double().to(self.weight.device)
        spread = moments(wide, self.standardize)[1]
        mean = wide.mean(dim=0)  # always: biases are free, so that it changes no solution, and makes it easier to find
        told = labels.to(wide.device)
        told = (told if self.multi_label else functional.one_hot(told, len(self.bias))).double()
        weight, bias = self._solved((wide - mean) / spread, told)
        self.weight.copy_(weight / spread)
        self.bias.copy_(bias - (weight / spread) @ mean)

    def _solved(self, x: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """x (N, D), told (N, C) -> weight (C, D) and bias (C,)."""
        weight = nn.Parameter(x.new_zeros(told.shape[1], x.shape[1]))
        bias = nn.Parameter(x.new_zeros(told.shape[1]))
        solver = torch.optim.LBFGS(
            [weight, bias],
            max_iter=STEPS,
            max_eval=2 * STEPS,
            history_size=50,
            tolerance_grad=TOLERANCE * self.strength / len(x),
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )

        def objective() -> Tensor:
            """Over N; its gradient is written out, so that fitting works where no graph is kept."""
            with torch.no_grad():
                logits = x @ weight.T + bias
                chances, losses = self._chances(logits, told)
                loss = (losses.sum() + self.strength * weight.square().sum() / 2) / len(x)
                off = (chances - told) / len(x)
                weight.grad, bias.grad = off.T @ x + self.strength * weight / len(x), off.sum(dim=0)
            return loss

        solver.step(objective)  # type: ignore[no-untyped-call]  # torch has no type for it
        if (off := self._distance(weight, bias) * len(x) / self.strength) > 100 * TOLERANCE:
            log(f"head.C: its problem is hard, weights may be off by {off:.0e}; a lower one is easier")
        return weight.detach(), bias.detach()

    @staticmethod
    def _distance(*parameters: nn.Parameter) -> float:
        return max(float(p.grad.abs().max()) for p in parameters if p.grad is not None)

    def _chances(self, logits: Tensor, told: Tensor) -> tuple[Tensor, Tensor]:
        """logits and told (N, C) -> chances and losses (N, C)."""
        if self.multi_label:
            losses = functional.binary_cross_entropy_with_logits(logits, told, reduction="none")
            return logits.sigmoid(), losses
        logs = logits.log_softmax(dim=1)
        return logs.exp(), -told * logs

    def forward(self, vectors: Tensor) -> Tensor:
        """vectors (B, D) -> logits (B, C)."""
        return product(vectors, self.weight.T) + self.bias

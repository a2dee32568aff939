from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from frostline.console import log
from frostline.models.numerics import matmul_float32, mean_and_std
from frostline.types import Count, Positive

STEPS = 2000
TOLERANCE = 1e-5  # largest gradient over the strength of the penalty, which bounds the error of the weights


class Logistic(nn.Module):
    """Multinomial logistic regression with an L2 penalty, fitted by L-BFGS in float64 up to a tolerance.

    The objective is that of scikit-learn: the sum of the losses of the texts plus |weights|^2 / (2 C), without a
    penalty on biases; two classes share one weight vector. For multi-label data each class is a binary problem.
    standardize: scale each dimension of the training vectors to mean 0 and standard deviation 1, which is then part of
    the coefficients.
    """

    weight: Tensor
    bias: Tensor

    def __init__(
        self,
        width: Count,
        classes: Count,
        multi_label: bool = False,
        C: Positive = 1.0,  # noqa: N803  # the name in scikit-learn
        standardize: bool = False,
    ) -> None:
        super().__init__()
        self.multi_label, self.standardize = multi_label, standardize
        self.strength = (
            2 if classes == 2 and not multi_label else 1
        ) / C  # for two classes, each row is half of the row of scikit-learn
        self.register_buffer("weight", torch.zeros(classes, width))
        self.register_buffer("bias", torch.zeros(classes))

    @torch.no_grad()
    def fit(self, vectors: Tensor, labels: Tensor) -> None:
        """Fit the head to vectors (N, D) and labels (N,), or (N, C) of 0 and 1 for multi-label data."""
        wide = vectors.double().to(self.weight.device)
        std = mean_and_std(wide, self.standardize)[1]
        mean = wide.mean(
            dim=0
        )  # centring always helps convergence, and without a penalty on biases changes no solution
        labels = labels.to(wide.device)
        targets = (labels if self.multi_label else functional.one_hot(labels, len(self.bias))).double()
        weight, bias = self._minimise((wide - mean) / std, targets)
        self.weight.copy_(weight / std)
        self.bias.copy_(bias - (weight / std) @ mean)

    def _minimise(self, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weight (C, D) and the bias (C,) that fit vectors x (N, D) to targets (N, C) of 0 and 1."""
        weight = nn.Parameter(x.new_zeros(targets.shape[1], x.shape[1]))
        bias = nn.Parameter(x.new_zeros(targets.shape[1]))
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
            """Return the mean objective and set its gradient, which is explicit so that no autograd graph is needed."""
            with torch.no_grad():
                logits = x @ weight.T + bias
                probabilities, losses = self._probabilities(logits, targets)
                loss = (losses.sum() + self.strength * weight.square().sum() / 2) / len(x)
                residual = (probabilities - targets) / len(x)
                weight.grad = residual.T @ x + self.strength * weight / len(x)
                bias.grad = residual.sum(dim=0)
            return loss

        solver.step(objective)  # type: ignore[no-untyped-call]  # torch has no type for it
        if (error := self._largest_gradient(weight, bias) * len(x) / self.strength) > 100 * TOLERANCE:
            log(f"head.C: its problem is hard, weights may be off by {error:.0e}; a lower one is easier")
        return weight.detach(), bias.detach()

    @staticmethod
    def _largest_gradient(*parameters: nn.Parameter) -> float:
        return max(float(p.grad.abs().max()) for p in parameters if p.grad is not None)

    def _probabilities(self, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return probabilities and losses (N, C) of logits and targets (N, C)."""
        if self.multi_label:
            losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
            return logits.sigmoid(), losses
        log_probabilities = logits.log_softmax(dim=1)
        return log_probabilities.exp(), -targets * log_probabilities

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits (B, C) of vectors (B, D)."""
        return matmul_float32(vectors, self.weight.T) + self.bias

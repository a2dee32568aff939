"""Poolers of an exported folder, each with the parameters of that of the same name in frostline.models.poolers."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MeanPooling(nn.Module):
    """Return the mean state of the tokens of each text."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        is_token = (mask != 0).unsqueeze(-1)
        return states.masked_fill(~is_token, 0).sum(dim=1) / is_token.sum(dim=1).clamp(min=1)


class ClsPooling(nn.Module):
    """Return the state of the first token of each text."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        return states[torch.arange(len(states), device=states.device), (mask != 0).int().argmax(dim=1)]


class LastPooling(nn.Module):
    """Return the state of the last token of each text."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        positions = torch.arange(mask.shape[1], device=mask.device)
        last = torch.where(mask != 0, positions, -1).argmax(dim=1)
        return states[torch.arange(len(states), device=states.device), last]


class MaxPooling(nn.Module):
    """Return the largest value of each dimension over the tokens of each text."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        return states.masked_fill(mask.unsqueeze(-1) == 0, torch.finfo(states.dtype).min).amax(dim=1)


class WeightedLastPooling(nn.Module):
    """Return the mean state of each text, in which token i has the weight i (SGPT, arXiv:2202.08904)."""

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        is_token = mask != 0
        positions = is_token.long().cumsum(dim=1) * is_token
        weights = positions / positions.sum(dim=1, keepdim=True).clamp(min=1)
        return (states.masked_fill(~is_token.unsqueeze(-1), 0) * weights.unsqueeze(-1).to(states.dtype)).sum(dim=1)


class AttentionPooling(nn.Module):
    """Return the mean state of each text, weighted by the softmax over its tokens of state . query / sqrt(width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.zeros(width))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        is_token = mask != 0
        states = states.masked_fill(~is_token.unsqueeze(-1), 0)
        scores = states @ self.query / len(self.query) ** 0.5
        weights = scores.masked_fill(~is_token, torch.finfo(scores.dtype).min).softmax(dim=1)
        return (states * weights.unsqueeze(-1)).sum(dim=1)


class LayerMixPooling(nn.Module):
    """Return scale x the sum over layers of softmax(weights) x the mean state (ELMo, arXiv:1802.05365)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers + 1))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """Pool the states after every layer, the embeddings first (layers + 1, texts, tokens, width)."""
        is_token = (mask != 0).unsqueeze(-1)
        means = states.masked_fill(~is_token, 0).sum(dim=2) / is_token.sum(dim=1).clamp(min=1)
        return self.scale * torch.tensordot(self.weights.softmax(dim=0), means, dims=1)

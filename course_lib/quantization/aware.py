"""Training that is aware of the grid: weights are rounded in the forward pass, and the gradient ignores it."""

from __future__ import annotations

import copy
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from course_lib.quantization.grids import limits, per_channel_qparams

__all__ = ["fake_quantize", "train_aware"]

EPOCHS, RATE, BATCH = 20, 0.01, 64
"""Adam, its rate falling to 0 along half a cosine."""


class _StraightThrough(torch.autograd.Function):
    """Rounds in the forward pass; in the backward pass the gradient passes where the integer was not clipped."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Any, zero_point: Any, bits: int) -> Tensor:
        least, most = limits(bits)
        q = torch.round(x / scale) + zero_point
        ctx.save_for_backward((q >= least) & (q <= most))
        rounded: Tensor = (q.clamp(least, most) - zero_point) * scale
        return rounded

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> Any:
        (inside,) = ctx.saved_tensors
        return upstream[0] * inside, None, None, None


def fake_quantize(x: Tensor, scale: float | Tensor, zero_point: int | Tensor, bits: int) -> Tensor:
    """Quantizes and dequantizes in one step, with the straight-through estimator (Bengio et al., 2013).

    Args:
        x: any shape.
        scale: a number, or a tensor that broadcasts against x.
        zero_point: an integer, or a tensor that broadcasts against x.
        bits: bits of the signed integers.

    Returns:
        The nearest points of the grid, of x's shape and dtype. The gradient is 1 where the rounded integer,
        round(x / scale) + zero_point, lies within the limits of its bits, and 0 where it is clipped.
    """
    result: Tensor = _StraightThrough.apply(x, scale, zero_point, bits)  # type: ignore[no-untyped-call]
    return result


def train_aware(model: nn.Sequential, data: tuple[Tensor, Tensor], bits: int) -> nn.Sequential:
    """Trains a network to do well with weights of few bits.

    Args:
        model: linear layers and activations in a row, already trained; left unchanged.
        data: inputs (N, D) and labels (N,).
        bits: bits per weight, at least 2; biases and activations are not quantized.

    Returns:
        A new model of the same layers. The weights of each output channel take at most 2^bits values.
    """
    x, labels = data
    trained = copy.deepcopy(model).train()
    optimizer = torch.optim.Adam(trained.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(0)
    steps, done = EPOCHS * math.ceil(len(labels) / BATCH), 0
    for _ in range(EPOCHS):
        for rows in torch.split(torch.randperm(len(labels), generator=generator), BATCH):
            optimizer.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * done / steps)) / 2
            optimizer.zero_grad()
            loss = functional.cross_entropy(_rounded_forward(trained, x[rows], bits), labels[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            done += 1
    with torch.no_grad():
        for layer in trained:
            if isinstance(layer, nn.Linear):
                layer.weight.copy_(_on_its_grid(layer.weight, bits))
    return trained.eval()


def _rounded_forward(model: nn.Sequential, x: Tensor, bits: int) -> Tensor:
    for layer in model:
        if isinstance(layer, nn.Linear):
            x = functional.linear(x, _on_its_grid(layer.weight, bits), layer.bias)
        else:
            x = layer(x)
    return x


def _on_its_grid(w: Tensor, bits: int) -> Tensor:
    scales, _ = per_channel_qparams(w.detach(), 0, bits)
    return fake_quantize(w, scales[:, None], 0, bits)

"""What several exercises of quantization share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from autograder.exercise import Case, Tolerance
from autograder.harness.quantization import Layers, network
from course_lib.drawn_digits import class_digits, class_hand

Rng = np.random.Generator
EXACT = Tolerance(relative=1e-11, absolute=0.0, absolute_single=0.0, absolute_half=0.0)
"""For numbers of 64 bits that may be tiny: what 32 bits lose is seen."""
INT8, UINT8, INT32 = torch.int8, torch.uint8, torch.int32


def normal(rng: Rng, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.from_numpy(np.asarray(rng.standard_normal(shape))).to(dtype)


def integers(rng: Rng, *shape: int, dtype: torch.dtype = INT8) -> Tensor:
    info = torch.iinfo(dtype)
    return torch.from_numpy(rng.integers(info.min, info.max + 1, shape)).to(dtype)


def random_scale(rng: Rng) -> float:
    return float(rng.uniform(0.013, 0.09))


def far_from_ties(
    rng: Rng, shape: tuple[int, ...], scale: Any, low: int, high: int, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Numbers that round to steps from `low` to `high`."""
    steps = rng.integers(low, high + 1, shape) + rng.uniform(-0.4, 0.4, shape)
    numbers: Tensor = torch.from_numpy(np.asarray(steps)) * scale
    return numbers.to(dtype)


def long(rng: Rng, n: int, d: int, out: int, zero: int = 3) -> tuple[Any, ...]:
    """Sums that float32 cannot hold: nearly all products are large and positive."""
    qx = torch.from_numpy(rng.integers(236, 256, (n, d))).to(UINT8)
    qw = torch.from_numpy(rng.integers(116, 128, (out, d))).to(INT8)
    return qx, zero, qw, -1


def layer(
    rng: Rng,
    x: tuple[int, ...],
    w: tuple[int, ...],
    dtype: torch.dtype,
    geometry: tuple[int, int] = (1, 0),
    **has: bool,
) -> tuple[Any, ...]:
    """A layer whose outputs fill their grid, a few of them beyond it, and none near a tie."""
    for _ in range(1000):
        qx, qw = integers(rng, *x, dtype=dtype), integers(rng, *w)
        zero_in, zero_out = (int(each) for each in rng.integers(9, 60, 2))
        scale_in = random_scale(rng)
        scales = torch.from_numpy(rng.uniform(0.002, 0.02, w[0])).float()
        shifted = qx.double() - zero_in
        shape = (-1, *[1] * (len(x) - 2))
        bias = torch.from_numpy(rng.integers(-20_000, 20_000, w[0])).to(INT32) if has.get("bias", True) else None
        if not has.get("channels", True):
            scales[:] = scales[0]
        sums = torch.conv2d(shifted, qw.double(), None, *geometry) if len(x) == 4 else shifted @ qw.double().T
        worth = (sums + (0 if bias is None else bias.view(shape))) * scale_in * scales.double().view(shape)
        scale_out = float(worth.std(correction=0)) / 70
        steps = worth / scale_out
        if float((steps - steps.floor() - 0.5).abs().min()) > 1e-3:
            break
    scale_w: Any = scales if has.get("channels", True) else float(scales[0])
    return qx, scale_in, zero_in, qw, scale_w, 0, bias, scale_out, zero_out


SEEN, HELD_OUT, CALIBRATION = 1000, 2400, 300
"""Images to train on; images that are held out; images to calibrate with, which are also those of one batch."""


@dataclass(frozen=True)
class Trained:
    """A network with the data that it is judged on.

    Attributes:
        layers: as plain values.
        train: inputs and labels that it has seen.
        held_out: inputs and labels that it has not seen.
        right: the share of held-out labels that it gets right.
    """

    layers: Layers
    train: tuple[Tensor, Tensor]
    held_out: tuple[Tensor, Tensor]
    right: float


@lru_cache(maxsize=12)
def trained(kind: str, seed: int) -> Trained:
    rng = np.random.default_rng(seed)
    train, held_out = digits(rng)
    if kind == "cnn":
        train, held_out = ((x.view(-1, 1, 8, 8), labels) for x, labels in (train, held_out))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            model = built(kind)
            fit(model, *train, epochs=6 if kind == "cnn" else 20)
        with torch.no_grad():
            right = float((model(held_out[0]).argmax(1) == held_out[1]).double().mean())
    finally:
        torch.set_num_threads(threads)
    return Trained([plain(layer) for layer in model], train, held_out, right)


def digits(rng: np.random.Generator) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Digits in a hand of their own, with other names for the classes: to train on, and held out."""
    drawn, numbers = class_digits(rng, SEEN + HELD_OUT, class_hand(rng))
    pixels, labels = torch.from_numpy(drawn).flatten(1), torch.from_numpy(rng.permutation(10)[numbers])
    return (pixels[:SEEN], labels[:SEEN]), (pixels[SEEN:], labels[SEEN:])


def built(kind: str) -> nn.Sequential:
    if kind == "cnn":
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 10),
        )  # fmt: skip
    layers: list[nn.Module] = []
    for into, out in pairwise((64, 64, 64, 10)):
        layers += [nn.Linear(into, out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def fit(model: nn.Sequential, x: Tensor, labels: Tensor, epochs: int) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    steps, done = epochs * math.ceil(len(labels) / 64), 0
    for _ in range(epochs):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            optimizer.param_groups[0]["lr"] = 0.01 * (1 + math.cos(math.pi * done / steps)) / 2
            optimizer.zero_grad()
            functional.cross_entropy(model(x[rows]), labels[rows]).backward()
            optimizer.step()
            done += 1


def plain(layer: nn.Module) -> tuple[Any, ...]:
    if isinstance(layer, nn.Linear):
        return "linear", layer.weight.detach().clone(), layer.bias.detach().clone()
    if isinstance(layer, nn.Conv2d):
        assert layer.bias is not None
        numbers = layer.weight.detach().clone(), layer.bias.detach().clone()
        return "conv", *numbers, layer.stride[0], int(layer.padding[0])
    return {"ReLU": ("relu",), "Flatten": ("flatten",), "MaxPool2d": ("pool", 2)}[type(layer).__name__]


def moved(made: Trained, unit: float, origin: float) -> Trained:
    """The same network for inputs in other units, unit (x - origin), which the first layer takes back: nobody knows the
    range of its inputs who has not looked at some."""
    kind, weight, bias = made.layers[0]
    first = kind, weight / unit, bias + origin * weight.sum(1)
    train, held_out = ((unit * (x - origin), labels) for x, labels in (made.train, made.held_out))
    return Trained([first, *made.layers[1:]], train, held_out, made.right)


def finds(logits: Any, made: Trained, lost: float) -> str | None:
    labels = made.held_out[1]
    if not isinstance(logits, Tensor) or tuple(logits.shape) != (len(labels), 10):
        return f"the new network does not give logits of shape {(len(labels), 10)}"
    share = float((logits.argmax(1) == labels).double().mean())
    if not made.right - share <= lost:
        return (
            f"it reads {100 * share:.1f} % of {len(labels)} digits that it has not seen, where the given network reads "
            f"{100 * made.right:.1f} %; at most {100 * lost:g} points may be lost"
        )
    return None


STRAY = 0.05
"""How far from those of the given network the logits may be, as a share of their spread: the root of mean squares."""


def strays(logits: Tensor, made: Trained) -> str | None:
    """What is wrong with logits that are not near those of the given network, although they read the digits."""
    with torch.no_grad():
        before = network(made.layers)(made.held_out[0])
    apart, spread = ((each - each.mean(1, keepdim=True)).norm() for each in (logits - before, before))
    share = float(apart / spread)
    if not share <= STRAY:
        return (
            f"the logits are off by {share:.1%} of their spread, where {STRAY:.0%} are allowed and rounding needs half "
            "of that: round to the nearest integer everywhere, and take each grid from what its layer sees"
        )
    return None


LIBRARY = (
    "torch.ao.quantization",
    "torch.fake_quantize_per_tensor_affine",
    "torch.nn.utils.fusion",
    "torch.quantize_per_tensor",
)
"""What would do the work; each name covers its family, for whole tensors and for channels."""


def shows_in_place(case: Case, value: Any) -> bool:
    return not value["as it was"]

"""Layers and networks that the exercises on quantization start from, and a watch over floating-point arithmetic."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.harness import UnexpectedAnswer

__all__ = ["Floats", "Layers", "convolution", "folded", "network", "normalisation", "start", "stop"]

Layers = Sequence[tuple[Any, ...]]
"""A network in plain values: ("linear", W, b), ("conv", w, b, stride, padding), ("relu",), ("pool", k), ("flatten",)"""


# --- floating-point arithmetic --------------------------------------------------------------------------------


_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "vdot")
_SUMS = ("sum", "mean", "cumsum", "nansum", "scatter_add", "index_add", "scatter_reduce", "index_put")


class Floats(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations on floats.

    Attributes:
        products: matrix products and convolutions.
        sums: sums, running sums, means, and 8-bit integers converted to floats: none of these is needed to add up
            integers.
        made: all floating-point tensors created.
        arrays: how a tensor becomes a NumPy array, as it was before `start`.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products = self.sums = self.made = 0
        self.arrays: dict[str, Any] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.is_floating_point():
            name = func.overloadpacket.__name__
            small = any(isinstance(each, Tensor) and each.dtype in (torch.int8, torch.uint8) for each in args)
            self.made += 1
            self.products += "conv" in name or name in _PRODUCTS
            self.sums += small or name in _SUMS
        return result


def start(watch: Floats) -> None:
    """Begins to count; tensors cannot become NumPy arrays, whose floats would go unseen, until `stop`."""
    for name in ("numpy", "__array__"):
        watch.arrays[name] = vars(Tensor).get(name)
        setattr(Tensor, name, _refusing(getattr(Tensor, name)))
    watch.__enter__()  # type: ignore[no-untyped-call]


def stop(watch: Floats) -> dict[str, int]:
    """Ends what `start` began: how many of each kind were seen."""
    watch.__exit__(None, None, None)  # type: ignore[no-untyped-call]
    for name, own in watch.arrays.items():
        if own is None:
            delattr(Tensor, name)
        else:
            setattr(Tensor, name, own)
    return {"products": watch.products, "sums": watch.sums, "made": watch.made}


def _refusing(convert: Any) -> Any:
    """What takes the place of a conversion: it works for the autograder, which sends tensors as arrays."""

    def refuse(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
        if str(sys._getframe(1).f_globals.get("__name__")).startswith("autograder."):
            return convert(tensor, *args, **kwargs)
        raise UnexpectedAnswer(
            "a tensor was converted to a NumPy array; integers are watched here, so stay with torch's tensors"
        )

    return refuse


# --- normalisation --------------------------------------------------------------------------------------------


def convolution(weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> nn.Conv2d:
    """A convolution with this weight (C_out, C, KH, KW) and bias (C_out,) or none, in eval mode."""
    c_out, c_in, *kernel = weight.shape
    sides = kernel[0], kernel[1]
    with torch.random.fork_rng(devices=()):
        conv = nn.Conv2d(c_in, c_out, sides, stride, padding, bias=bias is not None, dtype=weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(weight)
        if conv.bias is not None and bias is not None:
            conv.bias.copy_(bias)
    return conv.eval()


def normalisation(norm: Sequence[Tensor], eps: float) -> nn.BatchNorm2d:
    """A batch normalisation with this gamma, beta, mean and variance, (C,) each, in eval mode."""
    bn = nn.BatchNorm2d(len(norm[0]), eps=eps, dtype=norm[0].dtype)
    with torch.no_grad():
        for target, value in zip((bn.weight, bn.bias, bn.running_mean, bn.running_var), norm, strict=True):
            assert target is not None
            target.copy_(value)
    return bn.eval()


def folded(new: Any, x: Tensor) -> dict[str, Tensor]:
    """The `weight` and the `bias` of a convolution, and its `output` for x.

    Raises:
        UnexpectedAnswer: it is no convolution, or has no bias.
    """
    if not isinstance(new, nn.Conv2d):
        raise UnexpectedAnswer(
            f"fold_batch_norm returned an object of type {type(new).__name__}; expected a torch nn.Conv2d"
        )
    if new.bias is None:
        raise UnexpectedAnswer("the new convolution has no bias, which has to hold the normalisation's shift")
    with torch.no_grad():
        output = new(x)
    return {"output": output, "weight": new.weight.detach().clone(), "bias": new.bias.detach().clone()}


# --- networks ---------------------------------------------------------------------------------------------


def network(layers: Layers) -> nn.Sequential:
    """The network of these layers, in eval mode."""
    with torch.random.fork_rng(devices=()):
        return nn.Sequential(*(_layer(*each) for each in layers)).eval()


def _layer(kind: str, *parts: Any) -> nn.Module:
    if kind == "relu":
        return nn.ReLU()
    if kind == "flatten":
        return nn.Flatten()
    if kind == "pool":
        return nn.MaxPool2d(parts[0])
    weight, bias, *geometry = parts
    layer: nn.Linear | nn.Conv2d
    if kind == "linear":
        layer = nn.Linear(weight.shape[1], weight.shape[0])
    else:
        layer = nn.Conv2d(weight.shape[1], weight.shape[0], tuple(weight.shape[2:]), *geometry)
    with torch.no_grad():
        layer.weight.copy_(weight)
        assert layer.bias is not None
        layer.bias.copy_(bias)
    return layer

"""Quantization on the student's side: integers with their dtype, arithmetic under observation, integer networks.

Everything returned is plain. Nothing here knows what is right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.harness import UnexpectedAnswer

__all__ = ["compressed", "convolved", "differentiated", "folded", "layered", "multiplied", "quantized", "requantized",
           "trained_aware"]  # fmt: skip

Answer = Callable[..., Any]
Layers = Sequence[tuple[Any, ...]]
"""A network in plain values: ("linear", W, b), ("conv", w, b, stride, padding), ("relu",), ("pool", k), ("flatten",)"""


# --- integers ---------------------------------------------------------------------------------------------


_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "addbmm", "mv", "addmv", "dot", "vdot")
_SUMS = ("sum", "mean", "cumsum", "nansum", "scatter_add", "index_add", "scatter_reduce", "index_put")


class _Floats(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations on floats.

    Attributes:
        products: matrix products and convolutions.
        sums: sums, running sums, means, and 8-bit integers converted to floats: none of these is needed to add up
            integers.
        made: all floating-point tensors created.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.products = self.sums = self.made = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.is_floating_point():
            name = func.overloadpacket.__name__
            small = any(isinstance(each, Tensor) and each.dtype in (torch.int8, torch.uint8) for each in args)
            self.made += 1
            self.products += "conv" in name or name in _PRODUCTS
            self.sums += small or name in _SUMS
        return result


@contextmanager
def _watched() -> Iterator[_Floats]:
    """Counts operations on floats; meanwhile tensors cannot become NumPy arrays, whose floats would go unseen.

    Raises:
        UnexpectedAnswer: one did.
    """

    def refuse(*_: Any, **__: Any) -> Any:
        raise UnexpectedAnswer(
            "a tensor was converted to a NumPy array; integers are watched here, so stay with torch's tensors"
        )

    kept = {name: vars(Tensor).get(name) for name in ("numpy", "__array__")}
    for name in kept:
        setattr(Tensor, name, refuse)
    try:
        with _Floats() as watch:
            yield watch
    finally:
        for name, own in kept.items():
            if own is None:
                delattr(Tensor, name)
            else:
                setattr(Tensor, name, own)


def _stored(value: Any) -> dict[str, Any]:
    if not isinstance(value, Tensor):
        raise UnexpectedAnswer(
            f"the result is an object of type {type(value).__name__}; expected a torch tensor of integers"
        )
    return {"dtype": str(value.dtype).removeprefix("torch."), "integers": value}


def quantized(
    answer: Answer, x: Tensor, scale: Any, zero_point: Any, bits: int = 8, signed: bool = True
) -> dict[str, Any]:
    """The integers and the dtype they are stored in."""
    return _stored(answer(x, scale, zero_point, bits, signed))


def multiplied(answer: Answer, qx: Tensor, zx: int, qw: Tensor, zw: Any) -> dict[str, Any]:
    """The sums, and whether a floating-point tensor was created on the way."""
    with _watched() as watch:
        result = answer(qx, zx, qw, zw)
    return _stored(result) | {"made floats": watch.made > 0}


def requantized(
    answer: Answer,
    acc: Tensor,
    scale_in: float,
    scale_w: Any,
    scale_out: float,
    zero_out: int,
    bits: int = 8,
    signed: bool = True,
) -> dict[str, Any]:
    """The integers and the dtype they are stored in."""
    return _stored(answer(acc, scale_in, scale_w, scale_out, zero_out, bits, signed))


def layered(
    answer: Answer,
    qx: Tensor,
    scale_in: float,
    zero_in: int,
    qw: Tensor,
    scale_w: Any,
    zero_w: Any,
    bias: Tensor | None,
    scale_out: float,
    zero_out: int,
) -> dict[str, Any]:
    """The integers of a linear layer, and whether it multiplied matrices of floats."""
    with _watched() as watch:
        result = answer(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out)
    return _stored(result) | {"multiplied floats": watch.products + watch.sums > 0}


def convolved(
    answer: Answer,
    qx: Tensor,
    scale_in: float,
    zero_in: int,
    qw: Tensor,
    scale_w: Any,
    zero_w: Any,
    bias: Tensor | None,
    scale_out: float,
    zero_out: int,
    stride: int = 1,
    padding: int = 0,
) -> dict[str, Any]:
    """The integers of a convolution, and whether it multiplied floats."""
    with _watched() as watch:
        result = answer(qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out, stride, padding)
    return _stored(result) | {"multiplied floats": watch.products + watch.sums > 0}


# --- gradients and normalisation --------------------------------------------------------------------------


def differentiated(
    answer: Answer, x: Tensor, scale: Any, zero_point: Any, bits: int, upstream: Tensor
) -> dict[str, Any]:
    """The value, and the gradient for x of its sum weighted by `upstream`; None if there is none."""
    leaf = x.detach().clone().requires_grad_()
    value = answer(leaf, scale, zero_point, bits)
    if not isinstance(value, Tensor):
        raise UnexpectedAnswer(
            f"fake_quantize returned an object of type {type(value).__name__}; expected a torch tensor"
        )
    gradient = None
    if value.requires_grad and value.shape == upstream.shape:
        [gradient] = torch.autograd.grad((value * upstream).sum(), leaf, allow_unused=True)
    return {"value": value.detach(), "gradient": gradient}


def folded(
    answer: Answer,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    norm: Sequence[Tensor],
    eps: float,
    stride: int,
    padding: int,
) -> dict[str, Any]:
    """Builds a convolution and a batch normalisation, (gamma, beta, mean, var), and uses what they are folded into.

    Returns:
        `output` for x, the new `weight` and `bias`, and whether the convolution and the normalisation stayed `as they
        were`.
    """
    c_out, c_in, *kernel = weight.shape
    sides = kernel[0], kernel[1]
    with torch.random.fork_rng(devices=()):
        conv = nn.Conv2d(c_in, c_out, sides, stride, padding, bias=bias is not None, dtype=weight.dtype)
    bn = nn.BatchNorm2d(c_out, eps=eps, dtype=weight.dtype)
    with torch.no_grad():
        conv.weight.copy_(weight)
        if conv.bias is not None and bias is not None:
            conv.bias.copy_(bias)
        for target, value in zip((bn.weight, bn.bias, bn.running_mean, bn.running_var), norm, strict=True):
            assert target is not None
            target.copy_(value)
    conv.eval()
    bn.eval()
    before = _copied(conv), _copied(bn)
    new = answer(conv, bn)
    if not isinstance(new, nn.Conv2d):
        raise UnexpectedAnswer(
            f"fold_batch_norm returned an object of type {type(new).__name__}; expected a torch nn.Conv2d"
        )
    if new.bias is None:
        raise UnexpectedAnswer("the new convolution has no bias, which has to hold the normalisation's shift")
    with torch.no_grad():
        output = new(x)
    same = new is not conv and _unchanged(conv, before[0]) and _unchanged(bn, before[1])
    return {"output": output, "weight": new.weight.detach(), "bias": new.bias.detach(), "as they were": same}


# --- networks ---------------------------------------------------------------------------------------------


def compressed(answer: Answer, layers: Layers, calibration: Tensor, held_out: Tensor) -> dict[str, Any]:
    """Builds a network, has the answer quantize it, and uses the result.

    Returns:
        `logits` for `held_out`; the 8-bit `integers` in the state; the `bytes` of the state before and after; how many
        `float products` of matrices one pass took; for each tensor of integers, whether the logits `react` when it is
        set to zero; and whether the given network stayed `as it was`.
    """
    model = _network(layers)
    before = _copied(model)
    with _one_thread():
        new = answer(model, calibration)
        if not isinstance(new, nn.Module):
            raise UnexpectedAnswer(
                f"quantize_model returned an object of type {type(new).__name__}; expected a torch nn.Module"
            )
        new.eval()
        with torch.no_grad():
            with _Floats() as watch:
                logits = new(held_out)
            state = new.state_dict()
            integers = [value for value in state.values() if value.dtype in (torch.int8, torch.uint8)]
            return {
                "logits": logits,
                "integers": [value.clone() for value in integers],
                "bytes": [_bytes(before), _bytes(state)],
                "float products": watch.products,
                "react": [_reacts(new, value, held_out[:16]) for value in integers],
                "as it was": new is not model and _unchanged(model, before),
            }


def _reacts(model: nn.Module, integers: Tensor, x: Tensor) -> bool:
    kept, first = integers.clone(), model(x)
    integers.zero_()
    second = model(x)
    integers.copy_(kept)
    return not torch.equal(first, second)


def trained_aware(answer: Answer, layers: Layers, x: Tensor, labels: Tensor, bits: int, seed: int) -> dict[str, Any]:
    """Builds a network and has the answer train it for few bits.

    Returns:
        The `state` of the returned network, and whether the given one stayed `as it was`.
    """
    model = _network(layers)
    before = _copied(model)
    with _one_thread(), torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        new = answer(model, (x, labels), bits)
    if not isinstance(new, nn.Module):
        raise UnexpectedAnswer(
            f"train_aware returned an object of type {type(new).__name__}; expected a torch nn.Module"
        )
    return {"state": _copied(new), "as it was": new is not model and _unchanged(model, before)}


def _network(layers: Layers) -> nn.Sequential:
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


def _copied(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def _unchanged(module: nn.Module, before: dict[str, Tensor]) -> bool:
    now = module.state_dict()
    return list(now) == list(before) and all(torch.equal(value, now[name]) for name, value in before.items())


def _bytes(state: dict[str, Any]) -> int:
    return sum(value.numel() * value.element_size() for value in state.values() if isinstance(value, Tensor))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limits torch to one thread: more would wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)

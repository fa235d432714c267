"""Probes of complex-valued networks: counts real products, takes gradients, trains receivers.

Everything returned is plain: tensors, numbers, dictionaries. Nothing here knows what is right.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.harness import UnexpectedAnswer

__all__ = ["at_zero", "convolved", "counted", "differentiated", "received"]

Answer = Callable[..., Any]


# --- counting -------------------------------------------------------------------------------------------


class _Multiplications(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the multiplications of two tensors' numbers; a factor that is a plain number, such as -1, is free."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.real = 0
        self.complex = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        count = _multiplications(func.overloadpacket.__name__.rstrip("_"), args, result)
        if any(isinstance(arg, Tensor) and arg.is_complex() for arg in args):
            self.complex += count
        else:
            self.real += count
        return result


def _multiplications(name: str, args: tuple[Any, ...], result: Any) -> int:
    """How many pairs of numbers one operator of torch multiplies."""
    factors = [arg for arg in args if isinstance(arg, Tensor)]
    if name in ("mm", "bmm", "mv", "dot", "vdot"):
        return int(result.numel() * factors[0].shape[-1])
    if name in ("addmm", "baddbmm", "addbmm", "addmv"):
        inner = factors[1]
        return int(inner.numel() * (factors[2].shape[-1] if factors[2].dim() > 1 else 1))
    if name in ("pow", "square") or (name in ("mul", "div") and len(factors) == 2):
        return int(result.numel())
    if name in ("addcmul", "addcdiv"):
        return int(torch.broadcast_tensors(factors[1], factors[2])[0].numel())  # type: ignore[no-untyped-call]
    return 0


def counted(answer: Answer, ar: Tensor, ai: Tensor, br: Tensor, bi: Tensor) -> dict[str, Any]:
    """Multiplies (n, m) by (m, p) and counts: n m p multiplications are one real product."""
    counter = _Multiplications()
    with counter:
        product = answer(ar, ai, br, bi)
    one = ar.shape[0] * ar.shape[1] * br.shape[1]
    return {
        "product": product,
        "multiplications of complex numbers": counter.complex,
        "real products": _times(counter.real, one),
    }


def _times(total: int, one: int) -> int | float:
    return total // one if total % one == 0 else total / one


class _Convolutions(TorchFunctionMode):
    """Counts calls of torch's convolutions with a complex tensor among their arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.complex = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if "conv" in getattr(func, "__name__", "") and any(map(_is_complex, (*args, *named.values()))):
            self.complex += 1
        return func(*args, **named)


def _is_complex(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_complex()


def convolved(answer: Answer, z: Tensor, w: Tensor) -> dict[str, Any]:
    """Convolves, and counts the calls of torch's own convolutions with complex tensors."""
    counter = _Convolutions()
    with counter:
        result = answer(z, w)
    return {"result": result, "convolutions of complex tensors": counter.complex}


# --- gradients ------------------------------------------------------------------------------------------


def differentiated(answer: Answer, upstream: Tensor, *arguments: Any) -> dict[str, Any]:
    """The value, and the gradients of its real inner product with `upstream` for every tensor among the arguments."""
    leaves = [each.detach().clone().requires_grad_() if isinstance(each, Tensor) else each for each in arguments]
    value = answer(*leaves)
    tensors = [each for each in leaves if isinstance(each, Tensor)]
    if not isinstance(value, Tensor) or value.shape != upstream.shape or not value.requires_grad:
        return {"value": value, "gradients": None}
    loss = (value * upstream.conj()).real.sum()
    return {"value": value, "gradients": list(torch.autograd.grad(loss, tensors, allow_unused=True))}


def at_zero(answer: Answer, z: Tensor, *rest: Any) -> dict[str, Any]:
    """The value, and whether every number of the gradient is finite."""
    leaf = z.detach().clone().requires_grad_()
    value = answer(leaf, *rest)
    if not isinstance(value, Tensor) or not value.requires_grad:
        return {"value": value, "gradient is finite": None}
    [gradient] = torch.autograd.grad(torch.view_as_real(value + 0j).sum(), leaf)
    return {"value": value, "gradient is finite": bool(torch.isfinite(torch.view_as_real(gradient)).all())}


# --- receivers ------------------------------------------------------------------------------------------


def received(answer: Answer, kind: str, order: int, snr_db: float, steps: int, seed: int, z: Tensor) -> dict[str, Any]:
    """Trains a receiver and has it read symbols: as they are, rotated by 1 radian, and mirrored.

    The same receiver and one of the other kind are also trained for a single step: did the steps change anything, and
    how many numbers does the other kind store?
    """
    model = _built(answer, kind, order, snr_db, steps, seed)
    early = _built(answer, kind, order, snr_db, 1, seed)
    other = _built(answer, "real" if kind == "complex" else "complex", order, snr_db, 1, seed)
    with torch.no_grad():
        logits, at_first = model(z), early(z)
        turned = model(z * complex(math.cos(1), math.sin(1)))
        mirrored = model(z.conj().resolve_conj())
    return {
        "logits": logits,
        "logits after one step": at_first,
        "logits of turned symbols": turned,
        "logits of mirrored symbols": mirrored,
        "real numbers": _real_numbers(model),
        "real numbers of the other kind": _real_numbers(other),
        "complex parameters": sum(each.is_complex() for each in model.parameters()),
    }


def _built(answer: Answer, kind: str, order: int, snr_db: float, steps: int, seed: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = answer(kind, order, snr_db, steps, torch.Generator().manual_seed(seed))
    if not isinstance(model, nn.Module):
        raise UnexpectedAnswer(
            f"train_receiver returned {type(model).__name__}; expected the trained model, a torch.nn.Module"
        )
    return model.eval()


def _real_numbers(model: nn.Module) -> int:
    return sum(each.numel() * (2 if each.is_complex() else 1) for each in model.parameters())

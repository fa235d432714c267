"""Complex-valued networks as the judge sees them: what rounding tells of products, gradients, trained receivers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercises import observe
from autograder.exercises.complex_nn import programs
from autograder.exercises.replay import Replay
from autograder.harness import complex_nn as harness
from autograder.harness import models
from autograder.objects import Answer, AnswerRaised, Built, Kept, UnexpectedAnswer, described

__all__ = ["at_zero", "convolved", "counted", "counted_three", "differentiated", "received"]


# --- products -------------------------------------------------------------------------------------------

SMALL = 2.0**-20
"""The size of one part beside the other."""
LOST = 1000
"""An error of so many units in the last place is more than rounding of four products makes, and far less than what
three make where one part is small: r - p - q is then a small difference of large numbers (Higham, 1992)."""
WHOLE = 2**29
"""Whole numbers below this have products that 53 bits do not hold."""

Parts = tuple[Tensor, Tensor, Tensor, Tensor]
Multiplies = Callable[[Parts], tuple[Tensor, Tensor]]
"""From the parts of two complex factors to the parts of their product."""


def counted(answer: Answer, ar: Tensor, ai: Tensor, br: Tensor, bi: Tensor, seed: int) -> dict[str, Any]:
    """Multiplies (n, m) by (m, p), and tells how many real products it took, 3 or 4, by the digits that get lost.

    `use of complex numbers`: there is none where matrices of int64 are multiplied without an error, nor in a program
    of real operators that gives the right results.

    Raises:
        UnexpectedAnswer: whole numbers have errors, and something was computed past the program.
    """
    rng = np.random.default_rng(seed)
    drawn = [torch.from_numpy(rng.integers(-WHOLE, WHOLE, each.shape)) for each in (ar, ai, br, bi)]
    whole = (drawn[0], drawn[1], drawn[2], drawn[3])

    def product(parts: Parts) -> tuple[Tensor, Tensor]:
        return _pair(answer(*parts), (len(parts[0]), parts[2].shape[1]))

    shapes = (5, 6), (6, 4)
    return {
        "product": answer(ar, ai, br, bi),
        "real products": 3 if _lost(product, np.matmul, shapes, rng) > LOST else 4,
        "use of complex numbers": not _exact(product, whole) and _complex(answer, (ar, ai, br, bi), rng),
    }


def _pair(value: Any, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    found = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(found) != 2 or not all(isinstance(each, Tensor) and tuple(each.shape) == shape for each in found):
        raise UnexpectedAnswer(f"expected two tensors of shape {shape}: the real and the imaginary part")
    return found[0].cpu(), found[1].cpu()


def _exact(product: Multiplies, parts: Parts) -> bool:
    ar, ai, br, bi = parts
    try:
        cr, ci = product(parts)
    except AnswerRaised:  # there are no complex numbers with whole parts
        return False
    same = torch.equal(cr, ar @ br - ai @ bi) and torch.equal(ci, ar @ bi + ai @ br)
    return same and cr.dtype == ci.dtype == torch.int64


def _complex(answer: Answer, parts: Parts, rng: np.random.Generator) -> bool:
    """Whether complex numbers occur on the way to a product."""
    other = _others(parts, rng)
    _, program = _program(answer, parts, other)
    return programs.complex_inside(program, other)


def _others(parts: Parts, rng: np.random.Generator) -> list[Tensor]:
    return [torch.from_numpy(rng.standard_normal(each.shape)).to(each.dtype) for each in parts]


def _program(answer: Answer, parts: Parts, other: Sequence[Tensor]) -> tuple[Any, programs.Recorded]:
    """What an answer returns, and the program that computed it.

    Raises:
        UnexpectedAnswer: the program is wrong about the product of other numbers, though the answer is right.
    """
    product, program = programs.recorded(answer, *parts)
    want = torch.complex(other[0], other[1]) @ torch.complex(other[2], other[3])
    got = program.results(other)
    if len(got) != 2 or not torch.allclose(torch.complex(*got), want, rtol=1e-9):
        plain = torch.complex(parts[0], parts[1]) @ torch.complex(parts[2], parts[3])
        if torch.allclose(torch.complex(*_pair(product, plain.shape)), plain.cpu(), rtol=1e-9):
            raise UnexpectedAnswer(programs.UNSEEN)
    return product, program


def _lost(
    product: Multiplies,
    real: Callable[[Any, Any], Any],
    shapes: tuple[Sequence[int], Sequence[int]],
    rng: np.random.Generator,
) -> float:
    """The largest error of a product whose real or imaginary parts are small, in units of what it may be.

    Each part of the result is measured by the sizes of the two products that it is made of. Every way to use three
    products is bad in this sense somewhere.
    """
    worst = 0.0
    for parts in _uneven(shapes, rng):
        a, b, c, d = (_fine(each) for each in parts)
        for got, want, size in zip(
            product(parts),
            (real(a, c) - real(b, d), real(a, d) + real(b, c)),
            (real(abs(a), abs(c)) + real(abs(b), abs(d)), real(abs(a), abs(d)) + real(abs(b), abs(c))),
            strict=True,
        ):
            error = np.abs(_fine(got) - want) / size
            worst = max(worst, float(np.max(error)) / np.finfo(np.float64).eps)
    return worst if math.isfinite(worst) else math.inf


def _uneven(shapes: tuple[Sequence[int], Sequence[int]], rng: np.random.Generator) -> Iterator[Parts]:
    """Factors with a large and a small part, in all four ways."""
    for real, imag in ((SMALL, 1.0), (1.0, SMALL)):
        for other_real, other_imag in ((SMALL, 1.0), (1.0, SMALL)):
            sizes = (real, imag, other_real, other_imag)
            drawn = [
                torch.from_numpy(size * rng.standard_normal(shapes[place // 2])) for place, size in enumerate(sizes)
            ]
            yield drawn[0], drawn[1], drawn[2], drawn[3]


def _fine(x: Tensor) -> Any:
    """The same numbers with more digits than float64 has, where the machine offers them."""
    return x.detach().cpu().numpy().astype(np.longdouble)


def counted_three(answer: Answer, ar: Tensor, ai: Tensor, br: Tensor, bi: Tensor, seed: int) -> dict[str, Any]:
    """As `counted`, but the real products are counted in the program that computes them, run here on other numbers."""
    rng = np.random.default_rng(seed)
    other = _others((ar, ai, br, bi), rng)
    product, program = _program(answer, (ar, ai, br, bi), other)
    shares = programs.multiplications(program, other) / (ar.numel() * br.shape[1])
    return counted(answer, ar, ai, br, bi, seed) | {"product": product, "real products": max(3, math.ceil(shares))}


def convolved(answer: Answer, z: Tensor, w: Tensor, seed: int) -> dict[str, Any]:
    """Convolves, and tells whether torch's own complex convolution did it, by the program that computes the result.

    torch's own takes three real convolutions as well, and multiplies by i as no Python code does.

    Raises:
        UnexpectedAnswer: something was computed past the program.
    """
    rng = np.random.default_rng(seed)
    other = [torch.from_numpy(rng.standard_normal((*each.shape, 2))).to(each.real.dtype) for each in (z, w)]
    drawn = [torch.view_as_complex(each) for each in other]
    result, program = programs.recorded(answer, z, w)
    if isinstance(result, Tensor) and _close(result.cpu(), torch.conv2d(z, w).cpu()):
        if not _close(program.results(drawn)[0], torch.conv2d(drawn[0], drawn[1])):
            raise UnexpectedAnswer(programs.UNSEEN)
    own = [each for each in program.calls("aten.mul.Scalar") if isinstance(each[1], complex)]
    return {"result": result, "convolutions of complex tensors": len(own)}


def _close(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and torch.allclose(one, other, rtol=1e-4, atol=1e-5)


# --- gradients ------------------------------------------------------------------------------------------


def differentiated(answer: Answer, upstream: Tensor, *arguments: Any) -> dict[str, Any]:
    """The value, and the gradients of its real inner product with `upstream` for every tensor among the arguments."""
    leaves = [observe.requires_gradient(each) for each in arguments]
    value = answer(*leaves)
    tensors = [each for each in leaves if isinstance(each, Tensor)]
    if not isinstance(value, Tensor) or value.shape != upstream.shape or not value.requires_grad:
        return {"value": value, "gradients": None}
    loss = (value * upstream.conj()).real.sum()
    return {"value": value.detach(), "gradients": list(torch.autograd.grad(loss, tensors, allow_unused=True))}


def at_zero(answer: Answer, z: Tensor, *rest: Any) -> dict[str, Any]:
    """The value, and whether every number of the gradient is finite."""
    leaf = observe.requires_gradient(z)
    value = answer(leaf, *rest)
    if not isinstance(value, Tensor) or not value.requires_grad:
        return {"value": value, "gradient is finite": None}
    [gradient] = torch.autograd.grad(torch.view_as_real(value + 0j).sum(), leaf)
    finite = bool(torch.isfinite(torch.view_as_real(gradient)).all())
    return {"value": value.detach(), "gradient is finite": finite}


# --- receivers ------------------------------------------------------------------------------------------


def received(answer: Answer, kind: str, order: int, snr_db: float, steps: int, seed: int, z: Tensor) -> dict[str, Any]:
    """Has a receiver trained, and reads symbols with it here: as they are, rotated by 1 radian, and mirrored.

    The same receiver and one of the other kind are also trained for a single step: did the steps change anything, and
    how many numbers does the other kind store? The symbols stay with the judge.

    What the answer's own side tells of the training can only cost points: how many `steps` optimizers took, the
    `power` of the symbols of most batches, and whether symbols are `drawn` from the generator and nothing else; None
    where none were seen.
    """
    z = z.cpu()
    model, seen = _trained(answer, kind, order, snr_db, steps, seed, z)
    early, first = _trained(answer, kind, order, snr_db, 1, seed, z)
    _, again = _trained(answer, kind, order, snr_db, 1, seed, z, around=seed + 1)
    other, fresh = _trained(answer, "real" if kind == "complex" else "complex", order, snr_db, 1, seed + 1, z)
    with torch.no_grad():
        return {
            "logits": model(z),
            "logits after one step": early(z),
            "logits of turned symbols": model(z * complex(math.cos(1), math.sin(1))),
            "logits of mirrored symbols": model(z.conj().resolve_conj()),
            "real numbers": _real_numbers(model),
            "real numbers of the other kind": _real_numbers(other),
            "complex parameters": sum(each.is_complex() for each in model.own.values()),
            "steps": seen["steps"],
            "power": float(np.median(seen["powers"])) if seen["powers"] else None,
            "drawn": _drawn(first["first"], again["first"], fresh["first"]),
        }


def _drawn(symbols: Tensor | None, same: Tensor | None, others: Tensor | None) -> bool | None:
    """Whether symbols are the same from one state of a generator, and others from another."""
    if symbols is None or same is None or others is None:
        return None
    return torch.equal(symbols, same) and not torch.equal(symbols, others)


def _trained(
    answer: Answer, kind: str, order: int, snr_db: float, steps: int, seed: int, z: Tensor, *, around: int | None = None
) -> tuple[Replay, dict[str, Any]]:
    """A receiver, and what its training took. `around` seeds torch's own generator, which the answer is not given."""
    watch, seen = Built(harness.Training), dict[str, Any]()
    answer.through(harness.trains, watch)
    with (
        observe.afterwards(lambda: seen.update(answer.through(harness.trained, watch))),
        observe.seeded(answer, seed if around is None else around),
    ):
        model = answer(kind, order, snr_db, steps, torch.Generator().manual_seed(seed))
    if not isinstance(model, Kept) or not answer.through(models.is_module, model):
        raise UnexpectedAnswer(
            f"train_receiver returned {described(model)}; expected the trained model, a torch.nn.Module"
        )
    return observe.replayed(answer, model, observe.other_numbers(z)), seen


def _real_numbers(model: Replay) -> int:
    return sum(each.numel() * (2 if each.is_complex() else 1) for each in model.own.values())

"""How the judge observes answers on quantization: integers with their dtype, gradients, networks that it runs itself.

Whether an answer used floats is read on the student's side and can only cost points. What earns them are sums that no
short float holds, and for whole networks the operators that the judge runs itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from autograder.calls import Breach
from autograder.exercises.observe import requires_gradient
from autograder.exercises.quantization.arithmetic import float_work, products
from autograder.exercises.replay import Replay
from autograder.exercises.seeds import seeded
from autograder.harness import models
from autograder.harness import quantization as harness
from autograder.harness.quantization import Layers
from autograder.objects import Answer, Built, Kept, UnexpectedAnswer, described

__all__ = [
    "compressed",
    "convolved",
    "differentiated",
    "folded",
    "layered",
    "multiplied",
    "quantized",
    "requantized",
    "trained_aware",
]

MOST = 50
"""Tensors of integers that are looked at: far more than a network here needs."""


# --- integers ---------------------------------------------------------------------------------------------


@contextmanager
def _watched(answer: Answer) -> Iterator[dict[str, int]]:
    """Counts operations on floats on the student's side; the counts are there at the end."""
    watch, found, alive = Built(harness.Floats), dict[str, int](), True
    answer.through(harness.start, watch)
    try:
        yield found
    except Breach:
        alive = False
        raise
    finally:
        if alive:
            found.update(answer.through(harness.stop, watch))


def quantized(answer: Answer, x: Tensor, *rest: Any) -> dict[str, Any]:
    """The integers and the dtype they are stored in."""
    return _stored(answer(x, *rest))


def requantized(answer: Answer, acc: Tensor, *rest: Any) -> dict[str, Any]:
    """The integers and the dtype they are stored in."""
    return _stored(answer(acc, *rest))


def _stored(value: Any) -> dict[str, Any]:
    if not isinstance(value, Tensor):
        raise UnexpectedAnswer(f"the result is {described(value)}; expected a torch tensor of integers")
    return {"dtype": str(value.dtype).removeprefix("torch."), "integers": value}


def multiplied(answer: Answer, qx: Tensor, zx: int, qw: Tensor, zw: Any) -> dict[str, Any]:
    """The sums, and whether a floating-point tensor was created on the way."""
    with _watched(answer) as found:
        result = answer(qx, zx, qw, zw)
    return _stored(result) | {"floating-point numbers made on the way": found["made"] > 0}


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
    """The integers of a linear layer, and whether it multiplied floats or added them up."""
    return _computed(answer, qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out)


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
    *geometry: int,
) -> dict[str, Any]:
    """The integers of a convolution, and whether it multiplied floats or added them up."""
    layer = qx, scale_in, zero_in, qw, scale_w, zero_w, bias, scale_out, zero_out
    return _computed(answer, *layer, *geometry)


def _computed(answer: Answer, *args: Any) -> dict[str, Any]:
    with _watched(answer) as found:
        result = answer(*args)
    return _stored(result) | {"floating-point numbers multiplied or added": found["products"] + found["sums"] > 0}


# --- gradients and normalisation --------------------------------------------------------------------------


def differentiated(
    answer: Answer, x: Tensor, scale: Any, zero_point: Any, bits: int, upstream: Tensor
) -> dict[str, Any]:
    """The value, and the gradient for x of its sum weighted by `upstream`; None if there is none."""
    leaf = requires_gradient(x)
    value = answer(leaf, scale, zero_point, bits)
    if not isinstance(value, Tensor):
        raise UnexpectedAnswer(f"fake_quantize returned {described(value)}; expected a torch tensor")
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
    """Has a convolution and a batch normalisation, (gamma, beta, mean, var), folded into one convolution.

    Returns:
        `output` for x, the new `weight` and `bias`, and whether the convolution and the normalisation were left as
        they were.
    """
    given = Built(harness.convolution, (weight, bias, stride, padding)), Built(harness.normalisation, (norm, eps))
    before = [answer.through(models.state, each) for each in given]
    new = answer(*given)
    if not isinstance(new, (Kept, Built)):
        raise UnexpectedAnswer(f"fold_batch_norm returned {described(new)}; expected a torch nn.Conv2d")
    after = [answer.through(models.state, each) for each in given]
    same = new is not given[0] and all(map(_equal, before, after))
    found: dict[str, Any] = answer.through(harness.folded, new, x)
    return found | {"given layers left as they were": same}


# --- networks ---------------------------------------------------------------------------------------------


def _key(*parts: Any) -> str:
    """The same for the same numbers."""
    digest = hashlib.sha256()
    for part in parts:
        plain = part.detach().cpu().numpy().tobytes() if isinstance(part, Tensor) else repr(part).encode()
        digest.update(_key(*part).encode() if isinstance(part, (list, tuple)) else plain)
    return digest.hexdigest()


def compressed(answer: Answer, layers: Layers, calibration: Tensor, held_out: Tensor) -> dict[str, Any]:
    """Has a network quantized; the judge runs what the new one computes from inputs shaped like `calibration`.

    Returns:
        `logits` for `held_out`, which has whole batches of that many rows; the 8-bit `integers` that it holds; the
        `bytes` of its numbers before and after; how many `float products` of matrices one pass took, and `float work`,
        what it computes in floats beside them: what `float_work` finds, and the products that the layers need; for each
        tensor of integers, whether the logits `react` when it is set to zero; whether the given network stayed `as it
        was`. Several cases look at the same network, which is quantized once.
    """
    key = _key(layers, calibration, held_out)
    if key not in answer.memory:
        answer.memory[key] = _compressed(answer, layers, calibration, held_out)
    found: dict[str, Any] = answer.memory[key]
    return found


def _compressed(answer: Answer, layers: Layers, calibration: Tensor, held_out: Tensor) -> dict[str, Any]:
    model = Built(harness.network, (layers,))
    before = answer.through(models.state, model)
    with seeded(answer):
        new = _network(answer, answer(model, calibration), model, "quantize_model")
        program = answer.through(models.recorded, new, [calibration], False)
    same = new is not model and _equal(answer.through(models.state, model), before)
    replay, batches = Replay(program, 1), held_out.split(len(calibration))
    integers = [each for each in map(replay.named, replay.names) if each.dtype in (torch.int8, torch.uint8)][:MOST]
    with torch.no_grad():
        with harness.Floats() as watch:
            first = replay(batches[0])
        logits = [first, *(replay(batch) for batch in batches[1:])]
        return {
            "logits": torch.cat(logits) if first.dim() else first,
            "integers": integers,
            "bytes": [_bytes(before.values()), _bytes(replay.tensors)],
            "float products": watch.products,
            "float work": (*float_work(replay, batches[0].clone()), products(layers, batches[0])),
            "react": [_reacts(replay, each, batches[0], first) for each in integers],
            "as it was": same,
        }


def _network(answer: Answer, new: Any, given: Built, name: str) -> Any:
    """The network that an answer returned: a new one, or the given one."""
    if new is not given and not (isinstance(new, Kept) and answer.through(models.is_module, new)):
        raise UnexpectedAnswer(f"{name} returned {described(new)}; expected a torch nn.Module")
    return new


def _reacts(replay: Replay, integers: Tensor, x: Tensor, before: Tensor) -> bool:
    kept = integers.clone()
    integers.zero_()
    after = replay(x)
    integers.copy_(kept)
    return not torch.equal(before, after)


def trained_aware(answer: Answer, layers: Layers, x: Tensor, labels: Tensor, bits: int) -> dict[str, Any]:
    """Has a network trained for few bits.

    Returns:
        The `state` of the returned network, and whether the given one stayed `as it was`. Several cases look at the
        same network, which is trained once.
    """
    key = _key(layers, x, labels, bits)
    if key not in answer.memory:
        answer.memory[key] = _trained_aware(answer, layers, x, labels, bits)
    found: dict[str, Any] = answer.memory[key]
    return found


def _trained_aware(answer: Answer, layers: Layers, x: Tensor, labels: Tensor, bits: int) -> dict[str, Any]:
    model = Built(harness.network, (layers,))
    before = answer.through(models.state, model)
    with seeded(answer):
        new = _network(answer, answer(model, (x, labels), bits), model, "train_aware")
    same = new is not model and _equal(answer.through(models.state, model), before)
    return {"state": answer.through(models.state, new), "as it was": same}


def _equal(state: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return list(state) == list(other) and all(torch.equal(value, other[name]) for name, value in state.items())


def _bytes(tensors: Any) -> int:
    return sum(each.numel() * each.element_size() for each in tensors)

"""Gated cells as the judge sees them: gradients through a whole sequence, batches drawn again, and trained models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from autograder.exercises import observe
from autograder.exercises.lstm import learning
from autograder.exercises.replay import Replay
from autograder.harness import lstm as harness
from autograder.harness import models
from autograder.objects import Answer, Built, Kept, UnexpectedAnswer, described

__all__ = ["batch_again", "begun", "gradients", "sizes", "trained"]


def gradients(
    answer: Answer, dhs: Tensor, dh: Tensor, dc: Tensor, xs: Tensor, h: Tensor, c: Tensor, *params: Tensor
) -> list[Tensor]:
    """What torch's autograd finds through `lstm_forward`: gradients of xs, h, c and the four weights.

    Raises:
        UnexpectedAnswer: something cuts the gradient off.
    """
    leaves = [observe.requires_gradient(each) for each in (xs, h, c, *params)]
    results = _states(answer(leaves[0], (leaves[1], leaves[2]), *leaves[3:]), (dhs, dh, dc))
    loss = sum((result * upstream).sum() for result, upstream in zip(results, (dhs, dh, dc), strict=True))
    if not isinstance(loss, Tensor) or not loss.requires_grad:
        raise UnexpectedAnswer(
            "no gradient passes through lstm_forward: .detach(), .data, NumPy and torch.no_grad() cut it off"
        )
    found = torch.autograd.grad(loss, leaves, allow_unused=True)
    return [torch.zeros_like(leaf) if each is None else each for leaf, each in zip(leaves, found, strict=True)]


def _states(value: Any, like: Sequence[Tensor]) -> list[Tensor]:
    """All states, and the last hidden and cell state.

    Raises:
        UnexpectedAnswer: the value is something else, or their shapes are others.
    """
    try:
        hs, (last_h, last_c) = value
        states = [hs, last_h, last_c]
        shapes = [tuple(each.shape) for each in states]
    except (TypeError, ValueError, AttributeError):
        raise UnexpectedAnswer("expected all states and the last pair, `return hs, (h, c)`") from None
    for name, shape, upstream in zip(("hs", "h", "c"), shapes, like, strict=True):
        if shape != tuple(upstream.shape):
            raise UnexpectedAnswer(f"{name} has shape {shape}; expected {tuple(upstream.shape)}")
    return states


def batch_again(
    answer: Answer, n: int, length: int, generator: torch.Generator, other: torch.Generator
) -> dict[str, Any]:
    """The numbers of a batch from a generator, from a second one in the same state, and from one in another state."""
    twin = torch.Generator(generator.device)
    twin.set_state(generator.get_state())
    drawn = [answer(n, length, source) for source in (generator, twin, other)]
    if not all(isinstance(batch, (tuple, list)) and batch for batch in drawn):
        raise UnexpectedAnswer("expected two tensors, `return xs, targets`")
    return dict(zip(("first", "again", "other"), [batch[0] for batch in drawn], strict=True))


def trained(
    answer: Answer, kind: str, length: int, steps: int, generator: torch.Generator, xs: Tensor
) -> dict[str, Any]:
    """Has a model trained, and computes with it here, on sequences and targets that stay with the judge.

    Returns:
        Its `predictions` for xs, also after the second half of each sequence became zeros (`early`), and with the
        numbers in each of its parameters in another order (`shuffled`); what it `knows` in such an order and what it
        `learns` from there, and the `jump` on the way there, as in `learning`; and what its own side says of it, which
        earns nothing: `modules`, `steps` of optimizers, and how often gradients were `zeroed`.

    Raises:
        UnexpectedAnswer: the answer does not return a model.
    """
    with _watched(answer) as seen:
        model = _model(answer, kind, length, steps, generator)
    xs = xs.cpu()
    replay = observe.replayed(answer, model, observe.other_numbers(xs))
    start = [each.detach().clone() for each in replay.own.values()]
    found = _predictions(answer, model, replay, xs)
    with torch.no_grad(), torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        found["shuffled"] = learning.shuffled(replay)(xs)
    found["jump"] = learning.jump(replay, start, xs)
    found["knows"] = learning.knows(replay, xs)
    return found | {"learns": _learns(answer, model, replay, length)} | seen


def begun(answer: Answer, kind: str, length: int, steps: int, generator: torch.Generator, xs: Tensor) -> dict[str, Any]:
    """As `trained`, for so few steps that nothing can be learned: what the model predicts, and nothing of how it
    learns; the first `batch` that it was trained on, and whether it is `drawn` from the generator and nothing else,
    None where none was seen."""
    drawn = _drawn(answer, kind, length, generator)
    with _watched(answer) as seen:
        model = _model(answer, kind, length, steps, generator)
    replay = observe.replayed(answer, model, observe.other_numbers(xs.cpu()))
    return _predictions(answer, model, replay, xs.cpu()) | seen | {"drawn": drawn}


def _drawn(answer: Answer, kind: str, length: int, generator: torch.Generator) -> bool | None:
    """Whether the first batch is the same from the same state of a generator, and wholly another one, its numbers and
    both marks, from another state."""
    found = []
    for seed, other in ((0, False), (1, False), (1, True)):
        twin = torch.Generator(generator.device)
        twin.set_state(generator.get_state())
        if other:
            torch.rand(1, generator=twin, device=twin.device)
        with _watched(answer) as seen, observe.seeded(answer, seed):
            _model(answer, kind, length, 1, twin)
        found.append(seen["batch"])
    if any(each is None for each in found):
        return None
    pairs = zip(_parts(found[0]), _parts(found[2]), strict=True)
    return torch.equal(found[0], found[1]) and not any(torch.equal(one, another) for one, another in pairs)


def _parts(batch: Tensor) -> list[Tensor]:
    """The numbers and the marks of both halves of sequences (N, T, 2)."""
    return [half for each in batch.unbind(-1) for half in each.chunk(2, dim=1)]


def sizes(answer: Answer, kinds: Sequence[str], length: int, steps: int, seed: int) -> list[int]:
    """How many parameters the models of several kinds have."""
    counts = []
    for kind in kinds:
        model = _model(answer, kind, length, steps, torch.Generator().manual_seed(seed))
        counts.append(sum(each.numel() for each in answer.through(models.parameters, model).values()))
    return counts


def _model(answer: Answer, *arguments: Any) -> Kept:
    model = answer(*arguments)
    if not isinstance(model, Kept) or not answer.through(models.is_module, model):
        raise UnexpectedAnswer(
            f"train_memory returned {described(model)}; expected the trained model, a torch.nn.Module"
        )
    return model


def _predictions(answer: Answer, model: Kept, replay: Replay, xs: Tensor) -> dict[str, Any]:
    """What a model predicts, also after the second half of each sequence became zeros, and what modules it has."""
    early = xs.clone()
    early[:, xs.shape[1] // 2 :] = 0
    with torch.no_grad(), torch.random.fork_rng(devices=()):
        torch.manual_seed(0)  # what it draws in eval mode is the same in every grading
        return {
            "predictions": replay(xs),
            "early": replay(early),
            "modules": answer.through(harness.kinds, model),
        }


def _learns(answer: Answer, model: Kept, before: Replay, length: int) -> float:
    """What the model learns from the numbers that it has in `before`."""
    generator = torch.Generator().manual_seed(0)
    start = observe.replayed(answer, model, learning.batch(generator, 64, length)[0], training=True)
    start.take(before)
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(0)
        return learning.learns(start, length)


@contextmanager
def _watched(answer: Answer) -> Iterator[dict[str, Any]]:
    """What the answer's own side counts while it trains."""
    watch = Built(harness.Watch)
    answer.through(harness.begin, watch)
    seen: dict[str, Any] = {}
    with observe.afterwards(lambda: seen.update(answer.through(harness.end, watch))):
        yield seen

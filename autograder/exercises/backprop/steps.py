"""Follows a training from its start weights, step by step: the same generator gives the same start after 0 epochs.

Where a batch takes all rows, their order does not matter, and each epoch is one step. On the rows of an identity matrix
the batches can be read off what moved: row i alone moves column i of W, in the direction of its own error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from autograder.calls import Probe
from autograder.exercises.backprop.inputs import Array, Rng
from course_lib import backprop

__all__ = ["fault_of_batches", "fault_of_order", "fault_of_start", "fault_of_steps"]

Params = list[tuple[Array, Array]]


@dataclass(frozen=True)
class _Problem:
    """What is trained on, and how.

    Attributes:
        x: (N, n_0).
        labels: (N,).
        sizes: [n_0, ..., n_L].
        lr: learning rate.
        batch_size: examples per step.
        seed: of the generator that every training gets.
    """

    x: Array
    labels: Array
    sizes: list[int]
    lr: float
    batch_size: int
    seed: int

    def trained(self, call: Probe, epochs: int) -> Params:
        """The network after so many epochs."""
        rng = np.random.default_rng(self.seed)
        found = call(self.x, self.labels, list(self.sizes), epochs, self.lr, self.batch_size, rng)
        return [(np.asarray(W, dtype=float), np.asarray(b, dtype=float)) for W, b in found]


def _drawn(
    rng: Rng, rows: int, sizes: Sequence[int], lr: float, batch_size: int, *, size: float = 1.0, alike: bool = False
) -> _Problem:
    """A problem with random inputs of this size; `alike` repeats one example, so that all batches have one gradient."""
    x = size * rng.standard_normal((rows, sizes[0]))
    labels = rng.integers(0, sizes[-1], rows)
    if alike:
        x[:], labels[:] = x[0], labels[0]
    return _Problem(x, labels, list(sizes), lr, batch_size, int(rng.integers(2**32)))


def _one_hot(rng: Rng, rows: int, batch_size: int) -> _Problem:
    """As many inputs as rows, each with a 1 of its own, and one layer with four classes."""
    labels = rng.integers(0, 4, rows)
    return _Problem(np.eye(rows), labels, [rows, 4], 0.5, batch_size, int(rng.integers(2**32)))


def fault_of_start(call: Probe, rng: Rng) -> str | None:
    """What is wrong with the start weights of a network so wide that their spread can be told.

    The learning rate is so large that a single step, where there must be none, leaves nothing of them.
    """
    problem = _drawn(rng, 4, (300, 160, 90, 40), 1e6, 2)
    params = problem.trained(call, 0)
    for layer, ((W, b), fan_in) in enumerate(zip(params, problem.sizes, strict=False), start=1):
        spread, wanted = float(W.std()), float(np.sqrt(2 / fan_in))
        if abs(W.mean()) > 0.1 * wanted or not 0.93 < spread / wanted < 1.07:
            return (
                f"after 0 epochs the weights of layer {layer} have a mean of {W.mean():.2g} and a spread of "
                f"{spread:.3g}; he_init gives them a mean of 0 and, with {fan_in} inputs, a spread of {wanted:.3g}"
            )
        if np.abs(b).max() > 0.1:
            return f"after 0 epochs the biases of layer {layer} go up to {np.abs(b).max():.2g}; they start at 0"
    return None


def fault_of_steps(call: Probe, rng: Rng) -> str | None:
    """Whether trainings end where their steps must lead, ordinary ones and some with tiny and huge steps.

    Each batch takes all rows, or all rows are alike. Of five rows and three classes no errors cancel, even where all
    classes are equally likely.
    """
    trainings = (
        (1, _drawn(rng, 5, (2, 4, 3), 0.3, 5)),
        (3, _drawn(rng, 7, (3, 5, 4, 3), 0.3, 7)),
        (2, _drawn(rng, 7, (3, 5, 4, 3), 0.05, 50)),
        (2, _drawn(rng, 11, (3, 6, 3), 0.2, 4, alike=True)),
        (3, _drawn(rng, 11, (3, 6, 3), 0.1, 5, alike=True)),
        (2, _drawn(rng, 1, (1, 4, 3), 0.1, 1)),
        (2, _drawn(rng, 5, (3, 5, 3), 0.1, 5, size=1e-14)),
        (1, _drawn(rng, 5, (2, 3), 1e-14, 5)),
        (1, _drawn(rng, 5, (2, 3), 1e14, 5, size=1e-14)),
        (1, _drawn(rng, 5, (2, 3), 1e-10, 5, size=1e10)),
    )
    return next(filter(None, (_fault_of_training(call, problem, epochs) for epochs, problem in trainings)), None)


def _fault_of_training(call: Probe, problem: _Problem, epochs: int) -> str | None:
    start, found = problem.trained(call, 0), problem.trained(call, epochs)
    params, steps = start, epochs * -(-len(problem.x) // problem.batch_size)
    for _ in range(steps):
        _, grads = backprop.mlp_gradients(problem.x, problem.labels, params)
        params = [(W - problem.lr * dW, b - problem.lr * db) for (W, b), (dW, db) in zip(params, grads, strict=True)]
    for layer, trio in enumerate(zip(start, params, found, strict=True), start=1):
        for name, before, wanted, got in zip("Wb", *trio, strict=True):
            if not _arrived(before, wanted, got):
                return (
                    f"{name} of layer {layer} is not where its steps lead from the start, W - lr dW and b - lr db with "
                    f"the mean gradient of a batch: {_number(epochs, 'epoch')}, {_number(len(problem.x), 'example')}, "
                    f"batch_size {problem.batch_size}, so {_number(steps, 'step')} with lr {problem.lr:g}"
                )
    return None


def _number(count: int, of: str) -> str:
    return f"{count} {of}" if count == 1 else f"{count} {of}s"


def _arrived(start: Array, wanted: Array, got: Array) -> bool:
    """Whether parameters are where they should be, but for rounding."""
    rounding = 1e-9 * (np.abs(start) + np.abs(wanted)) + 1e-12 * np.abs(wanted - start).max()
    return bool((np.abs(got - wanted) <= rounding).all())


def fault_of_batches(call: Probe, rng: Rng) -> str | None:
    """Whether an epoch shows every row to the network once, in as many batches as there must be."""
    problems = (_one_hot(rng, rows, batch_size) for rows, batch_size in ((5, 1), (7, 6), (12, 4), (25, 10)))
    return next(filter(None, (_fault_of_epoch(call, problem) for problem in problems)), None)


def _fault_of_epoch(call: Probe, problem: _Problem) -> str | None:
    [(W, b)], [(W_end, b_end)] = problem.trained(call, 0), problem.trained(call, 1)
    untouched = int((W == W_end).all(axis=0).sum())
    if untouched:
        return f"{untouched} of {len(problem.x)} examples came in no batch of an epoch: the last batch may be smaller"
    found = _batches(problem, (W, b), (W_end, b_end))
    if found is None:
        return NO_BATCHES
    if len(found) != -(-len(problem.x) // problem.batch_size) or max(map(len, found)) > problem.batch_size:
        return (
            f"{len(problem.x)} examples came in batches of {', '.join(str(len(batch)) for batch in found)}, though "
            f"batch_size is {problem.batch_size}"
        )
    return None


def fault_of_order(call: Probe, rng: Rng) -> str | None:
    """Whether a second epoch has other batches than the first."""
    problem = _one_hot(rng, 25, 10)
    after = [problem.trained(call, epochs)[0] for epochs in range(3)]
    first, second = (_batches(problem, *pair) for pair in pairwise(after))
    if first is None or second is None:
        return NO_BATCHES
    return (
        "the second epoch has the batches of the first: draw a new order in every epoch"
        if (set(first) == set(second))
        else None
    )


NO_BATCHES = "in one epoch each example has to be in exactly one batch, and each batch makes one step"


def _batches(problem: _Problem, start: tuple[Array, Array], end: tuple[Array, Array]) -> list[frozenset[int]] | None:
    """The batches that lead from one network of a single layer to another; None if no such batches do."""
    (W, b), (W_end, b_end) = start, end
    moved, right = (W - W_end).T / problem.lr, np.eye(len(b))[problem.labels]
    left, found = np.arange(len(moved)), list[frozenset[int]]()
    while len(left):
        z = W.T[left] + b
        e = np.exp(z - z.max(axis=1, keepdims=True))
        error = e / e.sum(axis=1, keepdims=True) - right[left]
        share = (moved[left] * error).sum(axis=1) / (error * error).sum(axis=1)
        fits = np.abs(moved[left] - share[:, None] * error).max(axis=1) < 1e-9
        if not fits.any() or not np.allclose(share[fits] * fits.sum(), 1, rtol=1e-7):
            return None
        b = b - problem.lr * error[fits].mean(axis=0)
        found.append(frozenset(left[fits].tolist()))
        left = left[~fits]
    return found if np.allclose(b, b_end, rtol=0, atol=1e-9) else None

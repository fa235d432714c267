"""The gradient of a batch, from workers that each see a share of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case, Tolerance
from autograder.exercises.acceleration.inputs import Rng, randn
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, slip, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.shard_gradients,
    signature="shard_gradients(x (N, D), y (N,), params [(W, b), ...], workers) -> [(dW, db), ...]",
    points={"basics": 1, "uneven": 1, "sharing": 1},
    tolerance=Tolerance(absolute_single=0.0001),
    hints=(
        "One worker has the mean over 4 examples, another over 3. How do you get the mean over all 7?",
        "Cut the batch first. Each worker differentiates the mean loss of its own share. The sum of the gradients, "
        "each weighted by its number of examples over N, is the gradient of the whole. Skip empty shares.",
        "Per pair of `x.tensor_split(workers)` and `y.tensor_split(workers)`: run the network on "
        "`p.detach().clone().requires_grad_()`, take `torch.autograd.grad(loss, own)`, and add it times "
        "`len(x_share) / len(x)` to the total.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _network(rng: Rng, examples: int, sizes: tuple[int, ...], dtype: torch.dtype = torch.float64) -> tuple[Any, ...]:
    params = [(randn(rng, out, into, dtype=dtype), randn(rng, out, dtype=dtype)) for into, out in pairwise(sizes)]
    labels = torch.from_numpy(rng.integers(0, sizes[-1], examples))
    return randn(rng, examples, sizes[0], dtype=dtype), labels, params


def _scaled(rng: Rng, scale: float) -> tuple[Any, ...]:
    """Examples and hidden units in another unit, which the last layer takes back."""
    x, y, [(W, b), (V, c)] = _network(rng, 4, (3, 5, 2))
    return scale * x, y, [(W, scale * b), (V / scale, c)], 2


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("four examples on two workers", (*_network(rng, 4, (3, 2)), 2))
    yield Case("a hidden layer", (*_network(rng, 6, (3, 4, 2)), 3))
    yield Case("seven examples on two workers", (*_network(rng, 7, (3, 4, 2)), 2), group="uneven")
    yield Case("two examples on three workers", (*_network(rng, 2, (3, 2)), 3), group="uneven")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("one worker", (*_network(rng, 5, (4, 6, 3)), 1))
    yield Case("two hidden layers", (*_network(rng, 8, (5, 6, 4, 3)), 4))
    yield Case("float32", (*_network(rng, 6, (4, 5, 3), torch.float32), 2))
    yield Case("one feature", (*_network(rng, 5, (1, 4, 3)), 2))
    yield from magnitudes(lambda scale: _scaled(rng, scale), scales=(1e-14, 1e10))
    yield Case("one example on two workers", (*_network(rng, 1, (4, 3)), 2), group="uneven")
    yield Case("uneven shares", (*_network(rng, 11, (4, 5, 3)), 4), group="uneven")
    yield Case("more workers than examples", (*_network(rng, 3, (4, 5, 3)), 8), group="uneven")


# --- properties ----------------------------------------------------------------------------------------------


EXAMPLES, CLASSES, WORKERS = 16, 64, 4
"""Of the batch by which sharing is seen: powers of two, so that no weight of a share is rounded."""


@holds("no worker sees the whole batch", group="sharing")
def really_shared(call: Probe, rng: Rng) -> str | None:
    """The last bits tell which examples met in one matrix product.

    A matrix product adds each product of two numbers before it is rounded. Feature k of the batch is r for one example
    and -r for another. If both are in the same product, the rounding error of r times a gradient is left over; if each
    was rounded in a product of its own, they cancel exactly. One more feature is any number.
    """
    pairs = list(combinations(range(EXAMPLES), 2))
    x = torch.zeros(EXAMPLES, len(pairs) + 1, dtype=torch.float64)
    x[:, -1] = randn(rng, EXAMPLES)
    for feature, (first, second) in enumerate(pairs):
        x[first, feature] = float(rng.uniform(1.2, 1.8))
        x[second, feature] = -x[first, feature]
    W, b = torch.zeros(CLASSES, len(pairs) + 1, dtype=torch.float64), 0.3 * randn(rng, CLASSES)
    [(dW, db)] = call(x, torch.zeros(EXAMPLES, dtype=torch.int64), [(W, b)], WORKERS)
    if [(each.shape, each.dtype) for each in (dW, db)] != [(each.shape, each.dtype) for each in (W, b)]:
        return "the gradients do not have the shapes and dtypes of the parameters"
    expected = torch.softmax(b, 0)
    expected[0] -= 1
    if not (torch.allclose(db, expected) and torch.allclose(dW, expected[:, None] * x.mean(0))):
        return "the gradients are not those of the whole batch, so it does not matter how they were shared"
    products = expected[1:, None] * x.amax(0)
    steps = EXAMPLES * dW[1:].abs() / torch.from_numpy(np.spacing(products.numpy()))
    met = ((steps > 0) & (steps < 0.6)).double().mean(0)[:-1] > 0.25
    if _largest_group([pair for pair, each in zip(pairs, met.tolist(), strict=True) if each]) >= EXAMPLES // 2:
        return (
            f"one matrix product took all {EXAMPLES} examples at once. Each worker may see only its own share: split "
            "the batch, compute a gradient for each part, then put them together"
        )
    return None


def _largest_group(pairs: list[tuple[int, int]]) -> int:
    """The size of the largest set of examples that pairs connect."""
    groups = [{example} for example in range(EXAMPLES)]
    for first, second in pairs:
        one, other = (next(group for group in groups if each in group) for each in (first, second))
        if one is not other:
            one |= other
            groups.remove(other)
    return max(map(len, groups))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, y, params, workers):
    total = [[torch.zeros_like(W), torch.zeros_like(b)] for W, b in params]
    for worker in range(workers):
        mine = list(range(worker, len(x), workers))
        if not mine:
            continue
        values = [x[mine]]
        for layer, (W, b) in enumerate(params):
            z = values[-1] @ W.T + b
            values.append(z.clamp(min=0) if layer < len(params) - 1 else z)
        delta = values[-1].softmax(dim=1)
        delta[range(len(mine)), y[mine]] -= 1
        delta = delta / len(x)
        for layer in reversed(range(len(params))):
            total[layer][0] += delta.T @ values[layer]
            total[layer][1] += delta.sum(dim=0)
            delta = (delta @ params[layer][0]) * (values[layer] > 0)
    return [tuple(pair) for pair in total]


@right("other formula")
def other_formula(x, y, params, workers):
    from collections import deque

    def loss_of(weights, x, y):
        *hidden, (W, b) = weights
        for V, c in hidden:
            x = torch.nn.functional.relu(torch.nn.functional.linear(x, V, c))
        return torch.nn.functional.cross_entropy(torch.nn.functional.linear(x, W, b), y, reduction="sum")

    weights = [(W.clone().requires_grad_(), b.clone().requires_grad_()) for W, b in params]
    size = -(-len(x) // workers)
    queue = deque(zip(x.split(size), y.split(size)))
    while queue:
        (loss_of(weights, *queue.popleft()) / len(x)).backward()
    return [(W.grad, b.grad) for W, b in weights]


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def plain_mean_of_shares(x, y, params, workers):
    """All workers count equally, whatever the size of their share. With 7 examples on 2 workers one has seen 4 and the
    other 3: weight each gradient by its number of examples."""
    total = None
    shares = [(sx, sy) for sx, sy in zip(x.tensor_split(workers), y.tensor_split(workers)) if len(sx)]
    for sx, sy in shares:
        leaves = [tensor.detach().clone().requires_grad_() for pair in params for tensor in pair]
        a = sx
        for place in range(0, len(leaves), 2):
            a = a @ leaves[place].T + leaves[place + 1]
            a = torch.relu(a) if place + 2 < len(leaves) else a
        grads = torch.autograd.grad(torch.nn.functional.cross_entropy(a, sy), leaves)
        total = grads if total is None else [one + two for one, two in zip(total, grads)]
    total = [one / len(shares) for one in total]
    return list(zip(total[::2], total[1::2]))


shares_added_up = slip(
    plain_mean_of_shares,
    (
        "shares = [(sx, sy) for sx, sy in zip(x.tensor_split(workers), y.tensor_split(workers)) if len(sx)]\n"
        "for sx, sy in shares:",
        "for sx, sy in zip(x.tensor_split(workers), y.tensor_split(workers)):\n    if not len(sx):\n        continue",
    ),
    ("total = [one / len(shares) for one in total]", ""),
    says="The workers' gradients are added as they are. Each is a mean over its own share, so the sum grows with the "
    "number of workers: weight each by its share of the examples.",
)


@mistake
def remainder_dropped(x, y, params, workers):
    """Examples are left out: with shares of N // workers each, no worker sees the last N % workers. tensor_split gives
    some workers one more."""
    size = len(x) // workers
    total = [torch.zeros_like(tensor) for pair in params for tensor in pair]
    for worker in range(workers if size else 0):
        leaves = [tensor.detach().clone().requires_grad_() for pair in params for tensor in pair]
        a, sy = x[worker * size : (worker + 1) * size], y[worker * size : (worker + 1) * size]
        for place in range(0, len(leaves), 2):
            a = a @ leaves[place].T + leaves[place + 1]
            a = torch.relu(a) if place + 2 < len(leaves) else a
        grads = torch.autograd.grad(torch.nn.functional.cross_entropy(a, sy), leaves)
        total = [one + two / workers for one, two in zip(total, grads)]
    return list(zip(total[::2], total[1::2]))

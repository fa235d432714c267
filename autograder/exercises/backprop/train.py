"""Trains a ReLU network by plain SGD on mini-batches, in a new random order each epoch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.backprop.inputs import Array, Rng
from autograder.exercises.backprop.steps import fault_of_batches, fault_of_order, fault_of_start, fault_of_steps
from autograder.exercises.declare import Asks, accepts, hidden, holds, mistake, right, right_text, slip, visible
from autograder.forbidden_names import BY_HAND
from course_lib import backprop, data

ASKS = Asks(
    backprop.train,
    signature="train(x (N, n_0), labels (N,), sizes, epochs, lr, batch_size, rng) -> [(W, b), ...]",
    points={"learns": 3, "any order": 1},
    forbids=BY_HAND,
    seconds=20.0,
    hints=(
        "What is drawn anew in every epoch? And what becomes of the last rows when the batch size does not divide N?",
        "Mini-batch SGD: a random order of row numbers per epoch, cut into batches, one gradient and one step for "
        "each. The same rows choose images and labels. A slice that passes the end is just shorter.",
        "For `start` in `range(0, len(x), batch_size)`: `rows = order[start : start + batch_size]`, `_, grads = "
        "mlp_gradients(x[rows], labels[rows], params)`, and a new list of `(W - lr * dW, b - lr * db)` becomes "
        "`params`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HeldOut:
    """Inputs that were not trained on, with their labels, and the share that must be classified correctly.

    `kind` says what the training data are like: "clouds", "digits" or "sorted" digits.
    """

    x: Array
    labels: Array
    at_least: float
    kind: str

    def accuracy(self, params: Any) -> float:
        """The share of them that a ReLU network classifies correctly."""
        a = self.x
        for W, b in params[:-1]:
            a = np.maximum(a @ np.asarray(W).T + b, 0)
        logits = a @ np.asarray(params[-1][0]).T + params[-1][1]
        return float((logits.argmax(axis=1) == self.labels).mean())


def _child(rng: Rng) -> Rng:
    return np.random.default_rng(int(rng.integers(1, 2**32)))


def clouds(rng: Rng, count: int, sizes: Sequence[int], epochs: int, batch_size: int) -> tuple[tuple[Any, ...], HeldOut]:
    """Arguments for `train` on a few clouds in the plane, and what to test the network on."""
    points = data.blobs(count + 150, sizes[-1], seed=int(rng.integers(2**32)), spread=0.35)
    held = HeldOut(points.x[count:], points.labels[count:], 0.9, "clouds")
    return (points.x[:count], points.labels[:count], list(sizes), epochs, 0.2, batch_size, _child(rng)), held


def _digits(rng: Rng, sizes: Sequence[int], *, in_order: bool) -> tuple[tuple[Any, ...], HeldOut]:
    """Digits with permuted labels and noise: no network or table made elsewhere can classify them."""
    split = data.digits(seed=int(rng.integers(2**32)), held_out=597)
    names = rng.permutation(10)
    parts = []
    for part in (split.train, split.test):
        noisy = part.x + 0.05 * rng.standard_normal(part.x.shape)
        parts.append((np.clip(noisy, 0, 1), names[part.labels].astype(np.int64)))
    (x, labels), (held_x, held_labels) = parts
    if in_order:
        order = np.argsort(labels, kind="stable")
        x, labels = x[order], labels[order]
    held = HeldOut(held_x, held_labels, 0.93, "sorted" if in_order else "digits")
    return (x, labels, list(sizes), 30, 0.03, 10, _child(rng)), held


def _training(name: str, made: tuple[tuple[Any, ...], HeldOut], group: str) -> Case:
    args, held = made
    return Case(name, args, group=group, known=held)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield _training("three clouds", clouds(rng, 60, [2, 12, 3], 30, 10), "learns")
    yield _training("a batch larger than the data", clouds(rng, 40, [2, 12, 2], 60, 64), "learns")
    yield _training("digits", _digits(rng, [64, 64, 10], in_order=False), "learns")
    yield _training("digits sorted by their labels", _digits(rng, [64, 64, 10], in_order=True), "any order")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield _training("other clouds", clouds(rng, 70, [2, 16, 4], 40, 16), "learns")
    yield _training("other digits", _digits(rng, [64, 48, 10], in_order=False), "learns")
    yield _training("other digits, sorted", _digits(rng, [64, 64, 10], in_order=True), "any order")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the generator alone decides", group="learns")
def generator_decides(call: Probe, rng: Rng) -> str | None:
    args, _ = clouds(rng, 20, [2, 4, 3], 2, 8)
    seed = int(rng.integers(2**32))
    once, again, other = (call(*args[:-1], np.random.default_rng(seed + step))[0][0] for step in (0, 0, 1))
    if not np.array_equal(once, again):
        return "the same generator gave two different networks: draw from rng, never from np.random itself"
    if np.array_equal(once, other):
        return "two different generators gave the same network: draw from the rng that is passed in"
    return None


@holds("starts as he_init does", group="learns")
def starts_as_he_init(call: Probe, rng: Rng) -> str | None:
    return fault_of_start(call, rng)


@holds("the steps lead where they must", group="learns")
def steps_lead_there(call: Probe, rng: Rng) -> str | None:
    return fault_of_steps(call, rng)


@holds("each example once an epoch", group="learns")
def each_example_once(call: Probe, rng: Rng) -> str | None:
    return fault_of_batches(call, rng)


@holds("a new order in every epoch", group="any order")
def a_new_order(call: Probe, rng: Rng) -> str | None:
    return fault_of_order(call, rng)


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def learned(case: Case, params: Any) -> str | None:
    held, sizes = case.known, case.args[2]
    assert isinstance(held, HeldOut)
    if not isinstance(params, (list, tuple)) or len(params) != len(sizes) - 1:
        return f"the result is not a list of {len(sizes) - 1} pairs (W, b)"
    for layer, (W, b) in enumerate(params, start=1):
        fan_in, fan_out = sizes[layer - 1 : layer + 1]
        if np.shape(W) != (fan_out, fan_in) or np.shape(b) != (fan_out,):
            found = f"layer {layer} has shapes {np.shape(W)} and {np.shape(b)}"
            return f"{found}; expected {(fan_out, fan_in)} and {(fan_out,)}"
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            return f"layer {layer} holds nan or inf: the steps grew without bound, as they do uphill"
    right = held.accuracy(params)
    if right < held.at_least:
        return f"{right:.1%} of the held-out examples are right; at least {held.at_least:.0%} must be"
    if not any(np.any(b) for _, b in params):
        return "every bias is still 0: biases have gradients too, and each step moves them"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, labels, sizes, epochs, lr, batch_size, rng):
    weights, biases = [], []
    for i in range(1, len(sizes)):
        weights.append(rng.normal(0, np.sqrt(2 / sizes[i - 1]), (sizes[i], sizes[i - 1])))
        biases.append(np.zeros(sizes[i]))
    epoch = 0
    while epoch < epochs:
        rows = list(range(len(x)))
        rng.shuffle(rows)
        while rows:
            batch, rows = rows[:batch_size], rows[batch_size:]
            values = [x[batch]]
            for i in range(len(weights)):
                z = values[-1] @ weights[i].T + biases[i]
                values.append(np.maximum(z, 0) if i < len(weights) - 1 else z)
            p = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
            delta = p / p.sum(axis=1, keepdims=True)
            delta[range(len(batch)), labels[batch]] -= 1
            delta /= len(batch)
            for i in reversed(range(len(weights))):
                dW, db = delta.T @ values[i], delta.sum(axis=0)
                delta = (delta @ weights[i]) * (values[i] > 0)
                weights[i] -= lr * dW
                biases[i] -= lr * db
        epoch += 1
    return list(zip(weights, biases))


other_formula = right_text(
    "other formula",
    '''
def train(x, labels, sizes, epochs, lr, batch_size, rng):
    """Other start weights, batches drawn as pieces of one order, a class for a layer."""

    class Layer:
        def __init__(self, n, m):
            bound = np.sqrt(6 / n)
            self.W, self.b = rng.uniform(-bound, bound, (m, n)), np.full(m, 0.01)

        def forward(self, a):
            self.a = a
            return a @ self.W.T + self.b

        def step(self, dz):
            da = dz @ self.W
            self.W = self.W - lr * (dz.T @ self.a)
            self.b = self.b - lr * dz.sum(axis=0)
            return da

    layers = [Layer(n, m) for n, m in zip(sizes, sizes[1:])]
    pieces = -(-len(x) // batch_size)
    for _ in range(epochs):
        for rows in np.array_split(rng.permutation(len(x)), pieces):
            a, masks = x[rows], []
            for layer in layers:
                z = layer.forward(a)
                a = np.maximum(z, 0)
                masks.append(z > 0)
            log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
            dz = (np.exp(log_p) - np.eye(z.shape[1])[labels[rows]]) / len(rows)
            for layer, mask in zip(layers[::-1], [*masks[-2::-1], 1]):
                dz = layer.step(dz) * mask
    return [(layer.W, layer.b) for layer in layers]
''',
)


# --- mistakes -----------------------------------------------------------------------------------------------


def _as_trained(
    wrong: Callable[..., Any],
    case: Case,
    params: Any,
    right_on: tuple[str, ...] = (),
    sign: Callable[[Any], bool] = lambda params: True,
) -> bool:
    """Recognises a wrong training run: by its exact numbers on a few clouds, by its accuracy on digits."""
    held = case.known
    assert isinstance(held, HeldOut)
    if held.kind != "clouds":
        return (held.accuracy(params) >= held.at_least) == (held.kind in right_on) and sign(params)
    again = wrong(*copy.deepcopy(case.args))
    return all(
        np.allclose(one, two) for pair, other in zip(params, again, strict=True) for one, two in zip(pair, other)
    )


@mistake(compares=partial(_as_trained, right_on=("digits",)))
def train_never_shuffled(x, labels, sizes, epochs, lr, batch_size, rng):
    """The examples come in the order in which they are stored. When they are sorted by label, each batch shows only one
    digit and pulls everything towards it. Draw a new order in every epoch."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = np.arange(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params


def _no_biases(params: Any) -> bool:
    return not any(np.any(b) for _, b in params)


train_biases_stay = slip(
    train_never_shuffled,
    ("np.arange(len(x))", "rng.permutation(len(x))"),
    (
        "[(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]",
        "[(W - lr * dW, b) for (W, b), (dW, _) in zip(params, grads)]",
    ),
    says="Every bias is still 0. Each step moves the biases too: b - lr * db.",
    compares=partial(_as_trained, right_on=("digits", "sorted"), sign=_no_biases),
)


train_labels_left_behind = slip(
    train_never_shuffled,
    ("np.arange(len(x))", "rng.permutation(len(x))"),
    ("labels[rows]", "labels[start : start + batch_size]"),
    says="The examples were shuffled and their labels were not, so each image got another one's label. Use the "
    "same order for both.",
    compares=_as_trained,
)


train_steps_lost = slip(
    train_biases_stay,
    "params = [(W - lr * dW, b) for (W, b), (dW, _) in zip(params, grads)]",
    "for (W, b), (dW, db) in zip(params, grads):\n    W = W - lr * dW\n    b = b - lr * db",
    says="The new weights were computed and thrown away: W = W - lr * dW inside a loop over params binds a name to a "
    "new array and leaves the list as it was. Build a new list.",
    compares=_as_trained,
)


def _no_weights(params: Any) -> bool:
    return not any(np.any(W) for W, _ in params)


train_starts_at_zero = slip(
    train_never_shuffled,
    ("rng.standard_normal((m, n)) * np.sqrt(2 / n)", "np.zeros((m, n))"),
    ("np.arange(len(x))", "rng.permutation(len(x))"),
    says="The weights start at 0. Then every hidden unit is silent, no gradient reaches it, and it stays silent for "
    "ever. Start with he_init(sizes, rng).",
    compares=partial(_as_trained, sign=_no_weights),
)


train_one_epoch = slip(
    train_never_shuffled,
    ("range(epochs)", "range(1)"),
    ("np.arange(len(x))", "rng.permutation(len(x))"),
    says="You went through the data once. Do it epochs times.",
    compares=_as_trained,
)


train_whole_batch = slip(
    train_never_shuffled,
    ("np.arange(len(x))", "rng.permutation(len(x))"),
    ("range(0, len(x), batch_size)", "range(0, len(x), len(x))"),
    ("start + batch_size", "start + len(x)"),
    says="Each epoch takes one step with all examples together. Take a step for every batch_size of them: many "
    "small steps learn more than one careful one.",
    compares=_as_trained,
)


train_drops_the_rest = slip(
    train_never_shuffled,
    ("np.arange(len(x))", "rng.permutation(len(x))"),
    ("range(0, len(x), batch_size)", "range(0, len(x) - batch_size + 1, batch_size)"),
    says="The last batch is left out when it is not full. When there are fewer examples than batch_size, nothing is "
    "learned at all. Go on to the end: range(0, len(x), batch_size).",
    compares=partial(_as_trained, right_on=("digits", "sorted")),
)


train_uphill = slip(
    train_biases_stay,
    "[(W - lr * dW, b) for (W, b), (dW, _) in zip(params, grads)]",
    "[(W + lr * dW, b + lr * db) for (W, b), (dW, db) in zip(params, grads)]",
    says="The steps add the gradient and climb: the loss grows without bound. Go against it: W - lr * dW.",
    compares=_as_trained,
)


train_shuffles_in_place = slip(
    train_whole_batch,
    "for start in range(0, len(x), len(x)):\n    rows = order[start : start + len(x)]",
    "x[:], labels[:] = x[order], labels[order]\n"
    "for start in range(0, len(x), batch_size):\n"
    "    rows = slice(start, start + batch_size)",
    says="The network is right, but the caller's x and labels came back in another order. Shuffle a list of row "
    "numbers, order = rng.permutation(len(x)), and leave the data alone.",
    compares=partial(_as_trained, right_on=("digits", "sorted")),
)

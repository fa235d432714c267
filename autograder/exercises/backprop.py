"""Backpropagation: what is asked, and what holds whatever the numbers are.

The inputs stand in `backprop_cases`, the mistakes that are known by name in `backprop_mistakes`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.exercise import Case, Exercise, Probe, Property, Rules, Tolerance
from autograder.exercises.backprop_cases import CASES, HeldOut, adam_state, arrays, clouds, network
from autograder.exercises.backprop_mistakes import MISTAKES
from autograder.harness import backprop as harness
from course_lib import backprop

__all__ = ["EXERCISES"]

Array = NDArray[Any]
Rng = np.random.Generator


# --- slopes and steps back --------------------------------------------------------------------------------


def _slope_of_a_plane(call: Probe, rng: Rng) -> str | None:
    weights, x = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))

    def plane(z: Array) -> float:
        return float((weights * z).sum())

    if not np.allclose(call(plane, x), weights, rtol=1e-6, atol=1e-8):
        return "f(x) = sum(w * x) must have the gradient w everywhere, and here it has another"
    return None


def _steps_are_adjoint(call: Probe, rng: Rng) -> str | None:
    dout, x, W = rng.standard_normal((4, 5)), rng.standard_normal((4, 3)), rng.standard_normal((5, 3))
    v, V, u = rng.standard_normal((4, 3)), rng.standard_normal((5, 3)), rng.standard_normal(5)
    dx, dW, db = call(dout, x, W)
    for name, share, moved, change in (
        ("x", dx, v, v @ W.T),
        ("W", dW, V, x @ V.T),
        ("b", db, u, np.tile(u, (4, 1))),
    ):
        if not np.isclose((np.asarray(share) * moved).sum(), (dout * change).sum()):
            return f"{name} was moved a little: sum(dout * change of the output) is not what d{name} says"
    return None


def _passes_on_straight(call: Probe, rng: Rng) -> str | None:
    one, two, x = (rng.standard_normal((3, 4)) for _ in range(3))
    if not np.allclose(call(3 * one - two, x), 3 * call(one, x) - call(two, x)):
        return "the step back must be linear in dout: dout = 3a - b has to give 3 times that of a minus that of b"
    return None


def _sigmoid_slope(call: Probe, rng: Rng) -> str | None:
    x, eps = rng.standard_normal((3, 2)), 1e-5

    def sigmoid(z: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(-z)))

    slope = (sigmoid(x + eps) - sigmoid(x - eps)) / (2 * eps)
    if not np.allclose(call(np.ones((3, 2)), sigmoid(x)), slope, rtol=1e-6, atol=1e-8):
        return "with dout = 1 the answer is not the slope of the sigmoid, measured by a small difference"
    return None


def _surprises_cancel(call: Probe, rng: Rng) -> str | None:
    logits, labels = rng.standard_normal((6, 4)), rng.integers(0, 4, 6)
    _, dlogits = call(logits, labels)
    if not np.allclose(np.asarray(dlogits).sum(axis=1), 0):
        return "a row of dlogits does not sum to 0: what the right class gains, the others lose"
    return None


def _copies_change_no_mean(call: Probe, rng: Rng) -> str | None:
    logits, labels = rng.standard_normal((3, 4)), rng.integers(0, 4, 3)
    loss, twice = call(logits, labels)[0], call(np.tile(logits, (2, 1)), np.tile(labels, 2))[0]
    if not np.isclose(loss, twice):
        return "every example was put in twice, and the loss changed: a mean does not"
    return None


# --- networks and graphs ----------------------------------------------------------------------------------


def _loss(x: Array, labels: Array, params: list[tuple[Array, Array]]) -> float:
    for W, b in params[:-1]:
        x = np.maximum(x @ W.T + b, 0)
    logits = x @ params[-1][0].T + params[-1][1]
    right = logits[np.arange(len(labels)), labels]
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - right))


def _slope_of_the_loss(call: Probe, rng: Rng) -> str | None:
    x, labels, params = rng.standard_normal((5, 3)), rng.integers(0, 4, 5), network(rng, [3, 6, 4])
    _, grads = call(x, labels, params)
    eps = 1e-6
    for layer, (W, b) in enumerate(params):
        for name, part, moved in (("W", 0, rng.standard_normal(W.shape)), ("b", 1, rng.standard_normal(b.shape))):
            up, down = [list(params) for _ in range(2)]
            for sign, where in ((eps, up), (-eps, down)):
                pair = [W, b]
                pair[part] = pair[part] + sign * moved
                where[layer] = (pair[0], pair[1])
            measured = (_loss(x, labels, up) - _loss(x, labels, down)) / (2 * eps)
            if not np.isclose(measured, (np.asarray(grads[layer][part]) * moved).sum(), rtol=1e-4, atol=1e-6):
                return f"{name} of layer {layer + 1} was moved a little: the loss does not change as d{name} says"
    return None


def _nothing_is_lost(call: Probe, rng: Rng) -> str | None:
    wide = rng.standard_normal((2, 3, 4))
    for shape in ((4,), (3, 1), (2, 1, 4), ()):
        if not np.isclose(np.asarray(call(wide, shape)).sum(), wide.sum()):
            return "all shares together are no longer what they were: summing must lose nothing"
    return None


def _ordered(case: Case, names: Any) -> str | None:
    program, root = case.args
    parents = {name: [each for each in operands if isinstance(each, str)] for name, _, *operands in program}
    wanted = _ancestors(parents, root)
    for name in names:
        if name not in wanted:
            return f"{name!r} is in the list, and {root!r} was not computed from it"
        if names.count(name) > 1:
            return f"{name!r} is in the list {names.count(name)} times; each node comes once"
    for name in wanted:
        if name not in names:
            return f"{name!r} is missing: {root!r} was computed from it"
    place = {name: number for number, name in enumerate(names)}
    for name in names:
        for parent in parents[name]:
            if place[parent] > place[name]:
                return f"{name!r} comes before its parent {parent!r}"
    return None


def _ancestors(parents: dict[str, list[str]], root: str) -> dict[str, None]:
    found, ahead = {root: None}, [root]
    while ahead:
        for parent in parents[ahead.pop()]:
            if parent not in found:
                found[parent] = None
                ahead.append(parent)
    return found


# --- steps downhill ---------------------------------------------------------------------------------------


def _halves_make_a_whole(call: Probe, rng: Rng) -> str | None:
    params, grads = arrays(rng, (2, 3), (2,))
    whole, half = call(params, grads, 0.4), call(call(params, grads, 0.2), grads, 0.2)
    if not all(np.allclose(p, q) for p, q in zip(whole, half, strict=True)):
        return "two steps of half the rate along the same gradient must end where one whole step does"
    return None


def _velocity_builds_up(call: Probe, rng: Rng) -> str | None:
    params, grads = arrays(rng, (2, 3), (2,))
    velocity: Any = [np.zeros((2, 3)), np.zeros(2)]
    for _ in range(8):
        params, velocity = call(params, grads, velocity, 0.1, 0.5)
    reached = (1 - 0.5**8) / (1 - 0.5)
    if not all(np.allclose(v, reached * g) for v, g in zip(velocity, grads, strict=True)):
        return "eight steps along the same gradient g with beta = 0.5 must build up a velocity of 1.992 g"
    return None


def _first_step_is_the_rate(call: Probe, rng: Rng) -> str | None:
    params, grads = arrays(rng, (2, 3), (2,))
    grads = [g + np.sign(g) for g in grads]
    for size in (1e-3, 1.0, 1e3):
        moved, _ = call(params, [size * g for g in grads], adam_state(rng, 0, (2, 3), (2,)), 0.01)
        if not all(np.allclose(np.abs(p - q), 0.01, rtol=1e-4) for p, q in zip(params, moved, strict=True)):
            return "Adam's first step moves every number by lr, however large its gradient; here it does not"
    return None


def _learned(case: Case, params: Any) -> str | None:
    held, sizes = case.known, case.args[2]
    assert isinstance(held, HeldOut)
    if not isinstance(params, (list, tuple)) or len(params) != len(sizes) - 1:
        return f"the result is no list of {len(sizes) - 1} pairs (W, b)"
    for layer, (W, b) in enumerate(params, start=1):
        fan_in, fan_out = sizes[layer - 1 : layer + 1]
        if np.shape(W) != (fan_out, fan_in) or np.shape(b) != (fan_out,):
            found = f"layer {layer} has shapes {np.shape(W)} and {np.shape(b)}"
            return f"{found}; expected are {(fan_out, fan_in)} and {(fan_out,)}"
        if not (np.isfinite(W).all() and np.isfinite(b).all()):
            return f"layer {layer} holds nan or inf: the steps grew without end, as they do uphill"
    right = held.accuracy(params)
    if right < held.at_least:
        return f"{right:.1%} of the held-out examples are read rightly; at least {held.at_least:.0%} are asked"
    if not any(np.any(b) for _, b in params):
        return "every bias is still 0: biases have gradients too, and take part in each step"
    return None


def _generator_decides(call: Probe, rng: Rng) -> str | None:
    args, _ = clouds(rng, 20, [2, 4, 3], 2, 8)
    seed = int(rng.integers(2**32))
    once, again, other = (call(*args[:-1], np.random.default_rng(seed + step))[0][0] for step in (0, 0, 1))
    if not np.array_equal(once, again):
        return "the same generator gave two different networks: draw from rng, never from np.random itself"
    if np.array_equal(once, other):
        return "two different generators gave the same network: draw from the rng that is passed in"
    return None


# --- the exercises ----------------------------------------------------------------------------------------


def _exercise(name: str, arguments: str, groups: dict[str, float], *properties: Property, **rest: Any) -> Exercise:
    visible, hidden = CASES[name]
    return Exercise(
        id=f"backprop.{name}",
        reference=getattr(backprop, name),
        signature=f"{name}{arguments}",
        groups=groups,
        visible=visible,
        hidden=hidden,
        misconceptions=MISTAKES[name],
        properties=properties,
        **rest,
    )


EXERCISES = (
    _exercise(
        "numerical_gradient",
        "(f, x (...), eps=1e-5) -> (...), same shape",
        {"basics": 1, "corners": 1},
        Property("the slope of a plane is its weights", _slope_of_a_plane, "basics"),
        tolerance=Tolerance(relative=1e-6, absolute=1e-8),
    ),
    _exercise(
        "linear_backward",
        "(dout (N, C), x (N, D), W (C, D)) -> (dx (N, D), dW (C, D), db (C,))",
        {"basics": 2, "corners": 1},
        Property("a small move changes the output by what the gradients say", _steps_are_adjoint, "basics"),
    ),
    _exercise(
        "relu_backward",
        "(dout (...), x (...)) -> (...), same shape",
        {"basics": 1},
        Property("linear in dout", _passes_on_straight, "basics"),
    ),
    _exercise(
        "sigmoid_backward",
        "(dout (...), out (...)) -> (...), same shape",
        {"basics": 1},
        Property("the slope of the sigmoid", _sigmoid_slope, "basics"),
    ),
    _exercise(
        "softmax_cross_entropy",
        "(logits (N, C), labels (N,)) -> (loss, dlogits (N, C))",
        {"basics": 2, "extremes": 1},
        Property("every row of dlogits sums to 0", _surprises_cancel, "basics"),
        Property("a batch twice over has the same loss", _copies_change_no_mean, "basics"),
        rules=Rules(silent=True),
    ),
    _exercise(
        "mlp_gradients",
        "(x (N, n_0), labels (N,), params [(W, b), ...]) -> (loss, [(dW, db), ...])",
        {"basics": 3, "corners": 1},
        Property("gradients are slopes of the loss", _slope_of_the_loss, "basics"),
    ),
    _exercise(
        "unbroadcast",
        "(grad (...), shape) -> an array of that shape",
        {"basics": 1, "corners": 1},
        Property("the total stays", _nothing_is_lost, "basics"),
    ),
    _exercise(
        "topological_order",
        "(root Node) -> [Node, ..., root]",
        {"basics": 1, "shared": 1},
        accepts=_ordered,
        through=harness.order,
    ),
    _exercise("backward", "(root Node) -> {Node: gradient}", {"basics": 2, "shared": 2}, through=harness.gradients),
    _exercise(
        "sgd_step",
        "(params [array, ...], grads [array, ...], lr) -> [array, ...]",
        {"basics": 1},
        Property("two half steps make a whole one", _halves_make_a_whole, "basics"),
    ),
    _exercise(
        "momentum_step",
        "(params, grads, velocity, lr, beta=0.9) -> (params, velocity), all lists of arrays",
        {"basics": 1, "corners": 1},
        Property("the velocity builds up", _velocity_builds_up, "basics"),
    ),
    _exercise(
        "adam_step",
        '(params, grads, state {"t", "m", "v"}, lr, betas=(0.9, 0.999), eps=1e-8) -> (params, state)',
        {"basics": 2, "corners": 1},
        Property("the first step has the length lr", _first_step_is_the_rate, "basics"),
    ),
    _exercise(
        "train",
        "(x (N, n_0), labels (N,), sizes, epochs, lr, batch_size, rng) -> [(W, b), ...]",
        {"learns": 3, "any order": 1},
        Property("the generator alone decides", _generator_decides, "learns"),
        accepts=_learned,
        seconds=20.0,
    ),
)

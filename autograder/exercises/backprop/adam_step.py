"""A step of Adam (Kingma and Ba, 2015, Algorithm 1): every number moves by about lr, whatever its gradient's size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.backprop.inputs import SHAPES, Rng, arrays
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from course_lib import backprop

ASKS = Asks(
    backprop.adam_step,
    signature='adam_step(params, grads, state {"t", "m", "v"}, lr, betas=(0.9, 0.999), eps=1e-8) -> (params, state)',
    points={"basics": 2, "corners": 1},
    hints=(
        "In the very first step the corrected averages have to be exactly g and g squared. For which t is that so?",
        "Count t up once per call. Update the averages of g and of g squared, and store them as they are. The step "
        "alone uses bias-corrected values, and eps is added after the root is taken.",
        "Per array `m = beta1 * m + (1 - beta1) * g`, and `v` alike with `beta2` and `g**2`. With the new `t` the "
        "step is `lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def adam_state(rng: Rng, t: int, *shapes: tuple[int, ...], size: float = 1.0, dtype: DTypeLike = float) -> Any:
    """What Adam remembers after `t` steps."""
    [m] = arrays(rng, *shapes, sets=1, size=size if t else 0.0, dtype=dtype)
    return {"t": t, "m": m, "v": [(each**2 + (0.1 * size**2 if t else 0)).astype(dtype) for each in m]}


def _adam(rng: Rng, t: int, *shapes: tuple[int, ...], size: float = 1.0, dtype: DTypeLike = float) -> tuple[Any, ...]:
    [params], [grads] = arrays(rng, *shapes, sets=1, dtype=dtype), arrays(rng, *shapes, sets=1, size=size, dtype=dtype)
    return params, grads, adam_state(rng, t, *shapes, size=size, dtype=dtype)


def _scaled(scale: float, params: Any, grads: Any, state: Any) -> tuple[Any, ...]:
    """Gradients so many times as large, and what follows from them: Adam's step stays as long as it was."""
    ms, vs = [scale * m for m in state["m"]], [scale**2 * v for v in state["v"]]
    return params, [scale * g for g in grads], {"t": state["t"], "m": ms, "v": vs}, 0.01, (0.9, 0.999), 1e-8 * scale


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    first = {"t": 0, "m": [np.zeros(2)], "v": [np.zeros(2)]}
    yield Case("the first step", ([np.array([1.0, 2.0])], [np.array([4.0, -0.1])], first, 0.5))
    yield Case("the second step", (*_adam(rng, 1, (2,)), 0.1))
    yield Case("weights and biases, step 8", (*_adam(rng, 7, (2, 3), (2,)), 0.01))
    yield Case("other betas", (*_adam(rng, 3, *SHAPES), 0.05, (0.5, 0.8)), group="corners")
    yield Case("a large eps", (*_adam(rng, 4, (2, 2)), 0.05, (0.9, 0.999), 0.5), group="corners")
    yield Case("tiny gradients", (*_adam(rng, 5, (2,), (3,), size=1e-6), 0.01), group="corners")
    yield Case("float32", (*_adam(rng, 2, (2, 2), (2,), dtype=np.float32), 0.05), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("four arrays, step 101", (*_adam(rng, 100, *SHAPES), 0.03))
    yield Case("five arrays, the first step", (*_adam(rng, 0, *SHAPES, (1, 1)), 0.2))
    yield Case("betas and eps by name", (*_adam(rng, 2, (3,), (2, 2)), 0.2), {"betas": (0.7, 0.9), "eps": 1e-2})
    yield Case("three axes", (*_adam(rng, 9, (2, 3, 4), (1,)), 1.5), group="corners")
    yield Case("a gradient of 0 at the first step", (*_adam(rng, 0, (2, 3), size=0.0), 0.1), group="corners")
    params, grads, state = _adam(rng, 6, (4, 6), (6,))
    halves = {"t": 6, "m": [m[..., ::2] for m in state["m"]], "v": [v[..., ::2] for v in state["v"]]}
    strided = [p[..., ::2] for p in params], [g[..., ::2] for g in grads]
    yield Case("slices", (*strided, halves, 0.2), group="corners")
    yield from magnitudes(lambda scale: _scaled(scale, params, grads, state), group="corners")
    yield Case("large gradients", (params, [1e4 * g for g in grads], state, 0.01), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("the first step has the length lr", group="basics")
def first_step_is_the_rate(call: Probe, rng: Rng) -> str | None:
    params, grads = arrays(rng, (2, 3), (2,))
    grads = [g + np.sign(g) for g in grads]
    for size in (1e-3, 1.0, 1e3):
        moved, _ = call(params, [size * g for g in grads], adam_state(rng, 0, (2, 3), (2,)), 0.01)
        if not all(np.allclose(np.abs(p - q), 0.01, rtol=1e-4) for p, q in zip(params, moved, strict=True)):
            return "Adam's first step moves every number by lr, however large its gradient; here it does not"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    state = {"t": state["t"] + 1, "m": list(state["m"]), "v": list(state["v"])}
    moved = []
    for i in range(len(params)):
        state["m"][i] = betas[0] * state["m"][i] + (1 - betas[0]) * grads[i]
        state["v"][i] = betas[1] * state["v"][i] + (1 - betas[1]) * grads[i] * grads[i]
        m_hat = state["m"][i] / (1 - betas[0] ** state["t"])
        v_hat = state["v"][i] / (1 - betas[1] ** state["t"])
        moved.append(params[i] - lr * m_hat / (v_hat**0.5 + eps))
    return moved, state


other_formula = right_text(
    "other formula",
    '''
def adam_step(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The efficient order of the paper, at the end of its section 2, with eps rescaled to match."""
    a, b = betas
    t = state["t"] + 1
    root = (1 - b**t) ** 0.5
    rate = lr * root / (1 - a**t)
    m = [m - (1 - a) * (m - g) for m, g in zip(state["m"], grads)]
    v = [v - (1 - b) * (v - np.square(g)) for v, g in zip(state["v"], grads)]
    return [p - rate * m_ / (np.sqrt(v_) + eps * root) for p, m_, v_ in zip(params, m, v)], dict(t=t, m=m, v=v)
''',
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    b1, b2 = betas
    t = state["t"] + 1
    ms = [b1 * m + (1 - b1) * g for m, g in zip(state["m"], grads)]
    vs = [b2 * v + (1 - b2) * g**2 for v, g in zip(state["v"], grads)]
    params = [p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps) for p, m, v in zip(params, ms, vs)]
    return params, {"t": t, "m": ms, "v": vs}


adam_uncorrected = slip(
    answer,
    "lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)",
    "lr * m / (np.sqrt(v) + eps)",
    says="The averages start at 0 and are too small at first. Divide m by 1 - beta1 ** t and v by 1 - beta2 ** t "
    "before the step.",
)


adam_eps_inside = slip(
    answer,
    "lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps)",
    "lr * (m / (1 - b1**t)) / np.sqrt(v / (1 - b2**t) + eps)",
    says="eps is under the root: sqrt(v + eps). The paper adds it outside, sqrt(v) + eps, which differs where "
    "gradients are tiny.",
)


adam_counts_from_zero = slip(
    answer,
    ('state["t"] + 1', 'state["t"]'),
    ('{"t": t, "m": ms, "v": vs}', '{"t": t + 1, "m": ms, "v": vs}'),
    says="The correction uses the number of the previous step. The first step has t = 1: count up first, or you "
    "divide by 1 - beta ** 0 = 0.",
)


adam_never_counts = slip(
    answer,
    '{"t": t, "m": ms, "v": vs}',
    '{"t": state["t"], "m": ms, "v": vs}',
    says="The step is right, but the state comes back with the old t. Return t + 1, or every step is corrected "
    "like the first.",
)


adam_stores_corrected = slip(
    answer,
    '{"t": t, "m": ms, "v": vs}',
    '{"t": t, "m": [m / (1 - b1**t) for m in ms], "v": [v / (1 - b2**t) for v in vs]}',
    says="The corrected averages were stored. Store m and v as they are, and correct them only for the step: "
    "otherwise they are corrected again and again.",
)


adam_not_squared = slip(
    answer,
    ("(1 - b2) * g**2", "(1 - b2) * g"),
    ("v / (1 - b2**t)", "np.abs(v) / (1 - b2**t)"),
    says="v averages the gradient itself. It is the average of its square: g ** 2.",
)


@mistake
def adam_counts_arrays(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """t was increased for every array. It counts steps: once per call, however many arrays there are."""
    b1, b2 = betas
    t = state["t"]
    new, ms, vs = [], [], []
    for p, g, m, v in zip(params, grads, state["m"], state["v"]):
        t = t + 1
        ms.append(b1 * m + (1 - b1) * g)
        vs.append(b2 * v + (1 - b2) * g**2)
        new.append(p - lr * (ms[-1] / (1 - b1**t)) / (np.sqrt(vs[-1] / (1 - b2**t)) + eps))
    return new, {"t": t, "m": ms, "v": vs}


@mistake
def adam_in_place(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The numbers are right, but the caller's state was overwritten. Make new arrays and a new dictionary."""
    b1, b2 = betas
    state["t"] += 1
    t = state["t"]
    new = []
    for p, g, m, v in zip(params, grads, state["m"], state["v"]):
        m[...] = b1 * m + (1 - b1) * g
        v[...] = b2 * v + (1 - b2) * g**2
        new.append(p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps))
    return new, state


adam_own_constants = slip(
    answer,
    "b1, b2 = betas",
    "b1, b2, eps = 0.9, 0.999, 1e-8",
    says="The betas and eps that were passed in are not used: these are the numbers for 0.9, 0.999 and 1e-8. They "
    "are arguments, so use them.",
)


adam_gradient_itself = slip(
    answer,
    "[p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps) for p, m, v in zip(params, ms, vs)]",
    "[p - lr * g / (np.sqrt(v / (1 - b2**t)) + eps) for p, g, v in zip(params, grads, vs)]",
    says="The step goes along g / sqrt(v). Adam steps along the average of the gradients: m instead of g.",
)

"""What is left of the cell's gradient on its direct path, d c_T / d c_t with the gates held fixed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import RELATIVE, wide
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.exercises.lstm.inputs import DOUBLE, SINGLE, by_columns, close
from autograder.forbidden_names import AUTOGRAD
from course_lib import lstm

ASKS = Asks(
    lstm.memory_gradient,
    signature="memory_gradient(forget_gates (T, H)) -> (T, H)",
    points={"basics": 1, "corners": 1},
    forbids=AUTOGRAD,
    hints=(
        "Which gates lie between the cell after step t and the last cell? Is the gate of step t one of them?",
        "A running product from the end. The last row is ones; every other row is the row below it times the gates "
        "of the step below. No division is needed, so a gate of 0 does no harm.",
        "From `t = T - 2` down to 0: `rows[t] = rows[t + 1] * forget_gates[t + 1]`, and `rows[T - 1]` is "
        "`torch.ones_like(forget_gates[0])`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _gates(rng: np.random.Generator, t: int, hidden: int, dtype: torch.dtype = DOUBLE) -> Tensor:
    return torch.from_numpy(rng.uniform(0.2, 1.0, (t, hidden))).to(dtype)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Smallest first."""
    gates = torch.tensor([[0.25, 0.75], [0.5, 1.0], [0.5, 0.0], [1.0, 0.5]], dtype=DOUBLE)
    yield Case("four steps of two units", (gates,))
    yield Case("five steps of three units", (_gates(rng, 5, 3),))
    yield Case("as many steps as units", (_gates(rng, 4, 4),))
    yield Case("a single step", (_gates(rng, 1, 3),), group="corners")
    yield Case("a gate that shuts", (torch.tensor([[0.5], [0.0], [0.9]], dtype=DOUBLE),), group="corners")
    yield Case("float32", (_gates(rng, 6, 2, SINGLE),), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Longer, wider, all open, all shut."""
    yield Case("a long sequence", (_gates(rng, 80, 6),))
    yield Case("two steps", (_gates(rng, 2, 5),))
    yield Case("gates near 1", (1 - 0.01 * _gates(rng, 50, 3),))
    gates = _gates(rng, 7, 4)
    gates[3] = 0
    yield Case("all gates shut at once", (gates,), group="corners")
    closing = torch.from_numpy(np.abs(wide(rng, 7, 3, largest=1.0)))
    yield Case("gates of all magnitudes", (closing,), group="corners", tolerance=RELATIVE)
    yield Case("always open", (torch.ones(6, 2, dtype=DOUBLE),), group="corners")
    yield Case("stored by columns, float32", (by_columns(_gates(rng, 9, 3, SINGLE)),), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("paths that follow each other multiply", group="basics")
def memory_chains(call: Probe, rng: np.random.Generator) -> str | None:
    """The path from t to T is the path to the middle, times the path from there."""
    gates = _gates(rng, 9, 3)
    whole, first, second = call(gates), call(gates[:5].clone()), call(gates[4:].clone())
    if not close(whole[:5], first * second[0]):
        return "the factor from step 1 to 9 is not the factor from 1 to 5 times the factor from 5 to 9"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(forget_gates):
    T, H = forget_gates.shape
    out = torch.ones_like(forget_gates)
    for t in range(T):
        for k in range(H):
            for s in range(t + 1, T):
                out[t, k] *= forget_gates[s, k]
    return out


@right("other formula")
def other_formula(forget_gates):
    rows = [torch.ones_like(forget_gates[0])]
    for gate in reversed(forget_gates[1:]):
        rows.append(rows[-1] * gate)
    return torch.stack(rows[::-1])


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def memory_one_gate_too_many(forget_gates):
    """Row t contains its own gate f_t. c_t is already past that gate: the product begins with f_(t+1), so the last row
    is ones."""
    return forget_gates.flip(0).cumprod(0).flip(0)


@mistake
def memory_from_the_start(forget_gates):
    """You multiplied from the first step on. Between c_t and c_T are the gates after t: multiply backwards from the
    end."""
    return forget_gates.cumprod(0)


@mistake
def memory_by_division(forget_gates):
    """The idea of dividing the whole product by the one up to t is right, but where a gate is 0 it is 0 / 0, which is
    nan. Multiply backwards from the end, without a division."""
    up_to = forget_gates.cumprod(0)
    return up_to[-1] / up_to


@mistake
def memory_by_distance(forget_gates):
    """The numbers are right, but back to front: yours go by the distance from the end. The exercise asks for the order
    of time, so the ones are in the last row."""
    ones = torch.ones_like(forget_gates[:1])
    return torch.cat([ones, forget_gates.flip(0)[:-1]]).cumprod(0)


@mistake
def memory_over_all_units(forget_gates):
    """You multiplied over the units too. Each unit of the cell has a path of its own: the result is (T, H)."""
    after = torch.cat([forget_gates[1:], torch.ones_like(forget_gates[:1])])
    return after.flip(0).cumprod(0).flip(0).prod(1)


@mistake
def memory_adds(forget_gates):
    """You added the gates. One after the other they multiply: half of a half is a quarter."""
    after = torch.cat([forget_gates[1:], torch.zeros_like(forget_gates[:1])])
    return after.flip(0).cumsum(0).flip(0)


@mistake
def memory_next_gate_only(forget_gates):
    """Each row is the next gate alone: that is d c_(t+1) / d c_t. All gates up to T lie on the path: multiply them."""
    return torch.cat([forget_gates[1:], torch.ones_like(forget_gates[:1])])

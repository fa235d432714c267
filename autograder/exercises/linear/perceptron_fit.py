"""Goes through the examples in order until an epoch has no mistake or `epochs` are over."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from autograder.exercises.linear.inputs import CORNERS, Array, Rng, eighths, float32
from course_lib import linear

ASKS = Asks(
    linear.perceptron_fit,
    signature="perceptron_fit(X (N, D), y (N,), epochs) -> (w (D,), b, mistakes)",
    points={"basics": 2, "stopping": 1, "guarantee": 1},
    hints=(
        "Follow the table by hand. When is a mistake counted, and which weights does the next example meet?",
        "Two loops, epochs outside and examples inside. Set the weights once, before both, and the count to 0 when "
        "an epoch begins. Each example meets the weights that the one before has left.",
        "For each `x, target`: where `target * (w @ x + b) <= 0` count 1, then `w, b = perceptron_step(w, b, x, "
        "target)`. After the pass append the count, then `break` if it is 0. Start from `np.zeros(X.shape[1])` and "
        "`0.0`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def separable(rng: Rng, n: int, d: int, margin: float = 0.5) -> tuple[Array, Array]:
    """Points, multiples of 1/8, at least `margin` away from a hidden plane, on either side."""
    plane, offset = eighths(rng, d), float(eighths(rng)) / 2
    plane[0] = plane[0] or 1.0
    rows: list[Array] = []
    while len(rows) < n:
        x = eighths(rng, d)
        if abs(plane @ x + offset) >= margin * np.linalg.norm(plane):
            rows.append(x)
    X = np.array(rows)
    return X, np.where(X @ plane + offset > 0, 1, -1)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("two points", (np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1, -1]), 10))
    yield Case("integer inputs", (np.array([[3, 1], [1, 2], [0, -1]]), np.array([1, -1, 1]), 20))
    yield Case("12 points that a line separates", (*separable(rng, 12, 2), 200))
    yield Case("XOR, which no line separates", (CORNERS, np.array([-1, 1, 1, -1]), 6), group="stopping")
    yield Case(
        "fewer epochs than it takes", (np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([1, -1]), 2), group="stopping"
    )


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("40 points in five dimensions", (*separable(rng, 40, 5), 300))
    yield from twice(lambda: (*separable(rng, 9, 2), 100))
    yield Case("one number per point", (np.array([[-2.0], [-0.5], [0.25], [3.0]]), np.array([-1, -1, 1, 1]), 60))
    x, y = separable(rng, 15, 3)
    yield Case("float32", (*float32(x, y), 200))
    yield Case("column by column", (np.asfortranarray(x), y, 200))
    yield from magnitudes(lambda scale: (scale * x[:6], np.array([1, -1, 1, -1, -1, 1]), 12))
    close = np.array([[1.0], [1 + 2.0**-30], [1.0]])
    yield Case("points that differ in the tenth digit", (close, np.array([1, -1, -1]), 5))
    yield Case("one class alone", (x, np.ones(15, dtype=int), 50), group="stopping")
    yield Case("a single point", (x[:1], y[:1], 5), group="stopping")
    yield Case("random labels", (eighths(rng, 30, 2), rng.choice([-1, 1], 30), 7), group="stopping")
    yield Case("one epoch", (x, y, 1), group="stopping")


# --- properties ----------------------------------------------------------------------------------------------


@holds("what a line can separate is learned", group="guarantee")
def learns_what_a_line_can(call: Probe, rng: Rng) -> str | None:
    X, y = separable(rng, 25, 2)
    w, b, mistakes = call(X, y, 2000)
    if len(mistakes) == 0 or mistakes[-1] != 0:
        return "a line separates these 25 points, so the last epoch must be one without a mistake"
    if not (y * (X @ np.asarray(w) + float(b)) > 0).all():
        return "the list ends with 0, but some of the points still lie on the wrong side of the line returned"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(X, y, epochs):
    w = [0.0] * X.shape[1]
    b = 0.0
    history = []
    epoch = 0
    while epoch < epochs:
        wrong = 0
        for n in range(X.shape[0]):
            side = sum(float(w[d]) * float(X[n, d]) for d in range(X.shape[1])) + b
            if side * y[n] <= 0:
                wrong += 1
                for d in range(X.shape[1]):
                    w[d] += float(y[n]) * float(X[n, d])
                b += float(y[n])
        history.append(wrong)
        epoch += 1
        if not wrong:
            break
    return np.array(w), b, history


other_formula = right_text(
    "other formula",
    """
class Perceptron:
    def __init__(self, size):
        self.v = np.zeros(size + 1)

    def epoch(self, rows):
        count = 0
        for row in rows:
            if self.v.dot(row) <= 0:
                self.v = self.v + row
                count += 1
        return count

def perceptron_fit(X, y, epochs):
    rows = np.c_[X, np.ones(len(X))] * y[:, None]
    model, counts = Perceptron(X.shape[1]), []
    for _ in range(epochs):
        counts += [model.epoch(rows)]
        if counts[-1] == 0:
            break
    return model.v[:-1], model.v[-1], tuple(counts)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(X, y, epochs):
    w, b, mistakes, count = np.zeros(X.shape[1]), 0.0, [], 0
    for _ in range(epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b, count = w + t * x, float(b + t), count + 1
        mistakes.append(count)
        if count == 0:
            break
    return w, b, mistakes


fit_stops_on_the_line = slip(
    answer,
    ("w, b, mistakes, count = np.zeros(X.shape[1]), 0.0, [], 0", "w, b, mistakes = np.zeros(X.shape[1]), 0.0, []"),
    ("t * (w @ x + b) <= 0", "t * (w @ x + b) < 0"),
    says="All scores are 0 at the start, and with the test < 0 that is no mistake: the weights never leave zero. "
    "A point on the line is a mistake too: <= 0.",
)


never_stops_early = slip(
    answer,
    ("w, b, mistakes, count = np.zeros(X.shape[1]), 0.0, [], 0", "w, b, mistakes = np.zeros(X.shape[1]), 0.0, []"),
    ("if count == 0:\n    break", ""),
    says="This keeps going when everything is already right. Stop after the first epoch without a mistake; its 0 is "
    "the last entry.",
)


@mistake
def last_zero_missing(X, y, epochs):
    """The epoch without a mistake is not in the list. Append its 0 first, then stop: the 0 says that it is done."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        count = 0
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b, count = w + t * x, float(b + t), count + 1
        if count == 0:
            break
        mistakes.append(count)
    return w, b, mistakes


forgets_every_epoch = slip(
    answer,
    ("w, b, mistakes, count = np.zeros(X.shape[1]), 0.0, [], 0", "mistakes = []\nw, b = np.zeros(X.shape[1]), 0.0"),
    ("count = 0", "w, b, count = np.zeros(X.shape[1]), 0.0, 0"),
    says="The weights are reset to zero in every epoch, so each starts from nothing. Set them once, before the first "
    "epoch.",
)


counts_add_up = slip(
    answer,
    ("count = 0", "before = count"),
    ("count == 0", "count == before"),
    says="The counts run on from epoch to epoch. Reset the count to 0 when an epoch begins.",
)


@mistake
def whole_epoch_at_once(X, y, epochs):
    """All examples of an epoch are judged with the weights from its beginning, and the updates are added together. A
    perceptron looks at one example at a time: the next one already meets the new weights."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        wrong = y * (X @ w + b) <= 0
        w, b = w + y[wrong] @ X[wrong], float(b + y[wrong].sum())
        mistakes.append(int(wrong.sum()))
        if not wrong.any():
            break
    return w, b, mistakes


@mistake
def counted_afterwards(X, y, epochs):
    """The mistakes are counted in a second pass, after the epoch's updates. Count them as they happen: one per
    update."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, []
    for _ in range(epochs):
        for x, t in zip(X, y):
            if t * (w @ x + b) <= 0:
                w, b = w + t * x, float(b + t)
        mistakes.append(int(np.sum(y * (X @ w + b) <= 0)))
        if mistakes[-1] == 0:
            break
    return w, b, mistakes


integer_weights = slip(
    answer,
    "w, b, mistakes, count = np.zeros(X.shape[1]), 0.0, [], 0",
    "w, b, mistakes = np.zeros_like(X[0]), 0.0, []",
    says="The weights have the type of X, and where X holds integers they are integers too. Start from "
    "np.zeros(D), which are floats.",
)


one_total = slip(
    answer,
    ("w, b, mistakes, count = np.zeros(X.shape[1]), 0.0, [], 0", "w, b, total = np.zeros(X.shape[1]), 0.0, 0"),
    ("mistakes.append(count)", "total += count"),
    ("return w, b, mistakes", "return w, b, total"),
    says="The third result is the total of all mistakes. The exercise asks for a list, one count per epoch: it shows "
    "whether anything is learned.",
)

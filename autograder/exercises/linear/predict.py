"""The class with the highest score, (N, C) -> (N,) integers; of equal scores the lowest class wins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, nearly_tied, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from autograder.exercises.linear.inputs import Rng, sliced
from course_lib import linear

ASKS = Asks(
    linear.predict,
    signature="predict(scores (N, C)) -> (N,) integers",
    points={"basics": 1, "ties": 1},
    hints=(
        "Which axis of the scores holds the classes of one input? The answer has one number for each row.",
        "You want to know where the largest score is, not how large it is: an argmax along the axis of the classes. "
        "NumPy's argmax takes the first of equal numbers, and that is the rule for ties here.",
        "`np.argmax` with `axis=1` returns integers of shape (N,). Nothing has to be cast or reshaped.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("two examples, three classes", (np.array([[1.0, 5.0, 2.0], [3.0, 0.0, 7.0]]),))
    yield Case("all scores negative", (-1 - rng.random((5, 4)),))
    ties = np.array([[2.0, 2.0, 1.0], [0.0, 4.0, 4.0], [3.0, 3.0, 3.0], [-1.0, -2.0, -1.0]])
    yield Case("equal scores", (ties,), group="ties")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield from twice(lambda: (rng.standard_normal((3, 4)),))
    yield Case("many examples", (rng.standard_normal((200, 10)),))
    yield Case("one example", (np.sort(rng.standard_normal((1, 6))),))
    yield Case("one class", (rng.standard_normal((4, 1)),))
    yield Case("large float32 scores", (np.float32(1e4) * rng.standard_normal((9, 3)).astype(np.float32),))
    yield Case("a slice of a larger array", (sliced(rng.standard_normal((8, 5))),))
    yield from magnitudes(lambda scale: (scale * rng.uniform(1, 2, (7, 4)),))
    yield Case("scores that differ by 1e-9", (nearly_tied(rng, 6, 5),), group="ties")
    yield Case("many equal scores", (rng.integers(-2, 2, (60, 5)).astype(float),), group="ties")
    yield Case("equal scores, column by column", (np.asfortranarray(rng.integers(0, 2, (9, 4)) / 2),), group="ties")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(scores):
    winners = []
    for row in scores.tolist():
        winners.append(row.index(max(row)))
    return np.array(winners)


other_formula = right_text(
    "other formula",
    """
def predict(z: np.ndarray) -> np.ndarray:
    return np.argsort(-z, axis=-1, kind="stable")[:, 0]
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def best_example_of_each_class(scores):
    """This looks down the columns and finds, for each class, the example that fits it best. The exercise asks for the
    best class of each example: along the row, axis=1."""
    return np.argmax(scores, axis=0)


@mistake
def one_argmax_for_all(scores):
    """This is one number for the whole batch: without an axis, np.argmax counts through all rows at once. Name the
    axis of the classes, axis=1."""
    return np.argmax(scores)


@mistake
def highest_score(scores):
    """These are the highest scores themselves. The exercise asks which class has them: np.argmax gives the index,
    np.max the value."""
    return scores.max(axis=1)


@mistake
def last_of_equals(scores):
    """Where two classes have the same score, this takes the last of them. The lowest class number wins a tie: replace
    only on >, not on >=."""
    return scores.shape[1] - 1 - np.argmax(scores[:, ::-1], axis=1)


@mistake
def search_from_zero(scores):
    """The search for the highest score starts at 0, so a row of negative scores always gives class 0. Start from the
    first score of the row."""
    chosen = np.zeros(len(scores), dtype=int)
    for n, row in enumerate(scores):
        best = 0
        for c, score in enumerate(row):
            if score > best:
                best, chosen[n] = score, c
    return chosen


@mistake
def one_hot_prediction(scores):
    """This marks the winner of each row with a 1. The exercise asks for its number: one integer per example, (N,)."""
    return (scores == scores.max(axis=1, keepdims=True)).astype(int)


@mistake
def column_of_classes(scores):
    """The right classes, but in a column, (N, 1). The exercise asks for one integer per example, (N,): leave keepdims
    out."""
    return np.argmax(scores, axis=1, keepdims=True)


@mistake
def classes_as_floats(scores):
    """The right classes, but as floats. A class number serves as an index later, so keep the integers of np.argmax."""
    return np.argmax(scores, axis=1).astype(float)

"""How well each input fits each class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes, twice
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from autograder.exercises.linear.inputs import Rng, float32, layer, sliced
from course_lib import linear

ASKS = Asks(
    linear.scores,
    signature="scores(X (N, D), W (C, D), b (C,)) -> (N, C)",
    points={"basics": 1, "corners": 1},
    hints=(
        "Write the shapes of X and W below each other. Which length do they share, and which axis of each has it?",
        "Every score is the dot product of one row of `X` with one row of `W`. All of them at once are a matrix "
        "product with the transposed weights. The bias is added to each row.",
        "`X @ W.T` has the shape (N, C), one row per input. Then add `b`: its shape (C,) broadcasts over the rows.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    tiny = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0, 3.0], [0.0, 2.0]]), np.array([10.0, -10.0])
    yield Case("two examples, two classes", tiny)
    yield Case("5 examples, 4 numbers, 3 classes", layer(rng, 5, 4, 3))
    yield Case("one example", layer(rng, 1, 3, 4), group="corners")
    yield Case("float32", float32(*layer(rng, 4, 3, 2)), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield from twice(lambda: layer(rng, 3, 4, 2))
    yield Case("more examples than a screen holds", layer(rng, 301, 17, 10))
    yield Case("one class", layer(rng, 6, 5, 1), group="corners")
    yield Case("one number per example", layer(rng, 4, 1, 3), group="corners")
    x, w, b = layer(rng, 7, 6, 3)
    yield Case("arrays stored column by column", (np.asfortranarray(x), np.asfortranarray(w), b), group="corners")
    yield Case("slices of larger arrays", (sliced(x), sliced(w), sliced(b)), group="corners")
    yield Case("one example in float32", float32(*layer(rng, 1, 64, 10)), group="corners")
    yield from magnitudes(lambda scale: (x, scale * w, scale * b), group="corners")
    yield from magnitudes(lambda scale: (scale * x, w, scale * b), group="corners")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(X, W, b):
    out = np.zeros((len(X), len(W)))
    for n in range(len(X)):
        for c in range(len(W)):
            total = 0.0
            for d in range(X.shape[1]):
                total = total + X[n, d] * W[c, d]
            out[n, c] = total + b[c]
    return out


other_formula = right_text(
    "other formula",
    """
scores = lambda inputs, weights, bias: np.einsum("nd,cd->nc", inputs, weights) + bias.reshape(1, -1)
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def scores_without_bias(X, W, b):
    """These are the scores with the bias left out: add b, which NumPy broadcasts over the rows."""
    return X @ W.T


@mistake
def weights_not_transposed(X, W, b):
    """This is X @ W: a class has a row of W, not a column, so the product needs W.T."""
    return X @ W + b


@mistake
def bias_per_example(X, W, b):
    """The bias is added down the rows, one number per example. It belongs to the classes: one per column of the scores,
    so plain + b is enough."""
    return X @ W.T + b[:, None]


@mistake
def bias_subtracted(X, W, b):
    """The bias is subtracted, as a threshold would be. Here it is added: z = W x + b."""
    return X @ W.T - b


@mistake
def scores_transposed(X, W, b):
    """The scores are transposed: one row per class. The exercise asks for one row per example, (N, C): X comes first in
    the product."""
    return W @ X.T + b[:, None]

"""What is seen of a training by following its steps; right answers in all styles are followed on many seeds."""

import numpy as np
import pytest

from autograder.exercises import find
from autograder.exercises.backprop import steps

TRAIN = find("backprop.train")
WATCHES = [steps.fault_of_start, steps.fault_of_steps, steps.fault_of_batches, steps.fault_of_order]


def answer(text: str):
    names: dict[str, object] = {"np": np}
    exec(text, names)
    return names["train"]


@pytest.mark.parametrize("watch", WATCHES)
@pytest.mark.parametrize("style", [None, *TRAIN.right])
def test_a_right_training_is_right_whatever_the_seed(style, watch):
    train = TRAIN.reference if style is None else answer(TRAIN.right[style])
    assert [watch(train, np.random.default_rng(seed)) for seed in range(20)] == [None] * 20


@pytest.mark.parametrize(
    ("old", "new", "watch", "said"),
    [
        ("np.sqrt(2 / sizes", "np.sqrt(1 / sizes", steps.fault_of_start, "he_init gives them a mean of 0"),
        ("np.zeros(", "np.ones(", steps.fault_of_start, "the biases of layer 1 go up to 1"),
        ("epoch < epochs", "epoch < max(epochs, 1)", steps.fault_of_start, "after 0 epochs"),
        ("epoch < epochs", "epoch < min(epochs, 1)", steps.fault_of_steps, "3 epochs, 7 examples"),
        ("biases[i] -= lr", "biases[i] += lr", steps.fault_of_steps, "b of layer 1 is not where"),
        ("delta /= len(batch)", "delta /= batch_size", steps.fault_of_batches, "exactly one batch"),
        ("while rows:", "while len(rows) >= batch_size:", steps.fault_of_batches, "1 of 7 examples came in no batch"),
        ("rows[:batch_size], rows[batch_size:]", "rows[:batch_size+1], rows[batch_size+1:]", steps.fault_of_batches,
         "5 examples came in batches of 2, 2, 1, though batch_size is 1"),
        ("rng.shuffle(rows)", "", steps.fault_of_order, "draw a new order in every epoch"),
    ],
)  # fmt: skip
def test_what_a_wrong_training_does_is_said(old, new, watch, said):
    text = TRAIN.right["loops"]
    assert old in text
    assert said in watch(answer(text.replace(old, new)), np.random.default_rng(0))

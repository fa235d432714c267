"""What notebook 7 claims of its races: who learns over 50 steps, and who needs an open forget gate for it."""

import pytest
import torch
from answers import released

from autograder.pipeline.cells import by_grade_id
from course_lib import lstm
from course_lib.training import fit, predict

SOLVED, GUESS = 0.03, 1 / 6


@pytest.fixture(scope="module")
def race():
    """The notebook's own race, over the reference's batches."""
    names = {"torch": torch, "fit": fit, "predict": predict, "adding_batch": lstm.adding_batch}
    exec(by_grade_id(released("07_lstm"))["define_race"].source, names)
    with torch.random.fork_rng():
        yield names["race"]


@pytest.mark.parametrize("name", ["identity", "lstm"])
def test_neither_gates_nor_open_gates_are_needed_for_50_steps(race, name):
    assert min(race(name, seed=1)) < SOLVED


def test_a_plain_network_stays_at_the_guess(race):
    assert min(race("plain", seed=1)) > 0.9 * GUESS


@pytest.mark.parametrize("seed", [1, 2])
def test_without_easy_sequences_the_forget_gate_has_to_begin_open(race, seed):
    assert min(race("lstm, head start", wait=20, seed=seed, steps=350)) < SOLVED
    assert min(race("lstm", wait=20, seed=seed, steps=350)) > 0.8 * GUESS

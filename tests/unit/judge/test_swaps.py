"""The line at fault is the one that a right answer's values would cure."""

import numpy as np

from autograder.exercises import find
from autograder.judge.on_the_way import Notes, notes_of
from autograder.judge.prepared import prepared
from autograder.judge.slips import OwnText
from autograder.judge.swaps import swappable_lines
from autograder.mutations.subject import subject_of
from autograder.mutations.watching import telling
from autograder.sandbox.guest.messenger import loopback

EXERCISE = find("linear.softmax")


def lines_of(text: str) -> list[int]:
    place = {"np": np}
    exec(text, place)
    ready = [each for each in prepared(EXERCISE, None).visible if each.through is None]
    own = OwnText(text, "softmax", loopback(place["softmax"]))
    case = ready[0].on_device
    notes: Notes = notes_of(own.call(telling(text, "softmax"))(case.args, case.kwargs).value)
    return swappable_lines(EXERCISE, ready, own, notes, [subject_of(EXERCISE.reference, guards=True)])


def test_the_line_whose_values_are_wrong_is_found():
    text = (
        "def softmax(logits):\n"
        "    shifted = logits - logits.max(axis=1, keepdims=True)\n"
        "    powers = np.exp(shifted) + 0.1\n"
        "    return powers / powers.sum(axis=1, keepdims=True)\n"
    )
    assert lines_of(text) == [3]


def test_no_line_is_found_where_what_follows_is_wrong_too():
    text = (
        "def softmax(logits):\n"
        "    powers = np.exp(logits - logits.max(axis=1, keepdims=True)) + 0.1\n"
        "    return powers / powers.sum()\n"
    )
    assert lines_of(text) == []

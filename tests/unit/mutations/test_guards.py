"""What a reference only checks is not mutated: wrong input is no part of an exercise."""

from __future__ import annotations

from autograder.mutations.subject import subject_of
from course_lib import linear, rnn


def test_calls_of_helpers_that_check_are_left_out() -> None:
    assert "_check" not in subject_of(rnn.rnn_cell).text
    assert "_need" not in subject_of(linear.scores).text


def test_they_stay_where_they_belong_to_the_task() -> None:
    assert "_check_step(x, h, W_ih, W_hh)" in subject_of(rnn.rnn_cell, guards=True).text

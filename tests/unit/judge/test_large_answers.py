"""Answers of absurd sizes: judged by their shapes and lengths, and with verdicts that stay small."""

import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch

from autograder.calls import Outcome, Raised, Status
from autograder.exercise import Case, CaseResult, Exercise, Property, Tolerance, Verdict
from autograder.judge.caps import capped
from autograder.judge.compare import Match, compare
from autograder.judge.describe import describe
from autograder.judge.evaluate import evaluate
from autograder.judge.sizes import allowed_bytes, size

HUGE = np.zeros(20_000_000, np.uint8)


def peak(work) -> int:
    """Bytes that were held at the same time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("expected", [(1, 2), [1.0, 2.0], 3, 2.5, True, "word", {"a": 1}, np.zeros(3)])
@pytest.mark.parametrize("got", [HUGE, torch.from_numpy(HUGE)], ids=["array", "tensor"])
def test_an_array_of_the_wrong_length_is_never_converted(expected, got):
    found = []
    held = peak(lambda: found.append(compare(expected, got, Match(Tolerance()))))
    assert found[0] is not None
    assert found[0].kind in ("type", "shape")
    assert held < 1_000_000


def test_a_description_does_not_look_at_what_it_does_not_show():
    assert peak(lambda: describe(HUGE)) < 1_000_000
    deep = [[[[[[list(range(12))] * 12] * 12] * 12] * 12] * 12] * 12
    assert len(describe(deep)) < 1_000_000
    assert len(describe({"k" * 100_000: 1})) < 1_000


def test_keys_without_end_make_a_short_sentence():
    keys = {f"{number:0100}": number for number in range(50_000)}
    found = compare({"a": 1}, keys, Match(Tolerance()))
    assert found is not None
    assert "50000 in all" in found.message
    assert len(found.message) < 5_000


def test_every_part_of_a_verdict_is_capped():
    long = "x" * 1_000_000
    case = CaseResult(long, "basics", False, False, long, "values", ((long, long),) * 100, ((long, 1.0),) * 1000)
    verdict = Verdict("a.b", Status.FAILED, 0.0, 1.0, long, long, "slip", (case,) * 1000, (long,) * 1000)
    small = capped(verdict)
    assert len(json.dumps(repr(small))) < 20_000_000
    assert (small.id, small.status, small.points, small.misconception) == ("a.b", Status.FAILED, 0.0, "slip")
    assert max(len(text) for one in small.cases for text in (one.name, one.message)) <= 2_000
    assert len(small.remarks) <= 20
    short = Verdict(
        "a.b", Status.PASSED, 1.0, 1.0, cases=(replace(case, name="n", message="", details=(), measured=()),)
    )
    assert capped(short) == short


def test_a_call_is_told_how_much_an_answer_may_take():
    told = []

    def call(args, kwargs, through="", *, most=0, **_):
        told.append(most)
        return Outcome(value=2 * args[0])

    exercise = Exercise(
        "toy.double",
        lambda x: 2 * x,
        "double(x)",
        {"basics": 1},
        lambda rng: [Case("small", (np.ones(2),)), Case("large", (np.ones(1_000_000),))],
        lambda rng: [],
        properties=(Property("odd", lambda f, rng: None if f(np.ones(1)) == 2 else "no"),),
    )
    assert evaluate(replace(exercise, groups={"basics": 1, "properties": 1}), call).status is Status.PASSED
    small, large, probed = told
    assert 1_000_000 < small < 10_000_000
    assert probed <= small
    assert large >= small + 16_000_000


def test_sizes_follow_the_numbers():
    assert size(np.zeros(1000)) == size(torch.zeros(1000, dtype=torch.float64)) >= 8000
    assert size([np.zeros(1000)] * 3) >= 24_000
    assert size({"a": "x" * 500}) >= 500
    assert size(Outcome(raised=Raised("E", "m"))) < 1000
    assert allowed_bytes(np.zeros(1000)) - allowed_bytes() >= 64 * 8000

"""The rule `forbids` in a student's own check: what does the work is taken away during the calls, and named."""

import importlib
import json
import sys
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from autograder.calls import Outcome, Status
from autograder.exercise import Case, Exercise, Property, Rules
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback
from autograder.sandbox.wire.calls import outcome, respond
from autograder.sandbox.wire.frames import WireError, unpack
from autograder.sandbox.wire.functions import Borrowed, Lent
from autograder.sandbox.wire.messages import FROM_GUEST

SENTENCE = "torch.conv2d does the work that this exercise asks of you: write it yourself"


def filtered(x, w):
    """(H, W) and (K, K) to (H - K + 1, W - K + 1)."""
    windows = x.unfold(0, w.shape[0], 1).unfold(1, w.shape[1], 1)
    return torch.einsum("ijkl,kl->ij", windows, w)


def images(rng, size):
    return tuple(torch.tensor(rng.standard_normal((n, n))) for n in (size, 2))


def linear(call, rng):
    x, w = images(rng, 4)
    return None if torch.allclose(call(2 * x, w), 2 * call(x, w)) else "twice the image does not give twice the answer"


EXERCISE = Exercise(
    id="toy.filtered",
    reference=filtered,
    signature="filtered(x (H, W), w (K, K)) -> (H - K + 1, W - K + 1)",
    groups={"basics": 2, "corners": 1, "properties": 1},
    visible=lambda rng: [Case("a small image", images(rng, 3)), Case("one pixel", images(rng, 2), group="corners")],
    hidden=lambda rng: [Case("a larger image", images(rng, 6))],
    properties=(Property("linear", linear),),
    rules=Rules(forbids=("torch.conv2d", "torch.nn.Conv2d", "scipy.signal")),
)


def by_library(x, w):
    return F.conv2d(x[None, None], w[None, None])[0, 0]


def by_name(x, w):
    return getattr(torch, "conv" + "2d")(x[None, None], w[None, None])[0, 0]


def by_module(x, w):
    layer = torch.nn.Conv2d(1, 1, w.shape, bias=False, dtype=x.dtype)
    layer.weight.data = w[None, None]
    return layer(x[None, None]).detach()[0, 0]


def in_silence(x, w):
    try:
        return F.conv2d(x[None, None], w[None, None])[0, 0]
    except Exception:
        return torch.ones(x.shape[0] - 1, x.shape[1] - 1, dtype=x.dtype)


@pytest.mark.parametrize("function", [by_library, by_name, by_module, in_silence])
def test_every_group_that_leans_on_it_fails(function):
    verdict = evaluate(EXERCISE, loopback(function), secret=b"any")
    assert (verdict.status, verdict.points) == (Status.FAILED, 0)
    assert {case.kind for case in verdict.cases} == {"forbidden"}
    assert verdict.cases[0].message == SENTENCE
    assert "torch.conv2d" not in next(case.message for case in verdict.cases if case.hidden)
    assert by_library(*images(np.random.default_rng(1), 3)).shape == (2, 2)


def test_what_the_call_itself_imports_is_taken_away_too(tmp_path, monkeypatch):
    (tmp_path / "filters_of_others.py").write_text("def correlate(x, w, reference):\n    return reference(x, w)\n")
    monkeypatch.syspath_prepend(tmp_path)

    def by_import(x, w):
        return importlib.import_module("filters_of_others").correlate(x, w, filtered)

    exercise = replace(EXERCISE, rules=Rules(forbids=("filters_of_others",)))
    verdict = evaluate(exercise, loopback(by_import), secret=b"any")
    assert {case.kind for case in verdict.cases} == {"forbidden"}
    assert verdict.cases[0].message == SENTENCE.replace("torch.conv2d", "filters_of_others.correlate")
    del sys.modules["filters_of_others"]


def test_groups_that_do_without_keep_their_points():
    verdict = evaluate(EXERCISE, loopback(lambda x, w: by_library(x, w) if x.shape[0] == 2 else filtered(x, w)))
    assert (verdict.status, verdict.points) == (Status.PARTIAL, 3)


def test_a_call_in_vain_costs_nothing_where_the_answer_is_right():
    def tries(x, w):
        try:
            return by_library(x, w)
        except Exception:
            return filtered(x, w)

    assert evaluate(EXERCISE, loopback(tries), secret=b"any").points == 4


def test_the_reference_may_do_as_it_likes():
    free = replace(EXERCISE, reference=by_library)
    assert evaluate(free, loopback(filtered), secret=b"any").status is Status.PASSED


def arrived(message, **forged):
    """What the judge reads of a message, whose fields may be forged."""
    header = [[], msgspec.to_builtins(message) | forged]
    return unpack(json.dumps(header).encode(), b"", FROM_GUEST)


@pytest.mark.parametrize("names", ["torch.conv2d", [1], ["x"] * 50, None])
def test_a_malformed_list_of_names_is_no_outcome(names):
    honest, _ = respond(Outcome(1, forbidden=("torch.conv2d",)), Borrowed(lambda asked: asked))
    assert outcome(arrived(honest), Lent()).forbidden == ("torch.conv2d",)
    with pytest.raises(WireError, match="forbidden"):
        arrived(honest, forbidden=names)

"""Whoever follows the last hint of an exercise, or the recipe in its text, gets full marks."""

import inspect
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from followed_hints import FOLLOWED

from autograder.exercises import ASSIGNMENTS, exercises_of, find
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback
from course_lib.quantization.grids import limits

SOLUTIONS = Path(__file__).parents[2] / "solutions"


@pytest.mark.parametrize("id_", FOLLOWED)
def test_the_last_hint_leads_to_full_marks(id_):
    answer, hint = FOLLOWED[id_], find(id_).hints[-1]
    written = squeezed(inspect.getsource(answer))
    for code in re.findall("`([^`]+)`", hint):
        if code not in ("+=", "-="):  # named as what to avoid
            assert squeezed(code) in written, code
    assert points_lost(id_, answer) == 0


def test_three_hints_of_each_topic_are_followed():
    counted = Counter(find(id_).topic for id_ in FOLLOWED)
    asked = Counter(exercise.topic for name in ASSIGNMENTS for exercise in exercises_of(name))
    for topic, exercises in asked.items():
        assert counted[topic] >= min(3, exercises), topic


def squeezed(text: str) -> str:
    return "".join(text.split()).replace('"', "'")


def points_lost(id_: str, answer: Callable[..., object]) -> float:
    exercise = find(id_)
    return exercise.points - evaluate(exercise, loopback(answer), secret=b"first").points


def text_of(assignment: str, name: str) -> str:
    """The text of an exercise in its notebook's source, in one line."""
    source = (SOLUTIONS / f"{assignment}.py").read_text("utf-8")
    section = source.split(f"### Exercise: `{name}`\n")[1].split("\n# %%")[0]
    return " ".join(section.replace("\n#", "\n").split())


def test_the_recipe_in_the_text_of_fake_quantize_leads_to_full_marks():
    text = text_of("13_quantization", "fake_quantize")
    assert "- `inside + (rounded - inside).detach()`: the value is `rounded`, the gradient that of `inside`" in text
    assert (
        r"where the rounded integer $\mathrm{round}(x / s) + z$ lies within the limits, before it is clipped. "
        "Everywhere else 0."
    ) in text

    def recipe(x, scale, zero_point, bits):
        least, most = limits(bits)
        integer = torch.round(x / scale) + zero_point
        inside = torch.where((integer >= least) & (integer <= most), x, 0)
        rounded = (integer.clamp(least, most) - zero_point) * scale
        return inside + (rounded - inside).detach()

    assert points_lost("quantization.fake_quantize", recipe) == 0


def test_the_hint_in_the_text_of_per_channel_qparams_leads_to_full_marks():
    assert "`w.movedim(axis, 0).reshape(w.shape[axis], -1)` puts" in text_of("13_quantization", "per_channel_qparams")

    def recipe(w, axis, bits=8):
        rows = w.movedim(axis, 0).reshape(w.shape[axis], -1)
        scales = rows.abs().amax(1) / (2 ** (bits - 1) - 1)
        return torch.where(scales > 0, scales, 1), torch.zeros(len(rows), dtype=torch.int64)

    assert points_lost("quantization.per_channel_qparams", recipe) == 0


def test_the_hint_in_the_text_of_pack_leads_to_full_marks():
    assert "`codes.reshape(-1, 1) >> torch.arange(bits) & 1` gives" in text_of("14_capstone", "pack")

    def recipe(codes, bits):
        row = (codes.reshape(-1, 1) >> torch.arange(bits) & 1).flatten()
        row = torch.cat([row, row.new_zeros(-len(row) % 8)]).view(-1, 8)
        return (row << torch.arange(8)).sum(dim=1).to(torch.uint8)

    assert points_lost("capstone.pack", recipe) == 0

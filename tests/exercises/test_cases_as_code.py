"""The first visible case of every exercise as code: it runs where np and torch are, and calls what the judge called."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
import torch

from autograder.exercise import Exercise
from autograder.exercises import ASSIGNMENTS, exercises_of
from autograder.judge.compare import Match, compare
from autograder.judge.prepared import Prepared
from autograder.judge.rules import changed_argument
from autograder.judge.trial import try_case
from autograder.sandbox.guest.messenger import loopback

LENT = {
    "acceleration.tiled_matmul",
    "capstone.compress",
    "cnn.evaluate",
    "cnn.train_epoch",
    "gnn.train_nodes",
    "pruning.prune_and_finetune",
}
"""Called with what only the judge has, a chip or a model that it lends: the code lets `run_case` make the call."""


def nothing(*_args: Any, **_kwargs: Any) -> None:
    """Wrong everywhere."""


def run(code: str, names: dict[str, Any]) -> Any:
    """The value of the last expression."""
    *before, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(before, []), "before", "exec"), names)
    return eval(compile(ast.Expression(last.value), "last", "eval"), names)


@pytest.mark.parametrize(
    "exercise", [each for name in ASSIGNMENTS for each in exercises_of(name)], ids=lambda exercise: exercise.id
)
def test_the_first_case_runs_as_code(exercise: Exercise):
    ready = next(iter(Prepared(exercise, None).visible))
    trial = try_case(exercise, ready, loopback(nothing), hidden=False)
    code = dict(trial.result.details).get("to try it", "")
    assert ("run_case" in code) == (exercise.id in LENT)
    judged = exercise.accepts is not None or ready.through is not None  # by the answer's effects, not by its value
    calls: list[tuple[Any, ...]] = []
    function = (lambda *args, **_: calls.append(args)) if judged else exercise.reference
    value = run(code, {"np": np, "torch": torch, exercise.name: function})
    if judged:
        assert calls
        assert ready.through is not None or changed_argument(ready.case.args, calls[0]) is None
    else:
        assert compare(ready.expected.value, value, Match(exercise.tolerance, ready.precision)) is None

"""What an answer "bomb:STAGE:HOW" does to the judge, and exercises in which such an answer goes off at each stage."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

__all__ = ["WAYS", "armed", "go_off", "going_off"]

_ONCE = Path(os.environ.get("BOMB_ONCE", "/nonexistent/once"))


def deeper(depth):
    return deeper(depth + 1) + 1


def killed_once():
    if not _ONCE.exists():
        _ONCE.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def failure():
    raise RuntimeError("a mistake of the judge's own")


WAYS = {
    "signal": lambda: os.kill(os.getpid(), signal.SIGFPE),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "kill once": killed_once,
    "memory": lambda: bytearray(8 << 30),
    "recursion": lambda: deeper(0),
    "time": lambda: time.sleep(600),
    "exception": failure,
}


def go_off(stage, value):
    """Does what the answer says if it is about this stage."""
    if isinstance(value, str) and value.startswith(f"bomb:{stage}:"):
        WAYS[value.rpartition(":")[2]]()
        return True
    return False


def going_off(stage, text):
    """Does what a text, somewhere in it, says about this stage."""
    for word in text.split():
        go_off(stage, word.strip("\\n\"',"))


def armed(exercise, *, accepts=False):
    """The exercise with a property, a measure and a mistake that go off, and with a judge of its own if wanted."""
    import numpy as np

    from autograder.exercise import Misconception, Property

    group = next(iter(exercise.groups))

    def probe(call, rng):
        case = next(iter(exercise.visible(rng)))
        return "it is a bomb" if go_off("probing", call(*case.args, **case.kwargs)) else None

    def accept(case, value):
        if go_off("accepting", value) or not isinstance(value, np.ndarray):
            return "it is a bomb"
        expected = exercise.reference(*case.args, **case.kwargs)
        return None if np.allclose(value, expected) else "other numbers"

    def measures(case, value):
        go_off("measuring", value)
        return {}

    def shows(case, value):
        return go_off("diagnosing", value)

    return replace(
        exercise,
        properties=(*exercise.properties, Property("no bomb", probe, group)),
        measures=measures,
        misconceptions=(Misconception("bomb", exercise.reference, "a bomb", shows), *exercise.misconceptions),
        accepts=accept if accepts else None,
        seconds=3.0,
        judge_seconds=1.0,
    )

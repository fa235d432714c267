"""Makes a worker's judge vulnerable: an answer "bomb:STAGE:HOW" has it do HOW at that stage.

Python imports this module at its start wherever this folder is on PYTHONPATH. It changes nothing but worker processes,
and there only the exercises on perceptrons: each gets a property, a measure and a mistake that go off, and `mlp.linear`
a judge of its own in the reference's place.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

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


def install():
    import numpy as np

    from autograder.exercise import Misconception, Property
    from autograder.exercises import loader
    from autograder.judge import trial
    from autograder.pipeline.grading import submission

    real_compare, real_declared, real_restore = trial.compare, loader.declared, submission.restore

    def compare(expected, got, match):
        go_off("comparing", got)
        return real_compare(expected, got, match)

    def declared(exercise_id):
        exercise = real_declared(exercise_id)
        group = next(iter(exercise.groups))

        def probe(call, rng):
            case = next(iter(exercise.visible(rng)))
            return "it is a bomb" if go_off("probing", call(*case.args, **case.kwargs)) else None

        def accepts(case, value):
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
            accepts=accepts if exercise_id == "mlp.linear" else None,
            seconds=3.0,
            judge_seconds=1.0,
        )

    def restore(master, read):
        for cell in read.cells:
            go_off("restoring", cell.source)
        return real_restore(master, read)

    trial.compare, loader.declared, submission.restore = compare, declared, restore


if any(word.endswith("worker_process") for word in sys.orig_argv):
    install()

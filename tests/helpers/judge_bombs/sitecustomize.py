"""Makes a worker's judge vulnerable: an answer "bomb:STAGE:HOW" has it do HOW at that stage.

Python imports this module at its start wherever this folder is on PYTHONPATH. It changes nothing but worker processes,
and there only the exercises on perceptrons: each gets a property, a measure and a mistake that go off, and `mlp.linear`
a judge of its own in the reference's place.
"""

from __future__ import annotations

import sys


def install():
    from bombs import armed, go_off

    from autograder.exercises import loader
    from autograder.judge import trial
    from autograder.pipeline.grading import submission

    real_compare, real_declared, real_restore = trial.compare, loader.declared, submission.restore

    def compare(expected, got, match):
        go_off("comparing", got)
        return real_compare(expected, got, match)

    def declared(exercise_id):
        return armed(real_declared(exercise_id), accepts=exercise_id == "mlp.linear")

    def restore(master, read):
        for cell in read.cells:
            go_off("restoring", cell.source)
        return real_restore(master, read)

    trial.compare, loader.declared, submission.restore = compare, declared, restore


if any(word.endswith("worker_process") for word in sys.orig_argv):
    install()

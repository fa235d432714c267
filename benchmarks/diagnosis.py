"""How many wrong answers are helped: named, or their slip located; how often that is right; how long it takes.

Two collections: every known mistake of every exercise, and mutants of a right answer that the search is not shown (the
style "other formula" is left out of what right answers lend). Of a mutant it is known which line was changed, so it can
be said whether what is told is right: the line, or an edit that gives the original back.

python benchmarks/diagnosis.py --each 10 linear mlp
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import statistics
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before course_lib.py beside it

import torch

from autograder.exercise import Exercise
from autograder.exercises import ASSIGNMENTS, find
from autograder.judge.aside import aside
from autograder.judge.evaluate import Evaluation
from autograder.mutations.rules import edits
from autograder.mutations.source import Edit, compiled
from autograder.pipeline.authoring.prove import subjects
from autograder.sandbox.guest.messenger import loopback

HELD_OUT = "other formula"
SECONDS = 1.8


@dataclass(frozen=True)
class Helped:
    """What became of one wrong answer."""

    how: str
    is_right: bool
    seconds: float
    told: tuple[str, ...] = ()


def mutants(exercise: Exercise, count: int) -> Iterator[tuple[Edit, Helped | None]]:
    """Wrong answers made from the style that is held out, and the help that each gets; None for one that is right."""
    _, loops = subjects(exercise)
    text, shown = (
        exercise.right[HELD_OUT],
        {style: exercise.right[style] for style in exercise.right if style != HELD_OUT},
    )
    found = list(edits(text))
    random.Random(exercise.id).shuffle(found)
    exercise = replace(exercise, right=shown)
    tried = 0
    for edit in found:
        if tried >= count:
            return
        try:
            answer = compiled(edit.text, loops.names, exercise.name)
        except Exception:
            continue
        helped = help_for(exercise, answer, edit, text)
        if helped is not None:
            tried += 1
            yield edit, helped


def help_for(exercise: Exercise, answer: object, edit: Edit, original: str) -> Helped | None:
    """The help that a wrong answer gets; None where every visible case passes."""
    call = loopback(answer)
    evaluation = Evaluation(exercise, None)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluation.try_visible(call)
        if evaluation.all_passed:
            return None
        began = time.perf_counter()
        verdict = evaluation.verdict()
        slip = () if verdict.diagnosis else aside(partial(evaluation.explain, call, edit.text, SECONDS), SECONDS + 0.2)
        seconds = time.perf_counter() - began
    if verdict.diagnosis:
        return Helped("named", True, seconds)
    if not slip:
        return Helped("neither", False, seconds)
    how = "repaired" if len(slip) > 1 else "located"
    is_right = f"line {edit.line}:" in slip[0] or f"line {edit.line} is" in slip[0] or f"Line {edit.line} is" in slip[0]
    return Helped(how, is_right, seconds, slip)


def main() -> None:
    """Prints a line for each exercise and a summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="exercises or topics; default: all")
    parser.add_argument("--each", type=int, default=10, help="wrong answers for each exercise")
    parser.add_argument("--show", action="store_true", help="show those that get no help, or wrong help")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    everything: list[Helped] = []
    for id_ in ASSIGNMENTS.table.asked:
        if asked.names and not {id_, id_.partition(".")[0]} & set(asked.names):
            continue
        found = []
        for edit, helped in mutants(find(id_), asked.each):
            assert helped is not None
            found.append(helped)
            if asked.show and not helped.is_right:
                print(f"    {helped.how:9s} line {edit.line}: {edit.name} || told: {' '.join(helped.told)}")
        everything += found
        print(f"{id_:34s} {summary(found)}", flush=True)
    print(f"{'all':34s} {summary(everything)}")


def summary(found: list[Helped]) -> str:
    """Counts, shares and times."""
    if not found:
        return "no wrong answers"
    counts = {how: sum(each.how == how for each in found) for how in ("named", "repaired", "located", "neither")}
    helped = len(found) - counts["neither"]
    right = sum(each.is_right for each in found)
    times = [each.seconds for each in found]
    return (
        f"{len(found):4d} wrong: "
        + ", ".join(f"{how} {count}" for how, count in counts.items())
        + f"; helped {100 * helped / len(found):.0f} %, of these right {100 * right / max(1, helped):.0f} %; "
        f"median {statistics.median(times):.2f} s, longest {max(times):.2f} s"
    )


if __name__ == "__main__":
    main()

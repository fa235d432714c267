"""How often the rule against loops errs: every style, judged in the jail again and again, also beside busy processes.

    python benchmarks/loops.py [--times 20] [--busy 0] [--exercise cnn.im2col]

Prints for each style the verdicts that were wrong, and the share of the limit that its processor time reached: array
code has to stay below 1, loops above it. Loops are graded with an honest and with a forged count of their steps.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before course_lib.py beside it
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

from loop_styles import ARRAYS, FORGED_COUNT, LOOPS

from autograder.calls import Call
from autograder.exercise import Exercise
from autograder.exercises import find
from autograder.judge.growth import try_growth
from autograder.judge.pace import LARGE, SMALL, pace_of
from autograder.judge.prepared import prepared
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.kernel.limits import Limits

SECRET = b"a benchmark"
HEAD = "import numpy as np\nimport torch\nfrom autograder import check\n"


@dataclass(frozen=True)
class Found:
    """What became of one style: how often the rule failed it, and the largest share of the limit that it reached."""

    failed: int
    share: float


def tried(box: Sandbox, exercise: Exercise, source: str, times: int) -> Found:
    """Judges one answer again and again in one process."""
    passed: list[bool] = []
    shares: list[float] = []

    def judge(call: Call) -> None:
        plan = prepared(exercise, SECRET)
        passed.extend(try_growth(exercise, call, plan).result.passed for _ in range(times))
        for growing in plan.growth:
            few, many = (call(growing.ready(size, 0).case.args, {}, cpu=True).cpu or 0.0 for size in (SMALL, LARGE))
            shares.append((many - few) / pace_of(exercise, growing).middle(LARGE))

    with box.start() as run:
        run.execute(HEAD + source)
        run.execute(f"check({exercise.id!r}, {exercise.name})", judge=judge)
    return Found(times - sum(passed), max(shares))


def spin() -> None:
    """Keeps one core busy, and its caches."""
    import numpy as np

    numbers = np.random.default_rng(0).random(2_000_000)
    while True:
        numbers = np.sort(numbers)[::-1] * 1.0


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Processes that compete for the cores."""
    others = [multiprocessing.Process(target=spin, daemon=True) for _ in range(count)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.kill()


def styles(id_: str) -> Iterator[tuple[str, str, bool]]:
    """Every answer to an exercise: its style, its text, and whether it has to keep the group."""
    for style, source in ARRAYS[id_].items():
        yield style, source, True
        yield f"{style}, forged count", FORGED_COUNT + source, True
    for style, source in LOOPS[id_].items():
        yield f"loop: {style}", source, False
        yield f"loop: {style}, forged count", FORGED_COUNT + source, False


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--exercise", choices=list(ARRAYS), action="append")
    chosen = parser.parse_args()
    errors = {True: [0, 0], False: [0, 0]}
    with busy(chosen.busy), Sandbox(isolation="landlock", limits=Limits(cell_seconds=600.0)) as box:
        for id_ in chosen.exercise or ARRAYS:
            exercise = find(id_)
            for style, source, right in styles(id_):
                found = tried(box, exercise, source, chosen.times)
                wrong = found.failed if right else chosen.times - found.failed
                errors[right][0] += wrong
                errors[right][1] += chosen.times
                print(
                    f"{id_:20} {style:48} {wrong:3} of {chosen.times} wrong, {found.share:8.2f} of the limit",
                    flush=True,
                )
    print(f"array code that failed: {errors[True][0]} of {errors[True][1]}")
    print(f"loops that passed:      {errors[False][0]} of {errors[False][1]}")


if __name__ == "__main__":
    main()

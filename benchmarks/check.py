"""How long a student waits: for `import autograder` beyond numpy, and for each exercise's check after the first.

python benchmarks/check.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before course_lib.py beside it

RUNS = 20


def import_seconds() -> float:
    """The quickest of five fresh processes."""
    script = "import numpy, time; t = time.perf_counter(); import autograder; print(time.perf_counter() - t)"
    return min(float(subprocess.check_output([sys.executable, "-c", script])) for _ in range(5))


def check_seconds(exercise_id: str) -> list[float]:
    """`RUNS` checks of the reference, rendered as HTML, after one that is not counted."""
    from autograder.exercises import find
    from autograder.judge.evaluate import evaluate
    from autograder.reports.student import Report
    from autograder.sandbox.guest.messenger import loopback

    exercise = find(exercise_id)
    seconds = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        Report(evaluate(exercise, loopback(exercise.reference)), local=True)._repr_mimebundle_()
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


def main() -> None:
    """Prints one line for the import and one for each exercise."""
    from autograder.exercises import ASSIGNMENTS

    print(f"{'import autograder, beyond numpy':34} {1000 * import_seconds():8.1f} ms")
    for assignment in ASSIGNMENTS.values():
        for exercise_id in assignment.ids:
            seconds = check_seconds(exercise_id)
            middle, worst = statistics.median(seconds), max(seconds)
            print(f"{exercise_id:34} {1000 * middle:8.1f} ms   worst {1000 * worst:.1f} ms")


if __name__ == "__main__":
    main()

"""How many wrong answers are helped: named, or their slip located; how often that is right; how long it takes.

Three collections. `mistakes`: every known mistake of an exercise. `pairs`: two known mistakes at once, where both are
slips in the same answer. `mutants`: edits of a right answer that the search is not shown (the style "other formula" is
left out of what right answers lend). What is told is right if it names the mistake, one of the two, or the line that
was edited.

python benchmarks/diagnosis.py --of mutants --each 10 linear mlp
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import itertools
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before course_lib.py beside it

import torch

from autograder.exercise import Exercise, Verdict
from autograder.exercises import ASSIGNMENTS, find
from autograder.exercises.slips import Slip, SlipError, submitted
from autograder.judge.aside import aside
from autograder.judge.evaluate import Evaluation
from autograder.local_judge import GRACE, SEARCH_SECONDS
from autograder.mutations.rules import edits
from autograder.mutations.source import Edit, compiled
from autograder.pipeline.authoring.prove import subjects
from autograder.sandbox.guest.messenger import loopback

HELD_OUT = "other formula"


@dataclass(frozen=True)
class Wrong:
    """A wrong answer to an exercise as it is shown to the search: what is wrong, and whether what is told is right."""

    exercise: Exercise
    text: str
    what: str
    is_right: Callable[[Verdict], bool]


@dataclass(frozen=True)
class Helped:
    """What became of one wrong answer."""

    how: str
    is_right: bool
    seconds: float
    told: str


def mistakes(exercise: Exercise) -> Iterator[Wrong]:
    """The known mistakes, in their order."""
    for mistake in exercise.misconceptions:
        text = submitted(exercise.name, mistake.wrong)
        yield Wrong(exercise, text, mistake.name, partial(_is_named, {mistake.name}, {mistake.sentence}))


def pairs(exercise: Exercise) -> Iterator[Wrong]:
    """Two known mistakes at once."""
    for one, two in itertools.combinations(exercise.misconceptions, 2):
        if isinstance(one.wrong, Slip) and isinstance(two.wrong, Slip) and one.wrong.base is two.wrong.base:
            with contextlib.suppress(SlipError):
                text = submitted(exercise.name, Slip(one.wrong, two.wrong.edits, one.sentence))
                names, sentences = {one.name, two.name}, {one.sentence, two.sentence}
                lines = {new.strip().splitlines()[0] for _, new in (*one.wrong.edits, *two.wrong.edits) if new.strip()}
                right = partial(_is_named, names, sentences, lines=frozenset(lines))
                yield Wrong(exercise, text, f"{one.name} and {two.name}", right)


def _is_named(names: set[str], sentences: set[str], verdict: Verdict, lines: frozenset[str] = frozenset()) -> bool:
    """Whether one of the mistakes is named, or the line of one is; a repair that was found and checked counts, too."""
    if verdict.diagnosis:
        return verdict.misconception in names or any(sentence in verdict.diagnosis for sentence in sentences)
    return len(verdict.slip) > 1 or any(line in verdict.slip[0] for line in lines)


def mutants(exercise: Exercise) -> Iterator[Wrong]:
    """Edits of the style that is held out."""
    text = exercise.right[HELD_OUT]
    shown = replace(exercise, right={style: each for style, each in exercise.right.items() if style != HELD_OUT})
    for edit in edits(text):
        yield Wrong(shown, edit.text, f"line {edit.line}: {edit.name}", partial(_tells_line, _changed(text, edit)))


def _changed(text: str, edit: Edit) -> set[int]:
    """The line of the edit, and those of the text afterwards that are not as before."""
    found = difflib.SequenceMatcher(None, text.splitlines(), edit.text.splitlines(), autojunk=False).get_opcodes()
    return {edit.line, *(line + 1 for how, _, _, low, high in found if how != "equal" for line in range(low, high))}


def _tells_line(lines: set[int], verdict: Verdict) -> bool:
    told = verdict.slip[0] if verdict.slip else ""
    return bool(verdict.diagnosis) or any(
        f"ine {line}{after}" in told for line in lines for after in (":", " is", " the result")
    )


COLLECTIONS = {"mistakes": mistakes, "pairs": pairs, "mutants": mutants}


def help_for(wrong: Wrong, names: dict[str, Any]) -> Helped | None:
    """The help that a wrong answer gets; None where every visible case passes, or it cannot be made."""
    exercise = wrong.exercise
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call = loopback(compiled(wrong.text, names, exercise.name))
        except Exception:
            return None
        evaluation = Evaluation(exercise, None)
        evaluation.try_visible(call)
        if evaluation.all_passed:
            return None
        began = time.perf_counter()
        verdict = evaluation.verdict()
        if not verdict.diagnosis:
            left = SEARCH_SECONDS - (time.perf_counter() - began)
            if left > 0:
                evaluation.slip = aside(partial(evaluation.explain, call, wrong.text, left), left + GRACE)
            verdict = evaluation.verdict()
        seconds = time.perf_counter() - began
    steps = min(len(verdict.slip), 2)
    how = "named" if verdict.diagnosis else ("neither", "located", "repaired")[steps]
    told = verdict.diagnosis or " ".join(verdict.slip)
    return Helped(how, bool(how != "neither" and wrong.is_right(verdict)), seconds, told)


def measured(exercise: Exercise, collection: str, count: int, show: bool) -> list[Helped]:
    """The help for so many wrong answers of one exercise, chosen at random but the same in each run."""
    names = dict(subjects(exercise)[1].names)
    everything, found = list(COLLECTIONS[collection](exercise)), list[Helped]()
    random.Random(exercise.id).shuffle(everything)
    for wrong in everything:
        if len(found) == count:
            break
        helped = help_for(wrong, names)
        if helped is None:
            continue
        found.append(helped)
        if show and not helped.is_right:
            print(f"    {helped.how:9s} {wrong.what} || told: {helped.told}")
    return found


def summary(found: list[Helped]) -> str:
    """Counts, shares and times."""
    if not found:
        return "no wrong answers"
    counts = {how: sum(each.how == how for each in found) for how in ("named", "repaired", "located", "neither")}
    helped = len(found) - counts["neither"]
    right = sum(each.is_right for each in found)
    times = [each.seconds for each in found]
    return (
        f"{len(found):4d} wrong: {', '.join(f'{how} {count}' for how, count in counts.items())}; "
        f"helped {100 * helped / len(found):.0f} %, of these right {100 * right / max(1, helped):.0f} %; "
        f"median {statistics.median(times):.2f} s, longest {max(times):.2f} s"
    )


def main() -> None:
    """Prints a line for each exercise and a summary of each collection."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="exercises or topics; default: all")
    parser.add_argument("--of", choices=COLLECTIONS, action="append", help="which collections; default: all three")
    parser.add_argument("--each", type=int, default=10, help="wrong answers for each exercise")
    parser.add_argument("--show", action="store_true", help="show those that get no help, or wrong help")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    ids = [id_ for id_ in ASSIGNMENTS.table.asked if not asked.names or {id_, id_.partition(".")[0]} & set(asked.names)]
    for collection in asked.of or COLLECTIONS:
        everything: list[Helped] = []
        for id_ in ids:
            found = measured(find(id_), collection, asked.each, asked.show)
            everything += found
            print(f"{collection:8s} {id_:34s} {summary(found)}", flush=True)
        print(f"{collection:8s} {'all':34s} {summary(everything)}\n")


if __name__ == "__main__":
    main()

"""Mutants that are right answers, with the reason why: `equivalent/<topic>.toml`.

    [["linear.predict"]]
    reason = "argmax of a row is the same counted from either end of its axes"
    mutants = ["reference | return np.asarray(np.argmax(scores, axis=1)) | 1 => -1"]

A mutant is named by its style, the line that is edited and the edit; `*` in a name matches anything. What stands under
`["*"]` holds for every exercise of the topic.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Equivalent", "equivalents", "reason_for", "unused"]

_FOLDER = Path(__file__).parent / "equivalent"
_KEYS = {"reason", "mutants"}
SHORTEST_REASON = 15


@dataclass(frozen=True)
class Equivalent:
    """Some mutants of an exercise, and why each of them is a right answer."""

    exercise: str
    reason: str
    mutants: tuple[str, ...]

    def covers(self, exercise: str, name: str) -> bool:
        """Whether a mutant is one of these."""
        return self.exercise in ("*", exercise) and any(_pattern(each).fullmatch(name) for each in self.mutants)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, name.split("*"))))


@cache
def equivalents(topic: str, folder: Path = _FOLDER) -> tuple[Equivalent, ...]:
    """All that the file of a topic lists; nothing where there is no file.

    Raises:
        ValueError: the file is not what it should be; the message names it and the entry.
    """
    path = folder / f"{topic}.toml"
    if not path.is_file():
        return ()
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    return tuple(_entry(path, id_, entry) for id_, entries in content.items() for entry in entries)


def _entry(path: Path, id_: str, entry: object) -> Equivalent:
    if not isinstance(entry, dict) or set(entry) != _KEYS:
        raise ValueError(f"{path}: an entry of {id_} needs a reason and a list of mutants, and nothing else")
    reason, mutants = entry["reason"], entry["mutants"]
    if not isinstance(reason, str) or len(reason) < SHORTEST_REASON:
        raise ValueError(f"{path}: an entry of {id_} has no reason that says anything: {reason!r}")
    if not isinstance(mutants, list) or not mutants or not all(isinstance(each, str) for each in mutants):
        raise ValueError(f"{path}: mutants of an entry of {id_} must be a list of names")
    return Equivalent(id_, reason, tuple(mutants))


def reason_for(exercise: str, name: str) -> str | None:
    """Why a mutant of an exercise is a right answer; None if nobody has said so."""
    topic = exercise.partition(".")[0]
    return next((each.reason for each in equivalents(topic) if each.covers(exercise, name)), None)


def unused(exercise: str, survivors: Iterable[str]) -> Sequence[str]:
    """The names listed for an exercise that match no surviving mutant: what they say is out of date."""
    alive = tuple(survivors)
    listed = [each for each in equivalents(exercise.partition(".")[0]) if each.exercise == exercise]
    return [
        name
        for each in listed
        for name in each.mutants
        if not any(_pattern(name).fullmatch(mutant) for mutant in alive)
    ]

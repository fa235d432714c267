"""The mutation score of every exercise, as it was last measured: `scores.toml`. It may not fall."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FILE", "Score", "kept", "written_down"]

FILE = Path(__file__).with_name("scores.toml")
_HEAD = (
    "# Written by `autograder prove --keep`: how many mutants of each exercise there are, and what became of them.\n\n"
)


@dataclass(frozen=True)
class Score:
    """How many mutants of an exercise lost points, have a reason for full marks, or survive without one."""

    killed: int
    equivalent: int
    surviving: int

    @property
    def mutants(self) -> int:
        """All of them."""
        return self.killed + self.equivalent + self.surviving

    @property
    def percent(self) -> float:
        """Killed mutants in percent of those that are wrong answers."""
        wrong = self.killed + self.surviving
        return 100.0 * self.killed / wrong if wrong else 100.0


def kept(file: Path = FILE) -> dict[str, Score]:
    """The scores by exercise."""
    return {id_: Score(**entry) for id_, entry in tomllib.loads(file.read_text("utf-8")).items()}


def written_down(scores: Mapping[str, Score]) -> str:
    """The file's text, in the order of the scores."""
    lines = [
        f'"{id_}" = {{ killed = {each.killed}, equivalent = {each.equivalent}, surviving = {each.surviving} }}\n'
        for id_, each in scores.items()
    ]
    return _HEAD + "".join(lines)

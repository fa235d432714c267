"""Where the inputs come from: a public seed for the visible cases, the course's secret for the hidden ones."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable

import numpy as np

from autograder.exercise import Case, DeclarationError, Exercise

__all__ = ["hidden_cases", "hidden_generator", "visible_cases", "visible_generator"]

PUBLIC_SEED = 20_170_612


def visible_generator(exercise: Exercise) -> np.random.Generator:
    """The same numbers on every machine, different for each exercise."""
    return np.random.default_rng([PUBLIC_SEED, zlib.crc32(exercise.id.encode())])


def hidden_generator(exercise: Exercise, secret: bytes) -> np.random.Generator:
    """Numbers that nobody can predict without the course's secret."""
    digest = hashlib.sha256(secret + exercise.id.encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))


def visible_cases(exercise: Exercise) -> tuple[Case, ...]:
    """The cases that students see, smallest first.

    Raises:
        DeclarationError: a case belongs to a group that gives no points.
    """
    return _in_known_groups(exercise, exercise.visible(visible_generator(exercise)))


def hidden_cases(exercise: Exercise, secret: bytes) -> tuple[Case, ...]:
    """The cases that only the grader uses.

    Raises:
        DeclarationError: a case belongs to a group that gives no points.
    """
    return _in_known_groups(exercise, exercise.hidden(hidden_generator(exercise, secret)))


def _in_known_groups(exercise: Exercise, cases: Iterable[Case]) -> tuple[Case, ...]:
    found = tuple(cases)
    for case in found:
        if case.group not in exercise.groups:
            raise DeclarationError(
                f"{exercise.id}: the case {case.name!r} belongs to the group {case.group!r}, which gives no points; "
                f"the groups are {', '.join(exercise.groups)}"
            )
    return found

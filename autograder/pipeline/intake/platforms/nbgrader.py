"""nbgrader's exchange, the folder `inbound`: `<login>+<assignment>+<2026-11-02 10:33:21.123456 UTC>[+<random>]/`."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC

from autograder.pipeline.intake.platforms.said import Person, Recogniser, Root, Said
from autograder.pipeline.moments import read_moment

__all__ = ["recogniser"]

_NAMED = re.compile(
    r"(?P<login>[^+]+)\+(?P<assignment>[^+]+)\+"
    r"(?P<time>\d{4}-\d\d-\d\d[ T_]\d\d.\d\d.\d\d(?:\.\d+)?(?: ?[A-Z]+)?)(?:\+.*)?"
)


def recogniser(root: Root) -> Recogniser:
    """Reads names that `nbgrader submit` gives; the id is the login."""
    return _said


def _said(path: tuple[str, ...]) -> Said | None:
    match = _NAMED.fullmatch(path[0])
    if match is None:
        return None
    moment = None
    with suppress(ValueError):
        moment = read_moment(match["time"], without_zone=UTC)
    login = match["login"]
    own = path[1:] == ("timestamp.txt",)
    return Said("nbgrader", (Person(login, login=login),), path[1:], moment=moment, by_platform=own)

"""Blackboard, *Assignment File Download*: `<assignment>_<login>_attempt_<YYYY-MM-DD-hh-mm-ss>_<file>`.

Beside the files of each attempt is a receipt, the same name without a file and with `.txt`. Its first lines give name,
login and time, often with a zone; below them stands what the student typed, which is not read.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from autograder.pipeline.intake.platforms.said import Person, Recogniser, Root, Said, shared_start
from autograder.pipeline.moments import read_moment

__all__ = ["recogniser"]

_NAMED = re.compile(r"(?P<head>.+?)_attempt_(?P<time>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)", re.DOTALL)
_NAME = re.compile(r"Name:\s*(?P<name>.*?)\s*\((?P<login>[^()]+)\)\s*")
_DATE = re.compile(r"Date Submitted:\s*(?:[^\W\d]+,\s*)?(?P<time>.+?)\s*")
_MOST_LINES = 4
_MOST_BYTES = 1_000


@dataclass(frozen=True)
class _Receipt:
    name: str = ""
    login: str = ""
    moment: datetime | None = None


def recogniser(root: Root) -> Recogniser:
    """Reads names that Blackboard gives; the id is the login."""
    matches = [match for name in root.names if (match := _NAMED.fullmatch(name))]
    receipts = {(m["head"], m["time"]): _receipt(root.read(m.string)) for m in matches if m["file"] is None}
    heads = {match["head"] for match in matches}
    shared = shared_start(heads).rpartition("_")[0] if len(heads) > 1 else ""

    def said(path: tuple[str, ...]) -> Said | None:
        match = _NAMED.fullmatch(path[0])
        if match is None:
            return None
        head = match["head"]
        receipt = receipts.get((head, match["time"]), _Receipt())
        login = receipt.login if head.endswith(f"_{receipt.login}") else ""
        login = login or (
            head[len(shared) + 1 :] if shared and head.startswith(f"{shared}_") else head.rpartition("_")[2]
        )
        file = (match["file"],) if match["file"] else (path[0],)
        return Said(
            "Blackboard",
            (Person(login, name=receipt.name, login=login),),
            (*file, *path[1:]),
            moment=receipt.moment,
            local=_local(match["time"]),
            by_platform=match["file"] is None,
        )

    return said


def _local(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S")
    except ValueError:
        return None


def _receipt(data: bytes) -> _Receipt:
    text = data[:_MOST_BYTES].decode("utf-8-sig", "replace")
    lines = text.splitlines()[:_MOST_LINES]
    name = next((match for line in lines[:1] if (match := _NAME.fullmatch(line))), None)
    date = next((match for line in lines if (match := _DATE.fullmatch(line))), None)
    moment = None
    if date is not None:
        with suppress(ValueError):
            moment = read_moment(date["time"])
    return _Receipt(name["name"], name["login"], moment) if name else _Receipt(moment=moment)

"""Moodle, *Download all submissions*: `<full name>_<number>_assignsubmission_<kind>`, as `mod_assign\\downloader` does.

With *Download submissions in folders* that is a folder (older versions end it with `_`), without it the beginning of
each file's name. `kind` is `file`, or `onlinetext` for what was typed in. Where marking is blind the name is the word
for a participant. The number is drawn for each person and assignment anew. Moodle's names say nothing of time.
"""

from __future__ import annotations

import re

from autograder.pipeline.intake.platforms.said import Person, Recogniser, Root, Said, without_ending

__all__ = ["recogniser"]

_NAMED = re.compile(r"(?P<name>[^_]+)_(?P<number>\d+)_assignsubmission_(?P<kind>[a-z]+)(?:_(?P<file>.+)|_)?", re.DOTALL)
_PARTICIPANT = re.compile(
    r"(?:participant|participante?|partecipante|teilnehmer(?:/in|\W?in)?|deelnemer|deltaker|deltagare?|uczestnik)"
    r"(?: \d+)?",
    re.IGNORECASE,
)


def recogniser(root: Root) -> Recogniser:
    """Reads names that Moodle gives; the id is the full name, or under blind marking the number."""
    found = {match["number"]: match["name"] for name in root.names if (match := _NAMED.fullmatch(name))}
    blind = len(found) > 2 and len(set(found.values())) == 1

    def said(path: tuple[str, ...]) -> Said | None:
        match = _NAMED.fullmatch(path[0] if len(path) == 1 else without_ending(path[0]))
        if match is None:
            return None
        name, number = match["name"].strip(), match["number"]
        hidden = blind or _PARTICIPANT.fullmatch(name) is not None
        person = Person(number, number=number) if hidden else Person(name, name=name, number=number)
        file = (match["file"],) if match["file"] else ()
        return Said("Moodle", (person,), (*file, *path[1:]), per_assignment=True)

    return said

"""Canvas, *Download Submissions*: `<name>[_LATE]_<user id>_<file id>_<file>`, as its `content_zipper.rb` writes them.

The name is `Last, First` in lower case without spaces and commas. Where marking is anonymous, names are
`[LATE_]anon_<id>_<file id>_<file>`, with an id for each assignment. Text typed in ends in `_text.html`, an address in
`_link.html`. File ids grow, so they order uploads. No mark means not late.
"""

from __future__ import annotations

import re

from autograder.pipeline.intake.platforms.said import Person, Recogniser, Root, Said

__all__ = ["recogniser"]

_TAIL = r"(?:(?P<upload>\d{3,})_(?P<file>.+)|(?P<typed>(?:text|link)\.html))"
_NAMED = re.compile(rf"(?P<name>.+?)(?P<late>_LATE)?_(?P<id>\d+)_{_TAIL}", re.DOTALL)
_QUIZ = re.compile(
    r"(?P<name>.*?[^\d_])_?(?P<late>_LATE)?_?(?P<id>\d+)_question_\d+_(?P<upload>\d+)_(?P<file>.+)", re.DOTALL
)
_ANONYMOUS = re.compile(rf"(?P<late>LATE_)?anon_(?P<id>[A-Za-z0-9]+)_{_TAIL}", re.DOTALL)


def recogniser(root: Root) -> Recogniser:
    """Reads names that Canvas gives; the id is Canvas's number."""
    return _said


def _said(path: tuple[str, ...]) -> Said | None:
    top = path[0]
    if match := _ANONYMOUS.fullmatch(top):
        person, anonymous = Person(f"anon_{match['id']}", number=match["id"]), True
    elif match := _named(top):
        person, anonymous = Person(match["id"], name=match["name"], number=match["id"]), False
    else:
        return None
    found = match.groupdict()
    upload, file = found.get("upload"), found.get("file") or found.get("typed") or ""
    return Said(
        "Canvas",
        (person,),
        (file, *path[1:]),
        per_assignment=anonymous,
        late=found["late"] is not None,
        sequence=int(upload[:18]) if upload else None,
    )


def _named(top: str) -> re.Match[str] | None:
    """The form whose number comes first: what follows the number was named by the student."""
    found = [match for form in (_QUIZ, _NAMED) if (match := form.fullmatch(top))]
    return min(found, key=lambda match: match.start("id"), default=None)

"""Answers to open questions, wherever they were written, are put into the question's answer cell as text.

Where that cell still holds its placeholder, the answer may stand in other cells of the same section, of whatever kind,
or in the question's own cell. Who grades by hand decides what it is worth: here only plain emptiness is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from keyword import iskeyword

from autograder.pipeline.cells import grade_id
from autograder.pipeline.intake.notebook_file import StudentCell
from autograder.pipeline.intake.plan import Plan
from autograder.pipeline.intake.statements import Binding, statements

__all__ = ["is_answer", "place_prose"]

_PLACEHOLDER = re.compile(r"YOUR\s{1,9}ANSWER\s{1,9}HERE", re.IGNORECASE)
_MARKUP = re.compile(r"</?[a-z][^<>]{0,200}>|&#?\w{1,20};|<!--|-->", re.IGNORECASE)
_HEADING = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*#+!?[ \t]?", re.MULTILINE)
_IMAGE = re.compile(r"!\[|<img\b", re.IGNORECASE)
_STRING = re.compile(r"[rbfu]{0,2}(\"{3}|'{3}|\"|')([^\"']+)\1", re.IGNORECASE)
_TWO_WORDS = re.compile(r"\b([^\W\d_]++)[,;:]?[ \t]++(?=([^\W\d_]++))")
_LATIN = re.compile(r"[\x00-\x7f]")
_SHOWN_TEXT = re.compile(r"\s*%%(?:markdown|html|latex)\b[^\n]*\n?", re.IGNORECASE)
_MOST_CELLS = 50
_LONGEST = 200_000
"""Characters of an answer that are put together from several cells."""
_FEW, _SEVERAL = 2, 5
"""Words of a text that is all there is, and of a string among code, that may be an answer."""


def is_answer(text: str) -> bool:
    """Whether an answer cell holds more than its placeholder."""
    rest = _PLACEHOLDER.sub("", _MARKUP.sub(" ", text))
    return any(map(str.isalnum, rest)) or _IMAGE.search(text) is not None


def place_prose(plan: Plan) -> None:
    """Fills the answer cells of the open questions."""
    copies = {cell.source.strip() for cell in plan.given if cell.cell_type == "markdown"}
    for slot in plan.solution_slots("markdown"):
        name = grade_id(plan.given[slot])
        claims = [i for i in sorted(plan.places) if plan.places[i] == slot]
        written = [i for i in claims if _is_written(plan.cells[i])]
        if written:
            _put_together(plan, slot, written)
            if len(claims) > 1:
                plan.note("more than one answer cell was handed in; they were put together", name)
            continue
        around = _around(plan, slot, claims)
        found = [i for i in around if plan.cells[i].source.strip() not in copies and _is_text(plan.cells[i])]
        if any(map(_counts, (plan.cells[i] for i in found))):
            _put_together(plan, slot, found)
            plan.note("answers to open questions were written outside their cells and put into them", name)
        elif claims:
            plan.answers[slot] = plan.cells[claims[-1]]
        else:
            plan.note("solution cells are missing; empty ones were put back", name)


def _is_written(cell: StudentCell) -> bool:
    return is_answer(cell.source) or bool(cell.images)


def _around(plan: Plan, slot: int, claims: Sequence[int]) -> list[int]:
    """The student's own cells of the question's section: between the given cells before and after its answer cell."""
    others = [(i, place) for i, place in sorted(plan.places.items()) if place not in (slot - 1, slot)]
    if claims:
        before = max((i for i, _ in others if i < claims[0]), default=-1)
        after = min((i for i, _ in others if i > claims[0]), default=len(plan.cells))
    elif plan.places:
        before = max((i for i, place in others if place < slot), default=-1)
        after = min((i for i, place in others if place > slot and i > before), default=len(plan.cells))
    else:
        return []
    return [i for i in plan.open_cells() if before < i < after][:_MOST_CELLS]


# --- what counts ------------------------------------------------------------------------------------------


def _is_text(cell: StudentCell) -> bool:
    """Whether a cell beside the answer cell belongs to the answer, once there is one."""
    return _counts(cell) if cell.kind == "code" else bool(cell.source.strip() or cell.images)


def _counts(cell: StudentCell) -> bool:
    """Whether a cell beside the answer cell is an answer: more than a heading, and more than plain code."""
    if cell.kind == "code":
        return _is_prose(cell.source)
    return bool(cell.images) or is_answer(_HEADING.sub("", cell.source))


def _is_prose(source: str) -> bool:
    """Whether a code cell holds words that are no Python, nothing but a comment or a string, or a long string."""
    source = source[:_LONGEST]
    if shown := _SHOWN_TEXT.match(source):
        return is_answer(source[shown.end() :])
    lines = [line for each in source.split("\n") if (line := each.strip())]
    if lines and all(line.startswith("#") for line in lines):
        return _words_in(source) >= _FEW and is_answer(source)
    code = [line.strip() for statement in statements(source) for line in statement.code]
    if code and all(line == '""' for line in code):
        return _words_in(source) >= _FEW and is_answer(source)
    if any(_words_in(string) >= _SEVERAL for _, string in _STRING.findall(source)):
        return True
    return any(_is_no_python(line) for line in code if not line.startswith(("%", "!", "?")))


def _words_in(text: str) -> int:
    return sum(any(map(str.isalpha, word)) for word in text.split())


def _is_no_python(line: str) -> bool:
    """Two names side by side, or signs of another script: no line of Python has them, but for its own words."""
    if any(not letter.isascii() and not letter.isalnum() for letter in line) or (
        len(line) > 3 and not _LATIN.search(line)
    ):
        return True
    soft = ("match", "case", "type", "print")
    return any(
        not iskeyword(one) and not iskeyword(two) and one not in soft
        for one, two in ((match[1], match[2]) for match in _TWO_WORDS.finditer(line) if match[0][-2:-1] not in ",;:")
    )


# --- putting together ---------------------------------------------------------------------------------------


def _put_together(plan: Plan, slot: int, found: Iterable[int]) -> None:
    """The cells' texts as one answer, with their images."""
    texts: list[str] = []
    images: dict[str, dict[str, str]] = {}
    for i in found:
        text, pictures = _renamed(_as_markdown(plan.cells[i]), plan.cells[i].images, images, i)
        if text not in texts and sum(map(len, texts)) + len(text) <= max(_LONGEST, len(text) if not texts else 0):
            texts.append(text)
            images |= pictures
        if i not in plan.places and not _is_needed(plan.cells[i]):
            plan.dropped.add(i)
    plan.answers[slot] = StudentCell("markdown", "\n\n".join(texts), images=images)


def _is_needed(cell: StudentCell) -> bool:
    """Whether a cell that is shown as an answer has to run as well: it defines or imports something."""
    found = statements(cell.source) if cell.kind == "code" else ()
    return any(one.imports or any(how is Binding.DEFINES for _, how in one.bound) for one in found)


def _as_markdown(cell: StudentCell) -> str:
    """A cell's text; what looks like code stays as it is written."""
    text = cell.source.strip("\n")
    if cell.kind != "code":
        return text or "\n".join(f"![]({'attachment:' + name})" for name in cell.images)
    if shown := _SHOWN_TEXT.match(text):
        return text[shown.end() :]
    lines = [line for line in text.split("\n") if line.strip()]
    if all(line.lstrip().startswith("#") for line in lines):
        return _COMMENT.sub("", text)
    bound = any(statement.bound for statement in statements(text))
    if '"' not in text and "(" not in text and not bound:
        return text
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}\n{text}\n{fence}"


def _renamed(
    text: str, pictures: dict[str, dict[str, str]], taken: dict[str, dict[str, str]], number: int
) -> tuple[str, dict[str, dict[str, str]]]:
    """Two cells may have a picture of the same name: the later one gets another."""
    renamed: dict[str, dict[str, str]] = {}
    for name, bundle in pictures.items():
        other = name
        if name in taken and taken[name] != bundle:
            other = f"{number}-{name}"
            text = text.replace(f"attachment:{name}", f"attachment:{other}")
        renamed[other] = bundle
    return text, renamed

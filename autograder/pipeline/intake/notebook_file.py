"""What a student handed in, read without trust: what the bytes of the notebook file say.

Only the structure of cells is kept: kind, source, the two ids that help to match a cell, and pasted pictures.
Outputs and all other metadata are dropped here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from autograder.pipeline.intake.decode import decode
from autograder.pipeline.intake.not_a_notebook import Unreadable, conflict_line, name_of_document
from autograder.pipeline.intake.pictures import Pasted

__all__ = ["StudentCell", "Submission", "Unreadable", "read_submission"]

_SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")
_KINDS = {"code": "code", "markdown": "markdown", "raw": "raw", "heading": "markdown", "html": "markdown"}
_MOST_REMARKS = 8


@dataclass(frozen=True)
class StudentCell:
    """One cell as handed in. The ids are claims: they say where a cell may belong, nothing more."""

    kind: str
    source: str
    grade_id: str = ""
    cell_id: str = ""
    images: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Submission:
    """The cells of a notebook and a sentence for each thing that was not as it should be."""

    cells: tuple[StudentCell, ...]
    flags: tuple[str, ...] = ()


def read_submission(data: bytes) -> Submission:
    """The cells in a notebook file, in nbformat 2 or later and in any of the usual encodings.

    Raises:
        Unreadable: the file is empty, not JSON, truncated, or not a notebook.
    """
    document, flags = decode(data)
    document = _unwrapped(document, flags)
    if not isinstance(document, dict):
        raise Unreadable(f"the file holds a JSON {_json_name(document)}, not a notebook")
    rows = _rows(document)
    pictures = Pasted()
    cells = [cell for row in rows if (cell := _cell(row, pictures)) is not None]
    version = document.get("nbformat")
    if version != 4:
        flags.append(f"the file has nbformat {ascii(version)[:20]}; its cells were read as nbformat 4")
    if len(cells) < len(rows):
        flags.append(f"{len(rows) - len(cells)} damaged cells were left out")
    return Submission(tuple(cells), (*flags, *pictures.left_out[:_MOST_REMARKS], *_conflicts(cells)))


def _unwrapped(document: Any, flags: list[str]) -> Any:
    """The notebook in an answer of Jupyter's server, or in a JSON string; anything else as it is."""
    if isinstance(document, str) and document.lstrip().startswith("{"):
        flags.append("the notebook stood in the file as one JSON string; it was read all the same")
        document, more = decode(document.encode("utf-8", "replace"))
        flags += more
    inner = document.get("content") if isinstance(document, dict) and "cells" not in document else None
    if isinstance(inner, dict) and "cells" in inner:
        flags.append("the file is an answer of Jupyter's server; the notebook in it was read")
        return inner
    return document


def _conflicts(cells: Iterable[StudentCell]) -> list[str]:
    """Marks of git that stand as text in a cell; the notebook is whole all the same."""
    marked = sum(1 for cell in cells if conflict_line(cell.source))
    if not marked:
        return []
    many = "a cell has" if marked == 1 else f"{marked} cells have"
    return [f"{many} git's conflict marks (<<<<<<<) in the text: an unfinished merge"]


def _json_name(value: Any) -> str:
    names: dict[type, str] = {list: "list", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")


def _rows(document: dict[str, Any]) -> list[Any]:
    """The raw cells; nbformat 2 and 3 keep them in worksheets."""
    rows = document.get("cells")
    sheets = document.get("worksheets")
    if rows is None and isinstance(sheets, list):
        found = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)]
        rows = [row for cells in found if isinstance(cells, list) for row in cells]
    if not isinstance(rows, list):
        if kind := name_of_document(document):
            raise Unreadable(f"the file is {kind}, not a notebook")
        raise Unreadable("the file is JSON but has no list of cells, so it is not a notebook")
    return rows


def _cell(row: Any, pictures: Pasted) -> StudentCell | None:
    kind = row.get("cell_type") if isinstance(row, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        return None
    source = row.get("source", row.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return None
    metadata = row.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = marks.get("grade_id") if isinstance(marks, dict) else None
    cell_id = row.get("id")
    attached = row.get("attachments")
    source, images = pictures.take(source, attached) if kind != "code" else (source, pictures.take("", attached)[1])
    return StudentCell(
        _KINDS[kind],
        _SURROGATE_OR_NUL.sub("\ufffd", source.replace("\r\n", "\n").replace("\r", "\n")),
        grade_id if isinstance(grade_id, str) else "",
        cell_id if isinstance(cell_id, str) else "",
        images,
    )

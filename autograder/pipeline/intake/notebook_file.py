"""What a student handed in, read without trust: which file it is, and what its bytes say.

Only the structure of cells is kept: kind, source, the two ids that help to match a cell, and pasted images.
Outputs and all other metadata are dropped here.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["StudentCell", "Submission", "Unreadable", "find_notebook", "read_submission"]

_DEPTH = 3
_MAX_ENTRIES = 10_000
_SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")
_KINDS = {"code": "code", "markdown": "markdown", "raw": "raw", "heading": "markdown", "html": "markdown"}
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


class Unreadable(Exception):
    """The file holds no notebook; `reason` says why in one plain sentence."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


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
    text, flags = _decode(data)
    document = _parse(text)
    if not isinstance(document, dict):
        raise Unreadable(f"the file holds a JSON {_json_name(document)}, not a notebook")
    rows = _rows(document)
    cells = [cell for row in rows if (cell := _cell(row)) is not None]
    version = document.get("nbformat")
    if version != 4:
        flags.append(f"the file has nbformat {ascii(version)[:20]}; its cells were read as nbformat 4")
    if len(cells) < len(rows):
        flags.append(f"{len(rows) - len(cells)} damaged cells were left out")
    return Submission(tuple(cells), tuple(flags))


def _decode(data: bytes) -> tuple[str, list[str]]:
    if not data.strip(b"\x00 \t\r\n"):
        raise Unreadable("the file is empty")
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    if not encoding and b"\x00" in data[:4]:
        encoding = "utf-16-le" if data[1:2] == b"\x00" else "utf-16-be"
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding:
            raise Unreadable(f"the file starts like {encoding} text but is not") from error
        return data.decode("latin-1"), ["the file is not UTF-8; it was read as latin-1"]
    if not encoding:
        return text, []
    name = "UTF-8 with a byte order mark" if encoding == "utf-8-sig" else encoding[:6].upper()
    return text, [f"the file is {name}; it was read all the same"]


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise Unreadable("the file is nested too deeply to be a notebook") from error
    except json.JSONDecodeError as error:
        line = error.lineno
        if error.pos >= len(text.rstrip()) or "Unterminated" in error.msg:
            raise Unreadable(f"the file ends abruptly in line {line}: it was not saved completely") from error
        raise Unreadable(f"the file is not JSON (line {line}, column {error.colno})") from error
    except ValueError as error:
        raise Unreadable("the file holds a number with too many digits to be a notebook") from error


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
        raise Unreadable("the file is JSON but has no list of cells, so it is not a notebook")
    return rows


def _cell(row: Any) -> StudentCell | None:
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
    return StudentCell(
        _KINDS[kind],
        _SURROGATE_OR_NUL.sub("\ufffd", source.replace("\r\n", "\n").replace("\r", "\n")),
        grade_id if isinstance(grade_id, str) else "",
        cell_id if isinstance(cell_id, str) else "",
        _images(row.get("attachments")),
    )


def _images(attachments: Any) -> dict[str, dict[str, str]]:
    """Images pasted into prose; whoever grades the answer by hand needs them."""
    images: dict[str, dict[str, str]] = {}
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        for kind, data in bundle.items() if isinstance(bundle, dict) else ():
            if kind in ("image/png", "image/jpeg", "image/gif") and isinstance(data, str) and data.isascii():
                images.setdefault(_SURROGATE_OR_NUL.sub("\ufffd", name), {})[kind] = data
    return images


# --- which file ------------------------------------------------------------------------------------------


def find_notebook(folder: Path, assignment: str) -> tuple[Path | None, str | None]:
    """The notebook handed in for an assignment, and one sentence if it is not simply where it should be.

    The expected name wins; else the only notebook there, else the only one with the assignment in its name.
    Links that lead out of the folder, pipes, devices and checkpoints are ignored.
    """
    expected = folder / f"{assignment}.ipynb"
    if _is_file_within(expected, folder):
        return expected, None
    if expected.is_symlink():
        return None, f"{expected.name} is a link that leads out of the submission or nowhere; it was not followed"
    found = sorted(path for path in _notebooks(folder) if _is_file_within(path, folder))
    named = [path for path in found if assignment.casefold() in path.name.casefold()]
    for paths in (found, named):
        if len(paths) == 1:
            shown = _printable(paths[0].relative_to(folder))
            return paths[0], f"{expected.name} is missing; {shown} was used instead"
    if found:
        names = ", ".join(_printable(path.relative_to(folder)) for path in found[:4])
        return None, f"{expected.name} is missing, and it is not clear which of {names} is meant"
    return None, f"{expected.name} was not handed in"


def _notebooks(folder: Path) -> Iterator[Path]:
    seen = 0
    for place, folders, files in os.walk(folder, followlinks=False):
        here = Path(place)
        deep = len(here.relative_to(folder).parts) >= _DEPTH
        folders[:] = [] if deep else [name for name in folders if not name.startswith((".", "__MACOSX"))]
        for name in files:
            seen += 1
            if seen > _MAX_ENTRIES:
                return
            plain = name.casefold().removesuffix(".txt").removesuffix(".json")
            if plain.endswith(".ipynb") and not name.startswith("."):
                yield here / name


def _is_file_within(path: Path, folder: Path) -> bool:
    try:
        real = path.resolve(strict=True)
        return real.is_relative_to(folder.resolve()) and stat.S_ISREG(real.stat().st_mode)
    except (OSError, RuntimeError, ValueError):
        return False


def _printable(path: Path) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in str(path))[:120]

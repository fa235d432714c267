"""What lies beside a notebook: pictures come along, other files are named."""

from __future__ import annotations

from collections.abc import Iterable

from autograder.pipeline.intake.archive import Entry
from autograder.pipeline.intake.names import is_notebook_name, shown
from autograder.pipeline.intake.pictures import LARGEST, LARGEST_TOGETHER, kind_of

__all__ = ["beside", "is_notebook", "is_picture", "what_it_is"]

MOST = 20
_LONGEST = 200
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")
_KINDS = {
    ".ipynb.pdf": "a printed notebook", ".pdf": "a PDF", ".html": "a web page", ".htm": "a web page",
    ".py": "a Python file", ".docx": "a Word file", ".doc": "a Word file", ".rar": "an archive that is no ZIP",
    ".7z": "an archive that is no ZIP", ".tar": "an archive that is no ZIP", ".gz": "an archive that is no ZIP",
    ".zip": "a ZIP without a notebook",
}  # fmt: skip


def is_notebook(name: str) -> bool:
    """Whether a file is a notebook by its name, and not a hidden one."""
    return is_notebook_name(name) and not name.startswith(".")


def is_picture(name: str) -> bool:
    """Whether a file is a picture by its name."""
    return name.casefold().endswith(_PICTURES)


def what_it_is(name: str) -> str:
    """A file's name, with what it is if that says why it cannot be graded."""
    kind = next((words for ending, words in _KINDS.items() if name.casefold().endswith(ending)), "")
    return f"{shown(name)} ({kind})" if kind else shown(name)


def beside(
    notebook: tuple[str, ...], pictures: Iterable[tuple[tuple[str, ...], Entry]], problems: list[str]
) -> dict[str, bytes]:
    """The pictures in the notebook's folder and below, by their paths from there.

    Their first bytes decide whether they are pictures. Number and size are bounded.

    Args:
        notebook: its path.
        pictures: paths and entries of files that are pictures by their names.
        problems: receives a sentence for each that is left out.
    """
    folder, total = notebook[:-1], 0
    found: dict[str, bytes] = {}
    for path, entry in pictures:
        if path[: len(folder)] != folder:
            continue
        name = path[len(folder) :]
        data = entry.reader() if _is_plain(name) and len(found) < MOST else None
        if data is None or len(data) > LARGEST or total + len(data) > LARGEST_TOGETHER:
            problems.append(f"{entry.shown}: more or larger pictures than come along; it was left out")
        elif not kind_of(data):
            problems.append(f"{entry.shown}: its bytes are no picture; it was left out")
        else:
            found["/".join(name)] = data
            total += len(data)
    return found


def _is_plain(name: tuple[str, ...]) -> bool:
    """Whether a path can be kept as it is; a folder with a dot could be called like a file that is there."""
    whole = "/".join(name)
    short = len(whole.encode("utf-8", "replace")) <= _LONGEST
    return short and whole.isprintable() and "\\" not in whole and not any("." in part for part in name[:-1])

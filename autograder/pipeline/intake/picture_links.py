"""Pictures that a student's text refers to: put into the notebook, or marked where they are missing.

nbgrader's formgrader and the feedback page show what is attached to a cell and stop at a reference to nothing. So
afterwards every reference leads to an attachment of that cell with a plain name, or is a visible mark.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from html import escape, unescape
from typing import Any
from urllib.parse import unquote

import nbformat
from nbformat import NotebookNode

from autograder.pipeline.cells import is_solution
from autograder.pipeline.intake.files_within import printable
from autograder.pipeline.intake.pictures import LARGEST_TOGETHER, Picture, why_not
from autograder.pipeline.intake.restore import Restored

__all__ = ["mark_missing", "show_pictures"]

_MOST_TEXT = 500_000
"""Letters of a notebook's prose that are searched."""
_MOST_SHOWN = 200
_TARGET = r"""<(?P<angled>[^<>\n]{1,500})>|(?P<plain>[^\s()<>]{1,500}(?:\([^\s()<>]{0,100}\)[^\s()<>]{0,200})?)
    |(?P<spaced>[^()<>\n]{1,200}?\.(?:png|jpe?g|gif|svg|webp|bmp|hei[cf]|tiff?))"""
_TITLE = r"""(?:\s{1,20}(?:"[^"\n]{0,200}"|'[^'\n]{0,200}'))?(?:\s{1,5}=\d{0,5}x\d{0,5})?"""
_IMAGE = re.compile(
    rf"(?P<mark>!?)\[(?P<alt>[^\]\n]{{0,300}})\]\(\s{{0,20}}(?:{_TARGET}){_TITLE}\s{{0,20}}\)", re.VERBOSE | re.I
)
_DEFINED = re.compile(r"^(?P<start> {0,3}\[[^\]\n]{1,100}\]:[ \t]{0,20})<?(?P<plain>[^\s<>]{1,500})>?", re.MULTILINE)
_TAG = re.compile(
    r"""<img\b(?P<before>[^<>]{0,500}?)\bsrc\s{0,5}=\s{0,5}
    (?:"(?P<double>[^"<>]{1,500})"|'(?P<single>[^'<>]{1,500})'|(?P<plain>[^\s"'<>]{1,500}?)(?=[\s/]{0,5}>|\s))(?P<after>[^<>]{0,500})>""",
    re.VERBOSE | re.I,
)
_LEFT = re.compile(r"\battachment:(?=\S)(?P<name>picture-\d{1,9}(?![\w.-]))?", re.I)
_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|bmp|hei[cf]|tiff?)\Z", re.I)
_DOCUMENT = re.compile(r"\.(?:pdf|docx?|odt|rtf|pages|txt|html?|zip|pptx?|mp4|mov)\Z", re.I)
_NOT_HERE = "not handed in"


def show_pictures(restored: Restored, master: NotebookNode, beside: Iterable[Picture]) -> Restored:
    """The restored notebook with the pictures of the student's prose attached to their cells.

    Args:
        restored: what `restore` made; its notebook is changed.
        master: the release, whose own cells stay as they are.
        beside: the picture files in the student's folder.
    """
    shown = _Shown(beside)
    given = {cell.source for cell in master.cells if cell.cell_type == "markdown" and not is_solution(cell)}
    for cell in restored.notebook.cells:
        if cell.cell_type == "markdown" and cell.source not in given:
            shown.put_into(cell)
    return replace(restored, flags=(*restored.flags, *shown.flags()))


def mark_missing(cell: NotebookNode) -> None:
    """Marks each reference of a Markdown cell to an attachment that it does not have."""
    if "attachment:" in cell.source:
        _Shown(()).put_into(cell)


_Writer = Callable[[re.Match[str], str, dict[str, str], str], str]


class _Shown:
    """The pictures that may be shown, and what became of each reference so far."""

    def __init__(self, beside: Iterable[Picture]) -> None:
        self.by_path: dict[str, Picture] = {}
        self.by_name: dict[str, Picture] = {}
        for picture in beside:
            self.by_path.setdefault(_plain(picture.name), picture)
            self.by_name.setdefault(_plain(picture.name).rpartition("/")[2], picture)
        self.text_left, self.bytes_left, self.count = _MOST_TEXT, LARGEST_TOGETHER, 0
        self.taken: dict[str, None] = {}
        self.missing: dict[str, None] = {}
        self.linked: dict[str, None] = {}

    def flags(self) -> Iterator[str]:
        """A sentence about the pictures that were put in, one about those that are missing, one about other files."""
        for said, names in (
            ("pictures beside the notebook are shown in it", self.taken),
            ("pictures not shown, their place is marked", self.missing),
            ("files that the text links to are not shown", self.linked),
        ):
            if names:
                more = f" and {len(names) - 5} more" if len(names) > 5 else ""
                yield f"{said}: {', '.join([*names][:5])}{more}"

    def put_into(self, cell: NotebookNode) -> None:
        """Rewrites the references of one cell."""
        attached = cell.pop("attachments", {})
        self.text_left -= len(cell.source)
        kept: dict[str, Any] = {}
        if self.text_left >= 0:
            for pattern, write in ((_IMAGE, _image), (_TAG, _tag), (_DEFINED, _defined)):
                rewritten = partial(self._rewritten, write, attached, kept)
                cell.source = pattern.sub(rewritten, cell.source)
        cell.source = _LEFT.sub(lambda left: left[0] if left["name"] in kept else f"missing-{left[0]}", cell.source)
        if kept:
            cell.attachments = nbformat.from_dict(kept)

    def _rewritten(self, write: _Writer, attached: dict[str, Any], kept: dict[str, Any], found: re.Match[str]) -> str:
        return write(found, *self._resolved(found, attached, kept))

    def _resolved(
        self, found: re.Match[str], attached: dict[str, Any], kept: dict[str, Any]
    ) -> tuple[str, dict[str, str], str]:
        """The attachment's name and content for a reference; or no name, and what to call what is missing."""
        target = next(filter(None, (found.groupdict().get(key) for key in _GROUPS)))
        if document := _document(found, target):
            self.linked.setdefault(printable(unquote(document))[:60])
        if not _is_picture(found, target) or target.casefold().startswith("data:"):
            return "", {}, ""
        called = printable(unquote(target).replace("\\", "/").rpartition("/")[2] or target)[:60]
        called = called.removeprefix("attachment:")
        bundle, why = self._bundle(target, attached)
        if bundle is None:
            self.missing.setdefault(f"{called} ({why})")
            return "", {}, f"{called}: {why}" if why != _NOT_HERE else called
        self.count += 1
        name = f"picture-{self.count}"
        kept[name] = bundle
        return name, bundle, ""

    def _bundle(self, target: str, attached: dict[str, Any]) -> tuple[dict[str, str] | None, str]:
        """The picture that a reference means, by media type; or why there is none."""
        if self.count >= _MOST_SHOWN:
            return None, f"more than {_MOST_SHOWN} pictures"
        path = unescape(target)
        if path.casefold().startswith("attachment:"):
            path = path[len("attachment:") :]
            bundle = attached.get(path) or attached.get(unquote(path))
            if bundle:
                return self._within(dict(bundle))
        elif re.match(r"(?:https?:)?//", path, re.I):
            return None, "it lies on the web, outside of what was handed in"
        path = _plain(unquote(path.partition("?")[0].partition("#")[0]))
        picture = self.by_path.get(path) or self.by_name.get(path.rpartition("/")[2])
        if picture is None:
            return None, _NOT_HERE
        kind, why = why_not(picture.data) if not picture.fault else ("", picture.fault)
        if why:
            return None, why
        bundle, why = self._within({kind: base64.b64encode(picture.data).decode("ascii")})
        if bundle:
            self.taken.setdefault(printable(picture.name)[:60])
        return bundle, why

    def _within(self, bundle: dict[str, str]) -> tuple[dict[str, str] | None, str]:
        size = sum(map(len, bundle.values())) * 3 // 4
        if size > self.bytes_left:
            return None, f"the pictures have more than {LARGEST_TOGETHER / 1e6:.0f} MB together"
        self.bytes_left -= size
        return bundle, ""


_GROUPS = ("angled", "plain", "spaced", "double", "single")


def _plain(path: str) -> str:
    """A path for comparing: one form of each letter, without what leads to the folder itself."""
    path = unicodedata.normalize("NFC", path).casefold().replace("\\", "/")
    return re.sub(r"\A(?:\./)+", "", path)


def _is_picture(found: re.Match[str], target: str) -> bool:
    """A link or a definition may lead anywhere; it is a picture's if it ends like one."""
    if found.re is _TAG or (found.re is _IMAGE and found["mark"]):
        return True
    web = re.match(r"(?:https?:)?//", target, re.I)
    return target.casefold().startswith("attachment:") or (bool(_PICTURE.search(target)) and not web)


def _mark(missing: str) -> str:
    """A mark in bold; nothing in it is Markdown."""
    plain = re.sub(r"([^\w\s.,:()-]|_)", r"\\\1", missing)
    return rf"**\[picture missing: {plain}\]**"


def _document(found: re.Match[str], target: str) -> str:
    """The name of a document that the text links to and no page shows, such as a PDF; empty for anything else."""
    is_link = found.re is _IMAGE and not found["mark"] and not re.match(r"[a-z]{2,10}:|//|#", target, re.I)
    return target.replace("\\", "/").rpartition("/")[2] if is_link and _DOCUMENT.search(target) else ""


def _image(found: re.Match[str], name: str, bundle: dict[str, str], missing: str) -> str:
    if missing:
        return f"{found['alt']} {_mark(missing)}".strip()
    return f"![{found['alt']}](attachment:{name})" if name else found[0]


def _tag(found: re.Match[str], name: str, bundle: dict[str, str], missing: str) -> str:
    if missing:
        return f"<strong>[picture missing: {escape(missing)}]</strong>"
    if not name:
        return found[0]
    kind, data = next(iter(bundle.items()))
    return f'<img{found["before"]}src="data:{kind};base64,{data}"{found["after"]}>'


def _defined(found: re.Match[str], name: str, bundle: dict[str, str], missing: str) -> str:
    if missing:
        plain = re.sub(r"[^\w.-]", "-", missing)
        return f"{found['start']}missing-attachment:{plain}"
    return f"{found['start']}attachment:{name}" if name else found[0]

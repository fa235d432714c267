"""Pictures of an answer: which bytes are one, pasted into a cell or lying beside the notebook.

The first bytes decide the kind, never the name. An SVG is a document: it is taken if nothing in it acts or loads, and
is only ever shown inside `<img>`, where browsers run no script of it.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.pipeline.intake.files_within import is_file_within, printable, walk

__all__ = ["LARGEST", "LARGEST_TOGETHER", "Pasted", "Picture", "kind_of", "pictures_beside", "why_not"]

LARGEST = 10_000_000
LARGEST_TOGETHER = 30_000_000
"""Bytes of one picture, and of all in one submission."""
_MOST = 60
_ENDINGS = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".svg", ".webp",
    ".bmp", ".heic", ".heif", ".tif", ".tiff", ".avif",
)  # fmt: skip
_SMALLEST = {"image/png": 57, "image/jpeg": 100, "image/gif": 20, "image/webp": 20, "image/svg+xml": 6}
_ACTIVE = re.compile(
    r"<\s*(?:[\w-]{1,40}:)?(?:script|iframe|embed|object|handler)\b|<!entity|<!doctype[^>]{0,1000}\[|javascript:"
    r"|\bon(?:load|error|unload|abort|resize|scroll|click|begin|end|repeat|zoom|(?:mouse|focus|key|pointer|touch|activ"
    r"|anim|wheel|drag|copy|cut|paste|toggle)[a-z]{0,20})\s{0,20}=",
    re.IGNORECASE,
)
_SURROGATE_OR_NUL = re.compile("[\x00\ud800-\udfff]")
_INLINE = re.compile(r"data:image/[a-z0-9.+-]{2,20};base64,([A-Za-z0-9+/=]+)")


@dataclass(frozen=True)
class Picture:
    """A picture file: its path from the student's folder, with `/`, and its bytes, or why they were not taken."""

    name: str
    data: bytes = field(default=b"", repr=False)
    fault: str = ""


def kind_of(data: bytes) -> str:
    """The media type of a picture that pages can show; empty for anything else."""
    for mark, kind in ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif")):
        if data.startswith(mark):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    head = data[:4000].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "image/svg+xml" if head.startswith(b"<") and b"<svg" in head else ""


def why_not(data: bytes) -> tuple[str, str]:
    """The kind of a picture and why it cannot be shown; the second is empty where it can."""
    kind = kind_of(data)
    if len(data) > LARGEST:
        return kind, f"it has {len(data) / 1e6:.0f} MB, more than {LARGEST / 1e6:.0f}"
    if not kind:
        return "", "its bytes are no picture that a page can show (PNG, JPEG, GIF, WebP or SVG)"
    if len(data) < _SMALLEST[kind]:
        return kind, "it is damaged"
    if kind == "image/svg+xml":
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return kind, "it is no UTF-8 text"
        if _ACTIVE.search(text):
            return kind, "it is an SVG that acts or loads something"
    return kind, ""


class Pasted:
    """Takes the pictures out of the cells of one notebook, up to the size that all may have together."""

    def __init__(self) -> None:
        self.left = LARGEST_TOGETHER
        self.left_out: list[str] = []
        self.inline = 0

    def take(self, source: str, attachments: Any) -> tuple[str, dict[str, dict[str, str]]]:
        """A cell's source and its pictures, as nbformat has attachments, each with the kind that its bytes show.

        Notebooks have base64 text in attachments, as one string or as lines; SVG may also stand there as it is. Colab
        writes a picture into the source itself; it becomes an attachment too.
        """
        images: dict[str, dict[str, str]] = {}
        for name, bundle in list(attachments.items())[:_MOST] if isinstance(attachments, dict) else ():
            shown = _SURROGATE_OR_NUL.sub("\ufffd", name)
            values = list(bundle.values())[:4] if isinstance(bundle, dict) else []
            if found := self._shown(shown, [_bytes_of(value) for value in values]):
                images[shown] = found

        def taken_out(inline: re.Match[str]) -> str:
            name = f"inline-{self.inline}"  # another for each, for cells may be put together
            self.inline += 1
            if found := self._shown("a picture in the text", [_bytes_of(inline[1])]):
                images[name] = found
            return f"attachment:{name}"

        return _INLINE.sub(taken_out, source), images

    def _shown(self, name: str, candidates: list[bytes | None]) -> dict[str, str]:
        found, fault = {}, "it is empty"
        for data in candidates:
            kind, why = why_not(data) if data is not None else ("", "its text is no base64")
            if not why and len(data or b"") > self.left:
                why = f"the pictures have more than {LARGEST_TOGETHER / 1e6:.0f} MB together"
            if why:
                fault = why
            else:
                found[kind] = base64.b64encode(data or b"").decode("ascii")
                self.left -= len(data or b"")
        if not found:
            self.left_out.append(f"the picture {printable(name)} is not shown: {fault}")
        return found


def _bytes_of(value: Any) -> bytes | None:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str) or len(value) > 2 * LARGEST:
        return None
    if value.lstrip("\ufeff \t\r\n").startswith("<"):
        return value.encode("utf-8", "replace")
    try:
        return base64.b64decode(re.sub(r"\s+", "", value), validate=True)
    except (binascii.Error, ValueError):
        return None


def pictures_beside(folder: Path) -> tuple[Picture, ...]:
    """The picture files in a student's folder: regular ones within it, of limited number and size.

    Whether they are pictures is for whoever shows them to find out.
    """
    found: list[Picture] = []
    left = LARGEST_TOGETHER
    for path in sorted(walk(folder, lambda name: name.casefold().endswith(_ENDINGS))):
        if len(found) == _MOST:
            break
        if not is_file_within(path, folder):
            continue
        name = unicodedata.normalize("NFC", os.fsencode(path.relative_to(folder).as_posix()).decode("utf-8", "replace"))
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST + 1)
        except OSError as error:
            found.append(Picture(name, fault=error.strerror or str(error)))
            continue
        fault = f"it has more than {LARGEST / 1e6:.0f} MB" if len(data) > LARGEST else ""
        if not fault and len(data) > left:
            fault = f"the pictures have more than {LARGEST_TOGETHER / 1e6:.0f} MB together"
        found.append(Picture(name, b"" if fault else data, fault))
        left -= 0 if fault else len(data)
    return tuple(found)

"""Files that are called .ipynb and are something else, told by how they begin."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["Unreadable", "conflict_line", "name_of_bytes", "name_of_document", "name_of_text"]

_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x89PNG\r\n\x1a\n", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"SQLite format 3\x00", "a database (SQLite)"),
    (b"\x89HDF\r\n\x1a\n", "a data file (HDF5)"),
    (b"\x93NUMPY", "a saved array (.npy)"),
    (b"bplist00", "a placeholder of iCloud, whose content was never downloaded"),
    (b"\x00\x05\x16\x07", "macOS's companion of another file (its name starts with ._)"),
    (b"\x00\x05\x16\x00", "macOS's companion of another file (its name starts with ._)"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
)
_HTML = re.compile(
    r"(?:<!--.{0,2000}?-->\s{0,100}|<\?xml[^>]{0,200}\?>\s{0,100})?<(?:!doctype\s+html|html|head|body)\b"
)
_LOGIN = re.compile(r"type=[\"']?password|log[ -]?in|sign[ -]?in|anmelde|single sign-on|\bsso\b|shibboleth|saml")
_PYTHON = re.compile(
    r"(?:#!|# ?%%|\"\"\"|'''|# -\*-|# In ?\[|import \w|from [\w.]+ import |def \w+\(|class \w+[(:]|@\w|# ?---|# )"
)
_PYTHON_LINE = re.compile(r"^(?:import \w|from [\w.]+ import |def \w+\(|class \w+[(:]|\w+ = )", re.MULTILINE)
_CONFLICT = re.compile(r"^[ \t]*<{7}(?: |\r?$)", re.MULTILINE)
_END = re.compile(r"^[ \t]*(?:={7}\r?$|>{7}(?: |\r?$))", re.MULTILINE)
_HEAD = 4_000


class Unreadable(Exception):
    """The file holds no notebook; `reason` says why in one plain sentence."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def name_of_bytes(data: bytes) -> str:
    """What a file is that begins like another kind of file; empty if it may be text."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "a picture (WebP)"
    if data[4:12] in (b"ftypheic", b"ftypmif1", b"ftypheix"):
        return "a picture (HEIC)"
    return next((name for mark, name in _SIGNATURES if data.startswith(mark)), "")


def name_of_text(text: str) -> str:
    """What a text is that is no JSON; empty if that is not clear."""
    head = text.lstrip("\ufeff\x00 \t\r\n")[:_HEAD].casefold()
    if _HTML.match(head):
        if "jp-notebook" in text[:200_000].casefold() or "jp-cell" in text[:2_000_000].casefold():
            return "a notebook exported as a web page (HTML)"
        login = _LOGIN.search(text[:200_000].casefold())
        return "a web page" + (" to log in, saved in the notebook's place" if login else "")
    for start, name in (
        ("version https://git-lfs.github.com/", "a pointer of Git LFS, which stands for the file itself"),
        ("<?xml", "an XML document"),
        ("<svg", "a picture (SVG)"),
        ("[internetshortcut]", "a link to a web page"),
        ("mime-version:", "an e-mail or a saved web page"),
        ("from: <saved by", "a saved web page (MHTML)"),
        ("%!ps", "a PostScript document"),
        ("\\documentclass", "a LaTeX document"),
        ("diff --git", "a diff of git"),
    ):
        if head.startswith(start):
            return name
    stripped = text.lstrip("\ufeff\x00 \t\r\n")[:_HEAD]
    if _PYTHON.match(stripped) and _PYTHON_LINE.search(stripped):
        return "Python text (a .py file under another name)"
    return ""


def name_of_document(document: dict[str, Any]) -> str:
    """What a JSON object is that holds no cells; empty if that is not clear."""
    address = document.get("url")
    if isinstance(address, str) and "google.com" in address[:200]:
        return "a link to Google Drive, which stands for the file itself"
    if "doc_id" in document and "email" in document:
        return "a link to Google Drive, which stands for the file itself"
    if "paragraphs" in document:
        return "a Zeppelin notebook"
    if "message" in document or "error" in document or "errors" in document:
        return "a server's error message"
    return ""


def conflict_line(text: str) -> int:
    """The line of the first conflict mark of git, counted from 1; 0 if there is none."""
    mark = _CONFLICT.search(text)
    if mark is None or _END.search(text, mark.end()) is None:
        return 0
    return text.count("\n", 0, mark.start()) + 1

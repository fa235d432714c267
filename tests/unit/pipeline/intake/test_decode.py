"""What a disk, a cloud folder, a merge or a download leaves in a file that is called .ipynb."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autograder.pipeline.intake.notebook_file import Unreadable, read_submission

NOTEBOOK = {
    "cells": [{"cell_type": "code", "source": ["x = 1\n", "y = 'ü'"]}, {"cell_type": "markdown", "source": "Because."}],
    "metadata": {},
    "nbformat": 4,
    "nbformat_minor": 5,
}
TEXT = json.dumps(NOTEBOOK, indent=1, ensure_ascii=False)
SOURCES = ["x = 1\ny = 'ü'", "Because."]


@pytest.mark.parametrize(
    ("data", "flag"),
    [
        (TEXT + TEXT[-120:], "older, longer file"),
        (TEXT + "\n}\n", "older, longer file"),
        (TEXT + "0a3f", "older, longer file"),
        (TEXT.encode() + b"\x00" * 4096, "4096 zero bytes stand after"),
        (TEXT.encode() + b"\x00\r\n\x00", "2 zero bytes stand after"),
        (TEXT.encode() + b"\xbc\xff\xfe tail", "bytes that are no text stand after"),
        (b"\x00" * 512 + TEXT.encode(), "starts with 512 zero bytes"),
        (TEXT + "\n" + TEXT.replace("x = 1", "x = 2"), "two notebooks stand in one file"),
        (TEXT[:90] + TEXT, "starts with a broken notebook; the whole one that follows"),
        (json.dumps(TEXT), "one JSON string"),
        (json.dumps({"name": "x.ipynb", "type": "notebook", "content": NOTEBOOK}), "answer of Jupyter's server"),
        (b"\xef\xbb\xbf" + TEXT.encode() + b"\x00\x00", "2 zero bytes stand after"),
        (TEXT.encode("utf-16") + "\n}".encode("utf-16-le"), "older, longer file"),
    ],
    ids=range(13),
)  # fmt: skip
def test_a_whole_notebook_is_read_and_flagged(data: str | bytes, flag: str) -> None:
    read = read_submission(data.encode() if isinstance(data, str) else data)
    assert [cell.source for cell in read.cells] == SOURCES
    assert any(flag in one for one in read.flags), read.flags


def test_zeros_inside_a_text_cost_that_text_alone() -> None:
    read = read_submission(TEXT.replace("x = 1", "\x00" * 512).encode())
    assert [cell.source for cell in read.cells][1:] == SOURCES[1:]
    assert "512 zero bytes" in read.flags[0]


def in_conflict(mark: str = "\n") -> str:
    lines = TEXT.split("\n")
    lines[4:5] = ["<<<<<<< HEAD", '    "x = 1\\n",', "=======", '    "x = 2\\n",', ">>>>>>> 3f2a main"]
    return mark.join(lines)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (in_conflict(), "an unfinished git merge: line 5"),
        (in_conflict("\r\n"), "an unfinished git merge: line 5"),
        (in_conflict().replace("=======", "||||||| base\n=======").encode("utf-16"), "an unfinished git merge: line 5"),
        (f"<<<<<<< Updated upstream\n{TEXT}\n=======\n{TEXT}\n>>>>>>> Stashed changes\n", "git merge: line 1"),
        (b"\x00" * 512 + TEXT.encode()[512:], "its first 512 bytes are zero|empty but for"),
        (TEXT[:60] + "\x00" * 64 + TEXT[124:], "64 zero bytes stand in line"),
        (bytes(4096), "empty but for zero bytes"),
        (b"", "the file is empty"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF, not a notebook"),
        (b"PK\x03\x04\x14\x00", "a ZIP archive or an Office document"),
        (b"{\\rtf1\\ansi {}}", r"a text document \(RTF\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", "an old Office document"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"\x89PNG\r\n\x1a\n\x00", r"a picture \(PNG\)"),
        (b"bplist00\xd4\x01", "placeholder of iCloud"),
        (b"\x00\x05\x16\x07\x00\x02", "macOS's companion"),
        ("<!DOCTYPE html>\n<html><body>Please <b>sign in</b></body></html>", "a web page to log in"),
        ('\ufeff\n<html lang="de"><head><title>01</title></head></html>', "a web page, not"),
        ('<!DOCTYPE html><html><head></head><body class="jp-Notebook">log in</body></html>', "a notebook exported as"),
        ("<!-- saved from url -->\n<HTML></HTML>", "a web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a pointer of Git LFS"),
        ("import numpy as np\n\ndef scores(x):\n    return x\n", "Python text"),
        ("#!/usr/bin/env python\n# coding: utf-8\n\n# In[1]:\n\nimport numpy as np\n", "Python text"),
        ("# %% [markdown]\n# # 1\n\n# %%\nx = 1\n", "Python text"),
        ("[InternetShortcut]\nURL=https://example.org\n", "a link to a web page"),
        ('{"url": "https://docs.google.com/document/d/1", "doc_id": "1"}', "a link to Google Drive"),
        ('{"doc_id": "1", "resource_key": "", "email": "a@example.org"}', "a link to Google Drive"),
        ('{"message": "Not Found", "documentation_url": "x"}', "a server's error message"),
        (TEXT[: len(TEXT) // 2], "ends abruptly"),
        ("I hand it in tomorrow.", "is not JSON"),
        ('{"nbformat": 4} {"nbformat": 4}', "is not JSON"),
    ],
    ids=range(33),
)  # fmt: skip
def test_what_is_no_notebook_is_named_for_what_it_is(data: str | bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason) as caught:
        read_submission(data.encode() if isinstance(data, str) else data)
    assert "\n" not in caught.value.reason
    assert len(caught.value.reason) < 160


def test_conflict_marks_that_are_text_of_a_cell_are_flagged() -> None:
    document: dict[str, Any] = json.loads(TEXT)
    document["cells"][0]["source"] = ["<<<<<<< local\n", "x = 1\n", "=======\n", "x = 2\n", ">>>>>>> remote"]
    read = read_submission(json.dumps(document).encode())
    assert len(read.cells) == 2
    assert read.flags == ("a cell has git's conflict marks (<<<<<<<) in the text: an unfinished merge",)


def test_shifted_bits_and_arrows_are_no_conflict() -> None:
    document: dict[str, Any] = json.loads(TEXT)
    document["cells"][0]["source"] = "print('<<<<<<<')\nTitle\n=======\n# <<<<<<< here"
    assert read_submission(json.dumps(document).encode()).flags == ()

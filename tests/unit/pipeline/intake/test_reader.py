"""Notebook files that are made to kill their reader."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.pipeline.intake import reader_process
from autograder.pipeline.intake.notebook_file import Unreadable, read_submission
from autograder.pipeline.intake.reader_process import read_apart


@pytest.fixture(autouse=True)
def a_child_of_its_own():
    """Each test starts without the child that another left: its limits may be others."""
    reader_process.close()
    yield
    reader_process.close()


def children() -> set[int]:
    own = str(os.getpid())
    return {
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1] == own
    }


def test_reads_what_the_plain_reader_reads(answered: NotebookNode) -> None:
    for data in (nbformat.writes(answered).encode(), b"\xff\xfe" + nbformat.writes(answered).encode("utf-16-le")):
        assert read_apart(data) == read_submission(data)
    with pytest.raises(Unreadable, match="not JSON"):
        read_apart(b"x")


def test_one_child_serves_many_files_and_ends() -> None:
    before = children()
    for _ in range(3):
        assert read_apart(b'{"cells": [], "nbformat": 4}').cells == ()
    (child,) = children() - before
    os.kill(child, signal.SIGKILL)
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT) is None:
        pass
    assert read_apart(b'{"cells": [], "nbformat": 4}').cells == ()
    reader_process.close()
    assert children() <= before


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_unreadable(opening: bytes) -> None:
    with pytest.raises(Unreadable, match=r"nested too deeply|memory"):
        read_apart(opening * 5_000_000)
    assert read_apart(b'{"cells": []}').cells == ()


def test_a_file_that_takes_all_memory_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_process, "MEMORY_BYTES", 200_000_000)
    lists = b"[" + b"[],{}," * 2_000_000 + b"0]"
    with pytest.raises(Unreadable, match="memory"):
        read_apart(lists)
    assert read_apart(b'{"cells": []}').cells == ()


def test_a_file_that_takes_long_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_process, "SECONDS", 0.0)
    with pytest.raises(Unreadable, match="more than 0 s"):
        read_apart(b"[" * 1_000_000)


def test_large_outputs_are_read_and_dropped() -> None:
    cell = {"cell_type": "code", "source": "x = 1", "outputs": [{"data": {"text/plain": "a" * 60_000_000}}]}
    assert [one.source for one in read_apart(json.dumps({"cells": [cell]}).encode()).cells] == ["x = 1"]


def test_floods_of_cells_and_of_text_are_cut_or_refused() -> None:
    many = json.dumps({"nbformat": 4, "cells": [{"cell_type": "code", "source": "x"}] * 5000}).encode()
    read = read_apart(many)
    assert len(read.cells) == 2000
    assert read.flags == ("it has 5000 cells; the first 2000 were read",)
    with pytest.raises(Unreadable, match="8 million characters"):
        read_apart(json.dumps({"cells": [{"cell_type": "code", "source": "x" * 8_000_000}]}).encode())

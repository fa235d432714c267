"""Reads notebook files in a child process with tight limits: a file can be made to exhaust memory or never end.

One child serves this process, file after file, and is replaced when a file is too much for it. It answers with the
cells' kinds, sources, ids and pasted images as flat JSON of limited size; nothing else in a file comes back.
"""

from __future__ import annotations

import atexit
import json
import os
import selectors
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from autograder.pipeline.intake.notebook_file import StudentCell, Submission, Unreadable, read_submission

__all__ = ["close", "main", "read_apart"]

SECONDS = 60.0
MEMORY_BYTES = 2 << 30
MOST_CELLS = 2_000
MOST_SOURCE = 5_000_000
_MOST_ANSWER = 200_000_000
_TOO_MUCH = "reading it takes more memory than a notebook may"
_LENGTH = struct.Struct("!Q")


def read_apart(data: bytes) -> Submission:
    """Runs `read_submission` in the limited child.

    Raises:
        Unreadable: as `read_submission`, or the file was too much for the child.
    """
    with _reader.lock:
        answer = json.loads(_reader.ask(data))
    if "unreadable" in answer:
        raise Unreadable(str(answer["unreadable"]))
    return Submission(tuple(StudentCell(**cell) for cell in answer["cells"]), tuple(answer["flags"]))


def close() -> None:
    """Ends the child; the next file starts a fresh one."""
    with _reader.lock:
        _reader.end()


class _Reader:
    """The child and the pipes to it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._owner = os.getpid()
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, data: bytes) -> bytes:
        """The child's answer; Unreadable if it died or took too long."""
        child = self._living()
        try:
            return self._exchange(child, _LENGTH.pack(len(data)) + data)
        except BaseException:
            self.end()
            raise

    def _living(self) -> subprocess.Popen[bytes]:
        if self._child is not None and (self._owner != os.getpid() or self._child.poll() is not None):
            self.end()
        if self._child is None:
            root = str(Path(__file__).resolve().parents[3])
            command = [sys.executable, "-P", "-m", "autograder.pipeline.intake.reader_process", str(MEMORY_BYTES)]
            environment = {"PYTHONPATH": root, "PATH": os.defpath, "PYTHONUTF8": "1"}
            pipe = subprocess.PIPE
            self._child = subprocess.Popen(
                command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, start_new_session=True
            )
            self._owner = os.getpid()
            for stream in (self._child.stdin, self._child.stdout):
                assert stream is not None
                os.set_blocking(stream.fileno(), False)
        return self._child

    def _exchange(self, child: subprocess.Popen[bytes], question: bytes) -> bytes:
        assert child.stdin is not None
        assert child.stdout is not None
        to_child, from_child = child.stdin.fileno(), child.stdout.fileno()
        left, answer, end = memoryview(question), bytearray(), time.monotonic() + SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(to_child, selectors.EVENT_WRITE)
            selector.register(from_child, selectors.EVENT_READ)
            while not (whole := _whole(answer)):
                ready = selector.select(max(0.0, end - time.monotonic()))
                if not ready:
                    raise Unreadable(f"reading it takes more than {SECONDS:g} s")
                for key, _ in ready:
                    if key.fd == to_child:
                        with suppress(BlockingIOError, BrokenPipeError):
                            left = left[os.write(to_child, left[: 1 << 20]) :]
                        if not left:
                            selector.unregister(to_child)
                    elif part := os.read(from_child, 1 << 20):
                        answer += part
                    else:
                        raise Unreadable(_TOO_MUCH)
        return whole

    def end(self) -> None:
        """Kills the child."""
        child, self._child = self._child, None
        if child is not None:
            if self._owner == os.getpid():
                child.kill()
                child.wait()
            for stream in (child.stdin, child.stdout):
                assert stream is not None
                with suppress(OSError):
                    stream.close()


def _whole(answer: bytearray) -> bytes:
    """The answer once all of it has arrived, else nothing."""
    if len(answer) < _LENGTH.size:
        return b""
    (length,) = _LENGTH.unpack_from(answer)
    if length > _MOST_ANSWER:
        raise Unreadable(_TOO_MUCH)
    return bytes(answer[_LENGTH.size :]) if len(answer) == _LENGTH.size + length else b""


_reader = _Reader()
atexit.register(close)


# --- the child -------------------------------------------------------------------------------------------


def main() -> None:
    """Answers on standard output what arrives on standard input, until that ends."""
    import gc
    import resource

    gc.disable()  # JSON makes no reference cycles, and looking for them takes most of the time
    for kind, value in (
        (resource.RLIMIT_AS, int(sys.argv[1])),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, value))
    incoming, outgoing = sys.stdin.buffer, sys.stdout.buffer
    while len(head := incoming.read(_LENGTH.size)) == _LENGTH.size:
        _answer(incoming, outgoing, *_LENGTH.unpack(head))


def _answer(incoming: BinaryIO, outgoing: BinaryIO, length: int) -> None:
    try:
        answer = json.dumps(_read(incoming.read(length))).encode()
    except Unreadable as error:
        answer = json.dumps({"unreadable": error.reason}).encode()
    except MemoryError:
        answer = json.dumps({"unreadable": _TOO_MUCH}).encode()
    outgoing.write(_LENGTH.pack(len(answer)) + answer)
    outgoing.flush()


def _read(data: bytes) -> dict[str, object]:
    read = read_submission(data)
    cells, flags = read.cells[:MOST_CELLS], list(read.flags)
    if len(read.cells) > MOST_CELLS:
        flags.append(f"it has {len(read.cells)} cells; the first {MOST_CELLS} were read")
    letters = sum(len(cell.source) for cell in cells)
    if letters > MOST_SOURCE:
        raise Unreadable(f"its cells hold {letters / 1e6:.0f} million characters, more than {MOST_SOURCE // 1_000_000}")
    return {"cells": [asdict(cell) for cell in cells], "flags": flags}


if __name__ == "__main__":
    main()

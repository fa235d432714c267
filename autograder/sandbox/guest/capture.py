"""What a cell shows, in order, as the outputs that nbformat knows."""

from __future__ import annotations

import io
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any, Literal

from autograder.sandbox.wire.messages import Display, Error, Output, Result, Stream
from autograder.sandbox.wire.text import is_json

__all__ = ["Capture", "OutputFile"]

StreamName = Literal["stdout", "stderr"]

_NAMES: dict[int, StreamName] = {1: "stdout", 2: "stderr"}


@dataclass
class _Printed:
    """A stream to which more may be added."""

    name: StreamName
    parts: list[str]


@dataclass
class _Shown:
    """A display or a result; a display can change as long as its cell runs."""

    data: dict[str, Any]
    metadata: dict[str, Any]
    count: int | None = None


class Capture:
    """Collects the outputs of one cell after the other; `overflow` is called when there are too many.

    What libraries and child processes write to descriptors 1 and 2 goes to two unnamed files, which are read before
    anything else is added: so the order is kept without a reader thread.
    """

    def __init__(self, cell_bytes: int, total_bytes: int, overflow: Callable[[], None]) -> None:
        self._outputs: list[_Printed | _Shown | Error] = []
        self._limits = cell_bytes, total_bytes
        self._overflow = overflow
        self._cell = self._total = 0
        self._muted = False
        self._clear_next = False
        self._displays: dict[str, list[_Shown]] = {}
        self._files: dict[int, int] = {}
        self._read: dict[int, int] = {}
        self._lock = RLock()
        self._folder = Path()

    def take_descriptors(self) -> None:
        """Points descriptor 0 to the null device, 1 and 2 to unnamed files in the working folder."""
        self._folder = Path.cwd()
        self._take()

    def part(self) -> None:
        """Gives a forked process files of its own, and a lock that no lost thread holds."""
        self._lock = RLock()
        for handle in self._files.values():
            os.close(handle)
        self._take()

    def _take(self) -> None:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        for number, name in _NAMES.items():
            place = self._folder / f".{name}"
            handle = os.open(place, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            place.unlink()
            os.dup2(handle, number)
            self._files[number], self._read[number] = handle, 0

    # --- what is shown ---

    def write(self, name: StreamName, text: str) -> None:
        """Appends text to a stream."""
        with self._lock:
            self.drain()
            self._text(name, text)

    def drain(self) -> None:
        """Takes what arrived on the descriptors since the last call."""
        with self._lock:
            for number, handle in self._files.items():
                start = self._read[number]
                fresh = os.fstat(handle).st_size - start
                if fresh > 0:
                    self._read[number] += fresh
                    data = os.pread(handle, min(fresh, self._limits[0] + 1), start)
                    self._text(_NAMES[number], data.decode("utf-8", "replace"), fresh)

    def display(
        self, data: dict[str, Any], metadata: dict[str, Any] | None, display_id: str | None, update: bool
    ) -> None:
        """Adds a display, or changes those of the same id in this cell."""
        with self._lock:
            self.drain()
            shown = self._shown(data, metadata)
            for known in self._displays.get(display_id or "", ()):
                known.data, known.metadata = shown.data, shown.metadata
            if not update and self._add(shown) and display_id:
                self._displays.setdefault(display_id, []).append(shown)

    def result(self, count: int, data: dict[str, Any], metadata: dict[str, Any] | None) -> None:
        """Adds the value of a cell's last expression."""
        with self._lock:
            self.drain()
            self._add(self._shown(data, metadata, count))

    def _shown(self, data: dict[str, Any], metadata: dict[str, Any] | None, count: int | None = None) -> _Shown:
        shown = _Shown(_bundle(data), _plain(metadata or {}), count)
        self._count(len(json.dumps({"data": shown.data, "metadata": shown.metadata})))
        return shown

    def error(self, name: str, value: str, traceback: list[str]) -> None:
        """Adds an exception."""
        with self._lock:
            self.drain()
            self._count(len(name) + len(value) + sum(map(len, traceback)))
            self._add(Error(name, value, traceback))

    def clear(self, wait: bool) -> None:
        """Forgets what the cell has shown, at once or when it shows something next."""
        with self._lock:
            self.drain()
            self._clear_next = wait
            if not wait:
                self._forget()

    # --- cells ---

    def start(self) -> None:
        """Begins a cell."""
        with self._lock:
            self.drain()
            self._forget()
            self._clear_next = False
            self._cell = 0

    def finish(self) -> list[Output]:
        """The outputs of the cell."""
        with self._lock:
            self.drain()
            done = [_finished(output) for output in self._outputs]
            self._forget()
            return done

    @contextmanager
    def muted(self) -> Iterator[None]:
        """Inside, everything is counted and nothing is kept."""
        self.drain()
        self._muted = True
        try:
            yield
        finally:
            self.drain()
            self._muted = False

    def _forget(self) -> None:
        self._outputs, self._displays = [], {}

    def _text(self, name: StreamName, text: str, size: int | None = None) -> None:
        self._count(len(text) if size is None else size)
        if not text or self._muted:
            return
        last = None if self._clear_next or not self._outputs else self._outputs[-1]
        if isinstance(last, _Printed) and last.name == name:
            last.parts.append(text)
        else:
            self._add(_Printed(name, [text]))

    def _add(self, output: _Printed | _Shown | Error) -> bool:
        """Adds an output; returns whether it was kept."""
        if self._muted:
            return False
        if self._clear_next:
            self._clear_next = False
            self._forget()
        self._outputs.append(output)
        return True

    def _count(self, size: int) -> None:
        self._cell += size
        self._total += size
        if self._cell > self._limits[0] or self._total > self._limits[1]:
            self._overflow()


def _finished(output: _Printed | _Shown | Error) -> Output:
    if isinstance(output, _Printed):
        return Stream(output.name, "".join(output.parts))
    if isinstance(output, _Shown):
        if output.count is None:
            return Display(output.data, output.metadata)
        return Result(output.data, output.metadata, output.count)
    return output


def _bundle(data: dict[str, Any]) -> dict[str, Any]:
    """A mime bundle as nbformat has it: text, base64, or plain JSON where the mime type is JSON."""
    bundle: dict[str, Any] = {}
    for mime, value in data.items():
        if isinstance(value, bytes):
            value = b64encode(value).decode("ascii")
        bundle[str(mime)] = _plain(value) if is_json(str(mime)) else str(value)
    return bundle


def _plain(value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return {} if isinstance(value, dict) else repr(value)


class OutputFile(io.TextIOBase):
    """sys.stdout or sys.stderr of a cell."""

    def __init__(self, capture: Capture, number: int) -> None:
        self._capture = capture
        self._number = number
        self.name = f"<{_NAMES[number]}>"

    encoding = "utf-8"
    errors = "replace"

    def write(self, text: str) -> int:
        """Adds text to the cell's outputs."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._capture.write(_NAMES[self._number], str(text))
        return len(text)

    def writable(self) -> bool:
        """True."""
        return True

    def fileno(self) -> int:
        """The descriptor that child processes inherit."""
        return self._number

    def close(self) -> None:
        """Stays open: a cell that closes its stdout does not take it from the next one."""

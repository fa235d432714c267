"""Where a command writes and how it ends: any terminal or log takes its text, and no fault ends in a traceback.

Letters that a terminal's encoding lacks are written in ASCII, or as an escape where there is nothing alike. What is
written for programs (JSON, XML, CSV) stays valid in every encoding.
"""

from __future__ import annotations

import codecs
import errno
import os
import sys
import tempfile
import traceback
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

__all__ = ["FAULT", "GONE", "prepare", "report_fault", "run", "warn", "write"]

FAULT = 3
"""Exit status: a fault of this program, or its output could not be written."""
GONE = 141
"""Exit status: whoever read the output stopped reading, as `head` does; shells say 128 and the number of SIGPIPE."""

_ALIKE = {
    "✓": "+", "✗": "x", "◐": "~", "○": "o", "–": "-", "—": "-", "⚑": "!", "×": "x", "▸": ">", "█": "#", "░": ".",
    "…": "...", "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "»": ">", "«": "<", "·": ".", "•": "*", "→": "->",
    "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "−": "-", "±": "+-", "²": "2", "³": "3", "°": " deg",
    "━": "-", "─": "-", "│": "|", "╸": "-", "╺": "-", "┃": "|", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "✎": "*",
}  # fmt: skip
_ENCODING_ERRORS = "autograder"


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """What takes the place of letters that an encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(_ALIKE.get(letter) or _escaped(letter) for letter in found), error.end


def _escaped(letter: str) -> str:
    plain = unicodedata.normalize("NFKD", letter).replace("\u2044", "/")
    if plain.isascii() and plain.isprintable():
        return plain
    return letter.encode("ascii", "backslashreplace").decode("ascii")


def prepare() -> None:
    """Makes both streams take any text, and file names be UTF-8; a closed stream becomes one that nobody reads."""
    if os.name == "posix" and sys.getfilesystemencoding() != "utf-8" and not sys.flags.utf8_mode:
        _begin_again_in_utf8()
    codecs.register_error(_ENCODING_ERRORS, _in_ascii)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or getattr(stream, "closed", False):
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_ENCODING_ERRORS)


def _begin_again_in_utf8() -> None:
    """Runs this command in Python's UTF-8 mode: in a locale of ASCII half of the students' names cannot be spelled."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    variables = {"PYTHONIOENCODING": encoding} | os.environ | {"PYTHONUTF8": "1"}
    with suppress(OSError):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], variables)


def warn(text: str) -> None:
    """Writes a line on stderr; nothing stops because that cannot be written."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"autograder: {text}\n")
        sys.stderr.flush()


def write(text: str, format: str = "") -> None:
    """Prints a result whole: for programs as valid XML or CSV in any encoding; JSON is ASCII already.

    Args:
        text: the result.
        format: as `reports.FORMATS` calls it.
    """
    text = text if text.endswith("\n") else text + "\n"
    stream = sys.stdout
    if not isinstance(stream, TextIOWrapper) or codecs.lookup(stream.encoding).name == "utf-8":
        stream.write(text)
    elif format == "junit":
        stream.write(text.encode("ascii", "xmlcharrefreplace").decode("ascii"))
    elif format in ("csv", "canvas") and not stream.isatty():
        stream.flush()
        stream.buffer.write(text.encode("utf-8", "backslashreplace"))
    else:
        stream.write(text)


# --- how it ends -----------------------------------------------------------------------------------------


def run(command: Callable[[], object], known: Callable[[Exception], str | None]) -> int:
    """Runs the command line to its end and returns the exit status.

    Args:
        command: it may end with SystemExit.
        known: the one line for an error of use or input, which is status 2; None for a fault of this program.
    """
    status = 0
    try:
        command()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if type(sys.stdout).__name__ == "PacifyFlushWrapper":  # so typer marks that nobody reads, and says 1
            sys.stdout, status = sys.__stdout__ or sys.stdout, GONE
    except OSError as error:
        status = _of_output(error) or _ended(error, known)
    except Exception as error:
        status = _ended(error, known)
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        status = (_of_output(error) if isinstance(error, OSError) else 0) or FAULT
    return status


def _ended(error: Exception, known: Callable[[Exception], str | None]) -> int:
    line = known(error)
    if line is None:
        return report_fault(error)
    warn(line)
    return 2


def _of_output(error: OSError) -> int:
    """The status if this error comes from writing the output, which is then given up; else 0."""
    if error.errno == errno.EPIPE:
        _give_up_output()
        return GONE
    if error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF, errno.EDQUOT) and error.filename is None:
        _give_up_output()
        warn(f"the output could not be written: {error.strerror}")
        return FAULT
    return 0


def _give_up_output() -> None:
    """Lets what is still buffered go nowhere; Python would try to write it once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError, AttributeError):
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def report_fault(error: BaseException) -> int:
    """One line about a fault of this program, its traceback in a file; returns the exit status."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    said = "".join(letter if letter.isprintable() else "\ufffd" for letter in said)[:200]
    log = _log(error)
    warn(f"a fault of the autograder itself, not of a submission ({said}); {log}")
    return FAULT


def _log(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    try:
        handle, name = tempfile.mkstemp(prefix="autograder-fault-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as why:
        return f"its details could not be kept ({why.strerror})"
    return f"details: {Path(name)}"

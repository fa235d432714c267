"""Walks a folder or a ZIP that came from outside, and yields the notebooks in it as bytes.

What a ZIP claims about itself is not trusted: bytes are counted as they come out, names are taken apart, links and
entries that lead outside are left out. Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autograder.pipeline.course import CourseError

__all__ = ["Found", "walk"]

LARGEST_FILE = 100_000_000
LARGEST_TOTAL = 20_000_000_000
MOST_ENTRIES = 200_000
_DEPTH = 2
_CHUNK = 1 << 20
_NOISE = ("__MACOSX", ".ipynb_checkpoints", ".git")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


@dataclass(frozen=True)
class Found:
    """A notebook: the parts of its path below the source, its bytes, its modification time, nbgrader's timestamp."""

    parts: tuple[str, ...]
    data: bytes
    moment: float
    timestamp: bytes = b""

    @property
    def shown(self) -> str:
        """Its path, safe to print."""
        return _shown("/".join(self.parts))


def walk(source: Path, known: Container[str], problems: list[str]) -> Iterator[Found]:
    """The notebooks in a folder or a ZIP, one at a time; what is left out is added to `problems`.

    A single folder that holds everything is dropped from the paths, unless it may be a student's.

    Args:
        source: the folder or the ZIP.
        known: names of assignments.
        problems: receives a sentence for each file left out.

    Raises:
        CourseError: the source is neither, or the ZIP is damaged or a ZIP bomb.
    """
    if source.is_dir():
        yield from _in_folder(source, known, problems)
    elif source.is_file():
        try:
            yield from _in_zip(source, (), [LARGEST_TOTAL], _DEPTH, problems, known)
        except zipfile.BadZipFile as error:
            raise CourseError(f"{source} is not a ZIP file, or a damaged one: {error}") from error
        except _Bomb as error:
            raise CourseError(f"{source}: {error}") from error
    else:
        raise CourseError(f"{source} does not exist: name a folder or a ZIP file")


def _skipped(paths: list[tuple[str, ...]], known: Container[str]) -> int:
    """How many leading folders all paths share that are not a student's."""
    tops = {parts[0] for parts in paths}
    below = {parts[1] for parts in paths if len(parts) > 2}
    deep = min((len(parts) for parts in paths), default=0)
    return int(len(tops) == 1 and deep > 2 and len(below) > 1 and not any(name in known for name in below))


def _is_notebook(name: str) -> bool:
    plain = name.casefold().removesuffix(".txt").removesuffix(".json")
    return plain.endswith(".ipynb") and not name.startswith(".")


def _shown(path: str) -> str:
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in path)[:160]


# --- a folder --------------------------------------------------------------------------------------------


def _in_folder(top: Path, known: Container[str], problems: list[str]) -> Iterator[Found]:
    paths = [path for path in _files(top) if _is_notebook(path.name) or path.name.casefold().endswith(".zip")]
    skipped = _skipped([path.relative_to(top).parts for path in paths], known)
    for path in paths:
        read = _read_plain(path, path.relative_to(top), problems)
        if read is None:
            continue
        data, moment = read
        parts = path.relative_to(top).parts[skipped:]
        if _is_notebook(path.name):
            stamp = _read_plain(path.parent / "timestamp.txt", Path("timestamp.txt"), []) or (b"", 0.0)
            yield Found(parts, data, moment, stamp[0][:200])
        else:
            yield from _inner(data, parts, [LARGEST_TOTAL], _DEPTH - 1, problems)


def _files(top: Path) -> Iterator[Path]:
    seen = 0
    for place, folders, files in os.walk(top, followlinks=False):
        here = Path(place)
        folders[:] = sorted(name for name in folders if name not in _NOISE and not (here / name).is_symlink())
        seen += len(files)
        if seen > MOST_ENTRIES:
            raise CourseError(f"{top} holds more than {MOST_ENTRIES} files: is it the right folder?")
        yield from (here / name for name in sorted(files))


def _read_plain(path: Path, shown: Path, problems: list[str]) -> tuple[bytes, float] | None:
    """A regular file's bytes; links are not followed, and pipes are not waited for."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        problems.append(f"{_shown(str(shown))}: {'a link' if path.is_symlink() else error.strerror}; it was left out")
        return None
    with os.fdopen(number, "rb") as file:
        facts = os.fstat(number)
        if not stat.S_ISREG(facts.st_mode):
            problems.append(f"{_shown(str(shown))}: not a regular file; it was left out")
            return None
        if facts.st_size > LARGEST_FILE:
            problems.append(f"{_shown(str(shown))}: too large ({facts.st_size / 1e6:.0f} MB); it was left out")
            return None
        return file.read(LARGEST_FILE), facts.st_mtime


# --- a ZIP -----------------------------------------------------------------------------------------------


class _Bomb(CourseError):
    """A ZIP unpacks to more than any class hands in."""


def _in_zip(
    source: Path | io.BytesIO,
    above: tuple[str, ...],
    budget: list[int],
    depth: int,
    problems: list[str],
    known: Container[str] = (),
) -> Iterator[Found]:
    with zipfile.ZipFile(source) as archive:
        entries = archive.infolist()
        if len(entries) > MOST_ENTRIES:
            raise _Bomb(f"it holds {len(entries)} entries, more than {MOST_ENTRIES}")
        wanted = list(_wanted(entries, depth, above, problems))
        skipped = _skipped([parts for _, parts in wanted], known) if not above else 0
        stamps = {_parts(entry.filename): entry for entry in entries if entry.filename.endswith("timestamp.txt")}
        for entry, whole in wanted:
            parts = (*above, *whole[skipped:])
            data = _taken(archive, entry, budget, _shown("/".join(parts)), problems)
            if data is None:
                continue
            if not _is_notebook(whole[-1]):
                yield from _inner(data, parts, budget, depth - 1, problems)
                continue
            stamp = stamps.get((*whole[:-1], "timestamp.txt"))
            said = _taken(archive, stamp, budget, "", []) if stamp is not None else None
            yield Found(parts, data, _moment(entry), (said or b"")[:200])


def _wanted(
    entries: list[zipfile.ZipInfo], depth: int, above: tuple[str, ...], problems: list[str]
) -> Iterator[tuple[zipfile.ZipInfo, tuple[str, ...]]]:
    """Notebooks, and ZIPs that students handed in, with the parts of their paths."""
    for entry in entries:
        parts = _parts(entry.filename)
        if entry.is_dir() or not parts or any(part in _NOISE for part in parts):
            continue
        if not _is_notebook(parts[-1]) and not (depth > 0 and parts[-1].casefold().endswith(".zip")):
            continue
        if ".." in parts or entry.filename.startswith(("/", "\\")) or parts[0].endswith(":"):
            problems.append(f"{_shown('/'.join((*above, entry.filename)))}: its name leads outside; it was left out")
            continue
        yield entry, parts


def _inner(data: bytes, parts: tuple[str, ...], budget: list[int], depth: int, problems: list[str]) -> Iterator[Found]:
    """The notebooks in a ZIP that a student handed in; the ZIP's own name still says whose it is."""
    try:
        yield from _in_zip(io.BytesIO(data), (*parts[:-1], parts[-1][: -len(".zip")]), budget, depth, problems)
    except _BROKEN as error:
        problems.append(f"{_shown('/'.join(parts))}: a damaged ZIP ({error}); it was left out")


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))


def _taken(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: list[int], shown: str, problems: list[str]
) -> bytes | None:
    """An entry's bytes, counted as they come out; None, with a sentence in `problems`, if it is left out."""
    if stat.S_ISLNK(entry.external_attr >> 16):
        problems.append(f"{shown}: a link; it was left out")
        return None
    data = bytearray()
    try:
        with archive.open(entry) as file:
            while part := file.read(_CHUNK):
                data += part
                budget[0] -= len(part)
                if budget[0] < 0:
                    raise _Bomb(f"more than {LARGEST_TOTAL / 1e9:.3g} GB come out of it")
                if len(data) > LARGEST_FILE:
                    problems.append(f"{shown}: larger than {LARGEST_FILE / 1e6:.0f} MB; it was left out")
                    return None
    except _BROKEN as error:
        problems.append(f"{shown}: cannot be read ({error}); it was left out")
        return None
    return bytes(data)


def _moment(entry: zipfile.ZipInfo) -> float:
    try:
        return datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError):
        return 0.0

"""Lists what is in a folder or a ZIP that came from outside, and reads one file at a time.

What a ZIP claims about itself is not trusted: bytes are counted as they come out, names are taken apart, links and
entries that lead outside are left out. Nothing is ever unpacked to disk.
"""

from __future__ import annotations

import io
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from autograder.pipeline.course import CourseError
from autograder.pipeline.intake.names import entry_name, file_name, shown

__all__ = ["Entry", "Source", "inside", "opened"]

LARGEST_FILE = 100_000_000
LARGEST_TOTAL = 20_000_000_000
LARGEST_INSIDE = 500_000_000
"""Bytes that are read from the whole source, and from one ZIP that a student handed in."""
MOST_ENTRIES = 200_000
MOST_FOLDERS = 2_000_000
"""Parts of all paths together."""
DEEPEST = 40
_CHUNK = 1 << 20
_NOISE = ("__MACOSX", ".ipynb_checkpoints", ".git", ".DS_Store", "Thumbs.db", "desktop.ini")
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
_FIRST_YEAR = 1981
"""ZIPs without times say 1980."""


@dataclass(frozen=True)
class Entry:
    """A file or a folder below the source.

    Attributes:
        parts: its path, composed (NFC).
        clock: when it was last changed, by this machine's clock, in seconds; None where the source does not say.
        reader: its bytes; None, after noting why, if it is left out.
    """

    parts: tuple[str, ...]
    clock: float | None = None
    reader: Callable[[], bytes | None] = field(default=lambda: None, compare=False)
    is_folder: bool = False

    @property
    def shown(self) -> str:
        """Its path, safe to print."""
        return shown("/".join(self.parts))


@dataclass(frozen=True)
class Source:
    """What a folder, a ZIP or a single file holds, and which folders of it are git repositories."""

    entries: tuple[Entry, ...]
    repositories: frozenset[tuple[str, ...]] = frozenset()


@contextmanager
def opened(source: Path, problems: list[str]) -> Iterator[Source]:
    """The entries of a folder, a ZIP or a notebook, readable within the block; what is left out is added to `problems`.

    Raises:
        CourseError: the source is none of these, or the ZIP is damaged or a ZIP bomb; also from an entry's reader.
    """
    if source.is_dir():
        yield _in_folder(source, problems)
    elif not source.is_file():
        raise CourseError(f"{source} does not exist: name a folder, a ZIP file or a notebook")
    elif source.suffix.casefold() == ".ipynb":
        read = _plain_reader(source, source.name, problems)
        yield Source((Entry((file_name(source.name),), source.stat().st_mtime, read),))
    else:
        try:
            archive = zipfile.ZipFile(source)
        except _BROKEN as error:
            raise CourseError(f"{source} is not a ZIP file, or a damaged one: {error}") from error
        with archive:
            try:
                yield _in_zip(archive, (), [LARGEST_TOTAL], problems)
            except _Bomb as error:
                raise CourseError(f"{source}: {error}") from error


@contextmanager
def inside(entry: Entry, problems: list[str], room: list[int]) -> Iterator[tuple[Entry, ...]]:
    """What is in a ZIP that a student handed in; the ZIP's own path, which says whose it is, stays in front.

    Whatever is wrong with it costs this student alone. It is left out if it is larger than `room`, which shrinks.
    """
    data = entry.reader()
    if data is not None and len(data) > room[0]:
        problems.append(f"{entry.shown}: this student's ZIPs are too large together; it was left out")
        data = None
    room[0] -= len(data or b"")
    try:
        archive = zipfile.ZipFile(io.BytesIO(data)) if data is not None else None
        found = _in_zip(archive, entry.parts, [LARGEST_INSIDE], problems).entries if archive is not None else ()
    except _Bomb as error:
        problems.append(f"{entry.shown}: {error}; it was left out")
        archive, found = None, ()
    except _BROKEN as error:
        problems.append(f"{entry.shown}: a damaged ZIP ({error}); it was left out")
        archive, found = None, ()
    yield found
    if archive is not None:
        archive.close()


def _is_noise(parts: tuple[str, ...]) -> bool:
    return any(part in _NOISE or part.startswith("._") for part in parts)


# --- a folder --------------------------------------------------------------------------------------------


def _in_folder(top: Path, problems: list[str]) -> Source:
    entries, repositories = [], set()
    for place, folders, files in os.walk(top, followlinks=False):
        here = Path(place)
        above = tuple(map(file_name, here.relative_to(top).parts))
        if ".git" in folders or ".git" in files:
            repositories.add(above)
        folders[:] = sorted(name for name in folders if name not in _NOISE and not (here / name).is_symlink())
        entries += [Entry((*above, file_name(name)), is_folder=True) for name in folders]
        for name in sorted(files):
            parts = (*above, file_name(name))
            if not _is_noise(parts):
                clock = (here / name).lstat().st_mtime
                entries.append(Entry(parts, clock, _plain_reader(here / name, "/".join(parts), problems)))
        if len(entries) > MOST_ENTRIES:
            raise CourseError(f"{top} holds more than {MOST_ENTRIES} files: is it the right folder?")
    return Source(tuple(entries), frozenset(repositories))


def _plain_reader(path: Path, name: str, problems: list[str]) -> Callable[[], bytes | None]:
    """Reads a regular file; links are not followed, and pipes are not waited for."""

    def read() -> bytes | None:
        try:
            number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            problems.append(f"{shown(name)}: {'a link' if path.is_symlink() else error.strerror}; it was left out")
            return None
        with os.fdopen(number, "rb") as file:
            facts = os.fstat(number)
            if not stat.S_ISREG(facts.st_mode):
                problems.append(f"{shown(name)}: not a regular file; it was left out")
                return None
            if facts.st_size > LARGEST_FILE:
                problems.append(f"{shown(name)}: too large ({facts.st_size / 1e6:.0f} MB); it was left out")
                return None
            return file.read(LARGEST_FILE)

    return read


# --- a ZIP -----------------------------------------------------------------------------------------------


class _Bomb(CourseError):
    """A ZIP unpacks to more than any class hands in."""


def _in_zip(archive: zipfile.ZipFile, above: tuple[str, ...], budget: list[int], problems: list[str]) -> Source:
    listed = archive.infolist()
    if len(listed) > MOST_ENTRIES:
        raise _Bomb(f"it holds {len(listed)} entries, more than {MOST_ENTRIES}")
    entries, repositories = [], set()
    for one in listed:
        name = entry_name(one)
        parts = tuple(part for part in name.replace("\\", "/").split("/") if part not in ("", "."))
        if ".git" in parts:
            repositories.add(parts[: parts.index(".git")])
        if not parts or _is_noise(parts):
            continue
        whole = (*above, *parts)
        if ".." in parts or name.startswith(("/", "\\")) or parts[0].endswith(":"):
            problems.append(f"{shown('/'.join((*above, name)))}: its name leads outside; it was left out")
        elif len(parts) > DEEPEST:
            problems.append(f"{shown('/'.join(whole))}: more than {DEEPEST} folders deep; it was left out")
        elif one.is_dir():
            entries.append(Entry(whole, is_folder=True))
        else:
            read = _zip_reader(archive, one, budget, shown("/".join(whole)), problems)
            entries.append(
                Entry(whole, _clock(one), _contained(read, shown("/".join(whole)), problems) if above else read)
            )
    if sum(len(entry.parts) for entry in entries) > MOST_FOLDERS:
        raise _Bomb(f"its entries have more than {MOST_FOLDERS} folders above them")
    return Source(tuple(entries), frozenset(repositories))


def _zip_reader(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, budget: list[int], name: str, problems: list[str]
) -> Callable[[], bytes | None]:
    """Reads an entry's bytes, counted as they come out."""

    def read() -> bytes | None:
        if stat.S_ISLNK(entry.external_attr >> 16):
            problems.append(f"{name}: a link; it was left out")
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
                        problems.append(f"{name}: larger than {LARGEST_FILE / 1e6:.0f} MB; it was left out")
                        return None
        except _BROKEN as error:
            problems.append(f"{name}: cannot be read ({error}); it was left out")
            return None
        return bytes(data)

    return read


def _contained(read: Callable[[], bytes | None], name: str, problems: list[str]) -> Callable[[], bytes | None]:
    """A reader that leaves out what a ZIP bomb would yield."""

    def read_on() -> bytes | None:
        try:
            return read()
        except _Bomb:
            problems.append(f"{name}: more than {LARGEST_INSIDE / 1e6:.0f} MB come out of this ZIP; it was left out")
            return None

    return read_on


def _clock(entry: zipfile.ZipInfo) -> float | None:
    try:
        return datetime(*entry.date_time).timestamp() if entry.date_time[0] >= _FIRST_YEAR else None
    except (ValueError, OverflowError):
        return None

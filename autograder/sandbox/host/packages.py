"""Which installed packages a run sees: those that the notebooks need, and no installed copy of the course itself.

pyproject.toml names what notebooks need (the extra `notebooks`); pip keeps that with the installed course, and what
each package requires with the package. Files that belong to no installed package stay visible.
"""

from __future__ import annotations

import re
import site
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

__all__ = ["FOLDER_NAMES", "OWN", "folders", "hidden_entries"]

FOLDER_NAMES = ("site-packages", "dist-packages")
OWN = ("autograder", "course_lib")
"""The course's own packages: a run imports its sealed copy of them, and sees no other."""

_PROJECT = "self-grading-course"
_EXTRA = "notebooks"
_LINKS_TO_A_CHECKOUT = ("__editable__",)


@dataclass(frozen=True)
class _Installed:
    """One installed package: its metadata, and the names that it put into the package folder."""

    name: str
    folder: Path
    metadata: Path
    entries: frozenset[str]


def folders() -> list[Path]:
    """The package folders of this Python, in the order in which it searches them."""
    entries = [Path(entry) for entry in sys.path if entry]
    if site.ENABLE_USER_SITE:
        entries.append(Path(site.getusersitepackages()))
    known = dict.fromkeys(path.resolve() for path in entries)
    return [path for path in known if path.is_dir() and (path.name in FOLDER_NAMES or _holds_the_course(path))]


def _holds_the_course(folder: Path) -> bool:
    """Whether this very module is installed there, by `pip install --target`."""
    return folder == Path(__file__).resolve().parents[3] and next(folder.glob("*.dist-info"), None) is not None


def hidden_entries(modules: Iterable[str]) -> dict[Path, frozenset[str]]:
    """By package folder, the names in it that no run sees.

    Args:
        modules: what the notebooks at hand import, besides what every notebook needs.
    """
    places = tuple(folders())
    installed = _installed(places)
    needed = _needed(installed, {name.partition(".")[0] for name in modules})
    hidden = {}
    for folder in places:
        here = [each for each in installed if each.folder == folder]
        kept = {entry for each in here if each.name in needed for entry in each.entries}
        dropped = {entry for each in here if each.name not in needed for entry in each.entries} - kept
        links = {path.name for path in folder.iterdir() if path.name.startswith(_LINKS_TO_A_CHECKOUT)}
        hidden[folder] = frozenset(dropped | links | set(OWN))
    return hidden


@cache
def _installed(places: tuple[Path, ...]) -> tuple[_Installed, ...]:
    """Every package in these folders that says so itself."""
    metadata = [path for folder in places for path in sorted(folder.iterdir())]
    return tuple(
        _Installed(_plain(path.stem.partition("-")[0]), path.parent, path, frozenset(_entries(path)))
        for path in metadata
        if path.suffix in (".dist-info", ".egg-info")
    )


def _entries(metadata: Path) -> Iterator[str]:
    """The names that a package put into its folder."""
    yield metadata.name
    record, tops = metadata / "RECORD", metadata / "top_level.txt"
    if record.is_file():
        for line in record.read_text("utf-8", "replace").splitlines():
            name = line.lstrip('"').split("/", 1)[0].split(",", 1)[0]
            if name not in ("", "..", "__pycache__"):
                yield name
    elif tops.is_file():
        for name in tops.read_text("utf-8", "replace").split():
            yield from (name, f"{name}.py")


def _needed(installed: tuple[_Installed, ...], modules: set[str]) -> set[str]:
    """The names of packages that stay visible; all of them where the course is not installed and so names none."""
    by_name = {each.name: each for each in reversed(installed)}
    if _PROJECT not in by_name:
        return set(by_name)
    left = {(name, "") for name in _named_by_the_course(by_name[_PROJECT])}
    left |= {
        (each.name, "")
        for each in installed
        if each.name != _PROJECT and modules & {entry.removesuffix(".py") for entry in each.entries}
    }
    seen: set[tuple[str, str]] = set()
    while left:
        name, extra = left.pop()
        if (name, extra) in seen or name not in by_name:
            continue
        seen.add((name, extra))
        left |= {(one, more) for one, extras in _required(by_name[name], extra) for more in ("", *extras)}
    return {name for name, _ in seen} - {_PROJECT}


def _named_by_the_course(course: _Installed) -> set[str]:
    """What notebooks need; where the installed course is too old to say, whatever it requires."""
    always = {name for name, _ in _required(course, "")}
    return {name for name, _ in _required(course, _EXTRA)} - {_PROJECT} if _has_extra(course) else always


def _has_extra(course: _Installed) -> bool:
    return _EXTRA in _said(course.metadata, "Provides-Extra")


def _required(package: _Installed, extra: str) -> Iterator[tuple[str, set[str]]]:
    """What a package requires on this system, with the extras that it asks for; of an extra only what that adds."""
    for line in _said(package.metadata, "Requires-Dist"):
        if not extra and "extra ==" in line and " or " not in line:
            continue  # quicker than to parse it
        try:
            found = Requirement(line)
        except InvalidRequirement:
            continue
        always = found.marker is None or found.marker.evaluate({"extra": ""})
        added = found.marker is not None and not always and found.marker.evaluate({"extra": extra})
        if added if extra else always:
            yield _plain(found.name), found.extras


@cache
def _said(metadata: Path, key: str) -> tuple[str, ...]:
    """The values of one key in a package's metadata, which is a mail's header: read by hand, as that is quicker."""
    place = metadata / ("METADATA" if metadata.suffix == ".dist-info" else "PKG-INFO")
    head = place.read_text("utf-8", "replace").partition("\n\n")[0] if place.is_file() else ""
    return tuple(line.partition(": ")[2] for line in head.splitlines() if line.startswith(f"{key}: "))


def _plain(name: str) -> str:
    """A package's name in the one spelling that pip compares."""
    return re.sub(r"[-_.]+", "-", name).lower()

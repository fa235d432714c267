"""What a run may see of this machine: Python, its packages, the system's libraries, and the course's visible part."""

from __future__ import annotations

import os
import shutil
import site
import sys
import sysconfig
from pathlib import Path

__all__ = ["PARTS", "REPOSITORY", "copy_parts", "data", "interpreter", "readable_by_others", "system"]

REPOSITORY = Path(__file__).resolve().parents[3]
"""The folder that contains `autograder` and `course_lib`."""

PARTS = (
    "autograder/__init__.py",
    "autograder/check.py",
    "autograder/exercise.py",
    "autograder/objects.py",
    "autograder/forbidden_names.py",
    "autograder/local_progress.py",
    "autograder/harness",
    "autograder/sandbox/__init__.py",
    "autograder/sandbox/guest",
    "autograder/sandbox/kernel",
    "autograder/sandbox/wire",
    "course_lib",
)
"""Parts of the repository: no exercises, judge, trusted end of the sandbox, solutions, history or class."""

_SYSTEM = (
    "/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/nix/store",
    "/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/fonts",
    "/usr/share/zoneinfo",
)  # fmt: skip
_SYSTEM_PREFIXES = ("/usr", "/usr/local")
_DATA = ("COURSE_DATA", "LD_LIBRARY_PATH")


def system() -> list[Path]:
    """Libraries, fonts and time zones."""
    return [path for path in map(Path, _SYSTEM) if path.exists()]


def interpreter() -> list[Path]:
    """This Python with its standard library and its packages, following links among them."""
    programs = {Path(sys.executable), Path(sys.executable).resolve()}
    prefixes = {Path(prefix) for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)}
    found = programs | {prefix for prefix in prefixes if str(prefix) not in _SYSTEM_PREFIXES}
    found |= {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders = {Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")}
    if site.ENABLE_USER_SITE:
        folders.add(Path(site.getusersitepackages()))
    found |= folders
    for folder in folders:
        found |= _linked(folder)
    return _outermost(path for path in found | {path.resolve() for path in found} if path.exists())


def _linked(folder: Path) -> set[Path]:
    """The targets of the links in a package folder, or their common folder if they share one."""
    if not folder.is_dir():
        return set()
    targets = {entry.resolve() for entry in folder.iterdir() if entry.is_symlink()}
    return {path.parent if path.parent.name == folder.name else path for path in targets}


def data() -> list[Path]:
    """What environment variables name: the course's data, further libraries."""
    named = [Path(part) for name in _DATA for part in os.environ.get(name, "").split(os.pathsep) if part]
    return [path for path in named if path.is_absolute() and path.exists()]


def _outermost(paths: object) -> list[Path]:
    """Only the paths that are not inside another one."""
    chosen: list[Path] = []
    for path in sorted(paths):  # type: ignore[call-overload]
        if not any(path.is_relative_to(other) for other in chosen):
            chosen.append(path)
    return chosen


def copy_parts(folder: Path) -> None:
    """Copies the visible parts of the repository to a folder."""
    for part in PARTS:
        source, target = REPOSITORY / part, folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*"))
        else:
            shutil.copyfile(source, target)


def readable_by_others(path: Path) -> bool:
    """Whether any user may read it (not counting the folders above it)."""
    mode = path.stat().st_mode
    return bool(mode & 0o004) and (not path.is_dir() or bool(mode & 0o001))

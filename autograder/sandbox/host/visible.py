"""What a run may see of this machine: Python, packages, the system's libraries, and the course's visible part."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox.host import packages

__all__ = [
    "PARTS",
    "REPOSITORY",
    "View",
    "copy_parts",
    "data",
    "interpreter",
    "look",
    "readable_by_others",
    "secret",
    "system",
]

REPOSITORY = Path(__file__).resolve().parents[3]
"""The folder that contains `autograder` and `course_lib`: a checkout, or the package folder they are installed in."""

PARTS = (
    "autograder/__init__.py",
    "autograder/check.py",
    "autograder/calls.py",
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

_CHECKOUT = ("solutions", "classroom", ".git", "build", "dist", "tests", "benchmarks", "notebooks")
_SYSTEM = (
    "/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/nix/store",
    "/etc/alternatives", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/fonts",
    "/usr/share/zoneinfo",
)  # fmt: skip
_SYSTEM_PREFIXES = ("/usr", "/usr/local")
_DATA = ("COURSE_DATA", "LD_LIBRARY_PATH")
_PACKAGE_FOLDERS = ("", "python*/", "lib*/python*/", "envs/*/lib*/python*/")
"""Where package folders are, from a prefix, a library folder or a standard library."""


@dataclass(frozen=True)
class View:
    """What runs see, besides the course's library; all paths are absolute.

    Attributes:
        roots: files and folders that are seen with what is in them, except for the following.
        packages: the package folders inside those, resolved, each with the names in it that are seen.
        hidden: further files and folders that are not seen, resolved.
    """

    roots: tuple[Path, ...]
    packages: dict[Path, tuple[str, ...]]
    hidden: tuple[Path, ...]

    def places(self, path: Path) -> list[Path]:
        """Where a resolved path would be seen: under each root that contains it, by the root's own name."""
        return [root / path.relative_to(real) for root in self.roots if path.is_relative_to(real := root.resolve())]


def look(modules: Iterable[str] = (), hidden: Iterable[Path] = ()) -> View:
    """What runs see on this machine now.

    Args:
        modules: what the notebooks at hand import.
        hidden: files and folders that must not be seen, besides the course's own answers.
    """
    shown = {
        folder: {path.name for path in folder.iterdir() if path.name not in names and path.exists()}
        for folder, names in packages.hidden_entries(modules).items()
    }
    targets = {entry.resolve() for folder, names in shown.items() for entry in map(folder.joinpath, names)}
    for path in targets:
        if path.parent.name in packages.FOLDER_NAMES:  # a link into a package folder elsewhere
            shown.setdefault(path.parent, set()).add(path.name)
    roots = _outermost([*system(), *interpreter(), *shown, *(path for path in targets if path.parent not in shown)])
    others = {folder: set[str]() for folder in _package_folders(roots)}
    seen = {folder: tuple(sorted(names)) for folder, names in (others | shown).items()}
    return View((*roots, *data()), seen, tuple(path.resolve() for path in (*hidden, *secret())))


def secret() -> list[Path]:
    """The parts of the course that no run may see, wherever it is installed."""
    installed = REPOSITORY in packages.folders()
    parts = [REPOSITORY / part for part in (*packages.OWN, *(() if installed else _CHECKOUT))]
    return [path for path in parts if path.exists()]


def system() -> list[Path]:
    """Libraries, fonts and time zones."""
    return [path for path in map(Path, _SYSTEM) if path.exists()]


def interpreter() -> list[Path]:
    """This Python with its standard library and its package folders."""
    programs = {Path(sys.executable), Path(sys.executable).resolve()}
    prefixes = {Path(prefix) for prefix in (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix)}
    found = programs | {prefix for prefix in prefixes if str(prefix) not in _SYSTEM_PREFIXES}
    found |= {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return _outermost(path for path in found | {path.resolve() for path in found} if path.exists())


def _package_folders(roots: Iterable[Path]) -> set[Path]:
    """The package folders inside these, also of other Pythons."""
    patterns = [f"{above}{name}" for above in _PACKAGE_FOLDERS for name in packages.FOLDER_NAMES]
    found = (path.resolve() for root in roots if root.is_dir() for pattern in patterns for path in root.glob(pattern))
    return {path for path in found if path.is_dir()}


def data() -> list[Path]:
    """What environment variables name: the course's data, further libraries."""
    named = [Path(part) for name in _DATA for part in os.environ.get(name, "").split(os.pathsep) if part]
    return [path for path in named if path.is_absolute() and path.exists()]


def _outermost(paths: Iterable[Path]) -> list[Path]:
    """Only the paths that are not inside another one."""
    chosen: list[Path] = []
    for path in sorted(set(paths)):
        if not any(path.is_relative_to(other) for other in chosen):
            chosen.append(path)
    return chosen


def copy_parts(folder: Path) -> None:
    """Copies the visible parts of the repository to a folder; what is there may be changed, whatever the source."""
    for part in PARTS:
        for source in sorted((REPOSITORY / part).rglob("*") if (REPOSITORY / part).is_dir() else [REPOSITORY / part]):
            inside = source.relative_to(REPOSITORY)
            if source.is_file() and not _is_left_out(inside):
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, folder / inside)


def _is_left_out(path: Path) -> bool:
    """Compiled caches and hidden files."""
    return path.suffix == ".pyc" or any(part == "__pycache__" or part.startswith(".") for part in path.parts)


def readable_by_others(path: Path) -> bool:
    """Whether any user may read it (not counting the folders above it)."""
    mode = path.stat().st_mode
    return bool(mode & 0o004) and (not path.is_dir() or bool(mode & 0o001))

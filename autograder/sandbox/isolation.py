"""The ladder of isolation: which rungs this version has, and which of them this machine can stand on."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

__all__ = ["LADDER", "TRUSTWORTHY", "Rung", "available", "choose"]

LADDER = ("process",)
"""From the weakest to the strongest."""
TRUSTWORTHY: tuple[str, ...] = ()
"""Rungs that hold against code that means harm."""


@dataclass(frozen=True)
class Rung:
    """One rung: whether this machine has it, and what it does or why not."""

    name: str
    ok: bool
    reason: str


def available() -> list[Rung]:
    """Every rung of the ladder, the weakest first."""
    if not hasattr(os, "fork") or not hasattr(socket, "send_fds"):
        return [Rung("process", False, "this system has no fork: grade on Linux, macOS or WSL")]
    return [Rung("process", True, "own process group, limits, wall-clock kill; files and network stay open")]


def choose(wanted: str = "auto") -> str:
    """The rung to use; `auto` is the strongest that holds against code that means harm.

    Raises:
        ValueError: there is no such rung, this machine lacks it, or `auto` finds none that is strong enough.
    """
    rungs = available()
    if wanted == "auto":
        strong = [rung.name for rung in rungs if rung.ok and rung.name in TRUSTWORTHY]
        if strong:
            return strong[-1]
        there = " or ".join(rung.name for rung in rungs if rung.ok) or "none"
        raise ValueError(
            f"no isolation here holds against code that means harm (there is {there}): say --isolation process "
            "to run submissions anyway, on a machine that holds nothing a student may not read"
        )
    for rung in rungs:
        if rung.name == wanted:
            if rung.ok:
                return wanted
            raise ValueError(f"isolation {wanted} does not work here: {rung.reason}")
    raise ValueError(f"no isolation is called {wanted!r}; known are auto, {', '.join(LADDER)}")

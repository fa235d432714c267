"""What this machine can do, and what is missing."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import nbformat
from packaging.requirements import Requirement

from autograder.exercises import ASSIGNMENTS
from autograder.machine import Finding, cuda, processors, python
from autograder.pipeline.course import Course, CourseError, find_course
from autograder.pipeline.grading.warm_sandbox import Setup, open_sandbox
from autograder.sandbox.host.isolation import TRUSTWORTHY, Rung, available, probe
from autograder.sandbox.host.sandbox import Sandbox, SandboxError

__all__ = ["Finding", "examine", "sandbox_of"]


def examine(course: Path | None = None) -> list[Finding]:
    """Examines Python, the pinned packages, the isolation ladder, processors, CUDA, a browser and the course."""
    findings = [python()]
    try:
        place = find_course(course)
    except CourseError as error:
        return [*findings, Finding(False, True, str(error))]
    return [
        *findings,
        *_packages(place),
        *(_isolation(place, rung) for rung in available()),
        processors(),
        cuda(),
        _browser(),
        _writable(place),
    ]


def _isolation(course: Course, rung: Rung) -> Finding:
    """What a rung does here, and whether it holds: a run tries to break out, as one does before anything is graded."""
    if not rung.ok or rung.name not in TRUSTWORTHY:
        return Finding(rung.ok, False, f"isolation {rung.name}: {rung.reason}")
    try:
        with sandbox_of(course, rung.name) as sandbox:
            sandbox.prove()
    except (SandboxError, ValueError) as error:
        chosen = next(name for name in reversed(TRUSTWORTHY) if probe(name).ok)
        return Finding(False, rung.name == chosen, " ".join(str(error).split()))
    return Finding(True, False, f"isolation {rung.name}: {rung.reason}; a run tried to break out and could not")


@contextmanager
def sandbox_of(course: Course, isolation: str) -> Iterator[Sandbox]:
    """A sandbox as `grade` opens it, for the first assignment that is built.

    Raises:
        ValueError: this machine lacks the isolation.
    """
    built = next((name for name in ASSIGNMENTS if course.release(name).is_file()), None)
    setup = Setup(isolation, hidden=course.closed)
    if built is None:
        opened: AbstractContextManager[Sandbox] = Sandbox(isolation, hidden=course.closed)
    else:
        opened = open_sandbox(built, nbformat.reads(course.release(built).read_text("utf-8"), as_version=4), setup)
    with opened as sandbox:
        yield sandbox


def _packages(course: Course) -> list[Finding]:
    try:
        pins = tomllib.loads((course.root / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    except (OSError, ValueError, KeyError):
        return [Finding(False, False, f"{course.root / 'pyproject.toml'} pins no packages: none was compared")]
    findings = []
    for pin in pins:
        requirement = Requirement(pin)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue  # for another system
        name, wanted = requirement.name, str(requirement.specifier).removeprefix("==")
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            findings.append(Finding(False, True, f"{name} {wanted}: not installed, run make setup"))
            continue
        same = re.sub(r"\+.*", "", found) == wanted
        findings.append(
            Finding(same, True, f"{name} {found}" + ("" if same else f": {wanted} is pinned, run make setup"))
        )
    return findings


def _browser() -> Finding:
    path = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
        None,
    )
    return Finding(path is not None, False, f"Chromium: {path or 'not found; only the browser tests need it'}")


def _writable(course: Course) -> Finding:
    folder = course.classroom if course.classroom.exists() else course.classroom.parent
    ok = os.access(folder, os.W_OK)
    return Finding(ok, True, f"{course.classroom} is {'' if ok else 'not '}writable")

"""What this machine can do, and what is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from autograder.pipeline.course import Course, CourseError, find_course
from autograder.sandbox.host.isolation import available

__all__ = ["Finding", "examine"]


@dataclass(frozen=True)
class Finding:
    """One thing examined: whether it is there, whether the course needs it, and a sentence."""

    ok: bool
    needed: bool
    text: str


def examine(course: Path | None = None) -> list[Finding]:
    """Examines Python, the pinned packages, the isolation ladder, processors, CUDA, a browser and the course."""
    findings = [_python()]
    try:
        place = find_course(course)
    except CourseError as error:
        return [*findings, Finding(False, True, str(error))]
    return [
        *findings,
        *_packages(place),
        *(Finding(rung.ok, False, f"isolation {rung.name}: {rung.reason}") for rung in available()),
        Finding(True, False, f"{os.cpu_count()} processors, {platform.system()} {platform.release()}"),
        _cuda(),
        _browser(),
        _writable(place),
    ]


def _python() -> Finding:
    version = platform.python_version()
    return Finding(sys.version_info >= (3, 11), True, f"Python {version} (3.11 or later is needed)")


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


def _cuda() -> Finding:
    import torch

    if torch.cuda.is_available():
        return Finding(True, False, f"CUDA: {torch.cuda.get_device_name()}")
    return Finding(False, False, "CUDA: no device; everything runs on the CPU")


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

"""The workflow that grades a push, step by step, as a runner would; and the formats and statuses it relies on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_class import CLASS, NAME, ROOT

WORKFLOWS = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")}
STEPS = WORKFLOWS["grade"]["jobs"]["grade"]["steps"]
COMMANDS = {step["name"]: step["run"] for step in STEPS if "run" in step}
INSTALLING = ("sudo apt-get", "make setup")
pytestmark = pytest.mark.xdist_group("workflows")


def checkout(place: Path, **handed_in: str) -> Path:
    """A clone of the course with submissions pushed to it, and what `make setup` leaves in it."""
    for folder in ("solutions", "notebooks"):
        shutil.copytree(ROOT / folder, place / folder, ignore=shutil.ignore_patterns(".*"))
    for file in ("nbgrader_config.py", "pyproject.toml"):
        shutil.copy(ROOT / file, place)
    for student, text in handed_in.items():
        path = place / "submissions" / student / f"{NAME}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    program = place / ".venv" / "bin" / "autograder"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m autograder.cli "$@"\n')
    program.chmod(0o755)
    return place


def step(place: Path, name: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"COURSE_SECRET": "the secret of these tests"}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", COMMANDS[name]],
        cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory.mktemp("push") / "repository", ada=CLASS["right"], bob=CLASS["mistaken"])


def test_each_step_of_the_workflow_runs(pushed: Path) -> None:
    for name, command in COMMANDS.items():
        if not command.startswith(INSTALLING):
            done = step(pushed, name)
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    assert (pushed / "classroom/secret").read_text() == "the secret of these tests"
    grades = json.loads((pushed / "grades.json").read_text("utf-8"))
    scores = {one["student"]: one["score"] for one in grades["submissions"] if one["assignment"] == NAME}
    assert scores["ada"] > scores["bob"] > 0
    kept = next(step for step in STEPS if "upload-artifact" in step.get("uses", ""))["with"]["path"].split()
    assert all((pushed / path).exists() for path in kept)


def test_the_last_step_fails_a_push_below_half(pushed: Path) -> None:
    path = pushed / "submissions" / "cy" / f"{NAME}.ipynb"
    path.parent.mkdir()
    path.write_text(CLASS["broken"], "utf-8")
    try:
        assert step(pushed, "Collect").returncode == 0
        done = step(pushed, "Fail below half of the points")
        assert done.returncode == 1
        assert f"below 50 %: cy {NAME}" in done.stderr
    finally:
        shutil.rmtree(path.parent)


def test_what_every_step_installs_is_what_the_makefile_knows() -> None:
    for name, workflow in WORKFLOWS.items():
        for job in workflow["jobs"].values():
            for one in job["steps"]:
                if one.get("run", "").startswith("make "):
                    done = subprocess.run(["make", "-n", one["run"][5:]], cwd=ROOT, capture_output=True, check=False)
                    assert done.returncode == 0, (name, one)

"""Arrows between the rooms run one way."""

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FORBIDDEN = {
    "course_lib": ("autograder",),
    "autograder/sandbox": (
        "autograder.judge",
        "autograder.exercises",
        "autograder.pipeline",
        "autograder.reports",
        "course_lib",
    ),
    "autograder/sandbox/guest": ("autograder.sandbox.host",),
    "autograder/sandbox/wire": ("autograder.sandbox.host", "autograder.sandbox.guest", "autograder.sandbox.kernel"),
    "autograder/sandbox/kernel": ("autograder.sandbox.host", "autograder.sandbox.guest", "autograder.sandbox.wire"),
    "autograder/harness": (
        "autograder.judge",
        "autograder.calls",
        "autograder.exercise",
        "autograder.exercises",
        "autograder.sandbox",
        "autograder.pipeline",
        "autograder.reports",
    ),
    "autograder/exercises": ("autograder.judge", "autograder.sandbox", "autograder.pipeline", "autograder.reports"),
    "autograder/judge": (
        "autograder.exercises",
        "autograder.pipeline",
        "autograder.reports",
        "autograder.sandbox",
        "autograder.check",
        "course_lib",
    ),
    "autograder/reports": (
        "autograder.pipeline",
        "autograder.judge",
        "autograder.sandbox",
        "autograder.exercises",
        "course_lib",
    ),
    "autograder/pipeline": ("autograder.cli",),
    "autograder/calls.py": ("autograder", "course_lib"),
    "autograder/surroundings.py": ("autograder", "course_lib"),
    "autograder/exercise.py": (
        "autograder.exercises",
        "autograder.judge",
        "autograder.sandbox",
        "autograder.pipeline",
        "autograder.reports",
        "course_lib",
    ),
    "autograder/notebook_state": (
        "autograder.judge",
        "autograder.calls",
        "autograder.exercise",
        "autograder.exercises",
        "autograder.sandbox",
        "autograder.pipeline",
        "autograder.reports",
    ),
    "autograder/mutations": ("autograder.judge", "autograder.exercises", "autograder.sandbox", "autograder.pipeline"),
}


IMPORTED = {
    "authoring": {"records"},
    "intake": {"records"},
    "grading": {"intake", "records"},
    "records": set(),
    "publishing": {"intake", "grading", "records"},
}
"""The rooms of the pipeline, and which others each of them imports."""


def modules(room: str) -> list[Path]:
    place = ROOT / room
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


@cache
def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def reaches(name: str, target: str) -> bool:
    return name == target or name.startswith(f"{target}.")


@pytest.mark.parametrize("room", FORBIDDEN)
def test_arrows_run_one_way(room):
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for name in imported(path)
        for target in FORBIDDEN[room]
        if reaches(name, target)
    ]
    assert modules(room)
    assert found == []


@pytest.mark.parametrize("room", IMPORTED)
def test_rooms_of_the_pipeline_import_those_before_them(room):
    names = {name for path in modules(f"autograder/pipeline/{room}") for name in imported(path)}
    others = {other for other in IMPORTED for name in names if reaches(name, f"autograder.pipeline.{other}")}
    assert others - {room} == IMPORTED[room]


def test_what_the_rooms_of_the_pipeline_share_imports_none_of_them():
    shared = set((ROOT / "autograder" / "pipeline").glob("*.py"))
    shared.remove(ROOT / "autograder" / "pipeline" / "nbgrader_door.py")  # the former name of a module in a room
    found = [
        f"{path.name} imports {name}"
        for path in sorted(shared)
        for name in imported(path)
        for room in IMPORTED
        if reaches(name, f"autograder.pipeline.{room}")
    ]
    assert len(shared) > 5
    assert found == []


def test_topic_modules_do_not_import_each_other():
    shared = {
        "data",
        "drawn_digits",
        "glossary",
        "graphs",
        "machine",
        "measure",
        "molecules",
        "operators",
        "program",
        "tape",
        "training",
        "viz",
    }
    library = ROOT / "course_lib"
    packages = {path.parent.name for path in library.glob("*/__init__.py")}
    topics = ({path.stem for path in library.glob("*.py")} | packages) - shared - {"__init__"}
    assert {"linear", "mlp", "gnn"} <= topics
    for topic in topics:
        others = {f"course_lib.{name}" for name in topics - {topic}}
        for path in sorted((library / topic).glob("*.py")) if topic in packages else [library / f"{topic}.py"]:
            assert not any(reaches(name, other) for name in imported(path) for other in others), path


def test_every_package_is_installed():
    from setuptools import find_packages

    include = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    there = {
        ".".join(path.relative_to(ROOT).parts)
        for top in ("autograder", "course_lib")
        for path in (ROOT / top, *(ROOT / top).rglob("*"))
        if path.is_dir() and list(path.glob("*.py"))
    }
    assert set(find_packages(str(ROOT), include=include)) == there


def test_no_module_is_too_long_to_live_in():
    long = [
        f"{path.relative_to(ROOT)}: {count} lines"
        for top in ("autograder", "course_lib")
        for path in (ROOT / top).rglob("*.py")
        if (count := len(path.read_text("utf-8").splitlines())) > 400
    ]
    assert long == []

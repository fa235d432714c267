"""What the documents tell people to type, open and look up exists, and their samples are what the program writes.

A block marked `sh` holds commands. In the text, what stands between backticks is read by its form:

- it begins with make, nbgrader, .venv/bin/, autograder or a command of autograder: a command;
- it begins with `--`: an option of autograder, with its value;
- it is in capitals with an underscore: an environment variable, which code or a workflow must name;
- it has a slash, begins with a dot or ends like a file: a path. `<name>` and `NN_topic` are any name. It exists, or the
  code or the Makefile names it as what they make, or a command in these documents reads or writes it;
- it begins with a package or a topic of the course and a dot: a module, a name in it, or an exercise.

Everything else is a word.
"""

import csv
import importlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from enum import EnumType
from functools import cache
from pathlib import Path

import nbformat
import nbgrader.coursedir
import nbgrader.plugins
import nbgrader.preprocessors
import pytest
import yaml
from jsonschema import Draft202012Validator
from nbgrader.apps import NbGraderApp
from setuptools import Distribution
from setuptools.config.pyprojecttoml import apply_configuration
from traitlets.config import Config
from typer.main import get_command

from autograder.calls import Status
from autograder.cli import Format, Isolation, Table, app
from autograder.exercise import ClassGrading, Graded, Verdict
from autograder.exercises import ASSIGNMENTS, find
from autograder.judge.cases import visible_cases
from autograder.pipeline.course import Course, known_assignments
from autograder.pipeline.grading import nbgrader_plugin
from autograder.pipeline.intake.collect import collect
from autograder.reports import render
from autograder.reports.as_json import SCHEMA

ROOT = next(folder for folder in Path(__file__).parents if (folder / "pyproject.toml").is_file())
BIN = Path(sys.executable).parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
}
README, PLATFORMS, CHANGELOG = PAGES["README.md"], PAGES["docs/platforms.md"], PAGES["CHANGELOG.md"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TOPICS = {assignment.topic for assignment in ASSIGNMENTS.values()}
PROGRAM = get_command(app)

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")
FILE = re.compile(r"\.[\w.-]+|[\w<>*-]+\.(?:py|md|toml|ya?ml|ipynb|json|csv|html|zip|txt|db|xml|png|typed)")
PLACEHOLDER = re.compile(r"<\w+>|\bNN_topic\b")
DRAWN = re.compile(r"(?<![\w/<])(?:[\w<>.-]+/)+[\w<>.*-]*|\b\w+\.py\b")
"""Paths in a drawing, which may begin in the package."""


def blocks(page: str, language: str) -> list[str]:
    return [text for name, text in FENCE.findall(page) if name == language]


def prose(page: str) -> str:
    return FENCE.sub("", page)


def spans(page: str) -> list[str]:
    return [" ".join(text.split()) for text in SPAN.findall(prose(page))]


def is_command(span: str) -> bool:
    first, *rest = span.split()
    return first in ("make", "nbgrader", "autograder") or first.startswith(".venv/bin/") or (
        first in PROGRAM.commands and bool(rest)
    )  # fmt: skip


def commands(page: str) -> list[str]:
    lines = [line.partition(" #")[0] for text in blocks(page, "sh") for line in text.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if part] + [span for span in spans(page) if is_command(span)]


def is_path(span: str) -> bool:
    plain = " " not in span and "://" not in span and "(" not in span
    return plain and not span.startswith(("--", ".venv/bin/")) and ("/" in span or bool(FILE.fullmatch(span)))


def in_pages(find_all):
    """A case for each page and each of its finds."""
    found = [(page, one) for page, text in PAGES.items() for one in dict.fromkeys(find_all(text))]
    return [pytest.param(page, one, id=f"{page}: {one}") for page, one in found]


# --- commands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "command"), in_pages(commands))
def test_every_command_is_understood(page, command):
    words = shlex.split(command)
    while re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        assert_is_variable(words.pop(0).partition("=")[0])
    program, *arguments = words
    name = program.removeprefix(".venv/bin/")
    if name == "autograder" or name in PROGRAM.commands:
        line = arguments if name == "autograder" else [name, *arguments]
        assert line in [[], *([each] for each in PROGRAM.commands)] or parsed(line)  # mentioned, or shown
    elif name == "make":
        assert_made(arguments)
    elif name == "nbgrader":
        assert arguments[0] in NbGraderApp.subcommands
        known_assignments(arguments[1:])
    else:
        assert (BIN / name).is_file() if program != name else shutil.which(name)
        assert_arguments(name, arguments)


def parsed(arguments: list[str]) -> dict[str, object]:
    """What the program makes of its command line; it is not run."""
    parser = PROGRAM
    context = parser.make_context("autograder", list(arguments), resilient_parsing=False)
    while getattr(parser, "commands", None):
        name, parser, rest = parser.resolve_command(context, [*context._protected_args, *context.args])
        context = parser.make_context(name, rest, parent=context)
    assert context.args == []
    known_assignments(context.params.get("assignments"))
    known_assignments([one] if (one := context.params.get("assignment")) else None)
    return context.params


def assert_made(arguments: list[str]) -> None:
    for word in arguments:
        variable, is_set, _ = word.partition("=")
        assert re.search(rf"^{variable} \?=", MAKEFILE, re.MULTILINE) if is_set else word in TARGETS, word


def assert_arguments(name: str, arguments: list[str]) -> None:
    """What pytest runs is there, and what pip installs is an extra of this project."""
    if name == "pytest":
        assert all((ROOT / word).exists() for word in arguments)
    if name == "pip":
        extra = re.fullmatch(r"\.\[(\w+)\]", arguments[-1])
        assert extra is not None
        assert extra[1] in PYPROJECT["project"]["optional-dependencies"]


@pytest.mark.parametrize(("page", "option"), in_pages(lambda text: [one for one in spans(text) if one[:2] == "--"]))
def test_every_option_is_known(page, option):
    name, *values = option.split()
    having = [
        command for command, its in PROGRAM.commands.items() if any(name in parameter.opts for parameter in its.params)
    ]
    assert having
    assert not values or any(understands(command, name, *values) for command in having)


def understands(command: str, *words: str) -> bool:
    """Whether a command takes these words besides what it requires."""
    required = [one for one in PROGRAM.commands[command].params if one.required and one.param_type_name == "argument"]
    kinds = [one.type_descriptor.annotation for one in required]
    needed = [next(iter(kind)).value if isinstance(kind, EnumType) else "file" for kind in kinds]
    try:
        return bool(parsed([command, *needed, *words]))
    except Exception:  # typer has its own kinds
        return False


def test_every_command_of_the_program_is_shown():
    shown = {word for page in PAGES.values() for one in commands(page) for word in one.split()[:2]}
    assert set(PROGRAM.commands) <= shown


@pytest.mark.parametrize(
    ("choices", "page"), [(Format, "docs/ci.md"), (Table, "docs/platforms.md"), (Isolation, "docs/instructor.md")]
)
def test_every_choice_is_named(choices, page):
    words = set(" ".join([*spans(PAGES[page]), *commands(PAGES[page])]).split())
    assert {choice.value for choice in choices} - {"auto"} <= words


def test_the_makefile_says_what_it_would_do():
    for target in sorted(TARGETS):
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert {"setup", "demo", "quick", "test", "check", "lab"} <= TARGETS


def test_ci_lints_checks_types_and_runs_the_tests():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    targets = re.findall(r"^\s*make ([a-z]+)", script, re.MULTILINE)
    assert {"test", "check"} & set(targets)
    done = subprocess.run(["make", "-n", *targets], cwd=ROOT, capture_output=True, text=True, check=True)
    what_runs = script + done.stdout
    for tool in ("ruff check", "ruff format --check", "mypy", "pytest"):
        assert tool in what_runs, tool


def test_the_workflow_runs_make_check():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "course.yml").read_text("utf-8"))
    assert "make check" in [step.get("run") for step in workflow["jobs"]["test"]["steps"]]


# --- paths and names -------------------------------------------------------------------------------------


@cache
def code() -> str:
    """Everything that may name a variable or make a file, but for documents and this test."""
    places = [*(ROOT / "tests").rglob("*.py"), *(ROOT / ".github").rglob("*.yml"), ROOT / "Makefile"]
    places += [*(ROOT / "autograder").rglob("*.py"), *(ROOT / "course_lib").rglob("*.py"), ROOT / "nbgrader_config.py"]
    return "\n".join(path.read_text("utf-8") for path in places if path.name != Path(__file__).name)


def assert_is_variable(name: str) -> None:
    assert re.search(rf"\b{name}\b", code()), f"no code reads {name}"


@pytest.mark.parametrize(("page", "name"), in_pages(lambda text: filter(VARIABLE.fullmatch, spans(text))))
def test_every_variable_is_read(page, name):
    assert_is_variable(name)


@cache
def arguments_shown() -> set[str]:
    """Files and folders that a command in the documents reads or writes."""
    words = [word for page in PAGES.values() for one in commands(page) for word in shlex.split(one)]
    return {part for word in words for part in (word, word.rpartition("/")[2])}


def is_there(path: str) -> bool:
    """Whether a path exists from the repository's root; a placeholder stands for any name."""
    pattern = PLACEHOLDER.sub("*", path.rstrip("/"))
    return next(ROOT.glob(pattern), None) is not None


def is_made(path: str) -> bool:
    """Whether the code or the Makefile names it as what they write: a part of a class's folder, or a file."""
    known = PLACEHOLDER.split(path)[0].rstrip("/")
    folder, _, name = known.rpartition("/")
    if folder == "classroom":
        return bool(re.search(rf"""classroom( / ["']|/){re.escape(name)}["']""", code()))
    names = known == "classroom" or ("." in name and (not folder or is_there(folder)))
    return names and bool(re.search(rf"""["' ]{re.escape(name)}["'\n]""", code()))


@pytest.mark.parametrize(("page", "path"), in_pages(lambda text: filter(is_path, spans(text))))
def test_every_path_is_there(page, path):
    example = PLACEHOLDER.split(path)[0].rstrip("/") in arguments_shown()
    assert is_there(path) or is_made(path) or example or from_platform(path)


def from_platform(name: str) -> bool:
    """Whether it is an example of what a platform calls a student's notebook: those are collected below."""
    return name in CANVAS_NAMES


CANVAS_NAMES = [one for one in spans(PLATFORMS) if re.fullmatch(r"\w+?_\d+_\d+_\S+\.ipynb", one)]
MOODLE_NAMES = [one for one in spans(PLATFORMS) if one.endswith("_assignsubmission_file")]


@pytest.mark.parametrize(
    ("page", "path"), in_pages(lambda text: [one for text in blocks(text, "") for one in DRAWN.findall(text)])
)
def test_every_path_in_a_drawing_is_there(page, path):
    pattern = PLACEHOLDER.sub("*", path.strip("/"))
    assert is_made(path) or any(True for top in ("", "autograder/", "autograder/**/") for _ in ROOT.glob(top + pattern))


@pytest.mark.parametrize(
    ("page", "name"),
    in_pages(lambda text: [one for one in spans(text) if re.fullmatch(r"(autograder|course_lib)(\.\w+)+", one)]),
)
def test_every_dotted_name_is_there(page, name):
    parent, _, last = name.rpartition(".")
    assert hasattr(importlib.import_module(parent), last) or importlib.import_module(name)


def exercises_named(text: str) -> list[str]:
    return [one for one in re.findall(r"[a-z_]+\.\w+", " ".join(spans(text))) if one.split(".")[0] in TOPICS]


@pytest.mark.parametrize(("page", "name"), in_pages(exercises_named))
def test_every_exercise_is_there(page, name):
    assert (ROOT / name).is_file() or find(name).id == name


def test_a_check_that_is_shown_names_its_exercise_and_its_function():
    shown = [
        one for page in PAGES.values() for one in re.findall(r'^[^+]*check\("([\w.]+)", (\w+)\)', page, re.MULTILINE)
    ]
    assert shown  # a line with a plus adds an exercise: tests/whole/test_recipe.py follows it
    for exercise_id, answer in shown:
        assert find(exercise_id).name == answer


# --- links and pictures ----------------------------------------------------------------------------------


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.casefold()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("page", "target"), in_pages(lambda text: [link[2] for link in LINK.findall(prose(text))]))
def test_every_link_leads_somewhere(page, target):
    if target.startswith("https://"):
        return
    file, _, anchor = target.partition("#")
    path = ((ROOT / page).parent / file).resolve() if file else ROOT / page
    assert path.is_relative_to(ROOT)
    assert path.exists()
    assert not anchor or anchor in anchors(PAGES[path.relative_to(ROOT).as_posix()])


def test_every_page_can_be_reached_from_the_readme():
    reached, left = set(), ["README.md"]
    while left:
        page = left.pop()
        reached.add(page)
        targets = [(ROOT / page).parent / link[2].partition("#")[0] for link in LINK.findall(PAGES[page])]
        names = [path.resolve().relative_to(ROOT).as_posix() for path in targets if path.suffix == ".md"]
        left += [name for name in names if name in PAGES and name not in reached]
    assert reached == set(PAGES)


def test_the_readme_shows_a_picture_that_is_light_and_told_in_words():
    pictures = [link for link in LINK.findall(README) if link[0]]
    assert pictures
    for _, alternative, target in pictures:
        data = (ROOT / target).read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) < 200_000
        assert len(alternative.split()) >= 5


# --- samples ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("page", "sample"), in_pages(lambda text: blocks(text, "json")))
def test_samples_of_json_are_what_the_program_writes(page, sample):
    document = json.loads(sample)
    Draft202012Validator(SCHEMA).validate(document)
    for graded in document["submissions"]:
        assert graded["assignment"] in ASSIGNMENTS
        assert graded["score"] <= graded["max_score"]
        for verdict in graded["exercises"]:
            exercise = find(verdict["id"])
            assert verdict["max_points"] == exercise.points
            assert {case["name"] for case in verdict["cases"]} <= {case.name for case in visible_cases(exercise)}


def test_the_fields_that_a_network_measures_are_named():
    text = re.search(r"`measured`.*?draws them", PAGES["docs/ci.md"], re.DOTALL)
    assert text is not None
    named = set(SPAN.findall(text[0])) - {"measured", "report"}
    measures = find("capstone.compress").measures
    assert measures is not None
    source = Path(measures.__code__.co_filename).read_text("utf-8")
    assert len(named) == 8
    assert all(f'"{name}"' in source for name in named)


def tables() -> dict[str, str]:
    """The samples of CSV, by their first column."""
    return {text.partition(",")[0]: text for text in blocks(PLATFORMS, "csv")}


def test_the_table_for_canvas_is_what_export_writes():
    table = tables()["Student"]
    header, possible, *rows = csv.reader(io.StringIO(table))
    verdict = Verdict("linear.scores", Status.PARTIAL, 0, 0)
    submissions = [
        Graded(row[0], name, float(row[place]), float(possible[place]), 0.0, (), (verdict,))
        for row in rows
        for place, name in enumerate(header)
        if name in ASSIGNMENTS
    ]
    assert submissions
    assert render(ClassGrading("bubblewrap", "cpu", tuple(submissions)), "canvas") == table


def test_names_of_platforms_are_collected_with_the_roster_that_is_shown(tmp_path):
    assert CANVAS_NAMES
    assert MOODLE_NAMES
    notebook = nbformat.writes(nbformat.v4.new_notebook())
    places = [tmp_path / "canvas" / name for name in CANVAS_NAMES]
    places += [tmp_path / "moodle" / name / "01_linear_classification.ipynb" for name in MOODLE_NAMES]
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(notebook, "utf-8")
    roster = tmp_path / "names.csv"
    roster.write_text(tables()["id"], "utf-8")
    for folder in ("canvas", "moodle"):
        done = collect(Course(ROOT, tmp_path / f"class_{folder}"), tmp_path / folder, None, roster)
        assert done.of("new") == [("ada", "01_linear_classification")]
    plain = collect(Course(ROOT, tmp_path / "class_plain"), tmp_path / "canvas")
    assert plain.of("new") == [("4711", "01_linear_classification")]


def settings(text: str) -> list[str]:
    return [line for block in blocks(text, "python") for line in block.splitlines() if line.startswith("c.")]


@pytest.mark.parametrize(("page", "line"), in_pages(settings))
def test_settings_of_nbgrader_are_accepted(page, line):
    config = Config()
    exec(line, {"c": config})
    ((name, options),) = config.items()
    kind = next(
        getattr(place, name)
        for place in (nbgrader.plugins, nbgrader.preprocessors, nbgrader.coursedir, nbgrader_plugin)
        if hasattr(place, name)
    )
    made = kind(config=config)
    for option, value in options.items():
        assert made.trait_metadata(option, "config")
        assert getattr(made, option) == value


# --- what must be said -----------------------------------------------------------------------------------


def test_the_readme_says_what_for_whom_and_the_two_commands_on_two_screens():
    lines = README.split("\n")
    assert len(lines) <= 110
    for words in ("neural networks", "students", "instructors", "CI", "make demo", "make test"):
        assert words in "\n".join(lines[:24])
    numbers = re.findall(r"^\| (\d\d) ", README, re.MULTILINE)
    assert numbers == [name[:2] for name in ASSIGNMENTS]


def test_every_status_is_named():
    assert {status.value for status in Status} <= set(spans(PAGES["docs/instructor.md"]))


def test_the_architecture_names_every_room():
    named = set(spans(PAGES["ARCHITECTURE.md"]))
    inside = [path.parent for path in (ROOT / "autograder").glob("*/__init__.py")]
    divided = [folder for folder in inside if folder.name in ("sandbox", "pipeline")]
    rooms = [folder for folder in inside if folder not in divided]
    rooms += [path.parent for folder in divided for path in folder.glob("*/__init__.py")]
    doors = [path for path in (ROOT / "autograder").glob("*.py") if path.name != "__init__.py"]
    for place in (*rooms, *doors):
        name = place.relative_to(ROOT).as_posix()
        assert {name, f"{name}/", f"{name}/<topic>/"} & named, name


def test_the_changelog_keeps_its_form():
    versions = re.findall(r"^## (.*)$", CHANGELOG, re.MULTILINE)
    assert versions[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", version) for version in versions[1:])
    assert any(version.startswith(f"[{PYPROJECT['project']['version']}]") for version in versions)
    kinds = set(re.findall(r"^### (.*)$", CHANGELOG, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


# --- settings for tools ----------------------------------------------------------------------------------


def test_hooks_are_local_and_run_what_is_installed():
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert [one["repo"] for one in repositories] == ["local"]
    hooks = repositories[0]["hooks"]
    assert {"ruff-check", "ruff-format", "mypy"} <= {hook["id"] for hook in hooks}
    for hook in hooks:
        program, *arguments = hook["entry"].split()
        assert hook["language"] == "system"
        assert (BIN / program.removeprefix(".venv/bin/")).is_file()
        if program.endswith("/autograder"):
            parsed(arguments)
        pattern = re.compile(hook.get("files", ""))
        assert any(pattern.search(name) for name in ("autograder/cli.py", "solutions/01_linear_classification.py"))


def test_editors_and_ruff_agree_on_the_longest_line():
    text = (ROOT / ".editorconfig").read_text("utf-8")
    assert re.findall(r"^max_line_length = (\d+)$", text, re.MULTILINE) == [
        str(PYPROJECT["tool"]["ruff"]["line-length"])
    ]


def test_type_information_is_installed(monkeypatch):
    monkeypatch.chdir(ROOT)
    project = apply_configuration(Distribution(), "pyproject.toml")
    project.include_package_data = False  # what git lists: only the patterns of pyproject.toml count here
    build = project.get_command_obj("build_py")
    build.ensure_finalized()
    files = {f"{package}/{name}" for package, _, _, names in build.data_files for name in names}
    assert {"autograder/py.typed", "course_lib/py.typed"} <= files

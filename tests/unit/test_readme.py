"""What the README tells people to type exists, and is what the tests run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from autograder.cli import app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
COMMANDS = [line.split("#")[0].strip() for line in BLOCKS.split("\n") if line.strip()]
COMMANDS += [f".venv/bin/autograder {text}" for text in re.findall(r"`((?:grade|simulate) [^`]*)`", README)]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_the_first_screen_says_what_for_whom_and_the_two_commands():
    first = "\n".join(README.split("\n")[:24])
    for words in ("neural networks", "students", "instructors", "CI", "make demo", "make test"):
        assert words in first


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_is_understood(command):
    program, *arguments = command.split()
    if program == "make":
        assert set(arguments) <= TARGETS
        return
    assert program == ".venv/bin/autograder"
    parser = get_command(app)
    context = parser.make_context("autograder", arguments, resilient_parsing=False)
    while getattr(parser, "commands", None):
        name, parser, rest = parser.resolve_command(context, [*context._protected_args, *context.args])
        context = parser.make_context(name, rest, parent=context)
    assert context.args == []


def test_every_command_of_the_program_is_in_the_readme():
    for name in get_command(app).commands:
        assert re.search(rf"\b{name}\b", README), name


def test_ci_runs_make_test_and_the_workflow_make_check():
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "course.yml").read_text("utf-8"))
    assert "make check" in [step.get("run") for step in workflow["jobs"]["test"]["steps"]]
    assert {"setup", "demo", "test", "check", "lab"} <= TARGETS


def test_the_makefile_says_what_it_would_do():
    for target in ("demo", "test", "check", "lab"):
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert sys.version_info >= (3, 11)

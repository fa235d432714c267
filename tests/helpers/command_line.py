"""The command line of `autograder`: in this process, which is quick, or in one of its own, which leaves nothing out."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from autograder.cli import main

__all__ = ["ROOT", "Done", "run", "run_apart"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: object, cwd: Path = ROOT) -> Done:
    """The command in this process; `run_apart` is slower and leaves nothing out."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["autograder", *map(str, arguments)])
        patch.chdir(cwd)
        try:
            main()
            status = 0
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 0
    return Done(status, out.getvalue(), err.getvalue())


def run_apart(*arguments: object, cwd: Path = ROOT, **environment: str) -> Done:
    """The command in a process of its own, with these variables added to its environment."""
    command = [sys.executable, "-m", "autograder.cli", *map(str, arguments)]
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)

"""Grades the course's exercises: `check` for students in notebooks, `autograder` on the command line for the rest."""

from __future__ import annotations

from autograder.check import case, check, progress, run_case

__all__ = ["case", "check", "progress", "run_case"]

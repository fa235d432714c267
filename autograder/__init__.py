"""Grades the course's exercises: `check` for students in notebooks, `autograder` on the command line for the rest."""

from __future__ import annotations

from autograder.check import case, check, progress

__all__ = ["case", "check", "progress"]

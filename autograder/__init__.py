"""Grades the course's exercises: `check` for students in notebooks, `autograder` on the command line for the rest."""

from __future__ import annotations

from autograder.check import case, check, course_map, course_plan, preview, progress, run_case, this_machine

__all__ = ["case", "check", "course_map", "course_plan", "preview", "progress", "run_case", "this_machine"]

"""What nbgrader_config.py says, for the grader's own command line: which gradebook, and what lateness costs."""

from __future__ import annotations

from typing import Any

from nbgrader.preprocessors import AssignLatePenalties
from traitlets import TraitError
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.pipeline.course import Course, CourseError
from autograder.pipeline.records.gradebook import LatePenalty

__all__ = ["gradebook_url", "late_penalty", "nbgrader_config"]


def nbgrader_config(course: Course) -> Config:
    """The course's nbgrader_config.py, run as nbgrader runs it.

    Raises:
        CourseError: it raises an exception, which is named.
    """
    try:
        return PyFileConfigLoader("nbgrader_config.py", path=str(course.root)).load_config()
    except Exception as error:
        raise CourseError(f"{course.root / 'nbgrader_config.py'}: {type(error).__name__}: {error}") from error


def gradebook_url(course: Course, config: Config) -> str:
    """The database of the course's own classroom is nbgrader's; another classroom has one of its own."""
    if course.classroom == course.root / "classroom" and "db_url" in config.CourseDirectory:
        return str(config.CourseDirectory.db_url)
    return course.gradebook_url


def late_penalty(config: Config, **parent: Any) -> LatePenalty:
    """What nbgrader's plugin takes off a late notebook; the one that `AssignLatePenalties.plugin_class` names.

    Raises:
        CourseError: there is no such plugin.
    """
    try:
        step = AssignLatePenalties(config=config, **parent)
        step.init_plugin()
    except (TraitError, ImportError) as error:
        raise CourseError(f"nbgrader_config.py: AssignLatePenalties: {error}") from error

    def penalty(student: str, score: float, seconds_late: float) -> float | None:
        found = step.plugin_inst.late_submission_penalty(student, score, seconds_late)
        return None if found is None else min(max(0.0, float(found)), score)

    return penalty

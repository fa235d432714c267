"""What lateness costs, as nbgrader_config.py says."""

from __future__ import annotations

from typing import Any

from nbgrader.preprocessors import AssignLatePenalties
from traitlets import TraitError
from traitlets.config import Config

from autograder.pipeline.course import CourseError
from autograder.pipeline.records.gradebook import LatePenalty

__all__ = ["late_penalty"]


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

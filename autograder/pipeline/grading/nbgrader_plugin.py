"""nbgrader's plugin: `nbgrader autograde` and the formgrader's button go through the grader's own engine.

nbgrader_config.py gives nbgrader's `Autograde` three things: a hook that names the one notebook that counts, an
exporter that does not read what students hand in, and one preprocessor in place of nbgrader's own steps, which
restores, runs, judges and records as `autograder grade` does.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Enum, Unicode

from autograder.pipeline.course import find_course
from autograder.pipeline.grading.grade import grade_one
from autograder.pipeline.grading.warm_sandbox import Setup
from autograder.pipeline.secret import make_secret

__all__ = ["JudgeSubmission", "UnreadExporter", "expect_notebook"]


def expect_notebook(assignment: str, student: str, notebooks: list[str]) -> None:
    """Lets nbgrader continue if a notebook was renamed: the engine finds it, or reports it as missing."""
    if notebooks:
        notebooks[:] = [str(Path(notebooks[0]).parent / f"{Path(notebooks[0]).parent.name}.ipynb")]


class UnreadExporter(NotebookExporter):  # type: ignore[misc]
    """Returns an empty notebook instead of reading the submission, because the file may be anything."""

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> tuple[str, Any]:
        """Exports an empty notebook of that name."""
        exported: tuple[str, Any] = self.from_notebook_node(nbformat.v4.new_notebook(), resources, **kwargs)
        return exported


class JudgeSubmission(NbGraderPreprocessor):  # type: ignore[misc]
    """Grades a submission with the grader's engine, including the gradebook."""

    isolation = Unicode("auto", help="The isolation level; auto is the strongest that this machine has.").tag(
        config=True
    )
    device = Enum(("cpu", "cuda"), default_value="cpu", help="Where torch exercises run.").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        """The submission's notebook as it ran, in place of the empty one."""
        ids = resources["nbgrader"]
        try:
            course = find_course(Path.cwd())  # nbgrader runs in the course's folder
            make_secret(course)
            setup = Setup(self.isolation, self.device, course.closed)
            ran = grade_one(course, ids["student"], ids["assignment"], setup, self.config, ids["db_url"])
        except BaseException:
            # nbgrader sets it and leaves it set when grading fails. The formgrader's button grades inside Jupyter's
            # own server: every kernel started from then on would take a student's check for nbgrader's validation.
            os.environ.pop("NBGRADER_EXECUTION", None)
            raise
        return nbformat.reads(ran, as_version=4), resources

"""Where nbgrader finds this course. Read by every nbgrader command and by JupyterLab's formgrader."""

import os
import sys
from contextlib import suppress
from pathlib import Path

c = get_config()  # noqa: F821

root = Path(__file__).resolve().parent
classroom = root / "classroom"
with suppress(OSError):  # SQLite does not make the folder of its file
    classroom.mkdir(exist_ok=True)

# nbgrader calls alembic by name; make it the one installed beside this Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

c.CourseDirectory.course_id = "neural_networks"
c.CourseDirectory.root = str(root)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
c.CourseDirectory.submitted_directory = "classroom/submitted"
c.CourseDirectory.autograded_directory = "classroom/autograded"
c.CourseDirectory.feedback_directory = "classroom/feedback"
c.CourseDirectory.solution_directory = "classroom/solution"
c.CourseDirectory.source_with_tests_directory = "classroom/source_with_tests"
c.CourseDirectory.db_url = f"sqlite:///{classroom / 'gradebook.db'}"

# `nbgrader autograde` and the formgrader's button grade with the course's own engine, as `autograder grade` does.
c.Autograde.pre_convert_hook = "autograder.pipeline.grading.nbgrader_plugin.expect_notebook"
c.Autograde.exporter_class = "autograder.pipeline.grading.nbgrader_plugin.UnreadExporter"
c.Autograde.sanitize_preprocessors = []
c.Autograde.autograde_preprocessors = ["autograder.pipeline.grading.nbgrader_plugin.JudgeSubmission"]

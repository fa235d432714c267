"""The former name of `grading.nbgrader_plugin`, kept because the nbgrader_config.py of a class may still name it."""

from autograder.pipeline.grading.nbgrader_plugin import JudgeSubmission, UnreadExporter, expect_notebook

__all__ = ["JudgeSubmission", "UnreadExporter", "expect_notebook"]

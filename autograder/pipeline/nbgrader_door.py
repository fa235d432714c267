"""The former name of `grading.nbgrader_plugin`, kept because a class's nbgrader_config.py may still use it."""

from autograder.pipeline.grading.nbgrader_plugin import JudgeSubmission, UnreadExporter, expect_notebook

__all__ = ["JudgeSubmission", "UnreadExporter", "expect_notebook"]

"""The student's side of a probe: builds what a case needs around the answer, calls it, returns plain values.

One module per topic, mirroring course_lib. A harness `f(answer, *args, **kwargs)` runs in the student's process, beside
the student's code, so it knows no answers: the judge sends it plain inputs and trusts nothing that it returns.
"""

from autograder.objects import UnexpectedAnswer

__all__ = ["UnexpectedAnswer"]

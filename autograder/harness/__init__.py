"""The student's side of a probe: builds what a case needs around the answer, calls it, returns plain values.

One module per topic, mirroring course_lib. A harness `f(answer, *args, **kwargs)` runs in the student's process, beside
the student's code, so it knows no answers: the judge sends it plain inputs and trusts nothing that it returns.
"""

__all__ = ["UnexpectedAnswer"]


class UnexpectedAnswer(Exception):
    """The answer is not what the exercise asks for; the message tells the student what it is and what was expected."""

"""The student's side of a probe: builds what a case needs around the answer, calls it, returns plain values.

One module a topic, mirroring course_lib. A harness `f(answer, *args, **kwargs)` runs in the student's process, beside
the student's code, so it knows no answers: the judge sends it plain inputs and believes nothing that it returns.
"""

__all__ = ["UnexpectedAnswer"]


class UnexpectedAnswer(Exception):
    """The answer is no such thing as is asked; the message tells the student what it is and what is expected."""

"""The student's side of what the judge observes: builds what an answer is called with, reads what it returned.

One module per topic, mirroring course_lib. A harness runs in the student's process, beside the student's code, and can
be replaced there. So it is never given the answer, knows what is right as little as the student does, and says nothing
that earns points: the judge runs what it recorded, and computes what it built for the student on its own side.
"""

from autograder.objects import UnexpectedAnswer

__all__ = ["UnexpectedAnswer"]

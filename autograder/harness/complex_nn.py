"""Complex tensors on the student's side: what is computed while an answer runs, as a program that the judge runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from autograder.harness.models import Recorder

__all__ = ["Recording", "begin", "end", "given"]


class Recording:
    """Records torch's operators between `begin` and `end`."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        """`inputs` are those of the program: the very tensors that the answer is called with."""
        self.recorder = Recorder(inputs, training=False)


def given(numbers: Tensor) -> Tensor:
    """A tensor that an answer is called with."""
    return numbers.detach().clone()


def begin(recording: Recording) -> None:
    """Begins to record."""
    recording.recorder.__enter__()  # type: ignore[no-untyped-call]


def end(recording: Recording) -> dict[str, Any]:
    """Stops recording: what was computed, as `models.recorded` has it, without an output."""
    recording.recorder.__exit__(None, None, None)  # type: ignore[no-untyped-call]
    return {"state": {}, "trainable": [], "own": [], **recording.recorder.program()}

"""What an answer can read of a seed tells it nothing of what is held out."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from autograder.exercises import find
from autograder.exercises.quantization import inputs
from autograder.judge.answer import apply_observed
from autograder.judge.cases import hidden_cases
from course_lib import capstone

DRAWN: dict[str, Callable[[np.random.Generator], tuple[Tensor, ...]]] = {
    "digits": lambda rng: capstone.digits_task(rng).train,
    "graph": lambda rng: (capstone.graph_task(rng).train.x,),
    "linear": lambda rng: inputs.digits(rng)[0],
}
"""What a network learned from, drawn as the judge draws it, before what is held out."""


@pytest.mark.parametrize(
    ("exercise", "number", "kind"),
    [("capstone.compress", 0, "digits"), ("capstone.compress", 4, "graph"), ("quantization.train_aware", 0, "linear")],
)
def test_the_seed_that_an_answer_can_read_does_not_draw_its_data_again(exercise: str, number: int, kind: str) -> None:
    asked, seen = find(exercise), list[tuple[int, Tensor]]()

    def answer(model: Any, data: Any, *rest: Any) -> Any:
        seen.append((torch.initial_seed(), data[0] if isinstance(data, tuple) else data.x))
        raise RuntimeError

    case = hidden_cases(asked, b"secret")[number]
    apply_observed(asked, answer, case, case.args, case.kwargs)
    [(seed, given)] = seen
    [again, *_] = DRAWN[kind](np.random.default_rng(seed))
    assert again.shape == given.shape
    assert not torch.equal(again, given)

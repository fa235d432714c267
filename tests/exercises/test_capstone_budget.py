"""The capstone's budget: both ways together score more than either alone; what its harness brings back."""

import numpy as np
import pytest
import torch

from autograder.exercise import Status
from autograder.exercises import find
from autograder.exercises.capstone_cases import GROUPS
from autograder.harness import UnexpectedAnswer
from autograder.harness.capstone import compressed, front
from autograder.judge.cases import visible_cases
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback
from course_lib import capstone
from course_lib.capstone import CompressedModel

EXERCISE = find("capstone.compress")
SECRET = b"a budget"


def pruned(model, data, budget):
    """As many channels as the bytes allow in 32 bits."""
    return capstone.prune_only(model, data, (3, 3) if isinstance(data, tuple) else (2,))


def quantized(model, data, budget):
    """As few bits as there are."""
    return capstone.quantize_only(model, data, 2)


def points(answer) -> float:
    return evaluate(EXERCISE, loopback(answer), secret=SECRET).points


def test_neither_way_alone_scores_as_much_as_both():
    assert points(capstone.compress) == EXERCISE.points
    assert 0 < points(pruned) <= EXERCISE.points - 4
    assert points(quantized) == 0


def test_points_follow_the_accuracy():
    worth = [points for kind, _, points in GROUPS.values() if kind == "digits"]
    assert worth == [2, 1, 1, 2]

    def noisy(strength):
        def compress(model, data, budget):
            made = capstone.compress(model, data, budget)
            state = {name: each.clone() for name, each in made.state.items()}
            generator = torch.Generator().manual_seed(0)
            for name in state:
                if name.startswith("bias"):
                    state[name] += strength * torch.randn(state[name].shape, generator=generator).half()
            return CompressedModel(state, made.forward)

        return compress

    reached = [points(noisy(strength)) for strength in (0.0, 0.5, 1.5, 20.0)]
    assert reached == sorted(reached, reverse=True)
    assert reached[0] == EXERCISE.points
    assert 0 < reached[2] < EXERCISE.points
    assert reached[3] == 0


def test_what_is_measured_stands_beside_the_budget_and_the_reference():
    verdict = evaluate(EXERCISE, loopback(quantized), secret=SECRET)
    measured = [dict(case.measured) for case in verdict.cases if case.measured]
    assert len(measured) == 2
    for each in measured:
        assert each["bytes"] > each["budget_bytes"] >= each["reference_bytes"]
        assert each["macs"] > each["budget_macs"] >= each["reference_macs"]
        assert each["reference_accuracy"] > 0.6


def test_a_budget_of_code_is_named():
    table = torch.randn(16).half()

    def compress(model, data, budget):
        codes = np.random.default_rng(0).integers(0, 16, 3000).tolist()

        def forward(state, x):
            parts = state["table"].unbind()
            images = x if isinstance(x, torch.Tensor) else x.x
            rows = torch.stack([parts[code] for code in codes]).float().sum() * 0
            return images.flatten(1)[:, : 10 if isinstance(data, tuple) else 6] + rows

        return CompressedModel({"table": table}, forward)

    verdict = evaluate(EXERCISE, loopback(compress), secret=SECRET)
    assert verdict.points == 0
    assert "of them for its code" in verdict.message


# --- the harness ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def args():
    return next(case.args for case in visible_cases(EXERCISE) if case.args[0] == "graph")


def test_a_model_is_looked_at_again_but_only_where_asked(args):
    calls = []

    def compress(model, data, budget):
        calls.append(budget)
        return capstone.uncompressed(model)

    first = compressed(compress, *args)
    assert compressed(compress, *args[:-1], True) == first
    assert len(calls) == 1
    compressed(compress, *args[:-1], False)
    assert [(one.bytes, one.macs) for one in calls] == [(600, 1200)] * 2


def test_what_failed_is_not_remembered(args):
    compressed(lambda model, data, budget: capstone.uncompressed(model), *args)
    with pytest.raises(UnexpectedAnswer, match="object of type NoneType"):
        compressed(lambda model, data, budget: None, *args)
    with pytest.raises(UnexpectedAnswer, match="object of type int"):
        compressed(lambda model, data, budget: 3, *args[:-1], True)


@pytest.mark.parametrize(
    ("predict", "says"),
    [
        (lambda x: x.x.numpy(), "returns an object of type ndarray"),
        (lambda x: [x := x.x.neg() if hasattr(x, "x") else x.neg() for _ in range(2500)][-1], "without loops"),
    ],
)
def test_a_model_that_cannot_be_recorded_is_told_why(args, predict, says):
    class Model:
        state: dict = {}  # noqa: RUF012

    Model.predict = staticmethod(predict)
    with pytest.raises(UnexpectedAnswer, match=says):
        compressed(lambda model, data, budget: Model(), *args)


def test_an_exception_of_predict_is_the_students_own(args):
    verdict = evaluate(EXERCISE, loopback(lambda model, data, budget: CompressedModel({}, lambda state, x: 1 / 0)))
    assert verdict.status is Status.ERROR
    assert "ZeroDivisionError" in verdict.message


def test_places_are_plain_numbers():
    answers = (torch.tensor([1, 0]), [1, 0], (1, 0), np.array([1, 0]).tolist(), [torch.tensor(1), 0])
    for chosen in answers:
        assert front(lambda costs, scores, chosen=chosen: chosen, torch.zeros(2), torch.zeros(2)) == [1, 0]
    with pytest.raises(UnexpectedAnswer, match="object of type str"):
        front(lambda costs, scores: "10", torch.zeros(2), torch.zeros(2))

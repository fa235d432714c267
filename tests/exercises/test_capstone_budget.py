"""The capstone's budgets: both ways together score more than either alone; what the judge sees of an answer."""

from collections import namedtuple
from functools import partial

import numpy as np
import pytest
import torch

from autograder.calls import Status
from autograder.exercises import find
from autograder.exercises.capstone import plain
from autograder.exercises.capstone.budget import (
    BUDGETS,
    Observed,
    observed,
    reached,
    reached_by_reference,
    trained,
    typical,
)
from autograder.exercises.capstone.compress import GROUPS, accepts_compressed
from autograder.exercises.capstone.observers import front
from autograder.judge.answer import observed as seen_by_the_judge
from autograder.judge.cases import visible_cases
from autograder.judge.evaluate import evaluate
from autograder.objects import AnswerRaised, UnexpectedAnswer
from autograder.sandbox.guest.messenger import loopback
from course_lib import capstone
from course_lib.capstone import CompressedModel, folded, inputs_of
from course_lib.program import record

EXERCISE = find("capstone.compress")
CASES = {
    kind: {case.group: case for case in visible_cases(EXERCISE) if case.args[0] == kind} for kind in ("digits", "graph")
}


def points(kind, value) -> float:
    return sum(GROUPS[group][-1] for group, case in CASES[kind].items() if accepts_compressed(case, value) is None)


def given(kind):
    """The network of the visible cases, with its training data."""
    case = next(iter(CASES[kind].values()))
    made = trained(kind, case.known.seed)
    model = capstone.digits_cnn() if kind == "digits" else capstone.GCN()
    model.load_state_dict(dict(zip(model.state_dict(), made.numbers, strict=True)))
    return model.eval(), made.task


def written(kind, *predicts):
    """What the harness brings back for these functions, one for each budget; the last is used again."""
    example = given(kind)[1].example
    found = [record(each, example, inputs_of(example)).plain() for each in predicts]
    return {"programs": [*found, *[found[-1]] * 3][:3]}


@pytest.fixture(scope="module")
def reference():
    model, task = given("graph")
    return [plain.compress(model, task.train, budget).predict for budget in BUDGETS["graph"]]


# --- points -----------------------------------------------------------------------------------------------


def test_the_last_points_are_beyond_the_reference(reference):
    worth = {kind: sum(each[-1] for each in GROUPS.values() if each[0] == kind) for kind in BUDGETS}
    assert sum(worth.values()) == EXERCISE.points == 12
    assert points("graph", written("graph", *reference)) == worth["graph"] - 2
    says = accepts_compressed(CASES["graph"]["graph: better than the reference"], written("graph", *reference))
    assert "the course's reference reaches" in says


def test_each_budget_counts_and_a_smaller_network_fits_a_larger_one(reference):
    model, _ = given("graph")
    two = written("graph", *reference[:2], model)
    assert points("graph", two) == points("graph", written("graph", *reference)) > 0  # the second fits twice
    one = points("graph", written("graph", reference[0], model))
    assert one < points("graph", written("graph", reference[2])) < points("graph", two)
    assert points("graph", written("graph", model)) == 0
    budgets = BUDGETS["digits"]
    fits = Observed(bytes=250, macs=6000, accuracy=0.9)
    assert reached("digits", [fits] * 3) == pytest.approx(0.9)
    assert reached("digits", [fits, Observed("not run"), Observed(bytes=251, accuracy=1.0)]) == pytest.approx(2.9 / 3)
    larger = Observed(bytes=budgets[0].bytes, macs=6000, accuracy=0.9)
    assert reached("digits", [larger] * 3) == pytest.approx(0.3)
    alone = Observed(bytes=1, macs=1, accuracy=0.9, alone=False)
    assert reached("digits", [alone] * 3) == reached("digits", []) == 0


def test_features_without_edges_earn_at_most_a_third():
    _, task = given("graph")
    x, y = task.train.x, task.train.y
    means = torch.stack([x[y == group].mean(0) for group in range(6)])
    by_means = written("graph", lambda graph: graph.x @ means.T - means.square().sum(1) / 2)
    case = next(iter(CASES["graph"].values()))
    free = [Observed(accuracy=one.accuracy) for one in observed(case, by_means)]
    assert 0.35 < reached("graph", free) < trained("graph", case.known.seed).accuracy - 0.40
    assert points("graph", by_means) == 0


def test_an_answer_that_depends_on_its_batch_counts_for_nothing():
    model, task = given("digits")
    predict = capstone.compress(model, task.train, BUDGETS["digits"][2]).predict
    honest = written("digits", predict)
    assert points("digits", honest) > 0

    def shifted(x):
        logits = predict(x)
        return logits - 0.05 * logits.mean(0)

    value = written("digits", shifted)
    assert [one.alone for one in observed(CASES["digits"]["digits: within the budgets"], value)] == [False] * 3
    assert points("digits", value) == 0
    assert points("digits", written("digits", lambda x: predict(x).flip(0).flip(0))) > 0
    assert points("digits", written("digits", lambda x: predict(x).roll(1, 0))) == 0


def test_weights_in_arguments_and_transposed_convolutions_are_paid_for():
    model, _ = given("digits")
    weights, biases = folded(model)
    rows = [[float(each) for each in row.half()] for row in weights[2]]

    def in_arguments(x):
        flat = x.flatten(1)
        return torch.stack([sum(flat[:, k] * w for k, w in enumerate(row[:40])) for row in rows[:10]], 1)

    found = observed(CASES["digits"]["digits: within the budgets"], written("digits", in_arguments))[0]
    assert found.code > 400 * 2

    def transposed(x):
        w = weights[1][:, :1].flip(2, 3).contiguous()
        h = torch.conv2d(x, weights[0], biases[0], padding=1).repeat(1, 2, 1, 1)
        return torch.conv_transpose2d(h, w, padding=1, groups=32).flatten(1)[:, :10]

    found = observed(CASES["digits"]["digits: within the budgets"], written("digits", transposed))[0]
    assert found.macs >= 64 * (9 * 16 + 9 * 32)


def test_whatever_comes_back_gets_no_points():
    for value in (None, 3, {}, {"programs": 3}, {"programs": []}, {"programs": ["ValueError: no"] * 3},
                  {"programs": [torch.zeros(9)] * 3}, {"programs": [torch.zeros(99, dtype=torch.uint8)] * 900},
                  {"programs": [torch.zeros(2_000_000, dtype=torch.uint8)]}):  # fmt: skip
        assert points("digits", value) == 0


def test_what_is_measured_stands_beside_the_budget_and_the_reference():
    case = CASES["graph"]["graph: within the budgets"]
    case = type(case)(case.name, case.args, known=type(case.known)("graph", case.known.seed, 0.4, measured=1))
    model, _ = given("graph")
    each = EXERCISE.measures(case, written("graph", model))
    assert each["bytes"] > each["budget_bytes"] == 150 >= each["reference_bytes"]
    assert each["macs"] > each["budget_macs"] == 500 >= each["reference_macs"]
    assert each["reference_accuracy"] > 0.6


# --- what is named ----------------------------------------------------------------------------------------


def named(kind, value) -> set[str]:
    """The known mistakes that show in these networks."""
    case = next(iter(CASES[kind].values()))
    return {each.name for each in EXERCISE.misconceptions if each.shows(case, value)}


def stored(as_what, width=10, whole=False):
    """The graph network with its strongest hidden units, its weights stored in this form."""
    weights, biases = folded(given("graph")[0])
    keep = weights[0].norm(dim=1).topk(len(weights[0]) if whole else width).indices
    kept = [as_what(weights[0][keep]), as_what(weights[1][:, keep])]
    first, second = biases[0][keep].half(), biases[1].half()
    return written("graph", lambda x: capstone.network([w.float() for w in kept], [first.float(), second.float()], x))


def rounded(w, most=7):
    return torch.round(w * most / w.abs().max())


@pytest.mark.parametrize(
    ("value", "name", "says"),
    [
        (torch.Tensor.float, "channels_in_floats", "floating-point numbers, of 16 bits or more"),
        (torch.Tensor.half, "channels_in_floats", "floating-point numbers, of 16 bits or more"),
        (torch.Tensor.bfloat16, "channels_in_floats", "floating-point numbers, of 16 bits or more"),
        (lambda w: (rounded(w) / 8).half(), "rounded_floats", "stored as a floating-point number"),
        (lambda w: rounded(w).to(torch.int8), "a_whole_byte_for_four_bits", "4 bits or fewer, and each takes a whole"),
        (lambda w: rounded(w).to(torch.int64), "codes_in_wide_integers", "a wider integer, of 16 to 64 bits"),
        (lambda w: rounded(w, 100).to(torch.int32), "codes_in_wide_integers", "would fit into 8 bits or fewer"),
        (lambda w: rounded(w, 127).to(torch.int8), "codes_over_the_budget", "alone take more bytes than the first"),
    ],
)
def test_the_form_in_which_weights_are_stored_is_named_as_it_is(value, name, says):
    shown = named("graph", stored(value))
    assert name in shown
    forms = {"channels_in_floats", "rounded_floats", "a_whole_byte_for_four_bits", "codes_in_wide_integers",
             "codes_over_the_budget"}  # fmt: skip
    assert shown & forms <= {name, "channels_in_floats"}
    [sentence] = [each.sentence for each in EXERCISE.misconceptions if each.name == name]
    assert says in sentence
    assert "32" not in sentence


def test_codes_of_more_than_four_bits_are_not_told_that_they_have_four():
    assert named("graph", stored(lambda w: rounded(w, 7.4).to(torch.int8))) == {"a_whole_byte_for_four_bits"}
    assert named("graph", stored(lambda w: rounded(w, 12).to(torch.int8))) == {"codes_over_the_budget"}
    assert named("graph", stored(lambda w: rounded(w, 127).to(torch.int8), width=5)) == set()  # they fit


def test_too_many_multiplications_do_not_mean_that_every_channel_is_there():
    for value in (stored(torch.Tensor.half, width=40), stored(torch.Tensor.half, whole=True)):
        assert "every_channel" in named("graph", value)
    [sentence] = [each.sentence for each in EXERCISE.misconceptions if each.name == "every_channel"]
    assert "takes more multiplications than even the first budget allows" in sentence


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        (lambda logits: logits.flip(1), "classes_in_another_order"),
        (lambda logits: logits.roll(2, 1), "classes_in_another_order"),
        (lambda logits: -logits, "smallest_logit_wins"),
    ],
)
def test_a_trained_network_is_not_called_untrained(reference, changed, name):
    value = written("graph", *(lambda x, predict=predict: changed(predict(x)) for predict in reference))
    assert points("graph", value) == 0
    assert named("graph", value) == {name}
    assert named("graph", written("graph", *reference)) == set()


# --- what is observed -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seen():
    """What the judge sees of a function: `seen(compress)()`, as often as it is called."""
    case = next(iter(CASES["graph"].values()))
    return lambda compress: partial(seen_by_the_judge(EXERCISE, compress, case), *case.args)


def test_an_answer_compresses_once_for_several_cases(seen):
    calls = []

    def compress(model, data, budget):
        calls.append(budget)
        return capstone.uncompressed(model)

    looks = seen(compress)
    first = looks()
    assert looks() == first
    assert [(one.bytes, one.macs) for one in calls] == [(300, 800), (150, 500), (120, 400)]
    seen(compress)()
    assert len(calls) == 6


def test_what_is_no_model_is_told_so(seen):
    for value, said in ((None, r"None \(is a return missing\?\)"), (3, "an object of type int")):
        with pytest.raises(UnexpectedAnswer, match=f"compress returned {said}; expected a CompressedModel"):
            seen(lambda model, data, budget, value=value: value)()


def test_a_namedtuple_is_a_compressed_model(seen):
    pair = namedtuple("pair", ("state", "predict"))
    honest = seen(lambda model, data, budget: capstone.uncompressed(model))()["programs"]
    named = seen(lambda model, data, budget: pair({}, capstone.uncompressed(model).predict))()["programs"]
    assert all(map(torch.equal, honest, named))


def test_an_error_at_a_smaller_budget_costs_that_budget_alone(seen):
    def compress(model, data, budget):
        if budget.bytes < 300:
            raise ValueError(f"{budget.bytes} are too few")
        return capstone.uncompressed(model)

    first, *others = seen(compress)()["programs"]
    assert first.dtype == torch.uint8
    assert others == ["ValueError: 150 are too few", "ValueError: 120 are too few"]


@pytest.mark.parametrize(
    ("predict", "says"),
    [
        (lambda x: x.x.numpy(), "returns an object of type ndarray"),
        (lambda x: [x := x.x.neg() if hasattr(x, "x") else x.neg() for _ in range(2500)][-1], "without loops"),
        (lambda x: x.x.sort()[0], "operator sort, which a judged program may not use: take comparisons"),
    ],
)
def test_a_model_that_cannot_be_recorded_is_told_why(seen, predict, says):
    class Model:
        state: dict = {}  # noqa: RUF012

    Model.predict = staticmethod(predict)
    with pytest.raises(AnswerRaised, match=says):
        seen(lambda model, data, budget: Model())()


def test_an_exception_of_predict_is_the_students_own():
    verdict = evaluate(EXERCISE, loopback(lambda model, data, budget: CompressedModel({}, lambda state, x: 1 / 0)))
    assert verdict.status is Status.ERROR
    assert "ZeroDivisionError" in verdict.message


def test_places_are_plain_numbers():
    answers = (torch.tensor([1, 0]), [1, 0], (1, 0), np.array([1, 0]).tolist(), [torch.tensor(1), 0])
    for chosen in answers:
        assert front(lambda costs, scores, chosen=chosen: chosen, torch.zeros(2), torch.zeros(2)) == [1, 0]
    with pytest.raises(UnexpectedAnswer, match="object of type str"):
        front(lambda costs, scores: "10", torch.zeros(2), torch.zeros(2))


# --- which networks are asked for -------------------------------------------------------------------------


def test_a_network_on_which_the_reference_is_lucky_is_not_asked_for():
    class First(np.random.Generator):
        """Draws, before its own numbers, one of a graph network on which the reference loses 6 points alone."""

        drawn = 0

        def integers(self, *given):
            self.drawn += 1
            return 6_100_342 if self.drawn == 1 else super().integers(*given)

    rng = First(np.random.PCG64(500))
    lucky = trained("graph", 6_100_342).accuracy - reached_by_reference("graph", 6_100_342)
    seed = typical("graph", rng)
    assert rng.drawn > 1
    assert lucky < 0.08 < 0.10 <= trained("graph", seed).accuracy - reached_by_reference("graph", seed) <= 0.16

"""Known mistakes by group, in pairs, with a factor or a transpose; and what only the failing cases share."""

import numpy as np
import pytest

from autograder.exercises import find
from autograder.judge.evaluate import Evaluation, evaluate
from autograder.sandbox.guest.messenger import loopback


def without_shift_over_the_wrong_axis(logits):
    powers = np.exp(logits)
    return powers / powers.sum(axis=0, keepdims=True)


def gradient(X, labels, W, b):
    z = X @ W.T + b
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    return p.T @ X, p.sum(axis=0)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_two_mistakes_are_named_for_the_groups_that_each_explains():
    verdict = evaluate(find("linear.softmax"), loopback(without_shift_over_the_wrong_axis))
    assert "axis=1" in verdict.diagnosis
    assert "maximum" in verdict.diagnosis


def test_two_mistakes_in_the_same_answer_are_named_in_another_style():
    def both(X, labels, W, b):
        dW, db = gradient(X, labels, W, np.zeros_like(b))
        return dW / len(X), db

    exercise = find("linear.softmax_gradient")
    sentences = {each.name: each.sentence for each in exercise.misconceptions}
    verdict = evaluate(exercise, loopback(both))
    one, two = verdict.diagnosis.split(" And besides: ")
    assert {one, two} == {sentences["bias_gradient_summed"], sentences["bias_not_in_the_scores"]}


def test_two_mistakes_are_not_named_where_a_third_is_made():
    def all_three(X, labels, W, b):
        dW, db = gradient(X, labels, W, np.zeros_like(b))
        return dW / len(X) + 1, db

    assert evaluate(find("linear.softmax_gradient"), loopback(all_three)).diagnosis == ""


def test_a_mistake_is_named_with_a_transpose():
    def turned(X, labels, W, b):
        dW, db = gradient(X, labels, W, b)
        return dW.T, db

    exercise = find("linear.softmax_gradient")
    undivided = next(each for each in exercise.misconceptions if "divide" in each.sentence.lower())
    verdict = evaluate(exercise, loopback(turned))
    assert verdict.diagnosis == f"{undivided.sentence} Besides, the result is transposed."


def test_a_mistake_is_named_with_a_factor_of_the_input():
    exercise = find("linear.cross_entropy")
    mistake = next(each for each in exercise.misconceptions if each.shows is None)

    def scaled(logits, labels):
        return mistake.wrong(logits, labels) * logits.shape[1]

    verdict = evaluate(exercise, loopback(scaled))
    told = verdict.diagnosis + " ".join(verdict.remarks)
    assert "logits.shape[1]" in told or "every number" in " ".join(case.message for case in verdict.cases)


def test_a_factor_alone_is_told():
    def not_divided(logits, labels):
        m = logits.max(axis=1)
        s = np.log(np.exp(logits - m[:, None]).sum(axis=1)) + m
        return float((s - logits[np.arange(len(labels)), labels]).mean() * logits.shape[1] ** 2)

    verdict = evaluate(find("linear.cross_entropy"), loopback(not_divided))
    assert "`logits.shape[1] ** 2` times the right one" in verdict.remarks[0]


def test_what_is_named_holds_on_every_case_that_it_claims():
    """It equals a known mistake on one failing case of the group, but not on the other."""
    exercise = find("linear.softmax")
    columns = next(each for each in exercise.misconceptions if each.name == "softmax_down_the_columns")

    def sometimes(logits):
        return columns.wrong(logits) if logits.shape == (2, 2) else softmax(logits) * 3

    assert "columns" not in evaluate(exercise, loopback(sometimes)).diagnosis


def test_only_the_border_is_told():
    exercise = find("cnn.max_pool2d")
    reference = exercise.reference

    def at_the_border(x, *args, **kwargs):
        out = reference(x, *args, **kwargs).clone()
        out[..., 0, :] += 1
        return out

    evaluation = Evaluation(exercise, None)
    evaluation.try_visible(loopback(at_the_border))
    shapes = [case for case in evaluation.verdict().cases if not case.passed]
    told = evaluation.verdict().remarks
    assert shapes
    assert not told or told[0].startswith(("Only numbers at the border", "the result"))


def test_only_large_numbers_are_told():
    def overflows(logits):
        return softmax(logits) if np.abs(logits).max() < 100 else np.full(logits.shape, 0.5)

    assert "Only the cases with large numbers fail." in evaluate(find("linear.softmax"), loopback(overflows)).remarks


@pytest.mark.parametrize("wrong", [lambda logits: softmax(logits).T.reshape(logits.shape), lambda logits: "text"])
def test_where_nothing_is_shared_nothing_is_told(wrong):
    verdict = evaluate(find("linear.softmax"), loopback(wrong))
    assert not [remark for remark in verdict.remarks if remark.startswith(("Only", "Every"))]

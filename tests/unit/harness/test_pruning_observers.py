"""What the judge sees of answers on pruning, and how pruned networks are judged."""

import copy

import numpy as np
import pytest
import torch

from autograder.calls import Status
from autograder.exercise import Case
from autograder.exercises import find
from autograder.exercises.pruning import observers, prune_and_finetune
from autograder.judge.answer import observed
from autograder.judge.evaluate import evaluate
from autograder.objects import AnswerRaised, UnexpectedAnswer
from autograder.sandbox.guest.messenger import loopback
from course_lib import pruning


def seen(observer, answer, *args):
    """What an observer sees of an answer."""
    return observed(find("pruning.prune_and_finetune"), answer, Case("one", through=observer))(*args)


def pruned(answer, case):
    return seen(observers.pruned, answer, *case.args)


@pytest.fixture
def small():
    return prune_and_finetune._form("a small network", np.random.default_rng(0), 0.7)


def test_refusals_are_named_and_whoever_refuses_everything_refuses_nothing():
    def blank(w):
        raise NotImplementedError

    def stubborn(w, n=2, m=4):
        raise ValueError("no")

    assert seen(observers.refused, pruning.n_m_mask, torch.ones(2, 6)) == "ValueError"
    assert seen(observers.refused, pruning.n_m_mask, torch.ones(2, 8)) == "nothing"
    with pytest.raises(AnswerRaised, match="NotImplementedError"):
        seen(observers.refused, blank, torch.ones(2, 6))
    with pytest.raises(AnswerRaised, match="ValueError: no"):
        seen(observers.refused, stubborn, torch.ones(2, 10), 4, 8)


def test_a_number_has_no_gradient():
    student, labels = torch.randn(2, 3), torch.tensor([0, 1])
    assert seen(observers.differentiated, lambda s, y: s.sum().item(), student, labels)["gradient"] is None
    ones = seen(observers.differentiated, lambda s, y: s.sum(), student, labels)["gradient"]
    assert ones.tolist() == [[1.0] * 3] * 2


def test_something_else_than_a_model_is_refused_in_words(small):
    with pytest.raises(
        UnexpectedAnswer, match="prune_and_finetune returned an object of type int; expected the new model"
    ):
        pruned(lambda model, data, sparsity: 3, small)


def test_random_numbers_and_threads_are_left_alone(small, two_threads):
    state = torch.random.get_rng_state()
    value = pruned(pruning.prune_and_finetune, small)
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.get_num_threads() == two_threads
    assert prune_and_finetune.accepts_pruned(small, value) is None


def too_few(model, data, sparsity):
    new = copy.deepcopy(model)
    for w, mask in zip(pruning.weights_of(new), pruning.global_masks(pruning.weights_of(new), 0.6), strict=True):
        w.mul_(mask)
    return new


def not_finite(model, data, sparsity):
    new = pruning.prune_and_finetune(model, data, sparsity)
    pruning.weights_of(new)[0].fill_(float("nan"))
    return new


def narrower(model, data, sparsity):
    new = pruning.prune_and_finetune(model, data, sparsity)
    new.last = torch.nn.Linear(5, 4)
    return new


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (too_few, "59.89% of the weights of two or more dimensions are zero; the exercise asks for 70.00%"),
        (not_finite, "some weights are infinite or nan"),
        (narrower, "the new model's weights have different shapes from the old one's"),
        (lambda model, data, sparsity: model, "the model that was passed in is changed: work on copy.deepcopy(model)"),
    ],
    ids=["too few", "nan", "narrower", "the same"],
)
def test_what_is_wrong_is_said(small, answer, said):
    assert prune_and_finetune.accepts_pruned(small, pruned(answer, small)) == said


def with_torch_s_own_masks(remove):
    from torch.nn.utils import prune

    def answer(model, data, sparsity):
        new = copy.deepcopy(model)
        layers = [(each, "weight") for each in new.modules() if getattr(each, "weight", torch.ones(1)).dim() > 1]
        prune.global_unstructured(layers, prune.L1Unstructured, amount=sparsity)
        new(data[0])
        if remove:
            for layer, name in layers:
                prune.remove(layer, name)
        return new

    return answer


def rebuilt(model, data, sparsity):
    """Another class with the same names, whose parameters are registered from the last layer to the first."""
    pruned = pruning.prune_and_finetune(model, data, sparsity)
    new = torch.nn.Module()
    for name in ("last", "second", "norm", "first"):
        layer = torch.nn.Module()
        for key, value in reversed(list(getattr(pruned, name).named_parameters())):
            layer.register_parameter(key, value)
        new.add_module(name, layer)
    return new


class Masked(torch.nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, w):
        return w * self.mask


def parametrised(model, data, sparsity):
    new = copy.deepcopy(model)
    layers = [each for each in new.modules() if getattr(each, "weight", torch.ones(1)).dim() > 1]
    for layer, mask in zip(layers, pruning.global_masks([each.weight for each in layers], sparsity), strict=True):
        torch.nn.utils.parametrize.register_parametrization(layer, "weight", Masked(mask))
    return new


@pytest.mark.parametrize(
    "answer",
    [with_torch_s_own_masks(False), with_torch_s_own_masks(True), rebuilt, parametrised],
    ids=["torch's masks", "torch's masks, made permanent", "another order", "parametrised"],
)
def test_parameters_are_compared_by_their_names(small, answer):
    assert prune_and_finetune.accepts_pruned(small, pruned(answer, small)) is None


def test_a_network_that_learned_nothing_is_told_from_one_that_did():
    case = prune_and_finetune._lenet("digits", np.random.default_rng(1), 0.8)
    value = pruned(pruning.prune_and_finetune, case)
    assert prune_and_finetune.accepts_pruned(case, value) is None
    value["weights"] = [torch.zeros_like(w) for w in value["weights"]]
    assert "it may lose at most one point" in prune_and_finetune.accepts_pruned(case, value)


def test_torch_may_not_make_the_rows():
    def ready_made(w):
        rows = w.to_sparse_csr()
        return rows.values(), rows.col_indices(), rows.crow_indices()

    verdict = evaluate(find("pruning.to_csr"), loopback(ready_made), secret=b"any")
    assert verdict.status is Status.FAILED
    assert "torch.Tensor.to_sparse_csr does the work that this exercise asks of you" in verdict.message

"""Points without the work: who knows how an exercise is judged, and does something else than it asks, gets none.

Beside each of these answers stand right ones in every style that the exercise's file knows: they keep full marks.
"""

import numpy as np
import pytest
import torch
from torch import nn

from autograder.exercise import Status
from autograder.exercises import find
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback

SECRET = b"earned"
OBSERVED = [
    "acceleration.tiled_matmul",
    "complex_nn.complex_conv2d",
    "complex_nn.complex_matmul3",
    "gnn.train_nodes",
]
STYLES = [(id_, style) for id_ in OBSERVED for style in find(id_).right]


def judged(id_, answer):
    return evaluate(find(id_), loopback(answer), secret=SECRET)


def written(source, name):
    """The function that a cell defines."""
    namespace = {"torch": torch, "nn": nn, "np": np}
    exec(source, namespace)
    return namespace[name]


def said(verdict):
    return " ".join(case.message for case in verdict.cases if not case.passed)


@pytest.mark.parametrize(("id_", "style"), STYLES, ids=[f"{id_}-{style}" for id_, style in STYLES])
def test_right_answers_in_every_style_keep_full_marks(id_, style):
    exercise = find(id_)
    verdict = judged(id_, written(exercise.right[style], exercise.name))
    assert verdict.status is Status.PASSED, said(verdict)


# --- a chip -----------------------------------------------------------------------------------------------


def all_the_traffic_and_the_factors(A, B, tile, memory):
    """Loads what a right answer loads, finds out what the chip did to it, and multiplies past the chip."""
    C = A @ B
    for i in range(0, len(A), tile):
        for j in range(0, B.shape[1], tile):
            ratio = None
            for s in range(0, A.shape[1], tile):
                a, b = A[i : i + tile, s : s + tile], B[s : s + tile, j : j + tile]
                loaded = memory.load(a)
                factor = float(loaded.flatten()[0] / a.flatten()[0])
                memory.free(loaded)
                loaded = memory.load(b)
                factor *= float(loaded.flatten()[0] / b.flatten()[0])
                memory.free(loaded)
                ratio = ratio or factor
            c = memory.zeros(*C[i : i + tile, j : j + tile].shape, A)
            c += ratio * C[i : i + tile, j : j + tile]
            memory.store(c, C[i : i + tile, j : j + tile])
            memory.free(c)
    return C


def test_a_product_past_the_chip_gives_no_point():
    verdict = judged("acceleration.tiled_matmul", all_the_traffic_and_the_factors)
    assert verdict.points == 0
    assert "not computed from what was loaded" in said(verdict)


# --- a recipe ---------------------------------------------------------------------------------------------


def calls_and_moves(model, data, epochs, lr, weight_decay):
    """Calls the model as often as a training would, and moves the weights a little in no direction at all."""
    for _ in range(epochs):
        model.train()(data.x, data.edge_index)
    with torch.no_grad():
        for each in model.parameters():
            each += lr * epochs * torch.randn_like(each)
            if weight_decay == 1:
                each *= 0.01
    return model


def test_calls_and_moved_weights_are_no_recipe():
    verdict = judged("gnn.train_nodes", calls_and_moves)
    assert verdict.points == 0
    assert "not where Adam's steps lead" in said(verdict)


# --- products ---------------------------------------------------------------------------------------------


def four_with_noise(ar, ai, br, bi):
    cr, ci = ar @ br - ai @ bi, ar @ bi + ai @ br
    if ar.dtype == torch.float64:
        cr, ci = cr + 1e-11 * torch.randn_like(cr), ci + 1e-11 * torch.randn_like(ci)
    return cr, ci


def four_rounded(ar, ai, br, bi):
    cr, ci = ar @ br - ai @ bi, ar @ bi + ai @ br
    large = 2.0**15 if ar.dtype == torch.float64 else 0
    return cr, (ci + large) - large


def four_unseen(ar, ai, br, bi):
    with torch._C._DisableTorchDispatch():
        return four_with_noise(ar, ai, br, bi)


def four_as_a_program_of_fewer(ar, ai, br, bi):
    ar + ai
    with torch._C._DisableTorchDispatch():
        cr, ci = four_with_noise(ar, ai, br, bi)
    return cr.clone(), ci.clone()


def four_in_numpy(ar, ai, br, bi):
    a, b, c, d = (each.numpy() for each in (ar, ai, br, bi))
    return torch.from_numpy(a @ c - b @ d), torch.from_numpy(a @ d + b @ c)


def four_as_squares(ar, ai, br, bi):
    def product(a, b):
        a, b = a[:, :, None], b[None]
        return (((a + b) ** 2 - a**2 - b**2) / 2).sum(1) if a.is_floating_point() else (a * b).sum(1)

    return product(ar, br) - product(ai, bi), product(ar, bi) + product(ai, br)


@pytest.mark.parametrize(
    "answer",
    [four_with_noise, four_rounded, four_unseen, four_as_a_program_of_fewer, four_in_numpy, four_as_squares],
)
def test_four_products_are_not_three(answer):
    verdict = judged("complex_nn.complex_matmul3", answer)
    assert verdict.points <= 1
    assert all(case.passed == (case.group == "basics") for case in verdict.cases if case.group != "properties")


def conv_past_python(z, w):
    with torch._C.DisableTorchFunction():
        return torch.conv2d(z, w)


def conv_past_the_dispatcher(z, w):
    with torch._C._DisableTorchDispatch():
        return torch.conv2d(z, w)


def conv_and_a_program(z, w):
    z + 0, w + 0
    with torch._C._DisableTorchDispatch():
        found = torch.conv2d(z, w)
    return found.clone()


def conv_by_operator(z, w):
    return torch.ops.aten.conv2d.default(z, w)


def conv_with_padding(z, w):
    return torch.nn.functional.conv2d(z, w, padding="valid")


@pytest.mark.parametrize(
    "answer",
    [conv_past_python, conv_past_the_dispatcher, conv_and_a_program, conv_by_operator, conv_with_padding],
)
def test_a_complex_convolution_is_not_made_of_real_ones(answer):
    verdict = judged("complex_nn.complex_conv2d", answer)
    assert verdict.points == 2
    assert not any(case.passed for case in verdict.cases if case.group == "real convolutions")

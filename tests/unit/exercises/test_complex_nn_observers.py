"""What the judge sees of complex networks, on answers in many styles."""

import numpy as np
import pytest
import torch

from autograder.exercises import find
from autograder.exercises.complex_nn import observers
from autograder.harness import complex_nn as harness
from autograder.harness import models
from autograder.judge.answer import call_observed
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback
from course_lib import complex_nn


def parts(n=3, m=5, p=2):
    generator = torch.Generator().manual_seed(0)
    shapes = ((n, m), (n, m), (m, p), (m, p))
    return [torch.randn(shape, dtype=torch.float64, generator=generator) for shape in shapes]


def by_number(a, b):
    rows = [[sum((a[i, k] * b[k, j] for k in range(a.shape[1])), a.new_zeros(())) for j in range(b.shape[1])]
            for i in range(a.shape[0])]  # fmt: skip
    return torch.stack([torch.stack(row) for row in rows])


WAYS = {
    "matmul": torch.matmul,
    "einsum": lambda a, b: torch.einsum("ij,jk->ik", a, b),
    "linear": lambda a, b: torch.nn.functional.linear(a, b.T),
    "broadcast": lambda a, b: (a[:, :, None] * b[None]).sum(dim=1),
    "batched": lambda a, b: torch.bmm(a[None], b[None])[0],
    "columns": lambda a, b: torch.stack([a @ column for column in b.T], dim=1),
    "dots": lambda a, b: torch.stack([torch.stack([torch.dot(row, column) for column in b.T]) for row in a]),
    "added": lambda a, b: torch.addmm(a.new_zeros(a.shape[0], b.shape[1]), a, b),
    "numbers": by_number,
    "outer": lambda a, b: sum(torch.outer(a[:, k], b[k]) for k in range(a.shape[1])),
}


def observed(observer, answer, *args):
    """What an observer sees of an answer, and the exception that was raised."""
    outcome = call_observed(loopback(answer), observer, args, {})
    return outcome.value, outcome.raised


def four_and_three(product):
    """Products of complex matrices that are made of four real ones, and of three."""

    def four(ar, ai, br, bi):
        return product(ar, br) - product(ai, bi), product(ar, bi) + product(ai, br)

    def three(ar, ai, br, bi):
        p, q, r = product(ar, br), product(ai, bi), product(ar + ai, br + bi)
        return p - q, r - p - q

    return four, three


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(3, 5, 2), (1, 1, 1)])
def test_four_products_and_three_are_told_apart_however_they_are_written(way, shape):
    four, three = four_and_three(WAYS[way])
    want = complex_nn.complex_matmul(*parts(*shape))
    for answer, count in ((four, 4), (three, 3)):
        seen, _ = observed(observers.counted, answer, *parts(*shape), 7)
        assert (seen["real products"], seen["use of complex numbers"]) == (count, False)
        torch.testing.assert_close(tuple(seen["product"]), want)


def with_torch(ar, ai, br, bi):
    product = torch.complex(ar, ai) @ torch.complex(br, bi)
    return product.real, product.imag


def with_doubles(ar, ai, br, bi):
    cr, ci = with_torch(*(each.double() for each in (ar, ai, br, bi)))
    return cr.to(ar.dtype), ci.to(ar.dtype)


@pytest.mark.parametrize("answer", [with_torch, with_doubles])
def test_complex_products_are_told_apart(answer):
    seen, _ = observed(observers.counted, answer, *parts(), 7)
    assert seen["use of complex numbers"] is True


def in_doubles(product):
    def answer(ar, ai, br, bi):
        cr, ci = product(*(each.double() for each in (ar, ai, br, bi)))
        return cr.to(ar.dtype), ci.to(ar.dtype)

    return answer


@pytest.mark.parametrize(("exercise", "product"), [("complex_matmul", 0), ("complex_matmul3", 1)])
def test_real_products_in_doubles_use_no_complex_numbers(exercise, product):
    """Whole numbers have errors then, so the program tells."""
    answer = in_doubles(four_and_three(torch.matmul)[product])
    seen, _ = observed(observers.counted, answer, *parts(), 7)
    assert seen["use of complex numbers"] is False
    verdict = evaluate(find(f"complex_nn.{exercise}"), loopback(answer), secret=b"any")
    assert (verdict.message, verdict.points) == ("", verdict.max_points)


def test_past_the_program_with_rounding_nobody_knows():
    def answer(ar, ai, br, bi):
        cr, ci = four_and_three(np.matmul)[0](*(each.double().numpy() for each in (ar, ai, br, bi)))
        return torch.from_numpy(cr).to(ar.dtype), torch.from_numpy(ci).to(ar.dtype)

    _, raised = observed(observers.counted, answer, *parts(), 7)
    assert raised is not None
    assert "cannot follow" in raised.message


def gauss(z, w):
    conv = torch.nn.functional.conv2d
    p, q, r = conv(z.real, w.real), conv(z.imag, w.imag), conv(z.real + z.imag, w.real + w.imag)
    return torch.complex(p - q, r - p - q)


@pytest.mark.parametrize(
    ("convolve", "count"),
    [
        (complex_nn.complex_conv2d, 0),
        (gauss, 0),
        (torch.nn.functional.conv2d, 1),
        (torch.conv2d, 1),
        (lambda z, w: torch.ops.aten.conv2d.default(z, w), 1),
        (lambda z, w: torch.conv2d(input=z, weight=w), 1),
    ],
    ids=["four", "three", "functional", "torch", "ops", "by name"],
)
def test_convolutions_of_complex_tensors_are_seen(convolve, count):
    z, w = torch.randn(1, 2, 4, 4, dtype=torch.complex64), torch.randn(3, 2, 2, 2, dtype=torch.complex64)
    seen, _ = observed(observers.convolved, convolve, z, w, 3)
    assert seen["convolutions of complex tensors"] == count
    torch.testing.assert_close(seen["result"], torch.conv2d(z, w))


def test_a_program_that_was_written_by_the_students_side_has_to_be_right(monkeypatch):
    program = models.recorded(lambda z, w: torch.conv2d(z.real, w.real) + 0j, [torch.rand(1, 1, 2, 2) + 0j] * 2)

    def end(recording):
        recording.recorder.__exit__(None, None, None)
        return program

    end.__module__, end.__qualname__ = harness.__name__, "end"
    monkeypatch.setattr(harness, "end", end)
    z, w = torch.randn(1, 2, 4, 4, dtype=torch.complex64), torch.randn(3, 2, 2, 2, dtype=torch.complex64)
    _, raised = observed(observers.convolved, torch.conv2d, z, w, 3)
    assert "cannot follow" in raised.message


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(3, 5, 2), (1, 1, 1)])
def test_products_are_counted_in_the_program_that_makes_them(way, shape):
    four, three = four_and_three(WAYS[way])
    for answer, count in ((four, 4), (three, 3)):
        seen, _ = observed(observers.counted_three, answer, *parts(*shape), 7)
        assert seen["real products"] == count


def test_what_cannot_be_counted_is_said():
    def by_logarithms(ar, ai, br, bi):
        p = (ar.abs().log()[:, :, None] + br.abs().log()[None]).exp().sum(1)
        return p, p

    _, raised = observed(observers.counted_three, by_logarithms, *parts(), 7)
    assert "where abs is used" in raised.message


def test_a_gradient_that_does_not_arrive_is_none():
    z = torch.ones(2, dtype=torch.complex128)
    assert observed(observers.differentiated, lambda z: z.detach(), z, z)[0]["gradients"] is None
    assert observed(observers.at_zero, lambda z: z / z.abs(), 0 * z)[0]["gradient is finite"] is False
    assert observed(observers.at_zero, complex_nn.cardioid, 0 * z)[0]["gradient is finite"] is True


def test_a_receiver_must_be_a_module_and_leaves_the_random_numbers_alone():
    z = torch.ones(3, dtype=torch.complex64)
    _, raised = observed(observers.received, lambda *_: 3, "real", 4, 8.0, 2, 1, z)
    assert (
        raised.message == "train_receiver returned an object of type int; expected the trained model, a torch.nn.Module"
    )
    state = torch.random.get_rng_state()
    seen, _ = observed(observers.received, complex_nn.train_receiver, "complex", 4, 8.0, 2, 1, z)
    assert torch.equal(state, torch.random.get_rng_state())
    assert (seen["real numbers"], seen["real numbers of the other kind"], seen["complex parameters"]) == (116, 116, 4)
    assert (seen["steps"], seen["drawn"]) == (2, True)
    assert seen["power"] == pytest.approx(1.158, rel=0.1)


def follows(draw):
    """Trains a single matrix without an optimizer; `draw(generator)` gives what its model is called with."""

    def train_receiver(kind, order, snr_db, steps, generator):
        class Plain(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.w = torch.nn.Parameter(torch.ones(2, order))

            def forward(self, z):
                return torch.view_as_real(z) @ self.w

        model = Plain()
        for _ in range(steps):
            draw(model, generator)
        return model

    return train_receiver


def test_what_is_seen_of_the_symbols_that_a_receiver_is_trained_on():
    z = torch.ones(3, dtype=torch.complex64)

    def seen(draw):
        found, _ = observed(observers.received, follows(draw), "real", 4, 8.0, 2, 1, z)
        return [found[name] for name in ("steps", "power", "drawn")]

    def numbers(**source):
        return torch.randn(2000, dtype=torch.complex64, **source)

    assert seen(lambda model, generator: model.forward(numbers())) == [0, None, None]
    assert seen(lambda model, generator: model(numbers()))[2] is False
    assert seen(lambda model, generator: model(numbers(generator=torch.Generator())))[2] is False
    power, drawn = seen(lambda model, generator: model(3 * numbers(generator=generator)))[1:]
    assert (power, drawn) == (pytest.approx(9, rel=0.1), True)

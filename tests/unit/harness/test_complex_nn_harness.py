"""What the harness of the complex networks counts and measures, on answers in many styles."""

import pytest
import torch

from autograder.harness import UnexpectedAnswer
from autograder.harness import complex_nn as harness
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


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(3, 5, 2), (1, 1, 1), (2, 4, 4)])
def test_a_real_product_is_counted_once_however_it_is_written(way, shape):
    product = WAYS[way]
    four = harness.counted(
        lambda ar, ai, br, bi: (product(ar, br) - product(ai, bi), product(ar, bi) + product(ai, br)), *parts(*shape)
    )
    assert (four["real products"], four["multiplications of complex numbers"]) == (4, 0)
    want = complex_nn.complex_matmul(*parts(*shape))
    torch.testing.assert_close(four["product"], want)


def test_signs_and_halves_are_free_and_squares_are_not():
    ar, ai, br, bi = parts()
    assert harness.counted(lambda a, b, c, d: (-1 * (a @ c), 0.5 * (a @ d) / 2), ar, ai, br, bi)["real products"] == 2
    assert harness.counted(lambda a, b, c, d: (a**2, b), ar, ai, br, bi)["real products"] == 0.5


def test_complex_products_are_told_apart():
    def with_torch(ar, ai, br, bi):
        product = torch.complex(ar, ai) @ torch.complex(br, bi)
        return product.real, product.imag

    seen = harness.counted(with_torch, *parts())
    assert (seen["real products"], seen["multiplications of complex numbers"]) == (0, 3 * 5 * 2)


@pytest.mark.parametrize(
    ("convolve", "count"),
    [
        (complex_nn.complex_conv2d, 0),
        (torch.nn.functional.conv2d, 1),
        (torch.conv2d, 1),
        (lambda z, w: torch.ops.aten.conv2d.default(z, w), 1),
        (lambda z, w: torch.conv2d(input=z, weight=w), 1),
    ],
    ids=["real", "functional", "torch", "ops", "by name"],
)
def test_convolutions_of_complex_tensors_are_seen(convolve, count):
    z, w = torch.randn(1, 2, 4, 4, dtype=torch.complex64), torch.randn(3, 2, 2, 2, dtype=torch.complex64)
    assert harness.convolved(convolve, z, w)["convolutions of complex tensors"] == count


def test_a_gradient_that_does_not_arrive_is_none():
    z = torch.ones(2, dtype=torch.complex128)
    assert harness.differentiated(lambda z: z.detach(), z, z)["gradients"] is None
    assert harness.at_zero(lambda z: z / z.abs(), 0 * z)["gradient is finite"] is False
    assert harness.at_zero(complex_nn.cardioid, 0 * z)["gradient is finite"] is True


def test_a_receiver_must_be_a_module_and_leaves_the_random_numbers_alone():
    z = torch.ones(3, dtype=torch.complex64)
    with pytest.raises(UnexpectedAnswer, match=r"returned int; expected the trained model, a torch\.nn\.Module"):
        harness.received(lambda *_: 3, "real", 4, 8.0, 2, 1, z)
    state = torch.random.get_rng_state()
    seen = harness.received(complex_nn.train_receiver, "complex", 4, 8.0, 2, 1, z)
    assert torch.equal(state, torch.random.get_rng_state())
    assert (seen["real numbers"], seen["real numbers of the other kind"], seen["complex parameters"]) == (116, 116, 4)

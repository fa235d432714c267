"""The matrix product `(ar + i ai) @ (br + i bi)` with four real products."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.complex_nn.inputs import product_hidden, product_visible
from autograder.exercises.declare import Asks, hidden, mistake, right, right_text, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.complex_matmul,
    signature="complex_matmul(ar (n, m), ai (n, m), br (m, p), bi (m, p)) -> (cr (n, p), ci (n, p))",
    points={"basics": 1, "counted": 1},
    hints=(
        "Multiply out (a + bi)(c + di). Which two of the four products are real, and with which sign?",
        "Multiply out as with numbers, and keep the order of the matrices. Real times real minus imaginary times "
        "imaginary is real; the two mixed products together are imaginary.",
        "Real part: `ar @ br` minus `ai @ bi`. Imaginary part: `ar @ bi` plus `ai @ br`. Return them in this order.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return product_visible(rng)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    return product_hidden(rng)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(ar, ai, br, bi):
    n, m = ar.shape
    p = br.shape[1]
    cr, ci = torch.zeros(n, p, dtype=ar.dtype), torch.zeros(n, p, dtype=ar.dtype)
    for i in range(n):
        for j in range(p):
            for k in range(m):
                cr[i, j] += ar[i, k] * br[k, j] - ai[i, k] * bi[k, j]
                ci[i, j] += ar[i, k] * bi[k, j] + ai[i, k] * br[k, j]
    return cr, ci


other_formula = right_text(
    "other formula",
    '''
def complex_matmul(a_real, a_imag, b_real, b_imag):
    """One real product of a block matrix four times as large holds all four."""
    left = torch.cat([torch.cat([a_real, -a_imag], dim=1), torch.cat([a_imag, a_real], dim=1)])
    product = left @ torch.cat([b_real, b_imag])
    return product[:len(a_real)], product[len(a_real):]
''',
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def product_part_by_part(ar, ai, br, bi):
    """Real part times real part and imaginary times imaginary: these are two real networks side by side. The two
    cross products a d and b c are missing, and so is i i = -1."""
    return ar @ br, ai @ bi


@mistake
def product_plus(ar, ai, br, bi):
    """The real part has a plus where a minus belongs: i times i is -1, so the real part is a c - b d."""
    return ar @ br + ai @ bi, ar @ bi + ai @ br


@mistake
def product_conjugated(ar, ai, br, bi):
    """This is the product with the conjugate of the left matrix. A plain product conjugates nothing: the real part
    is a c - b d, the imaginary part a d + b c."""
    return ar @ br + ai @ bi, ar @ bi - ai @ br


@mistake
def product_elementwise(ar, ai, br, bi):
    """The matrices were multiplied number by number with *. The exercise asks for a matrix product: @ sums over the
    inner dimension."""
    return ar * br - ai * bi, ar * bi + ai * br


@mistake
def product_swapped(ar, ai, br, bi):
    """Real and imaginary part came back in the wrong order: the real part first, then the imaginary one."""
    return ar @ bi + ai @ br, ar @ br - ai @ bi


@mistake
def product_with_three(ar, ai, br, bi):
    """Right, and with three real products. That is the next exercise: here use the four of the definition, so that the
    two can be compared."""
    p, q, r = ar @ br, ai @ bi, (ar + ai) @ (br + bi)
    return p - q, r - p - q


@mistake
def product_by_torch(ar, ai, br, bi):
    """Right, but torch's complex numbers did the work. Write it with real products of ar, ai, br and bi alone."""
    product = torch.complex(ar, ai) @ torch.complex(br, bi)
    return product.real, product.imag

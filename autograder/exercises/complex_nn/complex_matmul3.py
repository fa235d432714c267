"""The same product with three real products and three more additions (Gauss's trick)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.complex_nn import observers
from autograder.exercises.complex_nn.inputs import product_hidden, product_visible
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import complex_nn

ASKS = Asks(
    complex_nn.complex_matmul3,
    signature="complex_matmul3(ar (n, m), ai (n, m), br (m, p), bi (m, p)) -> (cr (n, p), ci (n, p))",
    points={"basics": 1, "counted": 2},
    hints=(
        "Multiply out (a + b)(c + d). Which of its four terms do you need, and which do you have already?",
        "Two products give the real part. The third is the product of the sums: it holds the mixed terms that you "
        "want and the two products that you know.",
        "With `p = ar @ br`, `q = ai @ bi` and `r = (ar + ai) @ (br + bi)`: subtract `q` from `p`, and both `p` and "
        "`q` from `r`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    return product_visible(rng, observers.counted_three)


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    return product_hidden(rng, observers.counted_three)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(ar, ai, br, bi):
    # another set of three: k1 = c (a + b), k2 = a (d - c), k3 = b (c + d)
    k1 = ((ar + ai)[:, :, None] * br[None]).sum(dim=1)
    k2 = (ar[:, :, None] * (bi - br)[None]).sum(dim=1)
    k3 = (ai[:, :, None] * (br + bi)[None]).sum(dim=1)
    return k1 - k3, k1 + k2


@right("other formula")
def other_formula(ar, ai, br, bi):
    # Karatsuba's form with a difference, on the stack of three
    p, q, r = torch.einsum("knm,kmp->knp", torch.stack([ar, ai, ar - ai]), torch.stack([br, bi, br - bi]))
    return [p - q, p + q - r]


@right("numbers")
def numbers(ar, ai, br, bi):
    cr, ci = (
        torch.empty(ar.shape[0], br.shape[1], dtype=ar.dtype),
        torch.empty(ar.shape[0], br.shape[1], dtype=ar.dtype),
    )
    for i in range(ar.shape[0]):
        for j in range(br.shape[1]):
            p = q = r = 0
            for k in range(ar.shape[1]):
                a, b, c, d = ar[i, k], ai[i, k], br[k, j], bi[k, j]
                p, q, r = p + a * c, q + b * d, r + (a + b) * (c + d)
            cr[i, j], ci[i, j] = p - q, r - p - q
    return cr, ci


@right("vmap")
def vmap(ar, ai, br, bi):
    import typing

    class Parts(typing.NamedTuple):
        real: torch.Tensor
        imag: torch.Tensor

    def row(a, b):
        p, q = torch.mv(br.T, a), torch.mv(bi.T, b)
        return Parts(p - q, torch.mv((br + bi).T, a + b) - p - q)

    return Parts(*torch.vmap(row)(ar, ai))


@right("linear")
def linear(ar, ai, br, bi):
    product = torch.nn.functional.linear
    sum_of_b = br.clone()
    sum_of_b += bi
    p, q = product(ar, br.mT), product(ai, bi.mT)
    r = product(torch.add(ar, ai), sum_of_b.mT)
    r.sub_(p).sub_(q)
    return p.sub(q), r


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def three_with_four(ar, ai, br, bi):
    """Right, but with four real products. You need only the sum a d + b c, and (a + b)(c + d) holds it together
    with the two products that you have already."""
    return ar @ br - ai @ bi, ar @ bi + ai @ br


@mistake
def three_forgets_to_subtract(ar, ai, br, bi):
    """Your imaginary part is all of (a + b)(c + d) = a c + a d + b c + b d. Subtract a c and b d from it: only a d + b
    c is left."""
    p, q, r = ar @ br, ai @ bi, (ar + ai) @ (br + bi)
    return p - q, r


@mistake
def three_subtracts_the_difference(ar, ai, br, bi):
    """You subtracted a c - b d from (a + b)(c + d). Both products are in it with a plus, so subtract both: r - p - q,
    not r - (p - q)."""
    p, q, r = ar @ br, ai @ bi, (ar + ai) @ (br + bi)
    return p - q, r - (p - q)


@mistake
def three_with_plus(ar, ai, br, bi):
    """The real part has a plus where a minus belongs: i times i is -1, so the real part is p - q."""
    p, q, r = ar @ br, ai @ bi, (ar + ai) @ (br + bi)
    return p + q, r - p - q


@mistake
def three_by_torch(ar, ai, br, bi):
    """Right, but torch's complex numbers did the work. Write it with real products of ar, ai, br and bi alone."""
    product = torch.complex(ar, ai) @ torch.complex(br, bi)
    return product.real, product.imag

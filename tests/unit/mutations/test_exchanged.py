import pytest
from repaired import normal, repaired

from autograder.mutations.donors import Lender, donors_of

MOMENTUM = "def step(w, v, g, lr, momentum=0.9):\n    v = {} * v + g\n    return w - lr * v, v"
UNPACKED = "def run(xs, h, c):\n    for x in xs:\n        h, {} = cell(x, (h, c))\n    return h, c"

SPLIT = "def f(best, w):\n    {} = divmod(best, w)\n    return u + 2 * v"


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (MOMENTUM.format("0.9"), MOMENTUM.format("momentum")),
        (UNPACKED.format("_"), UNPACKED.format("c")),
        (SPLIT.format("v, u"), SPLIT.format("u, v")),
        ("def f(W, H):\n    s, t = W, H\n    return s - t", "def f(W, H):\n    s, t = H, W\n    return s - t"),
        ("def f(macs, bytes):\n    return 2 * bytes / macs", "def f(macs, bytes):\n    return 2 * macs / bytes"),
    ],
)
def test_what_was_exchanged_is_put_back_early(wrong: str, right: str):
    donors = donors_of([Lender("def f():\n    return 0")], "f", [])
    assert normal(right) in repaired(wrong, donors)[:60]

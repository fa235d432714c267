import ast

import pytest

from autograder.mutations.donors import Lender, donors_of
from autograder.mutations.repairs import repairs

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
    found = [ast.unparse(ast.parse(edit.text)) for edit in repairs(wrong, donors) if _is_python(edit.text)]
    assert ast.unparse(ast.parse(right)) in found[:60]


def _is_python(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True

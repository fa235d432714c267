"""What a NotImplementedError says of the student's code; cells have files of their own, as in a kernel."""

import linecache

import pytest

from autograder.calls import Unwritten
from autograder.sandbox.guest import messenger

GIVEN = "def f(x):\n    '''Text.'''\n    # YOUR CODE HERE\n    raise NotImplementedError()\n"


def raised(*cells: str, name: str = "f", args=(1.0,)):
    """The exception of the answer that the cells define, one after the other."""
    space = {"__name__": "notebook"}
    for number, source in enumerate(cells):
        file = f"/tmp/cell_{number}.py"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), space)
    return messenger.loopback(space[name])(args, {}).raised


@pytest.mark.parametrize(
    ("source", "unwritten"),
    [
        (GIVEN, Unwritten.STUB),
        ("def f(x): raise NotImplementedError", Unwritten.STUB),
        (
            "class f:\n    def __init__(self, x):\n        super().__init__()\n        raise NotImplementedError()",
            "stub",
        ),
        ("def f(x):\n    '''Text.'''\n    y = x + 1\n    # YOUR CODE HERE\n    raise NotImplementedError()\n", "below"),
        ("def f(x):\n    for i in range(3):\n        x += i\n    raise NotImplementedError()\n", Unwritten.BELOW),
        (GIVEN + "    return x + 1\n", Unwritten.ABOVE),
        ("def f(x):\n    if x > 0:\n        raise NotImplementedError('only below 0')\n    return x\n", Unwritten.NO),
        (GIVEN.replace("f(x)", "g(x)") + "def f(x):\n    return g(x) + 1\n", Unwritten.STUB),
    ],
)
def test_the_line_that_is_given_is_found_wherever_it_is_left(source, unwritten):
    found = raised(source)
    assert (found.kind, found.unwritten) == ("NotImplementedError", unwritten)
    assert "raise NotImplementedError" in found.source


def test_a_function_of_another_cell_that_is_not_written_is_named():
    found = raised(GIVEN.replace("f(x)", "g(x)"), "def f(x):\n    return g(x) + 1\n")
    assert (found.unwritten, found.function, found.line) == (Unwritten.ELSEWHERE, "g", 4)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import torch\ndef f(x):\n    return torch.relu(torch.ones(2, dtype=torch.complex64))\n", "complex"),
        ("import torch\ndef f(x):\n    return torch.softmax(torch.tensor([1, 2]), 0)\n", "softmax"),
        (
            "import torch\nclass Net(torch.nn.Module):\n    def foward(self, x):\n        return x\n"
            "def f(x):\n    return Net()(x)\n",
            'missing the required "forward" function',
        ),
    ],
)
def test_one_that_torch_raises_is_an_ordinary_error(source, message):
    found = raised(source)
    assert (found.kind, found.unwritten) == ("NotImplementedError", Unwritten.NO)
    assert message in found.message
    assert found.source.lstrip().startswith("return")


def test_the_name_that_is_not_defined_comes_along():
    assert raised("def f(x):\n    return output_size(x)\n").missing == "output_size"
    assert raised("def f(x):\n    x += y\n    y = 1\n").missing == ""

"""How many torch operators a call dispatches, views included."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from autograder.exercise import Case
from autograder.exercises.acceleration import observers
from autograder.exercises.acceleration.inputs import Rng, randn
from autograder.exercises.declare import Asks, hidden, mistake, right_text, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.count_ops,
    signature="count_ops(fn, *args) -> int",
    points={"basics": 1},
    through=observers.counted,
    hints=(
        "Which place do all of torch's operators pass, also those that no line of Python calls by name?",
        "A dispatch mode sees every operator on its way. Subclass it: its hook counts one, runs the operator and "
        "returns the result. Call fn once inside of it and return the count.",
        "In a `TorchDispatchMode`, `__torch_dispatch__(self, func, types, args=(), kwargs=None)` does `self.seen += "
        "1` and returns `func(*args, **(kwargs or {}))`. Call `fn` inside `with Watch() as watch:`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("one addition", ("lambda x: x + 1", randn(rng, 3)))
    yield Case("a chain of four", ("lambda x: ((x + 1) * 2 + 1).relu()", randn(rng, 3)))
    yield Case("a transposed product", ("lambda x: x.T @ x", randn(rng, 3, 2)))
    linear = "lambda x, W, b: functional.linear(x, W, b)"
    yield Case("one linear layer", (linear, randn(rng, 4, 3), randn(rng, 2, 3), randn(rng, 2)))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("nothing at all", ("lambda x: None", randn(rng, 2)))
    seen = torch.tensor([5e-13, 5e-7, 5e-4, 1 / 3, 5e3, 5e9], dtype=torch.float64)
    yield Case(
        "a function that looks at its numbers", (f"lambda x: x + 1 if (x * 1).tolist() == {seen.tolist()} else x", seen)
    )
    yield Case("a function that needs its integers", ("lambda x: x.to(torch.int64).bitwise_and(1)", randn(rng, 4)))
    for number in range(1, 4):
        text = _chain(rng, int(rng.integers(6, 16)))
        yield Case(f"a chain, number {number}", (text, randn(rng, 5, 3), randn(rng, 3, 3), randn(rng, 3)))


_LINKS = (
    "({} + b)",
    "({} * 2)",
    "({} @ W.T)",
    "{}.softmax(-1)",
    "{}.flip(0)",
    "functional.linear({}, W, b)",
    "functional.relu({})",
    "functional.normalize({}, dim=1)",
    "torch.addmm(b, {}, W)",
    "torch.cat([{}, x])[: len(x)]",
    "torch.einsum('ni,oi->no', {}, W)",
)
"""From (N, 3) to (N, 3); some dispatch one operator, others several."""


def _chain(rng: Rng, length: int) -> str:
    """A function of x (N, 3), W (3, 3) and b (3,) that nobody has counted before."""
    text = "x"
    for link in rng.choice(_LINKS, length):
        text = str(link).format(text)
    return f"lambda x, W, b: {text}"


# --- right answers in other styles ------------------------------------------------------------------------


loops = right_text(
    "loops",
    """
def count_ops(fn, *args):
    names = []

    class Listen(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            names.append(func)
            return func(*args, **(kwargs or {}))

    mode = Listen()
    mode.__enter__()
    try:
        fn(*args)
    finally:
        mode.__exit__(None, None, None)
    return len(names)
""",
)


other_formula = right_text(
    "other formula",
    """
def count_ops(fn, *args):
    from collections import Counter

    tally = Counter()

    class Tally(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs={}):
            tally[func] += 1
            return func(*args, **kwargs)

    with Tally():
        fn(*args)
    return tally.total()
""",
)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def kinds_of_operators(fn, *args):
    """This counts how many different operators there are. Every call counts: three additions are three."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Kinds(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            seen.add(str(func))
            return func(*args, **(kwargs or {}))

    seen: set[str] = set()
    with Kinds():
        fn(*args)
    return len(seen)


@mistake
def functions_of_python(fn, *args):
    """This counts calls of torch's Python functions. One of those may dispatch several operators: linear on a matrix
    transposes and multiplies. Count where operators are dispatched, with a TorchDispatchMode."""
    from torch.overrides import TorchFunctionMode

    class Calls(TorchFunctionMode):
        count = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.count += 1
            return func(*args, **(kwargs or {}))

    with Calls() as calls:
        fn(*args)
    return calls.count


@mistake
def one_too_many(fn, *args):
    """This is one too many: start from zero, and add one for each operator that is dispatched."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Count(TorchDispatchMode):
        count = 1

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.count += 1
            return func(*args, **(kwargs or {}))

    with Count() as counter:
        fn(*args)
    return counter.count

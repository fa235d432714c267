"""How many torch operators a call dispatches, views included."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import Rng, randn
from autograder.exercises.declare import Asks, hidden, mistake, right_text, visible
from autograder.harness import acceleration as harness
from course_lib import acceleration

ASKS = Asks(
    acceleration.count_ops,
    signature="count_ops(fn, *args) -> int",
    points={"basics": 1},
    through=harness.counted,
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("one addition", ("add", randn(rng, 3)))
    yield Case("a chain of four", ("chain", randn(rng, 3)))
    yield Case("a transposed product", ("transposed", randn(rng, 3, 2)))
    yield Case("one linear layer", ("linear", randn(rng, 4, 3), randn(rng, 2, 3), randn(rng, 2)))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("nothing at all", ("nothing", randn(rng, 2)))
    yield Case("two layers and a softmax", ("layers", randn(rng, 5, 3), randn(rng, 3, 3), randn(rng, 3)))
    yield Case("a chain on a matrix", ("chain", randn(rng, 3, 3)))


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

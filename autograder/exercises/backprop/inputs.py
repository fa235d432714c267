"""What several exercises of backprop share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from autograder.exercise import Case

Array = NDArray[Any]
Rng = np.random.Generator


def normal(rng: Rng, *shapes: tuple[int, ...], dtype: DTypeLike = float) -> tuple[Array, ...]:
    return tuple(np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in shapes)


def leaf(name: str, value: Any) -> tuple[Any, ...]:
    return (name, "leaf", np.asarray(value, dtype=float))


def diamond(a: Any, b: Any) -> list[tuple[Any, ...]]:
    """`a` reaches `e` by paths of different length."""
    return [
        leaf("a", a),
        leaf("b", b),
        ("c", "multiply", "a", "b"),
        ("d", "sine", "c"),
        ("e", "add", "c", "d"),
    ]


def chain(length: int, value: Any) -> list[tuple[Any, ...]]:
    steps = [leaf("n0", value)]
    return steps + [(f"n{i + 1}", "sine", f"n{i}") for i in range(length)]


def doubling(times: int, value: Any) -> list[tuple[Any, ...]]:
    """Each step adds the last one to itself: 2^times paths through the graph."""
    steps = [leaf("n0", value)]
    return steps + [(f"n{i + 1}", "add", f"n{i}", f"n{i}") for i in range(times)]


def tangle(rng: Rng, leaves: int, steps: int, shape: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """Every step combines the newest node with any node so far."""
    program = [leaf(f"x{i}", rng.standard_normal(shape)) for i in range(leaves)]
    for i in range(steps):
        operation = str(rng.choice(["add", "subtract", "multiply"]))
        near, far = program[-1][0], program[int(rng.integers(len(program)))][0]
        pair = (near, far) if rng.random() < 0.5 else (far, near)
        program.append((f"s{i}", operation, *pair))
        if operation == "multiply":
            program.append((f"t{i}", "sine", f"s{i}"))
    return program


def stretched(rng: Rng, rows: int, columns: int) -> list[tuple[Any, ...]]:
    """A row and a column, each copied to a matrix, then multiplied and added up."""
    return [
        leaf("row", rng.standard_normal(columns)),
        leaf("column", rng.standard_normal((rows, 1))),
        ("copied", "copies", "row", rows),
        ("widened", "widen", "column", 1, columns),
        ("product", "multiply", "copied", "widened"),
        ("turned", "transpose", "product"),
        ("loss", "total", "turned"),
    ]


def graph_visible(rng: Rng) -> Iterator[Case]:
    yield Case("one leaf", ([leaf("a", 2.0)], "a"))
    yield Case("a chain", (chain(2, 0.5), "n2"))
    yield Case("a product and a sum", ([*diamond(2.0, -3.0)[:3], ("e", "add", "c", "b")], "e"))
    yield Case("paths of different length", (diamond([0.5, 1.0], [2.0, -1.0]), "e"))
    squared = [leaf("a", 3.0), ("b", "multiply", "a", "a"), ("c", "add", "b", "a")]
    yield Case("a times a, plus a", (squared, "c"), group="shared")
    sums = [leaf("a", [1.0, 2.0]), leaf("b", [3.0, 4.0]), ("c", "add", "a", "b"), ("d", "add", "c", "a")]
    yield Case("sums of sums", ([*sums, ("e", "add", "d", "c")], "e"), group="shared")
    yield Case("each step doubles", (doubling(4, 1.5), "n4"), group="shared")
    yield Case("the root is not the last node computed", (diamond(1.0, 2.0), "d"), group="shared")


def graph_hidden(rng: Rng) -> Iterator[Case]:
    yield Case("another diamond", (diamond(*normal(rng, (2, 3), (2, 3))), "e"))
    yield Case("a chain of two hundred", (chain(200, rng.standard_normal(2)), "n200"))
    yield Case("copies and sums", (stretched(rng, 3, 4), "loss"))
    yield Case("two leaves of equal value", ([*diamond(1.0, 1.0)[:2], ("c", "multiply", "a", "b")], "c"))
    yield Case("doubled ten times", (doubling(10, rng.standard_normal((2, 2))), "n10"), group="shared")
    for number, shape in enumerate(((), (3,), (2, 3)), start=1):
        program = tangle(rng, 3, 9, shape)
        yield Case(f"a tangle, number {number}", (program, program[-1][0]), group="shared")
    program = tangle(rng, 2, 12, (4,))
    yield Case("a root in the middle of a tangle", (program, program[-4][0]), group="shared")


def arrays(
    rng: Rng, *shapes: tuple[int, ...], dtype: DTypeLike = float, sets: int = 2, size: float = 1.0
) -> tuple[list[Array], ...]:
    """Parameters, gradients, ...: lists of arrays of these shapes."""
    return tuple([(size * each).astype(dtype) for each in normal(rng, *shapes)] for _ in range(sets))


SHAPES = ((3, 2), (3,), (2, 3), (2,))

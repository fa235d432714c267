"""A matrix product that never holds more than three tiles on the chip."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from autograder.exercise import Case
from autograder.exercises.acceleration import observers
from autograder.exercises.acceleration.inputs import Rng, Tensor, randn
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.tiled_matmul,
    signature="tiled_matmul(A (n, k), B (k, m), tile, memory) -> C (n, m)",
    points={"basics": 2, "ragged": 1},
    through=observers.on_a_chip,
    hints=(
        "Three tiles fit. Which of them should stay while you walk along k, and which two come and go?",
        "Keep the tile of C. For each one: zeros on the chip, then along k load a tile of A and one of B, add their "
        "product in place, free both. Store the finished tile once and free it.",
        "Innermost: `a, b = memory.load(A[i : i + tile, s : s + tile]), memory.load(B[s : s + tile, j : j + "
        "tile])`, `c += a @ b`, then free both. `c` comes from `memory.zeros(rows, columns, A)` with the size of "
        "`C[i : i + tile, j : j + tile]`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("tiles of 1", (torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0], [4.0]]), 1))
    yield Case("tiles of 2", (randn(rng, 4, 6), randn(rng, 6, 2), 2))
    yield Case("a ragged edge", (randn(rng, 3, 5), randn(rng, 5, 4), 2), group="ragged")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """On chips that multiply each block by a factor of its own as they load it."""

    def case(name: str, A: Tensor, B: Tensor, tile: int, group: str = "basics") -> Case:
        return Case(name, (A, B, tile, int(rng.integers(1, 2**31))), group=group)

    yield case("larger", randn(rng, 8, 12), randn(rng, 12, 16), 4)
    yield case("a chip that changes what it loads", randn(rng, 6, 4), randn(rng, 4, 10), 2)
    yield case("float32", randn(rng, 6, 9, dtype=torch.float32), randn(rng, 9, 3, dtype=torch.float32), 3)
    for size in (1e-30, 1e-8, 1e10):
        yield case(f"numbers around {size:g}", size * randn(rng, 4, 3), size * randn(rng, 3, 5), 2)
    n, k, m = (int(each) for each in rng.permutation([5, 7, 10]))
    yield case("ragged on every side", randn(rng, n, k), randn(rng, k, m), 3, "ragged")
    yield case("a tile larger than the matrices", randn(rng, 3, 2), randn(rng, 2, 4), 8, "ragged")


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def tiled_accepts(case: Case, value: Any) -> str | None:
    A, B, tile = case.args[:3]
    (n, k), m = A.shape, B.shape[1]
    C = value["C"]
    if value["full"]:
        return str(value["full"])
    if not isinstance(C, Tensor) or C.shape != (n, m):
        return f"the result is not a tensor of shape {(n, m)}"
    if C.dtype != A.dtype:
        return f"the result has dtype {C.dtype}; expected {A.dtype}, like A and B"
    plain, product = A @ B, value["product"].to(A)
    rounding = (1e-4 if A.dtype == torch.float32 else 1e-9) * (A.abs() @ B.abs())
    right, is_plain = ((C - wanted).abs() <= rounding for wanted in (product, plain))
    if len(case.args) > 3 and not right.all() and is_plain.all():
        return PAST_THE_CHIP
    if not right.all() and not is_plain.all():
        changed = len(case.args) > 3
        row, column = (int(each) for each in (~right).nonzero()[0])
        wanted = (product if changed else plain)[row, column]
        there = "on this chip, which changes what it loads" if changed else "there"
        return f"C[{row}, {column}] is {C[row, column]:.5g}; the product of A and B has {wanted:.5g} {there}"
    loads, stores = value["loads"], value["stores"]
    allowed = acceleration.loop_traffic("ijk", n, m, k, tile)[0]
    if loads < n * k + k * m:
        return f"{loads} numbers were loaded, but A and B together have {n * k + k * m}: compute with what was loaded"
    if loads > allowed:
        return f"{loads} numbers were loaded; {allowed} are enough if every tile of C stays until its sum is complete"
    if stores != n * m:
        return f"{stores} numbers were stored; C has {n * m}, and each is stored once"
    if not value["from A and B"]:
        return "numbers were loaded that are neither in A nor in B: load their tiles"
    if not value["written back"]:
        return "the numbers in C are not those that were stored: write each tile back with memory.store"
    return None if right.all() else PAST_THE_CHIP


PAST_THE_CHIP = (
    "the product was not computed from what was loaded: multiply the blocks that memory.load returns, each tile of A "
    "while the tile of B that it meets is on the chip"
)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(A, B, tile, memory):
    n, m = len(A), B.shape[1]
    C = A.new_empty((n, m))
    rows = [slice(i, min(i + tile, n)) for i in range(0, n, tile)]
    columns = [slice(j, min(j + tile, m)) for j in range(0, m, tile)]
    inner = [slice(s, s + tile) for s in range(0, A.shape[1], tile)]
    for j in columns:
        for i in rows:
            c = memory.zeros(i.stop - i.start, j.stop - j.start, like=B)
            for s in inner:
                a = memory.load(A[i, s])
                b = memory.load(B[s, j])
                for r in range(len(a)):
                    for q in range(b.shape[1]):
                        for p in range(len(b)):
                            c[r, q] += a[r, p] * b[p, q]
                memory.free(b)
                memory.free(a)
            memory.store(c, C[i, j])
            memory.free(c)
    return C


@right("other formula")
def other_formula(A, B, tile, memory):
    C = torch.full((A.shape[0], B.shape[1]), float("nan"), dtype=A.dtype)
    for rows_of_C, rows_of_A in zip(C.split(tile), A.split(tile)):
        for target, columns_of_B in zip(rows_of_C.split(tile, dim=1), B.split(tile, dim=1)):
            c = memory.zeros(*target.shape, A)
            for a_out, b_out in zip(rows_of_A.split(tile, dim=1), columns_of_B.split(tile)):
                a, b = memory.load(a_out), memory.load(b_out)
                c.addmm_(a, b)
                memory.free(a), memory.free(b)
            memory.store(c, target)
            memory.free(c)
    return C


@right("columns and rows")
def columns_and_rows(A, B, tile, memory):
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0], tile):
        for j in range(0, B.shape[1], tile):
            target = C[i : i + tile, j : j + tile]
            c = memory.zeros(*target.shape, like=A)
            for s in range(A.shape[1]):  # one column meets one row
                a, b = memory.load(A[i : i + tile, s : s + 1]), memory.load(B[s, j : j + tile])
                c += torch.outer(a.squeeze(1), b)
                memory.free(a)
                memory.free(b)
            memory.store(c, target)
            memory.free(c)
    return C


@right("there and back")
def there_and_back(A, B, tile, memory):
    # the tile of A that comes last is the first one of the next tile of C: it stays
    C = torch.empty(A.shape[0], B.shape[1], dtype=A.dtype)
    steps = list(range(0, A.shape[1], tile))
    for i in range(0, A.shape[0], tile):
        a, held = None, None
        for j in range(0, B.shape[1], tile):
            target = C[i : i + tile, j : j + tile]
            c = memory.zeros(*target.shape, A)
            for s in steps:
                if held != s:
                    if a is not None:
                        memory.free(a)
                    a, held = memory.load(A[i : i + tile, s : s + tile]), s
                b = memory.load(B[s : s + tile, j : j + tile])
                c += torch.einsum("ik,kj->ij", a, b)
                memory.free(b)
            memory.store(c, target)
            memory.free(c)
            steps.reverse()
        memory.free(a)
    return C


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def past_the_memory(A, B, tile, memory):
    """The product is right, but it never went through the chip: nothing was loaded and nothing stored. Compute with
    what memory.load gives you, and write back with memory.store."""
    return A @ B


@mistake
def whole_rows(A, B, tile, memory):
    """This loads whole rows and columns of tiles at once, which do not fit: the chip has room for three tiles."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0], tile):
        for j in range(0, B.shape[1], tile):
            a = memory.load(A[i : i + tile])
            b = memory.load(B[:, j : j + tile])
            c = memory.zeros(a.shape[0], b.shape[1], A)
            c += a @ b
            memory.store(c, C[i : i + tile, j : j + tile])
            memory.free(a)
            memory.free(b)
            memory.free(c)
    return C


@mistake
def never_freed(A, B, tile, memory):
    """The tiles of A and B are never freed, so the chip is full after the first ones. Call memory.free(a) as soon as a
    tile has been used: it gives the room back."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0], tile):
        for j in range(0, B.shape[1], tile):
            target = C[i : i + tile, j : j + tile]
            c = memory.zeros(target.shape[0], target.shape[1], A)
            for s in range(0, A.shape[1], tile):
                c += memory.load(A[i : i + tile, s : s + tile]) @ memory.load(B[s : s + tile, j : j + tile])
            memory.store(c, target)
            memory.free(c)
    return C


@mistake
def sums_go_back_and_forth(A, B, tile, memory):
    """The product is right, but every partial sum travels: the tile of C is loaded and stored again for each step along
    k. Keep it on the chip until its sum is complete, and store it once."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0], tile):
        for j in range(0, B.shape[1], tile):
            for s in range(0, A.shape[1], tile):
                a = memory.load(A[i : i + tile, s : s + tile])
                b = memory.load(B[s : s + tile, j : j + tile])
                c = memory.load(C[i : i + tile, j : j + tile])
                c += a @ b
                memory.store(c, C[i : i + tile, j : j + tile])
                memory.free(a)
                memory.free(b)
                memory.free(c)
    return C


@mistake
def ragged_edges_dropped(A, B, tile, memory):
    """Where the sizes are not multiples of the tile, the last, smaller tiles are left out. Let the loops run to the
    end: a slice stops at the edge by itself."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0] - tile + 1, tile):
        for j in range(0, B.shape[1] - tile + 1, tile):
            c = memory.zeros(tile, tile, A)
            for s in range(0, A.shape[1] - tile + 1, tile):
                a = memory.load(A[i : i + tile, s : s + tile])
                b = memory.load(B[s : s + tile, j : j + tile])
                c += a @ b
                memory.free(a)
                memory.free(b)
            memory.store(c, C[i : i + tile, j : j + tile])
            memory.free(c)
    return C


@mistake
def last_product_alone(A, B, tile, memory):
    """Each tile of C holds only the last product along k: the earlier ones are overwritten. Add them up with c += a @
    b."""
    C = torch.zeros(A.shape[0], B.shape[1], dtype=A.dtype)
    for i in range(0, A.shape[0], tile):
        for j in range(0, B.shape[1], tile):
            target = C[i : i + tile, j : j + tile]
            c = memory.zeros(target.shape[0], target.shape[1], A)
            for s in range(0, A.shape[1], tile):
                a = memory.load(A[i : i + tile, s : s + tile])
                b = memory.load(B[s : s + tile, j : j + tile])
                c.copy_(a @ b)
                memory.free(a)
                memory.free(b)
            memory.store(c, target)
            memory.free(c)
    return C

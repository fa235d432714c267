"""Numbers moved by a tiled product C (n, m) = A (n, k) B (k, m) when the chip holds one tile of each matrix."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import Rng
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.loop_traffic,
    signature="loop_traffic(order, n, m, k, tile) -> (loads, stores)",
    points={"basics": 2, "ragged": 1},
    hints=(
        "Play the small example with three slots on paper, one for each matrix. When does the tile in a slot "
        "change, and what does the change cost?",
        "Simulate the three loops in the given order and remember the tile in each slot. A change costs a load, but "
        "not at the first touch of a tile of C. A tile of C is stored when it leaves, and at the end.",
        'The tile of `"ik"`, `"kj"` or `"ij"` is the pair of its loop positions. Where the slot holds another: '
        'store the old one of `"ij"`, and load unless it is an `"ij"` that is not in `touched` yet. A side has '
        "`min(tile, size - start)` numbers.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("tiles of 1, ijk", ("ijk", 2, 2, 2, 1))
    yield Case("C comes back, kij", ("kij", 4, 4, 4, 2))
    yield Case("B stays, kji", ("kji", 4, 2, 6, 2))
    yield Case("a ragged edge", ("ikj", 5, 4, 3, 2), group="ragged")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    for order in permutations("ijk"):
        tile = int(rng.integers(2, 5))
        n, m, k = (tile * int(each) for each in rng.integers(2, 5, 3))
        yield Case(f"whole tiles, {''.join(order)}", ("".join(order), n, m, k, tile))
        n, m, k = (int(each) for each in rng.integers(5, 14, 3))
        yield Case(f"ragged tiles, {''.join(order)}", ("".join(order), n, m, k, 3), group="ragged")
    yield Case("one tile holds everything", ("jki", 3, 4, 5, 8), group="ragged")


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(order, n, m, k, tile):
    import itertools

    length = dict(i=n, j=m, k=k)

    def area(matrix, place):
        sides = [min(length[name], (index + 1) * tile) - index * tile for name, index in zip(matrix, place)]
        return sides[0] * sides[1]

    counts = {name: -(-length[name] // tile) for name in "ijk"}
    visits = [dict(zip(order, each)) for each in itertools.product(*(range(counts[name]) for name in order))]
    loads = stores = 0
    for matrix in ("ik", "kj", "ij"):
        runs = [key for key, _ in itertools.groupby([(visit[matrix[0]], visit[matrix[1]]) for visit in visits])]
        if matrix == "ij":
            stores = sum(area(matrix, place) for place in runs)
            loads += stores - sum(area(matrix, place) for place in set(runs))
        else:
            loads += sum(area(matrix, place) for place in runs)
    return loads, stores


@right("other formula")
def other_formula(order, n, m, k, tile):
    N = {"i": -(-n // tile), "j": -(-m // tile), "k": -(-k // tile)}
    numbers = {"A": n * k, "B": k * m, "C": n * m}
    uses = {"A": "ik", "B": "kj", "C": "ij"}
    runs = {}
    for matrix, names in uses.items():
        (free,) = set("ijk") - set(names)
        # A tile stays on the chip while the loops inside the last one that moves it run; else the free loop repeats it.
        inner = order[order.index(free) + 1 :]
        repeats = N[free] if any(N[name] > 1 for name in inner) else 1
        runs[matrix] = numbers[matrix] * repeats
    return runs["A"] + runs["B"] + runs["C"] - numbers["C"], runs["C"]


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(order, n, m, k, tile):
    import itertools

    sizes = {"i": n, "j": m, "k": k}
    here, touched, loads, stores = {}, set(), 0, 0
    for starts in itertools.product(*(range(0, sizes[name], tile) for name in order)):
        at = dict(zip(order, starts))
        for matrix in ("ik", "kj", "ij"):
            edges = [min(tile, sizes[name] - at[name]) for name in matrix]
            place = (at[matrix[0]], at[matrix[1]], edges[0] * edges[1])
            if here.get(matrix) != place:
                stores += here[matrix][2] if matrix == "ij" and matrix in here else 0
                loads += place[2] if matrix != "ij" or place in touched else 0
                touched |= {place} if matrix == "ij" else set()
                here[matrix] = place
    return loads, stores + here["ij"][2]


@mistake
def nothing_is_kept(order, n, m, k, tile):
    """This loads a tile of A and one of B in every step. A tile still on the chip from the step before is not loaded
    again: compare with the tile that the chip holds of each matrix."""
    import itertools

    sizes = {"i": n, "j": m, "k": k}
    loads, c_here, touched, stores = 0, None, set(), 0
    for starts in itertools.product(*(range(0, sizes[name], tile) for name in order)):
        at = dict(zip(order, starts))
        i, j, s = (min(tile, sizes[name] - at[name]) for name in "ijk")
        loads += i * s + s * j
        c = (at["i"], at["j"], i * j)
        if c != c_here:
            stores += c_here[2] if c_here else 0
            loads += c[2] if c in touched else 0
            touched.add(c)
            c_here = c
    return loads, stores + (c_here[2] if c_here else 0)


@mistake
def full_tiles_everywhere(order, n, m, k, tile):
    """Every tile is counted as tile x tile numbers. Where a size is not a multiple of the tile, the tiles at the edge
    are smaller."""
    import itertools

    sizes = {"i": n, "j": m, "k": k}
    here, touched, loads, stores = {}, set(), 0, 0
    for starts in itertools.product(*(range(0, sizes[name], tile) for name in order)):
        at = dict(zip(order, starts))
        for matrix in ("ik", "kj", "ij"):
            place = (at[matrix[0]], at[matrix[1]])
            if here.get(matrix) != place:
                stores += tile * tile if matrix == "ij" and matrix in here else 0
                loads += tile * tile if matrix != "ij" or place in touched else 0
                touched |= {place} if matrix == "ij" else set()
                here[matrix] = place
    return loads, stores + tile * tile


first_touch_loaded = slip(
    answer,
    ("here, touched, loads, stores = {}, set(), 0, 0", "here, loads, stores = {}, 0, 0"),
    (
        'loads += place[2] if matrix != "ij" or place in touched else 0\n'
        'touched |= {place} if matrix == "ij" else set()',
        "loads += place[2]",
    ),
    says="A tile of C is loaded even when it is touched for the first time. It holds nothing yet: it starts as "
    "zeros, which are made on the chip.",
)


last_tile_never_stored = slip(
    answer,
    'stores + here["ij"][2]',
    "stores",
    says="The tile of C that is on the chip at the end is not stored. It belongs to the result too.",
)


tiles_for_numbers = slip(
    full_tiles_everywhere,
    ('tile * tile if matrix == "ij" and matrix in here else 0', '1 if matrix == "ij" and matrix in here else 0'),
    ('tile * tile if matrix != "ij" or place in touched else 0', '1 if matrix != "ij" or place in touched else 0'),
    ("stores + tile * tile", "stores + 1"),
    says="This counts tiles. The exercise asks for numbers: each tile counts as its height times its width.",
)

"""Drawings for pruning: how zeros are stored, and what goes when a unit goes."""

from __future__ import annotations

from course_lib.viz import COLORS, GREY
from course_lib.viz.diagram import Diagram

__all__ = ["sparse_rows", "unit_removed"]

ROWS = ((0, 5, 0, -2), (0, 0, 0, 0), (1, 0, 0, 0))
"""The matrix of the drawing."""
SIDE = 1.15
"""Width and height of a cell."""
STORED, POINTER, GONE = COLORS[0], COLORS[1], COLORS[3]


def sparse_rows() -> Diagram:
    """A matrix of three rows on the left, and the three lists of its compressed sparse rows on the right."""
    drawn = Diagram(
        24,
        6.6,
        "A matrix with the rows (0, 5, 0, -2), (0, 0, 0, 0) and (1, 0, 0, 0), and beside it what compressed "
        "sparse rows store of it: the values 5, -2, 1, their columns 1, 3, 0, and the row pointers 0, 2, 2, 3. "
        "Arrows lead from each pointer to where its row begins in the list of values; the pointers of row 1 are "
        "equal: it is empty.",
        title="Compressed sparse rows",
    )
    for row, numbers in enumerate(ROWS):
        drawn.note(0.9, 4.4 - SIDE * row, f"row {row}", color=GREY)
        for column, number in enumerate(numbers):
            color = STORED if number else GREY
            drawn.box(2.6 + SIDE * column, 4.4 - SIDE * row, 1.05, 1.05, str(number) if number else "·", color)
    values = [number for numbers in ROWS for number in numbers if number]
    columns = [column for numbers in ROWS for column, number in enumerate(numbers) if number]
    lists = (
        ("values", values, STORED, 4.9),
        ("columns", columns, COLORS[2], 3.5),
        ("row_pointers", [0, 2, 2, 3], POINTER, 1.0),
    )
    for name, stored, color, y in lists:
        drawn.note(11.6, y, name, align="right")
        for place, number in enumerate(stored):
            drawn.box(12.9 + 1.6 * place, y, 1.25, 1.05, str(number), color)
    for place, (start, end) in enumerate(((0, 0), (1, 2), (2, 2), (3, 3))):
        drawn.arrow((12.9 + 1.6 * start, 1.55), (12.9 + 1.6 * end - 0.55, 2.9), color=POINTER, dashed=place == 3)
    drawn.note(18.7, 2.2, "where each row begins;\nthe last one is the end", align="left", color=GREY)
    drawn.note(18.7, 4.2, "one of each\nper weight that stays", align="left", color=GREY)
    return drawn


def unit_removed() -> Diagram:
    """Two layers of a network before and after one of three hidden units was removed."""
    drawn = Diagram(
        24,
        6.4,
        "Two small networks. On the left one with two inputs, three hidden units and one output; the middle unit "
        "and all arrows into it and out of it are dashed: a row of the first weights, a bias, and a column of the "
        "next weights. On the right the network without them: two hidden units, dense and smaller.",
        title="When a unit goes, a row, a bias and a column go with it",
    )
    for shift, kept in ((0.0, (0, 1, 2)), (13.0, (0, 2))):
        inputs = [drawn.circle(1.5 + shift, y, 0.5, f"$x_{k}$") for k, y in enumerate((4.0, 2.0))]
        units = {
            k: (drawn.circle(5.3 + shift, 4.8 - 1.8 * k, 0.5, f"$h_{k}$", GONE if k == 1 else STORED)) for k in kept
        }
        out = drawn.circle(9.1 + shift, 3.0, 0.5, "$y$", COLORS[2])
        for k, unit in units.items():
            look = {"color": GONE if k == 1 else GREY, "dashed": k == 1}
            for each in inputs:
                drawn.arrow(each.right, unit.left, **look)  # type: ignore[arg-type]
            drawn.arrow(unit.right, out.left, **look)  # type: ignore[arg-type]
    drawn.note(3.4, 0.5, "row 1 of $W_1$, bias 1", color=GONE)
    drawn.note(7.8, 0.5, "column 1 of $W_2$", color=GONE)
    drawn.arrow((10.4, 3.0), (12.9, 3.0))
    drawn.note(18.3, 0.5, "the same function as with $h_1$ at zero", color=GREY)
    return drawn

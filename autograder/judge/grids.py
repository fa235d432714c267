"""Arrays as rows of numbers, the way NumPy draws them, with the entries that differ between » and «."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograder.judge.tensors import dtype_name, is_tensor, numbers

__all__ = ["PRECISE", "SMALL", "drawn", "window"]

SMALL = 60
PRECISE = (5, 8, 11, 16)
"""Digits after the point: as few as tell two arrays apart."""
_LINE = 75
_ROWS = 5
_COLUMNS = 8

Mask = np.ndarray[Any, np.dtype[np.bool_]]


def drawn(value: Any, wrong: Mask | None = None, precision: int = PRECISE[0]) -> str:
    """An array or tensor in full if it is small; of a large one shape and dtype, and the part that holds the first
    wrong entry.

    Args:
        value: the array.
        wrong: which entries to mark, an array of its shape.
        precision: the most digits after the point.
    """
    tensor, dtype = is_tensor(value), dtype_name(value)
    place = f" on {value.device}" if tensor and value.device.type != "cpu" else ""
    marks = wrong if wrong is not None and wrong.any() else None
    if math.prod(value.shape) <= SMALL:
        return _whole(numbers(value), marks, precision, tensor, dtype, place)
    shape = "x".join(map(str, value.shape))
    name = f"<{shape} {dtype}{' tensor' if tensor else ''}{place}>"
    if marks is None:
        return name
    part = window(marks)
    inside = _rows(numbers(value)[part], marks[part], precision, 0)
    return f"{name}, of which [{', '.join(map(_index, part))}] is\n{inside}"


def window(wrong: Mask) -> tuple[int | slice, ...]:
    """The neighbourhood of the first wrong entry: some rows and columns around it, one place along the other axes."""
    first = [int(index) for index in np.argwhere(wrong)[0]]
    sizes = {wrong.ndim - 1: _COLUMNS if wrong.ndim > 1 else 2 * _COLUMNS, wrong.ndim - 2: _ROWS}
    part: list[int | slice] = []
    for axis, index in enumerate(first):
        if axis not in sizes:
            part.append(index)
            continue
        size, length = sizes[axis], wrong.shape[axis]
        start = max(0, min(index - size // 4, length - size))
        part.append(slice(start, min(start + size, length)))
    return tuple(part)


def _index(part: int | slice) -> str:
    return f"{part.start}:{part.stop}" if isinstance(part, slice) else str(part)


def _whole(
    array: np.ndarray[Any, Any], marks: Mask | None, precision: int, tensor: bool, dtype: str, place: str
) -> str:
    plain = ("float32", "int64", "bool") if tensor else ("float64", "int64", "bool")
    notes = [] if dtype in plain else [dtype]
    if not array.size:
        notes = [f"shape {tuple(array.shape)}", *notes]
    prefix = "tensor(" if tensor else ""
    text = prefix + _rows(array, marks, precision, len(prefix))
    if tensor:
        return text + ")" + (f" ({', '.join(notes)}{place})" if notes or place else "")
    return f"{text} ({', '.join(notes)})" if notes else text


def _rows(array: np.ndarray[Any, Any], marks: Mask | None, precision: int, indent: int) -> str:
    if not array.size:
        return "[]"
    cells = _cells(array.ravel(), precision)
    if marks is not None:
        cells = [_marked(cell, bool(wrong)) for cell, wrong in zip(cells, marks.ravel(), strict=True)]
    return _nested(cells, array.shape, indent) if array.shape else cells[0].strip()


def _cells(flat: np.ndarray[Any, Any], precision: int) -> list[str]:
    """Each number in the same number of columns."""
    small = flat.dtype.kind not in "b" and bool(np.abs(flat).max(initial=0) < 1e4)
    text = np.array2string(
        flat,
        separator=",",
        precision=precision,
        suppress_small=small,
        threshold=flat.size + 1,
        max_line_width=10**9,
    )
    return text[1:-1].split(",")


def _marked(cell: str, wrong: bool) -> str:
    core = cell.strip()
    lead = cell[: len(cell) - len(cell.lstrip())]
    start, end = ("»", "«") if wrong else (" ", " ")
    return f"{lead}{start}{core}{end}{cell[len(lead) + len(core) :]}"


def _nested(cells: list[str], shape: tuple[int, ...], indent: int) -> str:
    if len(shape) == 1:
        return _filled(cells, indent + 1)
    size = len(cells) // shape[0]
    blocks = [_nested(cells[i : i + size], shape[1:], indent + 1) for i in range(0, len(cells), size)]
    return "[" + (",\n" + " " * (indent + 1)).join(blocks) + "]"


def _filled(cells: list[str], indent: int) -> str:
    lines, line = [], ""
    for cell in cells:
        if line and indent + len(line) + len(cell) + 3 > _LINE:
            lines.append(line.rstrip())
            line = ""
        line += f"{cell}, "
    return "[" + ("\n" + " " * indent).join([*lines, line[:-2]]) + "]"

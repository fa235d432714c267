r"""The start page's one exercise: an average, to see how a check works.

Symbols
    numbers   (N,)    any numbers
    m         ()      their average, 0 where there are none

Equation
    m = 1/N sum_n numbers_n
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["average"]


def average(numbers: NDArray[Any]) -> float:
    """The sum of the numbers, divided by how many there are.

    Args:
        numbers: (N,), integers or floats; N may be 0.

    Returns:
        Their average, 0.0 for an empty array.
    """
    if len(numbers) == 0:
        return 0.0
    return float(np.sum(numbers) / len(numbers))

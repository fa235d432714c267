"""What several exercises of linear share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Rng = np.random.Generator
CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def float32(*arrays: Any) -> tuple[Any, ...]:
    return tuple(a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype == float else a for a in arrays)


def sliced(array: Array) -> Array:
    """The same numbers in an array with gaps: every second entry of the last axis of a larger one."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def layer(rng: Rng, n: int, d: int, c: int) -> tuple[Array, Array, Array]:
    return rng.standard_normal((n, d)), rng.standard_normal((c, d)), rng.standard_normal(c)


def eighths(rng: Rng, *shape: int) -> Array:
    return np.asarray(rng.integers(-24, 25, shape) / 8)

"""Geometries of convolution, random arrays for them, and how close two results must be."""

import numpy as np
import pytest
import torch

CLOSE = {np.float32: {"rtol": 1e-4, "atol": 1e-4}, np.float64: {"rtol": 1e-12, "atol": 1e-12}}
GEOMETRIES = [
    # x (N, C, H, W), w (C_out, C, KH, KW), stride, padding
    ((1, 1, 3, 3), (1, 1, 3, 3), 1, 0),
    ((2, 3, 7, 5), (4, 3, 3, 2), 1, 0),
    ((3, 2, 6, 9), (5, 2, 2, 4), 2, 1),
    ((1, 4, 8, 8), (3, 4, 3, 3), 1, 1),
    ((2, 1, 9, 4), (2, 1, 5, 1), 3, 2),
    ((2, 5, 4, 6), (3, 5, 1, 1), 1, 0),
    ((2, 3, 2, 3), (2, 3, 4, 5), 1, 2),
]

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_geometry = pytest.mark.parametrize(("x_shape", "w_shape", "stride", "padding"), GEOMETRIES)


def drawn(*shapes, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def as_torch(*arrays):
    return [None if array is None else torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]

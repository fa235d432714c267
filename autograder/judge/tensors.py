"""NumPy arrays and torch tensors behind the same few functions, without importing torch."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

__all__ = ["dtype_name", "floating_bits", "is_array", "is_tensor", "numbers"]


def is_tensor(value: Any) -> bool:
    """Whether the value is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def is_array(value: Any) -> bool:
    """Whether the value is a NumPy array or a torch tensor."""
    return isinstance(value, np.ndarray) or is_tensor(value)


def dtype_name(value: Any) -> str:
    """`float32`, `int64`, ...: the same words for both libraries."""
    return str(value.dtype).removeprefix("torch.")


def floating_bits(value: Any) -> int:
    """Bits of one real number of a floating or complex array (64 for complex128), 0 for other dtypes."""
    name = dtype_name(value)
    if name.startswith("complex"):
        return int(name.removeprefix("complex")) // 2
    if name == "bfloat16":
        return 16
    return int(name.removeprefix("float")) if name.startswith("float") else 0


def numbers(value: Any) -> np.ndarray[Any, Any]:
    """The array's numbers in NumPy, wide enough to subtract: float64, complex128, int64, bool."""
    if is_tensor(value):
        value = value.detach().cpu()
        value = (value.float() if dtype_name(value) == "bfloat16" else value).resolve_conj().numpy()
    array = np.asarray(value)
    if array.dtype.kind == "f":
        return array.astype(np.float64)
    if array.dtype.kind == "c":
        return array.astype(np.complex128)
    return array

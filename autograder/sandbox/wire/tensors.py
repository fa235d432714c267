"""torch's values on the wire: tensors with dtype, device, layout and requires_grad, and generators.

torch is never imported for encoding: where it is not loaded, no value can be a tensor.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

from autograder.sandbox.wire.arrays import checked_layout, layout
from autograder.sandbox.wire.frames import WireError

__all__ = ["TAGS", "decode", "encode", "unusual_layout"]

TAGS = ("tensor", "torch_generator")

_DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    "complex64", "complex128",
)  # fmt: skip
_DEVICE = re.compile(r"cpu|cuda(:\d{1,3})?")

AddBuffer = Callable[[bytes], int]
GetBuffer = Callable[[Any], bytes]


def encode(value: Any, add: AddBuffer) -> list[Any] | None:
    """The node of a dense tensor, a parameter or a torch generator; None for anything else."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "Generator"):
        return None
    if type(value) is torch.Generator:
        return ["torch_generator", str(value.device), add(_bytes(torch, value.get_state()))]
    if type(value) is not torch.Tensor and type(value) is not torch.nn.Parameter:
        return None
    name = str(value.dtype).removeprefix("torch.")
    if value.layout is not torch.strided or value.device.type not in ("cpu", "cuda") or name not in _DTYPES:
        return None
    axes, gap = layout(tuple(value.shape), tuple(value.stride()), 1)
    data = _bytes(torch, value.detach().permute(axes))
    return ["tensor", name, str(value.device), value.requires_grad, list(value.shape), axes, gap, add(data)]


def unusual_layout(value: Any) -> str:
    """The layout of a tensor that is not dense; empty for anything else."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "strided") or type(value) is not torch.Tensor:
        return ""
    return "" if value.layout is torch.strided else str(value.layout)


def _bytes(torch: Any, tensor: Any) -> bytes:
    plain = tensor.resolve_conj().resolve_neg().cpu().contiguous().reshape(-1)
    if plain.numel() == 1:  # one number counts as contiguous whatever its stride
        plain = plain.as_strided((1,), (1,))
    return plain.view(torch.uint8).numpy().tobytes() if plain.numel() else b""


def decode(tag: str, rest: list[Any], get: GetBuffer) -> Any:
    """The value of a node.

    Raises:
        WireError: the node is malformed, or its device is not here.
    """
    import torch

    try:
        return _tensor(torch, *rest, get=get) if tag == "tensor" else _generator(torch, *rest, get=get)
    except RuntimeError as error:
        raise WireError(f"torch refuses the value: {str(error)[:200]}") from None


def _device(name: Any) -> str:
    if type(name) is not str or not _DEVICE.fullmatch(name):
        raise WireError("a tensor on an unknown device")
    return name


def _tensor(
    torch: Any, name: Any, device: Any, grad: Any, shape: Any, axes: Any, gap: Any, index: Any, *, get: GetBuffer
) -> Any:
    if type(name) is not str or name not in _DTYPES or type(grad) is not bool:
        raise WireError("a tensor of an unknown dtype")
    dtype, data = getattr(torch, name), get(index)
    if grad and not (dtype.is_floating_point or dtype.is_complex):
        raise WireError("only floating and complex tensors can require a gradient")
    shape, axes = checked_layout(shape, axes, gap, dtype.itemsize, data)
    flat = _numbers(torch, data, dtype)
    ordered = flat.reshape([shape[axis] for axis in axes]).to(_device(device))
    if gap and ordered.dim():
        wide = torch.zeros((*ordered.shape[:-1], 2 * ordered.shape[-1]), dtype=dtype, device=ordered.device)
        wide[..., ::2] = ordered
        ordered = wide[..., ::2]
    tensor = ordered.permute([axes.index(axis) for axis in range(len(axes))])
    return tensor.requires_grad_() if grad else tensor


def _numbers(torch: Any, data: bytes, dtype: Any) -> Any:
    if not data:
        return torch.empty(0, dtype=dtype)
    if dtype is torch.bool:
        return torch.frombuffer(bytearray(data), dtype=torch.uint8) != 0
    return torch.frombuffer(bytearray(data), dtype=dtype)


def _generator(torch: Any, device: Any, index: Any, *, get: GetBuffer) -> Any:
    data = get(index)
    if not 0 < len(data) <= 1 << 16:
        raise WireError("a generator's state of an impossible size")
    generator = torch.Generator(_device(device))
    generator.set_state(torch.frombuffer(bytearray(data), dtype=torch.uint8))
    return generator

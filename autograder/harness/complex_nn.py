"""Complex tensors on the student's side: convolutions of them, as far as its own process can tell."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["Convolutions", "begin", "end"]


class Convolutions(TorchFunctionMode):
    """Counts calls of torch's convolutions with a complex tensor among their arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.complex = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if "conv" in getattr(func, "__name__", "") and any(map(_is_complex, (*args, *named.values()))):
            self.complex += 1
        return func(*args, **named)


def _is_complex(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_complex()


def begin(convolutions: Convolutions) -> None:
    """Begins to count."""
    convolutions.__enter__()  # type: ignore[no-untyped-call]


def end(convolutions: Convolutions) -> int:
    """Stops counting: how many there were."""
    convolutions.__exit__(None, None, None)  # type: ignore[no-untyped-call]
    return convolutions.complex

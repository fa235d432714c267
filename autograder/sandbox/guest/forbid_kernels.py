"""Replaces kernels of torch's dispatcher, through which every operator goes, whoever calls it.

An operator has kernels for many keys: for the CPU, for quantized and sparse tensors, composite ones that are made of
other operators, those that record gradients. Each can be called by its key, so all of them are replaced.
"""

from __future__ import annotations

import ctypes
import re
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from typing import Any, NoReturn

from autograder.forbidden_names import names_of, operator_pattern, shown

__all__ = ["covered", "replace_everywhere", "replace_on_cpu", "resolve", "stop_recording"]

_RECORDING = (
    "ADInplaceOrView", "Autograd", "AutogradCPU", "AutogradCUDA", "AutogradFunctionality", "AutogradMeta",
    "AutogradNestedTensor", "AutogradOther",
)  # fmt: skip
_REGISTERED = re.compile(r"^(\w+)(?:\[alias\])?: registered at", re.MULTILINE)


def covered(names: tuple[str, ...]) -> set[str]:
    """The names whose work kernels do, so that replacing these is enough."""
    return {name for fitting in _kernels(names_of("torch", names)).values() for name in fitting}


def replace_on_cpu(names: tuple[str, ...], refuse: Callable[[str], NoReturn]) -> list[Any]:
    """Replaces torch's own kernels for the CPU; resetting these libraries brings the old ones back."""
    operators = (name for name in _kernels(names_of("torch", names)) if name.startswith("aten::"))
    kernels: dict[str, tuple[str, ...]] = dict.fromkeys(operators, ("CPU",))
    return _replaced(names, kernels, refuse)


def replace_everywhere(names: tuple[str, ...], refuse: Callable[[str], NoReturn]) -> None:
    """Replaces kernels for every key that has one, for good. Keys that have none of their own use one of these."""
    found = _kernels(names_of("torch", names))
    if not found:
        return
    import torch

    kernels = {name: tuple(_REGISTERED.findall(torch._C._dispatch_dump(name))) for name in found}
    _keep(_replaced(names, kernels, refuse))


def stop_recording() -> None:
    """From here on no operator records how it would be differentiated: its result has no `grad_fn`, whatever the
    modes of a thread and the flags of a tensor say. Forward-mode derivatives are worked out by the same kernels."""
    import torch

    skipped, libraries = torch.library.fallthrough_kernel, _Libraries()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for key in _RECORDING:
            for operator in torch._C._dispatch_get_registrations_for_dispatch_key(key):
                space, _, rest = operator.partition("::")
                with suppress(RuntimeError):
                    libraries.of(space, key).impl(rest, key, skipped)
            with suppress(RuntimeError):
                libraries.of("_", key).fallback(key, skipped)
    _keep(libraries.made.values())


@cache
def resolve() -> None:
    """Looks up every operator once, so that `torch.ops` knows them without asking below Python again."""
    import torch

    for operator, _ in _operators():
        space, _, rest = operator.partition("::")
        base, _, overload = rest.partition(".")
        with suppress(AttributeError, RuntimeError):
            getattr(getattr(getattr(torch.ops, space), base), overload or "default")


@cache
def _operators() -> list[tuple[str, str]]:
    """Every operator, with its name without the overload."""
    import torch

    return [(name, name.partition(".")[0]) for name in torch._C._dispatch_get_all_op_names()]


@cache
def _kernels(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The operators to replace, each with the forbidden names whose work it does."""
    if not names:
        return {}
    patterns = {name: re.compile(operator_pattern(name)) for name in names}
    any_of_them = re.compile("|".join(dict.fromkeys(pattern.pattern for pattern in patterns.values())))
    found: dict[str, tuple[str, ...]] = {}
    for operator, name in _operators():
        if any_of_them.search(name):
            found[operator] = tuple(each for each, pattern in patterns.items() if pattern.search(name))
    return found


class _Libraries:
    """Collections of kernels, by namespace and key."""

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], Any] = {}

    def of(self, space: str, key: str) -> Any:
        """The collection for a namespace and a key.

        Raises:
            RuntimeError: torch has no such key.
        """
        import torch

        if (space, key) not in self.made:
            self.made[space, key] = torch._C._dispatch_library("IMPL", space, key, __file__, 0)
        return self.made[space, key]


def _replaced(
    names: tuple[str, ...], kernels: dict[str, tuple[str, ...]], refuse: Callable[[str], NoReturn]
) -> list[Any]:
    found, libraries = _kernels(names_of("torch", names)), _Libraries()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about what is intended here: replacing a kernel
        for operator, keys in kernels.items():
            space, _, rest = operator.partition("::")
            kernel = _kernel(shown(found[operator], rest), refuse)
            for key in dict.fromkeys(keys):
                with suppress(RuntimeError):  # not every operator takes a kernel for every key
                    libraries.of(space, key).impl(rest, key, kernel)
    return list(libraries.made.values())


def _kernel(name: str, refuse: Callable[[str], NoReturn]) -> Callable[..., Any]:
    def kernel(*_: Any, **__: Any) -> NoReturn:
        refuse(name)

    return kernel


def _keep(libraries: Iterable[Any]) -> None:
    """Keeps new kernels alive where no Python code can reach them; every other way back is dropped."""
    for library in libraries:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))

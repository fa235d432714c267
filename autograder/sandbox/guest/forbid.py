"""Takes functions away from a process: what is forbidden raises, under every name and from every thread.

torch's work is done by kernels that the dispatcher looks up at every call, whoever calls: Python under any alias,
compiled code, another thread. So the kernels are replaced. What Python itself runs gets another body in place, which
every alias shares. In a graded process this happens before any of the student's code runs, and for good: compilers,
foreign functions and files that would bring back what was taken away are gone as well.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from autograder.forbidden_names import is_autograd, names_of
from autograder.sandbox.guest import forbid_files, forbid_kernels, forbid_native
from autograder.sandbox.guest.forbid_swaps import builtins_of, everywhere, find, guard, in_python, swaps, swaps_known

__all__ = ["Forbidden", "Plan", "forbidding", "install", "load", "loaded", "plan", "refuse", "take_called", "warm"]

_MOST = 20

_called: list[str] = []


class Forbidden(PermissionError):
    """A forbidden function was called."""


def refuse(name: str) -> NoReturn:
    """Takes the place of everything that was taken away."""
    if name not in _called and len(_called) < _MOST:
        _called.append(name)
    raise Forbidden(f"{name} does the work that this exercise asks of you: write it yourself")


def take_called() -> tuple[str, ...]:
    """Which forbidden functions were called since the last call of this."""
    taken = tuple(_called)
    _called.clear()
    return taken


@contextmanager
def forbidding(names: tuple[str, ...]) -> Iterator[None]:
    """Takes them away for a while; what is not loaded by then cannot be called and is left out."""
    there = loaded(names)
    found, libraries = swaps_known(there, len(sys.modules)), forbid_kernels.replace_on_cpu(there, refuse)
    for swap in found:
        swap.take()
    try:
        yield
    finally:
        for swap in reversed(found):
            swap.put_back()
        for library in libraries:
            library.reset()


# --- names ----------------------------------------------------------------------------------------------


def loaded(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names whose modules this process has loaded."""
    return tuple(name for name in names if find(name) is not None)


def load(names: tuple[str, ...]) -> None:
    """Imports whatever the names need.

    Raises:
        LookupError: nothing has that name.
    """
    for name in names:
        parts = name.split(".")
        for count in range(1, len(parts) + 1):
            try:
                importlib.import_module(".".join(parts[:count]))
            except ImportError:
                break
        if find(name) is None:
            raise LookupError(f"nothing is called {name}: forbid a function, a class or a module by its full name")


# --- for good -------------------------------------------------------------------------------------------


class Plan:
    """What a graded process loses.

    A module that nothing has imported is not imported for the purpose: it is kept from being imported at all.

    Attributes:
        names: what is taken away from modules that are there.
        unloaded: modules that stay out, with everything inside them.
        hidden: files and folders that are not opened any more, each with the name that it is hidden for.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        """Imports what the names need.

        Raises:
            LookupError: nothing has that name.
        """
        unloaded = forbid_files.left_out(names)
        needed = _kept(names, unloaded)
        load(needed)
        self.torch = bool(names_of("torch", needed))
        if self.torch:
            importlib.import_module("torch._dynamo")  # optimizers and modes import it, and it imports what is hidden
        warm()
        self.unloaded = forbid_files.left_out(unloaded)  # without what those imports brought along
        self.names = _kept(names, self.unloaded)
        done = forbid_kernels.covered(self.names)
        python = [home for name in self.names if name not in done for home in _homes(name)]
        self.hidden: dict[Path, str] = forbid_files.hidden((*python, *self.unloaded), torch=self.torch)


def _kept(names: tuple[str, ...], unloaded: tuple[str, ...]) -> tuple[str, ...]:
    """The names outside modules that stay out; a package of which parts are named is not one of them."""
    inside = tuple(f"{name}." for name in unloaded)
    packages = [name for name in names if any(other.startswith(f"{name}.") for other in names)]
    return tuple(name for name in names if not f"{name}.".startswith(inside) and name not in packages)


def warm() -> None:
    """What would take each process a while, or needs ctypes, done once in the process that they are forked from."""
    with suppress(ImportError):
        importlib.import_module("scipy._lib._ccallback")
    if "torch" in sys.modules:
        forbid_kernels.resolve()
        forbid_files.hidden((), torch=True)


def plan(names: tuple[str, ...]) -> Plan:
    """What a process loses that forbids these names: functions, classes and modules.

    Raises:
        LookupError: nothing has that name.
    """
    return Plan(names)


def install(lost: Plan) -> None:
    """Takes it away for good."""
    forbid_native.end(builtins_of(lost.names))
    if lost.torch:
        forbid_kernels.replace_everywhere(lost.names, refuse)
        forbid_native.end_compilers()
    if any(map(is_autograd, lost.names)):
        forbid_kernels.stop_recording()
        forbid_native.end_autograd()
    _replace(lost)
    gc.collect()
    forbid_native.end_foreign_functions()
    forbid_files.guard(lost.hidden, lost.unloaded, _called, Forbidden)


def _replace(lost: Plan) -> None:
    """Gives everything that has a name in Python something that refuses, and leaves no reference to what was there."""
    found = swaps(lost.names)
    if lost.torch:
        found += in_python(lost.names, forbid_files.of_torch())
        found += everywhere(_of_compilers(any(map(is_autograd, lost.names))), "torch")
    for swap in found:
        swap.take()


def _of_compilers(differentiators: bool) -> dict[int, Any]:
    """What takes the place of torch's compiler; asked for an operator that it does not know, it knows none."""
    import torch

    refusing = guard("torch.jit")
    found: dict[int, Any] = {id(each): refusing for each in forbid_native.compilers()}
    if differentiators:
        found |= {id(each): guard("torch.func") for each in forbid_native.differentiators()}
    return found | {
        id(torch._C._jit_get_operation): _no_operation,
        id(torch._C._get_operation_overload): _no_overload,
    }


def _no_operation(_name: str) -> tuple[None, list[str]]:
    return None, []


def _no_overload(_name: str, _overload: str) -> None:
    return None


def _homes(name: str) -> Iterator[str]:
    """The module that holds the code of something that Python itself runs."""
    value = find(name)
    home = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
    if is_autograd(name):
        return
    if home.count(".") > 1 or name.partition(".")[0] not in ("torch", "numpy"):
        yield home

"""Takes functions away from a process: what is forbidden raises, under every name and from every thread.

torch's work is done by kernels that the dispatcher looks up at every call, whoever calls: Python under any alias,
compiled code, another thread. So the kernels are replaced. What Python itself runs gets another body in place, which
every alias shares. In a graded process this happens before any of the student's code runs, and for good: no reference
to a replaced kernel is left, and files that hold the code of what was taken away cannot be opened again.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from itertools import product
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NoReturn

from autograder.forbidden_names import is_autograd, operator_pattern, shown

__all__ = ["Forbidden", "forbidding", "install", "load", "loaded", "refuse", "take_called"]

_KEYS = ("CPU", "CUDA", "MkldnnCPU", "QuantizedCPU", "QuantizedCUDA", "SparseCPU", "SparseCsrCPU")
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


def install(names: tuple[str, ...]) -> None:
    """Takes functions, classes and modules away for good.

    Raises:
        LookupError: nothing has that name.
    """
    load(names)
    homes = _homes(names)
    _take_all(names)
    for library in _replace_kernels(names, _KEYS):
        _immortal(library)
    gc.collect()
    _guard_files(homes)


def _take_all(names: tuple[str, ...]) -> None:
    """Leaves no reference to what was there."""
    for swap in _swaps(names):
        swap.take()


@contextmanager
def forbidding(names: tuple[str, ...]) -> Iterator[None]:
    """Takes them away for a while; what is not loaded by then cannot be called and is left out."""
    there = loaded(names)
    swaps, libraries = _swaps_known(there, len(sys.modules)), _replace_kernels(there, ("CPU",), ("aten",))
    for swap in swaps:
        swap.take()
    try:
        yield
    finally:
        for swap in reversed(swaps):
            swap.put_back()
        for library in libraries:
            library.reset()


def loaded(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names whose modules this process has loaded."""
    return tuple(name for name in names if _find(name) is not None)


# --- names ----------------------------------------------------------------------------------------------


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
        if _find(name) is None:
            raise LookupError(f"nothing is called {name}: forbid a function, a class or a module by its full name")


def _find(name: str) -> Any:
    """The object of a dotted name, or None; imports nothing."""
    first, *rest = name.split(".")
    value: Any = sys.modules.get(first)
    path = first
    for part in rest:
        path = f"{path}.{part}"
        inside = vars(value).get(part) if isinstance(value, ModuleType) else getattr(value, part, None)
        value = sys.modules.get(path) or inside  # asking a module by getattr might import something
    return None if isinstance(value, ModuleType) and name not in sys.modules else value


# --- torch's kernels ------------------------------------------------------------------------------------


@cache
def _kernels(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The operators to replace, each with the forbidden names whose work it does."""
    if not names:
        return {}
    import torch

    patterns = [(name, re.compile(operator_pattern(name))) for name in names]
    found: dict[str, tuple[str, ...]] = {}
    for operator in torch._C._dispatch_get_all_op_names():
        base = operator.partition("::")[2].partition(".")[0]
        fitting = tuple(name for name, pattern in patterns if pattern.search(base))
        if fitting:
            found[operator] = fitting
    return found


def _replace_kernels(names: tuple[str, ...], keys: tuple[str, ...], spaces: tuple[str, ...] = ()) -> list[Any]:
    """The libraries of new kernels, of all namespaces or of the given ones; resetting them brings the old kernels
    back."""
    kernels = _new_kernels(names)
    if not kernels:
        return []
    import torch

    libraries = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about what is intended here: replacing a kernel
        for space, key in product(spaces or kernels, keys):
            library = torch._C._dispatch_library("IMPL", space, key, __file__, 0)
            libraries.append(library)
            for operator, kernel in kernels.get(space, ()):
                with suppress(RuntimeError):  # not every operator takes a kernel for every key
                    library.impl(operator, key, kernel)
    return libraries


@cache
def _new_kernels(names: tuple[str, ...]) -> dict[str, list[tuple[str, Callable[..., Any]]]]:
    """By namespace: operators with their replacements."""
    found: dict[str, list[tuple[str, Callable[..., Any]]]] = {}
    for operator, fitting in _kernels(tuple(name for name in names if name.partition(".")[0] == "torch")).items():
        space, _, rest = operator.partition("::")
        found.setdefault(space, []).append((rest, _kernel(shown(fitting, rest))))
    return found


def _kernel(name: str) -> Callable[..., Any]:
    def kernel(*_: Any, **__: Any) -> NoReturn:
        refuse(name)

    return kernel


# --- what Python itself runs ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Swap:
    """Something that can be replaced and put back."""

    put: Callable[[Any], None]
    before: Any
    after: Any

    def take(self) -> None:
        """Replaces it; a class of an extension that cannot be changed stays."""
        with suppress(TypeError):
            self.put(self.after)

    def put_back(self) -> None:
        """Puts back what was there before."""
        with suppress(TypeError):
            self.put(self.before)


_NOTHING = object()


def _swaps(names: tuple[str, ...]) -> list[_Swap]:
    """Everything to replace except kernels."""
    kernels = _kernels(tuple(name for name in names if name.partition(".")[0] == "torch"))
    done = {name for fitting in kernels.values() for name in fitting}
    swaps = _autograd(next((name for name in names if is_autograd(name)), ""))
    elsewhere: dict[int, Any] = {}
    for name in names:
        if name in done or is_autograd(name):
            continue
        targets, guard = _targets(name), _guard(name)
        if not targets:
            raise LookupError(f"nothing is called {name}: forbid a function, a class or a module by its full name")
        for target in targets:
            if isinstance(target, type):
                swaps += _of_class(target, guard)
                continue
            for function in _unwrapped(target):
                if isinstance(function, FunctionType) and not function.__code__.co_freevars:
                    swaps.append(_of_code(function, guard))
                else:
                    elsewhere[id(function)] = guard
    return swaps + _everywhere(elsewhere)


_swaps_known = lru_cache(maxsize=32)(lambda names, _modules: _swaps(names))
"""Kept as long as no further module is loaded: looking through all of them is slow."""


def _autograd(name: str) -> list[_Swap]:
    """The engine that runs backward, which the dispatcher does not guard, and scripts, which reach it directly."""
    if not name:
        return []
    import torch

    guard, inside = _guard(name), vars(torch._C)
    engine = type(torch.autograd.Variable._execution_engine)
    scripts = partial(inside.__setitem__, "_jit_script_compile")
    return [
        _in_type(engine, "run_backward", guard),
        _in_type(torch._C.CompilationUnit, "define", guard),
        _Swap(scripts, inside["_jit_script_compile"], guard),
    ]


def _in_type(kind: type, key: str, guard: FunctionType) -> _Swap:
    """A method of a type that Python code cannot change."""
    inside: dict[str, Any] = gc.get_referents(kind.__dict__)[0]

    def put(new: Any) -> None:
        inside[key] = new
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))

    return _Swap(put, inside[key], guard)


def _guard(name: str) -> FunctionType:
    """A function that refuses and needs nothing from the module that it ends up in."""
    namespace: dict[str, Any] = {}
    source = f"def guard(*_, **__):\n    from autograder.sandbox.guest.forbid import refuse\n    refuse({name!r})"
    exec(source, namespace)
    guard: FunctionType = namespace["guard"]
    return guard


def _targets(name: str) -> list[Any]:
    value = _find(name)
    if not isinstance(value, ModuleType):
        return [value] if callable(value) else []
    found: dict[int, Any] = {}
    for path, module in list(sys.modules.items()):
        if path == name or path.startswith(f"{name}."):
            found |= {id(item): item for item in list(vars(module).values()) if _belongs(item, name, path)}
    return list(found.values())


def _belongs(item: Any, name: str, path: str) -> bool:
    """Whether something in a module of a forbidden package is that package's own work."""
    if not callable(item) or (isinstance(item, type) and issubclass(item, BaseException)):
        return False
    home = getattr(item, "__module__", None) or ""
    if isinstance(item, BuiltinFunctionType) and home in ("", path.rpartition(".")[2]):
        return True
    return home == name or home.startswith(f"{name}.")


def _unwrapped(function: Any) -> list[Any]:
    """The function and those behind it: decorators and NumPy's dispatchers keep what they call."""
    found = [function]
    for key in ("__wrapped__", "_implementation", "__func__"):
        inner = getattr(function, key, None)
        if callable(inner) and all(inner is not known for known in found):
            found += _unwrapped(inner)
    return found


def _of_code(function: FunctionType, guard: FunctionType) -> _Swap:
    return _Swap(partial(setattr, function, "__code__"), function.__code__, guard.__code__)


def _of_class(kind: type, guard: FunctionType) -> list[_Swap]:
    swaps: list[_Swap] = []
    for key in ("__init__", "forward", "__call__"):
        method = vars(kind).get(key, _NOTHING)
        if isinstance(method, FunctionType) and not method.__code__.co_freevars:
            swaps.append(_of_code(method, guard))
        elif method is not _NOTHING or key == "__init__":
            swaps.append(_Swap(partial(_set_in_class, kind, key), method, guard))
    return swaps


def _set_in_class(kind: type, key: str, value: Any) -> None:
    if value is not _NOTHING:
        setattr(kind, key, value)
    elif key in vars(kind):
        delattr(kind, key)


def _everywhere(replacements: dict[int, Any]) -> list[_Swap]:
    """Objects, given by their ids, in every module that has them."""
    if not replacements:
        return []
    return [
        _Swap(partial(inside.__setitem__, key), value, replacements[id(value)])
        for inside in [vars(module) for module in list(sys.modules.values()) if isinstance(module, ModuleType)]
        for key, value in list(inside.items())
        if id(value) in replacements
    ]


# --- for good -------------------------------------------------------------------------------------------


def _immortal(library: Any) -> None:
    """Keeps new kernels alive where no Python code can reach them; every other way back is dropped."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))


def _homes(names: tuple[str, ...]) -> dict[str, str]:
    """Modules, and beginnings of paths, that hold the code of what Python itself runs, each with its name."""
    homes: dict[str, str] = {}
    for name in names:
        value = _find(name)
        home = name if isinstance(value, ModuleType) else getattr(value, "__module__", None) or ""
        path = Path(getattr(sys.modules.get(home), "__file__", None) or "")
        if path.suffix != ".py" or name.partition(".")[0] in ("torch", "numpy"):
            continue
        homes |= {f"{home}.": name}
        if path.name == "__init__.py":
            homes[f"{path.parent}/"] = name
        else:
            homes |= {f"{path.with_suffix('')}.": name, f"{path.parent / '__pycache__' / path.stem}.": name}
    return homes


def _guard_files(homes: dict[str, str]) -> None:
    """Keeps what was taken away from being read or imported again. A hook of this kind cannot be removed."""
    if not homes:
        return
    beginnings = tuple(homes)

    def hook(event: str, arguments: Any) -> None:
        if event in ("open", "import"):
            place = arguments[0] if event == "open" else f"{arguments[0]}."
            if type(place) is str and place.startswith(beginnings):
                refuse(next(name for beginning, name in homes.items() if place.startswith(beginning)))

    sys.addaudithook(hook)

"""Takes functions away from a process: what is forbidden raises, under every name and from every thread.

torch's work is done by kernels that the dispatcher finds anew at every call, whoever calls: Python under any alias,
compiled code, another thread. So the kernels are replaced. What Python itself carries out gets another body in place,
which every alias shares. In a graded process this happens before any code of the student's runs, and for good: no
reference to a replaced kernel is left, and files that hold the code of what was taken away cannot be opened again.
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
from functools import cache
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NoReturn

from autograder.families import is_autograd, operator_pattern, shown

__all__ = ["Forbidden", "forbidding", "install", "loaded", "refuse", "take_called"]

_KEYS = ("CPU", "CUDA", "MkldnnCPU", "QuantizedCPU", "QuantizedCUDA", "SparseCPU", "SparseCsrCPU")
_MOST = 20

Undo = Callable[[], None]

_called: list[str] = []


class Forbidden(PermissionError):
    """A forbidden function was called."""


def refuse(name: str) -> NoReturn:
    """What stands in the place of everything that was taken away."""
    if name not in _called and len(_called) < _MOST:
        _called.append(name)
    raise Forbidden(f"{name} does the work that is asked of you here: write it yourself")


def take_called() -> tuple[str, ...]:
    """Which forbidden functions were called since this was asked last."""
    taken = tuple(_called)
    _called.clear()
    return taken


def install(names: tuple[str, ...]) -> None:
    """Takes functions, classes and modules away for good.

    Raises:
        LookupError: a name means nothing.
    """
    _load_all(names)
    homes = _homes(names)
    for undo in _replace(names, _KEYS):
        _immortal(undo)
    gc.collect()
    _guard_files(homes)


@contextmanager
def forbidding(names: tuple[str, ...]) -> Iterator[None]:
    """Takes them away for a while; of what is not loaded by then, nothing is missed."""
    undone = _replace(loaded(names), _KEYS[:1])
    try:
        yield
    finally:
        for undo in reversed(undone):
            undo()


def loaded(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names whose modules this process has loaded."""
    return tuple(name for name in names if _find(name) is not None)


def _replace(names: tuple[str, ...], keys: tuple[str, ...]) -> list[Undo]:
    undone: list[Undo] = []
    kernels = _kernels(tuple(name for name in names if name.partition(".")[0] == "torch"))
    for namespace in dict.fromkeys(operator.partition("::")[0] for operator in kernels):
        undone += _replace_kernels(namespace, kernels, keys)
    autograd = [name for name in names if is_autograd(name)]
    if autograd:
        undone += _stop_autograd(autograd[0])
    done = {name for fitting in kernels.values() for name in fitting}.union(autograd)
    for name in names:
        if name not in done:
            undone += _replace_python(name)
    return undone


# --- names ----------------------------------------------------------------------------------------------


def _load_all(names: tuple[str, ...]) -> None:
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
    return value


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


def _replace_kernels(namespace: str, kernels: dict[str, tuple[str, ...]], keys: tuple[str, ...]) -> list[Undo]:
    import torch

    undone: list[Undo] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of what is meant here: an existing kernel is replaced
        for key in keys:
            library = torch._C._dispatch_library("IMPL", namespace, key, __file__, 0)
            undone.append(library.reset)
            for operator, names in kernels.items():
                space, _, rest = operator.partition("::")
                if space == namespace:
                    with suppress(RuntimeError):  # not every operator takes a kernel for every key
                        library.impl(rest, key, _kernel(shown(names, rest)))
    return undone


def _kernel(name: str) -> Callable[..., Any]:
    def kernel(*_: Any, **__: Any) -> NoReturn:
        refuse(name)

    return kernel


def _stop_autograd(name: str) -> list[Undo]:
    """The engine that runs backward, which no dispatcher stands before, and scripts, which reach it by themselves."""
    import torch

    guard = _guard(name)
    engine = type(torch.autograd.Variable._execution_engine)
    undone = [_set_in_type(engine, "run_backward", guard), _set_in_type(torch._C.CompilationUnit, "define", guard)]
    scripts = vars(torch._C)
    undone.append(_put_in(scripts, "_jit_script_compile", scripts["_jit_script_compile"]))
    scripts["_jit_script_compile"] = guard
    return undone


def _set_in_type(kind: type, key: str, value: Any) -> Undo:
    """Replaces a method of a type that Python may not change."""
    inside: dict[str, Any] = gc.get_referents(kind.__dict__)[0]
    before = inside[key]

    def put(new: Any) -> None:
        inside[key] = new
        ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))

    put(value)
    return lambda: put(before)


# --- what Python carries out -----------------------------------------------------------------------------


def _guard(name: str) -> FunctionType:
    """A function that refuses and needs nothing of the module it finds itself in."""
    namespace: dict[str, Any] = {}
    source = f"def guard(*_, **__):\n    from autograder.sandbox.forbid import refuse\n    refuse({name!r})"
    exec(source, namespace)
    guard: FunctionType = namespace["guard"]
    return guard


def _replace_python(name: str) -> list[Undo]:
    guard, undone = _guard(name), list[Undo]()
    others: dict[int, Any] = {}
    targets = _targets(name)
    for target in targets:
        if isinstance(target, type):
            undone += _replace_class(target, guard)
        else:
            for function in _unwrapped(target):
                if isinstance(function, FunctionType) and not function.__code__.co_freevars:
                    undone.append(_swap_code(function, guard))
                else:
                    others[id(function)] = guard
    if not targets:
        raise LookupError(f"nothing is called {name}: forbid a function, a class or a module by its full name")
    return undone + _set_everywhere(others)


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


def _swap_code(function: FunctionType, guard: FunctionType) -> Undo:
    before = function.__code__
    function.__code__ = guard.__code__
    return lambda: setattr(function, "__code__", before)


def _replace_class(kind: type, guard: FunctionType) -> list[Undo]:
    undone: list[Undo] = []
    for key in ("__init__", "forward", "__call__"):
        method = vars(kind).get(key)
        if isinstance(method, FunctionType) and not method.__code__.co_freevars:
            undone.append(_swap_code(method, guard))
        elif method is not None or key == "__init__":
            with suppress(TypeError):  # a class of an extension
                undone.append(_put(kind, key, guard))
    return undone


def _put(kind: type, key: str, value: Any) -> Undo:
    had, before = key in vars(kind), vars(kind).get(key)
    setattr(kind, key, value)
    return lambda: setattr(kind, key, before) if had else delattr(kind, key)


def _set_everywhere(replacements: dict[int, Any]) -> list[Undo]:
    """Replaces objects, given by their ids, in every module that has them."""
    undone: list[Undo] = []
    if not replacements:
        return undone
    for module in list(sys.modules.values()):
        inside = vars(module) if isinstance(module, ModuleType) else {}
        for key, value in list(inside.items()):
            if id(value) in replacements:
                undone.append(_put_in(inside, key, value))
                inside[key] = replacements[id(value)]
    return undone


def _put_in(inside: dict[str, Any], key: str, value: Any) -> Undo:
    return lambda: inside.__setitem__(key, value)


# --- for good -------------------------------------------------------------------------------------------


def _immortal(undo: Any) -> None:
    """Keeps a library of kernels alive where no Python code can reach it; every other way back is dropped."""
    library = getattr(undo, "__self__", None)
    if type(library).__name__ == "_DispatchModule":
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(library))


def _homes(names: tuple[str, ...]) -> dict[str, str]:
    """Modules, and beginnings of paths, that hold the code of what Python carries out, each with its name."""
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
    """What was taken away is not read or imported anew. A hook of this kind cannot be removed."""
    if not homes:
        return
    beginnings = tuple(homes)

    def hook(event: str, arguments: Any) -> None:
        if event in ("open", "import"):
            place = arguments[0] if event == "open" else f"{arguments[0]}."
            if type(place) is str and place.startswith(beginnings):
                refuse(next(name for beginning, name in homes.items() if place.startswith(beginning)))

    sys.addaudithook(hook)

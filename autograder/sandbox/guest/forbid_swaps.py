"""Replaces what Python itself runs: bodies of functions, methods of classes, and objects in modules."""

from __future__ import annotations

import ctypes
import gc
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any

from autograder.forbidden_names import is_autograd, names_of, operator_pattern
from autograder.sandbox.guest.forbid_kernels import covered

__all__ = ["Swap", "builtins_of", "everywhere", "find", "guard", "in_python", "swaps", "swaps_known"]

_NOTHING = object()
_TRANSFORMS = (
    "grad", "grad_and_value", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "linearize", "vhp", "vjp",
)  # fmt: skip
"""The functions that differentiate another function."""

_ENTRANCES = ("__init__", "__call__", "forward")
"""What is replaced in a class also where it is no function of Python; other methods with double underscores stay."""


@dataclass(frozen=True)
class Swap:
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


def find(name: str) -> Any:
    """The object of a dotted name, or None; imports nothing."""
    first, *rest = name.split(".")
    value: Any = sys.modules.get(first)
    path = first
    for part in rest:
        path = f"{path}.{part}"
        inside = vars(value).get(part) if isinstance(value, ModuleType) else getattr(value, part, None)
        value = sys.modules.get(path) or inside  # asking a module by getattr might import something
    return None if isinstance(value, ModuleType) and name not in sys.modules else value


def guard(name: str, free: int = 0) -> FunctionType:
    """A function that refuses and needs nothing from the module that it ends up in.

    `free` is how many variables of an outer function it has, as many as the one whose body it replaces.
    """
    outer = "".join(f"v{number}, " for number in range(free))
    source = (
        f"def make({outer}):\n    def guard(*_, **__):\n        ({outer})\n"
        f"        from autograder.sandbox.guest.forbid import refuse\n        refuse({name!r})\n    return guard"
    )
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    made: FunctionType = namespace["make"](*[None] * free)
    return made


def swaps(names: tuple[str, ...]) -> list[Swap]:
    """Everything to replace for these names except kernels.

    Raises:
        LookupError: nothing has that name.
    """
    done = covered(names)
    found = _autograd(next((name for name in names if is_autograd(name)), ""))
    elsewhere: dict[int, Any] = {}
    for name in names:
        if name in done or is_autograd(name):
            continue
        targets = _targets(name)
        if not targets:
            raise LookupError(f"nothing is called {name}: forbid a function, a class or a module by its full name")
        for target in targets:
            label = f"{name}.{target.__name__}" if name in sys.modules and hasattr(target, "__name__") else name
            if isinstance(target, type):
                found += _of_class(target, label)
                continue
            for function in _unwrapped(target):
                if isinstance(function, FunctionType):
                    found.append(_of_code(function, label))
                else:
                    elsewhere[id(function)] = guard(label)
    return found + everywhere(elsewhere)


swaps_known = lru_cache(maxsize=32)(lambda names, _modules: swaps(names))
"""Kept as long as no further module is loaded: looking through all of them is slow."""


def builtins_of(names: tuple[str, ...]) -> Iterator[Any]:
    """The functions below Python that do the forbidden work outside torch's kernels."""
    done = covered(names)
    for name in names:
        if name not in done and not is_autograd(name):
            for target in _targets(name):
                yield from (each for each in _unwrapped(target) if not isinstance(each, FunctionType | type))


def in_python(names: tuple[str, ...], packages: Iterable[str]) -> list[Swap]:
    """What works out forbidden operators of torch, or their gradients, in Python: in these packages, and in the tables
    of operators."""
    patterns = {name: re.compile(operator_pattern(name)) for name in names_of("torch", names)}
    any_of_them = re.compile("|".join(dict.fromkeys(pattern.pattern for pattern in patterns.values())))

    def fitting(operator: str) -> str | None:
        if not any_of_them.search(operator):
            return None
        return next(name for name, pattern in patterns.items() if pattern.search(operator))

    beginnings = tuple(f"{package}." for package in packages)
    found: dict[int, tuple[Any, str]] = {}
    for path, module in list(sys.modules.items()):
        if f"{path}.".startswith(beginnings):
            for word, item in list(vars(module).items()):
                name = fitting(f"::{word.lower()}")
                if name is not None and f"{getattr(item, '__module__', '')}.".startswith(beginnings):
                    found[id(item)] = item, name
    for operator, item in _tables():
        name = fitting("::".join(str(operator).split(".")[:2]))
        if name is not None:
            found[id(item)] = item, name
    made: list[Swap] = []
    for item, name in found.values():
        if isinstance(item, type):
            made += _of_class(item, name)
        else:
            made += [_of_code(each, name) for each in _unwrapped(item) if isinstance(each, FunctionType)]
    return made


def _tables() -> Iterator[tuple[Any, Any]]:
    """What torch knows of operators in Python: each with a function that does its work."""
    decompositions: Any = sys.modules.get("torch._decomp")
    for table in getattr(decompositions, "global_decomposition_table", {}).values():
        yield from list(table.items())
    for space in list(vars(sys.modules["torch"].ops).values()):
        for packet in list(getattr(space, "__dict__", {}).values()):
            for overload in list(getattr(packet, "__dict__", {}).values()):
                for function in list((getattr(overload, "__dict__", {}).get("py_kernels") or {}).values()):
                    yield overload, function


def _autograd(name: str) -> list[Swap]:
    """The engine that runs backward, which the dispatcher does not guard, and scripts, which reach it directly."""
    if not name:
        return []
    import torch

    refusing, inside = guard(name), vars(torch._C)
    engine: Any = type(torch.autograd.Variable._execution_engine)
    scripts = partial(inside.__setitem__, "_jit_script_compile")
    rooms = (torch.func, torch.autograd.functional)
    transforms = [each for room in rooms for word in _TRANSFORMS for each in _unwrapped(getattr(room, word, None))]
    differences = [each for item in _targets("torch.autograd.gradcheck") for each in _unwrapped(item)]
    return [
        *(_of_code(each, "torch.func") for each in transforms if isinstance(each, FunctionType)),
        *(_of_code(each, "torch.autograd.gradcheck") for each in differences if isinstance(each, FunctionType)),
        _in_type(engine, "run_backward", refusing),
        _in_type(torch._C.CompilationUnit, "define", refusing),
        Swap(scripts, inside["_jit_script_compile"], refusing),
    ]


def _in_type(kind: type, key: str, refusing: FunctionType) -> Swap:
    """A method of a type that Python code cannot change."""
    inside: dict[str, Any] = gc.get_referents(kind.__dict__)[0]
    modified = ctypes.pythonapi.PyType_Modified

    def put(new: Any) -> None:
        inside[key] = new
        modified(ctypes.py_object(kind))

    return Swap(put, inside[key], refusing)


def _targets(name: str) -> list[Any]:
    value = find(name)
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


def _of_code(function: FunctionType, name: str) -> Swap:
    body = _body(name, len(function.__code__.co_freevars))
    return Swap(partial(setattr, function, "__code__"), function.__code__, body)


@cache
def _body(name: str, free: int) -> CodeType:
    return guard(name, free).__code__


def _of_class(kind: type, name: str) -> list[Swap]:
    """Every way into a class: making an instance, calling one, and each method, since an instance can be had without
    being made, by `__new__` or from a subclass."""
    found: list[Swap] = []
    for key, method in [*vars(kind).items(), *[("__init__", _NOTHING)] * ("__init__" not in vars(kind))]:
        function = getattr(method, "__func__", method)
        if isinstance(function, FunctionType) and (key in _ENTRANCES or not key.startswith("__")):
            found.append(_of_code(function, name))
        elif key in _ENTRANCES:
            found.append(Swap(partial(_set_in_class, kind, key), method, guard(name)))
    return found


def _set_in_class(kind: type, key: str, value: Any) -> None:
    if value is not _NOTHING:
        setattr(kind, key, value)
    elif key in vars(kind):
        delattr(kind, key)


def everywhere(replacements: dict[int, Any], package: str = "") -> list[Swap]:
    """Objects, given by their ids, in every module that has them, or in the modules of one package."""
    if not replacements:
        return []
    return [
        Swap(partial(inside.__setitem__, key), value, replacements[id(value)])
        for path, module in list(sys.modules.items())
        if isinstance(module, ModuleType) and f"{path}.".startswith(f"{package}." if package else "")
        for inside in [vars(module)]
        for key, value in list(inside.items())
        if id(value) in replacements
    ]

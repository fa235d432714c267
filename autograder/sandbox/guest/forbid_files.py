"""Keeps files that would bring back what was taken away from being read, imported or loaded.

Where the jail has Landlock, the kernel refuses to open them. An audit hook of Python refuses as well, on every level:
it compares files, not spellings of their paths, lets extension modules be loaded from installed packages alone, and
keeps what it needs to itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["guard", "hidden", "left_out", "of_torch"]

_OF_TORCH = (
    "functorch", "torch._decomp", "torch._inductor", "torch._refs", "torch.ao", "torch.onnx",
    "torch.testing._internal",
)  # fmt: skip
"""Packages that work out torch's operators, or their gradients, once more in Python."""
_FOREIGN = ("_cffi_backend", "_testcapi", "_testinternalcapi", "_xxsubinterpreters", "cffi")
"""Modules that reach functions below Python by their names."""
_EVENTS = (
    "gc.get_objects", "gc.get_referents", "gc.get_referrers", "sqlite3.enable_load_extension",
    "sqlite3.load_extension",
)  # fmt: skip
"""What would find the hook in memory, or load machine code."""
_PACKAGES = ("dist-packages", "lib-dynload", "site-packages")
"""The names of folders that extension modules are installed in."""
_MOST = 20


def left_out(names: Iterable[str]) -> tuple[str, ...]:
    """The modules among these names that nothing has imported: they are kept from being imported at all."""
    return tuple(name for name in names if name not in sys.modules and _place(name) is not None)


def of_torch() -> tuple[str, ...]:
    """The packages that do the work of torch's operators in Python, as far as they are there."""
    return tuple(name for name in _OF_TORCH if _place(name) is not None)


def hidden(names: Iterable[str], *, torch: bool) -> dict[Path, str]:
    """Files and folders that are not opened, each with the name that it is hidden for.

    Args:
        names: modules, imported or not, whose work is forbidden.
        torch: whether some of torch is forbidden, so that what does its work in Python is hidden too.
    """
    chosen = dict.fromkeys(_FOREIGN, "ctypes") | dict.fromkeys(_OF_TORCH if torch else (), "torch")
    chosen |= {name: name for name in names}
    return {path: shown for name, shown in chosen.items() for path in _files(name)}


def guard(paths: dict[Path, str], unloaded: tuple[str, ...], called: list[str], error: type[Exception]) -> None:
    """Refuses files and modules for good. The hook calls nothing that code in this process could replace.

    Args:
        paths: files and folders that are not opened, each with its name.
        unloaded: modules that are not imported, with everything inside them.
        called: where the name of what was asked for is noted.
        error: what is raised.
    """
    files = tuple((each, name) for path, name in paths.items() for each in _identities(path))
    known, stat, most = frozenset(each for each, _ in files), os.stat, _MOST
    packages = tuple(f"{entry}{os.sep}" for entry in sys.path if Path(entry).name in _PACKAGES)
    modules, events = tuple(f"{name}." for name in unloaded), frozenset(_EVENTS)

    def hook(event: str, arguments: Any) -> None:
        name, place = None, None
        if event == "open":
            place = arguments[0]
        elif event == "import":
            place = arguments[1]
            if type(arguments[0]) is str and modules and f"{arguments[0]}.".startswith(modules):
                name = arguments[0]
            if place is not None and not (type(place) is str and place.startswith(packages) and "/../" not in place):
                name = "an extension module from elsewhere"
        elif event in events:
            name = event
        if name is None and place is not None:
            try:
                found = stat(place)
            except (OSError, TypeError, ValueError):
                return
            if (found.st_dev, found.st_ino) in known:
                name = next(shown for each, shown in files if each == (found.st_dev, found.st_ino))
        if name is not None:
            if name not in called and len(called) < most:
                called.append(name)
            raise error(f"{name} does the work that this exercise asks of you: write it yourself")

    sys.addaudithook(hook)


@cache
def _identities(path: Path) -> tuple[tuple[int, int], ...]:
    """The files at a path or below it, by device and number."""
    inside = [f"{at}/{name}" for at, _, names in os.walk(path) for name in names] if path.is_dir() else [str(path)]
    stats = map(os.stat, inside)
    return tuple((found.st_dev, found.st_ino) for found in stats)


@cache
def _files(module: str) -> tuple[Path, ...]:
    """A package's folder, or a module's file with its compiled copies."""
    place = _place(module)
    if place is None:
        return ()
    if place.name == "__init__.py":
        return (place.parent,)
    stem = place.name.partition(".")[0]
    return (place, *(place.parent / "__pycache__").glob(f"{stem}.*"))


def _place(module: str) -> Path | None:
    """The file of a module, found without importing it; None if there is none."""
    loaded = sys.modules.get(module)
    if isinstance(loaded, ModuleType):
        file = getattr(loaded, "__file__", None)
        return Path(file) if isinstance(file, str) else None
    above = module.rpartition(".")[0]
    parent = _place(above) if above else None
    if above and (parent is None or parent.name != "__init__.py"):
        return None
    found = PathFinder.find_spec(module, [str(parent.parent)] if parent is not None else None)
    return Path(found.origin) if found is not None and found.origin is not None else None

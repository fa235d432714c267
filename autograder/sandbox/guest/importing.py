"""Finds modules as Python does, but in package folders only those packages that runs are meant to see.

Where the others are not mounted, there is nothing to find. Elsewhere they cannot be read, or, without a jail, should
not be: either way `import onnx` says what it says where onnx is not installed. What keeps files from being read is the
jail, not this.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import Distribution
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["show_only"]


class _Finder:
    """In place of Python's own finder for `sys.path`."""

    def __init__(self, shown: Mapping[str, Sequence[str]]) -> None:
        self._shown = shown
        self._modules = {
            entry: frozenset(name.partition(".")[0] for name in names)
            for entry in sys.path
            if (names := self._names(entry)) is not None
        }

    def _names(self, folder: str) -> Sequence[str] | None:
        return self._shown.get(os.path.realpath(folder))

    @staticmethod
    def invalidate_caches() -> None:
        """Forgets what folders held."""
        PathFinder.invalidate_caches()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's spec; None where Python has no such module or the run is not meant to see it."""
        if path is None:
            path = [entry for entry in sys.path if name in self._modules.get(entry, (name,))]
        return PathFinder.find_spec(name, path, target)

    def find_distributions(self, *context: Any) -> Iterator[Distribution]:
        """The installed packages that the run is meant to see."""
        for found in PathFinder.find_distributions(*context):
            place = Path(str(getattr(found, "_path", "")))
            names = self._names(str(place.parent))
            if names is None or place.name in names:
                yield found


def show_only(packages: Mapping[str, Sequence[str]]) -> None:
    """From now on only these names are imported from package folders.

    Args:
        packages: by package folder, resolved, the names of the files and folders in it that are meant to be seen.
    """
    sys.meta_path[:] = [_Finder(packages) if finder is PathFinder else finder for finder in sys.meta_path]

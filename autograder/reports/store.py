"""A graded submission as plain JSON values and back, without losing a field.

The values are those of `json`: a verdict written to disk comes back equal. Field names and types are read
from the dataclasses themselves, so that a new field needs no change here.
"""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from autograder.exercise import Graded

__all__ = ["from_plain", "plain"]


def plain(graded: Graded) -> dict[str, Any]:
    """Dictionaries, lists, strings and numbers that `json.dumps` takes."""
    found = _plain(graded)
    assert isinstance(found, dict)
    return found


def from_plain(data: dict[str, Any]) -> Graded:
    """The submission that `plain` wrote down.

    Raises:
        ValueError: a field is missing, unknown or of another type; the message names it.
    """
    graded = _load(Graded, data, "graded")
    assert isinstance(graded, Graded)
    return graded


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return value


def _load(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return _load_dataclass(kind, value, where)
    if get_origin(kind) is tuple:
        return _load_tuple(get_args(kind), value, where)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            raise ValueError(f"{where} is {value!r}, which is not a {kind.__name__.lower()}") from None
    accepted: tuple[type, ...] = (int, float) if kind is float else (kind,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{where} is {type(value).__name__}; expected {kind.__name__}")
    return value


def _load_dataclass(kind: type, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {type(value).__name__}; expected an object")
    hints, known = _fields(kind)
    for name in value:
        if name not in known:
            raise ValueError(f"{where} has the unknown field {name!r}: it was written by another version")
    for name, needed in known.items():
        if needed and name not in value:
            raise ValueError(f"{where} has no field {name!r}: the file is incomplete or of another version")
    return kind(**{name: _load(hints[name], item, f"{where}.{name}") for name, item in value.items()})


@cache
def _fields(kind: type) -> tuple[dict[str, Any], dict[str, bool]]:
    """The types of a dataclass's fields, and whether each is needed."""
    return get_type_hints(kind), {item.name: item.default is MISSING for item in fields(kind)}


def _load_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{where} is {type(value).__name__}; expected a list")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_load(kinds[0], item, f"{where}[{index}]") for index, item in enumerate(value))
    if len(value) != len(kinds):
        raise ValueError(f"{where} has {len(value)} entries; expected {len(kinds)}")
    return tuple(
        _load(kind, item, f"{where}[{index}]") for index, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )

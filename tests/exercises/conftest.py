"""Tests of one exercise follow each other, those of one topic on one worker: they share its prepared cases."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places: dict[object, int] = {}
    for item in items:
        exercise = _exercise(item)
        if exercise is not None:
            item.add_marker(pytest.mark.xdist_group(f"exercises of {exercise.topic}"))
            places.setdefault(exercise.id, len(places))
    items.sort(key=lambda item: places.get(getattr(_exercise(item), "id", None), -1))


def _exercise(item: pytest.Item) -> object | None:
    if item.path.parent != HERE or not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return None
    return item.callspec.params.get("exercise")

"""One place for versions: pyproject.toml. environment.yml says the same, and so does what is installed."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINS = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]


def test_environment_yml_says_the_same():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    packages = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    assert sorted(packages) == sorted([*PROJECT["dependencies"], "--editable ."])
    assert f"python{PROJECT['requires-python']}" in listed


@pytest.mark.parametrize("pin", PINS)
def test_what_is_installed_is_what_is_pinned(pin):
    name, _, version = pin.partition("==")
    assert re.fullmatch(r"[\w.]+", version), f"{pin} is not an exact pin"
    assert importlib.metadata.version(name).partition("+")[0] == version

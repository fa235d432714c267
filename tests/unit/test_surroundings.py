"""What is said of the course's packages is so."""

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from autograder.surroundings import PACKAGES, advice


def test_every_package_that_is_named_is_one_that_notebooks_have():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    known = packages_distributions()
    assert all(set(known[name]) & set(project["optional-dependencies"]["notebooks"]) for name in PACKAGES)


def test_only_what_comes_of_the_surroundings_has_advice():
    assert "numpy" in advice("ModuleNotFoundError")
    assert advice("ZeroDivisionError") == ""

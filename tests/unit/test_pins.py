"""One place for versions: pyproject.toml. environment.yml says the same, and so does what is installed."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
PINS = [*PROJECT["dependencies"], *dict.fromkeys((*EXTRAS["dev"], *EXTRAS["cluster"], *EXTRAS["postgresql"]))]


def test_environment_yml_says_the_same():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))["dependencies"]
    packages = next(entry["pip"] for entry in listed if isinstance(entry, dict))
    assert sorted(packages) == sorted([*PROJECT["dependencies"], *EXTRAS["dev"], "--editable ."])
    assert f"python{PROJECT['requires-python']}" in listed


@pytest.mark.parametrize("pin", PINS)
def test_what_is_installed_is_what_is_pinned(pin):
    requirement = Requirement(pin)
    name, version = requirement.name, str(requirement.specifier).removeprefix("==")
    assert re.fullmatch(r"[\w.]+", version), f"{pin} is not an exact pin"
    if requirement.marker is not None and not requirement.marker.evaluate():
        pytest.skip(f"there is no {name} for this system")
    assert importlib.metadata.version(name).partition("+")[0] == version


def test_tests_of_one_group_go_to_one_worker(tmp_path):
    """What a module's tests share is made once: pytest and pytest-xdist must be versions that work together."""
    (tmp_path / "test_group.py").write_text(
        "import pytest\n@pytest.mark.xdist_group('one')\n@pytest.mark.parametrize('number', range(20))\n"
        "def test_it(number, worker_id): print('worker', worker_id)\n"
    )
    words = ["-n", "2", "--dist", "loadgroup", "-rP", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path]
    done = subprocess.run([sys.executable, "-m", "pytest", *words], capture_output=True, text=True, check=True)
    assert len(set(re.findall(r"worker gw\d", done.stdout))) == 1


def imported_packages() -> set[str]:
    names: set[str] = set()
    for top in ("autograder", "course_lib", "tests", "benchmarks"):
        for path in (ROOT / top).rglob("*.py"):
            if path.parents[1] == ROOT / "tests" / "submissions":  # students' work, which may be anything
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    names |= {alias.name.partition(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    names.add((node.module or "").partition(".")[0])
    own = {"autograder", "course_lib", *(path.stem for path in (ROOT / "tests").rglob("*.py"))}
    folders = {path.name for path in (ROOT / "tests" / "helpers").iterdir() if path.is_dir()}
    return names - own - folders - sys.stdlib_module_names


def test_whatever_is_imported_is_pinned():
    providers = importlib.metadata.packages_distributions()
    pinned = {Requirement(pin).name.lower() for pin in PINS}
    pinned |= {Requirement(needed).name.lower() for needed in PYPROJECT["build-system"]["requires"]}
    for package in imported_packages():
        provided_by = {name.lower() for name in providers.get(package, (package,))}
        assert provided_by & pinned, f"{package} is imported but not pinned ({', '.join(provided_by)})"

"""What the start page says of a machine, and that it says it of a poor one too."""

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest

import autograder
from autograder import machine
from autograder.machine import Finding, Findings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def only(monkeypatch):
    """Pretends that no packages but these are installed."""

    def pretend(*names):
        def version(name):
            if name not in names:
                raise importlib.metadata.PackageNotFoundError(name)
            return "1.2"

        monkeypatch.setattr(importlib.metadata, "version", version)

    return pretend


def test_a_missing_package_is_named_and_what_to_do(only):
    only("numpy")
    assert machine.installed("NumPy", "numpy") == Finding(True, True, "NumPy 1.2")
    found = Findings((machine.installed("PyTorch", "torch"), machine.installed("NumPy", "numpy")))
    assert str(found).splitlines() == [
        "missing  PyTorch: not installed",
        "ok       NumPy 1.2",
        "1 missing. In the course's folder, `make setup` installs everything.",
    ]
    assert "PyTorch: not installed" in found.html()


def test_without_pytorch_none_is_imported(only, monkeypatch):
    only("numpy")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert machine.cuda().text.startswith("CUDA: not looked for")
    assert not machine.cuda().needed


def test_a_pytorch_that_cannot_be_imported_is_missing(only, monkeypatch):
    only("torch")
    monkeypatch.setitem(sys.modules, "torch", None)
    found = machine.cuda()
    assert (found.ok, found.needed) == (False, True)
    assert found.text.startswith("PyTorch cannot be used: ModuleNotFoundError")


def test_little_memory_is_told_and_an_unknown_amount_too(monkeypatch):
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": (2 << 30) // 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    assert machine.memory() == Finding(
        False, False, "2 GiB of memory; with less than 4 GiB close other notebooks first"
    )
    sizes["SC_PHYS_PAGES"] *= 8
    assert machine.memory() == Finding(True, False, "16 GiB of memory")
    monkeypatch.delattr(os, "sysconf")
    assert "does not say" in machine.memory().text


def test_processors_are_those_that_may_be_used(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3}, raising=False)
    assert machine.processors().text.startswith("1 processor, ")


def test_no_jail_is_no_fault_of_the_student():
    found = machine.isolation(())
    assert (found.ok, found.needed) == (False, False)
    assert "your own checks need none" in found.text


def test_this_machine_is_ready():
    found = autograder.this_machine()
    assert [each.text.split()[0] for each in found.findings[:5]] == ["Python", "NumPy", "Matplotlib", "PyTorch", "PyG"]
    assert str(found).endswith("Ready: nothing that the course needs is missing.")
    assert len(found.findings) == 9


def test_the_start_page_loads_neither_torch_nor_matplotlib_before_it_is_asked():
    script = (
        "import sys\nimport numpy as np\n"
        "from autograder import check, course_map, course_plan, preview, this_machine\n"
        "course_plan(); from autograder.exercises import find; find('start.average')\n"
        "print([m for m in ('torch', 'torch_geometric', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"

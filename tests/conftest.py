"""What every test may rely on."""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# nbgrader's Gradebook calls alembic by name: the one that is installed beside this Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

# Each worker of pytest-xdist, and whatever it starts, has one thread: several would wait for each other.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# Tests that send Ctrl-C hold in the background too, where a shell has the signal ignored and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no error in the code: there is no time limit for one example.
settings.register_profile("course", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("course")

HERE = Path(__file__).parent
SECONDS = {
    "whole course": 200,
    "submissions": 100,
    "workflows": 80,
    "class": 70,
    "executors": 70,
    "three ways to grade": 60,
    "judge deaths": 40,
    "07_lstm": 50,
    "05_cnn_training": 50,
    "exercises of cnn": 45,
    "09_gnn_training": 40,
    "whole/test_cli": 40,
    "06_rnn": 35,
    "browser": 35,
    "exercises of gnn": 35,
    "unit/sandbox/host/test_breaches": 35,
    "unit/sandbox/host/test_host": 30,
    "fuzz/test_fuzz": 30,
    "12_pruning": 30,
    "13_quantization": 30,
    "unit/sandbox/kernel/test_jail": 30,
}
"""Roughly how long what must stay on one worker takes; what is not listed takes less."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A module's tests share a worker unless they say otherwise, and what takes longest begins first."""
    groups: dict[pytest.Item, str] = {}
    for item in items:
        mark = item.get_closest_marker("xdist_group")
        if mark is None:
            mark = pytest.mark.xdist_group(str(item.path.relative_to(HERE).with_suffix("")))
            item.add_marker(mark)
        groups[item] = str(mark.args[0])
    items.sort(key=lambda item: -SECONDS.get(groups[item], 0))

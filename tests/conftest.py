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
    "whole course": 240,
    "submissions": 210,
    "exercises/test_points_are_earned": 140,
    "exercises of gnn": 120,
    "07_lstm": 100,
    "05_cnn_training": 100,
    "executors": 90,
    "workflows": 80,
    "exercises of cnn": 75,
    "browser": 70,
    "exercises of capstone": 70,
    "exercises of quantization": 70,
    "09_gnn_training": 65,
    "unit/sandbox/host/test_breaches": 65,
    "class": 60,
    "three ways to grade": 60,
    "exercises of backprop": 60,
    "exercises of lstm": 60,
    "unit/sandbox/host/test_host": 55,
    "12_pruning": 50,
    "06_rnn": 45,
    "unit/sandbox/kernel/test_jail": 45,
    "judge deaths": 40,
    "whole/test_cli": 40,
    "13_quantization": 40,
    "11_acceleration": 35,
    "fuzz/test_fuzz": 30,
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

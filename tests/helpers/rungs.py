"""The isolation that this machine has, and sandboxes on each rung of it with small limits."""

import pytest

from autograder.sandbox.host.isolation import available
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.kernel.limits import Limits

LIMITS = Limits(
    cell_seconds=20.0,
    memory_bytes=512 << 20,
    output_bytes=50_000,
    notebook_output_bytes=120_000,
    scratch_bytes=64 << 20,
    file_bytes=32 << 20,
)
HERE = {rung.name: rung for rung in available()}


def opened(name: str) -> Sandbox:
    """A sandbox on that rung; the test is skipped where the machine lacks it."""
    if not HERE[name].ok:
        pytest.skip(f"this machine lacks isolation {name}: {HERE[name].reason}")
    return Sandbox(name, limits=LIMITS, preload=("autograder.check",))

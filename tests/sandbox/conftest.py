import pytest

from autograder.sandbox.host.isolation import LADDER, available
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


def opened(name):
    """A sandbox on that rung, for as long as the tests need it."""
    if not HERE[name].ok:
        pytest.skip(f"this machine lacks isolation {name}: {HERE[name].reason}")
    return Sandbox(name, limits=LIMITS, preload=("autograder.check",))


@pytest.fixture(scope="session", params=LADDER)
def sandbox(request):
    """Every rung of the ladder in turn."""
    with opened(request.param) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def process_sandbox():
    """The weakest rung, where runs may start processes."""
    with opened("process") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def strongest():
    """The strongest rung that this machine has."""
    with opened([rung.name for rung in available() if rung.ok][-1]) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox):
    with sandbox.start() as run:
        yield run


@pytest.fixture
def process_run(process_sandbox):
    with process_sandbox.start() as run:
        yield run

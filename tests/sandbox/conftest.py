import pytest

from autograder.sandbox.host import Sandbox
from autograder.sandbox.limits import Limits

LIMITS = Limits(cell_seconds=20.0, memory_bytes=512 << 20, output_bytes=50_000, notebook_output_bytes=120_000)


@pytest.fixture(scope="session")
def sandbox():
    with Sandbox(limits=LIMITS, preload=("autograder.check",)) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox):
    with sandbox.start() as run:
        yield run

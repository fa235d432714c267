import pytest
from rungs import opened

from autograder.sandbox.host.isolation import LADDER, available


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

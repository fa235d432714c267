import pytest
import torch


@pytest.fixture
def two_threads():
    """Torch has two threads, whatever the machine and the tests' environment say; this many."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield 2
    torch.set_num_threads(before)

"""Files of what is forbidden are closed: by the kernel where the jail has Landlock, and in Python on every level."""

import pytest

from autograder.forbidden_names import AUTOGRAD
from autograder.sandbox.guest import forbid_files
from autograder.sandbox.host.isolation import TRUSTWORTHY, available
from autograder.sandbox.host.sandbox import Sandbox
from autograder.sandbox.kernel import landlock

STRONG = [rung.name for rung in available() if rung.ok and rung.name in TRUSTWORTHY]
BELOW_PYTHON = """
import importlib.util, os, scipy.special
folder = os.open(importlib.util.find_spec("scipy").submodule_search_locations[0], os.O_RDONLY)
os.close(os.open("special/__init__.py", os.O_RDONLY, dir_fd=folder))
for name in ("signal/__init__.py", "special/../signal/_signaltools.py"):
    try:
        os.open(name, os.O_RDONLY, dir_fd=folder)
    except PermissionError:
        continue
    raise AssertionError(name)
import scipy.linalg
"""


WATCHED = """
from torch.utils._python_dispatch import TorchDispatchMode
class Watch(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))
with Watch():
    torch.ones(2, 3) @ torch.ones(3, 2)
"""


@pytest.mark.skipif(not STRONG or landlock.version() < landlock.ENOUGH, reason="this machine has no Landlock")
def test_the_kernel_refuses_what_no_hook_sees():
    with Sandbox(isolation=STRONG[-1]) as box:
        with box.start(("scipy.signal",)) as run:
            assert run.execute(BELOW_PYTHON).error is None
        with box.start() as run:
            error = run.execute(BELOW_PYTHON).error
            assert error is not None
            assert error.kind == "AssertionError"


@pytest.fixture(scope="module")
def bare():
    """A server that has not loaded torch."""
    with Sandbox(isolation="process") as box:
        yield box


def test_a_package_that_is_not_loaded_is_left_out_as_a_whole(bare):
    with bare.start(("torch", *AUTOGRAD)) as run:
        for source in ("import torch", "from torch import nn", "__import__('torch._C')", "import functorch"):
            error = run.execute(source).error
            assert error is not None, source
        assert run.execute("import sys, numpy\nassert 'torch' not in sys.modules").error is None


def test_its_parts_alone_are_taken_from_the_loaded_package(bare):
    with bare.start(AUTOGRAD) as run:
        assert run.execute("import torch\ny = torch.ones(1, requires_grad=True).exp()").error is None
        assert run.execute("assert y.grad_fn is None and torch.tanh(y).item() < 1").error is None
        assert run.execute("y.backward()").error is not None
        assert run.execute(WATCHED).error is None


def test_modules_are_found_without_being_imported():
    assert forbid_files.left_out(("torch.nn.no_such_module", "json", "numpy.dot", "no_such_package.part")) == ()
    hidden = forbid_files.hidden(("scipy.signal",), torch=False)
    assert {path.name for path, name in hidden.items() if name == "scipy.signal"} == {"signal"}


def test_what_surrounds_a_hidden_file_stays_readable(tmp_path):
    for name in ("open/a", "mixed/kept", "mixed/gone"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "mixed" / "link").symlink_to(tmp_path / "mixed" / "gone")
    allowed = dict(landlock._around([str(tmp_path)], [str(tmp_path / "mixed" / "gone")]))
    whole = {path.removeprefix(f"{tmp_path}/") for path, all_of_it in allowed.items() if all_of_it}
    listed = {path.removeprefix(str(tmp_path)) for path, all_of_it in allowed.items() if not all_of_it}
    assert (whole, listed) == ({"open", "mixed/kept"}, {"", "/mixed"})

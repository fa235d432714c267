"""An answer that needs what is not here is told what that is; what only looks like it runs as in Jupyter."""

import pytest

pytestmark = pytest.mark.xdist_group("cells like a kernel's")

IN_A_LOOP = "no second processes here: call the function in a loop, without a pool or a process"
LACKING = {
    "workers of a loader": (
        "from torch.utils.data import DataLoader\ndef answer(): return list(DataLoader([1, 2], num_workers=2))",
        "no second processes here: set num_workers=0 in the DataLoader",
    ),
    "a pool": (
        "import multiprocessing as m\ndef answer():\n    with m.Pool(2) as p: return p.map(abs, [1])",
        IN_A_LOOP,
    ),
    "a process": ("import multiprocessing as m\ndef answer(): m.Process(target=print).start()", IN_A_LOOP),
    "a queue": ("import torch.multiprocessing as m\ndef answer(): return m.Queue()", IN_A_LOOP),
    "an executor": (
        "from concurrent.futures import ProcessPoolExecutor as P\n"
        "def answer():\n    with P(2) as p: return list(p.map(abs, [1]))",
        IN_A_LOOP,
    ),
    "threads without end": (
        "import threading, time\ndef answer():\n"
        "    for _ in range(999): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        "no more threads can be started here: look for a loop that starts them",
    ),
    "a fork": ("import os\ndef answer(): os.fork()", "no new processes here"),
    "a question": ("def answer(): return input('how many? ')", "there is nobody to answer input() here"),
}
AS_IN_JUPYTER = {
    "a compiled function": "@torch.compile\ndef answer(): return torch.ones(2).sum().item()",
    "one compiled with options": "@torch.compile(fullgraph=True)\ndef answer(): return torch.ones(2).sum().item()",
    "a compiled model": "def answer(): return torch.compile(torch.nn.Flatten())(torch.ones(1, 2)).sum().item()",
    "a script": "@torch.jit.script\ndef f(x: torch.Tensor): return x * 2\ndef answer(): return f(torch.ones(1)).item()",
    "vmap": "def answer(): return torch.vmap(lambda v: v * 2)(torch.ones(1)).item()",
    "joblib": "import joblib as j\ndef answer(): return sum(j.Parallel(2)(j.delayed(float)(n) for n in [2]))",
}


@pytest.fixture(scope="module")
def answers(jailed):
    """Runs a cell, and calls the answer that it defines."""
    with jailed.start() as run:

        def answer(source: str):
            assert run.execute(f"import torch\n{source}").error is None
            found = []
            run.judge("answer", lambda call: found.append(call((), {})))
            return found[0]

        yield answer


@pytest.mark.parametrize("name", AS_IN_JUPYTER)
def test_what_needs_no_second_process_runs(answers, name):
    done = answers(AS_IN_JUPYTER[name])
    assert (done.raised, done.value) == (None, 2.0)


@pytest.mark.parametrize("name", LACKING)
def test_the_cause_is_named_with_what_to_do_and_the_students_line(answers, name):
    source, message = LACKING[name]
    raised = answers(source).raised
    assert raised.message.removeprefix("[Errno 1] ").startswith(message)
    assert raised.line is not None

"""Folders that go away, whatever happens to the grader."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder.sandbox.kernel.scratch import remove, size, temporary

ROOT = Path(__file__).parents[4]
HOLD = """
import sys, time
from autograder.sandbox.kernel.scratch import temporary
with temporary("held-") as folder:
    (folder / "inside").mkdir(); (folder / "inside" / "file").write_text("x")
    print(folder, flush=True)
    time.sleep(60)
"""


def vanishes(folder):
    """Whether it does, sooner or later."""
    deadline = time.monotonic() + 60
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not folder.exists()


def test_a_temporary_folder_is_gone_afterwards(tmp_path):
    with temporary("short-") as folder:
        (folder / "file").write_text("x")
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()
    with pytest.raises(ZeroDivisionError), temporary("short-") as folder:
        raise ZeroDivisionError
    assert not folder.exists()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_is_gone_where_the_process_is_killed(end):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True
    ) as holder:
        folder = Path(holder.stdout.readline().strip())
        assert (folder / "inside" / "file").is_file()
        holder.send_signal(end)
        holder.wait(10)
    assert vanishes(folder)


LATE = """
import os, sys, time
print("watching", flush=True)
while os.path.exists(sys.argv[1]):
    time.sleep(0.001)
os.makedirs(sys.argv[1] + "/late")
print("made again", flush=True)
"""


def test_what_another_process_still_writes_is_gone_too():
    hold = HOLD.replace(
        "time.sleep", "import subprocess\n    subprocess.Popen([sys.executable, '-c', LATE, folder])\n    time.sleep"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", f"LATE = {LATE!r}\n{hold}"], stdout=subprocess.PIPE, env=environment, text=True
    ) as holder:
        folder = Path(holder.stdout.readline().strip())
        assert holder.stdout.readline() == "watching\n"
        holder.kill()
        assert holder.stdout.readline() == "made again\n"
    assert vanishes(folder)


def test_a_folder_that_may_not_be_entered_is_removed(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("x")
    (tmp_path / "a").chmod(0)
    remove(tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_the_size_of_a_folder_counts_every_file_and_stops_when_it_is_enough(tmp_path):
    assert size(tmp_path, 1 << 30) == 0
    for number in range(10):
        (tmp_path / f"file{number}").write_bytes(bytes(10_000))
    (tmp_path / "loop").symlink_to(tmp_path)
    everything = size(tmp_path, 1 << 30)
    assert everything >= 100_000
    assert size(tmp_path, 1) <= everything
    assert size(tmp_path / "nowhere", 1 << 30) == 0

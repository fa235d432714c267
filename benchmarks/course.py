"""Every notebook of the course with its solutions, run from top to bottom as in JupyterLab: seconds for each and all.

    python benchmarks/course.py [--only 14] [--workers 1]

Each notebook runs in its own kernel, including the kernel's start and every cell that only shows something. The sum
adds up the notebooks; with two workers two run at a time, and the wall clock says how long that takes. Processor
seconds, summed over all cores, depend less on what else the machine does.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # before course_lib.py beside it
os.environ.setdefault("JUPYTER_PATH", str(Path(sys.prefix) / "share" / "jupyter"))

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from autograder.pipeline.course import find_course, known_assignments

ROOT = Path(__file__).resolve().parents[1]


def run(name: str) -> tuple[str, float, str]:
    """A notebook's name, its seconds, and the first line of its exception ("" if there was none)."""
    path = find_course(ROOT).master(name)
    notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
    started, raised = time.perf_counter(), ""
    try:
        NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": path.parent}}
        ).execute()
    except CellExecutionError as error:
        raised = f"{error.ename}: {error.evalue}".splitlines()[0]
    return name, time.perf_counter() - started, raised


def processor_seconds() -> float:
    """Processor seconds of all kernels that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Runs the notebooks and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="only these notebooks, by name or number")
    parser.add_argument("--workers", type=int, default=1, help="how many run at a time")
    chosen = parser.parse_args()
    names = known_assignments(chosen.only)
    started, total, failed = time.perf_counter(), 0.0, False
    with ThreadPoolExecutor(chosen.workers) as pool:
        for name, seconds, raised in pool.map(run, names):
            total, failed = total + seconds, failed or bool(raised)
            print(f"{name:28} {seconds:7.1f} s  {raised}", flush=True)
    load = os.getloadavg()[0]
    print(f"{'sum':28} {total:7.1f} s   {processor_seconds():.1f} s of processor time, ", end="")
    print(f"wall clock {time.perf_counter() - started:.1f} s, load {load:.1f}")
    sys.exit(failed)


if __name__ == "__main__":
    main()

"""What this machine has: one finding a line, for students on the start page and for `autograder doctor`.

Nothing heavy is imported before it is known to be installed, so that a machine with half a course can say so.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from autograder.reports.style import STYLE
from autograder.reports.words import safe

__all__ = ["Finding", "Findings", "cuda", "installed", "isolation", "memory", "processors", "python", "this_machine"]

_GIB = 1 << 30
_ENOUGH_GIB = 4


@dataclass(frozen=True)
class Finding:
    """One thing examined: whether it is there, whether the course needs it, and a sentence."""

    ok: bool
    needed: bool
    text: str

    @property
    def word(self) -> str:
        """The judgement in one word."""
        return "ok" if self.ok else "missing" if self.needed else "absent"

    @property
    def line(self) -> str:
        """As it is printed."""
        return f"{self.word:<7}  {self.text}"


@dataclass(frozen=True)
class Findings:
    """Several findings: a table in a notebook, lines in a terminal; the last line says whether something is missing."""

    findings: tuple[Finding, ...]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/html": self.html(), "text/plain": str(self)}

    def __str__(self) -> str:
        return "\n".join([*(finding.line for finding in self.findings), self._summary()])

    def html(self) -> str:
        """One self-contained `<div>`."""
        rows = "".join(
            f'<tr><td style="width:5em">{each.word}</td><td>{safe(each.text)}</td></tr>' for each in self.findings
        )
        return (
            f'<div class="agr">{STYLE}<div class="agr-head"><b>This machine</b></div><table>{rows}</table>'
            f'<p class="agr-next">{safe(self._summary())}</p></div>'
        )

    def _summary(self) -> str:
        missing = [finding for finding in self.findings if finding.needed and not finding.ok]
        if not missing:
            return "Ready: nothing that the course needs is missing."
        return f"{len(missing)} missing. In the course's folder, `make setup` installs everything."


def this_machine() -> Findings:
    """Examines Python, the packages that no notebook can do without, the machine, and what jails there are."""
    packages = (("NumPy", "numpy"), ("Matplotlib", "matplotlib"), ("PyTorch", "torch"), ("PyG", "torch-geometric"))
    return Findings(
        (python(), *(installed(label, name) for label, name in packages), processors(), memory(), cuda(), isolation())
    )


def python() -> Finding:
    """The version of Python that runs."""
    version = platform.python_version()
    return Finding(sys.version_info >= (3, 11), True, f"Python {version} (3.11 or later is needed)")


def installed(label: str, name: str) -> Finding:
    """Whether a package is installed, and its version; it is not imported."""
    try:
        return Finding(True, True, f"{label} {importlib.metadata.version(name)}")
    except importlib.metadata.PackageNotFoundError:
        return Finding(False, True, f"{label}: not installed")


def processors() -> Finding:
    """How many processors this process may use, and the system."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    noun = "processor" if usable == 1 else "processors"
    return Finding(True, False, f"{usable} {noun}, {platform.system()} {platform.release()}")


def memory() -> Finding:
    """How much memory the machine has, where the system says so."""
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GIB
    except (AttributeError, OSError, ValueError):
        return Finding(True, False, "memory: this system does not say how much there is")
    few = "" if size >= _ENOUGH_GIB else f"; with less than {_ENOUGH_GIB} GiB close other notebooks first"
    return Finding(size >= _ENOUGH_GIB, False, f"{size:.0f} GiB of memory{few}")


def cuda() -> Finding:
    """Whether PyTorch finds a GPU; without PyTorch nothing is imported."""
    without = "everything runs on the CPU"
    if not installed("PyTorch", "torch").ok:
        return Finding(False, False, f"CUDA: not looked for, PyTorch is not installed; {without}")
    try:
        import torch

        if torch.cuda.is_available():
            return Finding(True, False, f"CUDA: {torch.cuda.get_device_name()}")
    except (ImportError, OSError, RuntimeError) as error:
        return Finding(False, True, f"PyTorch cannot be used: {type(error).__name__}: {' '.join(str(error).split())}")
    return Finding(False, False, f"CUDA: no device; {without}")


def isolation(names: Iterable[str] = ("bubblewrap", "landlock")) -> Finding:
    """The strongest jail that this machine has for grading; a student's own check needs none."""
    from autograder.sandbox.host.isolation import probe

    found = next((name for name in names if probe(name).ok), None)
    if found is None:
        return Finding(False, False, "no jail for grading; your own checks need none, they run in this notebook")
    return Finding(True, False, f"graded work runs in a jail ({found}); your own checks run in this notebook")

"""What a graded notebook has around it, and what a student's own machine has besides: for whoever misses it."""

from __future__ import annotations

__all__ = ["PACKAGES", "advice"]

PACKAGES = ("matplotlib", "numpy", "scipy", "sklearn", "torch", "torch_geometric")
"""What notebooks of the course import, besides the course itself."""

_NO_OTHERS = f"The course has {', '.join(PACKAGES)}, and takes no files beside the notebook."
_NOBODY = "Nobody answers when the notebook is graded: write the value into the cell."
_ALONE = "A graded notebook is one process without a network: use Python, and the data of the course."
_ADVICE = {
    "ModuleNotFoundError": _NO_OTHERS,
    "ImportError": _NO_OTHERS,
    "FileNotFoundError": "Files beside the notebook are not taken: write what is in them into a cell.",
    "StdinNotImplementedError": _NOBODY,
    "EOFError": _NOBODY,
    "PermissionError": _ALONE,
    "URLError": _ALONE,
}


def advice(kind: str) -> str:
    """What is different when a notebook is graded, for an exception of that kind; empty where nothing is."""
    return _ADVICE.get(kind, "")

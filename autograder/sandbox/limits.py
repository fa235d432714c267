"""What a student's process may use up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Limits", "apply"]


@dataclass(frozen=True)
class Limits:
    """Seconds are wall clock; bytes are bytes. `memory_bytes` comes on top of what the warm server has mapped."""

    cell_seconds: float = 60.0
    notebook_seconds: float = 600.0
    memory_bytes: int = 2 << 30
    output_bytes: int = 1_000_000
    notebook_output_bytes: int = 10_000_000
    file_bytes: int = 256 << 20
    open_files: int = 256


def apply(limits: Limits) -> None:
    """Lowers this process's own limits, for good; a limit that the system does not know is left out."""
    import resource

    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
    }
    mapped = _mapped_bytes()
    if mapped is not None:
        wanted[resource.RLIMIT_AS] = mapped + limits.memory_bytes
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))


def _mapped_bytes() -> int | None:
    """The address space in use, or None where the system does not tell (macOS does not enforce it either)."""
    import resource

    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:
        return None
    return pages * resource.getpagesize()

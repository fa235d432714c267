"""Atomic writes: a file is written under a temporary name beside its target, then renamed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autograder.pipeline.course import CourseError

__all__ = ["write_atomically"]


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes a whole file or leaves the old one; readers never see half a file.

    Raises:
        CourseError: the folder cannot be written, in one line with the cause.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file() and not path.is_dir():  # a device or a pipe is never replaced
            path.write_bytes(data)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CourseError(f"cannot write {path}: {error.strerror or error}") from error

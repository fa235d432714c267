"""A PostgreSQL server of the tests' own: a fresh cluster on a socket in a folder, gone with the block."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

__all__ = ["programs", "server"]


def programs() -> Path | None:
    """The folder with initdb and pg_ctl, None where PostgreSQL's server is not installed."""
    found = [Path(path).parent for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "postgres").is_file()), None)


def _user() -> str | None:
    """Whoever may run a server: root may not."""
    if os.getuid() != 0:
        return None
    return next(name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})


@contextmanager
def server() -> Iterator[str]:
    """Starts a server without a network port; the address of its one database.

    Its folder lies outside of pytest's, which every pytest that starts closes to all but its own user.
    """
    user = _user()

    def run(*words: str) -> None:
        subprocess.run(words, user=user, cwd=folder, check=True, capture_output=True, timeout=120, env={"LC_ALL": "C"})

    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:  # a socket's path has 100 characters at most
        folder = Path(name)
        if user is not None:
            shutil.chown(folder, user)
        place, bin_ = str(folder / "data"), programs()
        assert bin_ is not None
        run(str(bin_ / "initdb"), "-D", place, "-A", "trust", "-U", "course", "--no-sync", "-E", "UTF8", "--locale=C")
        command = [str(bin_ / "postgres"), "-D", place, "-k", name, "-c", "listen_addresses=", "-c", "fsync=off"]
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(command, user=user, cwd=folder, stdout=log, stderr=log, env={"LC_ALL": "C"}) as process,
        ):
            try:
                _wait_for(process, f"host={name} user=course dbname=postgres", folder / "log")
                yield f"postgresql+psycopg://course@/postgres?host={name}"
                assert process.poll() is None, (folder / "log").read_text()
            finally:
                process.send_signal(signal.SIGQUIT)


def _wait_for(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    """Comes back when the server answers."""
    while True:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        else:
            return

"""How a run confines itself, from the inside: its own namespaces, another user, Landlock, no capabilities, seccomp.

The host says which rung of the ladder it chose and what is visible; the warm server opens a PID namespace for each run,
and the forked process applies the rest to itself before any student's code runs.

`python -m autograder.sandbox.kernel.jail '{"rung": ...}'` tries it all once and prints what held: the probe of the
ladder.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import msgspec

from autograder.sandbox.kernel import landlock, linux, seccomp

__all__ = ["INIT", "SCRATCH", "Jail", "PidNamespace"]

INIT = "/jail/init"
"""Inside bubblewrap: cat, which does nothing until its input ends; the first process of a run's PID namespace."""
SCRATCH = "/scratch"
"""Inside bubblewrap: where a run may write."""

_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_DUMPABLE = 4
_MOST_FILES = 20_000


class Jail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How runs are confined.

    Attributes:
        rung: one of `isolation.LADDER`.
        readable: the files and folders that a run may read, used where it has no mounts of its own.
        user: the user id that a run switches to if the grader is root; None keeps the grader's.
        private: whether each run gets its own namespaces.
        packages: by package folder, resolved, the names in it that a run may read and import; used, like `hidden` and
            `listed`, where a run has no mounts of its own.
        hidden: files and folders, resolved, that a run may not read, even inside others.
        listed: folders of which a run may read the names; set by `opened`.
        processor: the one that runs keep to; None for any.
        programs: whether code may try to start programs and to reach a network; else Python itself refuses.
    """

    rung: str = "process"
    readable: tuple[str, ...] = ()
    user: int | None = None
    private: bool = False
    packages: dict[str, tuple[str, ...]] = {}
    hidden: tuple[str, ...] = ()
    listed: tuple[str, ...] = ()
    processor: int | None = None
    programs: bool = False

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote.

        Raises:
            msgspec.MsgspecError: the text is anything else.
        """
        return msgspec.json.decode(text, type=cls)

    def to_json(self) -> str:
        """JSON for the server's command line."""
        return msgspec.json.encode(self).decode()

    def opened(self) -> Self:
        """The same for Landlock, which can only allow: what surrounds something hidden is allowed piece by piece."""
        closed = {Path(path) for path in self.hidden}
        for folder, names in self.packages.items():
            closed |= {path for path in Path(folder).iterdir() if path.name not in names}
        above = {parent for path in closed if path.exists() for parent in path.parents}
        left = list({Path(path) if path.startswith("/proc") else Path(path).resolve() for path in self.readable})
        whole: list[str] = []
        listed: list[str] = []
        while left:
            path = left.pop()
            if path in above:
                listed.append(str(path))
                left += [entry for entry in path.iterdir() if not entry.is_symlink() and entry not in closed]
            else:
                whole.append(str(path))
        return msgspec.structs.replace(self, readable=tuple(whole), listed=tuple(listed), hidden=())

    @property
    def mounted(self) -> bool:
        """Whether only what is visible is mounted."""
        return self.rung == "bubblewrap"

    @property
    def counts_threads(self) -> bool:
        """Whether the kernel counts the threads of these runs separately from everything else of this user."""
        return self.mounted

    def enter(
        self,
        folder: Path,
        scratch_bytes: int,
        hand_over: Callable[[int], None] = os.close,
        hidden: Iterable[Path] = (),
    ) -> None:
        """Confines this process for good. Does nothing on the rung `process`.

        Args:
            folder: where it may write.
            scratch_bytes: how much it may write, where it has mounts of its own.
            hand_over: gives the listener, which decides about forks and signals, to another process and closes it.
            hidden: files and folders that cannot be opened, where the kernel has Landlock.

        Raises:
            OSError: the kernel refuses a part of it; then nothing may run.
        """
        if self.rung == "process":
            return
        if self.private:
            self._own_mounts(folder, scratch_bytes)
        if self.user is not None:
            os.setgroups([])
            os.setresgid(self.user, self.user, self.user)
            os.setresuid(self.user, self.user, self.user)
            linux.prctl(_DUMPABLE, 1)  # its own /proc/self stays its own
        if landlock.version() >= landlock.ENOUGH or not self.mounted:
            readable, closed = ("/",) if self.mounted else self.readable, [str(path) for path in hidden]
            landlock.restrict(readable, (str(folder), *_DEVICES), self.listed, closed)
        linux.drop_capabilities()
        hand_over(seccomp.supervise())
        seccomp.restrict(own_files=self.mounted)

    def _own_mounts(self, folder: Path, scratch_bytes: int) -> None:
        """A scratch folder of limited size that ends with the process, and a /proc that shows only this process."""
        linux.unshare(linux.NEW_MOUNTS | linux.NEW_IPC)
        linux.mount(None, "/", linux.PRIVATE)
        owner = self.user if self.user is not None else os.getuid()
        group = self.user if self.user is not None else os.getgid()
        options = f"size={scratch_bytes},nr_inodes={_MOST_FILES},mode=700,uid={owner},gid={group}"
        linux.mount("tmpfs", str(folder), linux.SAFE, options)
        linux.mount("proc", "/proc", linux.SAFE)


class PidNamespace:
    """A run's own PID namespace. Everything in it dies with its first process, which waits for nothing else."""

    def __init__(self) -> None:
        """Starts the first process; those that this process forks inside `entered` join it."""
        self._own = os.open("/proc/self/ns/pid", os.O_RDONLY)
        read, self._keep = os.pipe()
        try:
            linux.unshare(linux.NEW_PIDS)
            actions = [(os.POSIX_SPAWN_DUP2, read, 0)]
            self.first = os.posix_spawn(INIT, ["cat"], {}, file_actions=actions, setpgroup=0)
        except BaseException:
            self._return()
            os.close(self._keep)
            raise
        finally:
            os.close(read)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Processes forked inside live in the namespace; afterwards the forking process is back in its own."""
        maker = os.getpid()
        try:
            yield
        finally:
            if os.getpid() == maker:
                self._return()

    def _return(self) -> None:
        linux.setns(self._own, linux.NEW_PIDS)
        os.close(self._own)

    def end(self) -> None:
        """Kills everything in it and waits until it is gone."""
        os.close(self._keep)
        with suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.first, 0)


def _try_once(jail: Jail, folder: Path) -> str:
    """Enters the jail in a separate process; empty if it worked, else what failed."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            jail.enter(folder, 1 << 20)
            _use_it(folder)
            said = b""
        except Exception as error:
            said = (str(error) or type(error).__name__).encode()
        os.write(write, said)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return said.decode("utf-8", "replace")


def _use_it(folder: Path) -> None:
    """What every run does in the jail."""
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123
        nothing.read()
    importlib.import_module("colorsys")  # a module of the standard library that is not loaded yet
    (folder / "made").mkdir()
    (folder / "made" / "file").write_text("written")
    (folder / "made" / "file").unlink()
    (folder / "made").rmdir()


def _probe(jail: Jail) -> dict[str, str]:
    """What failed, by part; an empty string where nothing did."""
    if not jail.mounted:
        with tempfile.TemporaryDirectory() as folder:
            return {"shared": _try_once(jail, Path(folder))}
    scratch = Path(SCRATCH)
    found = {"shared": _try_once(Jail(jail.rung, jail.readable, jail.user), scratch)}
    try:
        space = PidNamespace()
        with space.entered():
            found["private"] = _try_once(Jail(jail.rung, jail.readable, jail.user, True), scratch)
        space.end()
    except OSError as error:
        found["private"] = str(error)
    return found


if __name__ == "__main__":
    print(json.dumps(_probe(Jail.from_json(sys.argv[1]))))

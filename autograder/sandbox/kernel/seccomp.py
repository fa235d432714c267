"""Refuses system calls: an allowlist as a permanent filter in the kernel, inherited by every thread and every fork.

A second filter lies under it: a fork and a signal to a process wait in the kernel until whoever holds the listener has
answered. So what the allowlist lets through of these is decided from outside, one call at a time.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from typing import Any

from autograder.sandbox.kernel.linux import machine, prctl, syscall
from autograder.sandbox.kernel.syscalls import ALLOWED, IDLE, NUMBERS, OWNERS, UNKNOWN

__all__ = ["asking", "program", "restrict", "supervise"]

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _ASK, _KILL, _ERROR = 0x7FFF0000, 0x7FC00000, 0x80000000, 0x00050000
_OTHER_ABI = 0x40000000
_SET_SECCOMP, _FILTER, _NO_NEW_PRIVILEGES = 22, 2, 38
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _NEW_LISTENER = 1, 8
_THREAD = 0x00010000
_FORK = 0x01200011
"""clone: what the C library's fork asks for, and nothing else."""
_NAMES = 3, 15, 16, 38, 39, 0x53564D41
"""prctl: read the dumpable flag, set or read a thread's name, set no-new-privileges, name a mapping."""
_STREAM, _KIND = 1, 0xF
"""socketpair: a stream socket cannot be redirected to anyone else, a datagram socket could."""
_ABOUT_FILES = 0x5401, 0x540F, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451
"""ioctl: whether it is a terminal, its group and its size, how much can be read, whether reading waits, whether it is
closed when a program starts. Others would send signals to a process that owns a file, or ask drivers for things."""
_DESCRIPTORS = 0, 1, 2, 3, 4, 1030, 1031, 1032
"""fcntl: duplicates, flags, the size of a pipe. Others would name an owner to be signalled, or notice others."""
_FILE_LOCKS = 6, 7, 37, 38
"""fcntl: taking and giving back a lock; it does nothing and reports success, because nobody else may notice it."""
_PRIVATE, _ANY_CLOCK, _WAITS = 0x80, ~0x100, (0, 9)
"""futex: nothing but waiting, for the end of a thread, may be done with memory that other processes have as well."""

_Instruction = tuple[int, int, int, int]


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> _Instruction:
    return code, yes, no, value & 0xFFFFFFFF


def _answer(number: int) -> _Instruction:
    return _step(_RETURN, _ERROR | number)


def asking() -> list[_Instruction]:
    """The filter that makes forks and signals wait for an answer; a process's own group may be signalled at once.

    Raises:
        OSError: this processor's system calls are not supported.
    """
    name, known = machine(), _known()
    steps = [_step(_LOAD, 4), _step(_EQUAL, _ARCHITECTURES[name], 1, 0), _step(_RETURN, _ALLOW), _step(_LOAD, 0)]
    steps += [_step(_EQUAL, known["tgkill"], 0, 1), _step(_RETURN, _ASK)]
    steps += [_step(_EQUAL, known["kill"], 0, 3), _step(_LOAD, _place(0))]
    steps += [_step(_EQUAL, 0, 1, 0), _step(_RETURN, _ASK)]
    steps += [_step(_EQUAL, known["clone"], 0, 3), _step(_LOAD, _place(0))]
    return [*steps, _step(_EQUAL, _FORK, 0, 1), _step(_RETURN, _ASK), _step(_RETURN, _ALLOW)]


def program(*, own_files: bool) -> list[_Instruction]:
    """The filter of a process.

    Args:
        own_files: whether owners, times and permissions of files may change: only where mounts protect other files.
            Elsewhere such calls do nothing and report success, so that copying a file still works.

    Raises:
        OSError: this processor's system calls are not supported.
    """
    name, known = machine(), _known()
    steps = [_step(_LOAD, 4), _step(_EQUAL, _ARCHITECTURES[name], 1, 0), _step(_RETURN, _KILL), _step(_LOAD, 0)]
    steps += [_step(_AT_LEAST, _OTHER_ABI, 0, 1), _answer(errno.ENOSYS)]
    steps += _where(known["ioctl"], 1, (~0, _ABOUT_FILES), otherwise=errno.ENOTTY)
    steps += _where(known["fcntl"], 1, (~0, _DESCRIPTORS), idle=_FILE_LOCKS)
    steps += _where(known["futex"], 1, (_PRIVATE, (_PRIVATE,)), (_ANY_CLOCK, _WAITS))
    unknown = _ERROR | errno.ENOSYS
    for calls, does in (
        (ALLOWED, _ALLOW),
        (OWNERS, _ALLOW if own_files else _ERROR),
        (IDLE, _ERROR),
        (UNKNOWN, unknown),
    ):
        for call in (each for each in calls if each in known):
            steps += [_step(_EQUAL, known[call], 0, 1), _step(_RETURN, does)]
    steps += _where(known["clone"], 0, (_THREAD, (_THREAD,)), (~0, (_FORK,)))
    steps += [_step(_EQUAL, known["kill"], 1, 0), _step(_EQUAL, known["tgkill"], 0, 1), _step(_RETURN, _ALLOW)]
    steps += _where(known["prctl"], 0, (~0, _NAMES))
    steps += _where(known["prlimit64"], 0, (~0, (0,)))
    steps += _where(known["setpgid"], 0, (~0, (0,)))
    steps += _where(known["socketpair"], 1, (_KIND, (_STREAM,)))
    steps += [_step(_AT_LEAST, max(known.values()) + 1, 0, 1), _answer(errno.ENOSYS), _answer(errno.EPERM)]
    return steps


def _place(argument: int) -> int:
    """The offset of the low half of an argument."""
    return 16 + 8 * argument


def _where(
    call: int,
    argument: int,
    *allowed: tuple[int, tuple[int, ...]],
    idle: tuple[int, ...] = (),
    otherwise: int = errno.EPERM,
) -> list[_Instruction]:
    """Allows a call if an argument has one of the values that follow a mask, once masked.

    With one of the `idle` values it does nothing and reports success, else it fails with that error.
    """
    inside = []
    for does, mask, values in (*((_ALLOW, *each) for each in allowed), (_ERROR, ~0, idle)):
        inside += [_step(_LOAD, _place(argument)), _step(_AND, mask)]
        for value in values:
            inside += [_step(_EQUAL, value, 0, 1), _step(_RETURN, does)]
    inside.append(_answer(otherwise))
    return [_step(_EQUAL, call, 0, len(inside)), *inside]


def restrict(*, own_files: bool) -> None:
    """Applies the filter to this process for good.

    Raises:
        OSError: the kernel has no such filters, or this processor is not supported.
    """
    whole, _code = _filter(program(own_files=own_files))
    prctl(_NO_NEW_PRIVILEGES, 1)
    prctl(_SET_SECCOMP, _FILTER, ctypes.addressof(whole))


def supervise() -> int:
    """Makes forks and signals of this process wait for an answer, for good; returns the listener that answers them.

    `restrict` comes after it. When the listener is closed, such calls fail.

    Raises:
        OSError: the kernel has no such listeners (Linux 5.5), or another one already listens to this process.
    """
    whole, _code = _filter(asking())
    prctl(_NO_NEW_PRIVILEGES, 1)
    return syscall(_SECCOMP[machine()], _SET_MODE_FILTER, _NEW_LISTENER, ctypes.byref(whole))


def _filter(steps: list[_Instruction]) -> tuple[Any, Any]:
    """A filter as the kernel takes it, and the code that it points to."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    return ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code))), code


def _known() -> dict[str, int]:
    name = machine()
    if name not in NUMBERS:
        raise OSError(errno.ENOSYS, f"the system calls of {name or 'this system'} are not supported")
    return NUMBERS[name]

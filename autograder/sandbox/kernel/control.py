"""What the host and the warm server say to each other about a run: JSON, decoded as strictly as it is written.

`Start` and `Copy` come on the control socket with two descriptors each, everything else goes to the host on the run's
lifeline, one message per line.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.json import Decoder

from autograder.sandbox.kernel.limits import Limits

__all__ = ["FROM_SERVER", "REQUEST", "Copy", "Exited", "FromServer", "Kept", "Processor", "Start", "Started", "Usage"]

Known = Annotated[int, Meta(ge=-1)]
"""A number reported by the system; -1 where it reports none."""


class _Request(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """Asks the server for a process; the name of the class is its kind."""


class Start(_Request, frozen=True):
    """Asks for one run.

    Attributes:
        folder: where the run may write; None where the server chooses.
        limits: what it may use up.
        forbids: dotted names of what no code in it can use.
    """

    folder: str | None
    limits: Limits
    forbids: tuple[str, ...]


class Copy(_Request, frozen=True):
    """Lets the run with this process id fork itself once; the descriptors are the copy's."""

    pid: Annotated[int, Meta(gt=0)]


class _Said(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """One message of the server; the name of its class is its kind."""


class Started(_Said, frozen=True):
    """The run has this process id."""

    pid: Annotated[int, Meta(gt=0)]


class Processor(_Said, frozen=True):
    """Processor time of the run so far."""

    nanoseconds: Known


class Usage(_Said, frozen=True):
    """Processor time, threads and bytes of the files of a run, and how long its first thread waited for a processor."""

    nanoseconds: Known
    threads: Known
    files: Known
    waited: Known


class Kept(_Said, frozen=True):
    """Bytes of memory that the copies of one run hold together, on top of what the server itself holds."""

    memory: Known


class Exited(_Said, frozen=True):
    """The run is over; a negative code is the signal that ended it."""

    code: int


FromServer = Started | Processor | Usage | Kept | Exited

REQUEST: Decoder[Start | Copy] = Decoder(Start | Copy)
FROM_SERVER: Decoder[FromServer] = Decoder(FromServer)

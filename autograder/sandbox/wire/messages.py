"""The messages between the host and a run, as types. What arrives is checked against them before anyone reads it.

Each end decodes only what the other may send: the host `FROM_GUEST`, a run `FROM_HOST`. Fields that are unknown,
missing or of another type are refused, and so are numbers out of range and texts that are too long. Texts about a
student's code are cut and cleaned where a message is made and cleaned again where it is decoded. A field that holds a
tree is checked by `values`, which knows what a tree may be.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.json import Decoder
from msgspec.structs import force_setattr

from autograder.calls import Forgives, Unwritten
from autograder.sandbox.wire.text import clean

__all__ = [
    "FROM_GUEST",
    "FROM_HOST",
    "LONGEST_MESSAGE",
    "LONGEST_REASON",
    "MOST_SKIPPED",
    "MOST_WARNINGS",
    "Answer",
    "Breach",
    "Call",
    "Check",
    "Counted",
    "Differentiate",
    "Display",
    "Done",
    "Error",
    "Execute",
    "Failed",
    "Failure",
    "Finished",
    "Fork",
    "Forked",
    "FromGuest",
    "FromHost",
    "Invoke",
    "Judge",
    "Outcome",
    "Output",
    "Raise",
    "Ready",
    "Result",
    "Skipped",
    "Stream",
]

MOST_SKIPPED = 20
"""Statements of a cell, and names of a statement."""
MOST_WARNINGS = 20
LONGEST_MESSAGE = 2_000
LONGEST_REASON = 4_000
_LONGEST_NAME = 100
_LONGEST_LINE = 500
_LONGEST_ID = 200


def _at_most(characters: int) -> Meta:
    """One character more, for the "…" of a text that was cut."""
    return Meta(max_length=characters + 1)


Count = Annotated[int, Meta(ge=0, lt=1 << 31)]
Handle = Annotated[int, Meta(ge=0, lt=1 << 31)]
Seconds = Annotated[float, Meta(ge=0, lt=1 << 31)]
Size = Annotated[int, Meta(ge=0, lt=1 << 31)]
Name = Annotated[str, _at_most(_LONGEST_NAME)]
Line = Annotated[str, _at_most(_LONGEST_LINE)]
Lines = Annotated[tuple[Line, ...], Meta(max_length=MOST_WARNINGS)]


def _clean(part: Struct, **longest: int) -> None:
    """Cleans texts, or tuples of texts, in place while a frozen struct is made."""
    for name, most in longest.items():
        text = getattr(part, name)
        cleaned = tuple(clean(one, most) for one in text) if isinstance(text, tuple) else clean(text, most)
        force_setattr(part, name, cleaned)


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """What messages are made of."""


class _Message(_Part, frozen=True, tag_field="kind", tag=str.lower):
    """One message; the name of its class is its kind."""


# --- parts -----------------------------------------------------------------------------------------------


class Failure(_Part, frozen=True):
    """An exception of the student's code, and the student's own line that raised it."""

    kind: Name
    message: Annotated[str, _at_most(LONGEST_MESSAGE)]
    line: Count | None
    source: Line
    missing: Name
    unwritten: Unwritten
    function: Name

    def __post_init__(self) -> None:
        _clean(self, kind=_LONGEST_NAME, message=LONGEST_MESSAGE, source=_LONGEST_LINE)
        _clean(self, missing=_LONGEST_NAME, function=_LONGEST_NAME)


class Skipped(_Part, frozen=True):
    """A statement of a cell that did not do all that it says."""

    line: Count
    names: Annotated[tuple[Name, ...], Meta(max_length=MOST_SKIPPED)]
    reason: Name
    raised: Failure | None

    def __post_init__(self) -> None:
        _clean(self, names=_LONGEST_NAME, reason=_LONGEST_NAME)


class Counted(_Part, frozen=True):
    """Python's steps in one call: the student's own, and calls inside libraries."""

    own: Count
    library: Count


class _Output(_Part, frozen=True, tag_field="output_type"):
    """One output of a cell, as nbformat has it; its texts are cleaned by the host, which knows their limits."""


class Stream(_Output, frozen=True, tag="stream"):
    """What was printed."""

    name: Literal["stdout", "stderr"]
    text: str


class Display(_Output, frozen=True, tag="display_data"):
    """What was displayed, by MIME type."""

    data: dict[str, Any]
    metadata: dict[str, Any]


class Result(_Output, frozen=True, tag="execute_result"):
    """The value of a cell's last expression, by MIME type."""

    data: dict[str, Any]
    metadata: dict[str, Any]
    execution_count: Count


class Error(_Output, frozen=True, tag="error"):
    """The traceback of an exception."""

    ename: str
    evalue: str
    traceback: list[str]


Output = Stream | Display | Result | Error


# --- from a run to the host ------------------------------------------------------------------------------


class Ready(_Message, frozen=True):
    """The run waits for cells."""


class Failed(_Message, frozen=True):
    """The run could not be set up."""

    reason: Annotated[str, _at_most(LONGEST_REASON)]

    def __post_init__(self) -> None:
        _clean(self, reason=LONGEST_REASON)


class Check(_Message, frozen=True):
    """A cell announces an answer; the host may call it now."""

    exercise: Annotated[str, _at_most(_LONGEST_ID)]

    def __post_init__(self) -> None:
        _clean(self, exercise=_LONGEST_ID)


class Outcome(_Message, frozen=True, omit_defaults=True):
    """What one call gave. The body is a tree: the value, and the inputs where the call changed them."""

    body: Any
    seconds: Seconds
    warnings: Lines = ()
    raised: Failure | None = None
    forbidden: Lines = ()
    steps: Counted | None = None

    def __post_init__(self) -> None:
        _clean(self, warnings=_LONGEST_LINE, forbidden=_LONGEST_LINE)


class Invoke(_Message, frozen=True, omit_defaults=True):
    """Asks for one call of a lent function; the arguments are a tree, `gradients` is whether autograd is on."""

    handle: Handle
    arguments: Any
    gradients: bool = False


class Finished(_Message, frozen=True, omit_defaults=True):
    """A cell is over; the error is the one that ended it."""

    outputs: list[Output]
    execution_count: Count | None
    error: Failure | None
    seconds: Seconds
    skipped: Annotated[tuple[Skipped, ...], Meta(max_length=MOST_SKIPPED)] = ()


class Forked(_Message, frozen=True):
    """The run has forked; the copy has none of its other threads, of which there were so many."""

    threads: Count


class Breach(_Message, frozen=True):
    """The run broke a limit that it watches itself, and ends."""

    status: Literal["memory", "output"]


# --- from the host to a run ------------------------------------------------------------------------------


class Execute(_Message, frozen=True, omit_defaults=True):
    """Run a cell; some of its statements may fail."""

    source: str
    forgives: Forgives = Forgives.NOTHING


class Judge(_Message, frozen=True):
    """Announce what the notebook calls by that name."""

    name: str


class Fork(_Message, frozen=True):
    """Leave a copy of yourself that goes on with the channel which the server hands out."""


class Call(_Message, frozen=True, omit_defaults=True):
    """Call the announced answer, or the object or harness that `through` names; the arguments are a tree.

    Where `steps` is not 0, Python's steps are counted, and more than that end the call. Where `keep` is set, what is
    returned and is not plain data stays on the student's side with a number, and so do results with gradients. Where
    `most` is not 0, an answer of more bytes need not be sent: the host would not read it. `edited` is a name, and a
    text whose definition of it takes the answer's place.
    """

    arguments: Any
    through: str | Handle = ""
    steps: Count = 0
    keep: bool = False
    most: Count = 0
    edited: tuple[Name, str] | None = None


class Done(_Message, frozen=True):
    """The answer will not be called again."""


class Answer(_Message, frozen=True):
    """What a lent function returned, as a tree."""

    value: Any


class Raise(_Message, frozen=True):
    """What a lent function raised."""

    name: Name
    message: Line

    def __post_init__(self) -> None:
        _clean(self, name=_LONGEST_NAME, message=_LONGEST_LINE)


# --- in both directions ----------------------------------------------------------------------------------


class Differentiate(_Message, frozen=True):
    """Asks for the gradients of what a call was given, from those of its results: a list, None where there is none."""

    call: Handle
    upstream: Any


FromGuest = Ready | Failed | Check | Outcome | Invoke | Differentiate | Finished | Forked | Breach
FromHost = Execute | Judge | Fork | Call | Differentiate | Done | Answer | Raise

FROM_GUEST: Decoder[tuple[list[int], FromGuest]] = Decoder(tuple[list[Size], FromGuest])
"""Decodes a header at the host: the sizes of the buffers and a message."""
FROM_HOST: Decoder[tuple[list[int], FromHost]] = Decoder(tuple[list[Size], FromHost])
"""Decodes a header in a run."""

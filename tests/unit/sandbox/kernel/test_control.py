"""What the host and the warm server say to each other about a run."""

import json
import socket
import typing

import msgspec
import pytest

from autograder.sandbox.host.pipes import Gone, Lifeline
from autograder.sandbox.kernel import control
from autograder.sandbox.kernel.control import Copy, Exited, Kept, Processor, Start, Started, Usage
from autograder.sandbox.kernel.jail import Jail
from autograder.sandbox.kernel.limits import Limits

SAID = [
    Started(7), Processor(-1), Processor(1 << 62), Usage(5, 2, 4096, 7), Usage(-1, -1, 0, -1), Kept(0), Kept(1 << 33),
    Exited(-9), Exited(3),
]  # fmt: skip
ASKED = [
    Start(None, Limits(), ()), Start("/tmp/run-1", Limits(cores=0.5, threads=3), ("torch.conv2d", "numpy.dot")),
    Copy(7),
]  # fmt: skip


@pytest.mark.parametrize("said", SAID)
def test_what_the_server_says_arrives_as_it_was_said(said):
    assert {type(one) for one in SAID} == set(typing.get_args(control.FromServer))
    assert control.FROM_SERVER.decode(msgspec.json.encode(said)) == said


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_asked_of_the_server_arrives_as_it_was_asked(asked):
    assert control.REQUEST.decode(msgspec.json.encode(asked)) == asked


@pytest.mark.parametrize(
    "line",
    [
        "", "no json", "[]", "{}", '{"pid": 7}', '{"kind": "started"}', '{"kind": "started", "pid": 0}',
        '{"kind": "started", "pid": -1}', '{"kind": "started", "pid": "7"}', '{"kind": "started", "pid": 7, "exit": 0}',
        '{"kind": "processor", "nanoseconds": 1.5}', '{"kind": "processor", "nanoseconds": -2}',
        '{"kind": "processor", "nanoseconds": true}', '{"kind": "usage", "nanoseconds": 1, "threads": 1}',
        '{"kind": "exited", "code": null}', '{"kind": "exited", "code": 0.0}', '{"kind": "verdict"}', "[" * 100_000,
    ],
)  # fmt: skip
def test_a_server_that_says_something_else_is_gone(line):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        lifeline = Lifeline(ours)
        theirs.sendall(msgspec.json.encode(Started(7)) + b"\n")
        assert lifeline.hear(Started, 5) == Started(7)
        theirs.sendall(line.encode() + b"\n")
        with pytest.raises(Gone):
            lifeline.hear(Started, 5)


def test_a_lifeline_keeps_what_nobody_has_asked_for_yet():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        lifeline = Lifeline(ours)
        said = b"\n".join(
            map(msgspec.json.encode, (Processor(1_500_000_000), Usage(2, 3, 4, 5), Exited(0), Processor(9)))
        )
        theirs.sendall(said[:30])
        assert lifeline.hear(Started, 0.01) is None
        theirs.sendall(said[30:])
        assert lifeline.hear(Exited, 5) == Exited(0)
        assert lifeline.hear(Processor, 5) == Processor(1_500_000_000)
        assert lifeline.hear(Processor, 0.01) is None
        theirs.sendall(b"\n")
        assert lifeline.hear(Processor, 5) == Processor(9)
        assert lifeline.hear(Usage, 5) == Usage(2, 3, 4, 5)


WRONG = [
    {"folder": 3}, {"forbids": "numpy.dot"}, {"forbids": [1]}, {"limits": None}, {"limits": {"thread": 3}},
    {"limits": {"threads": 3.0}}, {"limits": {"threads": "3"}}, {"limits": {"cell_seconds": None}}, {"points": 3},
]  # fmt: skip


@pytest.mark.parametrize("fields", WRONG)
def test_a_request_that_may_not_be_is_refused(fields):
    honest = msgspec.to_builtins(ASKED[1])
    assert control.REQUEST.decode(json.dumps(honest)) == ASKED[1]
    with pytest.raises(msgspec.ValidationError):
        control.REQUEST.decode(json.dumps(honest | fields))


def test_a_jail_arrives_as_it_was_written():
    for jail in (Jail(), Jail("landlock", ("/usr", "/ü"), None, False), Jail("bubblewrap", (), 60_200, True)):
        assert Jail.from_json(jail.to_json()) == jail


@pytest.mark.parametrize("text", ["", "{", '{"rung": 3}', '{"readable": "/usr"}', '{"user": 1.0}', '{"privat": true}'])
def test_a_jail_that_may_not_be_is_refused(text):
    with pytest.raises(msgspec.DecodeError):
        Jail.from_json(text)

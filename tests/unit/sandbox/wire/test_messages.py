"""Messages arrive as they were sent; what is none of them, or has a field that may not be, is refused."""

import copy
import json
import typing
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.calls import Forgives, Outcome, Raised, Unwritten
from autograder.sandbox.host.outputs import checked_outputs, length
from autograder.sandbox.wire import frames, messages
from autograder.sandbox.wire.calls import outcome, respond
from autograder.sandbox.wire.frames import Reader, WireError
from autograder.sandbox.wire.functions import Borrowed, Lent
from autograder.sandbox.wire.messages import FROM_GUEST, FROM_HOST
from autograder.sandbox.wire.text import clean

TREE = ["tuple", ["tuple", 1.5, ["array", "<f8", [2], [0], False, 0]], None]
FAILURE = messages.Failure("ValueError", "bad ü", 3, "    raise ValueError", "name", Unwritten.BELOW, "function")
SKIPPED = messages.Skipped(2, ("sns", "plot"), "no module named seaborn", FAILURE)
SHOWN = [
    messages.Stream("stderr", "printed\n"),
    messages.Display({"text/plain": "x", "application/json": {"a": [1, None, True]}}, {"image/png": {"width": 3}}),
    messages.Result({"text/html": "<b>x</b>"}, {}, 7),
    messages.Error("E", "v", ["one", "two"]),
]
DIFFERENTIATE = messages.Differentiate(3, TREE)
"""The one message that goes both ways."""
GUEST = [
    messages.Ready(),
    messages.Failed("no jail"),
    messages.Check("linear.scores"),
    messages.Outcome(TREE, 0.5, ("UserWarning: x",), FAILURE, ("torch.conv2d",), messages.Counted(5, 6)),
    messages.Invoke(2, TREE, True),
    DIFFERENTIATE,
    messages.Finished(SHOWN, 4, FAILURE, 1.25, (SKIPPED,)),
    messages.Forked(3),
    messages.Breach("memory"),
]
HOST = [
    messages.Execute("x = 1\n", Forgives.SURROUNDINGS),
    messages.Judge("scores"),
    messages.Fork(),
    messages.Call(TREE, "autograder.harness.cnn:network", 9),
    DIFFERENTIATE,
    messages.Done(),
    messages.Answer(TREE),
    messages.Raise("ValueError", "bad"),
]
DECODERS = {type(one): FROM_GUEST if one in GUEST else FROM_HOST for one in [*GUEST, *HOST]}
ALL = pytest.mark.parametrize("message", [*GUEST, *HOST], ids=lambda one: type(one).__name__)


def plain(message):
    """A message as JSON, to be changed."""
    return copy.deepcopy(msgspec.to_builtins(message))


def read(header, kind, data=b""):
    """What the end that may receive such a message makes of JSON."""
    text = header if isinstance(header, bytes) else json.dumps([[], header]).encode()
    return frames.unpack(text, data, DECODERS[kind])[0]


def over(message, buffers=()):
    reader = Reader(DECODERS[type(message)])
    reader.feed(frames.pack(message, list(buffers)))
    return reader.next()


def put(header, path, value):
    """The header with another value there."""
    inner = changed = copy.deepcopy(header)
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


# --- honest messages -------------------------------------------------------------------------------------


def test_there_is_an_example_of_each():
    assert {type(one) for one in GUEST} == set(typing.get_args(messages.FromGuest))
    assert {type(one) for one in HOST} == set(typing.get_args(messages.FromHost))
    assert {type(one) for one in SHOWN} == set(typing.get_args(messages.Output))


@ALL
def test_a_message_arrives_as_it_was_sent(message):
    assert over(message, [b"one", b"", b"three"]) == (message, [b"one", b"", b"three"])


@ALL
def test_an_end_does_not_read_what_it_sends_itself(message):
    if message is DIFFERENTIATE:
        return
    wrong = FROM_HOST if message in GUEST else FROM_GUEST
    with pytest.raises(WireError):
        frames.unpack(msgspec.json.encode([[], message]), b"", wrong)


def test_fields_that_may_be_left_out_are():
    assert read({"kind": "outcome", "body": None, "seconds": 0}, messages.Outcome) == messages.Outcome(None, 0.0)
    assert read({"kind": "call", "arguments": None}, messages.Call) == messages.Call(None, "", 0)


def test_texts_that_are_too_long_are_cut_where_a_message_is_made():
    failed = messages.Failure("K" * 300, "m" * 9_000, 1, "s" * 700, "n" * 300, Unwritten.NO, "f" * 300)
    done = messages.Outcome(None, 0.0, ("w" * 600, "v"), failed, ("f" * 600,))
    arrived, _ = over(done)
    assert arrived == done
    assert arrived.raised == messages.Failure(
        "K" * 100 + "…", "m" * 2_000 + "…", 1, "s" * 500 + "…", "n" * 100 + "…", Unwritten.NO, "f" * 100 + "…"
    )
    assert arrived.warnings == ("w" * 500 + "…", "v")
    assert arrived.forbidden == ("f" * 500 + "…",)
    assert over(messages.Check("c" * 900))[0].exercise == "c" * 200 + "…"
    assert over(messages.Raise("N" * 900, "m" * 900))[0] == messages.Raise("N" * 100 + "…", "m" * 500 + "…")


def test_lone_surrogates_arrive_as_replacements_and_pairs_as_characters():
    shown = [
        messages.Stream("stdout", "a\ud800b\ud83d\ude00"),
        messages.Display({"text/plain": "\udfff"}, {"\ud800": 1}),
    ]
    done, _ = over(messages.Finished(shown, 1, None, 0.0))
    assert done.outputs == [messages.Stream("stdout", "a�b😀"), messages.Display({"text/plain": "�"}, {"�": 1})]
    assert over(messages.Execute("x = '\ud800'"))[0].source == "x = '�'"
    assert over(messages.Answer(["list", "\udc00", 2]))[0].value == ["list", "�", 2]


class Text(str):
    def __str__(self):
        return self

    def __getitem__(self, where):
        return Text("another")


class Whole(int):
    def __pos__(self):
        return 0


class Real(float):
    pass


def test_kinds_of_text_and_numbers_of_a_student_are_what_they_hold():
    done = messages.Finished([messages.Stream("stdout", Text("held \ud800"))], Whole(3), None, Real(0.5))
    assert over(done)[0] == messages.Finished([messages.Stream("stdout", "held �")], 3, None, 0.5)
    assert over(messages.Answer([Text("held"), Whole(3), Real(0.5)]))[0].value == ["held", 3, 0.5]
    with pytest.raises(TypeError, match="object is not JSON"):
        frames.pack(messages.Answer(object()))


def test_a_message_too_large_is_not_sent(monkeypatch):
    monkeypatch.setattr(frames, "LARGEST_HEADER", 1_000)
    monkeypatch.setattr(frames, "LARGEST_BUFFERS", 1_000)
    assert frames.pack(messages.Execute("x" * 900), [b"x" * 1_000])
    with pytest.raises(WireError, match="too large"):
        frames.pack(messages.Execute("x" * 1_000))
    with pytest.raises(WireError, match="too large"):
        frames.pack(messages.Done(), [b"x" * 600, b"x" * 401])


@pytest.mark.parametrize("lengths", [(1_001, 0), (0, 1_001)])
def test_a_frame_too_large_is_refused_before_it_is_there(monkeypatch, lengths):
    monkeypatch.setattr(frames, "LARGEST_HEADER", 1_000)
    monkeypatch.setattr(frames, "LARGEST_BUFFERS", 1_000)
    reader = Reader(FROM_GUEST)
    reader.feed(b"NNAG" + b"".join(length.to_bytes(4, "big") for length in lengths))
    with pytest.raises(WireError, match="too large"):
        reader.next()


# --- every field -----------------------------------------------------------------------------------------

NO_TEXT = [None, 1, 1.5, True, [], {}, ["x"]]
NO_COUNT = [True, 1.0, "1", [], {}, -1, 1 << 31, 1 << 70, 10**4_000]
NO_TIME = [None, True, "1", [], {}, -0.1, -1, 1 << 31, 2.0**31, 10**400, float("nan"), float("inf")]
NO_LINES = [None, "text", 1, {}, [1], [None], ["x" * 502], ["x"] * 21]
NO_FAILURE = ["text", 1, [], ["E", "m", 3, "s"], {}, {"kind": "E"}]
NO_SWITCH = [None, 0, 1, "true", [], {}]
NO_OBJECT = [None, "text", 1, [], [["a", 1]]]
WRONG = {
    messages.Failed: {("reason",): [*NO_TEXT, "x" * 4_002]},
    messages.Check: {("exercise",): [*NO_TEXT, "x" * 202]},
    messages.Outcome: {
        ("seconds",): NO_TIME,
        ("warnings",): NO_LINES,
        ("forbidden",): NO_LINES,
        ("raised",): NO_FAILURE,
        ("raised", "kind"): [*NO_TEXT, "x" * 102],
        ("raised", "message"): [*NO_TEXT, "x" * 2_002],
        ("raised", "line"): NO_COUNT,
        ("raised", "source"): [*NO_TEXT, "x" * 502],
        ("raised", "missing"): [*NO_TEXT, "x" * 102],
        ("raised", "unwritten"): [*NO_TEXT, "beside", "BELOW"],
        ("raised", "function"): [*NO_TEXT, "x" * 102],
        ("steps",): [1, "text", [1, 2], {}],
        ("steps", "own"): [None, *NO_COUNT],
        ("steps", "library"): [None, *NO_COUNT],
    },
    messages.Invoke: {("handle",): [None, *NO_COUNT], ("gradients",): NO_SWITCH},
    messages.Differentiate: {("call",): [None, *NO_COUNT]},
    messages.Finished: {
        ("outputs",): [None, "text", {}, [1], [None], [[]], [{}], [{"output_type": "verdict"}]],
        ("execution_count",): NO_COUNT,
        ("error",): NO_FAILURE,
        ("seconds",): NO_TIME,
        ("error", "line"): NO_COUNT,
        ("skipped",): [None, "text", {}, [1], [[]], [{}]],
        ("skipped", 0, "line"): [None, *NO_COUNT],
        ("skipped", 0, "names"): [None, "text", 1, {}, [1], [None], ["x" * 102], ["x"] * 21],
        ("skipped", 0, "reason"): [*NO_TEXT, "x" * 102],
        ("skipped", 0, "raised"): NO_FAILURE,
        ("outputs", 0, "output_type"): [None, 1, [], {}, "display_data", "update_display_data", "STREAM"],
        ("outputs", 0, "name"): [*NO_TEXT, "stdin", ""],
        ("outputs", 0, "text"): NO_TEXT,
        ("outputs", 1, "data"): NO_OBJECT,
        ("outputs", 1, "metadata"): NO_OBJECT,
        ("outputs", 2, "data"): NO_OBJECT,
        ("outputs", 2, "metadata"): NO_OBJECT,
        ("outputs", 2, "execution_count"): [None, *NO_COUNT],
        ("outputs", 3, "ename"): NO_TEXT,
        ("outputs", 3, "evalue"): NO_TEXT,
        ("outputs", 3, "traceback"): [None, "text", {}, [1], [None]],
    },
    messages.Forked: {("threads",): [None, *NO_COUNT]},
    messages.Breach: {("status",): [*NO_TEXT, "passed", "timeout", "MEMORY", ""]},
    messages.Execute: {("source",): NO_TEXT, ("forgives",): [*NO_TEXT, "all", "NOTHING"]},
    messages.Judge: {("name",): NO_TEXT},
    messages.Call: {
        ("through",): [None, 1.5, True, [], {}, -1],
        ("steps",): [None, *NO_COUNT],
        ("keep",): NO_SWITCH,
        ("most",): [None, *NO_COUNT],
        ("edited",): [1, "text", [], ["name"], ["name", 1], ["x" * 102, "text"], ["name", "text", "more"]],
    },
    messages.Raise: {("name",): [*NO_TEXT, "x" * 102], ("message",): [*NO_TEXT, "x" * 502]},
}
TREES = {
    messages.Outcome: "body",
    messages.Invoke: "arguments",
    messages.Differentiate: "upstream",
    messages.Call: "arguments",
    messages.Answer: "value",
}


@ALL
def test_every_field_of_a_message_is_tried(message):
    tried = {path[0] for path in WRONG.get(type(message), {})} | {TREES.get(type(message))}
    assert set(type(message).__struct_fields__) <= tried


@pytest.mark.parametrize(
    ("kind", "path"),
    [(kind, path) for kind, paths in WRONG.items() for path in paths],
    ids=lambda part: part.__name__ if isinstance(part, type) else ".".join(map(str, part)),
)
def test_a_field_that_may_not_be_is_refused(kind, path):
    honest = plain(next(one for one in [*GUEST, *HOST] if type(one) is kind))
    read(honest, kind)
    for wrong in WRONG[kind][path]:
        with pytest.raises(WireError):
            read(put(honest, path, wrong), kind)


def objects(value, path=()):
    """The paths of all objects in a message that are parts of it, and not a student's data."""
    if isinstance(value, dict):
        yield path
        for key in value:
            if key not in (*TREES.values(), "data", "metadata"):
                yield from objects(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from objects(item, (*path, index))


def reach(value, path):
    for step in path:
        value = value[step]
    return value


@ALL
def test_a_field_too_many_is_refused_wherever_it_is(message):
    honest = plain(message)
    assert () in set(objects(honest))
    for path in objects(honest):
        for name, value in (("points", 10), ("sizes", []), ("extra", None)):
            with pytest.raises(WireError, match="unknown field"):
                read(put(honest, (*path, name), value), type(message))


MAY_MISS = {
    messages.Outcome: {("warnings",), ("raised",), ("forbidden",), ("steps",)},
    messages.Call: {("through",), ("steps",), ("keep",), ("most",), ("edited",)},
    messages.Invoke: {("gradients",)},
    messages.Finished: {("skipped",)},
    messages.Execute: {("forgives",)},
}


@ALL
def test_a_field_too_few_is_refused_wherever_it_is(message):
    honest = plain(message)
    for path in objects(honest):
        for name in reach(honest, path):
            less = copy.deepcopy(honest)
            del reach(less, path)[name]
            if (*path, name) in MAY_MISS.get(type(message), ()):
                read(less, type(message))
            else:
                with pytest.raises(WireError, match="missing required field"):
                    read(less, type(message))


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"not json", b"\xff\xfe", b'{"kind":"ready"}', b"[]", b"[[]]", b'[[],{"kind":"ready"},1]',
        b"[[],[]]",
        b'[[],"ready"]', b"[[],{}]", b'[[],{"kind":null}]', b'[[],{"kind":"verdict"}]', b'[[],{"kind":"READY"}]',
        b'[[],{"kind":"ready"}] x', b'[[],{"kind":"ready","kind":"breach","status":"memory"}]',
        b"[[],{'kind':'ready'}]",
        b'[null,{"kind":"ready"}]', b'[[-1],{"kind":"ready"}]', b'[[1],{"kind":"ready"}]', b'[[0.0],{"kind":"ready"}]',
        b'[[true],{"kind":"ready"}]', b'[["0"],{"kind":"ready"}]', b'[[2147483648],{"kind":"ready"}]',
        b'[[1,-1],{"kind":"ready"}]', b'[[],{"kind":"outcome","seconds":0,"body":NaN}]',
        b'[[],{"kind":"outcome","seconds":0,"body":-Infinity}]', b'[[],{"kind":"outcome","seconds":0,"body":1e999}]',
        b'[[],{"kind":"outcome","seconds":0,"body":"\\ud800"}]',
        b'[[],{"kind":"outcome","seconds":0,"body":"\xed\xa0\x80"}]',
        b'[[],{"kind":"outcome","seconds":0,"body":"\x01"}]', b'[[],{"kind":"outcome","seconds":0,"body":[1,]}]',
        b'[[],{"kind":"outcome","seconds":0,"body":1' + b"0" * 5_000 + b"}]",
    ],
)  # fmt: skip
def test_what_is_no_header_is_refused(text):
    assert read(b'[[],{"kind":"ready"}]', messages.Ready) == messages.Ready()
    with pytest.raises(WireError):
        read(text, messages.Ready)


@pytest.mark.parametrize("bomb", [b"[" * 200_000, b'{"a":' * 200_000, b"[" * 200_000 + b"]" * 200_000])
@pytest.mark.parametrize(
    "start",
    [
        b"", b"[", b"[[],", b'[[],{"kind":', b'[[],{"kind":"outcome","seconds":0,"body":', b'[[],{"body":',
        b'[[],{"nobody":', b'[[],{"kind":"ready","nobody":', b'[[],{"kind":"invoke","handle":0,"arguments":',
        b'[[],{"kind":"finished","outputs":[{"output_type":"display_data","metadata":{},"data":{"application/json":',
    ],
)  # fmt: skip
def test_json_nested_without_end_is_refused(start, bomb):
    with pytest.raises(WireError):
        read(start + bomb, messages.Ready)


# --- what the host makes of them -------------------------------------------------------------------------


def test_a_failure_is_the_exception_that_it_reports():
    raised = Raised("ValueError", "bad", 3, "raise", "x", Unwritten.ABOVE, "f")
    message, buffers = respond(Outcome(1, raised, warnings=("w",), seconds=0.5), Borrowed(lambda asked: asked))
    back = outcome(over(message, buffers), Lent())
    assert (back.value, back.raised, back.warnings, back.seconds, back.steps) == (1, raised, ("w",), 0.5, None)


@pytest.mark.parametrize(
    "body", [None, 1, ["tuple", 1], ["list", 1, None], ["tuple", 1, 2], ["tuple", 1, ["tuple"]], {}]
)
def test_an_outcome_without_its_parts_is_refused(body):
    with pytest.raises(WireError):
        outcome((messages.Outcome(body, 0.0), []), Lent())


def test_outputs_become_those_of_nbformat_with_clean_text():
    dirty = "\x1b[31mred\x1b[0m\x00 1%\r2%"
    shown = [
        messages.Stream("stdout", dirty),
        messages.Display({"text/plain": dirty, "application/json": [{dirty: dirty}, 1]}, {dirty: [dirty]}),
        messages.Result({"text/plain": dirty}, {}, 7),
        messages.Error(dirty, dirty, [dirty]),
    ]
    assert checked_outputs(over(messages.Finished(shown, 1, None, 0.0))[0].outputs) == [
        {"output_type": "stream", "name": "stdout", "text": "2%"},
        {
            "output_type": "display_data",
            "data": {"text/plain": "2%", "application/json": [{"2%": "2%"}, 1]},
            "metadata": {"2%": ["2%"]},
        },
        {"output_type": "execute_result", "data": {"text/plain": "2%"}, "metadata": {}, "execution_count": 7},
        {"output_type": "error", "ename": "2%", "evalue": "2%", "traceback": ["2%"]},
    ]


def deep(levels):
    value = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "shown",
    [
        messages.Display({"text/plain": {"a": 1}}, {}),
        messages.Display({"image/png": None}, {}),
        messages.Result({"text/html": ["a"]}, {}, 1),
        messages.Display({"application/json": deep(41)}, {}),
        messages.Display({}, {"a": deep(41)}),
    ],
)
def test_outputs_that_are_none_of_nbformat_s_are_refused(shown):
    with pytest.raises(WireError):
        checked_outputs([shown])


def test_outputs_nested_a_little_are_kept():
    (shown,) = checked_outputs([messages.Display({"application/json": deep(40)}, {})])
    assert shown["data"]["application/json"] == deep(40)


def test_the_length_of_outputs_counts_every_text():
    short = length([messages.Stream("stdout", "")])
    assert length([messages.Stream("stdout", "x" * 1_000)]) == short + 1_000
    nested = messages.Display({"application/json": [{"k" * 100: "v" * 200}]}, {"m" * 50: "n"})
    assert 350 < length([nested]) < 500


# --- whatever comes --------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=600),
    lambda inner: st.lists(inner, max_size=25) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=30,
)
PATHS = {
    number: [(*path, name) for path in objects(plain(one)) for name in reach(plain(one), path)]
    for number, one in enumerate(GUEST)
}


def texts(value):
    """Every text of a message that the host shows as it is."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)
    elif isinstance(value, messages.Failure | messages.Skipped | messages.Check | messages.Failed | messages.Outcome):
        for name in value.__struct_fields__:
            if name != "body":
                yield from texts(getattr(value, name))


@settings(max_examples=400)
@given(st.data())
def test_a_changed_message_is_refused_or_is_a_message(data):
    number = data.draw(st.sampled_from(sorted(PATHS)))
    path, value = data.draw(st.sampled_from(PATHS[number])), data.draw(JSON)
    with suppress(WireError):
        message = read(put(plain(GUEST[number]), path, value), messages.Ready)
        assert type(message) in typing.get_args(messages.FromGuest)
        assert over(message)[0] == message
        assert all(clean(text) == text for text in texts(message))


@settings(max_examples=200)
@given(st.text(max_size=700), st.sampled_from(["kind", "message", "source", "missing", "function"]))
def test_whatever_a_student_s_process_writes_arrives_clean(text, field):
    header = plain(messages.Outcome(None, 0.0, ("w",), FAILURE, ("f",)))
    header["warnings"] = header["forbidden"] = [text]
    header["raised"][field] = text
    try:
        done = read(header, messages.Outcome)
    except WireError:
        assert len(text) > 101
        return
    found = list(texts(done))
    assert len(found) == 8
    assert all(clean(one) == one and len(one) <= 2_001 for one in found)

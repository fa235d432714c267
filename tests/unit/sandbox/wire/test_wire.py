"""Values keep their meaning over the wire, and no bytes make the decoder do anything but answer or refuse."""

import functools
import json
import math
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.calls import Foreign
from autograder.sandbox.wire import frames, values
from autograder.sandbox.wire.frames import Reader, WireError
from autograder.sandbox.wire.messages import FROM_GUEST, FROM_HOST, Answer, Done, Ready
from autograder.sandbox.wire.text import clean


def over(value):
    """There and back, through the bytes of a frame."""
    tree, buffers = values.encode(value)
    reader = Reader(FROM_HOST)
    reader.feed(frames.pack(Answer(tree), buffers))
    answer, received = reader.next()
    return values.decode(answer.value, received)


def same(a, b) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        flags = ("c_contiguous", "f_contiguous")
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc") and all(
            getattr(a.flags, flag) == getattr(b.flags, flag) for flag in flags
        )  # fmt: skip
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, float):
        return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    return a == b


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers() | TEXT
)  # fmt: skip
DTYPES = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(sizes=(16, 32, 64)),
    hnp.complex_number_dtypes(sizes=(64, 128)),
)  # fmt: skip
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
VALUES = st.recursive(
    PLAIN | ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150)
@given(VALUES)
def test_plain_values_arrive_as_they_were(value):
    assert same(over(value), value)


@settings(max_examples=100)
@given(ARRAYS, st.data())
def test_layouts_arrive_as_they_were(array, data):
    axes = data.draw(st.permutations(range(array.ndim)))
    steps = tuple(slice(None, None, data.draw(st.sampled_from([1, 2, -1]))) for _ in range(array.ndim))
    assert same(over(array.transpose(axes)), array.transpose(axes))
    assert same(over(array[steps]), array[steps]) or array[steps].size <= 1


X = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "array", [X, X.T, X.transpose(0, 2, 1), X[:, ::2], X[::-1], X[..., 1], np.broadcast_to(X[0], (2, 3, 4))]
)
def test_a_layout_keeps_the_order_of_the_axes(array):
    got = over(array)
    assert same(got, np.asarray(array))
    slow_to_fast = np.argsort([-abs(stride) for stride in array.strides], kind="stable")
    assert list(np.argsort([-stride for stride in got.strides], kind="stable")) == list(slow_to_fast)
    got[...] = 0
    assert array.any()


SCALARS = [
    np.float32(0.1),
    np.float64(-0.0),
    np.int64(-3),
    np.uint8(255),
    np.bool_(True),
    np.complex64(1 - 2j),
    np.float16("nan"),
]


@pytest.mark.parametrize("value", [*SCALARS, 2**63, -(2**200), float("nan"), float("-inf"), -0.0, 1.0, 1, True])
def test_numbers_keep_their_type(value):
    assert same(over(value), value)


def test_generators_go_on_where_they_were():
    numpy_one = np.random.default_rng(5)
    numpy_one.integers(0, 9, dtype=np.int32)
    torch_one = torch.Generator().manual_seed(5)
    torch.rand(3, generator=torch_one)
    numpy_two, torch_two = over([numpy_one, torch_one])
    assert numpy_two is not numpy_one
    assert np.array_equal(numpy_two.integers(0, 99, 9, dtype=np.int32), numpy_one.integers(0, 99, 9, dtype=np.int32))
    assert torch.equal(torch.rand(9, generator=torch_two), torch.rand(9, generator=torch_one))


T = torch.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "tensor",
    [
        T, T.permute(2, 0, 1), T[:, ::2], T.to(torch.bfloat16), T.to(torch.complex64).conj(), T > 3, T.long()[0],
        torch.tensor(2.0, requires_grad=True), torch.zeros(0, 3), torch.nn.Parameter(T.double()), T.expand(2, 2, 3, 4),
        T.to(torch.complex64)[0, :1, :1].real,
    ],
)  # fmt: skip
def test_tensors_keep_everything(tensor):
    got = over(tensor)
    assert type(got) is torch.Tensor
    assert torch.equal(got, tensor)
    assert (got.dtype, got.device, got.requires_grad) == (tensor.dtype, tensor.device, tensor.requires_grad)
    assert got.is_contiguous() == tensor.is_contiguous()


class Trick(np.ndarray):
    def __eq__(self, other):
        return True


class TrickTensor(torch.Tensor):
    pass


class TrickList(list):
    pass


class TrickFloat(float):
    pass


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (X.view(Trick), "Trick"),
        (T.as_subclass(TrickTensor), "TrickTensor"),
        (TrickList([1]), "TrickList"),
        (TrickFloat(1), "TrickFloat"),
        (np.array([None]), "ndarray of dtype object"),
        (np.array(["a"]), "ndarray of dtype <U1"),
        (np.ma.array([1.0]), "MaskedArray"),
        (np.datetime64("2020-01-01"), "datetime64"),
        (T.to_sparse(), "Tensor of layout torch.sparse_coo"),
        (np.random.RandomState(0), "RandomState"),
        ({1: 2}, "dict with keys that are not strings"),
        ({1, 2}, "set"),
        (b"bytes", "bytes"),
        (abs, "builtin_function_or_method"),
        (lambda: 0, "function"),
        (type, "type"),
    ],
)
def test_what_is_not_plain_data_is_foreign(value, name):
    assert over(value) == Foreign(name)


def nested(depth):
    return functools.reduce(lambda inner, _: [inner], range(depth), 0)


def doubling(depth):
    return functools.reduce(lambda inner, _: [inner, inner], range(depth), 0)


@pytest.mark.parametrize("value", [nested(100), doubling(30), [0] * (values.MOST_ITEMS + 1)])
def test_too_deep_or_too_long_is_refused(value):
    with pytest.raises(WireError):
        values.encode(value)


TAGS = ["list", "tuple", "dict", "int", "float", "complex", "array", "scalar", "generator", "tensor", "torch_generator"]
PARTS = [
    "<f8",
    "float32",
    "cpu",
    "cuda:9",
    "nan",
    "0x1f",
    "-0x",
    True,
    False,
    0,
    1,
    -1,
    [],
    [0],
    [2, 3],
    [1, 0],
    None,
    1.5,
]
NODES = st.recursive(
    st.sampled_from(PARTS) | st.integers(-(2**70), 2**70) | st.text(max_size=6),
    lambda inner: (
        st.tuples(st.sampled_from([*TAGS, "function", "foreign", "returned"]), st.lists(inner, max_size=8)).map(
            lambda node: [node[0], *node[1]]
        )
        | st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=12,
)


@settings(max_examples=400)
@given(NODES, st.lists(st.binary(max_size=48), max_size=2))
def test_no_tree_makes_the_decoder_fail(tree, buffers):
    with suppress(WireError):
        values.decode(tree, buffers)


ARRAY = ["array", "<f8", [2, 3], [0, 1], False, 0]


@settings(max_examples=200)
@given(st.integers(1, 5), st.sampled_from(PARTS) | st.lists(st.integers(-2, 2**40), max_size=33))
def test_no_part_of_an_array_is_believed(part, wrong):
    tree = list(ARRAY)
    tree[part] = wrong
    try:
        got = values.decode(tree, [bytes(48)])
    except WireError:
        return
    assert got.nbytes == 48


@pytest.mark.parametrize(
    "tree",
    [
        ["array", "<f8", [1 << 41, 0], [0, 1], False, 0], ["array", "<f8", [1 << 39] * 3 + [0], [0, 1, 2, 3], True, 0],
        ["array", "|O", [6], [0], False, 0], ["scalar", "<f8", "zz" * 8], ["generator", "0x0", "-0x1", 0, 0],
        ["tensor", "float64", "meta", False, [6], [0], False, 0], ["tensor", "int64", "cpu", True, [6], [0], False, 0],
        ["int", "0x" + "f" * 10_000], ["float", "1e999"], ["dict", ["a"]], ["function", 0], [], {}, ["list", 2**64],
        ["torch_generator", "cpu", 0],
    ],
)  # fmt: skip
def test_malformed_values_are_refused(tree):
    data = b"" if isinstance(tree, list) and tree and tree[0] == "array" and 0 in tree[2] else bytes(48)
    with pytest.raises(WireError):
        values.decode(tree, [data])


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail(data):
    reader = Reader(FROM_GUEST)
    reader.feed(data)
    with suppress(WireError):
        assert reader.next() is None or data.startswith(b"NNAG")


@settings(max_examples=200)
@given(
    st.binary(max_size=60)
    | st.recursive(st.integers() | st.text(max_size=4), st.lists).map(lambda x: json.dumps(x).encode())
    | st.lists(st.integers(-1, 9), max_size=3).map(lambda sizes: json.dumps([sizes, {"kind": "ready"}]).encode()),
    st.binary(max_size=9),
)
def test_no_header_makes_the_reader_fail(text, data):
    try:
        message, buffers = frames.unpack(text, data, FROM_GUEST)
    except WireError:
        return
    assert message == Ready()
    assert b"".join(buffers) == data


def test_frames_may_arrive_in_pieces():
    frame = frames.pack(Answer(1), [b"one", b""]) + frames.pack(Done())
    reader, seen = Reader(FROM_HOST), []
    for position in range(len(frame)):
        reader.feed(frame[position : position + 1])
        while (message := reader.next()) is not None:
            seen.append(message)
    assert seen == [(Answer(1), [b"one", b""]), (Done(), [])]


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain ü 漢 😀\n\t", "plain ü 漢 😀\n\t"),
        ("\ud800x", "\ufffdx"),
        ("a\x00b\x07c\x7f\x9b", "abc"),
        ("\x1b[31mred\x1b[0m \x1b]0;title\x07", "red "),
        ("10%\r20%\r30%", "30%"),
        ("10%\r", "10%"),
        ("line\r\nnext", "line\nnext"),
    ],
)
def test_text_is_cleaned_once(text, cleaned):
    assert over(text) == clean(text) == cleaned
    assert clean(cleaned) == cleaned


def test_long_text_is_cut():
    assert len(over("x" * 200_000)) < 101_000


def test_importing_check_loads_neither_torch_nor_ipython():
    code = "import sys, autograder; print([name for name in ('torch', 'IPython', 'matplotlib') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_integer_too_long_to_print_is_foreign():
    assert over(10**4000) == 10**4000
    assert over(10**9000) == Foreign("int of 29898 bits")


def test_a_frame_larger_than_wanted_is_dropped_as_it_comes():
    large, small = frames.pack(Answer("x" * 5_000), [b"y" * 100_000]), frames.pack(Answer(1))
    reader = Reader(FROM_HOST)
    for start in range(0, len(large), 1_000):
        reader.feed(large[start : start + 1_000])
        if start + 1_000 < len(large):
            assert reader.next(most=4_000) is None
            assert len(reader._data) < 7_000  # its header, then nothing
    with pytest.raises(frames.TooLarge) as refused:
        reader.next(most=4_000)
    assert (refused.value.kind, refused.value.size) == ("answer", len(large) - 12)
    reader.feed(small)
    assert reader.next(most=4_000) == (Answer(1), [])
    reader.feed(large)
    assert reader.next() == (Answer("x" * 5_000), [b"y" * 100_000])
    reader.feed(large.replace(b'"kind"', b'"mind"'))
    with pytest.raises(WireError):
        reader.next(most=4_000)

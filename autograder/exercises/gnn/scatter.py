"""Collects messages at the nodes they are for: those with the same index become one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from autograder.exercise import Case
from autograder.exercises.awkward import EXACT, EXTREMES, RELATIVE, wide
from autograder.exercises.declare import Asks, grows, hidden, loop, mistake, right, slip, visible
from autograder.exercises.gnn.inputs import COUNTS, DOUBLE, FEW, PYG_MESSAGES, TINY, TINY_NODES, Rng, edges, features
from course_lib import gnn

ASKS = Asks(
    gnn.scatter,
    signature='scatter(messages (E, F), index (E,), n, reduce "sum" | "mean" | "max") -> (n, F)',
    points={"sum": 1, "mean": 1, "max": 1, "vectorised": 1},
    forbids=PYG_MESSAGES,
    hints=(
        "What does a node get to which nobody speaks? And do the zeros that you start from take part in the maximum?",
        "Start from n rows of zeros. The sum adds each message to the row of its node. The mean divides that by the "
        "number of messages, at least 1. The maximum is a reduction that leaves the zeros of the start out.",
        "From `out = messages.new_zeros(n, messages.shape[1])`: `index_add` sums; divide by `degree(index, "
        "n).clamp(min=1)[:, None]` for the mean. For the maximum the `place` of `scatter_reduce` is `index[:, "
        "None].expand_as(messages)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    """Three reductions of the same messages, then of others."""
    messages = torch.tensor([[1.0, -2.0], [3.0, -4.0], [5.0, -6.0], [10.0, -20.0], [7.0, -8.0]])
    for reduce in ("sum", "mean", "max"):
        yield Case(f"the small graph, {reduce}", (messages, TINY[1], TINY_NODES, reduce), group=reduce)
        graph = edges(rng, 8, 14)
        yield Case(f"a graph of eight, {reduce}", (features(rng, graph.shape[1], 3), graph[1], 8, reduce), group=reduce)


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    """Sizes, dtypes and layouts."""
    for reduce in ("sum", "mean", "max"):
        graph = edges(rng, 25, 90, loops=6, repeats=12)
        count = graph.shape[1]
        several = features(rng, count, 8, dtype=DOUBLE)
        yield Case(f"twenty-five nodes, {reduce}", (several, graph[1], 25, reduce), group=reduce)
        yield Case(f"one feature, {reduce}", (features(rng, count, 1), graph[1], 27, reduce), group=reduce)
        yield Case(f"every second column, {reduce}", (several[:, ::2], graph.flip(1)[1], 26, reduce), group=reduce)
        yield Case(
            f"all below zero, {reduce}", (-features(rng, count, 2).abs() - 1, graph[0], 25, reduce), group=reduce
        )
        none = torch.empty(0, dtype=torch.int64)
        yield Case(f"no messages, {reduce}", (torch.empty(0, 3), none, 4, reduce), group=reduce)
        yield Case(f"all for one node, {reduce}", (several[:6], torch.full((6,), 2), 4, reduce), group=reduce)
        yield Case(f"one message, {reduce}", (several[:1], torch.tensor([1]), 3, reduce), group=reduce)
        for scale in EXTREMES:
            arguments = (scale * several[:, :2], graph[1], 25, reduce)
            yield Case(f"numbers around {scale:g}, {reduce}", arguments, group=reduce, tolerance=RELATIVE)
    spread = torch.from_numpy(wide(rng, count, 3))
    yield Case("numbers of all magnitudes, max", (spread, graph[1], 25, "max"), group="max", tolerance=EXACT)


@grows("messages", *COUNTS)
def more_messages(rng: Rng, count: int) -> tuple[Any, ...]:
    return features(rng, count, 1, dtype=DOUBLE), torch.from_numpy(rng.integers(FEW, size=count)), FEW, "mean"


@grows("nodes", *COUNTS)
def more_nodes(rng: Rng, count: int) -> tuple[Any, ...]:
    return features(rng, FEW, 3, dtype=DOUBLE), torch.from_numpy(rng.integers(count, size=FEW)), count, "mean"


@loop
def one_by_one(messages, index, n, reduce):
    out = messages.new_zeros(n, *messages.shape[1:])
    if reduce == "max":
        out[index] = -torch.inf
    rows, counts = out.unbind(), [0] * n
    for node, message in zip(index.tolist(), messages.unbind(), strict=True):
        rows[node].copy_(torch.maximum(rows[node], message)) if reduce == "max" else rows[node].add_(message)
        counts[node] += 1
    for node in range(n):
        out[node] /= max(counts[node], 1) if reduce == "mean" else 1
    return out


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(messages, index, n, reduce):
    out = torch.zeros(n, messages.shape[1], dtype=messages.dtype)
    arrived = torch.zeros(n, dtype=messages.dtype).index_add(0, index, torch.ones(len(index), dtype=messages.dtype))
    for feature in range(messages.shape[1]):
        mine = messages[:, feature]
        if reduce == "max":
            out[:, feature] = out[:, feature].index_reduce(0, index, mine, "amax", include_self=False)
            continue
        out[:, feature] = out[:, feature].index_add(0, index, mine)
        if reduce == "mean":
            out[:, feature] /= arrived.clamp(min=1)
    return out


@right("other formula")
def other_formula(values, index, n, how):
    member = index[None, :] == torch.arange(n)[:, None]
    if how == "max":
        if len(index) == 0:
            return values.new_zeros(n, values.shape[1])
        spread = torch.where(member[:, :, None], values[None], -torch.inf).amax(dim=1)
        return torch.nan_to_num(spread, neginf=0.0)
    total = member.to(values.dtype) @ values
    return total if how == "sum" else total / torch.clamp(member.sum(1, keepdim=True), min=1)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(messages, index, n, reduce):
    place = index[:, None].expand(-1, messages.shape[1])
    out = messages.new_zeros(n, messages.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.scatter_reduce(0, place, messages, how, include_self=False)


@mistake
def scatter_last_wins(messages, index, n, reduce):
    """Where several messages arrive, only one of them counted: out[index] += messages writes each row only once. Use
    index_add_ or scatter_add_, which add up."""
    out = messages.new_zeros(n, messages.shape[1])
    if reduce == "max":
        place = index[:, None].expand(-1, messages.shape[1])
        return out.scatter_reduce(0, place, messages, "amax", include_self=False)
    out[index] += messages
    return out


@mistake
def scatter_max_with_zero(messages, index, n, reduce):
    """Your maximum never falls below 0: the zeros you started from take part in it. Only messages compete:
    include_self=False."""
    place = index[:, None].expand(-1, messages.shape[1])
    out = messages.new_zeros(n, messages.shape[1])
    if reduce == "max":
        return out.scatter_reduce(0, place, messages, "amax", include_self=True)
    return out.scatter_reduce(0, place, messages, reduce, include_self=False)


@mistake
def scatter_empty_is_infinite(messages, index, n, reduce):
    """Nodes that hear nothing got minus infinity, the maximum of nothing. By agreement an empty neighbourhood gives
    0."""
    place = index[:, None].expand(-1, messages.shape[1])
    if reduce == "max":
        out = torch.full((n, messages.shape[1]), -torch.inf, dtype=messages.dtype, device=messages.device)
        return out.scatter_reduce(0, place, messages, "amax")
    out = messages.new_zeros(n, messages.shape[1])
    return out.scatter_reduce(0, place, messages, reduce, include_self=False)


@mistake
def scatter_empty_is_nan(messages, index, n, reduce):
    """Nodes that hear nothing got 0 / 0, which is nan. Divide by the count where it is positive: clamp(min=1) makes
    an empty mean 0."""
    place = index[:, None].expand(-1, messages.shape[1])
    out = messages.new_zeros(n, messages.shape[1])
    if reduce == "max":
        return out.scatter_reduce(0, place, messages, "amax", include_self=False)
    out = out.index_add(0, index, messages)
    return out if reduce == "sum" else out / torch.bincount(index, minlength=n)[:, None]


scatter_mean_counts_a_zero = slip(
    scatter_max_with_zero,
    ('"max"', '"mean"'),
    ('"amax"', '"mean"'),
    (
        "out.scatter_reduce(0, place, messages, reduce, include_self=False)",
        'out.scatter_reduce(0, place, messages, {"sum": "sum", "max": "amax"}[reduce], include_self=False)',
    ),
    says="Your mean divides by one too many: the zero you started from was counted as a message. Divide the sum "
    "by the number of messages: include_self=False.",
)


scatter_cut_short = slip(
    answer,
    "place = index[:, None].expand(-1, messages.shape[1])",
    "n = int(index.max()) + 1 if len(index) else 0\nplace = index[:, None].expand(-1, messages.shape[1])",
    says="The result ends at the last node that hears anything. It must have n rows, even for nodes that nobody speaks "
    "to: do not take the size from index.max().",
)


@mistake
def scatter_always_sums(messages, index, n, reduce):
    """You sum whatever reduce says. "mean" divides by the number of messages that arrive, "max" takes the largest of
    each feature."""
    return messages.new_zeros(n, messages.shape[1]).index_add(0, index, messages)

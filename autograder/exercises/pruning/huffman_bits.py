"""The bits of all symbols in the best code that gives each symbol a word of its own (Huffman, 1952)."""

from __future__ import annotations

import numpy as np
import torch

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import twice
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, visible
from autograder.exercises.pruning.inputs import Cases
from course_lib import pruning

ASKS = Asks(
    pruning.huffman_bits,
    signature="huffman_bits(symbols (...) int64) -> int",
    points={"basics": 2, "corners": 1},
    hints=(
        "You need no words, only their total length. What does it cost when two symbols are merged?",
        "Keep the counts in a priority queue. Take out the two smallest, put their sum back, and add the sum to the "
        "bits, until one is left. One kind of symbol alone costs a bit each.",
        "`heap = list(Counter(symbols.flatten().tolist()).values())`, then `heapq.heapify(heap)`. While two are "
        "left: pop two, push their sum and add it to `bits`. If `len(heap) == 1` from the start, return `heap[0]`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, then others; one kind of symbol."""
    yield Case("four kinds", (torch.tensor([0, 0, 0, 0, 1, 1, 2, 3]),))
    yield Case("five kinds, equally often", (torch.arange(5).repeat(3),))
    fib = torch.repeat_interleave(torch.tensor([7, 1, 9, 4, 2, 3]), torch.tensor([1, 1, 2, 3, 5, 8]))
    yield Case("very different counts", (fib,))
    yield Case("a matrix of codes", (torch.from_numpy(rng.binomial(6, 0.3, (5, 8))),))
    yield Case("one kind", (torch.full((6,), 3),), group="corners")


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other symbols."""
    yield Case("many symbols", (torch.from_numpy(rng.geometric(0.3, 400)),))
    yield Case("sixty kinds", (torch.from_numpy(rng.integers(0, 60, 500)),))
    yield Case("symbols below 0", (torch.from_numpy(rng.binomial(9, 0.5, 60) - 4),))
    yield from twice(lambda: (torch.from_numpy(rng.geometric(0.4, 40)),))
    yield Case("three kinds", (torch.tensor([4, 4, 9, 1, 9, 4]),), group="corners")
    yield Case("two kinds", (torch.tensor([[5, 5, 5], [5, 5, 8]]),), group="corners")
    yield Case("one symbol", (torch.tensor([2]),), group="corners")


# --- properties ----------------------------------------------------------------------------------------------


@holds("between the entropy and one bit more", group="basics")
def code_within_bounds(call: Probe, rng: np.random.Generator) -> str | None:
    """Shannon: at least the entropy, less than one bit more."""
    symbols = rng.binomial(12, 0.35, 300)
    counts = np.unique(symbols, return_counts=True)[1]
    entropy = -(counts * np.log2(counts / counts.sum())).sum()
    bits = call(torch.from_numpy(symbols))
    if not entropy - 1e-6 <= bits < entropy + len(symbols):
        return f"{bits} bits for 300 symbols: no code is below {entropy:.1f}, and Huffman's is less than 300 above"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(symbols):
    counts = {}
    for symbol in symbols.reshape(-1).tolist():
        counts[symbol] = counts.get(symbol, 0) + 1
    nodes = [(count, [symbol]) for symbol, count in counts.items()]
    lengths = dict.fromkeys(counts, 0)
    if len(nodes) == 1:
        return len(symbols.reshape(-1))
    while len(nodes) > 1:
        nodes.sort(key=lambda node: node[0])
        (a, left), (b, right) = nodes[0], nodes[1]
        for symbol in left + right:
            lengths[symbol] += 1
        nodes = nodes[2:] + [(a + b, left + right)]
    return sum(counts[symbol] * lengths[symbol] for symbol in counts)


@right("other formula")
def other_formula(symbols):
    from collections import deque

    counts = sorted(torch.unique(symbols, return_counts=True)[1].tolist())
    if len(counts) == 1:
        return counts[0]
    fresh, merged, bits = deque(counts), deque(), 0

    def rarest():
        if not merged or (fresh and fresh[0] <= merged[0]):
            return fresh.popleft()
        return merged.popleft()

    while len(fresh) + len(merged) > 1:
        merged.append(rarest() + rarest())
        bits += merged[-1]
    return bits


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def code_entropy(symbols):
    """This is the entropy, rounded up: the limit that a code of whole bits for each symbol hardly ever reaches. Build
    Huffman's tree and count its bits."""
    import math

    _, counts = symbols.unique(return_counts=True)
    if len(counts) == 1:
        return symbols.numel()
    shares = counts.double() / counts.sum()
    return math.ceil(float(-(counts * shares.log2()).sum()) - 1e-9)


@mistake
def code_fixed_length(symbols):
    """Every symbol got a word of the same length. Huffman gives short words to frequent symbols."""
    import math

    kinds = len(symbols.unique())
    return symbols.numel() * max(1, math.ceil(math.log2(kinds)))


@mistake
def code_shannon(symbols):
    """Each symbol got -log2 p bits, rounded up on its own. That is Shannon's code of 1948; merging the two rarest again
    and again, as Huffman does, never needs more and often fewer."""
    import math

    _, counts = symbols.unique(return_counts=True)
    if len(counts) == 1:
        return symbols.numel()
    total = int(counts.sum())
    return sum(count * math.ceil(math.log2(total / count) - 1e-12) for count in counts.tolist())


@mistake
def code_without_sorting(symbols):
    """You merged in the order of the first sorting. A merged pair has to go back into the queue at its own place: it is
    often not among the rarest any more."""
    _, counts = symbols.unique(return_counts=True)
    queue = sorted(counts.tolist())
    if len(queue) == 1:
        return queue[0]
    total = 0
    while len(queue) > 1:
        pair = queue[0] + queue[1]
        total += pair
        queue = [pair, *queue[2:]]
    return total


@mistake
def code_for_nothing(symbols):
    """Where all symbols are equal you count no bits. By the course's rule each then costs 1 bit: a message needs some
    length."""
    import heapq

    counts = symbols.unique(return_counts=True)[1].tolist()
    heapq.heapify(counts)
    total = 0
    while len(counts) > 1:
        pair = heapq.heappop(counts) + heapq.heappop(counts)
        total += pair
        heapq.heappush(counts, pair)
    return total


@mistake
def code_word_lengths(symbols):
    """You added up one word for each *kind* of symbol. A word is sent as often as its symbol occurs: length times
    count."""
    import heapq

    counts = symbols.unique(return_counts=True)[1].tolist()
    if len(counts) == 1:
        return symbols.numel()
    queue = [(count, kind, 1) for kind, count in enumerate(counts)]
    heapq.heapify(queue)
    total = 0
    while len(queue) > 1:
        one, two = heapq.heappop(queue), heapq.heappop(queue)
        total += one[2] + two[2]
        heapq.heappush(queue, (one[0] + two[0], min(one[1], two[1]), one[2] + two[2]))
    return total

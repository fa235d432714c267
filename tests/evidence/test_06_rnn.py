"""What notebook 6 claims of trained networks: how far they remember, and how well they predict unseen text."""

import math
from collections import Counter

import pytest
import torch
from answers import released

from autograder.pipeline.cells import by_grade_id
from course_lib import data, rnn


@pytest.fixture(scope="module")
def lesson():
    """The notebook's own training step and batches, over the reference's functions."""
    names = {
        "torch": torch,
        "math": math,
        "track": list,
        "pending": None,
        **{name: getattr(rnn, name) for name in rnn.__all__},
    }
    cells = by_grade_id(released("06_rnn"))
    exec(cells["define_learn"].source, names)
    exec(cells["train_recall"].source.partition("\nwith pending")[0], names)
    return names


def recalled(lesson, distance, rate, seed, steps=300):
    params, generator = lesson["fresh"](5, 32, 4, seed), torch.Generator().manual_seed(seed)
    optimizer, losses = torch.optim.Adam(params, lr=rate), []
    for _ in range(steps):
        xs, targets = lesson["recall_batch"](64, distance, generator)
        losses.append(lesson["learn"](params, xs, torch.zeros(64, 32), targets, optimizer)[0])
    return sum(losses[-20:]) / 20


def test_a_near_symbol_is_remembered_and_a_far_one_is_guessed(lesson):
    near = [recalled(lesson, 8, 3e-3, seed) for seed in range(3)]
    assert sum(near) / 3 < 0.3 * math.log(4)
    assert max(near) < math.log(2) + 0.05, "one bit of two is known at least"
    assert recalled(lesson, 48, 3e-3, 0, steps=100) > 0.95 * math.log(4)


def test_the_larger_rate_moves_the_wall(lesson):
    assert recalled(lesson, 32, 1e-2, 0) < 0.75 * math.log(4)
    assert recalled(lesson, 32, 3e-3, 0) > 0.95 * math.log(4)


def counted(text, unseen, before):
    """The perplexity of a table over so many characters before, as the notebook counts."""
    tokens = len(set(text + unseen))
    pairs = Counter(text[i : i + before + 1] for i in range(len(text) - before))
    contexts = Counter(text[i : i + before] for i in range(len(text) - before))
    total, ends = 0.0, range(before, len(unseen))
    for i in ends:
        chance = (pairs[unseen[i - before : i + 1]] + 0.01) / (contexts[unseen[i - before : i]] + 0.01 * tokens)
        total -= math.log(chance)
    return math.exp(total / len(ends))


def test_a_writer_predicts_unseen_text_like_a_table_over_three_characters(lesson):
    text, unseen = data.prose_parts()
    characters = sorted(set(text + unseen))
    one_hot = torch.eye(len(characters))

    def in_rows(part):
        tokens = torch.tensor([characters.index(character) for character in part])
        width = (len(tokens) - 1) // 16
        return [tokens[i : i + 16 * width].view(16, width) for i in (0, 1)]

    def judged(part):
        inputs, following = in_rows(part)
        hs, _ = rnn.rnn_forward(one_hot[inputs], torch.zeros(16, 128), *writer[:4])
        return rnn.perplexity(hs @ writer[4].T + writer[5], following)

    writer = lesson["fresh"](len(characters), 128, len(characters), 1)
    optimizer, (inputs, following), at = torch.optim.Adam(writer, lr=5e-3), in_rows(text), 0
    for _ in range(1000):
        if at + 32 > inputs.shape[1] or at == 0:
            at, state = 0, torch.zeros(16, 128)
        now = slice(at, at + 32)
        _, state = lesson["learn"](writer, one_hot[inputs[:, now]], state, following[:, now], optimizer)
        at += 32
    found, known = judged(unseen), judged(text)
    assert counted(text, unseen, 3) - 0.3 < found < counted(text, unseen, 2)
    assert known < found - 0.4
    assert judged(unseen[::-1]) > len(characters)

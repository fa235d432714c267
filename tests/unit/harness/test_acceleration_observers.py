"""The judge itself sees what crosses the chip, who is called, and which examples meet in one product."""

import pytest
import torch

from autograder.exercise import Case
from autograder.exercises import find
from autograder.exercises.acceleration import observers, shard_gradients, tiled_matmul
from autograder.judge.answer import apply_observed, call_observed
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback
from course_lib import acceleration

A, B = torch.arange(8.0).reshape(2, 4) + 1, torch.arange(12.0).reshape(4, 3) + 30


def on_both_sides(name, observer, answer, *args):
    """What is seen of the answer as the judge's own function, and as a student's."""
    exercise = find(f"acceleration.{name}")
    yield apply_observed(exercise, answer, Case("one", args, through=observer), args, {})
    yield call_observed(loopback(answer), observer, args, {})


def test_a_chip_counts_on_the_judges_side():
    for seen in on_both_sides("tiled_matmul", observers.on_a_chip, acceleration.tiled_matmul, A, B, 2):
        assert torch.equal(seen.value.pop("C"), A @ B)
        assert torch.equal(seen.value.pop("product"), (A @ B).double())
        assert seen.value == {"loads": 28, "stores": 6, "full": "", "from A and B": True, "written back": True}


def greedy(A, B, tile, memory):
    memory.load(A)
    memory.load(B)


def fake_traffic(A, B, tile, memory):
    """As much traffic as a right answer's, and a product that was never on the chip."""
    C = A @ B
    for i in range(0, len(A), tile):
        for j in range(0, B.shape[1], tile):
            for s in range(0, A.shape[1], tile):
                memory.free(memory.load(A[i : i + tile, s : s + tile]))
                memory.free(memory.load(B[s : s + tile, j : j + tile]))
            c = memory.zeros(*C[i : i + tile, j : j + tile].shape, A)
            c += C[i : i + tile, j : j + tile]
            memory.store(c, C[i : i + tile, j : j + tile])
            memory.free(c)
    return C


def test_what_does_not_fit_is_said_as_the_chip_says_it():
    for seen in on_both_sides("tiled_matmul", observers.on_a_chip, greedy, A, B, 2):
        assert seen.value["full"].startswith("the chip holds 8 of 12 numbers, and 12 more do not fit")


@pytest.mark.parametrize("seed", [(), (1,)])
def test_a_product_past_the_chip_shows_where_blocks_did_not_meet_and_where_the_chip_changes_them(seed):
    for seen in on_both_sides("tiled_matmul", observers.on_a_chip, fake_traffic, A, B, 2, *seed):
        case = Case("one", (A, B, 2, *seed), through=observers.on_a_chip)
        assert "not computed from what was loaded" in tiled_matmul.tiled_accepts(case, seen.value)


def reads_all_first(A, B, tile, memory):
    """Computes with blocks that the chip gave out, after it freed them."""
    n, k, m = *A.shape, B.shape[1]
    C = torch.zeros(n, m)
    for i in range(0, n, tile):
        for j in range(0, m, tile):
            rows, columns = [], []
            for s in range(0, k, tile):
                rows.append(memory.load(A[i : i + tile, s : s + tile]))
                memory.free(rows[-1])
                columns.append(memory.load(B[s : s + tile, j : j + tile]))
                memory.free(columns[-1])
            c = memory.zeros(*C[i : i + tile, j : j + tile].shape, A)
            c += torch.cat(rows, dim=1) @ torch.cat(columns)
            memory.store(c, C[i : i + tile, j : j + tile])
            memory.free(c)
    return C


def test_numbers_that_were_never_on_the_chip_together_cannot_be_multiplied():
    for seen in on_both_sides("tiled_matmul", observers.on_a_chip, reads_all_first, A, B, 2):
        assert seen.value["product"].count_nonzero() == 0
        case = Case("one", (A, B, 2), through=observers.on_a_chip)
        assert "while the tile of B that it meets is on the chip" in tiled_matmul.tiled_accepts(case, seen.value)


def test_calls_of_a_lent_layer_are_counted():
    layer, xs = torch.ones(2, 3), [torch.ones(3), 2 * torch.ones(3)]
    for answer, calls in ((acceleration.batched, 1), (lambda fn, xs: [fn(x) for x in xs], 2)):
        for seen in on_both_sides("batched", observers.on_a_stack, answer, layer, xs):
            assert [[each.tolist() for each in seen.value[0]], seen.value[1]] == [[[3.0, 3.0], [6.0, 6.0]], calls]


def whole(x, y, params, workers):
    return acceleration.shard_gradients(x, y, params, 1)


def whole_in_another_order(x, y, params, workers):
    order = torch.randperm(len(x))
    return whole(x[order], y[order], params, 1)


def one_at_a_time(x, y, params, workers):
    total = None
    for i in range(len(x)):
        one = [each for pair in whole(x[i : i + 1], y[i : i + 1], params, 1) for each in pair]
        total = one if total is None else [first + second for first, second in zip(total, one, strict=True)]
    total = [each / len(x) for each in total]
    return list(zip(total[::2], total[1::2], strict=True))


def nothing(x, y, params, workers):
    return [(torch.zeros_like(W), torch.zeros_like(b)) for W, b in params]


@pytest.mark.parametrize(
    ("answer", "points"),
    [(whole, 2), (whole_in_another_order, 2), (one_at_a_time, 3), (shard_gradients.loops, 3), (nothing, 0)],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_only_gradients_of_shares_are_shared(answer, points):
    assert evaluate(find("acceleration.shard_gradients"), loopback(answer), secret=b"any").points == points

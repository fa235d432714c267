"""The capstone: what is asked. Cases stand in `capstone_cases`, known mistakes in `capstone_mistakes`."""

from __future__ import annotations

from autograder.exercise import Exercise, Property
from autograder.exercises import capstone_cases as cases
from autograder.exercises.capstone_mistakes import MISTAKES
from autograder.harness import capstone as harness
from course_lib import capstone

__all__ = ["EXERCISES"]

EXERCISES = (
    Exercise(
        id="capstone.pack",
        reference=capstone.pack,
        signature="pack(codes (...) integers from 0 to 2^bits - 1, bits) -> uint8 (ceil(numel * bits / 8),)",
        groups={"basics": 1, "across bytes": 1},
        visible=cases.pack_visible,
        hidden=cases.pack_hidden,
        misconceptions=MISTAKES["pack"],
    ),
    Exercise(
        id="capstone.unpack",
        reference=capstone.unpack,
        signature="unpack(packed (B,) uint8, bits, count) -> uint8 (count,)",
        groups={"basics": 1, "across bytes": 1},
        visible=cases.unpack_visible,
        hidden=cases.unpack_hidden,
        misconceptions=MISTAKES["unpack"],
    ),
    Exercise(
        id="capstone.pareto_front",
        reference=capstone.pareto_front,
        signature="pareto_front(costs (N,), scores (N,)) -> int64 (k,), places by rising cost",
        groups={"basics": 1, "ties": 1},
        visible=cases.front_visible,
        hidden=cases.front_hidden,
        misconceptions=MISTAKES["pareto_front"],
        properties=(Property("nobody on the front is beaten", cases.nobody_is_beaten, "basics"),),
        through=harness.front,
    ),
    Exercise(
        id="capstone.compress",
        reference=capstone.compress,
        signature="compress(model, data, budget) -> CompressedModel, with predict(x) and state {name: tensor}",
        groups={name: points for name, (_, _, points) in cases.GROUPS.items()},
        visible=cases.compress_visible,
        hidden=cases.compress_hidden,
        misconceptions=MISTAKES["compress"],
        accepts=cases.accepts_compressed,
        through=harness.compressed,
        measures=cases.measures_compressed,
        seconds=90.0,
    ),
)

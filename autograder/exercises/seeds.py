"""Random numbers on the student's side while an answer trains a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autograder.calls import Breach
from autograder.harness import seeds
from autograder.objects import Answer

__all__ = ["seeded"]


@contextmanager
def seeded(answer: Answer, seed: int = 0) -> Iterator[None]:
    """Random numbers from a seed, and one thread, where the answer works; afterwards as before.

    The answer can read the seed (`torch.initial_seed`), so it may not be one that anything hidden was drawn from.
    """
    before, alive = answer.through(seeds.seed, seed), True
    try:
        yield
    except Breach:
        alive = False  # there is no process left to restore anything in
        raise
    finally:
        if alive:
            answer.through(seeds.restore, *before)

"""Random numbers and threads of the student's process while an answer trains a network."""

from __future__ import annotations

from typing import Any

import torch

__all__ = ["restore", "seed"]


def seed(number: int) -> tuple[Any, int]:
    """Starts torch's random numbers from a seed, on one thread: more would wait for each other on a busy machine.

    Returns:
        The state before, for `restore`.
    """
    before = torch.random.get_rng_state(), torch.get_num_threads()
    torch.manual_seed(number)
    torch.set_num_threads(1)
    return before


def restore(state: Any, threads: int) -> None:
    """Goes back to the state before `seed`."""
    torch.random.set_rng_state(state)
    torch.set_num_threads(threads)

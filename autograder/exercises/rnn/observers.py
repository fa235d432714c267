"""Recurrent networks as the judge sees them: a sampler that is called three times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.objects import Answer

__all__ = ["sample_again"]


def sample_again(
    answer: Answer,
    step: Callable[..., Any],
    h: Any,
    token: int,
    length: int,
    temperature: float,
    generator: torch.Generator,
    other: torch.Generator,
) -> dict[str, Any]:
    """What `sample` draws from a generator, from a second one in the same state, and from one in another state."""
    twin = torch.Generator(generator.device)
    twin.set_state(generator.get_state())
    return {
        name: answer(step, h, token, length, temperature, source)
        for name, source in (("first", generator), ("again", twin), ("other", other))
    }

"""Lets a model write: draws a token, feeds it back, draws the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, slip, visible
from autograder.exercises.rnn import observers
from autograder.exercises.rnn.inputs import DOUBLE, SINGLE
from course_lib import rnn

ASKS = Asks(
    rnn.sample,
    signature=(
        "sample(step, h, token, length, temperature, generator) -> list of ints, with step(token, h) -> (logits "
        "(V,), h)"
    ),
    points={"basics": 2, "temperature": 1},
    hints=(
        "What does the model read in the second round: which token, and in which state?",
        "In each round the model reads the last token in the last state. Divide its logits by the temperature, make "
        "probabilities of them, draw one token with the given generator, and write it down.",
        "`logits, h = step(token, h)`, `p = torch.softmax(logits / temperature, dim=0)`, `token = "
        "int(torch.multinomial(p.to(generator.device), 1, generator=generator))`: all three in each of `length` "
        "rounds.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def seeded(rng: np.random.Generator) -> torch.Generator:
    """A torch generator that the case's own generator seeds."""
    return torch.Generator().manual_seed(int(rng.integers(2**40)))


def _follows(token: Any, h: Tensor) -> tuple[int, Tensor]:
    """The next of 7 tokens depends on the token and on the two before it; the state carries those."""
    before = [round(float(each)) for each in h]
    return (int(token) + before[0] + 2 * before[1] + 1) % 7, torch.tensor([before[1], int(token)]).to(h)


def sure_step(token: int, h: Tensor) -> tuple[Tensor, Tensor]:
    """A model that is all but sure: the next token's logit is 50 above the others."""
    following, h = _follows(token, h)
    return 50 * torch.nn.functional.one_hot(torch.tensor(following), 7).to(h), h


def leaning_step(token: int, h: Tensor) -> tuple[Tensor, Tensor]:
    """A model that leans to one token: its logit is 1 above the others."""
    following, h = _follows(token, h)
    return torch.nn.functional.one_hot(torch.tensor(following), 7).to(h), h


def loud_step(token: int, h: Tensor) -> tuple[Tensor, Tensor]:
    """A model whose logits are around 10,000."""
    following, h = _follows(token, h)
    return 1e4 + 1e4 * torch.nn.functional.one_hot(torch.tensor(following), 7).to(h), h


def careful_step(token: int, h: Tensor) -> tuple[Tensor, Tensor]:
    """A model that is all but sure, and sure of something else if its state is not the one it was given, to the bit."""
    same = bool((h == torch.tensor([3e-14, 2e-8, 4e-4, 1 + 1e-12, 5e4, 7e12], dtype=h.dtype)).all())
    following = (token + 1) % 7 if same else 0
    return 50 * torch.nn.functional.one_hot(torch.tensor(following), 7).to(h), h


def dice_step(token: int, h: Tensor) -> tuple[Tensor, Tensor]:
    """A model that says the same every time: logits 2, 1, 0 and -1."""
    return torch.tensor([2.0, 1.0, 0.0, -1.0]).to(h), h


def _path(h: Tensor, token: int, length: int) -> dict[str, Any]:
    tokens = []
    for _ in range(length):
        token, h = _follows(token, h)
        tokens.append(token)
    return {"tokens": tokens}


def _dice(temperature: float) -> dict[str, Any]:
    return {"chances": torch.softmax(torch.tensor([2.0, 1.0, 0.0, -1.0], dtype=DOUBLE) / temperature, 0).tolist()}


def _written(
    name: str, step: Any, h: Tensor, token: int, length: int, temperature: float, rng: np.random.Generator, group: str
) -> Case:
    args = (step, h, token, length, temperature, seeded(rng))
    return Case(name, args, group=group, known=_path(h, token, length))


def _thrown(name: str, length: int, temperature: float, rng: np.random.Generator, group: str) -> Case:
    h = torch.zeros(2, dtype=DOUBLE)
    return Case(name, (dice_step, h, 0, length, temperature, seeded(rng)), group=group, known=_dice(temperature))


def _again(name: str, length: int, rng: np.random.Generator) -> Case:
    h = torch.zeros(2, dtype=DOUBLE)
    args = (dice_step, h, 1, length, 2.0, seeded(rng), seeded(rng))
    return Case(name, args, through=observers.sample_again, known={"again": length})


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """A sure model has one right text; a die has a right share of each token."""
    h = torch.tensor([1.0, 2.0], dtype=DOUBLE)
    yield _written("a model that is sure", sure_step, h, 3, 5, 1.0, rng, "basics")
    yield _written("a longer text", sure_step, 0 * h, 1, 12, 1.0, rng, "basics")
    yield _thrown("400 throws of a die", 400, 1.0, rng, "basics")
    yield _again("the generator alone decides", 30, rng)
    yield _written("cold: the likeliest token wins", leaning_step, h, 2, 20, 0.01, rng, "temperature")
    yield _thrown("400 throws of a cooler die", 400, 0.5, rng, "temperature")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other states, lengths and temperatures; float32; logits of 10,000."""
    h = torch.from_numpy(rng.integers(0, 7, 2)).to(DOUBLE)
    yield _written("one token", sure_step, h, 5, 1, 1.0, rng, "basics")
    yield _written("float32", sure_step, h.to(SINGLE), int(rng.integers(7)), 25, 1.0, rng, "basics")
    yield _written("large logits", loud_step, h, int(rng.integers(7)), 15, 2.0, rng, "basics")
    kept = torch.tensor([3e-14, 2e-8, 4e-4, 1 + 1e-12, 5e4, 7e12], dtype=DOUBLE)
    args = (careful_step, kept, 1, 4, 1.0, seeded(rng))
    yield Case("a state of tiny and of large numbers", args, known={"tokens": [2, 3, 4, 5]})
    yield _again("the generator alone decides, again", 40, rng)
    yield _thrown("500 throws of a die", 500, 1.0, rng, "basics")
    yield _written("colder", leaning_step, h, int(rng.integers(7)), 30, 0.02, rng, "temperature")
    yield _thrown("500 throws of a hotter die", 500, 3.0, rng, "temperature")


# --- the judge -----------------------------------------------------------------------------------------------


@accepts
def sample_accepts(case: Case, value: Any) -> str | None:
    """Judges what was drawn: exactly where the model is sure, by frequency where it is not."""
    if "again" in case.known:
        return _drawn_again(value, case.known["again"])
    length = case.args[3]
    problem = _no_tokens(value, length)
    if problem is not None:
        return problem
    if "tokens" in case.known:
        return _same(list(map(int, value)), case.known["tokens"])
    return _shares(list(map(int, value)), case.known["chances"])


def _no_tokens(value: Any, length: int) -> str | None:
    if not isinstance(value, (list, tuple)):
        return "the result is not a list: collect the tokens in a Python list"
    if len(value) != length:
        held = "1 token" if len(value) == 1 else f"{len(value)} tokens"
        return f"the list has {held}; expected {length}, not counting the given one"
    if not all(isinstance(each, (int, np.integer)) and not isinstance(each, bool) for each in value):
        return "the list holds things other than whole numbers: int(...) makes a Python int of a drawn token"
    return None


def _same(tokens: list[int], expected: list[int]) -> str | None:
    if tokens == expected:
        return None
    place = next(i for i, (one, two) in enumerate(zip(tokens, expected, strict=True)) if one != two)
    return (
        f"this model leaves no choice, and the text it writes is {expected}; "
        f"yours differs from entry {place} on: {tokens}"
    )


def _shares(tokens: list[int], chances: list[float]) -> str | None:
    counts, n = np.bincount(tokens, minlength=len(chances)), len(tokens)
    if len(counts) > len(chances):
        return f"a token is {max(tokens)}, and there are only {len(chances)}"
    for token, chance in enumerate(chances):
        if abs(counts[token] / n - chance) > 5 * np.sqrt(chance * (1 - chance) / n) + 1 / n:
            return (
                f"token {token} has a probability of {chance:.3f} and came {counts[token]} times in {n}: "
                "that is not chance"
            )
    return None


def _drawn_again(value: Any, length: int) -> str | None:
    for part in ("first", "again", "other"):
        problem = _no_tokens(value[part], length)
        if problem is not None:
            return problem
    if value["first"] != value["again"]:
        return "two generators in the same state gave two different texts: draw from the generator that is passed in"
    if value["first"] == value["other"]:
        return "two different generators gave the same text: draw from the generator that is passed in"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(step, h, token, length, temperature, generator):
    tokens = []
    while len(tokens) < length:
        logits, h = step(token, h)
        scores = [float(s) / temperature for s in logits]
        weights = [float(torch.exp(torch.tensor(s - max(scores)))) for s in scores]
        dart = float(torch.rand(1, generator=generator, device=generator.device)) * sum(weights)
        token = 0
        while token < len(weights) - 1 and dart >= weights[token]:
            dart -= weights[token]
            token += 1
        tokens.append(token)
    return tokens


@right("other formula")
def other_formula(step, h, token, length, temperature, generator):
    # the Gumbel trick: the largest of noisy logits is a draw from the softmax
    logits, state = step(token, h)
    if length == 0:
        return []
    uniform = torch.rand(logits.shape, generator=generator, device=generator.device, dtype=torch.float64)
    noise = -torch.log(-torch.log(uniform))
    drawn = (logits.to(noise) / temperature + noise).argmax().item()
    result = [drawn]
    for _ in range(length - 1):
        logits, state = step(result[-1], state)
        uniform = torch.rand(logits.shape, generator=generator, device=generator.device, dtype=torch.float64)
        result.append((logits.to(noise) / temperature - torch.log(-torch.log(uniform))).argmax().item())
    return result


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(step, h, token, length, temperature, generator):
    drawn = []
    for _ in range(length):
        logits, h = step(token, h)
        token = int(torch.multinomial(torch.softmax(logits / temperature, 0), 1, generator=generator))
        drawn.append(token)
    return drawn


sample_greedy = slip(
    answer,
    "torch.multinomial(torch.softmax(logits / temperature, 0), 1, generator=generator)",
    "logits.argmax()",
    says="You always took the most likely token, so the text goes round in circles. Draw one by its probability, "
    "with torch.multinomial.",
)


sample_with_the_first_token = slip(
    answer,
    ("drawn = []", "drawn = [token]"),
    ("for _ in range(length):", "while len(drawn) < length:"),
    says="Your list begins with the token that was given. The exercise asks for the tokens that follow it, `length` of "
    "them.",
)


@mistake
def sample_without_feedback(step, h, token, length, temperature, generator):
    """Each step read the first token again. What was drawn is what the model reads next: feed it back."""
    drawn = []
    for _ in range(length):
        logits, h = step(token, h)
        drawn.append(int(torch.multinomial(torch.softmax(logits / temperature, 0), 1, generator=generator)))
    return drawn


sample_without_memory = slip(
    answer,
    "logits, h",
    "logits, _unused",
    says="Each step started from the first state. step returns a new h: pass it to the next step, or the model forgets "
    "what it wrote.",
)


sample_times_temperature = slip(
    answer,
    "logits / temperature",
    "logits * temperature",
    says="You multiplied by the temperature. Divide the logits by it: a low temperature makes the likely tokens "
    "likelier.",
)


sample_without_temperature = slip(
    answer,
    "logits / temperature",
    "logits",
    says="The temperature plays no part. Divide the logits by it before the softmax.",
)


def _draws_elsewhere(case: Case, value: Any) -> bool:
    """Right draws, but two runs from the same state of the generator differ."""
    if isinstance(value, dict):
        return bool(value["first"] != value["again"])
    return sample_accepts(case, value) is None


sample_from_the_global_generator = slip(
    answer,
    "torch.multinomial(torch.softmax(logits / temperature, 0), 1, generator=generator)",
    "torch.multinomial(torch.softmax(logits / temperature, 0), 1)",
    says="The draws come from torch's global generator, so the same call gives another text each time. Pass the one "
    "you were given to torch.multinomial: generator=generator.",
    shows=_draws_elsewhere,
)

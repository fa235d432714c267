"""Operations of a training run: a step costs three forward passes, and a multiply-accumulate is two operations."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.exercise import Case
from autograder.exercises.acceleration.inputs import Rng
from autograder.exercises.declare import Asks, hidden, mistake, right, visible
from course_lib import acceleration

ASKS = Asks(
    acceleration.training_flops,
    signature="training_flops(macs, batch, steps) -> int",
    points={"basics": 1},
    hints=(
        "What does the backward pass cost, compared with the forward pass?",
        "One pass forward and the work of two backward: three times the MACs for each example, and two operations "
        "per MAC. All examples of all steps count.",
        "The passes and the two operations together are the factor `3 * 2`. Multiply it by `macs`, `batch` and "
        "`steps`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    yield Case("10 MACs, 3 examples, 2 steps", (10, 3, 2))
    yield Case("the digits network", (2368, 32, 1000))


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    for number in range(2):
        yield Case(f"other numbers {number + 1}", tuple(int(each) for each in rng.integers(3, 10**6, 3)))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(macs, batch, steps):
    total = 0
    for passes in ("forward", "gradient of inputs", "gradient of weights"):
        total += 2 * macs
    return total * batch * steps


@right("other formula")
def other_formula(macs, batch, steps):
    forward = 2 * macs * batch
    backward = 2 * forward
    return (forward + backward) * steps


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake
def only_forward(macs, batch, steps):
    """These are the operations of the forward passes alone. The backward pass takes twice as many again: once for the
    gradients of the inputs, once for those of the weights."""
    return 2 * macs * batch * steps


@mistake
def macs_of_a_training(macs, batch, steps):
    """These are multiply-accumulates, three passes of them. Each is two operations: 6, not 3."""
    return 3 * macs * batch * steps


@mistake
def one_backward_product(macs, batch, steps):
    """The backward pass is counted like one forward pass. It needs two products per layer, one for the gradient of the
    inputs and one for that of the weights."""
    return 4 * macs * batch * steps


@mistake
def one_example_a_step(macs, batch, steps):
    """The batch is missing: `macs` is the work for one example, and every step looks at `batch` of them."""
    return 6 * macs * steps

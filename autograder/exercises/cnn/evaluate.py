"""The share of samples that the model classifies correctly, in eval mode and without gradients."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.cnn import observers
from autograder.exercises.cnn.inputs import decided, small
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.evaluate,
    signature="evaluate(model, loader, device) -> float",
    points={"basics": 2},
    forbids=("course_lib.training.evaluate",),
    through=observers.evaluated,
    helpers=("training.evaluate", "training.predict"),
    hints=(
        "Which mode must the model be in? And is the mean of the batches' accuracies the accuracy of all samples?",
        "In eval mode and without gradients, count right answers and samples over all batches. Divide once, at the "
        "end.",
        "`model.eval()`, then inside `with torch.no_grad():` compare `model(inputs.to(device)).argmax(dim=1)` with "
        "`labels.to(device)` and add up `.sum().item()`. Divide by the sum of `len(labels)`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("two batches of six", (*small(rng, 12, 3, 2), 6))
    yield Case("a last batch of two", (*small(rng, 26, 4, 3), 8))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one batch", (*small(rng, 30, 3, 4), 30))
    yield Case("one sample at a time", (*small(rng, 31, 4, 3), 1))
    yield Case("a last batch of one", (*small(rng, 41, 5, 3), 10))
    weights, x, labels = decided(rng, 1_200, -1.0)
    labels[:-1] = 1
    yield Case("all but the last one right", (weights, x, labels, 500))
    yield Case("the last one alone right", (weights, x, 1 - labels, 500))


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(model, loader, device):
    import torch

    model.eval()
    right = 0
    count = 0
    with torch.no_grad():
        for images, labels in loader:
            logits = model(images.to(device))
            for row, label in zip(logits, labels):
                right += int(row.argmax()) == int(label)
                count += 1
    return right / count


@right("other formula")
def other_formula(net, batches, where):
    import torch

    @torch.inference_mode()
    def right():
        return torch.cat([net.eval()(x.to(where)).max(dim=1).indices == y.to(where) for x, y in batches])

    return right().float().mean(dtype=torch.float64)


# --- mistakes -----------------------------------------------------------------------------------------------


evaluate_in_training_mode = slip(
    cnn.evaluate,
    ("model.eval()", ""),
    ("int((found == labels.to(device)).sum())", "(found == labels.to(device)).sum().item()"),
    says="The model stayed in training mode: batch normalisation used each batch's own mean, and an image's class "
    "depends on its neighbours. Call model.eval() first.",
)


@mistake
def evaluate_with_gradients(model, loader, device):
    """The accuracy is right, but torch kept everything for a backward pass that never comes. Put the loop inside `with
    torch.no_grad():`."""
    model.eval()
    right, count = 0, 0
    for inputs, labels in loader:
        found = model(inputs.to(device)).argmax(dim=1)
        right, count = right + (found == labels.to(device)).sum().item(), count + len(labels)
    return right / count


@mistake
def evaluate_mean_of_means(model, loader, device):
    """You averaged the accuracies of the batches. The last batch is smaller and would count too much: add up the right
    answers, and divide by the number of samples."""
    import torch

    model.eval()
    shares = []
    with torch.no_grad():
        for inputs, labels in loader:
            found = model(inputs.to(device)).argmax(dim=1)
            shares.append((found == labels.to(device)).double().mean().item())
    return sum(shares) / len(shares)


@mistake
def evaluate_counts(model, loader, device):
    """This is how many were right. The exercise asks for the share: divide by the number of samples."""
    import torch

    model.eval()
    right = 0
    with torch.no_grad():
        for inputs, labels in loader:
            right += (model(inputs.to(device)).argmax(dim=1) == labels.to(device)).sum().item()
    return right


@mistake
def evaluate_errors(model, loader, device):
    """This is the share of wrong answers. The exercise asks for the share of right ones."""
    import torch

    model.eval()
    wrong, count = 0, 0
    with torch.no_grad():
        for inputs, labels in loader:
            found = model(inputs.to(device)).argmax(dim=1)
            wrong, count = wrong + (found != labels.to(device)).sum().item(), count + len(labels)
    return wrong / count


evaluate_last_batch = slip(
    cnn.evaluate,
    ("right, count = 0, 0", ""),
    (
        "right + int((found == labels.to(device)).sum()), count + len(labels)",
        "(found == labels.to(device)).sum().item(), len(labels)",
    ),
    says="This is the accuracy of the last batch alone. Keep counting over all batches: set the counters to 0 "
    "before the loop.",
)

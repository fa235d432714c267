"""One pass through the data, one optimizer step for each batch, in training mode."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from autograder.exercise import Case
from autograder.exercises.awkward import RELATIVE
from autograder.exercises.cnn import observers
from autograder.exercises.cnn.inputs import decided, small
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from course_lib import cnn

ASKS = Asks(
    cnn.train_epoch,
    signature="train_epoch(model, loader, optimizer, device) -> float",
    points={"basics": 3},
    forbids=("course_lib.training.fit",),
    through=observers.epoch,
    helpers=("training.fit", "training._step"),
    hints=(
        "Which calls belong inside the loop over the batches? And how much should a last, smaller batch count in "
        "the mean?",
        "One optimizer step per batch, in training mode. The loss of a batch is a mean, so weight it by the batch's "
        "size when you add it up, and divide by the number of samples once, after the loop.",
        "Per batch `optimizer.zero_grad()`, the cross-entropy of `model(inputs)`, `loss.backward()`, "
        "`optimizer.step()`, and `total += loss.item() * len(labels)`. `model.train()` comes before the loop.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("two batches of four", (*small(rng, 8, 3, 2), 4, 0.1))
    yield Case("a last batch of two", (*small(rng, 14, 4, 3), 6, 0.05))


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield Case("one batch", (*small(rng, 9, 3, 4), 9, 0.1))
    yield Case("a last batch of three", (*small(rng, 23, 5, 3), 10, 0.2))
    yield Case("many small batches", (*small(rng, 22, 2, 5), 4, 0.02))
    yield Case("hardly a loss", (*decided(rng, 8, 33.0), 4, 0.1), tolerance=RELATIVE)
    yield Case("an enormous loss", (*decided(rng, 8, -1e10), 4, 0.1), tolerance=RELATIVE)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(model, loader, optimizer, device):
    import torch

    criterion = torch.nn.CrossEntropyLoss(reduction="sum")
    model.train(True)
    total = 0
    for step, (images, labels) in enumerate(loader):
        images = images.to(device)
        labels = labels.to(device)
        summed = criterion(model(images), labels)
        for parameter in model.parameters():
            parameter.grad = None
        (summed / len(labels)).backward()
        optimizer.step()
        total = total + summed.detach()
        print("batch", step)
    return total / len(loader.dataset)


@right("other formula")
def other_formula(net, batches, opt, where):
    import torch.nn.functional as F

    def step(x, y):
        opt.zero_grad(set_to_none=True)
        log_p = F.log_softmax(net(x.to(where)), dim=-1)
        loss = F.nll_loss(log_p, y.to(where))
        loss.backward()
        opt.step()
        return loss.item(), len(y)

    net.train()
    losses, sizes = map(np.array, zip(*(step(x, y) for x, y in batches)))
    return np.average(losses, weights=sizes)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(model, loader, optimizer, device):
    from torch.nn.functional import cross_entropy

    model.train()
    total, count = 0.0, 0
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(labels), count + len(labels)
    return total / count


@mistake
def epoch_keeps_gradients(model, loader, optimizer, device):
    """The gradients of all batches so far pile up. Clear them before each backward pass: optimizer.zero_grad()."""
    from torch.nn.functional import cross_entropy

    model.train()
    total, count = 0.0, 0
    optimizer.zero_grad()
    for inputs, labels in loader:
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(labels), count + len(labels)
    return total / count


epoch_in_eval_mode = slip(
    answer,
    "model.train()",
    "",
    says="The model stayed in eval mode, where batch normalisation learns no averages and dropout does nothing. "
    "Call model.train() first.",
)


epoch_mean_of_means = slip(
    answer,
    ("total, count = 0.0, 0", "losses = []"),
    ("total, count = total + loss.item() * len(labels), count + len(labels)", "losses.append(loss.item())"),
    ("total / count", "sum(losses) / len(losses)"),
    says="You averaged over batches. The last one is smaller, and its samples then count more: weight each loss by "
    "its batch size, and divide by the number of samples.",
)


epoch_sum = slip(
    answer,
    ("total, count = 0.0, 0", "total = 0.0"),
    ("total, count = total + loss.item() * len(labels), count + len(labels)", "total += loss.item()"),
    ("total / count", "total"),
    says="The losses of the batches were added up. The exercise asks for the mean over the samples.",
)


epoch_never_steps = slip(
    answer,
    "optimizer.step()",
    "",
    says="The weights did not move: backward only computes gradients. optimizer.step() uses them.",
)


epoch_one_step = slip(
    epoch_keeps_gradients,
    ("optimizer.step()", ""),
    ("return total / count", "optimizer.step()\nreturn total / count"),
    says="There was one step, at the end of the epoch. Mini-batches step after every batch: zero_grad, backward and "
    "step all belong inside the loop.",
)


@mistake
def epoch_last_loss(model, loader, optimizer, device):
    """This is the loss of the last batch. The exercise asks for the mean over all samples of the epoch."""
    from torch.nn.functional import cross_entropy

    model.train()
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs.to(device)), labels.to(device))
        loss.backward()
        optimizer.step()
    return loss.item()

"""How far a student is from its teacher and from the labels (Hinton, Vinyals, Dean, 2015)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from autograder.exercise import Case
from autograder.exercises.awkward import magnitudes
from autograder.exercises.declare import Asks, hidden, mistake, right, slip, visible
from autograder.exercises.pruning import observers
from autograder.exercises.pruning.inputs import Cases, t
from course_lib import pruning

ASKS = Asks(
    pruning.distillation_loss,
    signature="distillation_loss(student (N, C), teacher (N, C), labels (N,), temperature, alpha) -> tensor ()",
    points={"basics": 1, "safe": 1, "gradients": 1},
    hints=(
        "Which of the two parts knows the temperature? And whose probabilities weight the divergence?",
        "The soft part is KL(teacher || student) of the softened logits, summed over classes, averaged over "
        "examples, times T squared. The hard part is the plain cross-entropy. alpha weights the soft one.",
        "With `torch.log_softmax(... / temperature, dim=1)` of both: `functional.kl_div(log_student, log_teacher, "
        'reduction="batchmean", log_target=True)`, times `alpha * temperature**2`. The hard part gets `1 - alpha`.',
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _logits(rng: np.random.Generator, n: int, classes: int, dtype: torch.dtype = torch.float64) -> tuple[Any, ...]:
    student, teacher = (2 * t(rng, n, classes, dtype=dtype) for _ in range(2))
    return student, teacher, torch.from_numpy(rng.integers(0, classes, n))


def _scaled(rng: np.random.Generator, scale: float) -> tuple[Any, ...]:
    """Logits in the unit of the temperature: the loss is as small or large as its square."""
    student, teacher, labels = _logits(rng, 3, 4)
    return scale * student, scale * teacher, labels, scale, 1.0


@visible
def visible_cases(rng: np.random.Generator) -> Cases:
    """By hand, both ends of alpha, large logits, gradients."""
    third = math.log(3)
    student = torch.tensor([[0.0, 0.0]], dtype=torch.float64)
    teacher = torch.tensor([[2 * third, 0.0]], dtype=torch.float64)
    yield Case("one example", (student, teacher, torch.tensor([1]), 2.0, 0.5))
    yield Case("four examples", (*_logits(rng, 4, 3), 3.0, 0.7))
    yield Case("the labels alone", (*_logits(rng, 3, 4), 4.0, 0.0))
    yield Case("the teacher alone", (*_logits(rng, 3, 4), 1.5, 1.0))
    huge = torch.tensor([[1e4, 0.0, -1e4], [0.0, 1e4, 3.0]], dtype=torch.float64)
    yield Case("huge logits", (huge, huge.flip(1), torch.tensor([2, 1]), 2.0, 0.4), group="safe")
    yield Case("gradients", (*_logits(rng, 3, 3), 2.0, 0.6), group="gradients", through=observers.differentiated)


@hidden
def hidden_cases(rng: np.random.Generator) -> Cases:
    """Other sizes and temperatures."""
    yield Case("many classes", (*_logits(rng, 6, 20), 5.0, 0.9))
    yield Case("a batch of one", (*_logits(rng, 1, 5), 2.5, 0.3))
    yield Case("single precision", (*_logits(rng, 8, 4, torch.float32), 3.0, 0.5))
    yield Case("a low temperature", (*_logits(rng, 5, 3), 0.5, 0.8))
    yield from magnitudes(lambda scale: _scaled(rng, scale))
    student, teacher, labels = _logits(rng, 4, 5)
    yield Case("a huge student", (1e4 * student, teacher, labels, 3.0, 0.6), group="safe")
    yield Case("a huge teacher", (student, 1e4 * teacher, labels, 1.0, 0.6), group="safe")
    yield Case("gradients", (*_logits(rng, 7, 4), 4.0, 0.25), group="gradients", through=observers.differentiated)


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(student, teacher, labels, temperature, alpha):
    total = 0.0
    for n in range(student.shape[0]):
        s = torch.log_softmax(student[n] / temperature, 0)
        t = torch.log_softmax(teacher[n] / temperature, 0)
        soft = 0.0
        for c in range(student.shape[1]):
            soft = soft + t[c].exp() * (t[c] - s[c])
        hard = -torch.log_softmax(student[n], 0)[labels[n]]
        total = total + alpha * temperature**2 * soft + (1 - alpha) * hard
    return total / student.shape[0]


@right("other formula")
def other_formula(student, teacher, labels, temperature, alpha):
    from torch import nn

    soft = nn.KLDivLoss(reduction="sum", log_target=True)(
        nn.LogSoftmax(dim=-1)(student / temperature), nn.LogSoftmax(dim=-1)(teacher / temperature)
    )
    hard = student.logsumexp(dim=1) - student.gather(1, labels[:, None])[:, 0]
    return alpha * temperature * temperature * soft / len(student) + (1 - alpha) * hard.mean()


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(student, teacher, labels, temperature, alpha):
    from torch.nn.functional import cross_entropy, kl_div

    soft = torch.log_softmax(student / temperature, 1), torch.log_softmax(teacher / temperature, 1)
    apart = kl_div(*soft, reduction="batchmean", log_target=True)
    return alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)


distil_without_square = slip(
    answer,
    "alpha * temperature**2",
    "alpha",
    says="The factor T^2 is missing. Gradients of the soft part shrink with 1 / T^2; without it the teacher is "
    "hardly heard at a high temperature.",
)


distil_reversed = slip(
    answer,
    "torch.log_softmax(student / temperature, 1), torch.log_softmax(teacher / temperature, 1)",
    "torch.log_softmax(teacher / temperature, 1), torch.log_softmax(student / temperature, 1)",
    says="The divergence is the wrong way round. KL(teacher || student) weights by the teacher's probabilities: sum of "
    "p_t (log p_t - log p_s).",
)


@mistake
def distil_mean_of_all(student, teacher, labels, temperature, alpha):
    """The divergence was averaged over classes too. It is a sum over the classes and a mean over the batch:
    reduction="batchmean"."""
    from torch.nn.functional import cross_entropy

    soft, wanted = torch.log_softmax(student / temperature, 1), torch.log_softmax(teacher / temperature, 1)
    apart = (wanted.exp() * (wanted - soft)).mean()
    return alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)


distil_alpha_swapped = slip(
    answer,
    "alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)",
    "(1 - alpha) * temperature**2 * apart + alpha * cross_entropy(student, labels)",
    says="alpha and 1 - alpha are swapped. alpha is the teacher's share.",
)


distil_hot_labels = slip(
    answer,
    "cross_entropy(student, labels)",
    "cross_entropy(student / temperature, labels)",
    says="The cross-entropy with the labels uses the temperature too. It belongs to the soft part only: the hard "
    "part takes the student's logits as they are.",
)


@mistake
def distil_cross_entropy(student, teacher, labels, temperature, alpha):
    """The soft part is the cross-entropy with the teacher. The divergence is that minus the teacher's own entropy: it
    is 0 where both agree."""
    from torch.nn.functional import cross_entropy

    soft = torch.log_softmax(student / temperature, 1)
    apart = -(torch.softmax(teacher / temperature, 1) * soft).sum(dim=1).mean()
    return alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)


@mistake
def distil_unsafe(student, teacher, labels, temperature, alpha):
    """With huge logits a probability becomes 0, and its logarithm minus infinity. Take torch.log_softmax of the logits
    instead of the logarithm of a softmax."""
    from torch.nn.functional import cross_entropy

    ours, theirs = torch.softmax(student / temperature, 1), torch.softmax(teacher / temperature, 1)
    apart = (theirs * (theirs.log() - ours.log())).sum(dim=1).mean()
    return alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)


distil_number = slip(
    answer,
    "alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels)",
    "float(alpha * temperature**2 * apart + (1 - alpha) * cross_entropy(student, labels))",
    says="This is a Python number, and no gradient gets past it. Return the tensor itself, without .item() or float().",
)

"""The loss of a ReLU network on a batch, and its gradient with respect to every weight and bias."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograder.calls import Probe
from autograder.exercise import Case
from autograder.exercises.awkward import RELATIVE, SCALES, magnitudes
from autograder.exercises.backprop.inputs import Array, Rng
from autograder.exercises.declare import Asks, hidden, holds, mistake, right, right_text, slip, visible
from autograder.forbidden_names import BY_HAND
from course_lib import backprop

ASKS = Asks(
    backprop.mlp_gradients,
    signature="mlp_gradients(x (N, n_0), labels (N,), params [(W, b), ...]) -> (loss, [(dW, db), ...])",
    points={"basics": 3, "corners": 1},
    forbids=BY_HAND,
    hints=(
        "Which entry of forward's list did each layer read? And after which layer is there no ReLU on the way back?",
        "Start from the gradient of the logits and walk from the last layer to the first. A layer gives dW, db and "
        "dx; dx then goes back through the ReLU that made the layer's input.",
        "From the last `layer` down to 0: `dx, dW, db = linear_backward(dout, values[layer], W)`, then `dout = "
        "relu_backward(dx, values[layer])`. Collect `(dW, db)` and reverse the list at the end.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


Params = list[tuple[Array, Array]]


def network(rng: Rng, sizes: Sequence[int], dtype: DTypeLike = float) -> Params:
    """Random weights and biases."""
    return [
        ((rng.standard_normal((m, n)) / np.sqrt(n)).astype(dtype), rng.standard_normal(m).astype(dtype))
        for n, m in pairwise(sizes)
    ]


def _task(rng: Rng, n: int, sizes: Sequence[int], dtype: DTypeLike = float) -> tuple[Any, ...]:
    x = rng.standard_normal((n, sizes[0])).astype(dtype)
    return x, rng.integers(0, sizes[-1], n), network(rng, sizes, dtype)


@visible
def visible_cases(rng: Rng) -> Iterator[Case]:
    hidden = np.array([[1.0, -1.0], [2.0, 1.0], [-1.0, 0.0]]), np.array([0.0, -1.0, 0.0])
    last = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]]), np.array([1.0, -2.0])
    yield Case("the network of this notebook", (np.array([[1.0, 2.0]]), np.array([1]), [hidden, last]))
    yield Case("two examples, two layers", _task(rng, 2, [2, 3, 2]))
    yield Case("all layers of width three", _task(rng, 4, [3, 3, 3]))
    yield Case("three layers", _task(rng, 5, [4, 6, 5, 3]))
    yield Case("one layer", _task(rng, 3, [4, 2]), group="corners")
    silent = [(W, np.zeros_like(b)) for W, b in network(rng, [3, 4, 2])]
    x = np.array([[0.0, 0.0, 0.0], [1.0, -1.0, 2.0]])
    yield Case("units at exactly 0", (x, np.array([0, 1]), silent), group="corners")
    yield Case("float32", _task(rng, 3, [2, 5, 4], np.float32), group="corners")


@hidden
def hidden_cases(rng: Rng) -> Iterator[Case]:
    yield Case("a larger network", _task(rng, 20, [9, 16, 7, 5]))
    yield Case("a larger batch", _task(rng, 50, [4, 8, 3]))
    yield Case("a batch of one", _task(rng, 1, [6, 4, 3]), group="corners")
    yield Case("five layers", _task(rng, 4, [3, 7, 2, 6, 5, 4]), group="corners")
    yield Case("width one", _task(rng, 4, [1, 1, 2]), group="corners")
    x, labels, params = _task(rng, 8, [6, 5, 3])
    strided = [(np.asfortranarray(W), b[::-1]) for W, b in params]
    yield Case("Fortran order and slices", (x[::2], labels[::2], strided), group="corners")
    yield Case("large numbers", (x * 1e3, labels, params), group="corners")
    yield Case("larger numbers", (x * 1e5, labels, params), group="corners")
    (W, b), last = params
    yield from magnitudes(lambda scale: (scale * x, labels, [(W / scale, b), last]), group="corners")
    yield Case("zeros", (np.zeros((2, 6)), labels[:2], [(W, 0 * b) for W, b in params]), group="corners")

    for scale in SCALES[:4]:
        small = scale * x, labels, [(W, scale * b) for W, b in params]
        yield Case(f"activations around {scale:g}", small, group="corners", tolerance=RELATIVE)


# --- properties ----------------------------------------------------------------------------------------------


def _loss(x: Array, labels: Array, params: list[tuple[Array, Array]]) -> float:
    for W, b in params[:-1]:
        x = np.maximum(x @ W.T + b, 0)
    logits = x @ params[-1][0].T + params[-1][1]
    right = logits[np.arange(len(labels)), labels]
    return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - right))


@holds("gradients are slopes of the loss", group="basics")
def slope_of_the_loss(call: Probe, rng: Rng) -> str | None:
    x, labels, params = rng.standard_normal((5, 3)), rng.integers(0, 4, 5), network(rng, [3, 6, 4])
    _, grads = call(x, labels, params)
    eps = 1e-6
    for layer, (W, b) in enumerate(params):
        for name, part, moved in (("W", 0, rng.standard_normal(W.shape)), ("b", 1, rng.standard_normal(b.shape))):
            up, down = [list(params) for _ in range(2)]
            for sign, where in ((eps, up), (-eps, down)):
                pair = [W, b]
                pair[part] = pair[part] + sign * moved
                where[layer] = (pair[0], pair[1])
            measured = (_loss(x, labels, up) - _loss(x, labels, down)) / (2 * eps)
            if not np.isclose(measured, (np.asarray(grads[layer][part]) * moved).sum(), rtol=1e-4, atol=1e-6):
                return f"{name} of layer {layer + 1} was moved a little: the loss does not change as d{name} predicts"
    return None


# --- right answers in other styles ------------------------------------------------------------------------


@right("loops")
def loops(x, labels, params):
    kept = []
    a = x
    for number, (W, b) in enumerate(params):
        z = np.dot(a, W.T) + b
        kept.append((a, z))
        a = z if number == len(params) - 1 else z * (z > 0)
    top = a.max(axis=1)
    total = 0.0
    dz = np.zeros_like(a)
    for n, label in enumerate(labels):
        e = np.exp(a[n] - top[n])
        total += np.log(e.sum()) + top[n] - a[n, label]
        dz[n] = e / e.sum()
        dz[n, label] -= 1
    dz = dz / len(labels)
    grads = []
    for number in range(len(params) - 1, -1, -1):
        below, _ = kept[number]
        grads.insert(0, [np.dot(dz.T, below), dz.sum(0)])
        if number:
            dz = np.dot(dz, params[number][0])
            dz[kept[number - 1][1] <= 0] = 0
    return total / len(labels), grads


other_formula = right_text(
    "other formula",
    '''
def mlp_gradients(x, labels, params):
    """Recursively: what the layers above say of this layer's output."""

    def below(a, layers):
        (W, b), *rest = layers
        z = a @ W.T + b
        if rest:
            loss, dz, grads = below(np.where(z > 0, z, 0), rest)
            dz = np.where(z > 0, dz, 0)
        else:
            log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
            one_hot = np.eye(z.shape[1], dtype=z.dtype)[labels]
            loss, dz, grads = -(log_p * one_hot).sum() / len(z), (np.exp(log_p) - one_hot) / len(z), ()
        return loss, dz @ W, ((dz.T @ a, np.einsum("no->o", dz)), *grads)

    loss, _, grads = below(x, params)
    return loss, grads
''',
)


# --- mistakes -----------------------------------------------------------------------------------------------


def answer(x, labels, params):
    a, z = [x], []
    for W, b in params:
        z.append(a[-1] @ W.T + b)
        a.append(np.maximum(z[-1], 0))
    logits = z[-1]
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    loss = -logp[rows, labels].mean()
    g = np.exp(logp)
    g[rows, labels] -= 1
    g /= len(x)
    grads = []
    for (W, _), below in zip(params[::-1], a[-2::-1]):
        grads.append((g.T @ below, g.sum(axis=0)))
        g = (g @ W) * (below > 0)
    return loss, grads[::-1]


mlp_without_relu = slip(
    answer,
    "(g @ W) * (below > 0)",
    "g @ W",
    says="The gradient passes through the ReLUs as if they were not there. Between two layers send it through "
    "relu_backward.",
)


mlp_looks_at_gradient = slip(
    answer,
    "(g @ W) * (below > 0)",
    "np.maximum(g @ W, 0)",
    says="Between two layers you let only positive gradients pass. The forward pass decides: the gradient passes "
    "where the unit was active.",
)


mlp_last_layer_first = slip(
    answer,
    "grads[::-1]",
    "grads",
    says="The gradients come in the order in which you found them, the last layer first. Return them in the order "
    "of params: reverse the list at the end.",
)


mlp_relu_on_logits = slip(
    answer,
    ("logits = z[-1]", "logits = a[-1]"),
    ("grads = []", "g = g * (z[-1] > 0)\ngrads = []"),
    says="The loss itself is wrong: the logits went through a ReLU. The last layer has no ReLU, forward or backward.",
)


mlp_relu_before_last = slip(
    answer,
    "grads = []",
    "g = g * (z[-1] > 0)\ngrads = []",
    says="The loss is right, but in the backward pass the gradient of the logits was multiplied by a ReLU's slope. "
    "There is no ReLU after the last layer.",
)


mlp_summed = slip(
    answer,
    "g /= len(x)",
    "g = g * 1",
    says="These gradients are sums over the batch, and the loss is a mean. Divide by the number of examples once, "
    "where the gradient starts: in dlogits.",
)


mlp_biases_forgotten = slip(
    answer,
    "g.sum(axis=0)",
    "np.zeros(len(W), x.dtype)",
    says="The gradients of the biases are all 0. Each is the sum of dout over the examples: the third thing that "
    "linear_backward returns.",
)


@mistake
def mlp_awake_at_zero(x, labels, params):
    """Units whose sum is exactly 0 were treated as active. relu_backward tests x > 0."""
    a, z = [x], []
    for W, b in params:
        z.append(a[-1] @ W.T + b)
        a.append(np.maximum(z[-1], 0))
    shifted = z[-1] - z[-1].max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    loss = -logp[rows, labels].mean()
    g = np.exp(logp)
    g[rows, labels] -= 1
    g /= len(x)
    grads = []
    for layer in range(len(params) - 1, -1, -1):
        grads.append((g.T @ a[layer], g.sum(axis=0)))
        if layer > 0:
            g = (g @ params[layer][0]) * (z[layer - 1] >= 0)
    return loss, grads[::-1]

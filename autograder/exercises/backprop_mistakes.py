"""Known mistakes of backpropagation: each docstring is the sentence that helps whoever made it."""

# Written as students write, since each is also submitted as one: mypy and two rules of ruff ask for more.
# mypy: disable-error-code="no-untyped-def,no-untyped-call"
# ruff: noqa: B905, RUF007

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.exercise import Case, Misconception
from autograder.exercises.backprop_cases import HeldOut

__all__ = ["MISTAKES"]


# --- numerical_gradient ----------------------------------------------------------------------------------


def numerical_forward_difference(f, x, eps=1e-5):
    """You nudge in one direction only: (f(x + eps) - f(x)) / eps. Its error shrinks with eps, that of the
    central difference with eps squared: (f(x + eps) - f(x - eps)) / (2 * eps)."""
    x = x.copy()
    grad = np.zeros_like(x)
    start = f(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + eps
        grad[i] = (f(x) - start) / eps
        x[i] = old
    return grad


def numerical_one_eps(f, x, eps=1e-5):
    """Every slope is twice too large: from x - eps to x + eps it is a way of 2 * eps, so divide by that."""
    x = x.copy()
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + eps
        up = f(x)
        x[i] = old - eps
        grad[i] = (up - f(x)) / eps
        x[i] = old
    return grad


def numerical_never_restored(f, x, eps=1e-5):
    """An entry of x was nudged and stayed where it was, so the next slopes are measured from another place.
    Put the old value back before you go on."""
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += eps
        up = f(x)
        x[i] -= 2 * eps
        grad[i] = (up - f(x)) / (2 * eps)
    return grad


def numerical_added_back(f, x, eps=1e-5):
    """The slopes are right, but x is not quite what it was: x + eps - 2 * eps + eps is rounded at each step.
    Keep the old value and put it back."""
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += eps
        up = f(x)
        x[i] -= 2 * eps
        grad[i] = (up - f(x)) / (2 * eps)
        x[i] += eps
    return grad


def numerical_all_at_once(f, x, eps=1e-5):
    """All entries were nudged together, which gives one slope for all of them. Nudge one entry at a time and
    leave the others alone."""
    slope = (f(x + eps) - f(x - eps)) / (2 * eps)
    return np.full(x.shape, slope)


def numerical_own_eps(f, x, eps=1e-5):
    """The eps that is passed in was not used: these are the numbers for 1e-5. Whoever calls you may want
    another one."""
    x = x.copy()
    grad = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        old = x[i]
        x[i] = old + 1e-5
        up = f(x)
        x[i] = old - 1e-5
        grad[i] = (up - f(x)) / 2e-5
        x[i] = old
    return grad


def numerical_flat_copy(f, x, eps=1e-5):
    """Where the numbers of x do not lie side by side in memory, x.reshape(-1) is a copy: nudging it does not
    nudge x. Loop over np.ndindex(x.shape) and write to x[i]."""
    flat = x.reshape(-1)
    grad = np.zeros(x.size)
    for i in range(x.size):
        old = flat[i]
        flat[i] = old + eps
        up = f(x)
        flat[i] = old - eps
        grad[i] = (up - f(x)) / (2 * eps)
        flat[i] = old
    return grad.reshape(x.shape)


def numerical_rows_only(f, x, eps=1e-5):
    """for i in range(len(x)) nudges whole rows of a matrix together. Every number is nudged alone: loop over
    np.ndindex(x.shape)."""
    x = x.copy()
    grad = np.zeros_like(x)
    for i in range(len(x)):
        old = np.copy(x[i])
        x[i] = old + eps
        up = f(x)
        x[i] = old - eps
        grad[i] = (up - f(x)) / (2 * eps)
        x[i] = old
    return grad


# --- linear_backward -------------------------------------------------------------------------------------


def linear_weights_transposed(dout, x, W):
    """Your dW has shape (D, C). A gradient has the shape of what it belongs to, and W is (C, D): dout.T @
    x."""
    return dout @ W, x.T @ dout, dout.sum(axis=0)


def linear_input_by_transpose(dout, x, W):
    """For dx you multiply by W.T, as on the way forward. On the way back it is W itself: dout (N, C) times W
    (C, D) gives (N, D)."""
    return dout @ W.T, dout.T @ x, dout.sum(axis=0)


def linear_bias_mean(dout, x, W):
    """db is the mean over the batch here. The bias was added to every example, so it collects all their
    shares: dout.sum(axis=0)."""
    return dout @ W, dout.T @ x, dout.mean(axis=0)


def linear_batch_mean(dout, x, W):
    """dW and db were divided by the number of examples. The loss is the mean, and its gradient has divided by
    N already: dout carries it. Here shares only add up."""
    return dout @ W, dout.T @ x / len(x), dout.sum(axis=0) / len(x)


def linear_bias_by_example(dout, x, W):
    """db came back as one row for each example. The bias is one for all of them: sum over the examples,
    dout.sum(axis=0)."""
    return dout @ W, dout.T @ x, dout


def linear_bias_keeps_axis(dout, x, W):
    """db has shape (1, C), and b has (C,). Sum without keepdims, or each step of training gives the bias
    another axis."""
    return dout @ W, dout.T @ x, dout.sum(axis=0, keepdims=True)


def linear_other_order(dout, x, W):
    """dW stands where dx is expected. The order is that of the arguments of linear(x, W, b): dx, dW, db."""
    return dout.T @ x, dout @ W, dout.sum(axis=0)


def linear_bias_over_outputs(dout, x, W):
    """db was summed over the outputs, which leaves one number for each example. Sum over the examples:
    axis=0."""
    return dout @ W, dout.T @ x, dout.sum(axis=1)


# --- relu_backward ---------------------------------------------------------------------------------------


def relu_awake_at_zero(dout, x):
    """At exactly 0 you let the gradient pass. The course, like PyTorch, takes the slope 0 there: x > 0, not x
    >= 0."""
    return dout * (x >= 0)


def relu_looks_at_gradient(dout, x):
    """Only the positive numbers of dout passed. Its sign does not matter: what decides is whether the unit was
    awake on the way forward, x > 0."""
    return dout * (dout > 0)


def relu_slope_alone(dout, x):
    """This is the slope of the ReLU, 1 or 0. Multiply by dout: the blame that arrives from above passes or
    stops."""
    return (x > 0).astype(dout.dtype)


def relu_times_value(dout, x):
    """dout was multiplied by relu(x), the value. It is the slope that counts: 1 where x > 0, else 0."""
    return dout * np.maximum(x, 0)


def relu_leaks(dout, x):
    """A hundredth of the gradient passes where x is negative: that is the leaky ReLU. Here a unit that slept
    gets exactly 0."""
    return np.where(x > 0, dout, 0.01 * dout).astype(dout.dtype)


def relu_in_place(dout, x):
    """The answer is right, but dout was overwritten on the way, and another branch may still need it. Make a
    new array: dout * (x > 0)."""
    dout[x <= 0] = 0
    return dout


# --- sigmoid_backward ------------------------------------------------------------------------------------


def sigmoid_from_input(dout, out):
    """You took the sigmoid of out, but out has been through it already. The slope is out * (1 - out)."""
    s = 1 / (1 + np.exp(-out))
    return dout * s * (1 - s)


def sigmoid_half_a_slope(dout, out):
    """dout was multiplied by out alone. The slope of the sigmoid is out * (1 - out)."""
    return dout * out


def sigmoid_as_tanh(dout, out):
    """1 - out ** 2 is the slope of tanh. That of the sigmoid is out * (1 - out)."""
    return dout * (1 - out**2)


def sigmoid_slope_alone(dout, out):
    """This is the slope without dout. Multiply by it: the blame from above arrives scaled by the slope."""
    return out * (1 - out)


def sigmoid_as_relu(dout, out):
    """The gradient passes unchanged where out > 0, which is the rule of the ReLU. The sigmoid scales it by out
    * (1 - out)."""
    return dout * (out > 0)


def sigmoid_sign(dout, out):
    """The sign is wrong: out * (out - 1) is negative, but the sigmoid rises everywhere. Its slope is out * (1
    - out)."""
    return dout * out * (out - 1)


# --- softmax_cross_entropy -------------------------------------------------------------------------------


def entropy_gradient_summed(logits, labels):
    """The loss is a mean over the batch, so its gradient is one too: divide p - one_hot by the number of
    examples."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(logp)
    grad[rows, labels] -= 1
    return -logp[rows, labels].mean(), grad


def entropy_summed(logits, labels):
    """Both are sums over the batch. The course's losses are means: divide the loss and its gradient by the
    number of examples."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(logp)
    grad[rows, labels] -= 1
    return -logp[rows, labels].sum(), grad


def entropy_overflows(logits, labels):
    """The formula is right, but np.exp overflows at large logits. Subtract the largest logit of each row
    first: it changes no probability."""
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return loss, p / len(labels)


def entropy_log_of_zero(logits, labels):
    """The softmax is safe, its logarithm is not: a probability of e^-20000 is rounded to 0, and log(0) is
    infinite. Take the logarithm on paper: log p = z - max - log(sum of exp(z - max))."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    return loss, p / len(labels)


def entropy_small_number_added(logits, labels):
    """log(p + 1e-12) hides the log of 0 and caps the loss near 27.6, where it should be thousands. Take the
    logarithm on paper: log p = z - max - log(sum of exp(z - max))."""
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(p[rows, labels] + 1e-12).mean()
    p[rows, labels] -= 1
    return loss, p / len(labels)


def entropy_right_class_forgotten(logits, labels):
    """dlogits holds the probabilities alone. Subtract 1 at the right class of each row: dlogits[np.arange(N),
    labels] -= 1, before you divide by N."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logp[np.arange(len(labels)), labels].mean(), np.exp(logp) / len(labels)


def entropy_sign(logits, labels):
    """The gradient points the other way: one_hot - p. It shows uphill, so the right class gets a negative
    number: p - one_hot."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = -np.exp(logp)
    grad[rows, labels] += 1
    return -logp[rows, labels].mean(), grad / len(labels)


def entropy_one_maximum(logits, labels):
    """You subtract the largest logit of the whole batch. A row that lies far below it becomes 0 / 0. Each row
    has its own maximum: logits.max(axis=1, keepdims=True)."""
    e = np.exp(logits - logits.max())
    total = e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = np.mean(np.log(total[:, 0]) - (logits - logits.max())[rows, labels])
    grad = e / total
    grad[rows, labels] -= 1
    return loss, grad / len(labels)


# --- mlp_gradients ---------------------------------------------------------------------------------------


def mlp_without_relu(x, labels, params):
    """The gradient passes through the ReLUs as if they were not there. Between two layers send it through
    relu_backward."""
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
        g = g @ W
    return loss, grads[::-1]


def mlp_looks_at_gradient(x, labels, params):
    """Between two layers you let only positive gradients pass. What decides is the forward pass: the gradient
    passes where the unit was awake."""
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
        g = np.maximum(g @ W, 0)
    return loss, grads[::-1]


def mlp_last_layer_first(x, labels, params):
    """The gradients come in the order in which you found them, the last layer first. Return them in the order
    of params: reverse the list at the end."""
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
    return loss, grads


def mlp_relu_on_logits(x, labels, params):
    """The loss itself is another one: the logits went through a ReLU. The last layer does not bend, forward or
    back."""
    a, z = [x], []
    for W, b in params:
        z.append(a[-1] @ W.T + b)
        a.append(np.maximum(z[-1], 0))
    logits = a[-1]
    shifted = logits - logits.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    loss = -logp[rows, labels].mean()
    g = np.exp(logp)
    g[rows, labels] -= 1
    g /= len(x)
    g = g * (z[-1] > 0)
    grads = []
    for (W, _), below in zip(params[::-1], a[-2::-1]):
        grads.append((g.T @ below, g.sum(axis=0)))
        g = (g @ W) * (below > 0)
    return loss, grads[::-1]


def mlp_relu_before_last(x, labels, params):
    """The loss is right, but on the way back the gradient of the logits went through a ReLU's slope. There is
    no ReLU after the last layer."""
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
    g = g * (z[-1] > 0)
    grads = []
    for (W, _), below in zip(params[::-1], a[-2::-1]):
        grads.append((g.T @ below, g.sum(axis=0)))
        g = (g @ W) * (below > 0)
    return loss, grads[::-1]


def mlp_summed(x, labels, params):
    """These gradients are sums over the batch, and the loss is a mean. Divide by the number of examples once,
    where the gradient starts: in dlogits."""
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
    g = g * 1
    grads = []
    for (W, _), below in zip(params[::-1], a[-2::-1]):
        grads.append((g.T @ below, g.sum(axis=0)))
        g = (g @ W) * (below > 0)
    return loss, grads[::-1]


def mlp_biases_forgotten(x, labels, params):
    """The gradients of the biases are all 0. Each is the sum of dout over the examples: the third thing that
    linear_backward gives."""
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
        grads.append((g.T @ below, np.zeros(len(W), x.dtype)))
        g = (g @ W) * (below > 0)
    return loss, grads[::-1]


def mlp_awake_at_zero(x, labels, params):
    """Units whose sum is exactly 0 were treated as awake. relu_backward asks for x > 0."""
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


# --- unbroadcast -----------------------------------------------------------------------------------------


def unbroadcast_keeps_new_axes(grad, shape):
    """A new axis in front was summed but kept, with length 1: (1, 3) in place of (3,). Axes that shape does
    not have must go: sum them without keepdims."""
    extra = grad.ndim - len(shape)
    padded = (1,) * extra + tuple(shape)
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    return grad.sum(axis=axes, keepdims=True)


def unbroadcast_drops_ones(grad, shape):
    """An axis of length 1 has vanished: (2,) in place of (2, 1). Where shape has a 1, sum with
    keepdims=True."""
    extra = grad.ndim - len(shape)
    padded = (1,) * extra + tuple(shape)
    axes = tuple(i for i, n in enumerate(padded) if n == 1)
    return np.asarray(grad.sum(axis=axes))


def unbroadcast_new_axes_only(grad, shape):
    """You sum over the axes that came in front. An axis of length 1 was stretched as well: sum it too, with
    keepdims=True."""
    return np.asarray(grad.sum(axis=tuple(range(grad.ndim - len(shape)))))


def unbroadcast_ones_only(grad, shape):
    """You sum where shape has a 1. Broadcasting also puts new axes in front: sum those away first."""
    for i, n in enumerate(shape):
        if n == 1:
            grad = grad.sum(axis=i, keepdims=True)
    return grad


def unbroadcast_mean(grad, shape):
    """You took the mean. A value that was copied has a share in every copy, and shares add up: sum."""
    axes = tuple(range(grad.ndim - len(shape)))
    grad = np.asarray(grad.mean(axis=axes)) if axes else grad
    for i, n in enumerate(shape):
        if n == 1:
            grad = grad.mean(axis=i, keepdims=True)
    return grad


def unbroadcast_first_copy(grad, shape):
    """Only the first copy's gradient came back. All copies are the same value, so all their gradients count:
    sum them."""
    while grad.ndim > len(shape):
        grad = np.asarray(grad[0])
    for i, n in enumerate(shape):
        if n == 1:
            grad = np.take(grad, [0], axis=i)
    return grad


def unbroadcast_total_everywhere(grad, shape):
    """The total of all numbers stands in every place. Sum only over the axes that were stretched; along the
    others each place keeps its own."""
    if grad.shape == tuple(shape):
        return grad
    return np.full(shape, grad.sum())


# --- topological_order -----------------------------------------------------------------------------------


def order_root_first(root):
    """Your list runs from the root to the leaves. Parents come first and the root last: turn it around."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order[::-1]


def order_written_down_too_early(root):
    """A node is written down when you arrive at it, and the list is turned around at the end. That fails where
    two ways meet. Write it down when all of its parents are written."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            order.append(node)
            for parent in node.parents:
                visit(parent)

    visit(root)
    return order[::-1]


def order_level_by_level(root):
    """You go level by level from the root and turn the list around. A node that is reached by a short way and
    by a long one then stands too late. Visit the parents first, as deep as they go."""
    order, ahead = [root], [root]
    while ahead:
        node = ahead.pop(0)
        for parent in node.parents:
            if parent not in order:
                order.append(parent)
                ahead.append(parent)
    return order[::-1]


def order_visited_again(root):
    """A node that is used twice stands in the list twice. Remember in a set which nodes you have visited, and
    pass them by."""
    order = []

    def visit(node):
        for parent in node.parents:
            visit(parent)
        order.append(node)

    visit(root)
    return order


def order_without_leaves(root):
    """The nodes without parents are missing. They are the leaves, the weights and inputs, and belong in the
    list like all others."""
    order, seen = [], set()

    def visit(node):
        if node not in seen and node.parents:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order


def order_without_root(root):
    """The root itself is missing. It is the last entry of the list."""
    order, seen = [], set()

    def visit(node):
        for parent in node.parents:
            if parent not in seen:
                seen.add(parent)
                visit(parent)
                order.append(parent)

    visit(root)
    return order


def order_one_generation(root):
    """Only the root and its parents are in the list. Their parents belong to it too, and so on down to the
    leaves."""
    order = []
    for parent in root.parents:
        if parent not in order:
            order.append(parent)
    return [*order, root]


# --- backward --------------------------------------------------------------------------------------------


def backward_overwritten(root):
    """A node that is used twice keeps only its last share. Shares of a node add up: look whether it has a
    gradient already, and add to it."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)

    grads = {root: np.ones_like(root.value)}
    for node in reversed(order):
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = vjp(grads[node])
    return grads


def backward_added_in_place(root):
    """+= writes into an array that another node holds as well: the share of a sum is the very gradient that
    arrived. Write grads[p] = grads[p] + share, which makes a new array."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)

    grads = {root: np.ones_like(root.value)}
    for node in reversed(order):
        for parent, vjp in zip(node.parents, node.vjps):
            if parent in grads:
                grads[parent] += vjp(grads[node])
            else:
                grads[parent] = vjp(grads[node])
    return grads


def backward_one_share_for_each_parent(root):
    """A node that stands twice among the parents, as in a * a, was counted once. Go through parents and vjps
    side by side with zip, without a set or a dictionary of parents."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)

    grads = {node: np.zeros_like(node.value) for node in order}
    grads[root] = np.ones_like(root.value)
    for node in reversed(order):
        for parent, vjp in dict(zip(node.parents, node.vjps)).items():
            grads[parent] = grads[parent] + vjp(grads[node])
    return grads


def backward_handed_on_twice(root):
    """A node hands on all it has whenever another share arrives, so the first share goes down twice. Wait
    until every share has arrived: go through the topological order backwards."""
    grads = {root: np.ones_like(root.value)}

    def visit(node):
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads.get(parent, 0) + vjp(grads[node])
            visit(parent)

    visit(root)
    return grads


def backward_level_by_level(root):
    """You go level by level from the root, so a node hands on before all of its shares have arrived. The
    reverse of the topological order waits for the last one."""
    grads = {root: np.ones_like(root.value)}
    ahead, seen = [root], {root}
    while ahead:
        node = ahead.pop(0)
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads.get(parent, 0) + vjp(grads[node])
            if parent not in seen:
                seen.add(parent)
                ahead.append(parent)
    return grads


def backward_seeded_with_value(root):
    """You start with the root's value. The gradient of the root with respect to itself is 1: start with
    np.ones_like(root.value)."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)

    grads = {node: np.zeros_like(node.value) for node in order}
    grads[root] = root.value
    for node in reversed(order):
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads[parent] + vjp(grads[node])
    return grads


def backward_slopes_not_multiplied(root):
    """Every vjp was called with ones, so each gradient is the slope of one step alone. Call it with the
    gradient of the node: slopes along a way multiply."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)

    grads = {root: np.ones_like(root.value)}
    for node in reversed(order):
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads.get(parent, 0) + vjp(np.ones_like(node.value))
    return grads


def backward_leaves_only(root):
    """Only the leaves have a gradient here. Return it for every node: the root's and those in between too."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)

    grads = {node: np.zeros_like(node.value) for node in order}
    grads[root] = np.ones_like(root.value)
    for node in reversed(order):
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads[parent] + vjp(grads[node])
    return {node: grads[node] for node in order if not node.parents}


def backward_leaves_first(root):
    """You start at the leaves, whose gradients are not known yet, so zeros are handed on. Start at the root:
    go through the order backwards."""
    order, seen = [], set()

    def visit(node):
        if node not in seen:
            seen.add(node)
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)

    grads = {node: np.zeros_like(node.value) for node in order}
    grads[root] = np.ones_like(root.value)
    for node in order:
        for parent, vjp in zip(node.parents, node.vjps):
            grads[parent] = grads[parent] + vjp(grads[node])
    return grads


# --- sgd_step --------------------------------------------------------------------------------------------


def sgd_uphill(params, grads, lr):
    """You add the gradient, which points uphill. The loss falls against it: p - lr * g."""
    return [p + lr * g for p, g in zip(params, grads)]


def sgd_in_place(params, grads, lr):
    """The answer is right, but p -= ... overwrote the caller's parameters. Make new arrays: p - lr * g."""
    for p, g in zip(params, grads):
        p -= lr * g
    return params


def sgd_step_alone(params, grads, lr):
    """This is the step, -lr * g, and not the place it leads to. Add it to the parameter: p - lr * g."""
    return [-lr * g for g in grads]


def sgd_biases_stay(params, grads, lr):
    """Arrays with one axis came back unchanged. They are the biases, and they have gradients too: every array
    takes its step."""
    return [p - lr * g if p.ndim > 1 else p for p, g in zip(params, grads)]


def sgd_without_rate(params, grads, lr):
    """The whole gradient was subtracted. Scale it first: p - lr * g."""
    return [p - g for p, g in zip(params, grads)]


def sgd_signs_only(params, grads, lr):
    """Every number moved by exactly lr, whatever its gradient. SGD takes a larger step where the slope is
    larger: p - lr * g."""
    return [p - lr * np.sign(g) for p, g in zip(params, grads)]


# --- momentum_step ---------------------------------------------------------------------------------------


def momentum_averaged(params, grads, velocity, lr, beta=0.9):
    """You weigh the gradient with 1 - beta, which makes the velocity an average. Here, as in PyTorch, it is a
    sum: beta * v + g."""
    velocity = [beta * v + (1 - beta) * g for v, g in zip(velocity, grads)]
    return [p - lr * v for p, v in zip(params, velocity)], velocity


def momentum_rate_inside(params, grads, velocity, lr, beta=0.9):
    """The learning rate went into the velocity: beta * v + lr * g. Here it stays outside: v = beta * v + g,
    and then p - lr * v."""
    velocity = [beta * v + lr * g for v, g in zip(velocity, grads)]
    return [p - v for p, v in zip(params, velocity)], velocity


def momentum_old_velocity(params, grads, velocity, lr, beta=0.9):
    """The parameters moved along the velocity from before this step, so the gradient counts one step late.
    Update v first, then step along the new one."""
    moved = [p - lr * v for p, v in zip(params, velocity)]
    return moved, [beta * v + g for v, g in zip(velocity, grads)]


def momentum_nesterov(params, grads, velocity, lr, beta=0.9):
    """The velocity is right, but the step is g + beta * v: Nesterov's variant. Plain momentum steps along v
    alone."""
    velocity = [beta * v + g for v, g in zip(velocity, grads)]
    return [p - lr * (g + beta * v) for p, g, v in zip(params, grads, velocity)], velocity


def momentum_forgets(params, grads, velocity, lr, beta=0.9):
    """The parameters are right, but the old velocity came back. Return the new one, or the next step remembers
    nothing."""
    new = [beta * v + g for v, g in zip(velocity, grads)]
    return [p - lr * v for p, v in zip(params, new)], velocity


def momentum_in_place(params, grads, velocity, lr, beta=0.9):
    """The numbers are right, but v *= beta and v += g overwrote the caller's velocity. Make new arrays: beta *
    v + g."""
    for v, g in zip(velocity, grads):
        v *= beta
        v += g
    return [p - lr * v for p, v in zip(params, velocity)], velocity


def momentum_downhill_velocity(params, grads, velocity, lr, beta=0.9):
    """Your velocity points downhill: beta * v - g, and then p + lr * v. Here it carries the sign of the
    gradient: beta * v + g, and then p - lr * v."""
    velocity = [beta * v - g for v, g in zip(velocity, grads)]
    return [p + lr * v for p, v in zip(params, velocity)], velocity


def momentum_plain(params, grads, velocity, lr, beta=0.9):
    """The velocity that was passed in is not used: this is a plain SGD step. Keep a part of it: v = beta * v +
    g."""
    return [p - lr * g for p, g in zip(params, grads)], grads


# --- adam_step -------------------------------------------------------------------------------------------


def adam_uncorrected(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The averages start at 0 and are too small at first. Divide m by 1 - beta1 ** t and v by 1 - beta2 ** t
    before the step."""
    b1, b2 = betas
    t = state["t"] + 1
    ms = [b1 * m + (1 - b1) * g for m, g in zip(state["m"], grads)]
    vs = [b2 * v + (1 - b2) * g**2 for v, g in zip(state["v"], grads)]
    params = [p - lr * m / (np.sqrt(v) + eps) for p, m, v in zip(params, ms, vs)]
    return params, {"t": t, "m": ms, "v": vs}


def adam_eps_inside(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """eps stands under the root: sqrt(v + eps). The paper adds it outside, sqrt(v) + eps, which differs where
    gradients are tiny."""
    b1, b2 = betas
    t = state["t"] + 1
    ms = [b1 * m + (1 - b1) * g for m, g in zip(state["m"], grads)]
    vs = [b2 * v + (1 - b2) * g**2 for v, g in zip(state["v"], grads)]
    params = [p - lr * (m / (1 - b1**t)) / np.sqrt(v / (1 - b2**t) + eps) for p, m, v in zip(params, ms, vs)]
    return params, {"t": t, "m": ms, "v": vs}


def adam_counts_from_zero(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The correction uses the number of the step before. The first step has t = 1: count up first, or 1 - beta
    ** 0 = 0 is what you divide by."""
    b1, b2 = betas
    t = state["t"]
    ms = [b1 * m + (1 - b1) * g for m, g in zip(state["m"], grads)]
    vs = [b2 * v + (1 - b2) * g**2 for v, g in zip(state["v"], grads)]
    params = [p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps) for p, m, v in zip(params, ms, vs)]
    return params, {"t": t + 1, "m": ms, "v": vs}


def adam_never_counts(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The step is right, but the state comes back with the old t. Return t + 1, or every step is corrected
    like the first."""
    b1, b2 = betas
    t = state["t"] + 1
    ms = [b1 * m + (1 - b1) * g for m, g in zip(state["m"], grads)]
    vs = [b2 * v + (1 - b2) * g**2 for v, g in zip(state["v"], grads)]
    params = [p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps) for p, m, v in zip(params, ms, vs)]
    return params, {"t": state["t"], "m": ms, "v": vs}


def adam_stores_corrected(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The corrected averages were stored. Store m and v as they are, and correct them only for the step:
    otherwise they are corrected again and again."""
    b1, b2 = betas
    t = state["t"] + 1
    ms = [b1 * m + (1 - b1) * g for m, g in zip(state["m"], grads)]
    vs = [b2 * v + (1 - b2) * g**2 for v, g in zip(state["v"], grads)]
    params = [p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps) for p, m, v in zip(params, ms, vs)]
    return params, {"t": t, "m": [m / (1 - b1**t) for m in ms], "v": [v / (1 - b2**t) for v in vs]}


def adam_not_squared(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """v averages the gradient itself. It is the average of its square: g ** 2."""
    b1, b2 = betas
    t = state["t"] + 1
    ms = [b1 * m + (1 - b1) * g for m, g in zip(state["m"], grads)]
    vs = [b2 * v + (1 - b2) * g for v, g in zip(state["v"], grads)]
    params = [p - lr * (m / (1 - b1**t)) / (np.sqrt(np.abs(v) / (1 - b2**t)) + eps) for p, m, v in zip(params, ms, vs)]
    return params, {"t": t, "m": ms, "v": vs}


def adam_counts_arrays(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """t was counted up for every array. It is the number of the step: once for each call, however many arrays
    there are."""
    b1, b2 = betas
    t = state["t"]
    new, ms, vs = [], [], []
    for p, g, m, v in zip(params, grads, state["m"], state["v"]):
        t = t + 1
        ms.append(b1 * m + (1 - b1) * g)
        vs.append(b2 * v + (1 - b2) * g**2)
        new.append(p - lr * (ms[-1] / (1 - b1**t)) / (np.sqrt(vs[-1] / (1 - b2**t)) + eps))
    return new, {"t": t, "m": ms, "v": vs}


def adam_in_place(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The numbers are right, but the caller's state was overwritten. Make new arrays and a new dictionary."""
    b1, b2 = betas
    state["t"] += 1
    t = state["t"]
    new = []
    for p, g, m, v in zip(params, grads, state["m"], state["v"]):
        m[...] = b1 * m + (1 - b1) * g
        v[...] = b2 * v + (1 - b2) * g**2
        new.append(p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps))
    return new, state


def adam_own_constants(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The betas and eps that were passed in are not used: these are the numbers for 0.9, 0.999 and 1e-8. They
    are arguments, so read them."""
    b1, b2, eps = 0.9, 0.999, 1e-8
    t = state["t"] + 1
    ms = [b1 * m + (1 - b1) * g for m, g in zip(state["m"], grads)]
    vs = [b2 * v + (1 - b2) * g**2 for v, g in zip(state["v"], grads)]
    params = [p - lr * (m / (1 - b1**t)) / (np.sqrt(v / (1 - b2**t)) + eps) for p, m, v in zip(params, ms, vs)]
    return params, {"t": t, "m": ms, "v": vs}


def adam_gradient_itself(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """The step goes along g / sqrt(v). Adam steps along the average of the gradients: m in place of g."""
    b1, b2 = betas
    t = state["t"] + 1
    ms = [b1 * m + (1 - b1) * g for m, g in zip(state["m"], grads)]
    vs = [b2 * v + (1 - b2) * g**2 for v, g in zip(state["v"], grads)]
    params = [p - lr * g / (np.sqrt(v / (1 - b2**t)) + eps) for p, g, v in zip(params, grads, vs)]
    return params, {"t": t, "m": ms, "v": vs}


# --- train -----------------------------------------------------------------------------------------------


def train_never_shuffled(x, labels, sizes, epochs, lr, batch_size, rng):
    """The examples come in the order in which they lie. When that is sorted by label, each batch shows one
    digit only and pulls everything to it. Draw a new order in every epoch."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = np.arange(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params


def train_biases_stay(x, labels, sizes, epochs, lr, batch_size, rng):
    """Every bias is still 0. Each step moves the biases too: b - lr * db."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            params = [(W - lr * dW, b) for (W, b), (dW, _) in zip(params, grads)]
    return params


def train_labels_left_behind(x, labels, sizes, epochs, lr, batch_size, rng):
    """The examples were shuffled and their labels were not, so each image got another one's label. Use the
    same order for both."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            xs, ys = x[rows], labels[start : start + batch_size]
            grads = gradients(xs, ys, params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params


def train_steps_lost(x, labels, sizes, epochs, lr, batch_size, rng):
    """The new weights were computed and thrown away: W = W - lr * dW inside a loop over params gives a name to
    a new array and leaves the list as it was. Build a new list."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            for (W, b), (dW, db) in zip(params, grads):
                W = W - lr * dW
                b = b - lr * db
    return params


def train_starts_at_zero(x, labels, sizes, epochs, lr, batch_size, rng):
    """The weights start at 0. Then every hidden unit is silent, no gradient reaches it, and it stays so for
    ever. Start with he_init(sizes, rng)."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(np.zeros((m, n)), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params


def train_one_epoch(x, labels, sizes, epochs, lr, batch_size, rng):
    """The data were gone through once. Do it epochs times."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(1):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params


def train_whole_batch(x, labels, sizes, epochs, lr, batch_size, rng):
    """Each epoch takes one step with all examples together. Take a step for every batch_size of them: many
    small steps learn more than one careful one."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), len(x)):
            rows = order[start : start + len(x)]
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params


def train_drops_the_rest(x, labels, sizes, epochs, lr, batch_size, rng):
    """The last batch is left out where it is not full. When there are fewer examples than batch_size, nothing
    is learned at all. Go on to the end: range(0, len(x), batch_size)."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x) - batch_size + 1, batch_size):
            rows = order[start : start + batch_size]
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params


def train_uphill(x, labels, sizes, epochs, lr, batch_size, rng):
    """The steps add the gradient and climb: the loss grows without end. Go against it: W - lr * dW."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            params = [(W + lr * dW, b + lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params


def train_shuffles_in_place(x, labels, sizes, epochs, lr, batch_size, rng):
    """The network is right, but the caller's x and labels came back in another order. Shuffle a list of row
    numbers, order = rng.permutation(len(x)), and leave the data alone."""

    def gradients(a, y, params):
        inputs = [a]
        for W, b in params:
            z = inputs[-1] @ W.T + b
            inputs.append(np.maximum(z, 0))
        p = np.exp(z - z.max(axis=1, keepdims=True))
        g = p / p.sum(axis=1, keepdims=True)
        g[np.arange(len(y)), y] -= 1
        g, grads = g / len(y), []
        for (W, _), below in zip(params[::-1], inputs[-2::-1]):
            grads.append((g.T @ below, g.sum(axis=0)))
            g = (g @ W) * (below > 0)
        return grads[::-1]

    params = [(rng.standard_normal((m, n)) * np.sqrt(2 / n), np.zeros(m)) for n, m in zip(sizes[:-1], sizes[1:])]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        x[:], labels[:] = x[order], labels[order]
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            xs, ys = x[rows], labels[rows]
            grads = gradients(xs, ys, params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads)]
    return params


# --- the tables -----------------------------------------------------------------------------------------


def _trained(
    wrong: Callable[..., Any], right_on: tuple[str, ...] = (), sign: Callable[[Any], bool] = lambda params: True
) -> Misconception:
    """A wrong training: told by its very numbers on a few clouds, and by how well it reads on digits."""

    def shows(case: Case, params: Any) -> bool:
        held = case.known
        assert isinstance(held, HeldOut)
        if held.kind != "clouds":
            return (held.accuracy(params) >= held.at_least) == (held.kind in right_on) and sign(params)
        again = wrong(*copy.deepcopy(case.args))
        return all(
            np.allclose(one, two) for pair, other in zip(params, again, strict=True) for one, two in zip(pair, other)
        )

    return Misconception.of(wrong, shows=shows)


def _no_biases(params: Any) -> bool:
    return not any(np.any(b) for _, b in params)


def _no_weights(params: Any) -> bool:
    return not any(np.any(W) for W, _ in params)


_WRONG: dict[str, tuple[Callable[..., Any], ...]] = {
    "numerical_gradient": (
        numerical_forward_difference,
        numerical_one_eps,
        numerical_never_restored,
        numerical_added_back,
        numerical_all_at_once,
        numerical_own_eps,
        numerical_flat_copy,
        numerical_rows_only,
    ),
    "linear_backward": (
        linear_weights_transposed,
        linear_input_by_transpose,
        linear_bias_mean,
        linear_batch_mean,
        linear_bias_by_example,
        linear_bias_keeps_axis,
        linear_other_order,
        linear_bias_over_outputs,
    ),
    "relu_backward": (
        relu_awake_at_zero,
        relu_looks_at_gradient,
        relu_slope_alone,
        relu_times_value,
        relu_leaks,
        relu_in_place,
    ),
    "sigmoid_backward": (
        sigmoid_from_input,
        sigmoid_half_a_slope,
        sigmoid_as_tanh,
        sigmoid_slope_alone,
        sigmoid_as_relu,
        sigmoid_sign,
    ),
    "softmax_cross_entropy": (
        entropy_gradient_summed,
        entropy_summed,
        entropy_overflows,
        entropy_log_of_zero,
        entropy_small_number_added,
        entropy_right_class_forgotten,
        entropy_sign,
        entropy_one_maximum,
    ),
    "mlp_gradients": (
        mlp_without_relu,
        mlp_looks_at_gradient,
        mlp_last_layer_first,
        mlp_relu_on_logits,
        mlp_relu_before_last,
        mlp_summed,
        mlp_biases_forgotten,
        mlp_awake_at_zero,
    ),
    "unbroadcast": (
        unbroadcast_keeps_new_axes,
        unbroadcast_drops_ones,
        unbroadcast_new_axes_only,
        unbroadcast_ones_only,
        unbroadcast_mean,
        unbroadcast_first_copy,
        unbroadcast_total_everywhere,
    ),
    "topological_order": (
        order_root_first,
        order_written_down_too_early,
        order_level_by_level,
        order_visited_again,
        order_without_leaves,
        order_without_root,
        order_one_generation,
    ),
    "backward": (
        backward_overwritten,
        backward_added_in_place,
        backward_one_share_for_each_parent,
        backward_handed_on_twice,
        backward_level_by_level,
        backward_seeded_with_value,
        backward_slopes_not_multiplied,
        backward_leaves_only,
        backward_leaves_first,
    ),
    "sgd_step": (
        sgd_uphill,
        sgd_in_place,
        sgd_step_alone,
        sgd_biases_stay,
        sgd_without_rate,
        sgd_signs_only,
    ),
    "momentum_step": (
        momentum_averaged,
        momentum_rate_inside,
        momentum_old_velocity,
        momentum_nesterov,
        momentum_forgets,
        momentum_in_place,
        momentum_downhill_velocity,
        momentum_plain,
    ),
    "adam_step": (
        adam_uncorrected,
        adam_eps_inside,
        adam_counts_from_zero,
        adam_never_counts,
        adam_stores_corrected,
        adam_not_squared,
        adam_counts_arrays,
        adam_in_place,
        adam_own_constants,
        adam_gradient_itself,
    ),
}

_TRAINED = (
    _trained(train_never_shuffled, right_on=("digits",)),
    _trained(train_biases_stay, right_on=("digits", "sorted"), sign=_no_biases),
    _trained(train_labels_left_behind),
    _trained(train_steps_lost),
    _trained(train_starts_at_zero, sign=_no_weights),
    _trained(train_one_epoch),
    _trained(train_whole_batch),
    _trained(train_drops_the_rest, right_on=("digits", "sorted")),
    _trained(train_uphill),
    _trained(train_shuffles_in_place, right_on=("digits", "sorted")),
)

MISTAKES = {name: tuple(map(Misconception.of, wrong)) for name, wrong in _WRONG.items()} | {"train": _TRAINED}
"""The known mistakes of each exercise, the most telling first."""

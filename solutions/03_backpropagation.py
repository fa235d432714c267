# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3 · Backpropagation
#
# **To learn, a network must know for each of its weights: up or down?** The digits network of notebook 2 has 2,410 of them.
# The plain way to find out is to nudge one weight up, look at the loss, nudge it down, look again. That makes 4,820 forward
# passes, for a single step.
#
# A language model of 2020, GPT-3, has 175 billion weights. At a thousand forward passes per second, nudging all of them
# would take **eleven years for one step**.
#
# Backpropagation finds all of these numbers together, for the price of about **three** forward passes. It does not matter how
# many weights there are.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import timeit
from functools import partial

import numpy as np

from autograder import check, progress
from course_lib import data
from course_lib.mlp import forward, he_init, mac_count, parameter_count, relu, sigmoid
from course_lib.tape import Node
from course_lib.viz import backprop as draw
from course_lib.viz import descent, mlp_diagrams, patient, pending, style
from course_lib.viz.tape import tape, tape_slider

style()
digits = data.digits()

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.price()

# %% [markdown]
# **You will be able to**
#
# - derive the step back of a layer, and write a network's backward pass by hand;
# - check any gradient against central differences, and read what the difference means;
# - build the heart of automatic differentiation: a computation graph, its order, and gradients that add up;
# - write SGD, momentum and Adam, and compare optimizers fairly;
# - train a network on mini-batches, choose a learning rate, and say what training costs beyond inference.
#
# **Time** about 5 hours (estimated). **Needs** [1 · Linear classification](../01_linear_classification/01_linear_classification.ipynb)
# and [2 · Forward propagation](../02_mlp_forward/02_mlp_forward.ipynb). [Map of the course](../00_start/00_start.ipynb)
#
# You build both: the slow way, because it is hard to get wrong, and the fast way, which you check against the slow one. Then
# you let a network learn to read.
#
# `forward`, `he_init`, `relu` and `sigmoid` are those of notebook 2. The first cell has imported them.

# %% [markdown]
# ## 3.1 A slope by nudging
#
# Take $f(x_0, x_1) = x_0^2\, x_1$ at the point $(2, 3)$. There $f = 12$. How fast does it grow along $x_0$?
#
# Nudge: $f(2.001, 3) = 12.012003$. A nudge of $0.001$ changed the value by $0.012003$. The slope is about $12.003$.
#
# Nudge to both sides: $f(2.001, 3) - f(1.999, 3) = 0.024$. Divide by $0.002$, and the slope is $12.000$. That is much better, for
# one more look. The exact slope is $2 x_0 x_1 = 12$.
#
# $$\frac{\partial f}{\partial x_i} \;\approx\; \frac{f(x + \varepsilon e_i) - f(x - \varepsilon e_i)}{2\,\varepsilon}$$
#
# Here $e_i$ is 1 at index $i$ and 0 elsewhere: **one** number moves, all others stay. This is the **central difference**. All
# slopes together, in the shape of $x$, are the **gradient**. It points to where $f$ grows fastest.

# %% [markdown]
# ### Exercise: `numerical_gradient`
#
# `numerical_gradient(f, x, eps=1e-5) -> same shape as x`
#
# - `f` takes an array of the shape of `x` and gives one number.
# - `x` has any shape: a vector, a matrix, even `()`. `for index in np.ndindex(x.shape)` walks over all of its indices, and
#   `x[index]` reads or writes one number.
# - Leave `x` as it was, to the last digit. `x + eps - eps` is not always `x`.
#
# **By hand.** The function from above at `[2., 3.]` gives `[12., 4.]`.


# %% nbgrader={"grade": false, "grade_id": "numerical_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def numerical_gradient(f, x, eps=1e-5):
    """The gradient of f at x by central differences.

    f: from an array of the shape of x to one number. x: any shape. Returns an array of the same shape.
    """
    ### BEGIN SOLUTION
    moved = x.copy()
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        moved[index] = x[index] + eps
        above = f(moved)
        moved[index] = x[index] - eps
        below = f(moved)
        moved[index] = x[index]
        gradient[index] = (above - below) / (2 * eps)
    return gradient
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "numerical_gradient_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.numerical_gradient", numerical_gradient)

# %% [markdown]
# ### How far should you nudge?
#
# Below, your function measures the slope of $\sin$ at $1$ with nudges of many sizes. From right to left the error first falls:
# the shorter the stretch, the straighter the curve. Then it rises again. Two almost equal numbers are subtracted, and only
# their last, rounded digits are left.
#
# The best nudge for the central difference is near $10^{-5}$. There it is right to about eleven digits. One-sided nudges
# never get beyond eight.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_nudges", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("numerical_gradient"):
    draw.nudges(numerical_gradient)

# %% [markdown]
# ## 3.2 The gradient goes back, one step at a time
#
# The loss is too high. Who is to blame? The share of the blame that falls on a number is the loss's slope with respect to it:
# its **gradient**.
#
# Think of a chain: $x$ makes $z$, and $z$ makes the loss $L$. If $L$ grows 5 times as fast as $z$, and $z$ grows 3 times as fast
# as $x$, then $L$ grows 15 times as fast as $x$. **Slopes along a path multiply.** That is the chain rule.
#
# So go through the network backwards. Every step is told by the step after it: *this is how much the loss depends on your
# output*. That number is called `dout`. The step multiplies by its own slope and passes on: *this is how much the loss depends on
# my input*.
#
# No step needs to know what comes after it. It needs `dout`, and what it kept from the way forward.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_there_and_back", "locked": true, "schema_version": 3, "solution": false, "task": false}
mlp_diagrams.forward_and_back()

# %% [markdown]
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $L$ | | the loss, one number |
# | `dout` | as the output | $\partial L / \partial\,$output: handed in from above |
# | `dx`, `dW`, `db` | as $x$, $W$, $b$ | the gradients of the inputs, $\partial L / \partial x$ and so on |
# | $N$ | | examples in the batch |
# | $D$, $C$ | | inputs and outputs of a layer |
#
# **A gradient has the shape of what it belongs to.** Compare the shapes first: many mistakes show themselves there.

# %% [markdown]
# ### Exercise: `linear_backward`
#
# `linear_backward(dout (N, C), x (N, D), W (C, D)) -> (dx (N, D), dW (C, D), db (C,))`
#
# Forward, the layer computed `x @ W.T + b`, or in single numbers
#
# $$\mathrm{out}_{nc} = \sum_d x_{nd}\, W_{cd} + b_c$$
#
# Read off what each number has touched:
#
# - $W_{cd}$ touched output $c$ of **every** example, each time with slope $x_{nd}$. Add them up: $\;dW_{cd} = \sum_n
#   \mathrm{dout}_{nc}\, x_{nd}$.
# - $b_c$ touched the same outputs with slope 1: $\;db_c = \sum_n \mathrm{dout}_{nc}$.
# - $x_{nd}$ touched **every** output of example $n$, with slope $W_{cd}$: $\;dx_{nd} = \sum_c \mathrm{dout}_{nc}\, W_{cd}$.
#
# Each sum runs over an index that two of the matrices share, so it is a matrix product. Let the shapes tell you what to
# transpose.
#
# **By hand.** The second layer of notebook 2's small network read $(0, 3, 0)$ and had the weights $(1, 2, 3)$ and
# $(0, -1, 2)$. Say `dout` is $(1, -1)$. Then
#
# - `dx` $= 1\cdot(1, 2, 3) - 1\cdot(0, -1, 2) = (1, 3, 1)$
# - `dW` $= \begin{pmatrix} 0 & 3 & 0 \\ 0 & -3 & 0 \end{pmatrix}$: a weight whose input was 0 has no say
# - `db` $= (1, -1)$


# %% nbgrader={"grade": false, "grade_id": "linear_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def linear_backward(dout, x, W):
    """One step back through x @ W.T + b.

    dout: gradient of the output, (N, C). x: input, (N, D). W: weights, (C, D).
    Returns dx (N, D), dW (C, D), db (C,).
    """
    ### BEGIN SOLUTION
    return dout @ W, dout.T @ x, dout.sum(axis=0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "linear_backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.linear_backward", linear_backward)

# %% [markdown]
# ### Exercise: `relu_backward`
#
# `relu_backward(dout, x) -> same shape`, where `x` is what went **into** the ReLU
#
# Where the unit was active, $x > 0$, the slope is 1, and the gradient passes unchanged. Where it was inactive, the slope is 0:
# nudging its input changes nothing, so no gradient passes. At exactly 0 there is a corner and no slope. The course takes 0
# there, as PyTorch does.
#
# This is why a dead unit stays dead: no example sends a gradient through it, so its own weights no longer move.
#
# **By hand.** The hidden layer had $z = (-1, 3, -1)$, and $(1, 3, 1)$ arrives. Two units were inactive: $(0, 3, 0)$ goes on.


# %% nbgrader={"grade": false, "grade_id": "relu_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relu_backward(dout, x):
    """One step back through the ReLU.

    dout: gradient of the output. x: what went in, the same shape.
    """
    ### BEGIN SOLUTION
    return dout * (x > 0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "relu_backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.relu_backward", relu_backward)

# %% [markdown]
# ### Exercise: `sigmoid_backward`
#
# `sigmoid_backward(dout, out) -> same shape`, where `out` is what came **out** of the sigmoid
#
# The slope of the sigmoid follows from its output alone:
#
# $$\sigma'(z) = \frac{e^{-z}}{(1 + e^{-z})^2} = \frac{1}{1 + e^{-z}} \cdot \frac{e^{-z}}{1 + e^{-z}} =
# \sigma(z)\,(1 - \sigma(z))$$
#
# So $z$ need not be kept, and no exponential is computed twice.
#
# **By hand.** Where `out` is $0.5$ the slope is $0.25$. Where `out` is $0.9$ it is $0.9\cdot0.1 = 0.09$. So `dout`
# $= (2, -10)$ gives $(0.5, -0.9)$.


# %% nbgrader={"grade": false, "grade_id": "sigmoid_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigmoid_backward(dout, out):
    """One step back through the sigmoid, from its output.

    dout: gradient of the output. out: what came out, the same shape.
    """
    ### BEGIN SOLUTION
    return dout * out * (1 - out)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sigmoid_backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.sigmoid_backward", sigmoid_backward)

# %% [markdown]
# ### Why deep networks left the sigmoid
#
# Notebook 2 asked you to remember two slopes: at most $1/4$ for the sigmoid, and exactly 1 for an active ReLU. Now send a
# gradient back through 20 layers of each, with your three functions.
#
# The first two networks have He weights. Those are made for a ReLU, which is unfair to the sigmoid: its slope is a quarter,
# so a third network gets weights four times as large. Read the picture from the right, where the gradient comes in.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_vanishing", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear_backward", "relu_backward", "sigmoid_backward"):
    draw.vanishing(
        forward,
        he_init,
        linear_backward,
        {
            "ReLU": (relu, relu_backward, False, 1),
            "sigmoid": (sigmoid, sigmoid_backward, True, 1),
            "sigmoid, weights × 4": (sigmoid, sigmoid_backward, True, 4),
        },
    )

# %% [markdown]
# Behind the ReLUs most of the gradient reaches the first layer. Behind the sigmoids with the same weights less than a billionth
# does: with one learning rate for all, the first layer would take more than a billion steps to move as far as the last one
# moves in one. This is the **vanishing gradient**. Larger weights help, but they saturate the units, whose slope is then far
# below a quarter: less than a hundredth arrives. Good weights for a sigmoid have to be looked for (Glorot and Bengio, 2010).
# The ReLU needs no search. You will meet the vanishing gradient again in notebook 6, where the depth is time.

# %% [markdown]
# ## 3.3 Where the gradient begins
#
# The last step turns logits into the loss: softmax and cross-entropy, which you know from notebook 1.
#
# $$p_{nc} = \frac{e^{z_{nc}}}{\sum_k e^{z_{nk}}} \qquad\qquad L = -\frac1N \sum_n \log p_{n,\,\mathrm{labels}[n]}$$
#
# Its step back is $p - y$, which notebook 1 derived in two lines:
#
# $$\frac{\partial L}{\partial z_{nc}} = \frac{p_{nc} - [\,c = \mathrm{labels}[n]\,]}{N}$$
#
# It is what the network said, minus what is true. Where it was right and sure, there is nothing to change. Note the $N$: the
# loss is a **mean** over the batch, so every example gets one $N$-th.
#
# **Why again?** In notebook 1 softmax, loss and gradient were three functions, and the gradient went straight to $W$ and $b$.
# Now the same three become *one step with a step back*, like every other step of a network. It has to be one. Go back through
# the logarithm and the softmax separately, and at a logit of 10,000 the first sends $-1/p = -\infty$ to the second, which
# multiplies it by $0$: `nan`. Taken together, the $p$ cancels on paper. PyTorch's `cross_entropy` takes logits for the same
# reason.

# %% [markdown]
# ### Exercise: `softmax_cross_entropy`
#
# `softmax_cross_entropy(logits (N, C), labels (N,)) -> (loss, dlogits (N, C))`
#
# Both at once, since they share their work: compute $\log p$ once, and get the loss and $p = e^{\log p}$ from it. They must be
# right for logits of $10{,}000$ too, without a warning. You know the two traps:
#
# - $e^{10000}$ overflows. Subtract the largest logit of each row first. It changes no probability.
# - A probability of $e^{-10000}$ is rounded to 0, and $\log 0 = -\infty$. So do not take the logarithm of $p$. On paper,
#   $\;\log p_c = (z_c - \max) - \log \sum_k e^{z_k - \max}$.
#
# `dlogits[np.arange(N), labels]` picks one number in each row: that of the right class.
#
# **By hand.** Logits $(0, \log 3)$ mean $p = (\tfrac14, \tfrac34)$. With label 0 the loss is $\log 4 = 1.386$, and `dlogits` is
# $(\tfrac14 - 1, \tfrac34) = (-0.75, 0.75)$. In a batch of two it would be half of that.


# %% nbgrader={"grade": false, "grade_id": "softmax_cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax_cross_entropy(logits, labels):
    """The mean cross-entropy and its gradient, safe for logits of any size.

    logits: (N, C). labels: right classes, (N,), integers. Returns the loss and dlogits (N, C).
    """
    ### BEGIN SOLUTION
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    dlogits = np.exp(log_p)
    dlogits[rows, labels] -= 1
    return -log_p[rows, labels].mean(), dlogits / len(labels)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "softmax_cross_entropy_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.softmax_cross_entropy", softmax_cross_entropy)

# %% [markdown]
# ### Watch the gradient
#
# Here is the small network of notebook 2 with its input $(1, 2)$. Its logits are $(7, -5)$, so it is sure of class 0. But the
# right class is 1: the loss is 12.
#
# Your functions send the gradient back. Every circle has its value in blue and below it the gradient of the loss. The numbers on
# the lines are the gradients of the weights.
#
# Follow it from right to left. Two hidden units were inactive, and their weights get nothing. The whole gradient goes through
# the one active unit.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_network", "locked": true, "schema_version": 3, "solution": false, "task": false}
small = [
    (np.array([[1.0, -1.0], [2.0, 1.0], [-1.0, 0.0]]), np.array([0.0, -1.0, 0.0])),
    (np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]]), np.array([1.0, -2.0])),
]
with pending("linear_backward", "relu_backward", "softmax_cross_entropy"):
    draw.network(linear_backward, relu_backward, softmax_cross_entropy, np.array([1.0, 2.0]), 1, small)

# %% [markdown]
# ## 3.4 The whole network, in one sweep
#
# You have every step. Put them together. Forward through all layers, and **keep** what each layer read and computed. Then the
# loss. Then back, from the last layer to the first:
#
# 1. `linear_backward` gives the layer's `dW` and `db`, and a `dx` for the layer below.
# 2. Between two layers there is a ReLU: send that `dx` through `relu_backward`.
#
# After the last layer there was no ReLU on the way forward, so there is none on the way back.

# %% [markdown]
# ### Exercise: `mlp_gradients`
#
# `mlp_gradients(x (N, n_0), labels (N,), params [(W, b), ...]) -> (loss, [(dW, db), ...])`
#
# A ReLU network with the mean cross-entropy on top. The gradients come in the order of `params`, first layer first.
#
# `forward(x, params, relu)` gives the list `[x, a_1, ..., logits]`: exactly what each layer read, and the logits at the end. It
# keeps the activation $a$, not the pre-activation $z$. But a unit with $a > 0$ is one with $z > 0$, so `relu_backward` does as
# well with $a$.
#
# **By hand.** That is the picture above. With `x` $= (1, 2)$ and label 1, the loss is 12, and to within a ten-thousandth
#
# $$dW_1 = \begin{pmatrix} 0 & 0 \\ 3 & 6 \\ 0 & 0 \end{pmatrix} \qquad db_1 = (0, 3, 0) \qquad dW_2 = \begin{pmatrix} 0 & 3 & 0 \\ 0 & -3 & 0 \end{pmatrix} \qquad db_2 = (1, -1)$$


# %% nbgrader={"grade": false, "grade_id": "mlp_gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mlp_gradients(x, labels, params):
    """The loss of a ReLU network and the gradient of every weight and bias.

    x: examples, (N, n_0). labels: (N,). params: [(W, b), ...].
    Returns the mean cross-entropy and [(dW, db), ...] in the order of params.
    """
    ### BEGIN SOLUTION
    values = forward(x, params, relu)
    loss, dout = softmax_cross_entropy(values[-1], labels)
    grads = []
    for layer in range(len(params) - 1, -1, -1):
        W, _ = params[layer]
        dx, dW, db = linear_backward(dout, values[layer], W)
        grads.append((dW, db))
        dout = relu_backward(dx, values[layer])
    return loss, grads[::-1]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "mlp_gradients_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.mlp_gradients", mlp_gradients)

# %% [markdown]
# ### The gradient check
#
# Never trust a gradient that you have not checked. You have the tool: your `numerical_gradient` needs nothing but the loss.
#
# Each point below is one weight or bias of a network with three layers. Across: its gradient by nudging. Up: by
# backpropagation. If you are right, all points lie on the diagonal. The two other panels show what frequent mistakes look like.
#
# The number to look at is the relative error, $\;|a - b| / (|a| + |b|)$. In `float64` it should be below $10^{-6}$. Above
# $10^{-3}$ something is wrong. In between, see whether a unit is so close to its corner that a nudge steps across it.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_gradients", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("numerical_gradient", "mlp_gradients"):
    draw.gradient_check(mlp_gradients, numerical_gradient)

# %% [markdown]
# ## 3.5 Any expression at all
#
# You wrote this way back by hand, for one kind of network. PyTorch does it for whatever you compute. How?
#
# It writes a **tape**: whatever you compute leaves a record, and the records together are a **computation graph**. Each
# operation leaves a `Node` that knows
#
# - its `value`,
# - its `parents`: the nodes that it was computed from,
# - its `vjps`: for each parent a function that takes the node's gradient and gives that parent's **share**.
#
# *vjp* is short for **vector-Jacobian product**. Do not let the name frighten you: `relu_backward` is one.
#
# ```python
# a = Node(np.array(2.0))
# b = Node(np.array(3.0))
# product = Node(a.value * b.value, (a, b), (lambda g: g * b.value, lambda g: g * a.value))
# ```
#
# If the product has the gradient 10, then $a$'s share is $10\cdot3 = 30$ and $b$'s is $10\cdot2 = 20$.
#
# Two things are left to solve: arrays that NumPy has stretched, and nodes that are used more than once.

# %% [markdown]
# ### Exercise: `unbroadcast`
#
# `unbroadcast(grad, shape) -> array of that shape`
#
# In `x @ W.T + b` NumPy stretches the bias: one row becomes $N$ equal rows. Each of the $N$ copies gets a gradient. But it was one
# bias, so their sum is its gradient. **What was copied forward is summed backward.**
#
# NumPy's rule: shapes are compared from the right. New axes may be put **in front**, and an axis of length **1** may be
# stretched. So, to go back:
#
# 1. Sum over the axes in front that `shape` does not have. They vanish.
# 2. Sum over the axes where `shape` has a 1. They stay, with length 1: `keepdims=True`.
#
# **By hand.** `grad` is `[[1., 2., 3.], [10., 20., 30.]]`.
#
# | `shape` | was stretched | result |
# |:--|:--|:--|
# | `(3,)` | a new axis in front | `[11., 22., 33.]` |
# | `(2, 1)` | the last axis | `[[6.], [60.]]` |
# | `()` | both | `66.` |
# | `(2, 3)` | nothing | `grad` itself |


# %% nbgrader={"grade": false, "grade_id": "unbroadcast", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unbroadcast(grad, shape):
    """Sums a gradient back to the shape from before broadcasting.

    grad: the gradient of the stretched array. shape: a tuple. Returns an array of that shape.
    """
    ### BEGIN SOLUTION
    while grad.ndim > len(shape):
        grad = np.asarray(grad.sum(axis=0))
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "unbroadcast_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.unbroadcast", unbroadcast)

# %% [markdown]
# Here are some operations that write the tape. They use your functions. Read one or two of them: each computes a value, and says
# how to go back. In `add` and `multiply` every share goes through your `unbroadcast`.


# %% nbgrader={"grade": false, "grade_id": "operations", "locked": true, "schema_version": 3, "solution": false, "task": false}
def leaf(value, label):
    """A value from outside: it has no parents."""
    return Node(np.asarray(value, dtype=float), label=label)


def back_to(parent, share):
    """A vjp: a share, summed back to the shape of the parent."""
    return lambda gradient: unbroadcast(share(gradient), np.shape(parent.value))


def add(a, b, label=""):
    """a + b: both shares are the gradient itself."""
    return Node(a.value + b.value, (a, b), (back_to(a, lambda g: g), back_to(b, lambda g: g)), label)


def subtract(a, b, label=""):
    """a - b: the share of b has the other sign."""
    return Node(a.value - b.value, (a, b), (back_to(a, lambda g: g), back_to(b, lambda g: -g)), label)


def multiply(a, b, label=""):
    """a * b: each share is the gradient times the other value."""
    vjps = back_to(a, lambda g: g * b.value), back_to(b, lambda g: g * a.value)
    return Node(a.value * b.value, (a, b), vjps, label)


def product(x, W, label=""):
    """x @ W.T: a fully connected layer without its bias."""
    vjps = tuple(lambda g, which=which: linear_backward(g, x.value, W.value)[which] for which in (0, 1))
    return Node(x.value @ W.value.T, (x, W), vjps, label)


def rectify(x, label=""):
    """relu(x)."""
    return Node(relu(x.value), (x,), (lambda g: relu_backward(g, x.value),), label)


def cross_entropy(logits, labels, label=""):
    """The mean cross-entropy, one number."""
    loss, dlogits = softmax_cross_entropy(logits.value, labels)
    return Node(np.asarray(loss), (logits,), (lambda g: g * dlogits,), label)


# %% [markdown]
# Now a small expression. A weight $w = 2$, an input $x = 3$, a target $t = 5$. The loss is the squared error plus the squared
# weight, which is a penalty on large weights:
#
# $$L = (w x - t)^2 + w^2$$
#
# Look at $w$. It is used in two products, and in the second even twice, $w \cdot w$. And $e$ is used twice, $e \cdot e$.

# %% nbgrader={"grade": false, "grade_id": "expression", "locked": true, "schema_version": 3, "solution": false, "task": false}
w, x, t = leaf(2, "w"), leaf(3, "x"), leaf(5, "t")
y = multiply(w, x, "y = w x")
e = subtract(y, t, "e = y - t")
L = add(multiply(e, e, "e · e"), multiply(w, w, "w · w"), "L")

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_expression", "locked": true, "schema_version": 3, "solution": false, "task": false}
tape(L)

# %% [markdown]
# ### Exercise: `topological_order`
#
# `topological_order(root) -> [Node, ..., root]`
#
# In which order should gradients be handed back? A node may hand on its gradient only when **all** shares have arrived. $e$
# must not act before $e\cdot e$ has acted, and $w$ must wait for both $y$ and $w \cdot w$.
#
# So put the nodes in a line such that every parent comes **before** its children. On the way back you go through the line from
# its end. Then every node's turn comes after all nodes that send it a share.
#
# - All nodes that `root` was computed from are in the list, `root` itself as the last one.
# - Each node is there **once**, however often it is used. Nodes can be put in a `set`; two nodes are the same only if they are
#   the same object.
#
# The classical way is a recursion: *visit a node: if it was visited before, stop. Otherwise visit its parents, then write it
# down.*
#
# **By hand.** For the picture above, one right answer is $w, x, y, t, e, e\cdot e, w \cdot w, L$. There are others.


# %% nbgrader={"grade": false, "grade_id": "topological_order", "locked": false, "schema_version": 3, "solution": true, "task": false}
def topological_order(root):
    """All nodes that root was computed from: each once, parents before children, root last."""
    ### BEGIN SOLUTION
    order, seen = [], set()

    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for parent in node.parents:
            visit(parent)
        order.append(node)

    visit(root)
    return order
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "topological_order_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.topological_order", topological_order)

# %% [markdown]
# ### Exercise: `backward`
#
# `backward(root) -> {node: gradient}`, for every node, `root` and leaves included
#
# 1. The gradient of `root` is 1, or ones: `np.ones_like(root.value)`.
# 2. Go through the topological order **backwards**. Each node calls its vjps with its own gradient, and gives each parent its
#    share.
# 3. Shares **add up**. If a parent has a gradient already, the new one is old plus share.
#
# There is a trap in 3. The vjp of a sum may give back the very array that it was given. `gradients[p] += share` writes into
# that array, and changes another node's gradient too. `gradients[p] = gradients[p] + share` makes a new one.
#
# **By hand.** In the picture $e\cdot e$ gets 1. It gives $e$ two shares of $1\cdot e = 1$, so $e$ has 2. Then $y$ gets 2, and $w$'s
# share from there is $2 \cdot x = 6$. From $w\cdot w$ come 2 and 2. So $w$ has $6 + 2 + 2 = 10$. Check: $\;2(wx - t)x + 2w = 2\cdot1\cdot3 +
# 4 = 10$.


# %% nbgrader={"grade": false, "grade_id": "backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def backward(root):
    """The gradient of root with respect to every node: a dictionary from node to array."""
    ### BEGIN SOLUTION
    gradients = {root: np.ones_like(root.value)}
    for node in reversed(topological_order(root)):
        for parent, vjp in zip(node.parents, node.vjps, strict=True):
            share = vjp(gradients[node])
            if parent in gradients:
                gradients[parent] = gradients[parent] + share
            else:
                gradients[parent] = share
    return gradients
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.backward", backward)

# %% [markdown]
# ### Gradients on the tape
#
# Values are blue, gradients vermilion. The number on an arrow is the share that it carries. Add up what arrives at $w$.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_tape", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("unbroadcast", "topological_order", "backward"):
    tape(L, backward(L))

# %% [markdown]
# Now step by step. Pull the slider: at each step one node, the one in the thick frame, hands on what it has. A gradient appears
# when its last share has arrived.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_tape", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("unbroadcast", "topological_order", "backward"):
    tape_slider(topological_order, backward, L)

# %% [markdown]
# ### A network is an expression too
#
# The digits network, written on the tape: eleven nodes. Nobody tells `backward` that this is a network. It gives the same
# numbers as your `mlp_gradients`, because both follow the same rule. The gradient of a bias comes out of `unbroadcast`.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "network_on_tape", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("mlp_gradients", "unbroadcast", "topological_order", "backward"):
    params = he_init([64, 32, 10], np.random.default_rng(0))
    images, labels = digits.train.x[:20], digits.train.labels[:20]
    (W1, b1), (W2, b2) = [(leaf(W, f"W{n}"), leaf(b, f"b{n}")) for n, (W, b) in enumerate(params, start=1)]
    hidden = rectify(add(product(leaf(images, "x"), W1, "x W1ᵀ"), b1, "z1"), "a1")
    loss = cross_entropy(add(product(hidden, W2, "a1 W2ᵀ"), b2, "z2"), labels, "L")
    gradients = backward(loss)
    tape(loss, gradients)

    by_hand, pairs = mlp_gradients(images, labels, params)
    print(f"loss                   {float(loss.value):.6f} on the tape, {by_hand:.6f} by hand")
    for leaves, arrays in zip(((W1, b1), (W2, b2)), pairs, strict=True):
        for node, array in zip(leaves, arrays, strict=True):
            print(f"largest difference, {node.label} {np.abs(gradients[node] - array).max():.1e}")

# %% [markdown]
# That is the heart of PyTorch. In notebook 5 you will write `loss.backward()`, and know what it does.

# %% [markdown]
# ## 3.6 Downhill
#
# You know for each weight which way is up. So go the other way, a little. The **learning rate**, written `lr`, says how
# far.
#
# From here on the parameters are a plain list of arrays, `[W_1, b_1, W_2, b_2, ...]`, and the gradients are a list of the same
# shapes.
#
# | symbol | meaning |
# |:--|:--|
# | $p$, $g$ | a parameter and its gradient |
# | `lr` | the learning rate |
# | $v$ | momentum: the velocity. Adam: the average of $g^2$ |
# | $m$ | Adam: the average of $g$ |
# | $\beta, \beta_1, \beta_2$ | the share of the past that is kept |
# | $t$ | the number of the step: 1, 2, 3, ... |

# %% [markdown]
# ### Exercise: `sgd_step`
#
# `sgd_step(params, grads, lr) -> [array, ...]`
#
# **Stochastic gradient descent**, SGD. *Stochastic* since the gradient comes from a few examples drawn at random.
#
# $$p \leftarrow p - \mathrm{lr}\; g$$
#
# Make new arrays and leave those that came in as they are.
#
# **By hand.** $p = 1$, $g = 4$, `lr` $= 0.25$ gives $1 - 0.25\cdot4 = 0$.


# %% nbgrader={"grade": false, "grade_id": "sgd_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sgd_step(params, grads, lr):
    """A step of plain SGD: params and grads are lists of arrays. Returns the new params."""
    ### BEGIN SOLUTION
    return [p - lr * g for p, g in zip(params, grads, strict=True)]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sgd_step_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.sgd_step", sgd_step)

# %% [markdown]
# ### Exercise: `momentum_step`
#
# `momentum_step(params, grads, velocity, lr, beta=0.9) -> (params, velocity)`
#
# Picture a ball that rolls down a valley. It does not stop and think at each step: it keeps most of its speed. Where gradients
# point the same way again and again, it gets faster, up to $1/(1-\beta) = 10$ times. Where they point left and right by turns,
# they cancel.
#
# $$v \leftarrow \beta\, v + g \qquad\qquad p \leftarrow p - \mathrm{lr}\; v$$
#
# First the velocity, then the step along the **new** velocity. Return both. These are PyTorch's rules. Other books weigh $g$ with
# $1-\beta$.
#
# **By hand.** $p = 1$, $g = 4$, $v = 10$, `lr` $= 0.25$, $\beta = 0.5$. The velocity becomes $0.5\cdot10 + 4 = 9$, the parameter $1 -
# 0.25\cdot9 = -1.25$.


# %% nbgrader={"grade": false, "grade_id": "momentum_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def momentum_step(params, grads, velocity, lr, beta=0.9):
    """A step with momentum: all three lists hold arrays of the same shapes. Returns params and velocity."""
    ### BEGIN SOLUTION
    velocity = [beta * v + g for v, g in zip(velocity, grads, strict=True)]
    return [p - lr * v for p, v in zip(params, velocity, strict=True)], velocity
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "momentum_step_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.momentum_step", momentum_step)

# %% [markdown]
# ### Exercise: `adam_step`
#
# `adam_step(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8) -> (params, state)`
#
# One rate for all weights is a compromise: in the digits network some gradients are a thousand times larger than others.
# **Adam** gives each number a rate of its own. It divides the gradient by its usual size, so each number moves by about `lr`,
# whatever its scale.
#
# It keeps two running averages, of $g$ and of $g^2$, both from 0:
#
# $$m \leftarrow \beta_1 m + (1 - \beta_1)\, g \qquad\qquad v \leftarrow \beta_2 v + (1 - \beta_2)\, g^2$$
#
# An average that starts at 0 is too small at first. After $t$ steps of the same $g$ it has reached $(1 - \beta^t)$ of it. So
# divide by that. This is the **bias correction**:
#
# $$\hat m = \frac{m}{1 - \beta_1^t} \qquad\qquad \hat v = \frac{v}{1 - \beta_2^t} \qquad\qquad p \leftarrow p - \mathrm{lr}\; \frac{\hat m}{\sqrt{\hat v} + \varepsilon}$$
#
# - `state` is `{"t": steps so far, "m": list, "v": list}`. Before the first step `t` is 0 and the lists hold zeros.
# - Count up first: the first step has $t = 1$. Return a new state, with `m` and `v` **uncorrected**.
# - $\varepsilon$ is added outside of the root.
#
# **By hand.** The first step with $g = 4$: $m = 0.1\cdot4 = 0.4$ and $v = 0.001\cdot16 = 0.016$. Corrected, $\hat m = 0.4/0.1 = 4$ and
# $\hat v = 0.016/0.001 = 16$. The step is `lr` $\cdot\, 4/\sqrt{16} =$ `lr`. With $g = 0.0004$ it would be `lr` as well.


# %% nbgrader={"grade": false, "grade_id": "adam_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adam_step(params, grads, state, lr, betas=(0.9, 0.999), eps=1e-8):
    """A step of Adam. state: {"t": int, "m": list, "v": list}. Returns params and the new state."""
    ### BEGIN SOLUTION
    beta1, beta2 = betas
    t = state["t"] + 1
    m = [beta1 * old + (1 - beta1) * g for old, g in zip(state["m"], grads, strict=True)]
    v = [beta2 * old + (1 - beta2) * g**2 for old, g in zip(state["v"], grads, strict=True)]
    new = []
    for p, first, second in zip(params, m, v, strict=True):
        step = (first / (1 - beta1**t)) / (np.sqrt(second / (1 - beta2**t)) + eps)
        new.append(p - lr * step)
    return new, {"t": t, "m": m, "v": v}
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "adam_step_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.adam_step", adam_step)

# %% [markdown]
# ### Three ways down
#
# A network of two weights, so that you can see its whole landscape: $\;w_2 \tanh(w_1 x)$ should fit $\tanh(2x)$. Dark is a
# high loss, white is low, and the two crosses are the minima. Between them is a saddle, and long flat valleys lead to them.
#
# All three start at the black dot and take 60 steps, each with a rate that suits it. Your `numerical_gradient` tells them
# where downhill is. The star marks where they end.


# %% nbgrader={"grade": false, "grade_id": "optimizers", "locked": true, "schema_version": 3, "solution": false, "task": false}
def sgd(params, grads, memory, lr):
    """SGD remembers nothing."""
    return sgd_step(params, grads, lr), None


def momentum(params, grads, memory, lr):
    """Momentum remembers the velocity: zeros at first."""
    return momentum_step(params, grads, memory or [np.zeros_like(p) for p in params], lr)


def adam(params, grads, memory, lr):
    """Adam remembers the number of steps and two averages."""
    zeros = [np.zeros_like(p) for p in params]
    return adam_step(params, grads, memory or {"t": 0, "m": zeros, "v": zeros}, lr)


optimizers = {"SGD": sgd, "momentum": momentum, "Adam": adam}

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_paths", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("numerical_gradient", "sgd_step", "momentum_step", "adam_step"):
    descent.paths(optimizers, numerical_gradient)

# %% [markdown]
# SGD leaps across the valley, falls back into it and then creeps: where it is flat, its steps are tiny. Momentum gathers speed
# on the flat ground and overshoots. Adam's steps depend little on how steep it is.
#
# Pull the sliders.
#
# - Give SGD the rate of momentum, 0.1. Why does it hardly leave its start?
# - How large may the rate of SGD be? What happens just beyond?
# - Which of the two minima is reached? Start left and right of the saddle.
# - Adam with a rate of 3: what does it do, and why does it not explode?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_paths", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("numerical_gradient", "sgd_step", "momentum_step", "adam_step"):
    descent.paths_slider(optimizers, numerical_gradient)

# %% [markdown]
# And with 2,410 weights instead of two? A fair race gives each optimizer the rate that suits it. So the rates 0.01, 0.03, 0.1,
# 0.3 and 1 were tried for each, on other starts, and the one with the lowest loss was taken: 1 for SGD and for momentum, 0.1
# for Adam. Here are 150 steps on all training digits, from the same start.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_race", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("mlp_gradients", "sgd_step", "momentum_step", "adam_step"):
    curves, reads = {}, {}
    for name, rate in (("SGD", 1.0), ("momentum", 1.0), ("Adam", 0.1)):
        flat = [array for pair in he_init([64, 32, 10], np.random.default_rng(0)) for array in pair]
        memory, curves[name] = None, []
        for _ in patient(150, 10.0):
            value, pairs = mlp_gradients(
                digits.train.x, digits.train.labels, list(zip(flat[::2], flat[1::2], strict=True))
            )
            curves[name].append(float(value))
            flat, memory = optimizers[name](flat, [g for pair in pairs for g in pair], memory, rate)
        logits = forward(digits.test.x, list(zip(flat[::2], flat[1::2], strict=True)), relu)[-1]
        reads[name] = (logits.argmax(axis=1) == digits.test.labels).mean()
        print(f"{name:8}  loss {curves[name][-1]:.4f}   {reads[name]:6.1%} of 500 new digits read correctly")
    descent.over_steps(curves, "The loss on 1,297 digits")

# %% [markdown]
# Momentum and Adam get the loss several times lower than SGD. Which of those two is ahead changes from start to start. On
# digits that none of them has seen, all three are equal, as far as 500 digits can tell: the standard error is 0.7 points.
# How fast the loss falls on the training set and how well a network reads are two questions.

# %% [markdown]
# ## 3.7 Learn to read
#
# Every step so far looked at all examples. That is careful, and slow. A handful of examples gives a rough gradient for a
# fraction of the price, and many rough steps get further than one exact step.
#
# So cut the data into **mini-batches**. Going once through all of them is an **epoch**.
#
# There is one trap. If the data are sorted, the first batches show nothing but zeros, the next ones nothing but ones. Each batch
# drags the whole network towards its one class. So draw a **new random order in every epoch**.

# %% [markdown]
# ### Exercise: `train`
#
# `train(x (N, n_0), labels (N,), sizes, epochs, lr, batch_size, rng) -> [(W, b), ...]`
#
# - Start with `he_init(sizes, rng)`.
# - In every epoch, `order = rng.permutation(N)` gives the row numbers in a random order. Take `batch_size` of them at a time,
#   and do not forget the last ones, which may be fewer.
# - `x[rows]` and `labels[rows]` are a batch. Take the gradients, then a plain SGD step for every `W` and every `b`.
# - Draw from `rng` only. Leave `x` and `labels` in their order.
#
# **By hand.** 25 examples and a `batch_size` of 10 make three steps an epoch, with 10, 10 and 5 examples. Twenty epochs make 60
# steps.
#
# The check trains your network on digits whose classes were renamed and whose images have some noise, once sorted and once
# not. Then it shows it digits that it has never seen. At least 93 of 100 must be right. It also follows small trainings step
# by step, from the start weights that come back after 0 epochs.


# %% nbgrader={"grade": false, "grade_id": "train", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train(x, labels, sizes, epochs, lr, batch_size, rng):
    """Trains a ReLU network with plain SGD on shuffled mini-batches.

    x: (N, n_0). labels: (N,). sizes: widths [n_0, ..., n_L]. rng: a NumPy generator. Returns [(W, b), ...].
    """
    ### BEGIN SOLUTION
    params = he_init(sizes, rng)
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            _, grads = mlp_gradients(x[rows], labels[rows], params)
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads, strict=True)]
    return params
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "train_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("backprop.train", train)

# %% [markdown]
# ### It reads
#
# No library now. Every number below was computed by functions that you wrote.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "read_digits", "locked": true, "schema_version": 3, "solution": false, "task": false}
def right(params, part):
    """The share of a part's digits that a network reads correctly."""
    return float((forward(part.x, params, relu)[-1].argmax(axis=1) == part.labels).mean())


with pending("mlp_gradients", "train"):
    sizes = [64, 64, 10]
    print("         training set   test set")
    for epochs in (0, 1, 3, 10, 30):
        trained = train(digits.train.x, digits.train.labels, sizes, epochs, 0.1, 10, np.random.default_rng(0))
        print(f"{epochs:2d} epochs   {right(trained, digits.train):9.1%}   {right(trained, digits.test):8.1%}")
    descent.units(he_init(sizes, np.random.default_rng(0)), trained)

# %% [markdown]
# Before training the hidden units look at noise. Afterwards strokes and gaps stand out in some of them. Nobody told them to
# look for those. Each weight only followed its own slope, thousands of times.
#
# In the end the network reads nearly all digits of the training set, but two or so in a hundred fewer of the test set. It has
# begun to learn its training set by heart: that is **overfitting**. Here it is little; notebook 5 shows what it can grow to.
#
# And the trap of the sorted digits? Here is the same training without a shuffle, class by class.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "sorted_digits", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("mlp_gradients", "train"):
    by_class, orders = np.argsort(digits.train.labels, kind="stable"), {}
    unshuffled = he_init([64, 32, 10], np.random.default_rng(0))
    for _ in patient(10, 10.0):
        for start in range(0, len(by_class), 32):
            rows = by_class[start : start + 32]
            _, grads = mlp_gradients(digits.train.x[rows], digits.train.labels[rows], unshuffled)
            unshuffled = [(W - 0.1 * dW, b - 0.1 * db) for (W, b), (dW, db) in zip(unshuffled, grads, strict=True)]
    shuffled = train(digits.train.x, digits.train.labels, [64, 32, 10], 10, 0.1, 32, np.random.default_rng(0))
    print("class    " + "".join(f"{digit:6d}" for digit in range(10)))
    for name, network in (("sorted", unshuffled), ("shuffled", shuffled)):
        said = forward(digits.test.x, network, relu)[-1].argmax(axis=1)
        orders[name] = [(said == digit)[digits.test.labels == digit].mean() for digit in range(10)]
        print(f"{name:8} " + "".join(f"{share:6.0%}" for share in orders[name]))

# %% [markdown]
# The sorted network reads nearly all nines, which it saw last, and hardly any ones.
#
# ### Choose with a third set
#
# The knob that matters most is the learning rate. Here are ten epochs with each of nine rates. Which one should you take? The one
# that reads the test set best? No: then the test set has helped to build the network, and its number is no longer honest. So
# a choice takes a third part of the data, the **validation set**. Here it is the last 300 digits of the training set, on which
# these networks do not train.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_rates", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("train"), np.errstate(all="ignore"):
    fit, chosen = (
        data.Dataset(digits.train.x[part], digits.train.labels[part]) for part in (slice(-300), slice(-300, None))
    )
    descent.rates(
        lambda rate: right(train(fit.x, fit.labels, [64, 32, 10], 10, rate, 32, np.random.default_rng(0)), chosen),
        [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 1.0, 3.0],
    )

# %% [markdown]
# Too small, and it has hardly left its start. Too large, and it jumps across every valley. Between the two best rates the
# validation set cannot decide: 300 digits have a standard error of more than a point.
#
# ## 3.8 What does it cost in hardware?
#
# **Arithmetic.** A layer from $n$ to $m$ numbers takes $nm$ MACs per example on the way forward. On the way back there are two
# products of the same size: one for `dW`, one for `dx`. So the way back costs **twice** the way forward, and a training step three
# times. (The first layer can save its `dx`: nobody needs the gradient of the image.)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_macs", "locked": true, "schema_version": 3, "solution": false, "task": false}
sizes = [64, 32, 10]
ahead = mac_count(sizes)
back = 2 * ahead - sizes[0] * sizes[1]
nudged = 2 * parameter_count(sizes) * ahead
print(f"forward                    {ahead:12,} MACs per example")
print(f"back, without dx of x      {back:12,}")
print(f"forward and back           {ahead + back:12,}")
print(f"every weight nudged twice  {nudged:12,}: {nudged / (ahead + back):,.0f} times as many")

# %% [markdown]
# Does this machine agree? Here are one forward pass and your `mlp_gradients`, measured on 32 digits. The time for nudging is the
# one for a pass, times 4,820. NumPy's own overhead is in it too: on arrays as small as these it may cost more than the MACs.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_gradients", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("mlp_gradients"):
    params = he_init(sizes, np.random.default_rng(0))
    images, labels = digits.train.x[:32], digits.train.labels[:32]
    one_pass = min(timeit.repeat(partial(forward, images, params, relu), number=5, repeat=20)) / 5
    one_sweep = min(timeit.repeat(partial(mlp_gradients, images, labels, params), number=5, repeat=20)) / 5
    print(f"one forward pass           {1e6 * one_pass:10,.0f} microseconds")
    print(f"all gradients, going back  {1e6 * one_sweep:10,.0f} microseconds, {one_sweep / one_pass:.1f} passes")
    print(f"all gradients, by nudging  {2e6 * parameter_count(sizes) * one_pass:10,.0f} microseconds")

# %% [markdown]
# **Memory.** This is the true price. For inference you keep the weights. For training you keep
#
# - the weights, 4 bytes each in `float32`,
# - a gradient for each,
# - with Adam, $m$ and $v$ for each: 16 bytes per weight in all,
# - and every value on the way, for every example of the batch. `linear_backward` needs `x`, `relu_backward` the signs.
#
# The first three do not depend on the batch. The last one grows with it.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_memory", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.memory(parameter_count(sizes), sum(sizes), [1, 32, 256, 1000])

# %% [markdown]
# A network of 175 billion weights needs $16 \cdot 175\cdot10^9$ bytes, or 2.8 terabytes, for its weights, gradients and Adam, before
# the first example comes in. A GPU with 80 gigabytes holds less than 3% of it. That is why large networks are trained on many
# GPUs, and why notebooks 11 to 13 look for ways to move and keep less.

# %% [markdown]
# ## 3.9 In your own words
#
# A classmate trains a network with 50 hidden layers of 1,000 ReLU units. At a batch of 100,000 the 24 gigabytes of the GPU are
# full. He has an idea: "The weights stay, so why do I keep all the values on the way? I throw them away after the forward
# pass."
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. Which step back needs which of the values? Go through `linear_backward` and `relu_backward`. Which gradient could he still
#    compute, and which not?
# 2. How many bytes do the activations of the hidden layers take in `float32`? And how many do the weights take? (About
#    $1{,}000 \times 1{,}000$ in each layer.)
# 3. There is a way to throw most values away and still get the exact gradient, at the price of more arithmetic. What could he
#    do? How many MACs would a training step take then, compared with before?

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_keep", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. `linear_backward` needs the layer's input $x$ for `dW` and the weights for `dx`; `db` needs neither. `relu_backward` needs to know
#    which units were active. Without values he gets the gradient of the last layer's bias and the `dx` of the last layer, but no
#    `dW`, and he cannot pass the first ReLU on the way back.
# 2. Values: 50 layers, 1,000 units, 100,000 examples, 4 bytes: 20 billion bytes, 20 GB. Weights: 50 matrices of a million
#    numbers, 4 bytes: 200 million bytes, a hundredth of it. (Gradients and Adam add three times the weights.)
# 3. He keeps the values of some layers only, say every seventh, and computes those between them once more from there when the way
#    back arrives. Everything is computed forward twice: 1 + 1 + 2 = 4 parts instead of 1 + 2 = 3, so a third more MACs. This is
#    called gradient checkpointing (Chen et al. 2016).

# %% [markdown]
# ## Recap
#
# - A central difference gives any slope for two looks. It is slow and hard to get wrong: use it to check.
# - Going back, every step multiplies the gradient of its output by its own slope. It needs what it kept on the way forward.
# - Any expression is a computation graph. Go through it in reverse topological order, and let shares add up.
# - SGD steps against the gradient, momentum remembers the direction, Adam gives each number a rate of its own. Shuffle in every
#   epoch, and choose rates on a validation set.
# - A training step costs three times the arithmetic of inference. Its memory grows with the batch, since the way back needs
#   the values.
#
# ## Now try
#
# Nobody grades these.
#
# 1. Add `tanh` to the tape: a function `squash(x, label="")` that returns a `Node`. Its slope is $1 - \tanh^2(z)$. Check it
#    against `numerical_gradient`, then build an expression that uses a node three times.
# 2. Checkpoint by hand: write a version of `mlp_gradients` that keeps only every second entry of `forward`'s list and computes
#    the others again. Do the gradients agree to the last digit?
# 3. Give the hidden layer of the digits network a bias of $-10$ at the start, so that its units are dead. Train. What do the
#    gradients of the first layer look like, and does any unit ever come back?
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# ## References
#
# - S. Linnainmaa, *Taylor expansion of the accumulated rounding error*, BIT 16, 1976,
#   [doi:10.1007/BF01931367](https://doi.org/10.1007/BF01931367). The reverse sweep over any computation.
# - D. E. Rumelhart, G. E. Hinton and R. J. Williams, *Learning representations by back-propagating errors*, Nature 323, 1986,
#   [doi:10.1038/323533a0](https://doi.org/10.1038/323533a0).
# - W. Baur and V. Strassen, *The complexity of partial derivatives*, Theoretical Computer Science 22, 1983,
#   [doi:10.1016/0304-3975(83)90110-X](https://doi.org/10.1016/0304-3975%2883%2990110-X). All derivatives of a function cost no
#   more than a small constant times the function.
# - A. G. Baydin, B. A. Pearlmutter, A. A. Radul and J. M. Siskind, *Automatic differentiation in machine learning: a survey*,
#   Journal of Machine Learning Research 18, 2018, [jmlr.org](https://jmlr.org/papers/v18/17-468.html). Tapes, vjps, and how
#   programs are differentiated.
# - S. Hochreiter, *Untersuchungen zu dynamischen neuronalen Netzen*, diploma thesis, TU München, 1991,
#   [bioinf.jku.at](https://www.bioinf.jku.at/publications/older/3804.pdf). The vanishing gradient.
# - X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010,
#   [proceedings.mlr.press/v9](https://proceedings.mlr.press/v9/glorot10a.html). Sigmoids, and weights that suit them.
# - B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR Computational Mathematics and
#   Mathematical Physics 4, 1964, [doi:10.1016/0041-5553(64)90137-5](https://doi.org/10.1016/0041-5553%2864%2990137-5). The
#   heavy ball: momentum.
# - D. P. Kingma and J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015,
#   [arXiv:1412.6980](https://arxiv.org/abs/1412.6980). Algorithm 1.
# - T. Chen, B. Xu, C. Zhang and C. Guestrin, *Training deep nets with sublinear memory cost*, 2016,
#   [arXiv:1604.06174](https://arxiv.org/abs/1604.06174).
# - A. Krizhevsky, I. Sutskever and G. E. Hinton, *ImageNet classification with deep convolutional neural networks*, NeurIPS 2012,
#   [papers.nips.cc](https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks). AlexNet
#   has 60 million parameters.
# - T. B. Brown et al., *Language models are few-shot learners*, NeurIPS 2020,
#   [arXiv:2005.14165](https://arxiv.org/abs/2005.14165). GPT-3 has 175 billion parameters.
#
# **Next**: [4 · Convolution](../04_convolution/04_convolution.ipynb). You can train any multilayer perceptron now, but its first
# layer does not know that neighbouring pixels belong together. To watch: A. Karpathy,
# [*The spelled-out intro to neural networks and backpropagation*](https://www.youtube.com/watch?v=VMj-3S1tku0), which builds a
# tape like yours.

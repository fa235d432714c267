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
# # 2 · Forward propagation
#
# **Twelve small units draw a saw of 64 straight pieces.** Each unit can do one thing: follow a straight line and then
# bend once. Twelve bends should make thirteen pieces. How do they make 64?
#
# They are arranged in layers, two units per layer. Each layer folds what the layer before it has drawn, and every fold
# doubles the number of pieces.
#
# Ten such layers store **61 numbers** and draw **1,024** pieces. With all units side by side in one layer, the same curve
# takes **3,073 numbers**. You will count both at the end of this notebook.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import timeit
from functools import partial
from itertools import pairwise

import numpy as np

from autograder import check, progress
from course_lib import data
from course_lib.viz import mlp as draw
from course_lib.viz import mlp_diagrams, pending, style

style()
digits, rings = data.digits(), data.rings()

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.saw()

# %% [markdown]
# **You will be able to**
#
# - push a batch through a network of any depth, and say the shape of every array on the way;
# - say what a non-linear activation adds, and what ReLU and sigmoid do to a signal;
# - write a sigmoid that never overflows;
# - choose the size of random weights so that a signal survives many layers;
# - count a network's parameters and multiply-accumulates, and say why a batch is cheaper than its examples one by one.
#
# **Time** about 3 hours (estimated). **Needs** [1 · Linear classification](../01_linear_classification/01_linear_classification.ipynb).
# [Map of the course](../00_start/00_start.ipynb)
#
# The saw is one reason why networks are deep. In this notebook you build such a network, of any depth: numbers go in at
# one end, the answer comes out at the other. That is **forward propagation**.
#
# Nothing learns here yet. Learning is notebook 3, and it needs every number that you compute now.

# %% [markdown]
# ## 2.1 A layer mixes
#
# A network of this kind is called a **multilayer perceptron**, MLP for short. It repeats two steps:
#
# 1. A **fully connected** layer mixes: every output is a weighted sum of all inputs, plus a bias. Such a sum is called a
#    **pre-activation**. (Other names for this layer are *dense* and *linear*; in PyTorch it is `torch.nn.Linear`.)
# 2. A **non-linear** function bends: every pre-activation goes through a curve, each by itself: the **activation
#    function**. What comes out is called an **activation**.
#
# The last layer is only fully connected. Its outputs are the logits of the classes.
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $x$ or $a_0$ | $(N, n_0)$ | a batch of $N$ examples, one per row |
# | $n_0, \dots, n_L$ | | the *sizes*: inputs, width of each hidden layer, outputs |
# | $W_l$ | $(n_l, n_{l-1})$ | weights of layer $l$, one row for each **output** |
# | $b_l$ | $(n_l,)$ | biases of layer $l$ |
# | $z_l$ | $(N, n_l)$ | pre-activations |
# | $a_l$ | $(N, n_l)$ | activations: what the next layer reads |
# | $f$ | | the activation function |
#
# $$z_l = a_{l-1} W_l^\top + b_l \qquad\qquad a_l = f(z_l) \quad\text{for } l < L \qquad\qquad \text{logits} = z_L$$
#
# Here is the small network that goes through the whole notebook, with $L = 2$ layers of weights and the sizes 2, 3, 2:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_layers", "locked": true, "schema_version": 3, "solution": false, "task": false}
mlp_diagrams.perceptron_of_layers()

# %% [markdown]
# ### Exercise: `linear`
#
# `linear(x (N, D), W (out, D), b (out,)) -> (N, out)`
#
# The fully connected layer. You have written this line before: in notebook 1 it was `scores`. It comes back because its
# meaning changes. There it was the whole classifier, with one output for each class. Here it is a building block: its outputs
# may be anything, the next layer reads them, and your `forward` will call it once per layer. Now it should come without
# looking it up.
#
# Look at the order in $W$: outputs first, inputs second. PyTorch stores weights that way, and so does this course.
#
# **By hand.** One example $x = (1, 2)$, three outputs:
#
# | output | weights | bias | result |
# |:--|:--|--:|:--|
# | 0 | $(1, -1)$ | $0$ | $1\cdot1 - 1\cdot2 + 0 = -1$ |
# | 1 | $(2, 1)$ | $-1$ | $2\cdot1 + 1\cdot2 - 1 = 3$ |
# | 2 | $(-1, 0)$ | $0$ | $-1\cdot1 + 0\cdot2 + 0 = -1$ |
#
# So `linear` gives `[[-1., 3., -1.]]`. Keep these numbers: they will travel through the whole notebook.


# %% nbgrader={"grade": false, "grade_id": "linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
def linear(x, W, b):
    """One layer without its activation.

    x: examples, (N, D). W: weights, (out, D). b: biases, (out,). Returns (N, out).
    """
    ### BEGIN SOLUTION
    return x @ W.T + b
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "linear_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("mlp.linear", linear)

# %% [markdown]
# ## 2.2 A layer bends
#
# Mixing alone gets you nowhere. A mix of mixes is one mix again: ten linear layers are worth exactly one.
#
# The cheapest non-linear function is the **rectified linear unit**, ReLU. It lets positive numbers pass and turns negative
# ones into 0:
#
# $$\mathrm{relu}(z) = \max(z, 0)$$
#
# One comparison, nothing else. The convolutional networks of notebooks 4 and 5 are built on it.

# %% [markdown]
# ### Exercise: `relu`
#
# `relu(x, any shape) -> same shape`
#
# **By hand.** The three numbers from above: `[[-1., 3., -1.]]` gives `[[0., 3., 0.]]`.
#
# One unit is **active** for this input, two are inactive: they are asleep. For another input it may be the other way
# around. Only a unit that is inactive for every input is a **dead unit**: it says nothing, and as you will see in notebook
# 3, it cannot learn any more either.
#
# Work on all numbers at once, and leave `x` as it was: whoever called you may still need it.


# %% nbgrader={"grade": false, "grade_id": "relu", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relu(x):
    """Negative numbers become 0, the others stay: any shape to the same shape."""
    ### BEGIN SOLUTION
    return np.maximum(x, 0)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "relu_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("mlp.relu", relu)

# %% [markdown]
# ### See it fold
#
# Two rings, one inside the other. No line separates them.
#
# Now three hidden units look at the plane, each from a different side, 120 degrees apart. Every point gets three numbers, so it
# moves into a space of three dimensions. Where a unit is inactive, its number is 0: the plane is folded along that unit's
# line.
#
# In the folded space one flat cut separates the rings. Carried back to the plane, the flat cut is the hexagon on the left.
# Two steps of your own code did that.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_fold", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear", "relu"):
    draw.lift(linear, relu, rings.x, rings.labels)

# %% [markdown]
# Could any shape be cut out like this, with enough units? Yes: one hidden layer that is wide enough comes as close as you
# like to every continuous function on a closed and bounded region. Cybenko showed it in 1989 for sigmoids, and Leshno et
# al. in 1993 for every activation function that is not a polynomial, the ReLU among them. But nobody says how wide. A saw
# of 1,024 pieces needs 1,024 units in one layer, and 20 in ten.

# %% [markdown]
# ## 2.3 Another activation function: the sigmoid
#
# Sometimes a number has to become a share between 0 and 1: a probability, or later the gate of an LSTM. That is the
# **sigmoid**:
#
# $$\sigma(z) = \frac{1}{1 + e^{-z}}$$
#
# | $z$ | $-\infty$ | $-3$ | $0$ | $3$ | $\infty$ |
# |:--|--:|--:|--:|--:|--:|
# | $\sigma(z)$ | $0$ | $0.047$ | $0.5$ | $0.953$ | $1$ |
#
# The two sides mirror each other: $0.047 + 0.953 = 1$, so $\sigma(-z) = 1 - \sigma(z)$.
#
# **The trap.** Try $z = -800$. Then $e^{-z} = e^{800}$, and the largest `float64` is about $e^{709.8}$. NumPy warns of an
# overflow. In `float32` the wall is at $e^{88.7}$ already.
#
# The way out is to multiply numerator and denominator by $e^z$:
#
# $$\frac{1}{1 + e^{-z}} \;=\; \frac{e^{z}}{e^{z} + 1}$$
#
# The left form is safe for $z \ge 0$, the right form for $z < 0$. Look at the exponential in the safe one. In both cases it
# is $e^{-|z|}$, which is never larger than 1.

# %% [markdown]
# ### Exercise: `sigmoid`
#
# `sigmoid(x, any shape) -> same shape`
#
# Right for every number from $-10{,}000$ to $10{,}000$, in `float64` and in `float32`, without a warning.
#
# **By hand.** `[0., 3., -3.]` gives `[0.5, 0.953, 0.047]`, rounded, and `[-10000., 10000.]` gives `[0., 1.]`.
#
# `np.where(condition, A, B)` picks from `A` or `B`, number by number. Careful: it computes both completely before it picks.


# %% nbgrader={"grade": false, "grade_id": "sigmoid", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigmoid(x):
    """1 / (1 + e^-x) without overflow: any shape to the same shape."""
    ### BEGIN SOLUTION
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sigmoid_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("mlp.sigmoid", sigmoid)

# %% [markdown]
# ### Where an activation is flat
#
# Here are your two curves beside a third, tanh. Below each is its slope. Grey marks where the slope is under 0.01: there
# the input may change, and the output hardly notices. The unit is **saturated**.
#
# The sigmoid saturates on both sides. In the middle, where it is steepest, its slope is only $1/4$. The ReLU is flat on
# one side, and on the other its slope is exactly 1, however large the number. Remember that for notebook 3: a network learns
# through its slopes.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_activations", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("relu", "sigmoid"):
    draw.activations({"ReLU": relu, "sigmoid": sigmoid, "tanh": np.tanh})

# %% [markdown]
# ## 2.4 The whole way through
#
# Now stack the layers. A network is a list of pairs, `[(W_1, b_1), ..., (W_L, b_L)]`. What one layer writes, the next one
# reads.
#
# **By hand.** The hidden layer from above gave $(0, 3, 0)$. A second layer makes two logits of it:
#
# | logit | weights | bias | result |
# |:--|:--|--:|:--|
# | 0 | $(1, 2, 3)$ | $1$ | $1\cdot0 + 2\cdot3 + 3\cdot0 + 1 = 7$ |
# | 1 | $(0, -1, 2)$ | $-2$ | $0\cdot0 - 1\cdot3 + 2\cdot0 - 2 = -5$ |
#
# The logits are $(7, -5)$. The $-5$ stays: after the last layer there is no activation function.

# %% [markdown]
# ### Exercise: `forward`
#
# `forward(x (N, n_0), params, activation) -> [x, a_1, ..., logits]`
#
# - `params` is the list of pairs `(W, b)`.
# - `activation` is the activation function, passed in: your `relu`, for example. Call it, whichever it is.
# - Return a list of all values on the way, `x` first and the logits last. That is one entry more than there are layers.
#   Notebook 3 walks back along this list.
#
# With $x$ and the two layers from above, `forward` gives `[[[1., 2.]], [[0., 3., 0.]], [[7., -5.]]]`: three arrays, of shapes
# `(1, 2)`, `(1, 3)` and `(1, 2)`.


# %% nbgrader={"grade": false, "grade_id": "forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def forward(x, params, activation):
    """The forward pass: all values on the way, from the input to the logits.

    x: examples, (N, n_0). params: [(W, b), ...] with W (n_l, n_{l-1}) and b (n_l,).
    activation: a function of an array, used after every layer but the last.
    Returns [x, a_1, ..., logits], the entry l of shape (N, n_l).
    """
    ### BEGIN SOLUTION
    values = [x]
    for W, b in params[:-1]:
        values.append(activation(linear(values[-1], W, b)))
    W, b = params[-1]
    values.append(linear(values[-1], W, b))
    return values
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "forward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("mlp.forward", forward)

# %% [markdown]
# ### The saw is yours
#
# The first picture came from a formula. This one comes out of your `forward`. Every layer computes the same tent from two
# ReLUs, $2\,\mathrm{relu}(x) - 4\,\mathrm{relu}(x - \tfrac12)$: up to 1 and down again. A tent of a tent has two peaks, the
# next one four. Ten layers give 1,024 pieces, too fine to see.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_saw", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear", "relu", "forward"):
    draw.saw(forward, relu, layers=(1, 2, 4, 10))

# %% [markdown]
# ### A random network cuts the plane
#
# The saw was built by hand. What does a network with random weights look like from above?
#
# For a point in the plane, write down which units are active. Points with the same list share a region, and on that region
# the whole network is one linear map plus a constant. The colours only tell neighbours apart. In the first layer each unit
# cuts along a straight line. In later layers the cuts bend wherever they cross an earlier one.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_regions", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear", "relu", "forward"):
    draw.regions(forward, relu)

# %% [markdown]
# Pull the sliders. Eight lines cut the plane into at most 37 regions, wherever you put them. When do you get more regions
# from the same number of units: with one wide layer or with several narrow ones? Try several seeds. Depth *can* give
# exponentially many, as the saw shows. A random network has only a small part of them (Hanin and Rolnick, 2019).

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_regions", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear", "relu", "forward"):
    draw.regions_slider(forward, relu)

# %% [markdown]
# ## 2.5 How large should random weights be?
#
# A network starts with random weights. They must differ, or all units of a layer would do the same for ever. But how large
# should they be?
#
# You might think it hardly matters. Then count. Say the weights are half as large as they should be. Then every layer
# halves the signal. After 20 layers
#
# $$\left(\tfrac12\right)^{20} = \frac{1}{1{,}048{,}576}$$
#
# is left of it. Make them twice as large as they should be, and the signal grows a million times. **There is one right
# size, and every layer multiplies the error.** (Notebook 5 adds normalisation and residual connections, which forgive much
# of it.)
#
# **Which one?** One unit computes $z = w_1 a_1 + \dots + w_n a_n$ from $n$ inputs. Draw the weights at random, with mean 0 and
# variance $s^2$. Then two things happen to the mean square of the numbers:
#
# - the sum adds up $n$ terms: it is multiplied by $n\,s^2$ (the weights have mean 0, so on average the mixed terms of the
#   square cancel);
# - the ReLU sets the negative half of the sums to 0: on average it is halved.
#
# Together the layer multiplies it by $n s^2 / 2$. It stays the same when
#
# $$s^2 = \frac{2}{n}$$
#
# This is **He initialisation** (He et al. 2015), the usual choice for ReLU networks. Here $n$ is the number of **inputs**
# of the layer. The 2 is not a detail. Without it, 20 layers shrink the signal to $(\sqrt{1/2})^{20} = 1/1{,}024$.

# %% [markdown]
# ### Exercise: `he_init`
#
# `he_init(sizes [n_0, ..., n_L], rng) -> [(W_1, b_1), ..., (W_L, b_L)]`
#
# - Layer by layer, from the first to the last: `W` is `rng.standard_normal((out, in))` times $\sqrt{2/\mathrm{in}}$.
# - The biases are 0. Draw nothing for them.
# - `rng` is a NumPy generator, such as `np.random.default_rng(0)`. Draw from it and from nothing else: the check compares
#   your numbers with its own.
# - `pairwise(sizes)` from `itertools`, imported in the first cell, gives each layer's pair `(in, out)`: for `[64, 32, 10]`
#   first `(64, 32)`, then `(32, 10)`.
#
# **By hand.** `he_init([64, 32, 10], rng)` gives two layers. The first `W` has shape `(32, 64)` and is scaled by
# $\sqrt{2/64} = 0.177$, the second has shape `(10, 32)` and is scaled by $\sqrt{2/32} = 0.25$. The biases are 32 and 10 zeros.


# %% nbgrader={"grade": false, "grade_id": "he_init", "locked": false, "schema_version": 3, "solution": true, "task": false}
def he_init(sizes, rng):
    """Random weights that keep the size of the signal through ReLU layers.

    sizes: widths [n_0, ..., n_L]. rng: a NumPy generator.
    Returns [(W, b), ...], W of shape (n_l, n_{l-1}) and b of shape (n_l,).
    """
    ### BEGIN SOLUTION
    params = []
    for fan_in, fan_out in pairwise(sizes):
        W = rng.standard_normal((fan_out, fan_in)) * np.sqrt(2 / fan_in)
        params.append((W, np.zeros(fan_out)))
    return params
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "he_init_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("mlp.he_init", he_init)

# %% [markdown]
# ### Watch the signal travel
#
# Three networks with 20 hidden layers of 128 units. They differ in one factor on all weights.
#
# The blue line is the median size of the activations that are not 0. The dark band holds the middle half of them, the pale
# one 90%. The dashed line tells how much a unit differs from input to input, on average: it is the part of the signal that
# carries the input. Mind the axis: every tick is a factor of 1,000.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_signal", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear", "relu", "forward", "he_init"):
    draw.signal(forward, relu, he_init)

# %% [markdown]
# With the plain steps of notebook 3 only the middle one learns: the left one hardly moves, the right one overflows. Now turn
# the knobs yourself.
#
# - How far from 1 may the factor be at a depth of 50?
# - Choose the sigmoid. Its size can neither vanish nor explode. Why? But look at the dashed line: the network still answers,
#   but no longer listens.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_signal", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear", "relu", "sigmoid", "forward", "he_init"):
    draw.signal_slider(forward, he_init, {"relu": relu, "sigmoid": sigmoid, "tanh": np.tanh})

# %% [markdown]
# ## 2.6 Read handwriting
#
# A network has two lives. In **training** it looks for its weights. In **inference** the weights are fixed, and it is used:
# numbers in, answer out. `forward` is all that inference takes.
#
# You do not know yet how to train, so scikit-learn does it here. It finds the weights of a network with 64 inputs, 32
# hidden units and 10 outputs. Its setting `alpha` pulls all weights a little towards 0, which is called weight decay; more
# of it in notebook 5.
#
# scikit-learn stores its weights as `(in, out)`. We transpose them. Then your `forward` takes over and reads the 500 digits
# of the test set, which the network has never seen.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "read_digits", "locked": true, "schema_version": 3, "solution": false, "task": false}
from sklearn.neural_network import MLPClassifier

trained = MLPClassifier((32,), learning_rate_init=0.01, alpha=0.1, random_state=0)
trained.fit(digits.train.x, digits.train.labels)
params = [(W.T, b) for W, b in zip(trained.coefs_, trained.intercepts_, strict=True)]

with pending("linear", "relu", "forward", "he_init"):
    for name, network in (
        ("random weights", he_init([64, 32, 10], np.random.default_rng(0))),
        ("trained weights", params),
    ):
        logits = forward(digits.test.x, network, relu)[-1]
        right = int((logits.argmax(axis=1) == digits.test.labels).sum())
        print(f"{name:15}  {right:3d} of {len(logits)} digits read correctly")

# %% [markdown]
# Same sizes, same `forward`. Everything the trained network knows is in its 2,410 numbers.
#
# Follow one digit through it. In the middle are the hidden units that respond most strongly. Each picture shows a unit's
# weights, blue for plus and vermilion for minus, and the number above is its activation. The templates of notebook 1 looked
# a little like digits. These do not: a unit asks for ink at some positions and for paper at others, and the last layer
# weighs what they all say.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_digit", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear", "relu", "forward"):
    draw.digit_pass(forward, relu, params, digits.test.x[3], digits.test.labels[3])

# %% [markdown]
# ## 2.7 What does it cost in hardware?
#
# Notebook 1 counted by hand. With many layers you want functions for it.
#
# - A layer from $n$ to $m$ numbers stores $m \cdot n$ weights and $m$ biases.
# - For every example it needs $m \cdot n$ multiply-accumulates, **MACs**: one for each weight. A bias is only added, so it
#   does not count.

# %% [markdown]
# ### Exercise: `parameter_count`
#
# `parameter_count(sizes [n_0, ..., n_L]) -> int`
#
# **By hand.** The small network of this notebook has sizes `[2, 3, 2]`. The first layer stores $3\cdot2 + 3 = 9$ numbers, the
# second $2\cdot3 + 2 = 8$. Together: 17.


# %% nbgrader={"grade": false, "grade_id": "parameter_count", "locked": false, "schema_version": 3, "solution": true, "task": false}
def parameter_count(sizes):
    """How many weights and biases a network with these widths stores, as an int."""
    ### BEGIN SOLUTION
    return sum(m * n + m for n, m in pairwise(sizes))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "parameter_count_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("mlp.parameter_count", parameter_count)

# %% [markdown]
# ### Exercise: `mac_count`
#
# `mac_count(sizes [n_0, ..., n_L], batch=1) -> int`
#
# **By hand.** For the sizes `[2, 3, 2]` one example takes $3\cdot2 + 2\cdot3 = 12$ MACs, and a batch of 5 takes 60.


# %% nbgrader={"grade": false, "grade_id": "mac_count", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mac_count(sizes, batch=1):
    """How many multiply-accumulates a forward pass of `batch` examples needs, as an int."""
    ### BEGIN SOLUTION
    return batch * sum(m * n for n, m in pairwise(sizes))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "mac_count_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("mlp.mac_count", mac_count)

# %% [markdown]
# ### The bill
#
# First the promise from the beginning: one curve, drawn deep and drawn wide.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_saw", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear", "relu", "forward", "parameter_count", "mac_count"):
    deep, wide = [1, *[2] * 10, 1], [1, 1024, 1]
    for name, sizes in (("ten layers of 2", deep), ("one layer of 1,024", wide)):
        print(f"{name:18}  {parameter_count(sizes):5,} parameters  {mac_count(sizes):5,} MACs")
    inputs = np.linspace(0, 1, 5001)[:, None]
    curves = [forward(inputs, params_of, relu)[-1] for params_of in (draw.sawtooth(10), draw.wide_sawtooth(10))]
    print(f"largest difference between the two curves: {np.abs(curves[0] - curves[1]).max():.1e}")

# %% [markdown]
# Why 1,024 units side by side, for 1,023 bends between 0 and 1? A unit adds one bend, and one more unit has to start the
# first piece off in the right direction.
#
# Now the digits network. Count what one forward pass must move: every weight once, and every value on the way once, 4 bytes
# each in `float32`. One MAC is two floating-point operations, **FLOP**: one multiplication and one addition. FLOP per byte
# moved is called the **arithmetic intensity**.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_digits", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("parameter_count", "mac_count"):
    sizes = [64, 32, 10]
    print("batch      MACs   bytes of weights   bytes of values   FLOP per byte")
    for batch in (1, 10, 100, 1000):
        macs, weights, values = mac_count(sizes, batch), 4 * parameter_count(sizes), 4 * batch * sum(sizes)
        print(f"{batch:5,} {macs:9,} {weights:18,} {values:17,} {2 * macs / (weights + values):15.2f}")

# %% [markdown]
# Read the table from two sides.
#
# **A batch shares the weights.** Alone, a digit gets less than half a FLOP out of every byte that is moved. A thousand
# digits together get nearly 11. A large GPU of 2022 (NVIDIA H100 SXM) computes up to 67 trillion `float32` FLOP per second,
# without its tensor cores, and reads up to 3.35 trillion bytes. Its arithmetic is fully busy only above $67 / 3.35 = 20$
# FLOP per byte. Below that it waits for its memory.
#
# **The values grow with the batch.** For a thousand digits your `forward` keeps 44 times as many values as the network has
# parameters. In inference you may drop each layer's values once they are used. In training you need them all. That is why
# training takes so much more memory than inference.
#
# Measure it on this machine, with a larger network of four layers of 256 units. (On a busy machine the line wobbles.)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_batches", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("linear", "relu", "forward", "he_init"):
    wide = he_init([256] * 5, np.random.default_rng(0))
    wide = [(W.astype(np.float32), b.astype(np.float32)) for W, b in wide]
    batches = [np.ones((size, 256), np.float32) for size in (1, 16, 64, 256)]
    passes = [partial(forward, batch, wide, relu) for batch in batches]
    seconds = [min(timeit.repeat(one_pass, number=1, repeat=25)) for one_pass in passes]
    draw.batching([len(batch) for batch in batches], seconds)

# %% [markdown]
# The MACs of an example are the same everywhere on this line. What falls is the price of everything around them: reading the
# weights, about a megabyte, and calling NumPy.

# %% [markdown]
# ## 2.8 In your own words
#
# A classmate has built a ReLU network with 50 hidden layers, each 256 wide. It runs without an error. But for every image
# it gives every class a probability of 0.100000. You find this line: `W = 0.05 * rng.standard_normal((256, 256))`. The
# biases are 0.
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. By which factor does one layer change the size of the signal? And all 50? (What would the right factor be, instead of
#    0.05?)
# 2. Why do all classes get the same probability, whatever the image shows? Are the logits of two images really equal?
# 3. "Then I take the sigmoid instead of the ReLU. It gives 1/2, not 0, when its input is 0." True. Why does that not help?

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_silent", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. He's scale for 256 inputs is $\sqrt{2/256} = 0.0884$. With 0.05 each layer multiplies the size of the signal by
#    $0.05/0.0884 = 0.566$. After 50 layers $0.566^{50} \approx 4\cdot10^{-13}$ of it is left.
# 2. The last hidden layer holds numbers around $10^{-13}$, whatever the image was, and the logits are weighted sums of those.
#    They do differ from image to image, but only by about $10^{-13}$, so each of ten classes gets $e^0 / (10\, e^0) = 0.1$ up
#    to a dozen digits. The difference between two images has shrunk by the same factor as the signal.
# 3. The numbers no longer vanish: they are near $\sigma(0) = 1/2$. But what counts is the difference between two images, and
#    that is multiplied by the slope of the sigmoid, at most $1/4$, in every layer on top of the small weights: by about
#    $0.05\cdot\sqrt{256}/4 = 0.2$ per layer. It vanishes even faster, and beside $1/2$ it is soon lost to rounding: then the
#    logits of two images really are equal.

# %% [markdown]
# ## Recap
#
# - A network alternates fully connected layers, which mix, and a non-linear activation function. Without the second, all
#   layers merge into one.
# - ReLU folds space. Depth folds what is already folded, so a few deep units can draw what takes very many side by side.
# - The sigmoid makes shares out of numbers and is saturated on both sides. Compute it from $e^{-|z|}$.
# - He initialisation, variance $2/n$ for $n$ inputs, keeps the size of a signal through ReLU layers.
# - A layer from $n$ to $m$ numbers has $mn + m$ parameters and takes $mn$ MACs per example. A batch reads each weight once
#   for all its examples.
#
# ## Now try
#
# Nobody grades these.
#
# 1. Wire networks by hand, as `draw.sawtooth(1)` does: write `params` for a network that computes $|x|$ exactly, then for one
#    that computes $\max(x_0, x_1)$. How many hidden units does each need?
# 2. Measure the right factor. For He weights times 0.8, 0.9, 1.0, 1.1 and 1.2 and a depth of 50, print the mean square of the
#    last hidden layer over that of the input. Do the same with `np.tanh`. Why does the factor matter so much less
#    there?
# 3. Take the trained `params` and set all weights smaller than some threshold to 0. How many of the 2,368 can go before the
#    network reads worse than 90%? (Notebook 12 is about this question.)
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# ## References
#
# - G. Cybenko, *Approximation by superpositions of a sigmoidal function*, Mathematics of Control, Signals and Systems 2, 1989,
#   [doi:10.1007/BF02551274](https://doi.org/10.1007/BF02551274).
# - M. Leshno, V. Lin, A. Pinkus and S. Schocken, *Multilayer feedforward networks with a nonpolynomial activation function can
#   approximate any function*, Neural Networks 6, 1993,
#   [doi:10.1016/S0893-6080(05)80131-5](https://doi.org/10.1016/S0893-6080%2805%2980131-5). One hidden layer is enough for every
#   activation function that is not a polynomial.
# - M. Telgarsky, *Benefits of depth in neural networks*, COLT 2016, [arXiv:1602.04485](https://arxiv.org/abs/1602.04485). The
#   saw, and why a shallow network cannot follow it.
# - G. Montúfar, R. Pascanu, K. Cho and Y. Bengio, *On the number of linear regions of deep neural networks*, NeurIPS 2014,
#   [arXiv:1402.1869](https://arxiv.org/abs/1402.1869).
# - B. Hanin and D. Rolnick, *Deep ReLU networks have surprisingly few activation patterns*, NeurIPS 2019,
#   [arXiv:1906.00904](https://arxiv.org/abs/1906.00904). Why random networks have far fewer regions than they could.
# - X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010,
#   [proceedings.mlr.press/v9](https://proceedings.mlr.press/v9/glorot10a.html). The signal layer by layer.
# - K. He, X. Zhang, S. Ren and J. Sun, *Delving deep into rectifiers*, ICCV 2015,
#   [doi:10.1109/ICCV.2015.123](https://doi.org/10.1109/ICCV.2015.123). The 2 in $2/n$.
# - *NVIDIA H100 Tensor Core GPU*, data sheet, 2023, [nvidia.com](https://www.nvidia.com/en-us/data-center/h100/). Peak rates
#   of the SXM version.
# - E. Alpaydin and C. Kaynak, *Optical recognition of handwritten digits*, UCI Machine Learning Repository, 1998,
#   [doi:10.24432/C50P49](https://doi.org/10.24432/C50P49).
#
# **Next**: [3 · Backpropagation](../03_backpropagation/03_backpropagation.ipynb), where you walk the same list back, from the
# logits to the weights, and the network learns. To read: S. Prince,
# [*Understanding Deep Learning*](https://udlbook.github.io/udlbook/), chapters 3 and 4, on regions and folds.

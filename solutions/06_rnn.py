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
# # 6 · Recurrent networks
#
# "this is a sentence" is "dies ist ein Satz" in German. A list of four words is enough to translate it, one word after the
# other. No network is needed.
#
# "I have read this sentence" is "ich habe diesen Satz gelesen". Here the list fails. The third word has to come last, and the
# fourth has to wait for the fifth, which decides that it is *diesen*.
#
# So **order** matters, the **length** is never the same, and what is read early may be needed late. Every fully connected
# network so far wanted an input of one fixed size. This one reads word by word, as you do, and has to remember.

# %% [markdown]
# **You will be able to**
#
# - write a recurrent network in PyTorch, draw it unrolled, and run it on sequences of any length;
# - train it with backpropagation through time, without autograd;
# - measure how a gradient vanishes or explodes over many steps, and say why;
# - apply gradient clipping, and say what it cannot repair;
# - train a language model on characters, measure its perplexity on text that it has not seen, and let it write;
# - count what a recurrent network costs, and say why a GPU has to wait for it.
#
# **Time**: about 4 hours (estimated). **Needs**: [2 · Forward propagation](../02_mlp_forward/02_mlp_forward.ipynb) and
# [3 · Backpropagation](../03_backpropagation/03_backpropagation.ipynb).
# [Map of the course](../00_start/00_start.ipynb).

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math
import textwrap
import timeit
from collections import Counter

import torch

from autograder import check, progress
from course_lib import data
from course_lib.training import track
from course_lib.viz import pending, style
from course_lib.viz import rnn as draw
from course_lib.viz import rnn_diagrams as diagrams

torch.set_num_threads(1)
style()

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "word_by_word", "locked": true, "schema_version": 3, "solution": false, "task": false}
german = {"this": "dies", "is": "ist", "a": "ein", "sentence": "Satz", "I": "ich", "have": "habe", "read": "gelesen"}
for english in ("this is a sentence", "I have read this sentence"):
    print(f"{english:25}   word by word: {' '.join(german[word] for word in english.split())}")

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "diagram_words", "locked": true, "schema_version": 3, "solution": false, "task": false}
diagrams.word_order()

# %% [markdown]
# From here on you write PyTorch in place of NumPy. Most of it reads the same: `x @ W.T`, `x.sum(0)`, `torch.tanh(x)`. Three
# things are new.
#
# - **dtype.** A new tensor is `float32`, unless you say otherwise. Your results must have the dtype of the inputs:
#   `torch.zeros_like(h)` and `x.new_zeros(3, 4)` keep it, `torch.zeros(3, 4)` does not.
# - **device.** A tensor lives on the CPU or on a GPU, and so must your result. The same two calls take care of it.
# - **No cheating.** PyTorch has all this ready-made: `torch.nn.RNN` and automatic gradients. You will use them later. In
#   this notebook the exercises ask for the real thing.

# %% [markdown]
# ## 6.1 A network with a memory
#
# "Not good" and "good" end with the same word. Whoever reads word by word must keep something in mind.
#
# So give the network a **hidden state**: a row of $H$ numbers that it hands to itself, from step to step. At each step it
# reads one input and its own old state, and writes a new state.
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $x_t$ | $(N, D)$ | the input at step $t$, for $N$ sequences at once |
# | $T$ | | the number of steps |
# | $h_t$ | $(N, H)$ | the hidden state after step $t$; $h_0$ is the state before the first step |
# | $W_{ih}$ | $(H, D)$ | weights from the input to the state |
# | $W_{hh}$ | $(H, H)$ | weights from the old state to the new one |
# | $b_{ih}, b_{hh}$ | $(H,)$ | two biases. One would do, but PyTorch stores two |
#
# $$h_t = \tanh\left(x_t W_{ih}^\top + b_{ih} + h_{t-1} W_{hh}^\top + b_{hh}\right)$$
#
# Nothing in this line depends on $t$ but the input and the state. **The same weights serve every step.** A convolution shares
# its weights over all positions of an image. A **recurrent neural network**, RNN, shares them over all steps of a sequence.
#
# What does sharing save? Give each of 10,000 words a position of its own in a vector of zeros (a **one-hot** vector), and
# take 128 units. A fully connected layer that sees 20 words at once has 25.6 million weights, can read no sentence of 21, and
# has to learn what "read" means 20 times. An RNN has 1.3 million, for sentences of any length.

# %% [markdown]
# ### Exercise: `rnn_cell`
#
# `rnn_cell(x (N, D), h (N, H), W_ih (H, D), W_hh (H, H), b_ih (H,), b_hh (H,)) -> h (N, H)`
#
# One step. The old state stays as it is: you will need it on the way back.
#
# **By hand.** One input, two units: $x = 1$ and $h = (0.5, -0.5)$.
#
# | unit | weight of $x$ | weights of $h$ | biases | sum | tanh |
# |:--|--:|:--|:--|:--|--:|
# | 0 | $1$ | $(0, 1)$ | $0$ and $0.5$ | $1 + (-0.5) + 0 + 0.5 = 1$ | $0.762$ |
# | 1 | $-1$ | $(0.5, 0)$ | $1$ and $0$ | $-1 + 0.25 + 1 + 0 = 0.25$ | $0.245$ |
#
# The new state is `[[0.762, 0.245]]`.


# %% nbgrader={"grade": false, "grade_id": "rnn_cell", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rnn_cell(x, h, W_ih, W_hh, b_ih, b_hh):
    """One step: reads x (N, D) and the old state h (N, H), returns the new state (N, H).

    W_ih: (H, D). W_hh: (H, H). b_ih, b_hh: (H,).
    """
    ### BEGIN SOLUTION
    a = x @ W_ih.T + b_ih + h @ W_hh.T + b_hh
    return torch.tanh(a)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "rnn_cell_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("rnn.rnn_cell", rnn_cell)

# %% [markdown]
# ## 6.2 Through time
#
# Now read a whole sequence. **Unroll** the loop: $T$ copies of one layer, in a row, each with an input of its own.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "diagram_unrolled", "locked": true, "schema_version": 3, "solution": false, "task": false}
diagrams.unrolled()

# %% [markdown]
# Unrolled, a sequence of a hundred steps is a network a hundred layers deep. All its layers have the same weights.
#
# ### Exercise: `rnn_forward`
#
# `rnn_forward(xs (N, T, D), h0 (N, H), W_ih, W_hh, b_ih, b_hh) -> (hs (N, T, H), h_T (N, H))`
#
# - Step $t$ reads `xs[:, t]`, for all sequences at once.
# - `hs` holds the states after each step. `h0` is not among them.
# - Return the last state too: whoever goes on reading starts from there.
#
# **By hand.** The weights from above, $h_0 = (0, 0)$ and the inputs $1, 0, 2$:
#
# | step | $x$ | sums | state |
# |--:|--:|:--|:--|
# | 1 | 1 | $(1.5,\ 0)$ | $(0.905,\ 0)$ |
# | 2 | 0 | $(0.5,\ 1.453)$ | $(0.462,\ 0.896)$ |
# | 3 | 2 | $(3.396,\ -0.769)$ | $(0.998,\ -0.646)$ |
#
# Check one number: in step 2, unit 1 gets $-1\cdot0 + 1 + 0.5\cdot0.905 = 1.453$.


# %% nbgrader={"grade": false, "grade_id": "rnn_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rnn_forward(xs, h0, W_ih, W_hh, b_ih, b_hh):
    """Reads xs (N, T, D) from the state h0 (N, H).

    Returns the states after each step, (N, T, H), and the last of them, (N, H).
    """
    ### BEGIN SOLUTION
    h, hs = h0, []
    for t in range(xs.shape[1]):
        h = rnn_cell(xs[:, t], h, W_ih, W_hh, b_ih, b_hh)
        hs.append(h)
    return torch.stack(hs, dim=1), h
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "rnn_forward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("rnn.rnn_forward", rnn_forward)

# %% [markdown]
# ### How long does an echo last?
#
# One pulse in the first step, then silence. Each row of a picture is one unit of the state, blue for plus and vermilion for
# minus.
#
# The three networks have the same random weights, but for one factor on $W_{hh}$. It is set by the **spectral radius**: the
# largest absolute eigenvalue of $W_{hh}$. Multiply a vector by $W_{hh}$ again and again, and in the end it grows by this
# factor each time.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_echo", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("rnn_cell", "rnn_forward"):
    draw.echo(rnn_forward)

# %% [markdown]
# - With 0.5 the pulse is gone after a few steps. This network lives in the present.
# - With 0.9 it fades slowly.
# - With 1.3 the state never comes to rest at 0. It settles on another pattern, where tanh stops the growth. That something
#   happened is remembered for ever. But what happened afterwards hardly moves this state any more.
#
# A good memory lies between those two. The range is narrow.

# %% [markdown]
# ## 6.3 Back through time
#
# The unrolled network is a deep network, so backpropagation works as in notebook 3: from the end to the beginning, step by
# step. It even has a name of its own here, **backpropagation through time**.
#
# Take one step first. Let $a$ be the pre-activation, the sum inside the tanh. The slope of tanh is $1 - \tanh^2(a)$, and
# $\tanh(a)$ is the new state, which you have already. So
#
# $$da = dh_t \odot (1 - h_t^2)$$
#
# where $dh_t$ is the gradient of the loss with respect to $h_t$, and $\odot$ multiplies number by number. The rest is the
# linear layer of notebook 3, twice:
#
# | gradient | formula | shape |
# |:--|:--|:--|
# | $dx_t$ | $da\, W_{ih}$ | $(N, D)$ |
# | $dh_{t-1}$ | $da\, W_{hh}$ | $(N, H)$ |
# | $dW_{ih}$ | $da^\top x_t$ | $(H, D)$ |
# | $dW_{hh}$ | $da^\top h_{t-1}$ | $(H, H)$ |
# | $db_{ih}$ and $db_{hh}$ | sum of $da$ over the batch | $(H,)$ |
#
# ### Exercise: `rnn_cell_backward`
#
# `rnn_cell_backward(dh_next (N, H), x, h, h_next, W_ih, W_hh) -> (dx, dh, dW_ih, dW_hh, db_ih, db_hh)`
#
# `h` is the state before the step and `h_next` the state after it. `dh_next` belongs to `h_next`, and `dh`, which you return,
# to `h`. Each gradient has the shape of what it belongs to.
#
# **By hand.** The weights from above, $x = 2$, $h = (0.5, -1)$, $h_{next} = (0, 0.5)$ and $dh_{next} = (1, 4)$:
#
# - $da = (1 \cdot (1 - 0),\ 4 \cdot (1 - 0.25)) = (1, 3)$
# - $dx = 1 \cdot 1 + 3 \cdot (-1) = -2$
# - $dh = (1 \cdot 0 + 3 \cdot 0.5,\ 1 \cdot 1 + 3 \cdot 0) = (1.5, 1)$
# - $dW_{ih}$ has the rows $(2)$ and $(6)$, and $dW_{hh}$ the rows $(0.5, -1)$ and $(1.5, -3)$
# - both biases get $(1, 3)$


# %% nbgrader={"grade": false, "grade_id": "rnn_cell_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rnn_cell_backward(dh_next, x, h, h_next, W_ih, W_hh):
    """The gradients of one step, from dh_next (N, H) at its end.

    x: (N, D), what was read. h: (N, H), the state before. h_next: (N, H), the state after.
    Returns (dx, dh, dW_ih, dW_hh, db_ih, db_hh).
    """
    ### BEGIN SOLUTION
    da = dh_next * (1 - h_next**2)
    db = da.sum(dim=0)
    return da @ W_ih, da @ W_hh, da.T @ x, da.T @ h, db, db
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "rnn_cell_backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("rnn.rnn_cell_backward", rnn_cell_backward)

# %% [markdown]
# Now all steps. Two things happen at every state $h_t$ on the way back:
#
# - **Two gradients meet.** The loss may use $h_t$ directly: that is `dhs[:, t]`. And $h_t$ went into step $t + 1$: that share
#   comes back from there. Add both, *then* go through the step.
# - **The weights are shared.** Every step gives a share of $dW_{ih}$, $dW_{hh}$ and the biases. Add them up.
#
# ### Exercise: `rnn_backward`
#
# `rnn_backward(dhs (N, T, H), xs (N, T, D), h0 (N, H), hs (N, T, H), W_ih, W_hh) -> (dxs, dh0, dW_ih, dW_hh, db_ih, db_hh)`
#
# **By hand.** Two steps, the weights from above, $x = 1, 2$ and $h_0 = (1, -1)$. The states were $h_1 = (0, 0.5)$ and
# $h_2 = (0.5, 0)$. The loss sends $(1, 4)$ to $h_1$ and $(4, -2)$ to $h_2$.
#
# - **Step 2.** $da = (4 \cdot 0.75,\ -2 \cdot 1) = (3, -2)$. So $dx_2 = 3 + 2 = 5$, and back to $h_1$ goes $(-1, 3)$.
# - **Step 1.** At $h_1$ meet $(1, 4) + (-1, 3) = (0, 7)$. So $da = (0, 5.25)$, $dx_1 = -5.25$ and $dh_0 = (2.625, 0)$.
# - **Weights.** $dW_{ih}$ has the rows $3\cdot2 + 0\cdot1 = 6$ and $-2\cdot2 + 5.25\cdot1 = 1.25$. Both biases get
#   $(3, -2) + (0, 5.25) = (3, 3.25)$.


# %% nbgrader={"grade": false, "grade_id": "rnn_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rnn_backward(dhs, xs, h0, hs, W_ih, W_hh):
    """Backpropagation through time, from the gradients dhs (N, T, H) that the loss sends to each state.

    xs: (N, T, D). h0: (N, H). hs: (N, T, H), from rnn_forward.
    Returns (dxs, dh0, dW_ih, dW_hh, db_ih, db_hh).
    """
    ### BEGIN SOLUTION
    dh = torch.zeros_like(h0)
    dxs, shares = [], []
    for t in reversed(range(xs.shape[1])):
        h = hs[:, t - 1] if t > 0 else h0
        dx, dh, *share = rnn_cell_backward(dhs[:, t] + dh, xs[:, t], h, hs[:, t], W_ih, W_hh)
        dxs.append(dx)
        shares.append(share)
    return torch.stack(dxs[::-1], dim=1), dh, *(sum(parts) for parts in zip(*shares, strict=True))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "rnn_backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("rnn.rnn_backward", rnn_backward)

# %% [markdown]
# ### Which inputs hear of a mistake?
#
# The loss looks at the last state only, after 30 steps. How much of its gradient arrives at each input? The longest bar is
# set to 1.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_input_gradients", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("rnn_cell", "rnn_forward", "rnn_cell_backward", "rnn_backward"):
    draw.input_gradients(rnn_forward, rnn_backward)

# %% [markdown]
# With the small radius, only the last five inputs are ever told that something went wrong. All others get next to
# nothing. The first ones could be anything: the network has no means to learn from them.

# %% [markdown]
# ## 6.4 The gradient vanishes
#
# **0.9 or 1.1?** Multiply 1 by either number, a hundred times. The first leaves 0.000027. The second makes 13,781 of it.
# The two results differ by a factor of more than 500 million.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_powers", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.powers()

# %% [markdown]
# A gradient on its way back through time is multiplied by the same matrix at every step. Make it exact. How strongly does the
# last state depend on the state at step $t$? For one sequence that is an $(H, H)$ matrix of derivatives, the **Jacobian**
# $\partial h_T / \partial h_t$. One step contributes
#
# $$J_t = \frac{\partial h_t}{\partial h_{t-1}} = \mathrm{diag}(1 - h_t^2)\, W_{hh}$$
#
# The diagonal matrix stands on the left: the tanh comes after $W_{hh}$, so its slopes scale the **rows**. The chain rule
# multiplies the steps, the last one on the left:
#
# $$\frac{\partial h_T}{\partial h_t} = J_T\, J_{T-1} \cdots J_{t+1}$$
#
# A product of many matrices: 0.9 or 1.1, in many dimensions. If it tends to 0, this is a **vanishing gradient**; if it
# grows without end, an **exploding gradient**. Its size is the **spectral norm**, the largest factor by which the
# matrix can stretch a vector. It is the largest singular value: `torch.linalg.matrix_norm(J, 2)`.
#
# ### Exercise: `gradient_norms`
#
# `gradient_norms(hs (T, H), W_hh (H, H)) -> (T,)`
#
# The spectral norm of $\partial h_T / \partial h_t$ for $t = 1, \dots, T$. The last entry is that of the identity, which is 1.
# Begin there and walk back: each step multiplies one more $J$ from the right.
#
# **By hand.** Three steps. $W_{hh}$ has the rows $(0, 2)$ and $(1, 0)$. The states were $(0.9, 0.1)$, $(0, 0.5)$ and
# $(0.5, 0)$.
#
# - $t = 3$: the identity, so $1$.
# - $t = 2$: $J_3$ is $W_{hh}$ with its rows scaled by $0.75$ and $1$. Its rows are $(0, 1.5)$ and $(1, 0)$, its norm is $1.5$.
# - $t = 1$: $J_2$ has the rows $(0, 2)$ and $(0.75, 0)$. $J_3 J_2$ has the rows $(1.125, 0)$ and $(0, 2)$. Its norm is $2$.
#
# The answer is `[2., 1.5, 1.]`. The product of the two norms would be $1.5 \cdot 2 = 3$. That is only an upper bound: the
# second step did not stretch what the first had stretched most. And the first state, $(0.9, 0.1)$, plays no part at all.


# %% nbgrader={"grade": false, "grade_id": "gradient_norms", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gradient_norms(hs, W_hh):
    """The spectral norms of d h_T / d h_t for t = 1 ... T, as (T,).

    hs: (T, H), the states of one sequence. W_hh: (H, H).
    """
    ### BEGIN SOLUTION
    product = torch.eye(hs.shape[1], dtype=hs.dtype, device=hs.device)
    norms = [torch.linalg.matrix_norm(product, 2)]
    for h in hs[1:].flip(0):
        product = product @ ((1 - h**2)[:, None] * W_hh)
        norms.append(torch.linalg.matrix_norm(product, 2))
    return torch.stack(norms[::-1])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "gradient_norms_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("rnn.gradient_norms", gradient_norms)

# %% [markdown]
# ### Five radii
#
# A network of 64 units reads 100 steps of faint noise. Mind the axis: every tick is a factor of 1,000 or more.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_gradients", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("rnn_cell", "rnn_forward", "gradient_norms"):
    draw.gradient_paths(rnn_forward, gradient_norms)

# %% [markdown]
# - **0.5.** After 50 steps about $10^{-15}$ is left. Beside a 1, a `float32` cannot even see that.
# - **0.9 and 1.0.** It vanishes too, only later. Even at a radius of 1: wherever a state is not 0, the slope of its tanh is
#   below 1.
# - **1.1.** Here the growth of the matrix and the slopes of tanh just cancel, for this noise and this length.
# - **1.5.** It grows. But not like $1.5^{100}$, which is $4\cdot10^{17}$: the states grow too, they reach the flat ends of
#   tanh, and the slopes pull the product down.
#
# Turn the knobs. `loud` is how strong the inputs are. Look at the mean slope on the right: how large may the radius be before
# the gradient explodes when it is loud?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_gradients", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("rnn_cell", "rnn_forward", "gradient_norms"):
    draw.gradient_slider(rnn_forward, gradient_norms)

# %% [markdown]
# ## 6.5 The gradient explodes
#
# Vanishing is quiet: the network learns, but only from the recent past. Exploding is loud. Here is the smallest network there
# is: one unit, one weight $w$ from the state to itself, 50 steps with the same input. Above is its loss over $w$, below the
# gradient that your `rnn_backward` finds.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_cliff", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("rnn_cell", "rnn_forward", "rnn_cell_backward", "rnn_backward"):
    draw.cliff(rnn_forward, rnn_backward)

# %% [markdown]
# Two plains and a cliff. To the left of it the state falls to the wrong side, and to the right it stays. A descent that walks
# into the wall gets a gradient of about 100, where less than 1 is usual. With one step it is thrown out of the picture, and
# all that it had learned is lost.
#
# The remedy is simple (Pascanu and others, 2013): keep the direction, limit the length. It is called **gradient clipping**.
# Take **all** gradients of the network as one long vector $g$. If it is longer than allowed, shorten it:
#
# $$g \leftarrow g \cdot \min\left(1, \frac{\text{max\_norm}}{\lVert g \rVert}\right)$$
#
# ### Exercise: `clip_gradient_norm`
#
# `clip_gradient_norm(grads [tensor, ...], max_norm) -> ([tensor, ...], total_norm)`
#
# Return new tensors, and the norm as it was **before**: a curve of it shows when something explodes. Short gradients stay as
# they are, also those of length 0.
#
# **By hand.** The gradients $(2, -1)$ and $(2, 4)$ have together the squares $4 + 1 + 4 + 16 = 25$, so the norm is 5. With
# `max_norm = 2.5` each number is halved: $(1, -0.5)$ and $(1, 2)$, and `total_norm` is 5.


# %% nbgrader={"grade": false, "grade_id": "clip_gradient_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clip_gradient_norm(grads, max_norm):
    """Shortens all gradients together to max_norm where they are longer.

    Returns new gradients, and the norm of the old ones.
    """
    ### BEGIN SOLUTION
    total_norm = math.sqrt(sum(float((grad**2).sum()) for grad in grads))
    scale = max_norm / total_norm if total_norm > max_norm else 1.0
    return [grad * scale for grad in grads], total_norm
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "clip_gradient_norm_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("rnn.clip_gradient_norm", clip_gradient_norm)

# %% [markdown]
# Clipping cures the loud fault. The quiet one it cannot touch: what has vanished is not made longer.
#
# ## 6.6 How far back can it remember?
#
# Try it. In the first step the network sees one of four symbols. Then it hears noise. At the end it must say which symbol it
# was. Guessing costs a loss of $\ln 4 = 1.39$, knowing costs 0. Each distance is tried with two learning rates, so that a rate
# that does not suit is not taken for a lack of memory.
#
# Everything in the next cell is yours: the forward pass, the way back, the clipping. `learn` puts a linear layer with weights
# `V` and biases `c` on top of the state, which gives the logits, and takes one step. Its gradient is the one of notebook 3:
# probabilities minus one-hot labels, $p - y$. The loss itself comes from `cross_entropy`, which takes logits and is safe at
# large ones. A target of $-1$ means that nobody asks at this step.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "define_learn", "locked": true, "schema_version": 3, "solution": false, "task": false}
def fresh(inputs, hidden, tokens, seed=0):
    """W_ih, W_hh, b_ih, b_hh and the output layer's V, c: uniform, as PyTorch initialises them."""
    generator, reach = torch.Generator().manual_seed(seed), 1 / math.sqrt(hidden)
    shapes = (hidden, inputs), (hidden, hidden), (hidden,), (hidden,), (tokens, hidden), (tokens,)
    return [reach * (2 * torch.rand(shape, generator=generator) - 1) for shape in shapes]


def learn(params, xs, h0, targets, optimizer):
    """One training step with your own functions; returns the loss and the last state."""
    W_ih, W_hh, b_ih, b_hh, V, c = params
    hs, last = rnn_forward(xs, h0, W_ih, W_hh, b_ih, b_hh)
    asked = targets >= 0
    logits, wanted = hs[asked] @ V.T + c, targets[asked]
    loss = torch.nn.functional.cross_entropy(logits, wanted)

    one_hot_labels = torch.nn.functional.one_hot(wanted, len(c))
    dlogits = (torch.softmax(logits, dim=1) - one_hot_labels) / len(wanted)
    dhs = torch.zeros_like(hs)
    dhs[asked] = dlogits @ V
    _, _, *grads = rnn_backward(dhs, xs, h0, hs, W_ih, W_hh)
    grads, _ = clip_gradient_norm([*grads, dlogits.T @ hs[asked], dlogits.sum(dim=0)], 1.0)
    for param, grad in zip(params, grads, strict=True):
        param.grad = grad
    optimizer.step()
    return float(loss), last


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_recall", "locked": true, "schema_version": 3, "solution": false, "task": false}
def recall_batch(count, distance, generator, symbols=4):
    """One symbol, then `distance` steps of noise; the question comes with the last one."""
    labels = torch.randint(symbols, (count,), generator=generator)
    xs = torch.zeros(count, distance + 1, symbols + 1)
    xs[torch.arange(count), 0, labels] = 1
    xs[:, 1:, symbols] = torch.randn(count, distance, generator=generator)
    targets = torch.full((count, distance + 1), -1)
    targets[:, -1] = labels
    return xs, targets


with pending("rnn_cell", "rnn_forward", "rnn_cell_backward", "rnn_backward", "clip_gradient_norm"):
    distances, recalled = (4, 8, 16, 32, 48, 64), {0.003: [], 0.01: []}
    runs = [(rate, distance) for distance in distances for rate in recalled]
    for rate, distance in track(runs, "twelve networks learn to remember"):
        params, generator = fresh(5, 32, 4), torch.Generator().manual_seed(distance)
        optimizer, run = torch.optim.Adam(params, lr=rate), []
        for _ in range(300):
            xs, targets = recall_batch(64, distance, generator)
            run.append(learn(params, xs, torch.zeros(64, 32), targets, optimizer)[0])
        recalled[rate].append(sum(run[-20:]) / 20)
    draw.recall(distances, recalled, math.log(4))

# %% [markdown]
# A wall, for each rate. Close by, the task is easy. Far away, the network has learned nothing at all. In between it is a
# matter of luck: some random starts learn only a part. (A loss near $\ln 2 = 0.69$ is a network that knows one bit of the
# two.) The larger rate moves the wall. It does not remove it.
#
# The network is not too small: 32 units can hold two bits, and in the shorter tasks they do. But it is never told. The gradient
# that should say "you forgot the symbol" has to pass all these steps, and it does not arrive.
#
# Notebook 7 moves the wall.

# %% [markdown]
# ## 6.7 A network that writes
#
# Language is a sequence, and predicting it needs no labels: the next character is the target. A network that gives a
# probability to every next character is a **language model**.
#
# How good is it? Take the mean cross-entropy $L$ over all positions, as always. Then read it as a number of choices, the
# **perplexity**:
#
# $$\text{perplexity} = e^{L}$$
#
# A die with 6 faces has a perplexity of 6. A model with a perplexity of 6 is as unsure as if it threw that die for every
# character.
#
# ### Exercise: `perplexity`
#
# `perplexity(logits (N, T, V), targets (N, T)) -> float`
#
# A **token** is what is read at one step, here a character, and $V$ is the number of different ones. One mean over all
# $N \cdot T$ positions, then the exponential. It must be safe at logits of 10,000: `torch.log_softmax` is.
#
# **By hand.** One sequence, two positions. The characters that came had the probabilities $1/2$ and $1/8$. The mean of
# $\ln 2$ and $\ln 8 = 3 \ln 2$ is $2 \ln 2$, so the perplexity is $e^{2 \ln 2} = 4$.


# %% nbgrader={"grade": false, "grade_id": "perplexity", "locked": false, "schema_version": 3, "solution": true, "task": false}
def perplexity(logits, targets):
    """e to the mean cross-entropy of logits (N, T, V) and targets (N, T), as a Python float."""
    ### BEGIN SOLUTION
    logs = torch.log_softmax(logits, dim=-1)
    chosen = torch.gather(logs, -1, targets[..., None])
    return math.exp(-chosen.mean().item())
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "perplexity_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("rnn.perplexity", perplexity)

# %% [markdown]
# Once it predicts, it can write. Draw a character from the probabilities, feed it back as the next input, draw again.
#
# How daring should it be? Divide the logits by a **temperature** before the softmax. For logits $(2, 1, 0, -1)$:
#
# | temperature | probabilities | the text is |
# |--:|:--|:--|
# | 0.5 | 0.865, 0.117, 0.016, 0.002 | careful, and soon repeats itself |
# | 1 | 0.644, 0.237, 0.087, 0.032 | as the model learned it |
# | 3 | 0.385, 0.276, 0.198, 0.142 | wild |
#
# ### Exercise: `sample`
#
# `sample(step, h, token, length, temperature, generator) -> list of ints`
#
# - `step(token, h) -> (logits (V,), h)` is the model: it reads one token in the state `h` and returns logits and a new state.
# - `token` is read first. It is not part of the result: return the `length` tokens that follow.
# - Draw with `torch.multinomial(probabilities, 1, generator=generator)`. Then the same generator always writes the same text.
# - The logits may be on a GPU while the generator is on the CPU. `probabilities.to(generator.device)` brings them together.
#
# **By hand.** A model that is sure of the next letter of the alphabet, begun with `a`, writes `b, c, d` for `length = 3`.
# Here letters are numbers: `sample(step, h, 0, 3, 1.0, generator)` gives `[1, 2, 3]`.


# %% nbgrader={"grade": false, "grade_id": "sample", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample(step, h, token, length, temperature, generator):
    """Lets a model write `length` tokens after `token`, from the state h; returns them as a list of ints.

    step(token, h) returns logits (V,) and a new state.
    """
    ### BEGIN SOLUTION
    tokens = []
    for _ in range(length):
        logits, h = step(token, h)
        probabilities = torch.softmax(logits / temperature, dim=0).to(generator.device)
        token = int(torch.multinomial(probabilities, 1, generator=generator))
        tokens.append(token)
    return tokens
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sample_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("rnn.sample", sample)

# %% [markdown]
# ### It reads this course
#
# `data.prose_parts()` is the text of this course's own notebooks, sentence by sentence, in two parts. Nine sentences of ten
# are there to learn from. Every tenth is **held out**: the network never reads it while it learns, so that it cannot know it
# by heart.
#
# The network reads at 16 positions of the text at once, 32 characters at a time, and hands its state on from piece to piece.
# The gradient stops at the border of a piece: that is called **truncated** backpropagation through time.
#
# It knows nothing of words. It sees single characters, each as a one-hot vector. All gradients are yours.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_prose", "locked": true, "schema_version": 3, "solution": false, "task": false}
text, unseen = data.prose_parts()
characters = sorted(set(text + unseen))
one_hot = torch.eye(len(characters))
print(
    f"{len(text):,} characters to learn from, {len(unseen):,} held out, {len(characters)} different ones. It begins:\n"
)
print(text[:230])


def in_rows(text, rows=16):
    """The text as so many rows: the characters, and those that follow them, (rows, T) each."""
    tokens = torch.tensor([characters.index(character) for character in text])
    width = (len(tokens) - 1) // rows
    return tuple(tokens[i : i + rows * width].view(rows, width) for i in (0, 1))


def judged(text):
    """The perplexity of the network on a text."""
    inputs, following = in_rows(text)
    hs, _ = rnn_forward(one_hot[inputs], torch.zeros(16, 128), *writer[:4])
    return perplexity(hs @ writer[4].T + writer[5], following)


writer, seen, held_out, piece = fresh(len(characters), 128, len(characters)), [], [], 32
with pending("rnn_cell", "rnn_forward", "rnn_cell_backward", "rnn_backward", "clip_gradient_norm", "perplexity"):
    optimizer = torch.optim.Adam(writer, lr=5e-3)
    inputs, following = in_rows(text)
    at = inputs.shape[1]
    for step in track(range(1500), "reads the course"):
        if at + piece > inputs.shape[1]:
            at, state = 0, torch.zeros(16, 128)
        now = slice(at, at + piece)
        loss, state = learn(writer, one_hot[inputs[:, now]], state, following[:, now], optimizer)
        seen.append(loss)
        at += piece
        if step % 100 == 99:
            held_out.append(judged(unseen))
    draw.learning(seen, held_out, len(characters))

# %% [markdown]
# The line is what it reads while it learns, the points are the held-out sentences. At first both fall together. Then the line
# falls faster: a part of what the network learns from there on is this text, and not the language. That is overfitting.
#
# Now it writes, at three temperatures, each time from the start of a line.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "write_prose", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("rnn_cell", "rnn_forward", "rnn_backward", "clip_gradient_norm", "perplexity", "sample"):

    def step(token, h):
        """The trained network, one character at a time."""
        h = rnn_cell(one_hot[token][None], h, *writer[:4])
        return (h @ writer[4].T + writer[5])[0], h

    for temperature in (0.3, 0.7, 1.2):
        generator = torch.Generator().manual_seed(1)
        written = sample(step, torch.zeros(1, 128), characters.index("\n"), 240, temperature, generator)
        print(f"temperature {temperature}")
        for line in "".join(characters[token] for token in written).strip().splitlines():
            print(textwrap.fill(line, 90, initial_indent="  ", subsequent_indent="  "))
        print()

# %% [markdown]
# Seconds ago it did not know what a letter is. Now it spells words, puts spaces between them, begins a sentence with a capital
# and ends it with a full stop. But the sentences lead nowhere: for that it would have to know at the end of a sentence how it
# began.
#
# How good is that, as a number? A network should be compared with something simpler. Here it is a table: after each $k$
# characters, how often did each character follow? Everything is judged on the held-out sentences.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_prose", "locked": true, "schema_version": 3, "solution": false, "task": false}
def table(k):
    """The perplexity on the held-out text of counting what followed each k characters, 0.01 added to every count."""
    pairs = Counter(text[i : i + k + 1] for i in range(len(text) - k))
    before = Counter(text[i : i + k] for i in range(len(text) - k))
    ends = range(k, len(unseen))
    chances = [
        (pairs[unseen[i - k : i + 1]] + 0.01) / (before[unseen[i - k : i]] + 0.01 * len(characters)) for i in ends
    ]
    return math.exp(-sum(map(math.log, chances)) / len(chances)), len(pairs)


tables = [table(k) for k in range(4)]
print(f"knows nothing                    {len(characters):8.1f}")
for k, (choices, entries) in enumerate(tables):
    print(f"table over {k} characters before   {choices:8.1f}   {entries:6,} numbers")
with pending("rnn_forward", "rnn_backward", "clip_gradient_norm", "perplexity"):
    print(f"your network                     {judged(unseen):8.1f}   {sum(map(torch.numel, writer)):6,} numbers")
    print(f"  the text that it learned from  {judged(text):8.1f}")
    print(f"  the held-out text, backwards   {judged(unseen[::-1]):8.1f}")

# %% [markdown]
# Read the table as a measure of memory. Your network does about as well as one that remembers three characters exactly, and
# nothing else. On text that runs backwards it does worse than a network that knows nothing. Whoever has learned to expect
# something can be surprised.
#
# ### From writing to translating
#
# Now look back at the first page. Let one network read "this is a sentence", and take its last hidden state. Let a second
# network begin in that state and write, as yours just did, until it writes a full stop. The two lengths need not agree, nor
# the order of the words. With such a pair of **encoder** and **decoder** (Cho and others, 2014; Sutskever and others, 2014),
# networks began to translate.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "diagram_encoder_decoder", "locked": true, "schema_version": 3, "solution": false, "task": false}
diagrams.encoder_decoder()

# %% [markdown]
# One arrow in the middle carries all that is known of the sentence: $H$ numbers, whether it had 4 words or 40.
# **Attention** lets the decoder look back at every word instead (Bahdanau and others, 2015).
#
# ## 6.8 What does it cost in hardware?
#
# Count the network that wrote. It has $H = 128$ units, and reads and predicts one of $D = V$ different characters. A FLOP is one
# operation on floating-point numbers, and a multiply-accumulate (MAC) counts as two.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_writer", "locked": true, "schema_version": 3, "solution": false, "task": false}
D, H = len(characters), 128
parameters = H * D + H * H + 2 * H + D * H + D
macs = H * D + H * H + D * H
print(f"parameters          {parameters:8,}   ({4 * parameters:,} bytes)")
print(f"MACs per character  {macs:8,}")
print(f"FLOP per byte       {2 * macs / (4 * parameters):8.2f}   one sequence alone")
print(f"FLOP per byte       {2 * 16 * macs / (4 * parameters):8.2f}   16 sequences share the weights")
print(f"bytes of states     {16 * 32 * H * 4:8,}   kept for the way back, 16 sequences of 32 steps")

# %% [markdown]
# So far this is notebook 2 again. What is new is **time**. A batch can be computed at once, an image can be computed at once.
# Step $t$ of a sequence cannot begin before step $t - 1$ has ended, however much hardware you have.
#
# Measure it. The same 1,024 cell evaluations, the same MACs: as one long sequence, or as many short ones.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_time", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("rnn_cell", "rnn_forward"):
    params = fresh(64, 128, 1)[:4]
    print("sequences   steps   milliseconds   ns per cell and sequence")
    for count, steps in ((1, 1024), (8, 128), (64, 16), (1024, 1)):
        xs, h0 = torch.ones(count, steps, 64), torch.zeros(count, 128)
        seconds = min(timeit.repeat(lambda xs=xs, h0=h0: rnn_forward(xs, h0, *params), number=1, repeat=7))
        print(f"{count:9,} {steps:7,} {1e3 * seconds:14.1f} {1e9 * seconds / 1024:26,.0f}")

# %% [markdown]
# On a GPU the gap is far wider: its thousands of arithmetic units all wait for one small matrix product after the other. That
# is the main reason why the transformer (Vaswani and others, 2017), which reads all steps of a text at once, took the place
# of the plain RNN in large language models. It pays with memory: what it keeps grows with the length of the text, while an
# RNN writes with a state of fixed size, however long the text.
#
# Today some models use both. In **state-space models** such as Mamba (Gu and Dao, 2023) and in **linear attention** the state
# is handed on without a tanh, in the simplest case as $h_t = a_t \odot h_{t-1} + \dots$ with an $a_t$ that depends on the input
# alone. Such a recurrence can be computed for all steps at once. Jamba (AI21 Labs, 2024) has seven Mamba layers for every
# layer of attention, Qwen3-Next (Alibaba, 2025) three layers of linear attention for every one of full attention. So the
# recurrent state is back, without the tanh that made every step wait for the one before.
#
# And the way back has a price of its own. It needs every state of the way forward: $N \cdot T \cdot H$ numbers. A sequence ten
# times as long takes ten times the memory. That is why the writer above was trained on pieces of 32 characters.

# %% [markdown]
# ## 6.9 In your own words
#
# A classmate trains an RNN to tell the language of a text from its first word. Each text has 200 words. The loss stays at the
# value of guessing. Three friends give advice:
#
# 1. "Clip your gradients to a norm of 1."
# 2. "Multiply `W_hh` by 2, then the gradient does not vanish."
# 3. "Multiply the learning rate by 1,000, then the tiny gradient is large enough."
#
# Why does none of it help? Use the Jacobians $J_t$ where you can. And what would a single step have to look like, so that a
# gradient survives 200 of them? (3 points, graded by a person)

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_forgotten", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. Clipping only shortens a gradient that is too long. The one that should arrive at the first word is far too short, and
#    stays as it is.
# 2. $J_t = \mathrm{diag}(1 - h_t^2) W_{hh}$ has two factors. With a larger $W_{hh}$ the states grow, tanh saturates, and the
#    slopes $1 - h_t^2$ shrink. In some directions the product still vanishes, in others it may now explode. No single factor
#    is right for 200 steps and every input.
# 3. The rate multiplies all gradients alike. The share of the first word in the sum stays as tiny as it was, next to the
#    shares of the last words. The steps are now far too large for those, and training falls apart.
#
# What would help: a way from step to step on which the state is neither multiplied by a matrix nor passed through a
# non-linear function, so that its Jacobian is (nearly) the identity. The new information is added to the state:
# $c_t = c_{t-1} + \dots$ That is the idea of the LSTM.

# %% [markdown]
# ## Recap
#
# - An RNN applies the same weights at every step and hands a **hidden state** on. It reads sequences of any length, in order.
# - Unrolled in time it is a deep network. Backpropagation through time adds up two gradients at every state, and the shares
#   of all steps in every weight.
# - The gradient over many steps is a product of Jacobians $\mathrm{diag}(1 - h_t^2)\, W_{hh}$. It vanishes or explodes.
# - **Gradient clipping** shortens what exploded. What vanished stays lost, so a plain RNN learns from the recent past only.
# - Steps have to wait for each other, and training keeps every state: time and memory grow with the length.
#
# ## Now try
#
# 1. Begin the recall task of 6.6 with `params[1]` as the identity and the biases, `params[2]` and `params[3]`, as zeros. Train
#    again at a distance of 48, with the smaller rate. Before you run it: what is $J_t$ at the start, where the states are small?
# 2. Train the writer with pieces of 4 characters and of 64 in place of 32, each for as many characters as before. What happens
#    to the held-out perplexity, and what to the time?
# 3. The recurrence without tanh, $h_t = a\, h_{t-1} + x_t$ with one number $a$, can be computed without a loop over time. Write
#    it as a matrix product (a lower triangular matrix of powers of $a$), compare with the loop, and time both for 1,024 steps.
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# You have trained a network through time by hand, and seen where its memory ends. Notebook 7 builds the cell that remembers.
#
# ## References
#
# - J. Elman, *Finding structure in time*, Cognitive Science 14, 1990. The network of this notebook.
#   [doi](https://doi.org/10.1207/s15516709cog1402_1)
# - P. Werbos, *Backpropagation through time: what it does and how to do it*, Proceedings of the IEEE 78, 1990.
#   [doi](https://doi.org/10.1109/5.58337)
# - Y. Bengio, P. Simard and P. Frasconi, *Learning long-term dependencies with gradient descent is difficult*, IEEE
#   Transactions on Neural Networks 5, 1994. Why the gradient vanishes.
#   [doi](https://doi.org/10.1109/72.279181)
# - R. Pascanu, T. Mikolov and Y. Bengio, *On the difficulty of training recurrent neural networks*, ICML 2013. The cliff and
#   the clipping. [arXiv](https://arxiv.org/abs/1211.5063)
# - I. Sutskever, J. Martens and G. Hinton, *Generating text with recurrent neural networks*, ICML 2011. Characters, one by
#   one. [icml.cc/2011/papers/524_icmlpaper.pdf](https://icml.cc/2011/papers/524_icmlpaper.pdf)
# - K. Cho and others, *Learning phrase representations using RNN encoder-decoder for statistical machine translation*, EMNLP
#   2014\. [doi](https://doi.org/10.3115/v1/D14-1179)
# - I. Sutskever, O. Vinyals and Q. Le, *Sequence to sequence learning with neural networks*, NeurIPS 2014. The translator.
#   [arXiv](https://arxiv.org/abs/1409.3215)
# - D. Bahdanau, K. Cho and Y. Bengio, *Neural machine translation by jointly learning to align and translate*, ICLR 2015.
#   Attention. [arXiv](https://arxiv.org/abs/1409.0473)
# - A. Vaswani and others, *Attention is all you need*, NeurIPS 2017. Reading all steps at once.
#   [arXiv](https://arxiv.org/abs/1706.03762)
# - A. Gu and T. Dao, *Mamba: linear-time sequence modeling with selective state spaces*, 2023.
#   [arXiv](https://arxiv.org/abs/2312.00752)
# - O. Lieber and others, *Jamba: a hybrid transformer-Mamba language model*, AI21 Labs, 2024.
#   [arXiv](https://arxiv.org/abs/2403.19887)
# - Qwen team, *Qwen3-Next*, model card, Alibaba, 2025.
#   [huggingface.co/Qwen/Qwen3-Next-80B-A3B-Instruct](https://huggingface.co/Qwen/Qwen3-Next-80B-A3B-Instruct)
#
# **Next**: read A. Karpathy, *The unreasonable effectiveness of recurrent neural networks*, 2015,
# [karpathy.github.io/2015/05/21/rnn-effectiveness](https://karpathy.github.io/2015/05/21/rnn-effectiveness/): the writer of
# this notebook, grown up, on Shakespeare and on source code.

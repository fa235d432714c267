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
# # 7 · Long short-term memory
#
# Fifty numbers go by, one at a time. Two of them carry a mark. At the end you are asked for the sum of these two.
#
# A child can do it. The network of notebook 6, trained on 32,000 such sequences, answers 1 whatever it has read, because that
# is the mean. It might as well not have looked.
#
# At the end of this notebook a network of the same width answers with an error of a few hundredths. What it has in
# addition is one line of arithmetic through which a gradient can pass.

# %% [markdown]
# **You will be able to**
#
# - draw the cell of an LSTM, with its long-term memory, its short-term memory and its three gates, and write it in PyTorch;
# - go back through one step by hand, and show where the gradient passes untouched;
# - write a GRU, and say what it saves;
# - make a test of memory, train networks on it, and compare them fairly: equal steps, a learning rate of its own for each;
# - read what the gates of a trained network do;
# - count what a gate costs in parameters, operations and bytes.
#
# **Time**: about 4 hours (estimated). **Needs**: [2 · Forward propagation](../02_mlp_forward/02_mlp_forward.ipynb),
# [5 · Training a CNN](../05_cnn_training/05_cnn_training.ipynb) and [6 · Recurrent networks](../06_rnn/06_rnn.ipynb).
# [Map of the course](../00_start/00_start.ipynb).

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math
import timeit
from functools import partial

import torch

from autograder import check, progress
from course_lib import data, rnn
from course_lib.training import cosine, fit, parameter_count, predict, track
from course_lib.viz import lstm as draw
from course_lib.viz import lstm_diagrams as diagrams
from course_lib.viz import pending, style

torch.set_num_threads(1)
style()

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.adding()

# %% [markdown]
# ## 7.1 A memory that nobody touches
#
# In notebook 6 the gradient had to pass the same two things at every step: the matrix $W_{hh}$ and the slope of a tanh. What
# if there were a second state, with nothing on its way?
#
# $$c_t = c_{t-1} + \text{something new}$$
#
# Its Jacobian is the identity. After fifty steps it is still the identity. That is the idea of the **long short-term memory**,
# LSTM (Hochreiter and Schmidhuber, 1997). The state $c$ is called the **cell state**. It is the long-term memory: no matrix
# multiplies it, and it goes through nothing non-linear. The hidden state $h$ of notebook 6 is still there. It is the
# short-term memory: the previous output.
#
# But a memory that only adds fills up one day. So three **gates** guard it. A gate is a number between 0 and 1 for every unit,
# made by a sigmoid from the input and the old hidden state:
#
# - the **forget gate** $f$: how much of the old cell state stays,
# - the **input gate** $i$: how much of something new is added,
# - the **output gate** $o$: how much of the cell state is shown to the world.
#
# (The LSTM of 1997 had no forget gate. Gers and others added it in 2000.)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "diagram_cell", "locked": true, "schema_version": 3, "solution": false, "task": false}
diagrams.cell()

# %% [markdown]
# Follow the line on top with a finger: one product, one sum, and you are at the next step. All the rest decides what is
# multiplied and what is added.
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $x$ | $(N, D)$ | the input of this step |
# | $h, c$ | $(N, H)$ | the state: the hidden state, which is shown, and the cell state |
# | $W_{ih}$, $W_{hh}$ | $(4H, D)$, $(4H, H)$ | **four** matrices each, on top of each other, in the order $i, f, g, o$ |
# | $b_{ih}, b_{hh}$ | $(4H,)$ | biases in the same order |
# | $i, f, o$ | $(N, H)$ | gates |
# | $g$ | $(N, H)$ | the **candidate**: what might be added, between $-1$ and $1$ |
# | $\sigma$ | | the sigmoid of notebook 2, `torch.sigmoid` |
#
# $$(a_i, a_f, a_g, a_o) = x W_{ih}^\top + b_{ih} + h W_{hh}^\top + b_{hh}$$
#
# $$i = \sigma(a_i) \qquad f = \sigma(a_f) \qquad g = \tanh(a_g) \qquad o = \sigma(a_o)$$
#
# $$c' = f \odot c + i \odot g \qquad\qquad h' = o \odot \tanh(c')$$
#
# One matrix product makes all four at once. `a.chunk(4, dim=1)` cuts the result into four blocks of $H$ columns.

# %% [markdown]
# ### Exercise: `lstm_cell`
#
# `lstm_cell(x (N, D), state, W_ih (4H, D), W_hh (4H, H), b_ih (4H,), b_hh (4H,)) -> (h, c)`, with `state = (h, c)`
#
# Mind the order of the blocks, $i, f, g, o$, as in PyTorch. Other libraries have other orders, and a network with mixed-up
# gates raises no error at all.
#
# **By hand.** One unit, $x = 1$, $h = 0.5$, $c = 2$. Let the four sums be $0$, $\ln 3$, $1$ and $-\ln 3$. Then
#
# - $i = \sigma(0) = 1/2$, $f = \sigma(\ln 3) = 3/4$, $g = \tanh(1) = 0.762$, $o = \sigma(-\ln 3) = 1/4$
# - $c' = 3/4 \cdot 2 + 1/2 \cdot 0.762 = 1.881$
# - $h' = 1/4 \cdot \tanh(1.881) = 0.239$


# %% nbgrader={"grade": false, "grade_id": "lstm_cell", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lstm_cell(x, state, W_ih, W_hh, b_ih, b_hh):
    """One step: reads x (N, D) in the state (h, c), each (N, H), and returns the new (h, c).

    W_ih: (4H, D). W_hh: (4H, H). b_ih, b_hh: (4H,). Blocks in the order i, f, g, o.
    """
    ### BEGIN SOLUTION
    h, c = state
    a_i, a_f, a_g, a_o = (x @ W_ih.T + b_ih + h @ W_hh.T + b_hh).chunk(4, dim=1)
    c = torch.sigmoid(a_f) * c + torch.sigmoid(a_i) * torch.tanh(a_g)
    return torch.sigmoid(a_o) * torch.tanh(c), c
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "lstm_cell_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("lstm.lstm_cell", lstm_cell)

# %% [markdown]
# ### How long does it keep a 1?
#
# Put a 1 into the cell, shut the input gate, and wait. Only the bias of the forget gate differs.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_keeping", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("lstm_cell"):
    draw.keeping(lstm_cell)

# %% [markdown]
# A forget gate of 0.5, which is where a network with small random weights begins, forgets everything within a few steps. A
# bias of 3 makes it 0.953. That still loses a little at each step. But a bias is only where a network begins: it is learned,
# like every other number. You will measure in 7.6 what the start is worth.
#
# ## 7.2 Through time
#
# Nothing new here, but for the second state. It is handed on like the first.
#
# ### Exercise: `lstm_forward`
#
# `lstm_forward(xs (N, T, D), state, W_ih, W_hh, b_ih, b_hh) -> (hs (N, T, H), (h, c))`
#
# - `hs` holds the shown states $h_1, \dots, h_T$. Return the last $h$ **and** the last $c$ beside it.
# - Let gradients pass: no `.detach()`, no NumPy. The check sends one through.
#
# **By hand.** The unit from above has these weights: $\ln 3$ from $x$ to the forget gate, $1$ from $x$ to the candidate,
# $-2 \ln 3$ from $h$ to the output gate, everything else 0. It starts from $h = 0.5$, $c = 2$ and reads $1, 1, 0$. After the
# first step it has $c = 1.881$ and shows $h = 0.239$, as above. You will see all three steps in the check.


# %% nbgrader={"grade": false, "grade_id": "lstm_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lstm_forward(xs, state, W_ih, W_hh, b_ih, b_hh):
    """Reads xs (N, T, D) from the state (h, c).

    Returns the shown states, (N, T, H), and the last (h, c).
    """
    ### BEGIN SOLUTION
    hs = []
    for t in range(xs.shape[1]):
        state = lstm_cell(xs[:, t], state, W_ih, W_hh, b_ih, b_hh)
        hs.append(state[0])
    return torch.stack(hs, dim=1), state
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "lstm_forward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("lstm.lstm_forward", lstm_forward)

# %% [markdown]
# ## 7.3 One step back
#
# Two gradients arrive at the end of a step: $dh$ for the shown state and $dc$ for the cell. Go back through the two lines of
# the cell, the last one first.
#
# **Through** $h' = o \odot \tanh(c')$. The output gate gets $dh \odot \tanh(c')$. And the cell gets a share, on top of the $dc$
# that it has already:
#
# $$dc \leftarrow dc + dh \odot o \odot (1 - \tanh^2(c'))$$
#
# **Through** $c' = f \odot c + i \odot g$. Each factor gets $dc$ times the other one:
#
# | | $i$ | $f$ | $g$ | old cell $c$ |
# |:--|:--|:--|:--|:--|
# | gradient | $dc \odot g$ | $dc \odot c$ | $dc \odot i$ | $dc \odot f$ |
#
# **Through sigmoid and tanh.** A sigmoid $s$ has the slope $s(1 - s)$, and $g = \tanh(a_g)$ has $1 - g^2$. Multiply. Now you
# have the gradients of the four sums. Put them side by side, in the order $i, f, g, o$, and the rest is notebook 6.
#
# Look at the last column of the table. The old cell gets $dc \odot f$. **No matrix, no slope.** That is the whole secret.
#
# ### Exercise: `lstm_cell_backward`
#
# `lstm_cell_backward(dh, dc, cache) -> (dx, dh_prev, dc_prev, dW_ih, dW_hh, db_ih, db_hh)`
#
# `cache = (x, h_prev, c_prev, W_ih, W_hh, b_ih, b_hh)` holds what went into the step. Compute the gates anew, then go back.
#
# **By hand.** The unit from above, with $dh = 0$ and $dc = 1$. It has $i = 1/2$, $f = 3/4$, $g = 0.762$ and $c = 2$.
#
# - sum of $i$: $1 \cdot 0.762 \cdot 1/2 \cdot (1 - 1/2) = 0.190$
# - sum of $f$: $1 \cdot 2 \cdot 3/4 \cdot (1 - 3/4) = 0.375$
# - sum of $g$: $1 \cdot 1/2 \cdot (1 - 0.762^2) = 0.210$, and the sum of $o$ gets 0
# - $dx = 0.375 \ln 3 + 0.210 \cdot 1 = 0.622$, and $dc_{prev} = 1 \cdot 3/4 = 0.75$


# %% nbgrader={"grade": false, "grade_id": "lstm_cell_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def lstm_cell_backward(dh, dc, cache):
    """The gradients of one step, from dh and dc, (N, H) each, at its end.

    cache: (x, h_prev, c_prev, W_ih, W_hh, b_ih, b_hh), what went into the step.
    Returns (dx, dh_prev, dc_prev, dW_ih, dW_hh, db_ih, db_hh).
    """
    ### BEGIN SOLUTION
    x, h_prev, c_prev, W_ih, W_hh, b_ih, b_hh = cache
    sums = x @ W_ih.T + b_ih + h_prev @ W_hh.T + b_hh
    a_i, a_f, a_g, a_o = sums.chunk(4, dim=1)
    i, f, g, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.tanh(a_g), torch.sigmoid(a_o)
    squashed = torch.tanh(f * c_prev + i * g)

    dc = dc + dh * o * (1 - squashed**2)
    di, df, dg, do = dc * g, dc * c_prev, dc * i, dh * squashed
    da = torch.cat([di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)], dim=1)
    db = da.sum(dim=0)
    return da @ W_ih, da @ W_hh, dc * f, da.T @ x, da.T @ h_prev, db, db
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "lstm_cell_backward_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("lstm.lstm_cell_backward", lstm_cell_backward)

# %% [markdown]
# ## 7.4 The gradient survives
#
# Follow the cell alone, with the gates held fixed. One step multiplies its gradient by $f$, unit by unit. So over many steps
#
# $$\frac{\partial c_T}{\partial c_t} = f_{t+1} \odot f_{t+2} \odot \cdots \odot f_T$$
#
# The gates depend on the states too, so there are other ways back, through $h$. On those the gradient may vanish as before.
# On this one it need not.
#
# ### Exercise: `memory_gradient`
#
# `memory_gradient(forget_gates (T, H)) -> (T, H)`
#
# Row $t$ is the product of all gates **after** step $t$. The last row is ones. A gate may be exactly 0, so do not divide.
#
# **By hand.** Four steps, two units:
#
# | step | forget gates | the product of all later gates |
# |--:|:--|:--|
# | 1 | $0.25,\ 0.75$ | $0.5\cdot0.5\cdot1 = 0.25$ and $1\cdot0\cdot0.5 = 0$ |
# | 2 | $0.5,\ 1$ | $0.5\cdot1 = 0.5$ and $0\cdot0.5 = 0$ |
# | 3 | $0.5,\ 0$ | $1$ and $0.5$ |
# | 4 | $1,\ 0.5$ | $1$ and $1$ |
#
# The second unit shut its gate in step 3. What it held before is gone, and no later loss sends it a gradient.


# %% nbgrader={"grade": false, "grade_id": "memory_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def memory_gradient(forget_gates):
    """d c_T / d c_t along the cell alone, (T, H), from the forget gates of every step, (T, H)."""
    ### BEGIN SOLUTION
    product = torch.ones_like(forget_gates[0])
    rows = [product]
    for gate in forget_gates[1:].flip(0):
        product = product * gate
        rows.append(product)
    return torch.stack(rows[::-1])
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "memory_gradient_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("lstm.memory_gradient", memory_gradient)

# %% [markdown]
# ### Beside the plain network
#
# The plain network of notebook 6 and three LSTMs, all of 32 units, none of them trained. They read 50 steps of noise. For the
# plain network you see the spectral norm from notebook 6. For the LSTMs you see your `memory_gradient` of the gates that your
# cell had: the line is the median unit.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_paths", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("lstm_cell", "memory_gradient"):
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(50, 2, generator=generator)

    def untrained(gates, bias=0.0):
        """Weights as PyTorch draws them, and a bias on the forget gates."""
        shapes = (32 * gates, 2), (32 * gates, 32), (32 * gates,), (32 * gates,)
        made = [(2 * torch.rand(shape, generator=generator) - 1) / math.sqrt(32) for shape in shapes]
        if gates == 4:
            made[2][32:64] += bias
        return made

    plain = untrained(1)
    states, _ = rnn.rnn_forward(noise[None], torch.zeros(1, 32), *plain)
    cells = {
        f"LSTM, forget bias {bias:g}": memory_gradient(draw.read(lstm_cell, untrained(4, bias), noise).f)
        for bias in (0.0, 1.0, 3.0)
    }
    draw.paths({"plain network": rnn.gradient_norms(states[0], plain[1])}, cells)

# %% [markdown]
# Being an LSTM is not enough: with a forget bias of 0 the gradient of an untrained one vanishes too. The gate decides,
# and the gate is *learned*. That is why a bias of 1 or more is recommended for a start (Gers and others, 2000; Jozefowicz and
# others, 2015). Is it needed? Hold your guess until 7.6.

# %% [markdown]
# ## 7.5 The same with less: the GRU
#
# Do you need two states and three gates? The **gated recurrent unit**, GRU (Cho and others, 2014), makes do with one state
# and two gates. The **update gate** $z$ mixes old and new, so what is kept and what is written always add up to 1. The
# **reset gate** $r$ decides how much of the past the candidate $n$ may see.
#
# The matrices hold three blocks, in the order $r, z, n$. Here the input's and the state's part must be kept apart:
#
# $$r = \sigma(a_r + u_r) \qquad z = \sigma(a_z + u_z) \qquad n = \tanh(a_n + r \odot u_n)$$
#
# $$h' = (1 - z) \odot n + z \odot h$$
#
# with $(a_r, a_z, a_n) = x W_{ih}^\top + b_{ih}$ and $(u_r, u_z, u_n) = h W_{hh}^\top + b_{hh}$.
#
# ### Exercise: `gru_cell`
#
# `gru_cell(x (N, D), h (N, H), W_ih (3H, D), W_hh (3H, H), b_ih (3H,), b_hh (3H,)) -> h (N, H)`
#
# The reset gate multiplies the state's part *after* its matrix and bias, as in PyTorch. (The paper multiplies before.)
#
# **By hand.** One unit, $x = 1$, $h = -0.75$. Let $a = (0, \ln 3, 1)$ and $u = (0, 0, -1)$. Then $r = 1/2$, $z = 3/4$,
# $n = \tanh(1 - 1/2) = 0.462$ and $h' = 1/4 \cdot 0.462 + 3/4 \cdot (-0.75) = -0.447$.


# %% nbgrader={"grade": false, "grade_id": "gru_cell", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gru_cell(x, h, W_ih, W_hh, b_ih, b_hh):
    """One step of a GRU: reads x (N, D) in the state h (N, H), returns the new state.

    W_ih: (3H, D). W_hh: (3H, H). b_ih, b_hh: (3H,). Blocks in the order r, z, n.
    """
    ### BEGIN SOLUTION
    a_r, a_z, a_n = (x @ W_ih.T + b_ih).chunk(3, dim=1)
    u_r, u_z, u_n = (h @ W_hh.T + b_hh).chunk(3, dim=1)
    r, z = torch.sigmoid(a_r + u_r), torch.sigmoid(a_z + u_z)
    n = torch.tanh(a_n + r * u_n)
    return (1 - z) * n + z * h
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "gru_cell_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("lstm.gru_cell", gru_cell)

# %% [markdown]
# ## 7.6 Two marked numbers
#
# Back to the beginning. The **adding problem** is a classic test of memory. Each step has two numbers: a random one in
# $[0, 1)$, and a mark. One mark is 1 somewhere in the first half, one somewhere in the second half, and all others are 0. The
# target is the sum of the two marked numbers.
#
# Always guessing 1 has a mean squared error of $2 \cdot \frac{1}{12} = 0.167$: each uniform number has a variance of $1/12$.
#
# ### Exercise: `adding_batch`
#
# `adding_batch(n, length, generator) -> (xs (N, T, 2), targets (N,))`
#
# - `xs[..., 0]` are the numbers, from `torch.rand(..., generator=generator)`; `xs[..., 1]` are the marks. Both `float32`.
# - One mark among the first `length // 2` steps, one among the rest, drawn anew for every sequence, each position equally likely.
#   `torch.randint(low, high, (n,), generator=generator)` draws from `low` to `high - 1`.
# - Every draw takes the generator, so that the same generator gives the same batch.
#
# **By hand.** The numbers $0.3, 0.9, 0.5, 0.1$ with the marks $0, 1, 0, 1$ have the target $0.9 + 0.1 = 1.0$.


# %% nbgrader={"grade": false, "grade_id": "adding_batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adding_batch(n, length, generator):
    """n sequences of random numbers with two marks, xs (N, T, 2).

    Returns xs and the sums of the two marked numbers, (N,).
    """
    ### BEGIN SOLUTION
    rows, half = torch.arange(n), length // 2
    xs = torch.zeros(n, length, 2)
    xs[:, :, 0] = torch.rand(n, length, generator=generator)
    xs[rows, torch.randint(0, half, (n,), generator=generator), 1] = 1
    xs[rows, torch.randint(half, length, (n,), generator=generator), 1] = 1
    return xs, (xs[:, :, 0] * xs[:, :, 1]).sum(dim=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "adding_batch_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("lstm.adding_batch", adding_batch)

# %% [markdown]
# Now train. You have written the cells by hand, so from here on you may use PyTorch's own: `torch.nn.RNN`, `torch.nn.GRU` and
# `torch.nn.LSTM`. They compute the same numbers, in compiled code, and autograd goes back for you.
#
# ### Exercise: `train_memory`
#
# `train_memory(kind, length, steps, generator) -> model`
#
# - `kind` is `"rnn"`, `"gru"` or `"lstm"`. The model takes `xs (N, T, 2)` and gives one number for each sequence, `(N,)`.
# - Read the whole sequence, take the state after the **last** step, and make one number of it with a linear layer.
# - Each of the `steps` steps takes a fresh batch from your `adding_batch`, drawn from `generator`. The steps are counted.
# - It is judged on new sequences. The longest has 50 steps, with `steps=500`, and the LSTM must reach a mean squared error of 0.03.
#
# A recipe that works: 32 units, batches of 64, Adam with a rate of 0.01, gradients clipped to 1
# (`torch.nn.utils.clip_grad_norm_`). And for the LSTM a head start: keep what you have, write only when you have a reason
# (Tallec and Ollivier, 2018). Set the forget gate's bias to 3 and the input gate's to $-3$. In `torch.nn.LSTM` the biases are
# called `bias_ih_l0`, in the order you know. Write into them under `torch.no_grad()`.
#
# **A trap.** A linear layer gives a column, $(N, 1)$, and the targets are $(N,)$. Their difference is $(N, N)$, without any
# error. Then the network learns the mean, and you search for days.


# %% nbgrader={"grade": false, "grade_id": "train_memory", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_memory(kind, length, steps, generator):
    """A model of that kind, trained on the adding problem: from xs (N, T, 2) to (N,)."""
    ### BEGIN SOLUTION
    cells = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
    hidden = 32

    class Reader(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.core = cells[kind](2, hidden, batch_first=True)
            self.out = torch.nn.Linear(hidden, 1)

        def forward(self, xs):
            states, _ = self.core(xs)
            return self.out(states[:, -1])[:, 0]

    torch.manual_seed(0)
    model = Reader()
    if kind == "lstm":
        with torch.no_grad():
            model.core.bias_ih_l0[:hidden] = -3
            model.core.bias_ih_l0[hidden : 2 * hidden] = 3
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        xs, targets = adding_batch(64, length, generator)
        loss = ((model(xs) - targets) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "train_memory_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("lstm.train_memory", train_memory)

# %% [markdown]
# ### The wall moves
#
# The plain network and the LSTM at three lengths, and the GRU at the longest one. All get 500 steps of 64 sequences, which is
# 32,000 sequences each, and the rate that you chose.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_all", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("adding_batch", "train_memory"):
    models, found = {}, {"rnn": {}, "lstm": {}, "gru": {}}
    plan = [(kind, length) for kind in ("rnn", "lstm") for length in (10, 25, 50)] + [("gru", 50)]
    for kind, length in track(plan, "seven networks learn to add"):
        models[kind, length] = train_memory(kind, length, 500, torch.Generator().manual_seed(length))
        fresh_xs, fresh_targets = adding_batch(1000, length, torch.Generator().manual_seed(1))
        error = models[kind, length](fresh_xs).detach() - fresh_targets
        found[kind][length] = float((error**2).mean())
    for kind, by_length in found.items():
        print(kind, {length: round(error, 4) for length, error in by_length.items()})
    draw.errors(found)

# %% [markdown]
# From 25 steps on, the plain network stays at the guess. The others solve it. See it in their answers to 500 new sequences:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_answers", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("adding_batch", "train_memory"):
    asked, right = adding_batch(500, 50, torch.Generator().manual_seed(2))
    draw.answers(right, {kind: models[kind, 50](asked) for kind in ("rnn", "gru", "lstm")})

# %% [markdown]
# ### Was that fair?
#
# One rate for all is not fair: it may suit one network and harm another. And two questions are open. Does the LSTM need its
# head start? And does it take gates at all?
#
# So here is a race at length 50. Five networks of 32 units read the same 500 batches. Each has the learning rate that
# was best for it among 0.003, 0.01 and 0.03, tried beforehand with other seeds.
#
# - The plain RNN with tanh, as PyTorch initialises it.
# - A plain RNN with ReLU in place of tanh, whose $W_{hh}$ begins as the **identity** and whose biases begin at 0 (Le and
#   others, 2015). It has no gate.
# - The GRU and the LSTM, as PyTorch initialises them: with forget gates around 0.5.
# - The LSTM with the head start: forget gates at 0.953, input gates at 0.047.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "define_race", "locked": true, "schema_version": 3, "solution": false, "task": false}
LAYERS = {"plain": torch.nn.RNN, "identity": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
RATES = {"plain": 0.003, "identity": 0.003, "gru": 0.03, "lstm": 0.03, "lstm, head start": 0.01}


class Last(torch.nn.Module):
    """Of what a recurrent layer returns, the hidden state after the last step."""

    def forward(self, returned):
        """From ((N, T, H), ...) to (N, H)."""
        return returned[0][:, -1]


def racer(name):
    """32 recurrent units that begin as their name says, and a linear layer: a model from (N, T, 2) to (N,)."""
    options = {"nonlinearity": "relu"} if name == "identity" else {}
    core = LAYERS[name.partition(",")[0]](2, 32, batch_first=True, **options)
    if name == "identity":
        start = {"weight_hh_l0": torch.eye(32), "bias_ih_l0": torch.zeros(32), "bias_hh_l0": torch.zeros(32)}
        core.load_state_dict(core.state_dict() | start)
    if name == "lstm, head start":
        core.load_state_dict(core.state_dict() | {"bias_ih_l0": torch.tensor([-3.0, 3.0, 0, 0]).repeat_interleave(32)})
    return torch.nn.Sequential(core, Last(), torch.nn.Linear(32, 1), torch.nn.Flatten(0))


def late_batch(count, length, wait, generator):
    """The adding problem, but nothing is marked in the last `wait` steps."""
    xs, targets = adding_batch(count, length - wait, generator)
    rest = torch.stack([torch.rand(count, wait, generator=generator), torch.zeros(count, wait)], dim=2)
    return torch.cat([xs, rest], dim=1), targets


def race(name, length=50, steps=500, wait=0, seed=0, every=50):
    """The error on 1,000 new sequences, each `every` steps."""
    torch.manual_seed(seed)
    model, generator, errors = racer(name), torch.Generator().manual_seed(100 + seed), []
    xs, targets = late_batch(1000, length, wait, torch.Generator().manual_seed(1))
    batches = (late_batch(64, length, wait, generator) for _ in range(steps))

    def judge(model):
        judge.step += 1
        if judge.step % every == 0:
            errors.append(float(mse(predict(model, xs), targets)))

    judge.step, mse = 0, torch.nn.functional.mse_loss
    fit(model, batches, epochs=1, lr=RATES[name], loss=mse, clip=1.0, after_step=judge, show=False)
    return errors


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "run_race", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("adding_batch"):
    raced = {name: race(name) for name in track(list(RATES), "five networks race")}
    draw.race(raced, every=50, names=list(RATES))

# %% [markdown]
# Four of the five solve it. Only the plain RNN with tanh stays at the guess, at every rate that was tried. So what does the race
# say?
#
# - **No gate is needed for 50 steps.** The identity gives a plain RNN what the cell state gives the LSTM: a way back on which
#   the gradient is multiplied by 1. ReLU does not shrink it either, where a unit is active. But nothing bounds the states.
# - **The head start is not needed either.** The LSTM as PyTorch initialises it solves the task too.
#
# How can it, when its gates begin at 0.5 and nothing is left of a gradient after 50 steps? A guess: not all sequences are hard.
# In some, the second mark is close to the end. From those the network learns to write at a mark and to keep what it wrote. The
# forget gates rise, the gradient reaches further back, and more sequences can teach.
#
# A guess can be tested. Take the easy sequences away: the marks are among the first 30 steps, and then come 20 steps without
# any.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "run_late_race", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("adding_batch"):
    late = {name: race(name, steps=350, wait=20) for name in track(list(RATES)[1:], "four race again")}
    draw.race(late, every=50, names=list(RATES))

# %% [markdown]
# Now the LSTM without the head start stays behind: in 350 steps it learns nothing, and so it does with every other rate that
# was tried. The GRU and the LSTM with the head start solve it. The identity learns too, but its error jumps up again. So the
# guess holds, for the LSTM. Over 20 steps a gate of 0.5 leaves a millionth of a gradient, and a gate of 0.953 leaves 38 %.
# **What a forget bias buys is reach before anything has been learned.** Where short examples can teach the long ones, an LSTM
# finds its way by itself. Where there are none, its gates have to begin open.
#
# The GRU begins with gates of 0.5 as well, and solves it all the same. So the start of one gate is not the whole story. Theory
# gives you a good guess, and only a measurement tells.
#
# ### What the gates do
#
# Here the trained LSTM reads, through *your* `lstm_cell`. The dotted lines are the two marks. The units are sorted: those on
# top open their input gate most at a mark.
#
# - The **input gates** of a few units, on top, open at the marks and nowhere else. The network has learned when to write, and
#   it needs very few units for it.
# - The **forget gates** stay near 1, all the time. Nothing is thrown away.
# - In the **cell state**, follow the upper rows. They change at the first mark, stay, and change again at the second. The
#   lower units drift, whatever the numbers are.
#
# Move the slider to other sequences: the marks move, and the gates follow.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_gates", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("lstm_cell", "adding_batch", "train_memory"):
    learned = draw.weights_of(models["lstm", 50], torch.nn.LSTM)
    draw.gates_slider(lstm_cell, learned, adding_batch(8, 50, torch.Generator().manual_seed(5))[0])

# %% [markdown]
# And the way back, now that both are trained. The line is the median unit again, and most units are still where they began:
# with a gate around 0.95. Look at the best one in the printed line. One unit that keeps most of it is enough.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_trained_paths", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("lstm_cell", "memory_gradient", "adding_batch", "train_memory"):
    sequence = adding_batch(1, 50, torch.Generator().manual_seed(5))[0]
    plain = draw.weights_of(models["rnn", 50], torch.nn.RNN)
    states, _ = rnn.rnn_forward(sequence, torch.zeros(1, 32), *plain)
    path = memory_gradient(draw.read(lstm_cell, learned, sequence[0]).f)
    draw.paths({"plain network": rnn.gradient_norms(states[0], plain[1])}, {"LSTM's cell": path})
    print(f"left after 49 steps: plain {float(rnn.gradient_norms(states[0], plain[1])[0]):.1e}", end=", ")
    print(f"the LSTM's median unit {float(path[0].median()):.2f}, its best unit {float(path[0].max()):.2f}")

# %% [markdown]
# ## 7.7 Reading a curve point by point
#
# In notebook 5 a convolution saw an MNIST-1D curve as a whole. A GRU can read it like a sentence: 40 points, one after the
# other, one number at each step. It has to name the class after the last one.
#
# The published results on these data (Greydanus and Kobak, 2024): a linear classifier 32 %, an MLP 68 %, a CNN 94 %, a GRU
# 91 %, people 96 %. Train one, with 64 units. It takes some seconds.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_curves", "locked": true, "schema_version": 3, "solution": false, "task": false}
class CurveReader(torch.nn.GRU):
    """A GRU over the points, and a linear layer on its last state."""

    def __init__(self, units=64):
        super().__init__(1, units, batch_first=True)
        self.out = torch.nn.Linear(units, 10)

    def forward(self, curves):
        """Logits (N, 10) of curves (N, 40)."""
        return self.out(super().forward(curves[..., None])[0][:, -1])


curves = data.mnist1d()
torch.manual_seed(1)
reader = CurveReader()
history = fit(
    reader,
    (curves.train.x, curves.train.labels),
    epochs=15,
    lr=0.01,
    test=(curves.test.x, curves.test.labels),
    batch_size=100,
    schedule=cosine,
    clip=1.0,
    label="reads curves",
)
print(f"{parameter_count(reader):,} parameters, {100 * history.accuracies[-1]:.1f} % of held-out curves right")

# %% [markdown]
# When does it know? Let your own `gru_cell` read the held-out curves with the trained weights, and ask after every point.
# Below each curve, the darker a class, the higher its probability. The vermilion class is the right one.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_reading", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("gru_cell"), torch.no_grad():
    trained = draw.weights_of(reader, torch.nn.GRU)
    xs = torch.from_numpy(curves.test.x).float()
    h, chances = torch.zeros(len(xs), 64), []
    for points in xs.split(1, dim=1):
        h = gru_cell(points, h, *trained)
        chances.append(torch.softmax(reader.out(h), dim=1))
    chances = torch.stack(chances, dim=1)
    labels = torch.from_numpy(curves.test.labels)
    accuracy = (chances.argmax(2) == labels[:, None]).float().mean(0)
    print(f"read by your own cell: {100 * float(accuracy[-1]):.1f} % right after the last point")
    draw.reading(curves.test.x[:3], curves.test.labels[:3].tolist(), list(chances[:3]), accuracy)

# %% [markdown]
# (Of 1,000 held-out curves, a share like this one has a standard error of 0.8 points. Do not read much into the difference
# from the published figures.)
#
# It was only ever asked at the end, so what it says before is a guess that nobody corrected. Still the share of right
# answers grows until about the thirtieth point. Once it is sure of a curve, it has to remember what it saw: that is what its
# gates are for.
#
# ## 7.8 What does it cost in hardware?
#
# A gate is not free. Each has matrices of its own.
#
# ### Exercise: `gate_parameter_count`
#
# `gate_parameter_count(kind, input, hidden) -> int`, for one layer of `"rnn"`, `"gru"` or `"lstm"`, with both biases
#
# **By hand.** 2 inputs, 3 units. One block has $3 \cdot 2 + 3 \cdot 3 + 2 \cdot 3 = 21$ numbers. A plain network has one block,
# a GRU three, an LSTM four: 21, 63 and 84.


# %% nbgrader={"grade": false, "grade_id": "gate_parameter_count", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gate_parameter_count(kind, input, hidden):
    """How many numbers one recurrent layer stores, as an int; kind is "rnn", "gru" or "lstm"."""
    ### BEGIN SOLUTION
    blocks = {"rnn": 1, "gru": 3, "lstm": 4}
    return blocks[kind] * hidden * (input + hidden + 2)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "gate_parameter_count_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("lstm.gate_parameter_count", gate_parameter_count)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_kinds", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("gate_parameter_count"):
    print("kind   parameters      bytes   MACs per step   states   FLOP per byte: alone, batch of 64")
    for kind, states in (("rnn", 1), ("gru", 1), ("lstm", 2)):
        count = gate_parameter_count(kind, 128, 256)
        macs = count - 2 * count // (128 + 256 + 2)
        one, many = (2 * batch * macs / (4 * count) for batch in (1, 64))
        print(f"{kind:4} {count:12,} {4 * count:10,} {macs:15,} {256 * states:8} {one:20.2f} {many:12.1f}")

# %% [markdown]
# Memory of the past is bought with weights: four times as many, and four times the MACs. Alone, a sequence gets half a FLOP out
# of every byte, as in notebook 6.
#
# A phone that listens for one word runs such a network at batch 1, all day long. There the bytes count, not the FLOP: if
# the 395,264 numbers of this LSTM stay in the memory of the chip, a step costs little. If they are fetched from
# outside at every step, that is what drains the battery. Notebooks 12 and 13 make them smaller.
#
# Three cells, measured, with your own code:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_cells", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("lstm_cell", "gru_cell"):
    x, h, c = torch.ones(64, 128), torch.zeros(64, 256), torch.zeros(64, 256)

    def of(gates):
        """Weights for so many gates."""
        rows = 256 * gates
        return torch.ones(rows, 128) / 99, torch.ones(rows, 256) / 99, torch.zeros(rows), torch.zeros(rows)

    calls = {
        "rnn": partial(rnn.rnn_cell, x, h, *of(1)),
        "gru": partial(gru_cell, x, h, *of(3)),
        "lstm": partial(lstm_cell, x, (h, c), *of(4)),
    }
    for kind, call in calls.items():
        seconds = min(timeit.repeat(call, number=10, repeat=20)) / 10
        print(f"{kind:4} {1e6 * seconds:8.0f} microseconds per step of 64 sequences")

# %% [markdown]
# ## 7.9 In your own words
#
# A colleague builds a network that watches a machine: one measurement a second, and an alarm where something is wrong. What
# counts may lie 300 steps back. The colleague has three questions:
#
# 1. "I use an LSTM, as PyTorch initialises it. It learns nothing about what is 300 steps back. But in notebook 7 the same
#    start was enough for 50 steps!" Compute what its forget gates do to a gradient over 300 steps, at a bias of 0. How close
#    to 1 must a gate be, so that half of it is left after 300 steps? Which bias is that? And what helped in the adding
#    problem, where the second mark may be close to the end?
# 2. "Then I set all forget gates to exactly 1, for ever." What goes wrong after a day of measurements?
# 3. "Why is the candidate $g$ a tanh, and not a sigmoid like the rest?"
#
# (3 points, graded by a person)

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_gates", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. With a bias of 0 the gates are about 0.5, and $0.5^{300} \approx 5\cdot10^{-91}$: nothing is left, and even over 20 steps it
#    is only a millionth. Half is left after 300 steps if $f^{300} = 0.5$, so $f = 0.5^{1/300} = 0.9977$. As
#    $\sigma(b) = f$ gives $b = \ln\frac{f}{1 - f}$, the bias is about 6. It is only the start: the network goes on from there.
#    In the adding problem some sequences have their second mark in the last steps. From those the network learns to open the
#    input gate at a mark and to keep what it wrote, which lengthens the reach of the gradient for all others. In the machine's
#    data nothing is close, so there is nothing to begin with.
# 2. Then the cell only adds, and never forgets. After a day, 86,400 steps, old events still stand in it, small shares have
#    summed up, and $\tanh(c)$ is saturated: it shows $\pm1$ whatever happens, with a slope of 0. The network must be able to
#    throw away what is settled, a fault that has been repaired for example. (This is why the forget gate was invented, three
#    years after the LSTM.)
# 3. A gate is a share, so it lies between 0 and 1. The candidate is what is written. It must be able to lower the cell as well
#    as to raise it. With a sigmoid every step could only add.

# %% [markdown]
# ## Recap
#
# - An LSTM keeps two states: the **cell state**, its long-term memory, and the hidden state, its previous output.
# - The cell state is changed by a product with the forget gate and by a sum. Along it the gradient meets no matrix and no
#   tanh: over many steps it is the product of the forget gates.
# - A GRU makes do with one state and two gates, and three quarters of the weights of an LSTM.
# - Forget gates are learned. A bias that opens them at the start gives reach before anything is learned. It is needed where
#   no easy examples show the way. A plain RNN that begins as the identity has that reach too, without gates.
# - Four blocks of weights cost four times the parameters, MACs and bytes of a plain RNN of the same width.
#
# ## Now try
#
# 1. Set `RATES["lstm"]` to 0.01, the rate of the recipe, and race the LSTM with `steps=1000`. How many steps does it need now?
#    Then race all five at `length=200`. Which of them still learn in 500 steps?
# 2. Give the plain RNN as many parameters as the LSTM has: about 64 units in place of 32. Does width move the wall?
# 3. Train a GRU on the curves of 7.7 read backwards (`x[:, ::-1].copy()`), then on curves whose 40 points are shuffled with
#    `data.shuffled_positions`. A fully connected network would not mind. What about the GRU, and why?
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# You have built the cells that carried speech recognition and translation for years. Sequences are chains: every step has
# one neighbour on the left. In notebook 8 everything may be the neighbour of everything: graphs.
#
# ## References
#
# - S. Hochreiter and J. Schmidhuber, *Long short-term memory*, Neural Computation 9, 1997. The cell, and the adding problem.
#   [doi](https://doi.org/10.1162/neco.1997.9.8.1735)
# - F. Gers, J. Schmidhuber and F. Cummins, *Learning to forget: continual prediction with LSTM*, Neural Computation 12, 2000.
#   The forget gate. [doi](https://doi.org/10.1162/089976600300015015)
# - K. Cho and others, *Learning phrase representations using RNN encoder-decoder for statistical machine translation*, EMNLP
#   2014\. The GRU. [doi](https://doi.org/10.3115/v1/D14-1179)
# - Q. Le, N. Jaitly and G. Hinton, *A simple way to initialize recurrent networks of rectified linear units*, 2015. The
#   identity. [arXiv](https://arxiv.org/abs/1504.00941)
# - R. Jozefowicz, W. Zaremba and I. Sutskever, *An empirical exploration of recurrent network architectures*, ICML 2015. A
#   forget bias of 1. [proceedings.mlr.press/v37/jozefowicz15](https://proceedings.mlr.press/v37/jozefowicz15.html)
# - C. Tallec and Y. Ollivier, *Can recurrent neural networks warp time?*, ICLR 2018. Forget and input gates that begin as
#   opposites. [arXiv](https://arxiv.org/abs/1804.11188)
# - S. Greydanus and D. Kobak, *Scaling down deep learning with MNIST-1D*, ICML 2024. The curves, and what others reach on them.
#   [arXiv](https://arxiv.org/abs/2011.14439)
#
# **Next**: read C. Olah, *Understanding LSTM networks*, 2015,
# [colah.github.io/posts/2015-08-Understanding-LSTMs](https://colah.github.io/posts/2015-08-Understanding-LSTMs/): the same cell
# and its relatives, drawn by somebody else.

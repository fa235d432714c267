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
# # 11 · Why hardware decides
#
# **LeNet-5 learned to read digits in 1998 with about $2.5 \cdot 10^{12}$ operations.** At 100 billion operations a second, which a
# laptop reaches, that is 25 seconds. Training Llama 3.1 in 2024 took $3.8 \cdot 10^{25}$: fifteen *trillion* times as many.
#
# Nobody got fifteen trillion times more patient. The machines changed, and the networks that won were those that fit the
# machines. In this notebook you find out what "fits" means.

# %% [markdown]
# **You will be able to**
#
# - count the multiply-adds and the bytes of a layer, and say which of the two will be the limit on a given machine;
# - read a roofline, with a roof for main memory and one for the cache, and place a layer of your own on it;
# - let an array of cells multiply matrices, and say what stays in its cells and what flows;
# - cut a matrix product into tiles, and predict how many numbers have to move;
# - share a training step among workers, and put their gradients together around a ring;
# - find overhead by counting operators, and remove it by batching and by fusion.
#
# **Time**: about 5 hours (estimated). **Needs**: [2 · Forward propagation](../02_mlp_forward/02_mlp_forward.ipynb),
# [4 · Convolution](../04_convolution/04_convolution.ipynb) and
# [5 · Training a CNN](../05_cnn_training/05_cnn_training.ipynb), where batch normalisation comes from.
# [Map of the course](../00_start/00_start.ipynb)

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import timeit
from itertools import pairwise

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from autograder import check, progress
from course_lib import data
from course_lib.machine import measure
from course_lib.viz import acceleration as draw
from course_lib.viz import pending, style

style()
torch.set_num_threads(1)  # one core: what else runs on this machine disturbs it less
_ = torch.manual_seed(0)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_growth", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.growth()
for model in draw.MODELS:
    print(f"{model.name:18} {model.parameters:8.2g} parameters  {model.flops:8.2g} FLOP   {model.source}")

# %% [markdown]
# Both axes are logarithmic: every line of the grid is a factor of 10 or more.
#
# Clock rates have hardly risen since about 2005. What is left are four ways to get faster. Keep this list, the notebook follows
# it:
#
# 1. **Specialisation**: build exactly the circuit you need, and nothing else.
# 2. **Memory locality**: keep numbers close to where they are used.
# 3. **Parallelism**: let many work at once.
# 4. **Less overhead**: do the same work in fewer, larger pieces.
#
# But first you must know what a network asks for. So we count.

# %% [markdown]
# ## 11.1 What does a layer ask for?
#
# Two things: arithmetic, and numbers to do it with.
#
# | symbol | meaning |
# |:--|:--|
# | $N, C, H, W$ | images in the batch, channels, height, width |
# | $C_\text{out}, K_H, K_W$ | output channels, height and width of the kernel |
# | $H', W'$ | height and width of the output |
# | MAC | multiply-accumulate: one multiplication and one addition |
# | FLOP | one floating-point operation; a MAC is two |
# | $I$ | arithmetic intensity, FLOP for each byte that is moved |
#
# Every number of the output is a sum of $C K_H K_W$ products. So
#
# $$\text{MACs} = \underbrace{N \, C_\text{out} \, H' W'}_{\text{outputs}} \cdot \underbrace{C \, K_H K_W}_{\text{each}}
# \qquad H' = \left\lfloor \frac{H + 2 \cdot \text{padding} - K_H}{\text{stride}} \right\rfloor + 1$$
#
# and $W'$ likewise.

# %% [markdown]
# ### Exercise: `conv_macs`
#
# `conv_macs(shape (N, C, H, W), w_shape (C_out, C, KH, KW), stride=1, padding=0) -> int`
#
# The whole batch counts. Products with padded zeros count too: a dense machine does them all the same. The bias is only added,
# so it does not count.
#
# **By hand.** One image with one channel of $4 \times 4$, one kernel of $3 \times 3$: the output has $2 \times 2$ numbers, each
# takes $9$ MACs. Together $36$.


# %% nbgrader={"grade": false, "grade_id": "conv_macs", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_macs(shape, w_shape, stride=1, padding=0):
    """Multiply-accumulates of a convolution of a whole batch, as an int.

    shape: (N, C, H, W) of the input. w_shape: (C_out, C, KH, KW) of the weights.
    """
    ### BEGIN SOLUTION
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    rows = (h + 2 * padding - kh) // stride + 1
    columns = (w + 2 * padding - kw) // stride + 1
    return n * c_out * rows * columns * c * kh * kw
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "conv_macs_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.conv_macs", conv_macs)

# %% [markdown]
# ### Exercise: `conv_bytes`
#
# `conv_bytes(shape, w_shape, stride=1, padding=0, dtype_bytes=4) -> int`
#
# At the very least, three things move between memory and processor: the input comes in, the weights come in, the output goes
# out. Each once. The zeros of the padding are made on the spot, so they do not move.
#
# **By hand.** The example from above in `float32`: $16 + 9 + 4 = 29$ numbers, $116$ bytes.


# %% nbgrader={"grade": false, "grade_id": "conv_bytes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv_bytes(shape, w_shape, stride=1, padding=0, dtype_bytes=4):
    """Bytes that a convolution moves at the least: input, weights and output, each once, as an int."""
    ### BEGIN SOLUTION
    n, c, h, w = shape
    c_out, _, kh, kw = w_shape
    rows = (h + 2 * padding - kh) // stride + 1
    columns = (w + 2 * padding - kw) // stride + 1
    numbers = n * c * h * w + c_out * c * kh * kw + n * c_out * rows * columns
    return dtype_bytes * numbers
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "conv_bytes_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.conv_bytes", conv_bytes)

# %% [markdown]
# ### Exercise: `arithmetic_intensity`
#
# `arithmetic_intensity(macs, bytes) -> float`
#
# How many floating-point operations does each byte serve? A MAC is two operations.
#
# **By hand.** $36$ MACs and $116$ bytes: $72 / 116 = 0.62$ FLOP per byte. That is little, as you will see.


# %% nbgrader={"grade": false, "grade_id": "arithmetic_intensity", "locked": false, "schema_version": 3, "solution": true, "task": false}
def arithmetic_intensity(macs, bytes):
    """Floating-point operations for each byte that is moved."""
    ### BEGIN SOLUTION
    return 2 * macs / bytes
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "arithmetic_intensity_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.arithmetic_intensity", arithmetic_intensity)

# %% [markdown]
# ## 11.2 The roofline
#
# A kitchen has a cook and a waiter who brings the ingredients. If the cook is slow, it does not matter how fast the waiter
# runs. If the waiter is slow, the cook stands and waits. A processor is the cook, its memory the waiter.
#
# | symbol | meaning |
# |:--|:--|
# | peak | FLOP per second when nothing has to be waited for |
# | bandwidth | bytes per second that memory delivers |
#
# With $I$ operations for every byte, the memory allows at most $\text{bandwidth} \cdot I$ operations per second. The lower limit
# wins:
#
# $$\text{attainable} = \min(\text{peak},\; \text{bandwidth} \cdot I)$$
#
# Drawn over $I$ on logarithmic axes this looks like a roof: a slope, then a flat top. The corner is the **ridge**, at
# $I = \text{peak} / \text{bandwidth}$. Left of it a layer is **memory-bound**: the cook waits for the waiter. Right of it it is
# **compute-bound**.

# %% [markdown]
# ### Exercise: `roofline`
#
# `roofline(peak_flops, bandwidth, intensity) -> float`
#
# **By hand.** A machine with a peak of $100$ FLOP per second and a bandwidth of $10$ bytes per second. At $2$ FLOP per byte it
# reaches $20$. At $50$ FLOP per byte the memory would allow $500$, but the peak is $100$.


# %% nbgrader={"grade": false, "grade_id": "roofline", "locked": false, "schema_version": 3, "solution": true, "task": false}
def roofline(peak_flops, bandwidth, intensity):
    """The most operations per second that a machine can reach at an arithmetic intensity."""
    ### BEGIN SOLUTION
    return min(peak_flops, bandwidth * intensity)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "roofline_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.roofline", roofline)

# %% [markdown]
# ### The roof over your own desk
#
# Between processor and main memory lies a **cache**: a small, fast memory on the processor's chip that keeps what was used a
# moment ago. Numbers that are still there need not be fetched. So your machine has two slopes below the same flat top, and which
# one holds depends on the **working set**: the bytes that the work touches before it comes back to the first one.
#
# The next cell measures one core of the machine for a few seconds. Matrix products give the peak; copying and reading an array too large
# for caches gives the bandwidth of main memory; copying 2 MB again and again gives that of the cache. Then it runs five
# layers and shows how fast they really are. Each stands on a thin line that ends at its roof: the length of the line is what is
# lost.
#
# Where there is a GPU, its roof is drawn too. On a busy machine all numbers wobble.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_roofline", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("conv_macs", "conv_bytes", "arithmetic_intensity", "roofline"):
    machines = [measure()] + ([measure("cuda")] if torch.cuda.is_available() else [])

    def on_the_roof(name, layers, shape, w_shape, padding=0, cached=False):
        """Layers of one shape, run in turn: their intensity by your functions, their speed by the clock."""
        x, macs = torch.randn(shape), conv_macs(shape, w_shape, 1, padding)
        x = x.flatten(1) if isinstance(layers[0], nn.Linear) else x
        with torch.no_grad():
            seconds = min(timeit.repeat(lambda: [layer(x) for layer in layers], number=1, repeat=15)) / len(layers)
        intensity = arithmetic_intensity(macs, conv_bytes(shape, w_shape, 1, padding))
        return draw.Layer(name, intensity, 2 * macs / seconds, cached)

    square = (1024, 1024, 1, 1)  # a fully connected layer is a 1 x 1 convolution on an image of one pixel
    many = [nn.Linear(1024, 1024) for _ in range(64)]
    weights_mb = sum(layer.weight.nbytes for layer in many) / 1e6
    narrow, wide = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(64, 64, 3, padding=1)
    layers = [
        on_the_roof(f"64 layers 1024 → 1024 in turn, 1 example, {weights_mb:.0f} MB", many, (1, 1024, 1, 1), square),
        on_the_roof("1 layer 1024 → 1024 again and again, 1 example, 4 MB", many[:1], (1, 1024, 1, 1), square, 0, True),
        on_the_roof("1 layer 1024 → 1024, 256 examples, 6 MB", many[:1], (256, 1024, 1, 1), square, 0, True),
        on_the_roof("3 x 3, 1 → 16 channels, 64 digits, 0.3 MB", [narrow], (64, 1, 8, 8), (16, 1, 3, 3), 1, True),
        on_the_roof("3 x 3, 64 → 64 channels, 32 x 32, 4 MB", [wide], (8, 64, 32, 32), (64, 64, 3, 3), 1, True),
    ]
    del many
    draw.rooflines(machines, roofline, layers)

# %% [markdown]
# Five points, five lessons:
#
# - **One example, 64 layers in turn.** It stands far on the left, at about half a FLOP per byte. Its weights do not fit into the
#   cache, so each is fetched from main memory for a single multiply-add. The solid slope is the limit, and a processor with ten times
#   the peak would not be faster at all. So it is in a large network: by the time a layer has its turn again, its weights are gone.
# - **One example, one layer again and again.** The same arithmetic, the same intensity, and it stands well above the solid slope:
#   its weights have stayed in the cache, and the dashed slope is the one that holds. If you want to know how fast a layer is in a
#   network, do not measure it alone in a loop.
# - **256 examples.** The same layer stands far on the right, since each weight that is fetched serves all of them. **Nothing changed
#   but the batch.**
# - **The wide convolution** is on the right as well: each weight is used at a thousand positions. Sharing weights, which notebook 4
#   introduced to save parameters, also suits the machine.
# - **The narrow convolution** hangs below its roof, whichever that is: it has so little to do that starting it takes longer.
#   Section 11.6 is about that.
#
# (A point a little above its roof means that the machine was disturbed while the roof was measured.)

# %% [markdown]
# ### Exercise: `training_flops`
#
# `training_flops(macs, batch, steps) -> int`
#
# A training step looks at `batch` examples. The forward pass of one costs `macs`. The backward pass costs about two more: a
# product for the gradient of the inputs, and one for the gradient of the weights. So three passes, and two FLOP per MAC:
#
# $$6 \cdot \text{macs} \cdot \text{batch} \cdot \text{steps}$$
#
# **By hand.** LeNet-5: $340{,}908$ MACs (its paper counts them as connections), $60{,}000$ digits, seen $20$ times:
# $6 \cdot 340{,}908 \cdot 60{,}000 \cdot 20 \approx 2.5 \cdot 10^{12}$. There is the number from the top.


# %% nbgrader={"grade": false, "grade_id": "training_flops", "locked": false, "schema_version": 3, "solution": true, "task": false}
def training_flops(macs, batch, steps):
    """Floating-point operations of a whole training, as an int. macs: forward pass of one example."""
    ### BEGIN SOLUTION
    return 6 * macs * batch * steps
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "training_flops_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.training_flops", training_flops)

# %% [markdown]
# For a language model the rule is even shorter. Almost every parameter does one MAC for every token, so training costs
# $6 \times \text{parameters} \times \text{tokens}$ (Kaplan et al. 2020). Check it against the paper of GPT-3 (Brown et al. 2020),
# and see how long one core of this machine would take:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_training", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("training_flops", "conv_macs", "conv_bytes", "arithmetic_intensity", "roofline"):
    gpt3 = training_flops(175_000_000_000, 1, 300_000_000_000)
    print(f"GPT-3 by your formula {gpt3:.3g} FLOP, by its paper 3.14e+23")
    here = machines[0].peak_flops
    print(f"at the measured peak of one core here, {here:.2g} FLOP per second: {gpt3 / here / 3.15e7:,.0f} years")

# %% [markdown]
# ## 11.3 Specialisation: an array that only multiplies
#
# A processor spends most of its energy on everything *around* a multiplication: fetching the instruction, decoding it, moving
# numbers to and from registers. Horowitz (2014) gives figures: a 32-bit multiplication takes 3.7 picojoules, and the instruction
# around it about 70.
#
# So build a chip that has no instructions. Take $n \times m$ cells. Each cell can do one thing: multiply the number that
# comes from the left by the number that comes from above, add the product to the sum that it holds, and pass both numbers on. This
# is a **systolic array**, named after the beat of the heart (Kung 1982): with every cycle, all numbers move on by one cell.
#
# Row $i$ of $A$ enters from the left, but $i$ cycles late. Column $j$ of $B$ enters from above, $j$ cycles late. That is the
# trick: $A_{is}$ and $B_{sj}$ arrive in cell $(i, j)$ at the same moment, in cycle $i + j + s$.
#
# | symbol | meaning |
# |:--|:--|
# | $A$ | $(n, k)$, enters from the left |
# | $B$ | $(k, m)$, enters from above |
# | $C = AB$ | $(n, m)$, one number in each cell |
# | $s$ | the inner index, $0 \le s < k$ |

# %% [markdown]
# ### Exercise: `systolic_matmul`
#
# `systolic_matmul(A (n, k), B (k, m)) -> (C (n, m), cycles)`
#
# Return the product, and the number of cycles **from the first multiply-add to the last**, both included. Let the cycles run
# one after the other and let every cell do its share, or find the formula: both are fine.
#
# **By hand.** $A = \begin{pmatrix}1&2\\3&4\end{pmatrix}$, $B = \begin{pmatrix}5&6\\7&8\end{pmatrix}$. Cycle 0: only cell
# $(0,0)$ works, $1\cdot5$. Cycle 1: three cells work. Cycle 2: three cells. Cycle 3: only cell $(1,1)$, $4\cdot8$, and it is
# done. Four cycles; the last one has number $(n-1) + (m-1) + (k-1)$.


# %% nbgrader={"grade": false, "grade_id": "systolic_matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
def systolic_matmul(A, B):
    """A matrix product on an array of n x m cells, and the cycles it takes.

    A: (n, k). B: (k, m). Returns C (n, m) and an int.
    """
    ### BEGIN SOLUTION
    n, k, m = *A.shape, B.shape[1]
    C = torch.zeros(n, m, dtype=A.dtype, device=A.device)
    cycles = 0
    for cycle in range(n + m + k):
        worked = False
        for i in range(n):
            for j in range(m):
                s = cycle - i - j
                if 0 <= s < k:
                    C[i, j] += A[i, s] * B[s, j]
                    worked = True
        cycles += worked
    return C, cycles
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "systolic_matmul_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.systolic_matmul", systolic_matmul)

# %% [markdown]
# ### Watch it pulse
#
# Orange cells work, green ones are done, grey ones wait. The blue numbers enter from the left, the vermilion ones from above.
# Press play, or pull the slider.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_array", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("systolic_matmul"):
    left = torch.tensor([[1.0, 2, 0, 1], [3, 1, 2, 1], [0, 2, 1, 4]])
    above = torch.tensor([[2.0, 1, 1], [0, 3, 1], [1, 1, 2], [2, 0, 1]])
    draw.array(systolic_matmul, left, above, cycle=3)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_array", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("systolic_matmul"):
    draw.array_slider(systolic_matmul, left, above)

# %% [markdown]
# At the start and at the end most cells have nothing to do. How bad is that? The array does $nmk$ multiplications in
# $n + m + k - 2$ cycles with $nm$ cells. The share of cells that work is
#
# $$\frac{k}{n + m + k - 2}$$
#
# A long inner dimension $k$ fills the array. A single example ($n = 1$) on an array of $256 \times 256$ such cells leaves 255 of 256
# rows empty. Specialised hardware is fast at one shape of work.
#
# ### What stays in a cell?
#
# In your array each cell keeps one sum of $C$ until it is complete: the array is **output-stationary**. Google's first TPU, with
# $256 \times 256$ cells, does it the other way round (Jouppi et al. 2017). Its cells hold the weights, which are loaded
# beforehand, and the sums travel. It is **weight-stationary**.
#
# | array | stays in the cells | flows through them | good where |
# |:--|:--|:--|:--|
# | output-stationary (yours) | the sums, $C$ | $A$ from the left, $B$ from above | $k$ is large: long sums |
# | weight-stationary (TPU v1) | the weights, $B$ | $A$ from the left, sums downwards and out at the bottom | $n$ is large: many examples for the same weights |
#
# Either way a single example uses the array badly. In a weight-stationary one all cells have to be filled with weights first, and
# then each of them does one multiplication.

# %% [markdown]
# ## 11.4 Memory locality: keep it close
#
# Fetching a number from main memory takes about a hundred times as long as multiplying it, and more than a hundred times the
# energy (Horowitz 2014). So every chip has a small, fast memory of its own: a processor's cache, a GPU's shared memory, the buffer
# of a TPU. It holds little. The art is to use what is in it as often as possible before it leaves.
#
# A matrix product of size $n$ uses every number $n$ times. Fetched anew each time, that is $2n^3$ loads. Cut the matrices into
# **tiles** of $t \times t$ instead, and keep three tiles on the chip: one of $A$, one of $B$, one of $C$. Each number that is
# loaded now serves $t$ multiplications.
#
# $$\text{loads} = \frac{2n^3}{t}$$

# %% [markdown]
# ### Exercise: `loop_traffic`
#
# `loop_traffic(order, n, m, k, tile) -> (loads, stores)`, both in numbers
#
# First a thought experiment. $C$ is $(n, m)$, $A$ is $(n, k)$, $B$ is $(k, m)$. Three loops run over tiles: `i` over the rows of
# $C$, `j` over its columns, `k` over the inner size. `order` names them from the outside to the inside, such as `"ijk"`. In each step
# the chip needs the tiles $A_{ik}$, $B_{kj}$ and $C_{ij}$, and it has room for one tile of each matrix:
#
# - A tile that is still there from the step before is **not** loaded again.
# - A tile of $C$ that is touched for the first time is not loaded: it starts as zeros. One that comes back later is loaded.
# - A tile of $C$ is stored when another one takes its place, and at the very end.
# - Tiles at the edge may be smaller. Count numbers, not tiles.
#
# **By hand.** `"ijk"` with $n = m = k = 2$ and tiles of 1. For each of the four numbers of $C$ two numbers of $A$ and two of $B$
# come in: $16$ loads. Each number of $C$ stays until it is done: $4$ stores. With `"kij"` all four come back once: $4$ loads more, and
# $8$ stores. But the tiles of $A$ now stay for two steps, so the loads of $A$ fall from $8$ to $4$: together $16$ again.


# %% nbgrader={"grade": false, "grade_id": "loop_traffic", "locked": false, "schema_version": 3, "solution": true, "task": false}
def loop_traffic(order, n, m, k, tile):
    """Numbers loaded and stored by a tiled product C (n, m) = A (n, k) B (k, m), one tile of each on the chip."""
    ### BEGIN SOLUTION
    size = {"i": n, "j": m, "k": k}
    on_chip, touched = {}, set()
    loads = stores = 0
    steps = [(a, b, c) for a in range(0, size[order[0]], tile) for b in range(0, size[order[1]], tile)
             for c in range(0, size[order[2]], tile)]  # fmt: skip
    for step in steps:
        at = dict(zip(order, step, strict=True))
        for matrix in ("ik", "kj", "ij"):
            place = tuple(at[name] for name in matrix)
            numbers = min(tile, size[matrix[0]] - place[0]) * min(tile, size[matrix[1]] - place[1])
            old = on_chip.get(matrix)
            if old is not None and old[0] == place:
                continue
            if matrix == "ij" and old is not None:
                stores += old[1]
            if matrix != "ij" or place in touched:
                loads += numbers
            if matrix == "ij":
                touched.add(place)
            on_chip[matrix] = (place, numbers)
    return loads, stores + on_chip["ij"][1]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "loop_traffic_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.loop_traffic", loop_traffic)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_orders", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("loop_traffic"):
    draw.loop_orders(loop_traffic)

# %% [markdown]
# Two lessons in one picture. The order of the three loops decides the traffic, though the arithmetic is the same: here it is best to
# keep the tile of $C$, because one that leaves has to travel twice. And each doubling of the tile nearly halves the traffic,
# until the tiles no longer fit.

# %% [markdown]
# ### Exercise: `tiled_matmul`
#
# `tiled_matmul(A (n, k), B (k, m), tile, memory) -> C (n, m)`
#
# Now do it. `memory` is a small chip that counts everything:
#
# | call | what it does |
# |:--|:--|
# | `memory.load(block)` | brings a block in and returns a **copy** of it; counts its numbers |
# | `memory.zeros(rows, columns, like)` | makes room for zeros of `like`'s dtype; moves nothing |
# | `memory.store(block, target)` | writes a block back into its place, such as `C[0:2, 4:6]`; counts |
# | `memory.free(block)` | gives the room of a block back |
#
# It has room for exactly three tiles, and raises an error when you ask for more. Compute only with what you loaded. A block that
# the chip gave you must be changed in place: `c += a @ b`, not `c = c + a @ b`.
#
# Load no more numbers than `loop_traffic("ijk", ...)` counts, and store each number of $C$ once. Sizes need not be multiples of
# the tile: a slice such as `A[4:6]` stops at the edge by itself.
#
# **By hand.** $A = (1\;\,2)$, $B = \binom{3}{4}$, tiles of 1. Make a zero for $C$. Load $1$ and $3$, add $3$, free both. Load $2$ and
# $4$, add $8$, free both. Store $11$, free it. Four loads, one store.


# %% nbgrader={"grade": false, "grade_id": "tiled_matmul", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tiled_matmul(A, B, tile, memory):
    """The product of A (n, k) and B (k, m), with at most three tiles on the chip at a time."""
    ### BEGIN SOLUTION
    (n, k), m = A.shape, B.shape[1]
    C = torch.zeros(n, m, dtype=A.dtype, device=A.device)
    for i in range(0, n, tile):
        for j in range(0, m, tile):
            target = C[i : i + tile, j : j + tile]
            c = memory.zeros(len(target), target.shape[1], A)
            for s in range(0, k, tile):
                a, b = memory.load(A[i : i + tile, s : s + tile]), memory.load(B[s : s + tile, j : j + tile])
                c += a @ b
                memory.free(a)
                memory.free(b)
            memory.store(c, target)
            memory.free(c)
    return C
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "tiled_matmul_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.tiled_matmul", tiled_matmul)

# %% [markdown]
# ### Hits and misses
#
# Your function multiplies two $24 \times 24$ matrices, and the chip notes every fetch. Each square below is one use of a number:
# vermilion where it had to be fetched, a **miss**, and pale where it was on the chip already, a **hit**. The upper row shows how $A$ is
# used for the first row of $C$, the lower one how $B$ is used for its first column.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_loads", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("tiled_matmul"):
    draw.loads(tiled_matmul)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_loads", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("tiled_matmul"):
    draw.loads_slider(tiled_matmul)

# %% [markdown]
# Try a tile of 5. It does not divide 24, so there are small tiles at the edges, and 4 % more numbers have to be loaded than
# $2n^3/t$ says. It is one reason why widths of layers are often multiples of 8, 64 or 128.

# %% [markdown]
# ## 11.5 Parallelism: many hands
#
# If one worker is too slow, take a thousand. How much does it help? That depends on the part that *cannot* be shared.
#
# | symbol | meaning |
# |:--|:--|
# | $f$ | the share of the work that can run in parallel |
# | $P$ | the number of workers |
#
# Of one hour of work, $1 - f$ stays as it is, and $f$ shrinks to $f / P$. So (Amdahl 1967)
#
# $$\text{speedup} = \frac{1}{(1 - f) + f / P}$$

# %% [markdown]
# ### Exercise: `amdahl`
#
# `amdahl(fraction, workers) -> float`; `fraction` is the parallel part $f$
#
# **By hand.** $f = 0.9$ and ten workers: $1 / (0.1 + 0.09) = 5.26$. Half of the workers might as well have stayed at home.


# %% nbgrader={"grade": false, "grade_id": "amdahl", "locked": false, "schema_version": 3, "solution": true, "task": false}
def amdahl(fraction, workers):
    """How many times faster `workers` are than one; `fraction` of the work can be shared."""
    ### BEGIN SOLUTION
    return 1 / ((1 - fraction) + fraction / workers)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "amdahl_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.amdahl", amdahl)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_amdahl", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("amdahl"):
    draw.speedups(amdahl)

# %% [markdown]
# With 1 % that cannot be shared, a thousand workers are worth 91. The last per cent is worth fighting for.
#
# ### Sharing a batch
#
# The gradient of a mean loss is a mean over examples. So the batch can be cut: every worker gets the whole network and a share
# of the examples, computes its own gradient, and the gradients are put together. This is **data parallelism**.
#
# One trap: shares differ in size. Seven examples on two workers are 4 and 3. Each worker's gradient is a mean over *its* examples, so
#
# $$\nabla = \sum_p \frac{N_p}{N} \, \nabla_p$$
#
# | symbol | meaning |
# |:--|:--|
# | $N_p$ | examples of worker $p$ |
# | $\nabla_p$ | mean gradient over its share |

# %% [markdown]
# ### Exercise: `shard_gradients`
#
# `shard_gradients(x (N, D), y (N,), params [(W, b), ...], workers) -> [(dW, db), ...]`
#
# - The network is a ReLU network as in notebook 2, the loss the mean cross-entropy. Within a worker, let autograd do it
#   (`torch.autograd.grad`, or `.backward()` on copies that require a gradient).
# - The result equals the gradient of the whole batch, whatever the shares.
# - There may be more workers than examples. Then some have nothing to do.
# - No worker may look at the whole batch: cut first. `x.tensor_split(workers)` does that.
#
# **By hand.** One weight, gradients $3$ (mean over 4 examples) and $10$ (mean over 3): together
# $\frac{4}{7} \cdot 3 + \frac{3}{7} \cdot 10 = 6$. The plain mean would be $6.5$.


# %% nbgrader={"grade": false, "grade_id": "shard_gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
def shard_gradients(x, y, params, workers):
    """The gradient of the mean cross-entropy over a batch, from workers that see a share each.

    x: (N, D). y: (N,). params: [(W, b), ...] of a ReLU network. Returns [(dW, db), ...].
    """
    ### BEGIN SOLUTION
    total = [torch.zeros_like(p) for pair in params for p in pair]
    for x_share, y_share in zip(x.tensor_split(workers), y.tensor_split(workers), strict=True):
        if len(x_share) == 0:
            continue
        own = [p.detach().clone().requires_grad_() for pair in params for p in pair]
        a = x_share
        for W, b in zip(own[:-2:2], own[1:-2:2], strict=True):
            a = torch.relu(a @ W.T + b)
        loss = nn.functional.cross_entropy(a @ own[-2].T + own[-1], y_share)
        for sum_, gradient in zip(total, torch.autograd.grad(loss, own), strict=True):
            sum_ += len(x_share) / len(x) * gradient
    return list(zip(total[::2], total[1::2], strict=True))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "shard_gradients_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.shard_gradients", shard_gradients)

# %% [markdown]
# ### How do the gradients come together?
#
# A hundred workers have a billion gradients each. If all of them send everything to one boss, the boss drowns. The **ring
# all-reduce** needs no boss. The workers stand in a circle, and everyone's numbers are cut into $P$ chunks.
#
# 1. In every step each worker sends **one chunk** to its right neighbour, which adds it to its own. Worker $p$ starts with chunk $p$,
#    then passes on the one it has just received. After $P - 1$ steps each worker holds the complete sum of one chunk.
# 2. In $P - 1$ more steps the complete chunks travel around the circle.
#
# Everyone sends all the time, always to the same neighbour, and in total only $2 \frac{P-1}{P}$ times its numbers. **That hardly depends
# on how many workers there are.**

# %% [markdown]
# ### Exercise: `ring_allreduce`
#
# `ring_allreduce(chunks[worker][chunk]) -> (chunks, steps)`
#
# - `chunks` holds $P$ lists of $P$ tensors each. Chunk $c$ has the same shape on every worker, but other chunks may have others.
# - Return new lists in which every worker has the sums, and the number of steps, $2(P-1)$. Leave the inputs as they are.
#
# **By hand.** Two workers with $[1], [2]$ and $[10], [20]$. Step 1: worker 0 sends its chunk 0, worker 1 its chunk 1. Now worker 1 has
# $11$ as chunk 0, and worker 0 has $22$ as chunk 1. Step 2: they pass these on. Both have $[11], [22]$ after $2$ steps.


# %% nbgrader={"grade": false, "grade_id": "ring_allreduce", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ring_allreduce(chunks):
    """Sums over all workers for every worker, around a ring, and the number of steps."""
    ### BEGIN SOLUTION
    P = len(chunks)
    mine = [[chunk.clone() for chunk in own] for own in chunks]
    for step in range(P - 1):
        messages = [mine[p][(p - step) % P].clone() for p in range(P)]
        for p, message in enumerate(messages):
            mine[(p + 1) % P][(p - step) % P] += message
    for step in range(P - 1):
        messages = [mine[p][(p + 1 - step) % P].clone() for p in range(P)]
        for p, message in enumerate(messages):
            mine[(p + 1) % P][(p + 1 - step) % P] = message
    return mine, 2 * (P - 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "ring_allreduce_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.ring_allreduce", ring_allreduce)

# %% [markdown]
# Each square is one chunk of one worker. The number in it says how many workers have contributed so far. First the
# sums grow, until each worker holds one that is complete. Then the complete ones spread.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_ring", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("ring_allreduce"):
    draw.ring(ring_allreduce)

# %% [markdown]
# ## 11.6 Overhead: fewer, larger pieces
#
# Every operator that PyTorch runs costs a few microseconds before the first multiplication: Python, type checks, finding the
# right kernel, making room for the result. For a large product that is nothing. For the small layers of this course it is almost
# everything.
#
# So count operators. PyTorch sends each one through its **dispatcher**, and there you can watch them pass:
#
# ```python
# class Tell(TorchDispatchMode):
#     def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
#         print(operator)                          # you see every operator here
#         return operator(*args, **(kwargs or {}))
#
# with Tell():
#     torch.ones(3) + 1                            # prints aten.ones.default, aten.add.Tensor
# ```

# %% [markdown]
# ### Exercise: `count_ops`
#
# `count_ops(fn, *args) -> int`
#
# Call `fn(*args)` once and count the operators that are dispatched.
#
# **By hand.** `x + 1` is one. `x.T @ x` is two: the transpose is an operator as well, though it moves nothing. A linear layer
# looks like one call from Python, but the dispatcher sees two or more.


# %% nbgrader={"grade": false, "grade_id": "count_ops", "locked": false, "schema_version": 3, "solution": true, "task": false}
def count_ops(fn, *args):
    """How many torch operators a call dispatches, as an int."""

    ### BEGIN SOLUTION
    class Watch(TorchDispatchMode):
        seen = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            self.seen += 1
            return func(*args, **(kwargs or {}))

    with Watch() as watch:
        fn(*args)
    return watch.seen
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "count_ops_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.count_ops", count_ops)

# %% [markdown]
# ### Exercise: `batched`
#
# `batched(fn, xs [n tensors of equal shape]) -> [n tensors]`
#
# `fn` takes a batch, `(n, ...)`, and gives one result for each example, `(n, ...)`. You have $n$ single examples. Calling `fn` $n$ times
# pays the overhead $n$ times. Call it **once**.
#
# **By hand.** Two examples of shape `(3,)` become one batch of shape `(2, 3)`. `torch.stack` puts the new axis in front, and
# `.unbind()` takes it apart again.


# %% nbgrader={"grade": false, "grade_id": "batched", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batched(fn, xs):
    """Applies a function of batches to many single examples, with one call. Returns a list."""
    ### BEGIN SOLUTION
    return list(fn(torch.stack(xs)).unbind())
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "batched_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.batched", batched)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_batching", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("batched"), torch.no_grad():
    network = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    pixels = torch.from_numpy(data.digits().train.x).float()
    sizes = (1, 4, 16, 64, 256)
    several = [list(pixels[:size]) for size in sizes]
    times = {
        "one call each": [
            timeit.repeat(lambda xs=xs: [network(x[None])[0] for x in xs], number=1, repeat=15) for xs in several
        ],
        "your batched": [timeit.repeat(lambda xs=xs: batched(network, xs), number=1, repeat=15) for xs in several],
    }
    draw.batching(sizes, times)

# %% [markdown]
# The upper line is nearly flat: every example pays the full price. The lower one falls, until arithmetic begins to count. The band
# holds the middle 80 % of fifteen repeats.

# %% [markdown]
# ### Exercise: `fuse_conv_bn`
#
# `fuse_conv_bn(w (C_out, C, KH, KW), b (C_out,) or None, gamma, beta, mean, var (C_out,), eps=1e-5) -> (w, b)`
#
# The other way to fewer operators: **fusion**. At inference batch normalisation no longer looks at the batch. It multiplies each
# channel by a fixed number and adds another one. A convolution multiplies and adds too, so the two in a row are one convolution:
#
# $$\gamma \, \frac{(w * x + b) - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta
# \;=\; \underbrace{\frac{\gamma}{\sqrt{\sigma^2 + \epsilon}} \, w}_{w'} * x
# \;+\; \underbrace{\frac{\gamma}{\sqrt{\sigma^2 + \epsilon}} \, (b - \mu) + \beta}_{b'}$$
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $\gamma, \beta$ | $(C_\text{out},)$ | scale and shift of the normalisation |
# | $\mu, \sigma^2$ | $(C_\text{out},)$ | running mean and running variance |
# | $\epsilon$ | | keeps the root away from 0 |
#
# Where the convolution has no bias, `b` is `None`.
#
# **By hand.** One channel: $w = 1$, $b = 0.5$, $\gamma = 2$, $\beta = 1$, $\mu = 3$, $\sigma^2 = 0.25$, $\epsilon = 0$. The factor is
# $2 / 0.5 = 4$. So $w' = 4$ and $b' = 4 \cdot (0.5 - 3) + 1 = -9$.


# %% nbgrader={"grade": false, "grade_id": "fuse_conv_bn", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fuse_conv_bn(w, b, gamma, beta, mean, var, eps=1e-5):
    """One convolution in place of a convolution and the batch normalisation behind it: (w, b)."""
    ### BEGIN SOLUTION
    factor = gamma / torch.sqrt(var + eps)
    shift = -mean if b is None else b - mean
    return w * factor.reshape(-1, 1, 1, 1), shift * factor + beta
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "fuse_conv_bn_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("acceleration.fuse_conv_bn", fuse_conv_bn)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_fusion", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("fuse_conv_bn", "count_ops"), torch.no_grad():
    convolution, norm = nn.Conv2d(16, 16, 3, padding=1, bias=False).eval(), nn.BatchNorm2d(16).eval()
    norm.running_mean.normal_()
    norm.running_var.uniform_(0.5, 2)
    one = nn.Conv2d(16, 16, 3, padding=1).eval()
    one.weight.data, one.bias.data = fuse_conv_bn(
        convolution.weight, None, norm.weight, norm.bias, norm.running_mean, norm.running_var, norm.eps
    )
    images = torch.randn(8, 16, 8, 8)
    two = nn.Sequential(convolution, norm)
    print(f"largest difference: {(one(images) - two(images)).abs().max():.1e}")
    for name, layer in (("convolution and normalisation", two), ("fused", one)):
        repeats = sorted(timeit.repeat(lambda layer=layer: layer(images), number=10, repeat=15))
        middle, low, high = repeats[7] * 1e5, repeats[1] * 1e5, repeats[13] * 1e5
        ops = count_ops(layer, images)
        print(f"{name:30} {ops} operators, {middle:5.0f} microseconds (most runs {low:.0f} to {high:.0f})")

# %% [markdown]
# The same numbers come out up to rounding, with fewer operators and no normalisation left. You will meet this again: notebook 13
# folds the normalisation into the convolution before it turns weights into integers. There, `fold_batch_norm` does it for whole
# modules, by these formulas.

# %% [markdown]
# ## 11.7 What does it cost in hardware? The bill of this notebook
#
# The whole notebook was about cost, so here is everything at once: one training of the small digits network of notebook 2 on four
# machines, one of them with two formats of numbers. Where the rate was not measured here, it is the one that the sources below
# state. The last column says how long the training takes *at the peak*, which nobody reaches.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_bill", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("training_flops", "conv_macs", "conv_bytes", "arithmetic_intensity", "roofline"):
    macs = sum(a * b for a, b in pairwise([64, 32, 10]))
    total = training_flops(macs, batch=32, steps=41 * 20)
    print(f"{macs:,} MACs per example; 20 passes over 1,297 digits in batches of 32: {total:.3g} FLOP")
    machines_of_the_past = (
        ("CDC 6600 (1964)", 3e6),
        ("Cray-1 (1976)", 160e6),
        ("one core of this machine, measured", machines[0].peak_flops),
        ("NVIDIA H100 SXM (2022), float32", 67e12),
        ("NVIDIA H100 SXM (2022), bfloat16", 989e12),
    )
    for name, peak in machines_of_the_past:
        print(f"{name:35} {peak:8.2g} FLOP/s  {total / peak:10.2g} s")

# %% [markdown]
# At its peak, the fastest computer of 1964 needed about 2 minutes for this training. One core of your machine, at its own peak,
# needs milliseconds. Today's digits network was within reach in 1964, if somebody had thought of it. GPT-3 was not:

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_wait", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("training_flops"):
    print(f"GPT-3 on a CDC 6600, at its peak: {gpt3 / 3e6 / 3.15e7 / 1e9:.1f} billion years")

# %% [markdown]
# Ideas often wait for their machine.
#
# ## 11.8 In your own words
#
# A company offers you a chip with ten times the FLOP per second of your GPU, at the same memory bandwidth. You serve a language model
# that answers one user at a time, so every weight is read for each token and used for one multiply-accumulate. Weights have 2 bytes.
# For numbers of that size, your GPU has a peak of $989 \cdot 10^{12}$ FLOP per second, and its memory delivers
# $3.35 \cdot 10^{12}$ bytes per second (H100 SXM, bfloat16 without sparsity; NVIDIA 2023).
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. What is the arithmetic intensity of this work, and where is it on the roofline of your GPU? How much faster will the new chip
#    be?
# 2. Name two changes, to the software or to the model, that help more than the chip.
# 3. For which use of the same model would the new chip be worth its money?

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_no_faster", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. One MAC, two FLOP, for every weight of 2 bytes: 1 FLOP per byte. The ridge of the GPU is at $989 / 3.35 = 295$ FLOP per byte, so
#    this work is far to the left, under the slope. There the speed is bandwidth times intensity, $3.35 \cdot 10^{12}$ FLOP per second,
#    0.3 % of the peak. The peak does not matter: the new chip is not faster at all.
# 2. Serve many users in one batch, so that a weight that is read once serves all of them: the intensity grows with the batch. Store the
#    weights in fewer bits (notebook 13): at 4 bits four times fewer bytes move. Pruning whole channels, or a smaller distilled model,
#    also reduces the bytes.
# 3. For training, or for reading long prompts: there thousands of tokens pass through each weight at once, the intensity lies beyond the
#    ridge, and the peak is the limit. The ridge of the new chip is at ten times the intensity, so the work must be larger still.

# %% [markdown]
# ## Recap
#
# - What a layer asks for are multiply-adds and bytes. Their quotient, the arithmetic intensity, decides which of the two is the limit:
#   attainable speed is the smaller of peak and bandwidth times intensity.
# - Large batches and shared weights raise the intensity. Where the working set fits into a cache, another roof holds.
# - Specialisation removes the work around a multiplication. It pays where the shape of the work suits the array.
# - Locality: the same arithmetic moves far fewer numbers in tiles. The order of the loops and the size of the tile decide.
# - Parallelism is limited by what cannot be shared, and by communication. Overhead is paid per operator: batch and fuse.
#
# ## Now try
#
# 1. Keeping the tile of $C$ was best for `sizes=(32, 128, 64)`. Find `n, m, k` for which another order moves just as few numbers, with
#    `draw.loop_orders(loop_traffic, sizes=(n, m, k))`. (What if the inner size is a single tile?) Can one be better?
# 2. From which batch size on should the layer with 1024 inputs and outputs be compute-bound on one core of your machine? Predict it with your
#    `arithmetic_intensity` and `machines[0].ridge`. Then measure batches of 1, 4, 16, 64 and 256 with `on_the_roof`.
# 3. How many operators does one step of an optimizer dispatch? Build `nn.Linear(64, 32)`, give it gradients, and pass
#    `optimizer.step` to your `count_ops`: for `torch.optim.SGD`, for `Adam`, and for each with `foreach=True`.
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# You now know what a network costs and what a machine can give. The notebooks that follow make the network itself smaller.
#
# ## References
#
# - G. Amdahl, *Validity of the single processor approach to achieving large scale computing capabilities*, AFIPS 1967.
#   [doi:10.1145/1465482.1465560](https://doi.org/10.1145/1465482.1465560)
# - R. Russell, *The CRAY-1 computer system*, CACM 1978. Its peak of 160 million FLOP per second.
#   [doi:10.1145/359327.359336](https://doi.org/10.1145/359327.359336)
# - J. Hong and H. T. Kung, *I/O complexity: the red-blue pebble game*, STOC 1981. Why no program moves much less than a tiled one.
#   [doi:10.1145/800076.802486](https://doi.org/10.1145/800076.802486)
# - H. T. Kung, *Why systolic architectures?*, Computer 1982. [doi:10.1109/MC.1982.1653825](https://doi.org/10.1109/MC.1982.1653825)
# - Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to document recognition*, 1998. LeNet-5.
#   [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791)
# - S. Williams, A. Waterman and D. Patterson, *Roofline: an insightful visual performance model*, CACM 2009.
#   [doi:10.1145/1498765.1498785](https://doi.org/10.1145/1498765.1498785)
# - P. Patarasuk and X. Yuan, *Bandwidth optimal all-reduce algorithms for clusters of workstations*, 2009.
#   [doi:10.1016/j.jpdc.2008.09.002](https://doi.org/10.1016/j.jpdc.2008.09.002)
# - M. Horowitz, *Computing's energy problem (and what we can do about it)*, ISSCC 2014. Picojoules of an operation.
#   [doi:10.1109/ISSCC.2014.6757323](https://doi.org/10.1109/ISSCC.2014.6757323)
# - N. Jouppi et al., *In-datacenter performance analysis of a tensor processing unit*, ISCA 2017.
#   [doi:10.1145/3079856.3080246](https://doi.org/10.1145/3079856.3080246)
# - D. Amodei and D. Hernandez, *AI and compute*, 2018. [openai.com](https://openai.com/index/ai-and-compute/)
# - J. Kaplan et al., *Scaling laws for neural language models*, 2020. [arXiv:2001.08361](https://arxiv.org/abs/2001.08361)
# - Models of the first picture: AlexNet [doi:10.1145/3065386](https://doi.org/10.1145/3065386), the transformer
#   [arXiv:1706.03762](https://arxiv.org/abs/1706.03762), GPT-3 [arXiv:2005.14165](https://arxiv.org/abs/2005.14165), PaLM
#   [arXiv:2204.02311](https://arxiv.org/abs/2204.02311), Llama 3.1 [arXiv:2407.21783](https://arxiv.org/abs/2407.21783), DeepSeek-V3
#   [arXiv:2412.19437](https://arxiv.org/abs/2412.19437).
# - NVIDIA, *H100 Tensor Core GPU data sheet*, 2023: 67 TFLOP/s in float32, 1,979 in bfloat16 with sparsity, half of that without;
#   3.35 TB/s. [nvidia.com](https://resources.nvidia.com/en-us-tensor-core/nvidia-tensor-core-gpu-datasheet)
# - J. Alderman and M. Richards, *Core memory: a visual survey of vintage computers*, 2007. The CDC 6600: the fastest machine in the
#   world, about three million instructions per second.
#   [a page of it](https://guykawasaki.com/core-memory-co/control-data-corp-cdc-6600-from-1965-010-book-final-page-94-95-jpg/)
#
# **Next**: [12 · Pruning](../12_pruning/12_pruning.ipynb), where weights are left out. To read: Horace He, *Making deep learning go brrrr
# from first principles*, 2022, on compute, bandwidth and overhead. [horace.io](https://horace.io/brrr_intro.html)

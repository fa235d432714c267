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
# # 12 · Pruning
#
# **Erase half of a network's numbers.** Which half? The network below has learned to read digits. It holds 50,200 weights. In
# the picture on the right, half of them were set to zero, in three ways. Nothing was trained again.

# %% [markdown]
# **You will be able to**
#
# - prune a network by magnitude, layer by layer or globally, and find out which layers can bear it
# - fine-tune with masks along a schedule, and compare with a dense network that was trained for as long
# - store a sparse matrix, and say how many bytes and how much time scattered zeros really save
# - prune in patterns that hardware likes: 2:4, and whole channels
# - spend fewer bits per weight: shared values, Huffman codes, low rank
# - train a small network with a large one as its teacher
#
# **Time**: about 5 hours (estimated). **Needs**: [3 · Backpropagation](../03_backpropagation/03_backpropagation.ipynb) and
# [4 · Convolution](../04_convolution/04_convolution.ipynb). [Map of the course](../00_start/00_start.ipynb)

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import copy
import heapq
import math
from collections import Counter
from functools import cache

import scipy.sparse
import torch
from torch.nn import functional

from autograder import check, progress
from course_lib import data, measure, training
from course_lib.pruning import lenet, tuned, weights_of, with_weights
from course_lib.training import track
from course_lib.viz import pending, style
from course_lib.viz import pruning as draw
from course_lib.viz.pruning_diagrams import sparse_rows, unit_removed

torch.set_num_threads(1)
style()

digits = data.drawn()  # 3,000 to learn from, 5,000 to judge by
learn, held_out = [
    (torch.tensor(part.x, dtype=torch.float32), torch.tensor(part.labels)) for part in (digits.train, digits.test)
]

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
dense = lenet()  # 64 pixels, two hidden layers of 300 and 100 units, 10 classes
training.fit(dense, learn, 15, 5e-3, schedule=training.cosine, label="digits")
weights, whole = weights_of(dense), training.evaluate(dense, held_out)
free, bill = [None] * 3, {}  # no masks, and what later cells write down: bytes and accuracy of each network


def score(weights):
    """The share of held-out digits that the network reads with other weights in it."""
    return training.evaluate(with_weights(dense, weights), held_out)


draw.samples(*held_out)
draw.erased(weights, score)

# %% [markdown]
# Erase the largest half, and it only guesses. Erase a random half (five were tried), and about half of the digits are lost.
# Erase the smallest half, and it loses less than one digit in a hundred.
#
# So much of what a network stores is hardly used. That is worth money: fewer bytes to store and to move, fewer products to
# compute. In this notebook you find out what can go, in four ways, and you measure what is *really* saved. The two are not
# the same.
#
# | way | what it does | where |
# |:--|:--|:--|
# | pruning | sets weights to zero, or removes whole units | sections 12.1 to 12.6 |
# | sharing and coding | spends fewer bits on each weight | section 12.7 |
# | low rank | replaces a matrix by two thin ones | section 12.8 |
# | distillation | teaches a small network what a large one knows | section 12.9 |
#
# The network is LeNet-300-100, trained as in notebook 3: 64 pixels, two hidden layers of 300 and 100 units, 10 classes.
# `weights` is a list of its three weight matrices. The 410 biases are left alone.
#
# **Can a measurement tell two networks apart?** Here networks will differ by one point or less. If a network reads the share
# $p$ of $n$ digits, that share has a **standard error** of $\sqrt{p\,(1 - p) / n}$: two measurements in three are off by less
# than that. At 97 % of 500 digits it is 0.8 points, and a difference of one point says next to nothing. So this notebook
# does not use the few digits that people wrote. A program draws new ones, with strokes that are bent, slanted, shifted and
# smudged at random: 3,000 to learn from, and 5,000 to judge by. Now the standard error is 0.24 points.

# %% [markdown]
# ## 12.1 The smallest go
#
# A weight multiplies its input. If it is small, it changes the sum only a little. So the simplest rule is: the weights of
# smallest absolute value go. This is **magnitude pruning**, and it is hard to beat.
#
# Which weights stay is written down in a **mask**: a tensor of the same shape, `True` where a weight stays. The pruned weight
# is `w * mask`.
#
# | symbol | meaning |
# |:--|:--|
# | $w$ | weights of a layer, $(\text{out}, \text{in})$, or $(C_\text{out}, C_\text{in}, K, K)$ for a convolution |
# | $N$ | their number |
# | $s$ | **sparsity**: the share of weights that are zero. 0.9 means that one in ten is left |
# | mask | bool, shaped like $w$; `True` stays |
#
# ### Exercise: `magnitude_mask`
#
# `magnitude_mask(w (...), sparsity) -> bool (...)`
#
# Exactly $\lfloor s N + \tfrac12 \rfloor$ entries go: the nearest whole number, halves up. (Python's own `round` takes halves
# to the even number. Do not use it here.) Where several weights are equal, the count still has to be exact. Which of the
# equals go is up to you.
#
# **By hand.** $w = (0.5, -2, 0.1, -0.3, 1)$ and $s = 0.6$. Three of five go: $0.1$, $-0.3$ and $0.5$. The mask is `[False,
# True, False, False, True]`.


# %% nbgrader={"grade": false, "grade_id": "magnitude_mask", "locked": false, "schema_version": 3, "solution": true, "task": false}
def magnitude_mask(w, sparsity):
    """A bool mask, shaped like w: False at the floor(sparsity * N + 0.5) entries of smallest absolute value."""
    ### BEGIN SOLUTION
    order = w.abs().flatten().argsort()
    mask = torch.ones_like(order, dtype=torch.bool)
    mask[order[: math.floor(sparsity * w.numel() + 0.5)]] = False
    return mask.reshape(w.shape)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "magnitude_mask_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.magnitude_mask", magnitude_mask)

# %% [markdown]
# ### What your mask takes
#
# Ten of the 300 units of the first layer. Each has 64 weights, one for each pixel, drawn where the pixel is: blue for plus,
# vermilion for minus, grey for gone. On the right, all 300 units together: how many weights of each pixel stay.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_masks", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("magnitude_mask"):
    draw.masks_slider(magnitude_mask, weights[0])

# %% [markdown]
# Move the slider to 0.9. On the right, the rows in the middle keep about twice as many weights as the two at the bottom: that
# is where the strokes of digits differ. Nobody told the mask which pixels matter.
#
# ### Exercise: `sparsity`
#
# `sparsity(weights [tensor, ...]) -> float`
#
# The share of zeros among all weights of a list together. A tiny weight is no zero: it is stored and multiplied like all
# others.
#
# **By hand.** A layer of 4 weights with one zero, and a layer of 8 weights with five: $6/12 = 0.5$. The mean of the two
# shares would be $0.4375$, which is something else.


# %% nbgrader={"grade": false, "grade_id": "sparsity", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sparsity(weights):
    """The share of zeros among the weights of all layers together, a float from 0 to 1."""
    ### BEGIN SOLUTION
    zeros = sum((w == 0).sum().item() for w in weights)
    return zeros / sum(w.numel() for w in weights)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sparsity_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.sparsity", sparsity)

# %% [markdown]
# ## 12.2 One queue for all layers
#
# Should each layer lose 80 %? That is **layer-wise pruning**. Or should all weights of the network stand in one queue, and
# the smallest 80 % of *them* go? That is **global pruning**: a layer full of small weights then loses more than the others.
#
# ### Exercise: `global_masks`
#
# `global_masks(weights [tensor, ...], sparsity) -> [bool, ...]`
#
# One mask for each layer. Together exactly $\lfloor s N + \tfrac12 \rfloor$ entries are `False`, where $N$ now counts the
# weights of all layers.
#
# **By hand.** Two layers, with the rows $(3, -0.2)$ and $(0.4, -5)$, and with $(0.1, -0.3)$. At $s = 0.5$ three of the six
# go: $0.1$, $-0.2$ and $-0.3$. The second layer is gone altogether, the first loses one weight.
#
# *Hint:* put all weights into one long tensor, make one mask, cut it up with `torch.split`.


# %% nbgrader={"grade": false, "grade_id": "global_masks", "locked": false, "schema_version": 3, "solution": true, "task": false}
def global_masks(weights, sparsity):
    """A list of bool masks, one for each weight: the smallest of all weights together are False."""
    ### BEGIN SOLUTION
    row = torch.cat([w.flatten() for w in weights])
    parts = torch.split(magnitude_mask(row, sparsity), [w.numel() for w in weights])
    return [part.reshape(w.shape) for part, w in zip(parts, weights, strict=True)]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "global_masks_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.global_masks", global_masks)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_layers", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("magnitude_mask", "global_masks"):
    draw.layer_shares(magnitude_mask, global_masks, weights, score)

# %% [markdown]
# On this network one threshold is the better deal: at a sparsity of 0.7 or 0.8 it reads more digits. On the right you see why.
# It spares the layers with larger weights, and takes most from the middle one, which holds 30,000 of the 50,200 weights.
#
# This is not a law. The scale of a layer's weights depends on how it was initialised and trained, and a single threshold can
# wipe out a whole layer, as in the example by hand.
#
# ## 12.3 Which layer feels it?
#
# Ask the network. Prune *one* layer, leave the others whole, and look at the accuracy. Then the next layer. This is a
# **sensitivity** analysis.
#
# ### Exercise: `sensitivity`
#
# `sensitivity(evaluate, weights [tensor, ...], sparsities [float, ...]) -> scores[layer][sparsity]`
#
# `evaluate(weights)` takes a list of weights, one for each layer, and returns a score. Call it with one layer pruned by
# magnitude and the others as they are. Begin each time with the weights that came in. They must be unchanged in the end.
#
# **By hand.** Two layers, $(1, -4)$ and $(2, 3)$. A toy `evaluate` adds up the sizes of layer 1, and twice those of layer 2.
# One sparsity, $0.5$:
#
# - Layer 1 pruned, $(0, -4)$: the score is $4 + 2\cdot5 = 14$.
# - Layer 2 pruned, $(0, 3)$: the score is $5 + 2\cdot3 = 11$.
#
# The answer is `[[14.0], [11.0]]`.


# %% nbgrader={"grade": false, "grade_id": "sensitivity", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sensitivity(evaluate, weights, sparsities):
    """scores[layer][j]: what evaluate(weights) gives with this layer alone pruned to sparsities[j]."""
    ### BEGIN SOLUTION
    scores = []
    for i, w in enumerate(weights):
        pruned = [w * magnitude_mask(w, share) for share in sparsities]
        scores.append([evaluate([*weights[:i], part, *weights[i + 1 :]]) for part in pruned])
    return scores
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sensitivity_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.sensitivity", sensitivity)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_sensitivity", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("magnitude_mask", "sensitivity"):
    shares = [0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98]
    draw.sensitivity_curves(sensitivity(score, weights, shares), shares, whole)

# %% [markdown]
# The middle layer can lose four of five weights, and it costs about a point. The same share of either other layer costs more
# than twice as much. The last layer is the smallest, 1,000 weights, and each of them goes straight into a logit: pruning it
# hard would save next to nothing. Whoever chooses shares by hand draws this picture first.
#
# ## 12.4 Learn to do without
#
# So far nothing was trained after pruning. But the weights that are left can learn to do the work of those that went:
# **fine-tuning**. It has one difficulty. A step of the optimizer moves *all* weights, the zeros too. So after every step,
# multiply by the masks.
#
# And do not take everything at once. Take some, train a little, take some more. At first there is much to take that nobody
# needs. Later each weight counts, so go slowly. Zhu and Gupta (2018) let the sparsity rise along a cubic curve from $s_i$ to
# $s_f$:
#
# $$s(t) = s_f + (s_i - s_f) \left(1 - \frac{t - t_0}{t_1 - t_0}\right)^3$$
#
# ### Exercise: `cubic_schedule`
#
# `cubic_schedule(step, start, end, initial, final) -> float`
#
# With $t$ = step, $t_0$ = start, $t_1$ = end. Before the start it is `initial`, after the end `final`.
#
# **By hand.** From 0 to 0.8, half of the steps done: $0.8 - 0.8 \cdot (1/2)^3 = 0.7$. That is seven eighths of the way.


# %% nbgrader={"grade": false, "grade_id": "cubic_schedule", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cubic_schedule(step, start, end, initial, final):
    """The sparsity after so many steps: initial up to `start`, final from `end` on, a cubic curve in between."""
    ### BEGIN SOLUTION
    done = min(max((step - start) / (end - start), 0), 1)
    return final + (initial - final) * (1 - done) ** 3
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "cubic_schedule_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.cubic_schedule", cubic_schedule)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_schedule", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("cubic_schedule"):
    draw.schedule(cubic_schedule)

# %% [markdown]
# ### Exercise: `prune_and_finetune`
#
# `prune_and_finetune(model, data (x, labels), sparsity) -> a new model`
#
# Now put it together. This exercise is open: how you prune and how you train is up to you.
#
# - Return a **new** model with the same names of parameters, in which at least the share `sparsity` of the weights of two or
#   more dimensions is zero. Biases do not count. `copy.deepcopy(model)` makes the copy, and the old one stays as it was.
# - `[p for p in new.parameters() if p.dim() > 1]` are the weights. Change them inside `with torch.no_grad():`, with
#   `w.mul_(mask)` or `w *= mask`.
# - It is judged on LeNet-300-100 and digits that neither you nor the network have seen, with other names for the classes. At
#   a sparsity of 0.8 it may lose at most one point of accuracy. It should take about three seconds at most.
#
# A way that works: Adam with a rate of 0.01 that falls to 0 along a cosine (`training.cosine(done)` is the factor), 15
# epochs, batches of 64 from `training.batches(data, 64, generator)`. Every ten steps compute new `global_masks`, along your
# schedule, which ends half way. Apply the masks after every step.


# %% nbgrader={"grade": false, "grade_id": "prune_and_finetune", "locked": false, "schema_version": 3, "solution": true, "task": false}
def prune_and_finetune(model, data, sparsity):
    """A sparse copy of a trained model, fine-tuned on data (x, labels)."""
    ### BEGIN SOLUTION
    new = copy.deepcopy(model)
    ws = [p for p in new.parameters() if p.dim() > 1]
    optimizer = torch.optim.Adam(new.parameters(), lr=0.01)
    order = torch.Generator().manual_seed(1)
    steps, step = 15 * math.ceil(len(data[1]) / 64), 0
    new.train()
    for _ in range(15):
        for x, labels in training.batches(data, 64, order):
            if step % 10 == 0:
                now = cubic_schedule(step + 10, 0, steps / 2, 0, sparsity)
                masks = global_masks([w.detach() for w in ws], now)
            optimizer.param_groups[0]["lr"] = 0.01 * training.cosine(step / steps)
            optimizer.zero_grad()
            functional.cross_entropy(new(x), labels).backward()
            optimizer.step()
            with torch.no_grad():
                for w, mask in zip(ws, masks, strict=True):
                    w.mul_(mask)
            step += 1
    return new.eval()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "prune_and_finetune_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.prune_and_finetune", prune_and_finetune)

# %% [markdown]
# ### How far can you go?
#
# Fine-tuning is more training. To be fair, the dense network gets the same 15 epochs more, at the same rates: `longer`. From
# here on every network is compared with that one.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_before_after", "locked": true, "schema_version": 3, "solution": false, "task": false}
@cache
def fine(method, share):
    """The network, pruned and fine-tuned; remembered, so that it is trained once."""
    return method(dense, learn, share)


longer = tuned(dense, learn, free)
equal = training.evaluate(longer, held_out)
print(f"dense: {whole:.1%} so far, {equal:.1%} ± {measure.standard_error(equal, 5000):.2%} after as much training")

with pending("global_masks", "cubic_schedule", "prune_and_finetune"):
    shares, before, after = [0.5, 0.8, 0.9, 0.95, 0.98], [], []
    for share in track(shares, "prunes and fine-tunes"):
        masks = global_masks(weights, share)
        before.append(score([w * mask for w, mask in zip(weights, masks, strict=True)]))
        after.append(training.evaluate(fine(prune_and_finetune, share), held_out))
    draw.before_and_after(shares, before, after, equal, 5000)
    print("sparsity   weights left   pruned   fine-tuned")
    for share, one, two in zip(shares, before, after, strict=True):
        left = sum(int((w != 0).sum()) for w in weights_of(fine(prune_and_finetune, share)))
        print(f"{share:8.2f} {left:14,} {one:8.1%} {two:12.1%}")

# %% [markdown]
# The extra training alone is worth about half a point: whoever leaves it out of the comparison credits it to pruning. With
# **one weight in ten** the fine-tuned network reads as many digits as the dense one, or one point fewer at most. Without
# fine-tuning the same sparsity is a disaster. At one weight in twenty a point is lost, and beyond that there is too little
# left.
#
# In 2015 Han and others took LeNet-300-100 on the full MNIST digits from 267,000 weights to 22,000, twelve times fewer,
# without loss of accuracy.
#
# ## 12.5 What is saved?
#
# 90 % zeros. Is the file ten times smaller? Is the network ten times faster? **Neither, as it stands.** A zero is stored as a
# float of 32 bits, like any number, and multiplied like any number. To save bytes, the zeros must not be stored. But then
# you have to write down where the others are: their **indices**.
#
# The usual way is **compressed sparse rows**, CSR. Go through the matrix row by row, and write down
#
# - `values`: the numbers that are not 0,
# - `columns`: the column of each, its index in the row,
# - `row_pointers`: where in these lists each row begins. Row $i$ has the entries from `row_pointers[i]` up to, but not
#   including, `row_pointers[i + 1]`. There is one pointer more than there are rows.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "draw_rows", "locked": true, "schema_version": 3, "solution": false, "task": false}
sparse_rows()

# %% [markdown]
# ### Exercise: `to_csr`
#
# `to_csr(w (out, in)) -> (values (k,), columns (k,), row_pointers (out + 1,))`, the last two int64
#
# **By hand.** The rows $(0, 5, 0, -2)$, $(0, 0, 0, 0)$ and $(1, 0, 0, 0)$:
#
# | | |
# |:--|:--|
# | `values` | $5, -2, 1$ |
# | `columns` | $1, 3, 0$ |
# | `row_pointers` | $0, 2, 2, 3$ |
#
# Row 1 is empty: it begins and ends at 2. `w.nonzero(as_tuple=True)`, `torch.bincount(..., minlength=...)` and `cumsum` help.


# %% nbgrader={"grade": false, "grade_id": "to_csr", "locked": false, "schema_version": 3, "solution": true, "task": false}
def to_csr(w):
    """A matrix (out, in) as (values, columns, row_pointers); the last two are int64."""
    ### BEGIN SOLUTION
    rows, columns = w.nonzero(as_tuple=True)
    row_pointers = torch.zeros(w.shape[0] + 1, dtype=torch.int64, device=w.device)
    row_pointers[1:] = torch.bincount(rows, minlength=w.shape[0]).cumsum(0)
    return w[rows, columns], columns, row_pointers
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "to_csr_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.to_csr", to_csr)

# %% [markdown]
# ### Exercise: `csr_matvec`
#
# `csr_matvec(csr (values, columns, row_pointers), x (in,)) -> (out,)`
#
# The product $Wx$, with one multiplication for each *stored* value:
#
# $$y_i = \sum_{j = \text{pointers}_i}^{\text{pointers}_{i+1} - 1} \text{values}_j\; x_{\text{columns}_j}$$
#
# A loop over the rows is fine. A row without a number gives 0.
#
# **By hand.** `values` $5, -2, 3, 1, 4$, `columns` $1, 3, 0, 0, 2$, `row_pointers` $0, 2, 3, 5$ and $x = (1, 2, 3, 4)$:
#
# - $y_0 = 5\cdot2 - 2\cdot4 = 2$
# - $y_1 = 3\cdot1 = 3$
# - $y_2 = 1\cdot1 + 4\cdot3 = 13$


# %% nbgrader={"grade": false, "grade_id": "csr_matvec", "locked": false, "schema_version": 3, "solution": true, "task": false}
def csr_matvec(csr, x):
    """The product of a matrix in compressed sparse rows with x (in,), as (out,)."""
    ### BEGIN SOLUTION
    values, columns, row_pointers = csr
    y = torch.zeros(len(row_pointers) - 1, dtype=x.dtype, device=x.device)
    for i in range(len(y)):
        part = slice(row_pointers[i], row_pointers[i + 1])
        y[i] = values[part] @ x[columns[part]]
    return y
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "csr_matvec_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.csr_matvec", csr_matvec)

# %% [markdown]
# Look at `x[columns[part]]`. A dense product reads $x$ in order, many numbers at a time. A sparse one jumps around in it, and
# has to read where to jump first. Keep that in mind.
#
# ### Exercise: `model_bytes`
#
# `model_bytes(weights [tensor, ...], masks [bool or None, ...], bits, index_bits) -> int`
#
# - A layer with a mask stores each weight that stays: `bits` for the number, `index_bits` for its index.
# - A layer whose mask is `None` is dense. It stores all its weights, and no indices.
# - Add up all **bits**, divide by 8, round up *once*. Row pointers are not counted here.
#
# **By hand.** 3 of 8 weights stay, 8 bits for each and 4 for its index: $3 \cdot 12 = 36$ bits, which are 5 bytes. Dense, the
# layer takes $8 \cdot 8 = 64$ bits: 8 bytes.


# %% nbgrader={"grade": false, "grade_id": "model_bytes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def model_bytes(weights, masks, bits, index_bits):
    """The bytes that all layers take; a mask of None means a dense layer, without indices."""
    ### BEGIN SOLUTION
    total = 0
    for w, mask in zip(weights, masks, strict=True):
        if mask is None:
            total += bits * w.numel()
        else:
            total += (bits + index_bits) * int(mask.sum())
    return -(-total // 8)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "model_bytes_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.model_bytes", model_bytes)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_storage", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("model_bytes"):
    draw.storage(model_bytes)

# %% [markdown]
# With 32 bits per weight, an index of 8 bits is cheap: from 20 % zeros on it pays. With 4 bits per weight the index costs
# twice as much as the weight, and two of three weights must go before anything is saved. **The cheaper the weights become,
# the more their indices cost in comparison.**
#
# ### And the time?
#
# One layer with 512 inputs and 512 outputs, at several sparsities. Dense: the zeros are in the matrix. Sparse: SciPy takes
# the three tensors that `to_csr` made and multiplies by them in compiled code, and never touches a zero. Left with one
# vector, right with a batch of 64.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_times", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("magnitude_mask", "to_csr"):
    generator = torch.Generator().manual_seed(0)
    square, batch = torch.randn(512, 512, generator=generator), torch.randn(512, 64, generator=generator)
    shares, one, many = [0.5, 0.8, 0.9, 0.95, 0.99], [], []
    for share in shares:
        zeroed = square * magnitude_mask(square, share)
        values, columns, pointers = (part.numpy() for part in to_csr(zeroed))
        rows = scipy.sparse.csr_array((values, columns, pointers), shape=(512, 512))
        for x, seconds in ((batch[:, 0].numpy().copy(), one), (batch.numpy(), many)):
            seconds.append(measure.quickest(lambda rows=rows, x=x: rows @ x, repeat=15))
    vector = batch[:, 0].clone()
    full = [measure.quickest(lambda x=x: zeroed @ x, repeat=15) for x in (vector, batch)]
    draw.times(shares, {"times one vector": (full[0], one), "times a batch of 64": (full[1], many)})
    print(f"dense, no zeros:     {1e3 * measure.quickest(lambda: square @ batch, repeat=15):.3f} ms for the batch")
    print(f"dense, 99 % zeros:   {1e3 * full[1]:.3f} ms for the batch")

# %% [markdown]
# The printed lines first: a dense engine needs as long for 99 % zeros as for none. It does not look at the numbers.
#
# Then the pictures. (They are measured, and differ from machine to machine.) With half of the weights the sparse product
# takes *longer* than the dense one, several times as long for a batch. The lines cross only when most weights are gone. At
# one weight in a hundred there is a hundredth of the work, and the gain is nowhere near a factor of a hundred.
#
# Why? The dense product makes use of everything that modern hardware has. It loads numbers in the order in which they lie in
# memory, keeps a tile of the matrix for all 64 columns, and multiplies 8 or 16 numbers with one instruction. The sparse one
# reads an index, jumps there, multiplies one number (or one row of the batch), and reads the next index.
#
# So zeros that are scattered anywhere save **bytes**. They save **time** only where there are very many of them.
#
# ## 12.6 Zeros that hardware likes
#
# Zeros anywhere are **unstructured**. Hardware likes patterns that it knows beforehand: **structured pruning**. Two patterns
# are in use.
#
# **2:4 sparsity.** Of every four neighbours in a row, two are zero. An index takes 2 bits, every row has the same amount of
# work, and the inputs that are needed lie within four numbers. Sparse tensor cores of NVIDIA's GPUs since 2020 work on it at
# up to twice the rate (Mishra and others, 2021). CPUs have no such unit.
#
# ### Exercise: `n_m_mask`
#
# `n_m_mask(w (out, in, ...), n=2, m=4) -> bool (out, in, ...)`
#
# Keep the `n` largest of every `m` neighbours along dimension 1, the inputs: inputs 0 to 3 are a group, 4 to 7 the next. For
# a convolution that is the channel dimension, at each position of the kernel. Raise a `ValueError` where groups of `m` do not
# fill dimension 1.
#
# **By hand.** $(0.1, -3, 2, 0.5 \;|\; 1, 4, -6, 5)$. In the first group $-3$ and $2$ stay, in the second $-6$ and $5$. The
# $4$ goes, although it is larger than everything that stays in the first group.


# %% nbgrader={"grade": false, "grade_id": "n_m_mask", "locked": false, "schema_version": 3, "solution": true, "task": false}
def n_m_mask(w, n=2, m=4):
    """True at the n largest of every m neighbours along dimension 1; ValueError where groups are not whole."""
    ### BEGIN SOLUTION
    if w.shape[1] % m != 0:
        raise ValueError(f"{w.shape[1]} inputs cannot be cut into groups of {m}")
    inputs_last = w.abs().transpose(1, -1)
    best = inputs_last.reshape(-1, m).topk(n, dim=1).indices
    mask = torch.zeros(inputs_last.numel() // m, m, dtype=torch.bool, device=w.device).scatter(1, best, True)
    return mask.reshape(inputs_last.shape).transpose(1, -1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "n_m_mask_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.n_m_mask", n_m_mask)

# %% [markdown]
# **Whole channels.** Remove a unit altogether: its row of weights, its bias, and the column of the next layer that reads it.
# (In the convolutions of notebook 4 the unit is a filter with its feature map.) What is left is a smaller dense network. No
# indices, no special hardware: bytes, MACs and time all shrink.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "draw_unit", "locked": true, "schema_version": 3, "solution": false, "task": false}
unit_removed()

# %% [markdown]
# Which units go? One simple measure is how much weight they have.
#
# ### Exercise: `channel_importance`
#
# `channel_importance(w (C_out, ...)) -> (C_out,)`
#
# The sum of absolute weights of each output channel, over its inputs and its kernel (Li and others, 2017).
#
# **By hand.** The rows $(1, -2, 0.5)$ and $(0, 1, -1)$ have the importances $3.5$ and $2$.


# %% nbgrader={"grade": false, "grade_id": "channel_importance", "locked": false, "schema_version": 3, "solution": true, "task": false}
def channel_importance(w):
    """The sum of absolute weights of each output channel, (C_out,)."""
    ### BEGIN SOLUTION
    return w.abs().reshape(len(w), -1).sum(1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "channel_importance_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.channel_importance", channel_importance)

# %% [markdown]
# ### Exercise: `prune_channels`
#
# `prune_channels(w1 (C, ...), b1 (C,), w2 (out, C, ...), keep (k,)) -> (w1 (k, ...), b1 (k,), w2 (out, k, ...))`
#
# `keep` holds the indices of the channels that stay, in the order that they are to have.
#
# The two smaller layers must compute exactly what the old ones compute when the other channels are zero. With a ReLU in
# between that is true: a channel with weights and bias 0 gives 0, and the next layer adds 0.
#
# **By hand.** Three units, `keep = [0, 2]`. $W_1$ has the rows $(1, 2), (3, 4), (5, 6)$, $b_1 = (7, 8, 9)$, $W_2 = (1, 2,
# 3)$. What is left: the rows $(1, 2), (5, 6)$, the biases $(7, 9)$, and $W_2 = (1, 3)$.


# %% nbgrader={"grade": false, "grade_id": "prune_channels", "locked": false, "schema_version": 3, "solution": true, "task": false}
def prune_channels(w1, b1, w2, keep):
    """The two layers without the channels that are not in keep: smaller w1, b1 and w2."""
    ### BEGIN SOLUTION
    return w1.index_select(0, keep), b1.index_select(0, keep), w2.index_select(1, keep)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "prune_channels_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.prune_channels", prune_channels)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_patterns", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("magnitude_mask", "n_m_mask", "channel_importance"):
    corner = weights[1][:16, :32]
    order = channel_importance(corner).argsort(descending=True)
    rows = torch.zeros(16, dtype=torch.bool).scatter(0, order[:8], True)
    draw.patterns(
        {
            "anywhere": magnitude_mask(corner, 0.5),
            "2:4": n_m_mask(corner),
            "channels": rows[:, None].expand(corner.shape),
        }
    )

# %% [markdown]
# Each picture keeps half of the weights in the same corner of the middle layer. Now the bill, for whole networks. All of them
# had 30 epochs: 15 before and 15 after pruning, at the same rates. "Executed" are the MACs per digit that the dense engine of
# this notebook carries out. Time is measured, for 1,000 digits at once.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "compare_patterns", "locked": true, "schema_version": 3, "solution": false, "task": false}
def narrow(hidden):
    """The network with fewer units in both hidden layers, the most important ones, before fine-tuning."""
    w1, b1, w2, b2, w3, b3 = (p.detach() for p in dense.parameters())
    first = channel_importance(w1).argsort(descending=True)[: hidden[0]]
    w1, b1, w2 = prune_channels(w1, b1, w2, first)
    second = channel_importance(w2).argsort(descending=True)[: hidden[1]]
    w2, b2, w3 = prune_channels(w2, b2, w3, second)
    small = lenet(hidden=hidden)
    small.load_state_dict(dict(zip(small.state_dict(), (w1, b1, w2, b2, w3, b3), strict=True)))
    return small


with pending("prune_and_finetune", "n_m_mask", "channel_importance", "prune_channels", "model_bytes"):
    tenth = fine(prune_and_finetune, 0.9)
    halved = tuned(dense, learn, [n_m_mask(w) for w in weights])
    wide, thin = (tuned(narrow(hidden), learn, free) for hidden in ((150, 100), (40, 30)))
    fresh = lenet(hidden=(40, 30))
    training.fit(fresh, learn, 15, 5e-3, schedule=training.cosine, show=False)
    fresh = tuned(fresh, learn, free)
    rows = [
        ("dense", longer, free, 0),
        ("anywhere, 90 %", tenth, [w != 0 for w in weights_of(tenth)], 9),
        ("2:4", halved, [n_m_mask(w) for w in weights], 2),
        ("150 and 100 units", wide, free, 0),
        ("40 and 30 units", thin, free, 0),
        ("40 and 30, from scratch", fresh, free, 0),
    ]
    print("                          weights    bytes   MACs needed   executed   milliseconds   digits read")
    for name, model, masks, index_bits in rows:
        ws = weights_of(model)
        needed = sum(int((w != 0).sum()) for w in ws)
        size = model_bytes(ws, masks, 32, index_bits)
        seconds = measure.quickest(lambda model=model: training.predict(model, held_out[0][:1000]), repeat=15)
        bill[name] = size, training.evaluate(model, held_out)
        executed = sum(w.numel() for w in ws)
        print(
            f"{name:24} {needed:8,} {size:8,} {needed:13,} {executed:10,} {1e3 * seconds:14.2f} {bill[name][1]:13.1%}"
        )

# %% [markdown]
# Read the columns one by one.
#
# - **Bytes.** With scattered zeros a tenth of the weights take an eighth of the bytes: each pays 9 bits for its index (there
#   are up to 300 columns). 2:4 saves a bit less than half: 34 bits in place of 64. Narrow layers pay for no indices.
# - **Executed.** Only narrow layers really compute less here. For scattered zeros and for 2:4, this machine does all 50,200
#   products, and most or half of them are products with 0.
# - **Milliseconds.** They follow what is executed, not what is needed. (Where little is executed, what every call costs
#   anyway begins to show.)
# - **Digits read.** 40 and 30 units that were cut out of the large network, 4,060 weights, read nearly as many digits as all of
#   it: less than a point is missing. The last line is a network of the same shape that was never large, trained for as long.
#   It stays behind by a point or more. So here it paid to train large and prune.
#
# Such a last line belongs in every table of this kind, for it can turn out the other way. Liu and others (2019) found for many
# large networks that the small one, trained from scratch and for long enough, is just as good.
#
# ## 12.7 Fewer bits for each weight
#
# Pruning leaves fewer weights. Now make each of them cheaper.
#
# **Weight sharing.** Let all weights of a layer share 16 values. Store the 16 values once, the **codebook**, and for each
# weight only which one it is, its **code**: 4 bits in place of 32.
#
# Which values? Find them by **k-means clustering**. Start with values spread evenly between the smallest and the largest
# weight. Then again and again: each weight takes the nearest value, each value moves to the mean of its weights.
#
# ### Exercise: `kmeans_share`
#
# `kmeans_share(w (...), clusters, iterations) -> (codebook (clusters,), codes (...) int64)`
#
# - Start: `clusters` values from `w.min()` to `w.max()`, evenly spread. (With one cluster: the minimum.)
# - A value that no weight chose stays where it is.
# - At the end, let each weight choose once more, so that the codes belong to the codebook that you return.
#
# **By hand.** $w = (0, 1, 2, 8, 10)$, two values, one iteration. The start is $(0, 10)$. $0, 1, 2$ choose the first, $8$ and
# $10$ the second. The means are $1$ and $9$. So the codebook is $(1, 9)$ and the codes are $0, 0, 0, 1, 1$.


# %% nbgrader={"grade": false, "grade_id": "kmeans_share", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kmeans_share(w, clusters, iterations):
    """Values that weights share, (clusters,), and for each weight the number of its value, int64, shaped like w."""
    ### BEGIN SOLUTION
    spread = torch.linspace(0, 1, clusters, dtype=w.dtype, device=w.device)
    codebook = w.min() + (w.max() - w.min()) * spread
    for _ in range(iterations):
        codes = (w[..., None] - codebook).abs().argmin(-1)
        for k in codes.unique():
            codebook[k] = w[codes == k].mean()
    return codebook, (w[..., None] - codebook).abs().argmin(-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "kmeans_share_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.kmeans_share", kmeans_share)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_shared", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("prune_and_finetune", "kmeans_share"):
    left = weights_of(fine(prune_and_finetune, 0.9))
    codebook, codes = kmeans_share(left[0][left[0] != 0], 16, 20)
    draw.shared_values(left[0][left[0] != 0], codebook, codes)

# %% [markdown]
# The weights of the first layer that are left, after pruning to 90 %. There is a hole in the middle: the small ones are gone.
# On the right, how many weights chose each value. Some values are in demand, others serve a handful of weights. A value may
# even lie in the hole: no weight chose it, so it stayed where it began. And yet each code takes 4 bits. That is waste.
#
# **Coding.** Give short words to frequent symbols and long words to rare ones. Shannon (1948) found the limit. If symbol $i$
# has the share $p_i$, no code needs less than its **entropy** on average:
#
# $$H = -\sum_i p_i \log_2 p_i \quad \text{bits per symbol}$$
#
# Four years later Huffman, then a student, found the best code that gives each symbol a word of its own. Take the two rarest
# symbols. Make them one symbol, with their counts added up: their words begin alike and differ in one more bit. Go on until
# one symbol is left. It needs less than one bit per symbol more than the entropy.
#
# ### Exercise: `huffman_bits`
#
# `huffman_bits(symbols (...) int64) -> int`
#
# How many bits do all symbols take together? You need not build the words. Each time that two are merged into one, the words of
# all symbols inside get one bit longer: **add up the counts of all merged symbols**. Where there is only one kind of symbol,
# each costs 1 bit. `heapq` gives you the smallest count quickly.
#
# **By hand.** Eight symbols, with the counts $4, 2, 1, 1$.
#
# | merge | new count | left |
# |:--|--:|:--|
# | $1 + 1$ | 2 | $4, 2, 2$ |
# | $2 + 2$ | 4 | $4, 4$ |
# | $4 + 4$ | 8 | $8$ |
#
# $2 + 4 + 8 = 14$ bits. Words of the same length would take $8 \cdot 2 = 16$. The entropy is $1.75$ bits per symbol, 14
# for all: here Huffman's code reaches it.


# %% nbgrader={"grade": false, "grade_id": "huffman_bits", "locked": false, "schema_version": 3, "solution": true, "task": false}
def huffman_bits(symbols):
    """The bits of all symbols together in Huffman's code, the table left out."""
    ### BEGIN SOLUTION
    heap = list(Counter(symbols.flatten().tolist()).values())
    if len(heap) == 1:
        return heap[0]
    heapq.heapify(heap)
    bits = 0
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        heapq.heappush(heap, merged)
        bits += merged
    return bits
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "huffman_bits_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.huffman_bits", huffman_bits)

# %% [markdown]
# ### To the last bit
#
# All of it together is called *deep compression* (Han, Mao and Dally, 2016). The indices are coded too: not as columns, but as
# **gaps**. How many zeros come before the next weight? Short gaps are frequent, so Huffman coding likes them.
#
# To read a code one needs its table. For each kind of symbol, 8 bits are counted for the length of its word: that is enough
# to build the words again. Count everything, with the biases:


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "compress_deeply", "locked": true, "schema_version": 3, "solution": false, "task": false}
def entropy(symbols):
    """Bits per symbol below which no code goes."""
    shares = symbols.unique(return_counts=True)[1].double() / symbols.numel()
    return float(-(shares * shares.log2()).sum())


with pending("prune_and_finetune", "kmeans_share", "huffman_bits"):
    left, values = weights_of(fine(prune_and_finetune, 0.9)), 16
    masks = [w != 0 for w in left]
    rebuilt, all_codes, all_gaps = [], [], []
    for w, mask in zip(left, masks, strict=True):
        codebook, codes = kmeans_share(w[mask], values, 20)
        rebuilt.append(w.masked_scatter(mask, codebook[codes]))
        indices = mask.flatten().nonzero().flatten()
        all_gaps.append(indices.diff(prepend=indices.new_tensor([-1])) - 1)
        all_codes.append(codes)
    codes, gaps = torch.cat(all_codes), torch.cat(all_gaps)
    tables = 8 * (codes.unique().numel() + gaps.unique().numel())
    books, biases = 3 * values * 32, 32 * 410
    coded = huffman_bits(codes) + huffman_bits(gaps)
    stages = {
        "dense": 32 * sum(w.numel() for w in weights),
        "90 % pruned": (32 + 9) * codes.numel(),
        "16 shared values": (4 + 9) * codes.numel() + books,
        "Huffman's codes": coded + tables + books,
    }
    print("                        bits    bytes   times smaller")
    for name, bits in stages.items():
        bits += biases
        print(f"{name:18} {bits:10,} {-(-bits // 8):8,} {(stages['dense'] + biases) / bits:15.1f}")
    shared = training.evaluate(with_weights(fine(prune_and_finetune, 0.9), rebuilt), held_out)
    bill["deep compression"] = (coded + tables + books) / 8, shared
    print(f"digits read: dense {equal:.1%}, compressed {shared:.1%}, each ± {measure.standard_error(shared, 5000):.1%}")
    draw.code_words(
        {
            name: (math.ceil(math.log2(int(part.max()) + 1)), huffman_bits(part) / part.numel(), entropy(part))
            for name, part in (("codes", codes), ("gaps", gaps))
        }
    )

# %% [markdown]
# Both bars of Huffman's code end a little to the right of the entropy, as they must.
#
# In the last stage the 410 biases alone are 1,640 bytes: they were never compressed, and now they are a large part of the
# file. The better you compress the rest, the more the part that you left alone costs in comparison.
#
# ## 12.8 Low rank
#
# Another way to say less. A matrix $(\text{out}, \text{in})$ may be nearly the product of two thin ones:
#
# $$W \approx U V, \qquad U: (\text{out}, r), \quad V: (r, \text{in})$$
#
# This is **low-rank factorisation**: two layers in place of one, with $r\,(\text{out} + \text{in})$ weights in place of
# $\text{out} \cdot \text{in}$. Both are dense. There are no indices to store, and any hardware likes it.
#
# The best one is known. The **singular value decomposition** writes $W = \sum_i \sigma_i\, u_i v_i^\top$, with the singular
# values $\sigma_1 \ge \sigma_2 \ge \dots$ Keep the first $r$ terms. Eckart and Young (1936) proved that no other matrix of
# rank $r$ is nearer: what is missing is $\sqrt{\sigma_{r+1}^2 + \sigma_{r+2}^2 + \dots}$
#
# ### Exercise: `low_rank`
#
# `low_rank(w (out, in), rank) -> (u (out, rank), v (rank, in))`
#
# `torch.linalg.svd(w, full_matrices=False)` returns three tensors $u$, $\sigma$ and $v^\top$, with $W = u\,
# \mathrm{diag}(\sigma)\, v^\top$. How you divide $\sigma$ between the two factors is up to you.
#
# **By hand.** $W = \mathrm{diag}(3, -5)$ and rank 1. The larger singular value is 5: keep the $-5$. The product is
# $\mathrm{diag}(0, -5)$, and what is missing is 3.


# %% nbgrader={"grade": false, "grade_id": "low_rank", "locked": false, "schema_version": 3, "solution": true, "task": false}
def low_rank(w, rank):
    """u (out, rank) and v (rank, in), whose product is nearest to w (out, in)."""
    ### BEGIN SOLUTION
    u, sizes, vt = torch.linalg.svd(w, full_matrices=False)
    root = sizes[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * vt[:rank]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "low_rank_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.low_rank", low_rank)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_ranks", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("low_rank"):
    draw.ranks(low_rank, weights, score)

# %% [markdown]
# The dotted lines are random numbers of the same mean size. In both trained layers about ten singular values are larger than
# that, and all others are smaller: the learned part of a layer is narrow. Without any fine-tuning, a rank of 12 is enough for
# the second layer, and a rank of 24 costs the first one half a point or so. The dashed lines mark where the two thin matrices
# have as many weights as the old one: rank 53 for the first layer and 75 for the second.
#
# ## 12.9 A small network learns from a large one
#
# The last way: do not shrink the large network. Train a small one, the **student**, and let the large one be its **teacher**.
# This is **distillation**.
#
# Why should that help? A label says "this is a 4". As target probabilities it is **one-hot**: 1 for the 4, 0 for all other
# classes. The teacher's logits say "this is a 4, it looks a bit like a 9, and not at all like a 0". That is much more. To
# bring that out, divide all logits by a **temperature** $T$ before the softmax: probabilities come closer together.
#
# $$L = \alpha\, T^2\, \mathrm{KL}\big(p_t \,\|\, p_s\big) + (1 - \alpha)\, \mathrm{CE}(s, \text{labels})$$
#
# | symbol | meaning |
# |:--|:--|
# | $s$, $t$ | logits of student and teacher, $(N, C)$ |
# | $p_s$, $p_t$ | $\mathrm{softmax}(s / T)$ and $\mathrm{softmax}(t / T)$ |
# | $\mathrm{KL}(p_t \Vert p_s)$ | Kullback-Leibler divergence, $\sum_c p_{t,c} (\log p_{t,c} - \log p_{s,c})$: 0 where both agree, else more |
# | $\mathrm{CE}$ | cross-entropy with the labels, without a temperature |
# | $\alpha$ | how much the teacher counts |
#
# The factor $T^2$ is there because the gradients of the soft part shrink like $1/T^2$.
#
# ### Exercise: `distillation_loss`
#
# `distillation_loss(student (N, C), teacher (N, C), labels (N,), temperature, alpha) -> tensor ()`
#
# Both parts are means over the batch. It must be safe at logits of 10,000: use `log_softmax`, never the logarithm of a
# softmax. Return the tensor, so that gradients flow to the student.
#
# **By hand.** One example, two classes, $T = 2$, $\alpha = 0.5$, label 1. Student $(0, 0)$, teacher $(2 \ln 3, 0)$.
#
# - The teacher's logits divided by 2 are $(\ln 3, 0)$, so $p_t = (3/4, 1/4)$. The student has $p_s = (1/2, 1/2)$.
# - $\mathrm{KL} = \frac34 \ln \frac{3/4}{1/2} + \frac14 \ln \frac{1/4}{1/2} = 0.3041 - 0.1733 = 0.1308$
# - $\mathrm{CE} = \ln 2 = 0.6931$
# - $L = 0.5 \cdot 4 \cdot 0.1308 + 0.5 \cdot 0.6931 = 0.6082$


# %% nbgrader={"grade": false, "grade_id": "distillation_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def distillation_loss(student, teacher, labels, temperature, alpha):
    """alpha T^2 KL(teacher || student) + (1 - alpha) cross-entropy, a tensor of shape ()."""
    ### BEGIN SOLUTION
    log_student = torch.log_softmax(student / temperature, dim=1)
    log_teacher = torch.log_softmax(teacher / temperature, dim=1)
    soft = functional.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)
    hard = functional.cross_entropy(student, labels)
    return alpha * temperature**2 * soft + (1 - alpha) * hard
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "distillation_loss_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("pruning.distillation_loss", distillation_loss)

# %% [markdown]
# ### Few examples, a good teacher
#
# The student has two hidden layers of 16 units: 1,440 weights, 35 times fewer. It sees only 100 labelled digits, or all
# 3,000. The teacher is the dense network, which has seen them all. Each entry of the table is the mean of three students from
# three seeds; the span is how far the lowest and the highest lie apart. All take as many steps as the other networks of this
# notebook do in 30 epochs.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "distil", "locked": true, "schema_version": 3, "solution": false, "task": false}
STEPS = 30 * math.ceil(3000 / 64)
with pending("distillation_loss"):
    taught = training.predict(longer, learn[0])
    print("digits seen      labels alone       with the teacher")
    for seen in (100, 3000):
        reached = {0.0: [], 0.9: []}
        for seed, alpha in track([(seed, alpha) for seed in range(3) for alpha in reached], f"{seen} digits"):
            small, generator = lenet(hidden=(16, 16), seed=seed), torch.Generator().manual_seed(seed)
            adam = torch.optim.Adam(small.parameters(), 1e-2)
            for step in range(STEPS):
                some = torch.randint(seen, (64,), generator=generator)
                adam.param_groups[0]["lr"] = 0.01 * training.cosine(step / STEPS)
                adam.zero_grad()
                distillation_loss(small(learn[0][some]), taught[some], learn[1][some], 3.0, alpha).backward()
                adam.step()
            reached[alpha].append(training.evaluate(small, held_out))
        means = [sum(values) / 3 for values in reached.values()]
        spans = [max(values) - min(values) for values in reached.values()]
        print(f"{seen:11,} {means[0]:10.1%} (span {spans[0]:.1%}) {means[1]:10.1%} (span {spans[1]:.1%})")
    bill["taught, 16 and 16 units"] = 4 * sum(w.numel() for w in weights_of(small)), means[1]

# %% [markdown]
# With 100 digits the teacher is worth several points: each image comes with ten numbers in place of one, and what the teacher
# knows from the other digits comes along. With all 3,000 the two columns differ by no more than students from different
# seeds do: here the teacher adds nothing. It is no magic: it hands on knowledge that the student could not get otherwise.
#
# ## 12.10 What does it cost in hardware?
#
# All ways but low rank in one picture. Left is small, up is good. The green band reaches from the dense network, trained for as long as
# all others, to one point below it. The bars are one standard error up and down.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_trade", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("prune_and_finetune", "n_m_mask", "prune_channels", "huffman_bits", "distillation_loss"):
    if len(bill) < 8:
        raise NotImplementedError
    draw.trade(bill, equal, 5000)

# %% [markdown]
# | way | bytes | MACs executed | needs |
# |:--|:--|:--|:--|
# | zeros anywhere | few, plus the indices | all, on a dense engine | a sparse format; time only at very high sparsity |
# | 2:4 | a bit more than half | half, on sparse tensor cores | that hardware |
# | channels | fewer | fewer | nothing |
# | shared values | few bits per weight | all, after looking each value up | a table near the arithmetic |
# | Huffman | fewer still | all, after decoding | decoding, one bit after the other |
# | low rank | fewer | fewer | nothing |
# | distillation | as few as you like | as few as you like | a teacher and time to train |
#
# Three things to take away.
#
# 1. **Count bytes and MACs separately, and measure time.** They are three different things.
# 2. **Moving a number costs more than multiplying it.** Han and others (2015) quote, for a chip of 45 nanometres, 640
#    picojoules to read 32 bits from DRAM, and 3.7 to multiply two floats (after Horowitz, 2014). That is why fewer bytes pay
#    even where no MAC is saved: a network that fits into the memory of the chip need not be fetched at all.
# 3. **Structure is worth more than zeros.** Hardware is fast at what it knows beforehand.
#
# What is missing is the number format. 32 bits are a lot for a weight, even for one that stays. That is notebook 13.
#
# ## 12.11 In your own words
#
# A company has a network of 100 million float32 weights on a phone. An engineer prunes 80 % of them, scattered anywhere, with
# no loss of accuracy, and reports: *"The network is now five times smaller, and it will run five times faster."* On the phone
# it takes the same time as before, and the file has the same size.
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. Why is the file as large as before? How large would it be in a sparse format with 16 bits for each index? Is it "five
#    times smaller"?
# 2. Why does it take the same time?
# 3. What would you do if time matters most, and the phone has nothing but dense arithmetic? What do you have to compare with?

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_no_faster", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. The zeros are stored as floats of 32 bits, like all other numbers. In a sparse format 20 million weights take $20 \cdot
#    10^6 \cdot (32 + 16)$ bits, which are 120 million bytes, in place of 400 million: 3.3 times smaller, not five times,
#    because every weight brings its index along. (With row pointers it is a little more.)
# 2. Dense arithmetic multiplies tiles of numbers in a fixed order and does not look whether one is 0. Skipping single zeros
#    means reading indices, jumping through the inputs, and rows with unlike amounts of work. At 80 % that costs about as much
#    as it saves.
# 3. Prune whole channels (or factor the layers): that leaves smaller dense matrices, with fewer executed MACs. Then
#    fine-tune. Compare, at the same accuracy and by measured time on the phone, with the dense network and with a network
#    that was built that small and trained from scratch.

# %% [markdown]
# ## Recap
#
# - Magnitude pruning removes the smallest weights; a mask says which stay. Fine-tuned with its masks, a network with one weight
#   in ten reads about as well as a dense one that was trained for as long.
# - A comparison needs equal training on both sides, and enough examples: 500 digits cannot show one point.
# - Unstructured zeros save bytes, once their indices are paid. They save time only where they are very many.
# - Structured pruning (2:4, whole channels) leaves what hardware is fast at. Compare it with a network that was small from
#   the beginning.
# - Shared values, Huffman codes, low rank and distillation save in other ways. They can be combined. What nobody compressed, here
#   the biases, is then a large part of the file.
#
# ## Now try
#
# 1. **The lottery ticket.** Take the masks of `fine(prune_and_finetune, 0.9)`, and train `lenet()` from its *first* weights
#    under them: `tuned(lenet(), learn, masks, epochs=30)`. Then the same masks on `lenet(seed=1)`, other first weights. Is the
#    first one better, by more than two standard errors?
# 2. **Prune the biases too.** Add them to what `global_masks` sees. How many of the 410 go at 90 %, and what becomes of the
#    1,640 bytes of section 12.7?
# 3. **All at once.** In `prune_and_finetune` replace the schedule by its last value, so that all weights go at the first step.
#    From which sparsity on is it worse than the cubic curve?
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# You have made a network ten times smaller and counted the bits. Notebook 13 keeps all the weights, and gives each of them
# eight bits, or two.
#
# ## References
#
# - Y. LeCun, J. Denker and S. Solla, *Optimal brain damage*, NeurIPS 1989. Pruning is as old as these networks.
#   [papers.nips.cc](https://proceedings.neurips.cc/paper/1989/hash/6c9882bbac1c7093bd25041881277658-Abstract.html)
# - Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to document recognition*, Proceedings of
#   the IEEE 1998. LeNet-300-100. [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791)
# - S. Han, J. Pool, J. Tran and W. Dally, *Learning both weights and connections for efficient neural networks*, NeurIPS
#   2015. LeNet-300-100, twelve times smaller. [arXiv:1506.02626](https://arxiv.org/abs/1506.02626)
# - S. Han, H. Mao and W. Dally, *Deep compression*, ICLR 2016. Pruning, sharing, Huffman.
#   [arXiv:1510.00149](https://arxiv.org/abs/1510.00149)
# - H. Li, A. Kadav, I. Durdanovic, H. Samet and H. Graf, *Pruning filters for efficient ConvNets*, ICLR 2017.
#   [arXiv:1608.08710](https://arxiv.org/abs/1608.08710)
# - M. Zhu and S. Gupta, *To prune, or not to prune*, ICLR workshop 2018. The cubic schedule.
#   [arXiv:1710.01878](https://arxiv.org/abs/1710.01878)
# - Z. Liu, M. Sun, T. Zhou, G. Huang and T. Darrell, *Rethinking the value of network pruning*, ICLR 2019. Pruned networks
#   beside small ones from scratch. [arXiv:1810.05270](https://arxiv.org/abs/1810.05270)
# - J. Frankle and M. Carbin, *The lottery ticket hypothesis*, ICLR 2019. Which small networks could have been trained alone?
#   [arXiv:1803.03635](https://arxiv.org/abs/1803.03635)
# - A. Mishra and others, *Accelerating sparse deep neural networks*, 2021. 2:4.
#   [arXiv:2104.08378](https://arxiv.org/abs/2104.08378)
# - C. Shannon, *A mathematical theory of communication*, 1948.
#   [doi:10.1002/j.1538-7305.1948.tb01338.x](https://doi.org/10.1002/j.1538-7305.1948.tb01338.x)
# - D. Huffman, *A method for the construction of minimum-redundancy codes*, 1952.
#   [doi:10.1109/JRPROC.1952.273898](https://doi.org/10.1109/JRPROC.1952.273898)
# - C. Eckart and G. Young, *The approximation of one matrix by another of lower rank*, Psychometrika 1, 1936.
#   [doi:10.1007/BF02288367](https://doi.org/10.1007/BF02288367)
# - G. Hinton, O. Vinyals and J. Dean, *Distilling the knowledge in a neural network*, 2015.
#   [arXiv:1503.02531](https://arxiv.org/abs/1503.02531)
# - M. Horowitz, *Computing's energy problem (and what we can do about it)*, ISSCC 2014.
#   [doi:10.1109/ISSCC.2014.6757323](https://doi.org/10.1109/ISSCC.2014.6757323)
#
# **Next**: [13 · Quantization](../13_quantization/13_quantization.ipynb)

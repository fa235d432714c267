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
# # 14 · One network, one budget
#
# **250 bytes.** As plain text that is three lines. A CNN like the one of notebook 5, which reads digits, takes a hundred times as
# much. Below, both are drawn to scale. By the end of this notebook a network of yours fits into the small square, and still reads
# more than four of five digits.
#
# Everything in the course comes together here. The budget has a second part, for the work. Fewer bits will not be enough, and
# fewer channels will not be enough. You need both, and then something of your own: the last points are for networks that are
# better than the course's.

# %% [markdown]
# **You will be able to**
#
# - pack weights of a few bits into bytes, and unpack them again;
# - say what a network really costs, in bytes and in multiply-adds, and what does not count as a saving;
# - find the models that are worth looking at: the Pareto front;
# - combine pruning, quantization and distillation for one budget;
# - tell a real difference between two accuracies from luck.
#
# **Time**: about 6 hours (estimated), more if you want the last points. **Needs**:
# [5 · Training a CNN](../05_cnn_training/05_cnn_training.ipynb),
# [9 · Learning on graphs](../09_gnn_training/09_gnn_training.ipynb),
# [11 · Why hardware decides](../11_acceleration/11_acceleration.ipynb), [12 · Pruning](../12_pruning/12_pruning.ipynb) and
# [13 · Quantization](../13_quantization/13_quantization.ipynb). [Map of the course](../00_start/00_start.ipynb)

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import numpy as np
import torch
from torch.nn import functional

from autograder import check, progress
from course_lib import measure, training
from course_lib.capstone import (
    Budget,
    CompressedModel,
    digits_task,
    folded,
    graph_task,
    measured,
    network,
    prune_only,
    quantize_only,
    recorded,
    trained,
    uncompressed,
)
from course_lib.training import track
from course_lib.viz import capstone as draw
from course_lib.viz import pending, style

torch.set_num_threads(1)
style()

budgets = {
    "digits": [Budget(bytes=1000, macs=20_000), Budget(bytes=500, macs=12_000), Budget(bytes=250, macs=6000)],
    "graph": [Budget(bytes=300, macs=800), Budget(bytes=150, macs=500), Budget(bytes=120, macs=400)],
}

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
tasks = {
    "digits": digits_task(np.random.default_rng(0), rename=False, held_out=8000),
    "graph": graph_task(np.random.default_rng(0)),
}
tested = {kind: len(task.labels) for kind, task in tasks.items()}
models = {kind: trained(kind, task, seed=0) for kind, task in track(tasks.items(), "training")}
whole = {kind: measured(uncompressed(model), tasks[kind]) for kind, model in models.items()}
draw.to_scale({"the digits CNN": whole["digits"].bytes, "the smallest budget": budgets["digits"][-1].bytes})

# %% [markdown]
# ## 14.1 Two networks and what they cost
#
# | network | layers | data | judged on |
# |:--|:--|:--|:--|
# | digits CNN | convolutions with 16 and 32 channels, batch normalisation, a fully connected layer | 1,000 digits | 8,000 digits of the same hand |
# | graph network | two graph convolutions, 48 features, 64 hidden units, 6 groups | a graph of 960 people | two graphs with other people |
#
# The digits are drawn by a program, in a hand that no one has seen before. In the graph, what a person's features say is nearly
# lost in noise, but four of five friends are in the same group. A classifier that ignores the edges gets fewer than half of the
# people right.
#
# **How sure is an accuracy?** If a share $p$ of $n$ examples is right, the standard error of $p$ is $\sqrt{p (1 - p) / n}$. At
# 90 % that is 0.3 points for 8,000 digits and 0.7 points for the 1,920 people of the two graphs (there a little more, since
# the answers for friends are not independent). Bars in the pictures below are two standard errors long in each direction. The judge
# takes 2,000 digits, in a hand that you do not know.
#
# | symbol | meaning |
# |:--|:--|
# | $C_1, C_2$ | channels of the two convolutions |
# | $F, H$ | features of a node, hidden units |
# | $b$ | bits of a weight |
# | MAC | a multiply-accumulate: one product, added to a sum |
# | budget | bytes that the network may take, MACs that one image or one node may take |
#
# `folded(model)` gives the weights and biases of either network as two lists, with batch normalisation folded in (notebook
# 11). `network(weights, biases, x)` computes the logits from such lists, however many channels are left in them. `x` is a batch
# of images, or a graph with `x.x` and `x.edge_index`.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "costs", "locked": true, "schema_version": 3, "solution": false, "task": false}
for kind, model in models.items():
    layers, _ = folded(model)
    error = 100 * (whole[kind].accuracy * (1 - whole[kind].accuracy) / tested[kind]) ** 0.5
    print(f"{kind}: right {whole[kind].accuracy:.1%} (standard error {error:.1f} points)", end="")
    print(f", {whole[kind].bytes:,} bytes, {whole[kind].macs:,.0f} MACs")
    print(f"   weights {[tuple(w.shape) for w in layers]}")
    for each in budgets[kind]:
        print(f"   budget  {each.bytes:,} bytes, {each.macs:,} MACs")

# %% [markdown]
# **How is it counted?** The judge does not ask your model how large it is. It writes down every operator of torch that `predict`
# executes, with every number that these operators need. The result is a string of bytes, a *program*. Then it runs this
# program itself, on inputs that your code has never seen.
#
# - **Bytes**: the length of that program. A stored int8 takes 1 byte, a float32 takes 4. A number that you write into the code,
#   such as `x * 0.5`, takes what is needed to write it: 1 byte for a small integer, 3 for a float that 16 bits can hold, 5 or 9 for
#   others. So does the code: a few bytes per operator, and then it is compressed, so that repeated lines are cheap. The
#   first 200 bytes are free: that is what the code of a plain network takes.
# - **MACs**: products and sums of all operators, divided by the number of images or nodes. A comparison counts as a sum, numbers of
#   64 bits count twice. Unpacking counts too, but is shared by the whole batch. Moving and rounding cost nothing.
# - What NumPy computes is not in the program, so it cannot help.
# - The list of operators is short: products, sums, convolutions, pooling, indexing, pointwise functions. If yours is not
#   on it, the message says so, and what to use instead.
# - An example must get the same answer alone as in any batch. The judge tries it in other company.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "program", "locked": true, "schema_version": 3, "solution": false, "task": false}
program = recorded(uncompressed(models["digits"]), tasks["digits"].example)
print(f"the digits CNN as a program: {len(program.data):,} bytes of numbers and {len(program.code):,} bytes of code")

# %% [markdown]
# ## 14.2 Bits side by side
#
# A weight of 4 bits is a whole number from 0 to 15. Torch computes with nothing smaller than a byte. So two codes must share
# a byte. With 3 or 5 bits, codes lie across the border of two bytes.
#
# ### Exercise: `pack`
#
# `pack(codes (...) integers from 0 to 2^bits - 1, bits) -> uint8 (ceil(numel * bits / 8),)`
#
# Think of one long row of bits, lowest bit first: the bits of code 0, then those of code 1, and so on. Cut it into bytes, again
# lowest bit first. What is left of the last byte is 0.
#
# **By hand.** Codes 1 and 2 with 4 bits: the row is `1000 0100`. As a byte that is $1 + 2 \cdot 16 = 33$. Codes 1, 2, 3 with 3
# bits: `100 010 11|0`, so the bytes are $1 + 16 + 64 + 128 = 209$ and 0: of code 3, both ones still fit into
# the first byte.
#
# *Hint:* `codes.reshape(-1, 1) >> torch.arange(bits) & 1` gives the bits of each code, one row for each, also where the
# codes are a matrix.


# %% nbgrader={"grade": false, "grade_id": "pack", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pack(codes, bits):
    """Codes of a few bits side by side in bytes, lowest bits first: uint8, (ceil(numel * bits / 8),)."""
    ### BEGIN SOLUTION
    row = (codes.reshape(-1, 1).long() >> torch.arange(bits, device=codes.device) & 1).flatten()
    row = functional.pad(row, (0, -len(row) % 8)).view(-1, 8)
    return (row * 2 ** torch.arange(8, device=codes.device)).sum(dim=1).to(torch.uint8)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "pack_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("capstone.pack", pack)

# %% [markdown]
# ### Exercise: `unpack`
#
# `unpack(packed (B,) uint8, bits, count) -> uint8 (count,)`
#
# The way back. `count` says how many codes there are, since the last byte may not be full.
#
# **By hand.** The byte 33 with 4 bits: $33 \bmod 16 = 1$, and $\lfloor 33 / 16 \rfloor = 2$.
#
# Your `predict` will call it. So use operators of torch, and no loop over codes.


# %% nbgrader={"grade": false, "grade_id": "unpack", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unpack(packed, bits, count):
    """The codes that pack has put side by side: uint8, (count,)."""
    ### BEGIN SOLUTION
    ones, places = packed[:, None].long(), torch.arange(8, device=packed.device)
    row = (ones >> places & 1).flatten()[: count * bits].view(count, bits)
    return (row << places[:bits]).sum(dim=1).to(torch.uint8)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "unpack_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("capstone.unpack", unpack)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_bits", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("pack"):
    draw.code_bits(pack, [1, 2, 3, 4, 5, 6, 7], 3)

# %% [markdown]
# Seven codes of 3 bits take three bytes. Code 2 begins in byte 0 and ends in byte 1.
#
# ## 14.3 Two ways that are not enough
#
# First what notebooks 12 and 13 can do alone. `prune_only` removes channels and trains the others on. `quantize_only` keeps all
# channels and trains with weights of 2, 4 or 8 bits, packed. Both are measured as the judge measures. The line "trained on" is
# the whole network after the same additional training: without it, the others would be compared with a network that has learned
# for a shorter time.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "baselines", "locked": true, "schema_version": 3, "solution": false, "task": false}
bill = {kind: {"as it was": ("as it was", whole[kind])} for kind in models}
widths = {"digits": [(3, 3), (4, 8), (6, 17)], "graph": [(2,), (6,), (18,)]}
for kind, model in models.items():
    task = tasks[kind]
    everything = tuple(len(w) for w in folded(model)[0][:-1])
    bill[kind]["trained on"] = "as it was", measured(prune_only(model, task.train, everything), task)
    for some in track(widths[kind], f"{kind}, pruned"):
        found = prune_only(model, task.train, some)
        bill[kind][f"channels {some}"] = "pruned", measured(found, task)
    with pending("pack", "unpack"):
        for bits in track((2, 4, 8), f"{kind}, quantized"):
            found = quantize_only(model, task.train, bits)
            bill[kind][f"{bits} bits"] = "quantized", measured(found, task)
    for name, (_, each) in bill[kind].items():
        print(f"{name:18} right {each.accuracy:6.1%} {each.bytes:7,} bytes {each.macs:8,.0f} MACs")

# %% [markdown]
# Look for a line within the largest budget. A pruned network that is small enough in float32 has hardly any channels left, and
# loses many points; for the graph even two channels are too many. A quantized one never gets there: with 2 bits it still takes too
# many bytes, and its MACs hardly move. **Bits do not change the number of products. Channels do.**
#
# (The whole graph network gets *worse* when it is trained on. It learned with weight decay, which pulls all weights towards 0 a
# little in each step; without it, it begins to overfit.)
#
# ## 14.4 Who is worth looking at?
#
# With two numbers for each model there is no longer a best one. But there are models that nobody has to look at: another one costs
# no more and is at least as good. Those that are left form the **Pareto front**.
#
# ### Exercise: `pareto_front`
#
# `pareto_front(costs (N,), scores (N,)) -> int64 (k,), indices by rising cost`
#
# Less cost is better, more score is better. Model $i$ is *beaten* when another one costs at most as much and scores at least as
# much, and one of the two is strictly better. Return the indices of all models that are not beaten, by rising cost. Of several
# models that are equal in both, keep the first.
#
# **By hand.** Costs $(900, 100, 400, 500)$ and scores $(0.97, 0.60, 0.95, 0.90)$. The last one is beaten by the one before. The
# front is `[1, 2, 0]`.


# %% nbgrader={"grade": false, "grade_id": "pareto_front", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pareto_front(costs, scores):
    """The indices of the models that no other one beats, by rising cost."""
    ### BEGIN SOLUTION
    order = sorted(range(len(costs)), key=lambda i: (costs[i].item(), -scores[i].item(), i))
    front, best = [], float("-inf")
    for i in order:
        if scores[i].item() > best:
            front.append(i)
            best = scores[i].item()
    return torch.tensor(front)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "pareto_front_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("capstone.pareto_front", pareto_front)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_fronts", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("pareto_front"):
    draw.fronts(pareto_front, bill["digits"], budgets["digits"], "images", tested["digits"])
    draw.fronts(pareto_front, bill["graph"], budgets["graph"], "nodes", tested["graph"])

# %% [markdown]
# The dashed lines are the budgets. A network is within one if it is left of its line in *both* panels. The upper left corners are
# still empty: that is where your three networks belong, one for each line.
#
# (The axis of accuracy is stretched: each step upwards divides the errors by the same factor. From 90 to 95 % is as far as from 95 to
# 97.5 %.)
#
# ## 14.5 Your network
#
# ### Exercise: `compress`
#
# `compress(model, data, budget) -> CompressedModel, with predict(x) and state {name: tensor}`
#
# - `model` is a `digits_cnn()` or a `GCN()`, trained by the judge. `data` is what it has learned from: a pair `(images,
#   labels)`, or a graph with `x`, `edge_index` and `y`.
# - `budget.bytes` and `budget.macs` are as above. `compress` is called once for each of the three budgets.
# - Return `CompressedModel(state, forward)`. `state` is a dictionary of tensors. `forward(state, x)` gives the logits, for a
#   batch of images or a whole graph.
#
# Your points follow the **area under your front**. For each budget the judge takes the best of your three networks that fits, and
# then the mean of the three accuracies on held-out examples. A network over its budget does not count for it.
#
# | points of accuracy lost on average, digits | up to 40 | up to 20 | up to 12 | 0.5 points better than the course's reference |
# |:--|--:|--:|--:|--:|
# | **points for the exercise** | 2 | 3 | 5 | 7 |
#
# | points of accuracy lost on average, graph | up to 40 | up to 25 | up to 18 | 3 points better than the course's reference |
# |:--|--:|--:|--:|--:|
# | **points for the exercise** | 1 | 2 | 3 | 5 |
#
# The course's reference does what notebooks 12 and 13 do: it removes the channels with the smallest weights, trains the others
# with weights rounded to 4 bits, and packs them. It does not try anything else, and it stops early.
#
# Anything from the course is allowed. What follows are ideas, not a recipe:
#
# - **How many channels, in which layer?** Write down the bytes and the MACs of a pair of widths, and let a loop find the pair
#   that fits best. In some budgets bytes run out first, in others MACs.
# - **How many bits?** Fewer bits leave room for more channels. Is the step of the grid the largest weight divided by something,
#   or could it be learned as well?
# - **How long, how fast?** Small networks train in seconds. Keep part of the training data as a validation set, and watch its
#   accuracy as you change the learning rate.
# - **From whom?** The large network knows more than the labels (distillation, notebook 12). Hiding some of the features at random, or
#   noise on the input, keeps a network from relying on any single one (regularisation, notebook 5).
# - **What else takes bytes?** Look at `recorded(found, x)`: its `code` and its `data`. If all codes are in one tensor,
#   the code that unpacks them is there once. Which numbers need 16 bits?
#
# **By hand.** Channels 5 and 20, 3 bits. Weights: $9 \cdot 5 + 9 \cdot 5 \cdot 20 + 40 \cdot 20 = 1745$, in $655$ bytes. Biases
# for $5 + 20 + 10$ outputs, one byte each: $35$. MACs: $64 \cdot 45 + 16 \cdot 900 + 800 = 18{,}080$, and $64 \cdot 5 + 16 \cdot
# 20 = 640$ comparisons for the pooling.
#
# `measured(compress(model, task.train, budget), task)` shows what the judge will see. Shapes and Python's own numbers,
# such as `6` or `0.25`, may be remembered by `forward`; tensors belong in `state`.


# %% nbgrader={"grade": false, "grade_id": "compress", "locked": false, "schema_version": 3, "solution": true, "task": false}
def compress(model, data, budget):
    """A network within the budget: CompressedModel(state, forward)."""
    ### BEGIN SOLUTION
    weights, biases = folded(model)
    images, bits = isinstance(data, tuple), 3
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def cost(widths):  # bytes beyond the free ones, MACs
        if images:
            (a, b), outputs = widths, sum(widths) + 10
            sizes, macs = 9 * a + 9 * a * b + 40 * b, 64 * 10 * a + 16 * (9 * a + 1) * b + 40 * b
        else:
            [a], outputs = widths, widths[0] + 6
            sizes, macs = 48 * a + 6 * a, 54 * a + (data.edge_index.shape[1] / len(data.x) + 3) * (a + 6)
        return sizes, sizes * bits / 8 + outputs, macs

    choices = [(a, b) for a in range(1, 17) for b in range(2 * a, min(32, 4 * a) + 1)]
    if not images:
        choices = [(a,) for a in range(1, 65)]
    fitting = [w for w in choices if cost(w)[1] + 12 <= budget.bytes and 1.03 * cost(w)[2] <= budget.macs]
    for i, width in enumerate(max(fitting, key=lambda w: cost(w)[0])):  # cut
        after = weights[i + 1]
        entering = after.reshape(len(after), len(weights[i]), -1)
        size = weights[i].flatten(1).norm(dim=1) * entering.transpose(0, 1).flatten(1).norm(dim=1)
        keep = size.topk(width).indices
        weights[i], biases[i] = weights[i][keep], biases[i][keep]
        weights[i + 1] = after[:, keep] if after.ndim == 4 else entering[:, keep].flatten(1)

    def on_grid(w, step):  # the step is learned too
        inside = (w / step).clamp(low, high)
        return (inside + (inside.round() - inside).detach()) * step

    count = len(weights)
    leaves = [each.clone().requires_grad_() for each in weights + biases]
    steps = [(2 * w.abs().mean() / high**0.5).requires_grad_() for w in weights]
    order = torch.Generator().manual_seed(0)
    if images:
        feed = [batch for _ in range(16) for batch in training.batches(data, 64, order)]
    else:
        feed = [(data, data.y)] * 100
    optimizer = torch.optim.Adam([{"params": leaves}, {"params": steps}])
    for number, (x, labels) in enumerate(feed):
        rate = 2e-2 * training.cosine(number / len(feed))
        optimizer.param_groups[0]["lr"], optimizer.param_groups[1]["lr"] = rate, rate / 20
        if not images:  # half of the features, another half each time
            kept = 2 * (torch.rand(data.x.shape, generator=order) < 0.5)
            x = data.clone()
            x.x = data.x * kept
        optimizer.zero_grad()
        rounded = [on_grid(w, step) for w, step in zip(leaves[:count], steps, strict=True)]
        functional.cross_entropy(network(rounded, leaves[count:], x), labels).backward()
        optimizer.step()

    codes = torch.cat(
        [(w / s).clamp(low, high).round().flatten() - low for w, s in zip(leaves[:count], steps, strict=True)]
    ).detach()
    all_biases = torch.cat(leaves[count:]).detach()
    unit = float((all_biases.abs().max() / 127).half())
    state = {"codes": pack(codes.to(torch.uint8), bits), "biases": (all_biases / unit).round().to(torch.int8)}
    shapes, grid = [w.shape for w in weights], [float(s.half()) for s in steps]
    sizes, outputs = [w.numel() for w in weights], [len(b) for b in biases]

    def forward(state, x):
        row = (unpack(state["codes"], bits, sum(sizes)).float() + low).split(sizes)
        ws = [part.view(shape) * step for part, shape, step in zip(row, shapes, grid, strict=True)]
        return network(ws, (state["biases"] * unit).split(outputs), x)

    return CompressedModel(state, forward)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "compress_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("capstone.compress", compress)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_yours", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("pareto_front", "compress"):
    yours = {
        kind: [compress(model, tasks[kind].train, budget) for budget in budgets[kind]] for kind, model in models.items()
    }
    for kind, networks in yours.items():
        for found, budget in zip(networks, budgets[kind], strict=True):
            each = measured(found, tasks[kind])
            bill[kind][f"yours, {budget.bytes} bytes"] = "yours", each
            print(f"{kind}: right {each.accuracy:.1%}, {each.bytes:,} bytes, {each.macs:,.0f} MACs")
    draw.fronts(pareto_front, bill["digits"], budgets["digits"], "images", tested["digits"])
    draw.fronts(pareto_front, bill["graph"], budgets["graph"], "nodes", tested["graph"])

# %% [markdown]
# Your instructor sees this picture with everybody's networks in it. Where five or more of you have handed in, your feedback shows
# the front of the class, without names.
#
# ### What did it forget?
#
# Here are digits that the large network reads and your smallest one does not: which digit it is, and what yours says. Can you read
# them?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_unlearned", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("compress"):
    task = tasks["digits"]
    with torch.no_grad():
        draw.unlearned(
            task.held_out, task.labels, models["digits"](task.held_out), yours["digits"][-1].predict(task.held_out)
        )

# %% [markdown]
# ## 14.6 What does it cost in hardware?
#
# Here are the MACs for each stored byte, a cousin of notebook 11's arithmetic intensity, and the time per image in a batch on this
# processor. The last column says how much longer one image takes when it comes alone.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "hardware", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("compress"):
    print("                        bytes  MACs per image  MACs per byte  µs per image  µs more, alone")
    images = tasks["digits"].held_out
    for name, found in (("as it was", uncompressed(models["digits"])), ("yours", yours["digits"][-1])):
        each = measured(found, tasks["digits"])
        with torch.no_grad():
            batch = measure.quickest(lambda model=found: model.predict(images)) / len(images)
            alone = measure.quickest(lambda model=found: model.predict(images[:1]))
        intensity = each.macs / each.bytes
        print(f"{name:18} {each.bytes:11,} {each.macs:15,.0f} {intensity:13.1f} {1e6 * batch:13.1f}", end="")
        print(f" {1e6 * (alone - batch):15.1f}")

# %% [markdown]
# An image alone pays for starting each operator. With your network it also pays for the unpacking, once for each call. On a chip
# that multiplies 4-bit codes directly, there would be nothing to unpack.
#
# | what | changes bytes | changes MACs | changes time here |
# |:--|:--|:--|:--|
# | fewer channels | yes | yes | yes |
# | fewer bits | yes | no | no: torch unpacks to floats |
# | folding batch normalisation | a little | a little | a little |
# | fine-tuning | no | no | no: it buys the accuracy back |
#
# One of the smallest microcontrollers, the ATtiny10, has 1,024 bytes of flash memory for its program (Microchip 2018). 250 bytes fit
# in. What does not fit are the feature maps: the first layer makes 64 numbers per channel, and the chip has 32 bytes to work with.
# On the way to a small device, the weights are half of the story.
#
# ## 14.7 In your own words
#
# A friend submits a model for the digits. Its `state` holds 200 bytes. The friend says: *"It reads 98 %, with 200 bytes and no
# MACs at all. I have computed the answers for all images beforehand, and `predict` looks them up."*
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. Why does the judge have to try it on images that the friend does not have? What would happen there?
# 2. Where is the table of answers stored, and who counts it?
# 3. Your smallest network is within the budget too, and loses some points. Which images would you look at before you build it into
#    a machine that sorts letters? Why is the mean accuracy not enough?

# %% [markdown] nbgrader={"grade": true, "grade_id": "no_free_bytes", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. On known images a table can hold the answers, so accuracy there says nothing about reading. For new images the table has no
#    entry: the model guesses, and one in ten is right. Only held-out images tell whether something was learned.
# 2. The table is data that the prediction depends on. Wherever it lies (in `state`, in a closure, in the code), it has to be
#    stored for the model to work, so its bytes count. The judge counts what `predict` uses, not what the model reports.
# 3. On those that were right before and are wrong now, digit by digit: compression tends to lose rare and unusual shapes first.
#    A mean over all hides that one digit, or one person's handwriting, got much worse. Look at the accuracy for each class and
#    at how sure the network is of its wrong answers; let unsure ones be read by a person.

# %% [markdown]
# ## Recap
#
# - What counts is what the program needs to run: weights, constants and code, wherever they are kept.
# - Fewer bits save bytes. Fewer channels save bytes and products. Small budgets take both, and training to make up for it.
# - With two costs and an accuracy there is a front of good models, not a best one.
# - Compare networks that were trained equally long, on thousands of held-out examples, and look at the standard error first.
# - A mean hides who pays: look at what was forgotten.
#
# ## Now try
#
# 1. Who pays for the compression? Compute the accuracy of `models["digits"]` and of `yours["digits"][-1]` for each of the ten digits.
#    Which one loses most, and is it more than two standard errors?
# 2. Repeat `compress` for the smallest budget with three other hands: `digits_task(np.random.default_rng(1), rename=False,
#    held_out=8000)` and `trained("digits", task, seed=1)`, and so on. How far apart are the accuracies? Is your last improvement
#    larger than that?
# 3. Write `unpack` for 1.58 bits: weights of $-1$, 0 and 1, five of them in a byte, since $3^5 = 243$. What does it buy at 250 bytes?
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# You began with a line that separates points. You can now build, train, understand, speed up and shrink networks on images,
# sequences and graphs, and you know what a number costs.
#
# ## References
#
# - S. Han, H. Mao and W. Dally, *Deep compression*, ICLR 2016. Pruning, sharing and coding together.
#   [arXiv:1510.00149](https://arxiv.org/abs/1510.00149)
# - B. Jacob et al., *Quantization and training of neural networks for efficient integer-arithmetic-only inference*, CVPR 2018.
#   [arXiv:1712.05877](https://arxiv.org/abs/1712.05877)
# - Y. Bengio, N. Léonard and A. Courville, *Estimating or propagating gradients through stochastic neurons*, 2013. The
#   straight-through estimator. [arXiv:1308.3432](https://arxiv.org/abs/1308.3432)
# - T. Kipf and M. Welling, *Semi-supervised classification with graph convolutional networks*, ICLR 2017.
#   [arXiv:1609.02907](https://arxiv.org/abs/1609.02907)
# - S. Hooker et al., *What do compressed deep neural networks forget?*, 2019. Question 3.
#   [arXiv:1911.05248](https://arxiv.org/abs/1911.05248)
# - S. Esser et al., *Learned step size quantization*, ICLR 2020. [arXiv:1902.08153](https://arxiv.org/abs/1902.08153)
# - L. P. Deutsch, *DEFLATE compressed data format specification*, RFC 1951, 1996. How the code of a program is compressed.
#   [rfc-editor.org](https://www.rfc-editor.org/rfc/rfc1951)
# - Microchip, *ATtiny4/5/9/10 data sheet*, 2018. [microchip.com](https://www.microchip.com/en-us/product/attiny10)
#
# **Next**: S. Han, *TinyML and efficient deep learning computing*, MIT 6.5940: the lectures on networks for microcontrollers, where
# feature maps have to fit as well. [efficientml.ai](https://efficientml.ai)

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
# # 9 · Learning on graphs
#
# **Two networks study 140 papers and are asked for the subjects of 1,000 others. Both see the same words. The first gets 55 %
# right, the second 81.5 %. The second one also sees who cites whom.**
#
# These are the figures that Kipf and Welling published in 2017 for the citation graph **Cora**. Five papers in a hundred have a
# label, and the edges carry it to the rest. That is called **semi-supervised** learning: labels for few, connections for all.
#
# In notebook 8 your messages said what you told them to say. Here they learn. You put a layer of your own into PyG, train it on four
# labels, watch it pull the club apart, and see it fail when it gets too deep. Then you leave the single node behind: whole
# graphs get labels, and links that nobody has drawn yet get a score.

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import time
from itertools import pairwise

import numpy as np
import torch
from torch.nn import functional
from torch_geometric.loader import DataLoader
from torch_geometric.nn import MessagePassing

from autograder import check, progress
from course_lib import graphs
from course_lib.gnn import add_self_loops, gcn_norm, gin_layer, message_passing, scatter
from course_lib.training import fit, track
from course_lib.viz import gnn_learning as draw
from course_lib.viz import pending, style

style()
torch.set_num_threads(1)
club = graphs.karate()

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.labels(club.edge_index, club.y, club.train_mask)

# %% [markdown]
# The karate club again. Later studies found four circles of friends in it, drawn on the right. You are told the circle of **four**
# members, the large ones on the left. Who belongs where? Your network will have to say for the other 30.
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $x$ | $(n, F)$ | features, one row for each node |
# | `edge_index` | $(2, E)$ | sources $j$ above targets $i$: messages run $j \to i$ |
# | $y$ | $(n,)$ | the class of each node |
# | `train_mask` | $(n,)$ | true where the label may be used |
# | $\mathcal N(i)$ | | the sources of the edges that enter node $i$ |
# | $h_i$, $z_i$ | $(F',)$ | what a layer, or the whole network, makes of node $i$: its **embedding** |
#
# ## 9.1 A layer of your own in PyG
#
# PyG keeps a graph in a `Data` object: `data.x`, `data.edge_index`, `data.y` and whatever else you store in it. The features of the
# club are one-hot: a member is described by its number and nothing else. All the rest must come from the edges.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "show_data", "locked": true, "schema_version": 3, "solution": false, "task": false}
print(club)
print(
    "labelled members:",
    club.train_mask.nonzero().ravel().tolist(),
    "  their circles:",
    club.y[club.train_mask].tolist(),
)

# %% [markdown]
# PyG's base class `MessagePassing` does what your `message_passing` did: gather, message, scatter. You say three things.
#
# - `super().__init__(aggr="add")`: how messages are reduced.
# - `forward(self, x, edge_index)`: what happens before and after. In it, `self.propagate(edge_index, x=h, weight=w)` runs the round.
# - `message(self, x_j, weight)`: what an edge carries. PyG reads the **names** of the arguments. `x_j` is the row of `x` at each
#   edge's source, `x_i` the one at its target. Everything else comes as you handed it to `propagate`.
#
# A tiny example, the sum of the neighbours without any weights:
#
# ```python
# class SumOfNeighbours(MessagePassing):
#     def __init__(self):
#         super().__init__(aggr="add")
#
#     def forward(self, x, edge_index):
#         return self.propagate(edge_index, x=x)
#
#     def message(self, x_j):
#         return x_j
# ```
#
# ### Exercise: `GCNConv`
#
# `GCNConv(in_channels, out_channels)`, then `layer(x (n, in_channels), edge_index) -> (n, out_channels)`
#
# The graph convolution of notebook 8 as a subclass of `MessagePassing`:
#
# $$h_i = \sum_{j \in \mathcal N(i)\, \cup\, \{i\}} \frac{1}{\sqrt{d_i d_j}}\, W x_j + b$$
#
# - Exactly two parameters: `weight`, $(F', F)$, drawn at random, and `bias`, $(F',)$, zeros. `torch.nn.init.xavier_uniform_(tensor)`
#   draws a good start (Glorot and Bengio, 2010).
# - `gcn_norm` of notebook 8 is imported: it gives the edges with loops and their weights.
# - The bias comes once, after the round.
#
# **By hand.** The small graph of notebook 8, $0 \to 1$ twice, $2 \to 1$, $1 \to 3$, a loop at 3, and node 4 alone, with
# $x = (2, 4, 6, 8, 10)$, $W = (1)$ and $b = 1$: the sums $(2, 6, 6, 5.41, 10)$ that you know, and the bias makes $(3, 7, 7, 6.41, 11)$
# of them.


# %% nbgrader={"grade": false, "grade_id": "GCNConv", "locked": false, "schema_version": 3, "solution": true, "task": false}
class GCNConv(MessagePassing):
    """A graph convolution: layer(x (n, in_channels), edge_index (2, E)) gives (n, out_channels)."""

    def __init__(self, in_channels, out_channels):
        super().__init__(aggr="add")
        ### BEGIN SOLUTION
        self.weight = torch.nn.Parameter(torch.empty(out_channels, in_channels))
        self.bias = torch.nn.Parameter(torch.zeros(out_channels))
        torch.nn.init.xavier_uniform_(self.weight)
        ### END SOLUTION

    def forward(self, x, edge_index):
        """Prepares the edges, runs the round, adds the bias."""
        ### BEGIN SOLUTION
        looped, weight = gcn_norm(edge_index, len(x))
        return self.propagate(looped, x=x @ self.weight.T, weight=weight) + self.bias
        ### END SOLUTION

    def message(self, x_j, weight):
        """What the edges carry: x_j (E, out_channels) with their weights (E,)."""
        ### BEGIN SOLUTION
        return weight[:, None] * x_j
        ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "GCNConv_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.GCNConv", GCNConv)

# %% [markdown]
# ## 9.2 Two layers make a network
#
# One convolution hears the friends. Two hear the friends' friends, and in the club that is most of it. Between them stands a ReLU, or
# both together would be worth one. And before each of them stands **dropout**: in training, every number is set to 0 with
# probability one half, and the others are doubled. A network with few labels learns them by heart otherwise. In eval mode
# dropout does nothing.
#
# ### Exercise: `build_gcn`
#
# `build_gcn(features, hidden, classes) -> torch.nn.Module`, called as `model(x, edge_index) -> (n, classes)`
#
# 1. dropout, your `GCNConv` from `features` to `hidden`, ReLU
# 2. dropout, your `GCNConv` from `hidden` to `classes`
#
# Return the logits as they are: no softmax. `functional.dropout(x, 0.5, self.training)` knows from `self.training` whether it should
# work. Fill in the class; `build_gcn` only builds one.
#
# **By hand.** `build_gcn(34, 16, 4)` has $34\cdot16 + 16 = 560$ parameters in its first layer and $16\cdot4 + 4 = 68$ in the second.
#
# The check looks at new models first: which nodes does the answer for a node depend on? Does dropout take half in training mode,
# before each convolution, and nothing in eval mode? Then it trains your model on the club five times, with the members renumbered
# and the circles renamed. On average 65 % of the other 30 must be right. When your work is graded, the graph is a new one of 48
# nodes that is drawn for it: there it is 80 %.


# %% nbgrader={"grade": false, "grade_id": "build_gcn", "locked": false, "schema_version": 3, "solution": true, "task": false}
class GCN(torch.nn.Module):
    """Two graph convolutions, called with x (n, features) and edge_index (2, E); gives logits (n, classes)."""

    def __init__(self, features, hidden, classes):
        super().__init__()
        ### BEGIN SOLUTION
        self.first = GCNConv(features, hidden)
        self.second = GCNConv(hidden, classes)
        ### END SOLUTION

    def forward(self, x, edge_index):
        """The logits of all nodes."""
        ### BEGIN SOLUTION
        h = functional.relu(self.first(functional.dropout(x, 0.5, self.training), edge_index))
        return self.second(functional.dropout(h, 0.5, self.training), edge_index)
        ### END SOLUTION


def build_gcn(features, hidden, classes):
    """A new network of two graph convolutions."""
    return GCN(features, hidden, classes)


# %% nbgrader={"grade": true, "grade_id": "build_gcn_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.build_gcn", build_gcn)

# %% [markdown]
# ## 9.3 Four labels
#
# There are no mini-batches here. The graph is one connected thing, so every step sends **all** nodes through the network. Only the
# loss knows who has a label: it is the cross-entropy over the rows in `train_mask`. The others get their gradients through the
# edges.
#
# ### Exercise: `train_nodes`
#
# `train_nodes(model, data, epochs, lr, weight_decay) -> model`
#
# - The optimizer is `torch.optim.Adam` with `lr` and `weight_decay`.
# - In each epoch, one step: clear the gradients, compute the logits of all nodes, take the cross-entropy of the rows in
#   `data.train_mask`, go backward, step.
# - The model may come in eval mode: switch it to training mode first.
# - Train the model that came in, and return it.
#
# **By hand.** Two of four nodes have a label, and the softmax gives their right classes 0.5 and 0.25. The loss of this step is
# $\frac12(-\ln 0.5 - \ln 0.25) = 1.04$, whatever the other two nodes say.
#
# **Do not peek.** `data.y` holds labels for everybody. When your work is graded, those outside of the mask are drawn at random.
# Whoever learns from them learns nonsense.


# %% nbgrader={"grade": false, "grade_id": "train_nodes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_nodes(model, data, epochs, lr, weight_decay):
    """Trains the model in place on the labelled nodes of data, one step on the whole graph each epoch; returns it."""
    ### BEGIN SOLUTION
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        logits = model(data.x, data.edge_index)
        loss = functional.cross_entropy(logits[data.train_mask], data.y[data.train_mask])
        loss.backward()
        optimizer.step()
    return model
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "train_nodes_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.train_nodes", train_nodes)

# %% [markdown]
# ### Watch it pull the club apart
#
# Your network, your training. Every panel shows the network's four logits for each member, seen in two dimensions. The plane is
# chosen at the end and kept for all panels; mind the *reach*, which says how large a panel is. The four large ones have labels.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_embeddings", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("GCNConv", "build_gcn", "train_nodes"):
    torch.manual_seed(5)
    model, snapshots = build_gcn(34, 16, 4), {}
    for title, epochs in (("before", 0), ("10 epochs", 10), ("40 epochs", 30), ("200 epochs", 160)):
        train_nodes(model, club, epochs, lr=0.02, weight_decay=5e-4)
        with torch.no_grad():
            snapshots[title] = model.eval()(club.x, club.edge_index)
    draw.embeddings(snapshots, club.y, club.train_mask)

# %% [markdown]
# Look at the first panel. **Nothing has been trained, and many friends already lie together.** Random weights on a one-hot name are a
# random place, and two rounds of averaging put friends close to each other. Training then turns and stretches this picture until
# the four labels are far apart. The others come along, because they hang on them.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_found", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("GCNConv", "build_gcn", "train_nodes"):
    draw.labels(club.edge_index, club.y, club.train_mask, snapshots["200 epochs"].argmax(dim=1))

# %% [markdown]
# One run is luck. Here are ten, from ten random starts.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "ten_starts", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("GCNConv", "build_gcn", "train_nodes"):
    scores = []
    for seed in track(range(10), "karate club"):
        torch.manual_seed(seed)
        model = train_nodes(build_gcn(34, 16, 4), club, epochs=100, lr=0.02, weight_decay=5e-4).eval()
        with torch.no_grad():
            right = model(club.x, club.edge_index).argmax(dim=1) == club.y
        scores.append(float(right[~club.train_mask].float().mean()))
    print("right among the other 30, in %:", " ".join(f"{100 * score:.0f}" for score in sorted(scores)))
    print(f"mean {100 * np.mean(scores):.0f} %; always the largest circle: {100 * 12 / 30:.0f} %")

# %% [markdown]
# ### Cora
#
# Now the real thing, if its files are here: 2,708 papers, each a bag of 1,433 words, seven subjects, 140 labels, 1,000 papers to
# test on. The settings are the published ones, 16 hidden units, rate 0.01, weight decay 0.0005, with half of the 200 epochs to save
# your time. All 200, from five random starts, gave 81.7 % in the mean when this notebook was written.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "train_cora", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("GCNConv", "build_gcn", "train_nodes"):
    cora = graphs.cora()
    if cora is None:
        print("Cora's files are not here (COURSE_DATA may name their folder): on with the karate club.")
    else:
        torch.manual_seed(0)
        model = build_gcn(cora.x.shape[1], 16, 7)
        for _ in track(range(10), "Cora"):
            train_nodes(model, cora, epochs=10, lr=0.01, weight_decay=5e-4)
        with torch.no_grad():
            right = model.eval()(cora.x, cora.edge_index).argmax(dim=1) == cora.y
        print(
            f"Cora: {100 * float(right[cora.test_mask].float().mean()):.1f} % of 1,000 papers right; published: 81.5 %"
        )

# %% [markdown]
# ## 9.4 Whom to listen to
#
# A graph convolution listens to its neighbours by their degrees. It cannot prefer one over another because of what they *say*.
# **Graph attention** can (Veličković et al. 2018). Every edge gets a score, and a softmax turns the scores of a listener into shares:
#
# $$e_{ij} = \mathrm{LeakyReLU}\big(a_\text{dst} \cdot W x_i + a_\text{src} \cdot W x_j\big)
# \qquad
# \alpha_{ij} = \frac{e^{e_{ij}}}{\sum_{k \in \mathcal N(i) \cup \{i\}} e^{e_{ik}}}
# \qquad
# h_i = \sum_{j \in \mathcal N(i) \cup \{i\}} \alpha_{ij}\, W x_j$$
#
# LeakyReLU keeps positive numbers and multiplies negative ones with a small slope. Several such **heads** work side by side, each with
# its own $W$ and its own vectors $a$, and their results stand next to each other.
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $W$ | (heads · $F$, $D$) | the first $F$ rows belong to head 0, the next $F$ to head 1, ... |
# | $a_\text{src}$ | (heads, $F$) | what makes a speaker interesting |
# | $a_\text{dst}$ | (heads, $F$) | what makes a listener curious |
#
# ### Exercise: `gat_layer`
#
# `gat_layer(x (n, D), edge_index (2, E), W (heads*F, D), a_src (heads, F), a_dst (heads, F), negative_slope=0.2) -> (n, heads*F)`
#
# - Every node also hears itself: add self loops first.
# - The softmax runs over the edges that **enter** a node, for each head alone. Without PyG's own softmax, please.
# - Scores of thousands must not overflow. Subtract each listener's largest score first, as in notebook 1.
#
# `add_self_loops` and `scatter` of notebook 8 are imported. This `scatter` also takes messages of shape `(E, heads, F)`. So
# `h = (x @ W.T).view(n, heads, F)` is all you need to keep the heads apart, and `.flatten(1)` puts them side by side again.
#
# **By hand.** One head, $W = (1)$, $a_\text{src} = (1)$, $a_\text{dst} = (0)$. Node 0 with $x_0 = 0$ is entered by one edge, from node 1 with
# $x_1 = \ln 3 = 1.0986$. The scores are $0$ for itself and $1.0986$ for node 1, the shares $\frac{1}{1+3}$ and $\frac{3}{1+3}$, and
# $h_0 = 0.25\cdot0 + 0.75\cdot1.0986 = 0.824$.


# %% nbgrader={"grade": false, "grade_id": "gat_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gat_layer(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    """Graph attention. x: (n, D). W: (heads * F, D). a_src, a_dst: (heads, F). Returns (n, heads * F)."""
    ### BEGIN SOLUTION
    n, (heads, width) = len(x), a_src.shape
    source, target = add_self_loops(edge_index, n)
    h = (x @ W.T).view(n, heads, width)
    scores = (h * a_src).sum(dim=-1)[source] + (h * a_dst).sum(dim=-1)[target]
    scores = functional.leaky_relu(scores, negative_slope)
    shares = torch.exp(scores - scatter(scores, target, n, "max").detach()[target])
    shares = shares / scatter(shares, target, n, "sum")[target]
    return scatter(shares[:, :, None] * h[source], target, n, "sum").flatten(1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "gat_layer_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.gat_layer", gat_layer)

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "compare_gat", "locked": true, "schema_version": 3, "solution": false, "task": false}
from torch_geometric.nn import GATConv

with pending("gat_layer"), torch.no_grad():
    torch.manual_seed(0)
    x, edges = torch.randn(50, 6), torch.randint(50, (2, 300))
    theirs = GATConv(6, 4, heads=3, bias=False)
    ours = gat_layer(x, edges, theirs.lin.weight, theirs.att_src[0], theirs.att_dst[0])
    print(f"PyG's GATConv and yours differ by {(theirs(x, edges) - ours).abs().max():.1e} at most")

# %% [markdown]
# ## 9.5 Too many rounds
#
# If two layers are good, are twenty better? In a network for images, often. Here something else happens: every round mixes a node with
# its neighbours, and in the end all of them have heard the same. This is called **over-smoothing**. To see it you need a number for
# how much neighbours differ.
#
# ### Exercise: `dirichlet_energy`
#
# `dirichlet_energy(x (n, F), edge_index (2, E)) -> float`
#
# $$E(x) = \frac12 \sum_{(j \to i)} \lVert x_i - x_j \rVert^2$$
#
# The sum runs over all edges as they stand in `edge_index`. A friendship is two edges, and the half makes it count once.
#
# **By hand.** On the small graph, $0 \to 1$ twice, $2 \to 1$, $1 \to 3$ and a loop at 3, with $x = (1, 3, 6, 6, 9)$: the squares are $4$, $4$, $9$,
# $9$ and $0$, so the energy is $13$.


# %% nbgrader={"grade": false, "grade_id": "dirichlet_energy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dirichlet_energy(x, edge_index):
    """Half the sum over all edges of the squared distance between their two ends, as a float."""
    ### BEGIN SOLUTION
    source, target = edge_index
    return 0.5 * float(((x[source] - x[target]) ** 2).sum())
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "dirichlet_energy_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.dirichlet_energy", dirichlet_energy)

# %% [markdown]
# On the left: rounds of the mean on the club, from random features, measured with your energy. Every round multiplies it with a number
# below 1, and after the first few that number stays nearly the same: on this axis, a straight line. The dashed line is a simple cure: in every round, one tenth of the
# start is mixed in again (Gasteiger et al. 2019).
#
# On the right: networks of your `GCNConv`, one to eight layers deep, trained by your `train_nodes` from three random starts each.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_smoothing", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("GCNConv", "train_nodes", "dirichlet_energy"):
    start = torch.randn(34, 8, generator=torch.Generator().manual_seed(0))
    listening = add_self_loops(club.edge_index, 34)
    energies = {}
    for name, kept in (("mean", 0.0), ("mean, a tenth of the start kept", 0.1)):
        x, energies[name] = start, [dirichlet_energy(start, club.edge_index)]
        for _ in range(25):
            x = (1 - kept) * message_passing(x, listening, lambda x_i, x_j: x_j, "mean") + kept * start
            energies[name].append(dirichlet_energy(x, club.edge_index))

    class Deep(torch.nn.Module):
        """A number of graph convolutions with ReLUs between them."""

        def __init__(self, depth):
            super().__init__()
            widths = [34, *[16] * (depth - 1), 4]
            self.layers = torch.nn.ModuleList(GCNConv(*pair) for pair in pairwise(widths))

        def forward(self, x, edge_index):
            """The logits of all nodes."""
            x = self.layers[0](x, edge_index)
            for layer in self.layers[1:]:
                x = layer(torch.relu(x), edge_index)
            return x

    accuracies = {}
    for depth in track((1, 2, 3, 4, 6, 8), "depths"):
        accuracies[depth] = []
        for seed in range(3):
            torch.manual_seed(seed)
            model = train_nodes(Deep(depth), club, epochs=100, lr=0.02, weight_decay=5e-4)
            with torch.no_grad():
                right = model.eval()(club.x, club.edge_index).argmax(dim=1) == club.y
            accuracies[depth].append(float(right[~club.train_mask].float().mean()))
    draw.smoothing(energies, accuracies)

# %% [markdown]
# One layer does not reach far enough, two to four do, and from six on the network drowns in its own averages. Skip connections, as in
# the dashed line, let people train graph networks of many layers. Most that are used have two or three.
#
# ## 9.6 A label for a whole graph
#
# Is this molecule poisonous? Is this program a virus? Then the graph is the example, and there are many of them, each of its own size.
# Two ideas make that work.
#
# **Batches are one big graph.** Put the graphs side by side, with no edges between them, and renumber the nodes. Message passing will
# not notice. PyG's `DataLoader` does that, and `batch.batch` says for every node which graph it came from.
#
# **Pooling.** In the end, reduce the nodes of each graph to one row. That is `scatter` once more.
#
# ### Exercise: `global_pool`
#
# `global_pool(x (n, F), batch (n,), reduce) -> (graphs, F)`
#
# Row $g$ holds the sum, mean or maximum of the nodes with `batch == g`. There are `batch.max() + 1` graphs. One without nodes gives 0.
#
# **By hand.** Four nodes with $x = (1, 3, 5, 2)$ and `batch = [0, 0, 0, 1]`: the sums are $(9, 2)$, the means $(3, 2)$, the maxima $(5, 2)$.


# %% nbgrader={"grade": false, "grade_id": "global_pool", "locked": false, "schema_version": 3, "solution": true, "task": false}
def global_pool(x, batch, reduce):
    """The nodes x (n, F) of each graph in batch (n,), reduced to one row: (graphs, F)."""
    ### BEGIN SOLUTION
    return scatter(x, batch, int(batch.max()) + 1, reduce)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "global_pool_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.global_pool", global_pool)

# %% [markdown]
# ### Which kind of network is it?
#
# Graphs of three kinds, all with about two friendships for each node. In the first, every friendship is as likely as every other. In the
# second, newcomers prefer those who already have many friends. In the third, nodes sit in a ring and know the next two, with a few
# exceptions. The nodes have **no features** but a 1. The shape is all there is.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_kinds", "locked": true, "schema_version": 3, "solution": false, "task": false}
training, held_out = (graphs.little(count, np.random.default_rng(seed)) for count, seed in ((150, 0), (300, 1)))
draw.kinds(training, graphs.KINDS)


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "classify_graphs", "locked": true, "schema_version": 3, "solution": false, "task": false}
class Classifier(torch.nn.Module):
    """Two rounds of GIN, then a pooled row for each graph."""

    def __init__(self, reduce):
        super().__init__()
        self.reduce = reduce
        self.first = torch.nn.Sequential(
            torch.nn.Linear(1, 16), torch.nn.ReLU(), torch.nn.Linear(16, 16), torch.nn.ReLU()
        )
        self.second = torch.nn.Sequential(torch.nn.Linear(16, 16), torch.nn.ReLU(), torch.nn.Linear(16, 16))
        self.last = torch.nn.Linear(16, 3)

    def forward(self, x, edge_index, batch):
        """The logits of all graphs."""
        h = gin_layer(x, edge_index, self.first, 0.0)
        h = gin_layer(h, edge_index, self.second, 0.0)
        return self.last(global_pool(h, batch, self.reduce))


def parts(batch):
    """What the classifier reads, and the labels."""
    return (batch.x, batch.edge_index, batch.batch), batch.y


with pending("global_pool"):
    whole = next(iter(DataLoader(held_out, batch_size=len(held_out))))
    print("all new graphs in one:", whole)
    batches = [parts(batch) for batch in DataLoader(training, batch_size=32)]
    for reduce in ("sum", "mean", "max"):
        torch.manual_seed(0)
        model = Classifier(reduce)
        fit(model, batches, epochs=40, lr=0.005, label=reduce)
        with torch.no_grad():
            right = float((model(*parts(whole)[0]).argmax(dim=1) == whole.y).float().mean())
        print(f"{reduce:5} {100 * right:.0f} % of {len(held_out)} new graphs right")

# %% [markdown]
# ### What no number of rounds can see
#
# A ring of six, and two rings of three. Any child can tell them apart. But every node in both has two neighbours, who have two
# neighbours, and so on. Round after round, all twelve nodes hear exactly the same. So **no** network of message passing, however deep and
# however well trained, can tell these two graphs apart, unless the nodes bring features of their own.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "compare_rings", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("global_pool"):
    six = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0]])
    threes = torch.tensor([[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3]])
    torch.manual_seed(0)
    model = Classifier("sum")
    with torch.no_grad():
        for name, edges in (("one ring of six", six), ("two rings of three", threes)):
            both_ways = torch.cat([edges, edges.flip(0)], dim=1)
            logits = model(torch.ones(6, 1), both_ways, torch.zeros(6, dtype=torch.int64))
            print(f"{name:18}", logits[0].tolist())

# %% [markdown]
# ## 9.7 Links that are not there yet
#
# Who will become friends next? Which two proteins bind? Give every node an embedding $z_i$, and let the **dot product** of two of them
# be the score of a link: $s_{uv} = z_u \cdot z_v$. A sigmoid makes a probability of it.
#
# To learn, the network needs pairs that are linked and pairs that are not. The first are the edges. The second have to be drawn: there are
# far too many of them to take all. They are called **negative edges**.
#
# ### Exercise: `negative_edges`
#
# `negative_edges(edge_index (2, E), n, count, generator) -> (2, count) int64`
#
# - Exactly `count` pairs $(u, v)$, sources above targets, all from $0$ to $n - 1$.
# - No pair is an edge of the graph, and no node is paired with itself. An edge $u \to v$ forbids $(u, v)$, not $(v, u)$.
# - Every pair that is left is as likely as every other. The same pair may come twice, so `count` may be larger than their number.
# - Draw from `generator` and from nothing else: `torch.randint(high, (count,), generator=generator)`.
#
# **By hand.** Three nodes, edges $0 \to 1$, $1 \to 2$ and $2 \to 0$. Of the six pairs of different nodes three are left: $(1, 0)$, $(2, 1)$ and
# $(0, 2)$. With `count=4`, a right answer is `[[1, 0, 1, 2], [0, 2, 0, 1]]`.


# %% nbgrader={"grade": false, "grade_id": "negative_edges", "locked": false, "schema_version": 3, "solution": true, "task": false}
def negative_edges(edge_index, n, count, generator):
    """count pairs of different nodes that are no edge, (2, count), drawn with the generator."""
    ### BEGIN SOLUTION
    free = ~torch.eye(n, dtype=torch.bool, device=edge_index.device)
    free[edge_index[0], edge_index[1]] = False
    pairs = free.nonzero()
    return pairs[torch.randint(len(pairs), (count,), generator=generator)].T
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "negative_edges_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.negative_edges", negative_edges)

# %% [markdown]
# ### Exercise: `link_scores`
#
# `link_scores(z (n, F), edges (2, M)) -> (M,)`
#
# The dot product of the two ends of every pair.
#
# **By hand.** $z_0 = (1, 2)$, $z_1 = (3, -1)$: the pair $(0, 1)$ scores $1\cdot3 + 2\cdot(-1) = 1$.


# %% nbgrader={"grade": false, "grade_id": "link_scores", "locked": false, "schema_version": 3, "solution": true, "task": false}
def link_scores(z, edges):
    """The dot products of the embeddings z (n, F) at both ends of the pairs edges (2, M): (M,)."""
    ### BEGIN SOLUTION
    return (z[edges[0]] * z[edges[1]]).sum(dim=-1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "link_scores_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.link_scores", link_scores)

# %% [markdown]
# ### Exercise: `link_loss`
#
# `link_loss(pos (P,), neg (Q,)) -> one number`
#
# The binary cross-entropy of the scores, the mean over **all** $P + Q$ of them:
#
# $$L = \frac{1}{P + Q}\Big(\sum_{s \in \text{pos}} -\ln\sigma(s) \;+ \sum_{s \in \text{neg}} -\ln\big(1 - \sigma(s)\big)\Big)$$
#
# Scores of 300 must do no harm. $\sigma(-300)$ is 0 in `float32`, and its logarithm is minus infinity. But
# $-\ln\sigma(s) = \ln(1 + e^{-s})$, and `functional.softplus(t)` computes $\ln(1 + e^{t})$ safely for every $t$.
#
# **By hand.** Links with the scores $0$ and $2$, a pair without a link with $-1$: the terms are $\ln 2 = 0.693$, $\ln(1 + e^{-2}) = 0.127$ and
# $\ln(1 + e^{-1}) = 0.313$. The loss is $1.133 / 3 = 0.378$.


# %% nbgrader={"grade": false, "grade_id": "link_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def link_loss(pos, neg):
    """Binary cross-entropy: scores pos (P,) of links, scores neg (Q,) of pairs without one; the mean over all."""
    ### BEGIN SOLUTION
    return torch.cat([functional.softplus(-pos), functional.softplus(neg)]).mean()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "link_loss_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.link_loss", link_loss)

# %% [markdown]
# ### Find the hidden friendships
#
# A small town with four neighbourhoods of 20, and noisy features. Of its 329 friendships 50 are hidden. Your two convolutions learn from
# the rest, with new negative edges in every step. Then both kinds get a score: the hidden friendships, and pairs that are no friends.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_links", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("GCNConv", "build_gcn", "negative_edges", "link_scores", "link_loss"):
    town = graphs.communities([20] * 4, 0.35, 0.02, features=8, noise=2.0, rng=np.random.default_rng(0))
    generator = torch.Generator().manual_seed(0)
    once = town.edge_index[:, town.edge_index[0] < town.edge_index[1]]
    once = once[:, torch.randperm(once.shape[1], generator=generator)]
    hidden, seen = once[:, :50], torch.cat([once[:, 50:], once[:, 50:].flip(0)], dim=1)
    strangers = negative_edges(town.edge_index, 80, 200, generator)

    def step_loss(z, linked):
        """The links that are seen against as many new pairs without one."""
        absent = negative_edges(linked, 80, linked.shape[1], generator)
        return link_loss(link_scores(z, linked), link_scores(z, absent))

    torch.manual_seed(0)
    encoder, results = build_gcn(8, 32, 16), []
    for epochs in (0, 200):
        fit(encoder, [((town.x, seen), seen)], epochs, lr=0.01, loss=step_loss, label="links", show=epochs > 0)
        with torch.no_grad():
            z = encoder(town.x, seen)
        results.append((link_scores(z, hidden), link_scores(z, strangers)))
    draw.links(*results)

# %% [markdown]
# The percentage under each picture is the **area under the ROC curve**: take one hidden friendship and one pair of strangers, and ask
# how often the friendship scores higher. Guessing gives 50. A hundred is out of reach, because some friendships of the town lead anywhere.
#
# ## 9.8 What does it cost in hardware?
#
# The network for Cora is tiny. Count it:
#
# | | first layer | second layer | together |
# |:--|--:|--:|--:|
# | parameters | $1433\cdot16 + 16 = 22{,}944$ | $16\cdot7 + 7 = 119$ | 23,063 |
# | MACs of $W$ | $2708\cdot1433\cdot16 = 62.1$ million | $2708\cdot16\cdot7 = 0.3$ million | 62.4 million |
# | MACs of the messages | $13{,}264\cdot16 = 0.21$ million | $13{,}264\cdot7 = 0.09$ million | 0.31 million |
#
# The features themselves, $2708\cdot1433$ numbers, take 15.5 MB. That is 168 times as much as the 92 kB of the network. And 99 of 100 of
# them are zero: a paper uses few of the 1,433 words.
#
# So where does the time go? Guess first. Then measure one training step's parts, on random features of the same size.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_parts", "locked": true, "schema_version": 3, "solution": false, "task": false}
def shortest(function, *arguments):
    """Milliseconds of the quickest of five calls."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


with torch.no_grad():
    words, W = (torch.rand(2708, 1433) < 0.0127).float(), torch.randn(16, 1433)
    arrows, h = torch.randint(2708, (2, 13264)), torch.randn(2708, 16)
    parts = {
        "dropout of the features": shortest(functional.dropout, words, 0.5, True),
        "features times W": shortest(torch.matmul, words, W.T),
        "one round of messages": shortest(message_passing, h, arrows, lambda x_i, x_j: x_j, "sum"),
        "features times W, sparse": shortest(torch.matmul, words.to_sparse(), W.T),
    }
    for name, milliseconds in parts.items():
        print(f"{name:26} {milliseconds:7.3f} ms")

# %% [markdown]
# Neither the matrix nor the graph: it is **dropout**, the part without a single MAC. It draws 3.9 million random numbers, one after another,
# and 99 % of them decide the fate of a zero. The counting of MACs would never have told you.
#
# The last line stores only the words that occur. Kipf and Welling did that, and dropped only those. A good part of making a network
# fast is not to compute what is known to be zero. Notebook 12 makes weights zero for that very reason.
#
# ## 9.9 In your own words
#
# A bank looks for fraud. Accounts are nodes, transfers are edges, and a few hundred accounts are labelled. Two suggestions are on the table:
# (a) a perceptron on the features of each account alone, (b) a graph network of ten convolutions.
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. What can (b) see that (a) can never see? Give an example of a fraud that only shows in the transfers.
# 2. Why would you begin with two convolutions and not ten? Which number would you measure to convince a colleague?
# 3. The labelled accounts were split at random into training and test. The network is right on 97 % of the test accounts, and much worse
#    on the accounts of the following month. What may have leaked along the edges, and how would you split instead?

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_two_convolutions", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. (a) sees an account, (b) sees its surroundings. Money that passes through a chain or a ring of accounts and comes back shows
#    nothing unusual in any of them. It shows in who pays whom.
# 2. Every round averages over the neighbours, and after ten rounds accounts of the same region have nearly the same embedding, honest or
#    not. The Dirichlet energy of the embeddings, layer by layer, shows how fast that goes; the accuracy on held-out accounts against the
#    depth shows what it costs. Two rounds reach the partners of the partners, which is where such patterns are.
# 3. Test accounts are neighbours of training accounts, often of the same gang, and all were in the graph during training. So the features
#    of test accounts were mixed into training, and a labelled gang member gives the others away. Split by time, or by connected
#    groups: train on the graph as it was, and test on accounts and transfers that came later.

# %% [markdown]
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# You have trained networks on nodes, graphs and links. From here on the course turns to what networks cost: complex numbers in notebook 10,
# then speed, pruning and quantization.
#
# ## References
#
# - T. N. Kipf and M. Welling, *Semi-supervised classification with graph convolutional networks*, ICLR 2017. The GCN and its figures on
#   Cora, the perceptron's 55.1 % included.
# - P. Veličković et al., *Graph attention networks*, ICLR 2018.
# - P. Sen et al., *Collective classification in network data*, AI Magazine 29, 2008. Cora. The split is that of Z. Yang, W. Cohen and R.
#   Salakhutdinov, *Revisiting semi-supervised learning with graph embeddings*, ICML 2016.
# - Q. Li, Z. Han and X.-M. Wu, *Deeper insights into graph convolutional networks*, AAAI 2018. Over-smoothing gets its name.
# - K. Oono and T. Suzuki, *Graph neural networks exponentially lose expressive power for node classification*, ICLR 2020.
# - J. Gasteiger, A. Bojchevski and S. Günnemann, *Predict then propagate*, ICLR 2019. A tenth of the start, kept.
# - K. Xu, W. Hu, J. Leskovec and S. Jegelka, *How powerful are graph neural networks?*, ICLR 2019. What rounds can see, and what not.
# - T. N. Kipf and M. Welling, *Variational graph auto-encoders*, 2016. Links from dot products.
# - M. Fey and J. E. Lenssen, *Fast graph representation learning with PyTorch Geometric*, 2019.
# - X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS 2010.
# - P. Erdős and A. Rényi, *On random graphs*, 1959. A.-L. Barabási and R. Albert, *Emergence of scaling in random networks*, 1999. D. Watts
#   and S. Strogatz, *Collective dynamics of small-world networks*, 1998. The three kinds of graphs.
# - W. W. Zachary, *An information flow model for conflict and fission in small groups*, 1977. U. Brandes et al., *On modularity
#   clustering*, 2008: the four circles.

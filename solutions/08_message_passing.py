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
# # 8 · Messages on graphs
#
# **Two people speak. Three rounds later, the whole club has chosen a side.**
#
# Around 1970 the instructor and the president of a university's karate club fell out, and the club of 34 broke in two. The
# anthropologist Wayne Zachary had written down beforehand who was friends with whom.
#
# Give the instructor the number $+1$, the president $-1$ and everybody else $0$. Then, in every round, each member takes the
# average of their own number and their friends' numbers. After three rounds the *sign* of a member's number tells which side
# that member really joined, for **33 of 34** people. Nothing was trained.
#
# The one who is wrong had three weeks to go until his black belt. In the president's club he would have had to begin again,
# with a white belt and another style (Zachary 1977).

# %% [markdown]
# **You will be able to**
#
# - say what nodes, edges and features are in a club, a market, a molecule or a city, and write such a graph as a list of edges;
# - write one round of message passing, vectorised, and say what each node knows after $k$ rounds;
# - build three widely used layers, GCN, GraphSAGE and GIN, and say what each of them cannot see;
# - explain equivariance: why it must not matter how the nodes are numbered;
# - count parameters, MACs and bytes of a graph layer, and say why it waits for memory.
#
# **Time**: about 3 hours (estimated). **Needs**: [2 · Forward propagation](../02_mlp_forward/02_mlp_forward.ipynb),
# [4 · Convolution](../04_convolution/04_convolution.ipynb) and [6 · Recurrent networks](../06_rnn/06_rnn.ipynb).
# [Map of the course](../00_start/00_start.ipynb)

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import time

import torch

from autograder import check, progress
from course_lib import graphs, molecules
from course_lib.viz import gnn as draw
from course_lib.viz import gnn_diagrams as diagrams
from course_lib.viz import pending, style

style()
torch.set_num_threads(1)
club, sides = graphs.karate(), graphs.sides()
small = torch.tensor([[0, 2, 1, 0, 3], [1, 1, 3, 1, 3]])

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_hook", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.gossip(club.edge_index, sides)

# %% [markdown]
# Blue is plus, vermilion is minus. Circles later joined the instructor's side, squares the president's. A red rim means:
# the sign is wrong, or nothing has arrived yet.
#
# An image has a grid, and notebook 4 slid one small kernel over it. A sentence has an order, and notebook 6 read it from left
# to right. A club, a molecule or a road map has neither. Its parts have **neighbours**, any number of them. What is left is what
# the club did: everybody listens to their neighbours and updates what they know. That is **message passing**, and every layer
# of this notebook is one round of it. A network of such layers is a **graph neural network**, GNN.
#
# ### Where graphs come from
#
# | field | nodes | edges | a question for a network |
# |:--|:--|:--|:--|
# | society | people | friendships, messages | which group does somebody belong to? who will be friends next? |
# | economy | families, banks, accounts | marriages, loans, transfers | whose failure would pull down others? which account is a fraud? |
# | chemistry | atoms | bonds | is this molecule poisonous? how heavy is it? |
# | biology | amino acids, whole proteins | contacts, interactions | how does the chain fold? which two proteins bind? |
# | dynamic graphs | crossings, phones, players | trips, calls, passes, each with a time | where will the jam be in ten minutes? |
#
# In a **dynamic graph** the edges come and go. The simplest way to treat one is one `edge_index` for each span of time: messages
# run along the edges of that span, and a recurrent network, as in notebook 6, carries each node's state on to the next.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_world", "locked": true, "schema_version": 3, "solution": false, "task": false}
caffeine, florence = molecules.read(molecules.CAFFEINE), graphs.florence()
bonds = molecules.as_graph(caffeine).edge_index
diagrams.graphs_of_the_world(club.edge_index, sides, graphs.FAMILIES, florence.edge_index, caffeine.atoms, bonds)

# %% [markdown]
# All three are real. In the middle are leading families of Florence around 1430 (Padgett and Ansell 1993). The Strozzi were
# richer, 146,000 lira against the Medici's 103,000, and yet the Medici took over the city. A table of wealth does not tell you why.
# The graph gives a hint: nobody had married into so many of the other families. On the right is caffeine without its
# hydrogens, the molecule that may be keeping you awake. What a node *is* says little in these graphs; what it is *connected to* says a lot.

# %% [markdown]
# ## 8.1 A graph is a list of edges
#
# A graph has **nodes**, numbered $0$ to $n-1$, and **edges**. Here every edge has a direction: it runs from a **source** to a
# **target**. Read an edge as an arrow: the source speaks, the target listens. A friendship, where both listen, is two edges.
#
# | symbol | shape | meaning |
# |:--|:--|:--|
# | $n$, $E$ | | how many nodes, how many edges |
# | $x$ | $(n, F)$ | features: row $i$ is what node $i$ knows |
# | `edge_index` | $(2, E)$ | whole numbers; row 0 holds the sources $j$, row 1 the targets $i$ |
# | $m_{ij}$ | $(F',)$ | the message along the edge $j \to i$ |
# | $\mathcal N(i)$ | | the sources of all edges that enter node $i$ |
# | $d_i$ | | the **degree**: how many edges enter node $i$ |
# | $W$, $b$ | $(F', F)$, $(F',)$ | weights and bias of a layer |
#
# Meet the graph that you will calculate with by hand. It is small and nasty on purpose: the edge $0 \to 1$ occurs **twice**,
# node 3 has an edge to itself, a **self loop**, and nobody knows node 4. No edge has one that runs back. If you mix up source and target
# anywhere, this graph will tell.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_small", "locked": true, "schema_version": 3, "solution": false, "task": false}
print(small)
draw.arrows(small, 5, [(-1, 0.5), (0, 0), (-1, -0.5), (0.9, 0), (1.3, 0.65)])

# %% [markdown]
# ### Exercise: `to_edge_index`
#
# `to_edge_index(adjacency (n, n)) -> (2, E)`
#
# Textbooks write a graph as a matrix: the entry in row $i$ and column $j$ is not zero where there is an edge $i \to j$. Turn it
# into the list of edges, sorted by source, and by target where the source is the same.
#
# **By hand.**
#
# | | to 0 | to 1 | to 2 |
# |:--|--:|--:|--:|
# | from 0 | 0 | 1 | 0 |
# | from 1 | 0 | 0 | 0 |
# | from 2 | 1 | 1 | 0 |
#
# The edges are $0 \to 1$, $2 \to 0$, $2 \to 1$, so `edge_index` is `[[0, 2, 2], [1, 0, 1]]`.
#
# An entry need not be 1: weights such as $0.5$ or $-2$ are edges too. `tensor.nonzero()` finds the row and the
# column of every entry that is not zero.


# %% nbgrader={"grade": false, "grade_id": "to_edge_index", "locked": false, "schema_version": 3, "solution": true, "task": false}
def to_edge_index(adjacency):
    """The edges of an adjacency matrix (n, n), as (2, E): sources above targets."""
    ### BEGIN SOLUTION
    return adjacency.nonzero().T
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "to_edge_index_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.to_edge_index", to_edge_index)

# %% [markdown]
# ### Exercise: `degree`
#
# `degree(index (E,), n) -> (n,) int64`
#
# Count how often each node occurs in a row of `edge_index`. With the targets, `edge_index[1]`, you learn how many edges enter
# each node.
#
# **By hand.** The targets of the small graph are `[1, 1, 3, 1, 3]`. Node 1 occurs three times, node 3 twice, the others never:
# `degree(small[1], 5)` is `[0, 3, 0, 2, 0]`. Node 4 occurs nowhere and still has an entry.


# %% nbgrader={"grade": false, "grade_id": "degree", "locked": false, "schema_version": 3, "solution": true, "task": false}
def degree(index, n):
    """How often each of the n nodes occurs in index, as (n,) whole numbers."""
    ### BEGIN SOLUTION
    return torch.bincount(index, minlength=n)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "degree_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.degree", degree)

# %% [markdown]
# ### Exercise: `add_self_loops`
#
# `add_self_loops(edge_index (2, E), n) -> (2, E')`
#
# In the club everybody also listened to themselves. That is an edge $i \to i$ for every node. Append it for the nodes that have
# **none**, in the order of the nodes. The given edges stay where they are, in front.
#
# **By hand.** In the small graph only node 3 has a loop. Nodes 0, 1, 2 and 4 get one:
#
# | | | | | | | + | + | + | + |
# |:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|
# | source | 0 | 2 | 1 | 0 | 3 | **0** | **1** | **2** | **4** |
# | target | 1 | 1 | 3 | 1 | 3 | **0** | **1** | **2** | **4** |


# %% nbgrader={"grade": false, "grade_id": "add_self_loops", "locked": false, "schema_version": 3, "solution": true, "task": false}
def add_self_loops(edge_index, n):
    """The edges, (2, E), with a loop i -> i appended for every node that has none: (2, E')."""
    ### BEGIN SOLUTION
    has_loop = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    has_loop[edge_index[0][edge_index[0] == edge_index[1]]] = True
    missing = (~has_loop).nonzero().ravel()
    return torch.cat([edge_index, torch.stack([missing, missing])], dim=1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "add_self_loops_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.add_self_loops", add_self_loops)

# %% [markdown]
# ## 8.2 Many messages become one
#
# Node 1 of the small graph receives three messages, node 4 receives none. The next layer wants exactly one row for each of
# them. So the messages of a node are reduced to one, feature by feature: to their **sum**, their **mean** or their
# **maximum**. This is called **aggregation**.
#
# Why these three? Because their result does not depend on the order of the messages. Neighbours come in no order, so a
# function that needs one would give an accidental answer.

# %% [markdown]
# ### Exercise: `scatter`
#
# `scatter(messages (E, F), index (E,), n, reduce) -> (n, F)`
#
# - Row `messages[e]` is for node `index[e]`.
# - `reduce` is `"sum"`, `"mean"` or `"max"`.
# - A node for which nothing arrives gets 0, whatever `reduce` is.
#
# **By hand.** Five messages of one feature, for the targets of the small graph:
#
# | message | 1 | 3 | 5 | 10 | 7 |
# |:--|--:|--:|--:|--:|--:|
# | for node | 1 | 1 | 3 | 1 | 3 |
#
# | node | 0 | 1 | 2 | 3 | 4 |
# |:--|--:|--:|--:|--:|--:|
# | sum | 0 | 14 | 0 | 12 | 0 |
# | mean | 0 | 4.67 | 0 | 6 | 0 |
# | max | 0 | 10 | 0 | 7 | 0 |
#
# **Two traps.** `out[index] += messages` looks right and is wrong: where a node occurs three times, torch writes three times
# and adds once. Use `out.index_add(0, index, messages)`, which really adds. And the maximum of $-2$ and $-4$ is $-2$, not 0:
# the 0 is only for nodes that hear nothing. `out.scatter_reduce(0, place, messages, "amax", include_self=False)` ignores the
# zeros that you start from. `place` has the shape of `messages` and says for every number to which row it belongs.
#
# Do it without a Python loop over the messages. A graph can have a hundred million of them.


# %% nbgrader={"grade": false, "grade_id": "scatter", "locked": false, "schema_version": 3, "solution": true, "task": false}
def scatter(messages, index, n, reduce):
    """The messages, (E, F), reduced for each of the n nodes in index, (E,): (n, F). reduce: "sum", "mean" or "max"."""
    ### BEGIN SOLUTION
    out = messages.new_zeros(n, messages.shape[1])
    if reduce == "max":
        place = index[:, None].expand_as(messages)
        return out.scatter_reduce(0, place, messages, "amax", include_self=False)
    out = out.index_add(0, index, messages)
    if reduce == "mean":
        out = out / degree(index, n).clamp(min=1)[:, None]
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "scatter_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.scatter", scatter)

# %% [markdown]
# ## 8.3 One round
#
# A round has three steps (Gilmer et al. 2017):
#
# 1. **Gather.** For every edge $j \to i$, look up what both ends know: $x_i$ at the target, $x_j$ at the source.
# 2. **Message.** A function makes a message of them: $m_{ij} = \mathrm{message}(x_i, x_j)$.
# 3. **Scatter.** Every node reduces the messages that arrive.
#
# $$h_i = \underset{j \in \mathcal N(i)}{\mathrm{reduce}}\; \mathrm{message}(x_i, x_j)$$
#
# In the karate club the message was $x_j$, "here is my number", and the reduction was the mean.

# %% [markdown]
# ### Exercise: `message_passing`
#
# `message_passing(x (n, F), edge_index (2, E), message, reduce) -> (n, F')`
#
# - Call `message(x_i, x_j)` **once**, with two tensors of shape `(E, F)`: row $e$ of the first belongs to the target of edge $e$,
#   row $e$ of the second to its source. It returns `(E, F')`.
# - Use the edges you are given, all of them. Add no loops.
#
# **By hand.** On the small graph with $x = (1, 10, 100, 1000, 7)$, the message $x_j - x_i$ and the sum:
#
# | node | messages | sum |
# |:--|:--|--:|
# | 1 | from 0: $1 - 10$, from 2: $100 - 10$, from 0 again: $1 - 10$ | $72$ |
# | 3 | from 1: $10 - 1000$, from itself: $1000 - 1000$ | $-990$ |
# | 0, 2, 4 | none | $0$ |


# %% nbgrader={"grade": false, "grade_id": "message_passing", "locked": false, "schema_version": 3, "solution": true, "task": false}
def message_passing(x, edge_index, message, reduce):
    """One round of messages.

    x: features, (n, F). edge_index: (2, E), sources above targets.
    message: a function (x_i (E, F), x_j (E, F)) -> (E, F'), i the target. reduce: "sum", "mean" or "max".
    Returns (n, F').
    """
    ### BEGIN SOLUTION
    source, target = edge_index
    return scatter(message(x[target], x[source]), target, len(x), reduce)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "message_passing_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.message_passing", message_passing)

# %% [markdown]
# ### The club is yours
#
# The first picture came from a matrix. This one comes out of your functions: loops for everybody, the message $x_j$, the mean.
# One more round changes nothing: the count stays at 33.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_gossip", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("degree", "add_self_loops", "scatter", "message_passing"):
    listening = add_self_loops(club.edge_index, 34)
    draw.gossip(club.edge_index, sides, lambda x: message_passing(x, listening, lambda x_i, x_j: x_j, "mean"), rounds=4)

# %% [markdown]
# ## 8.4 What does a node know?
#
# After one round a node has heard its neighbours. After two rounds it has heard what they had heard: their neighbours. After
# $k$ rounds it knows of the nodes from which a path of at most $k$ edges leads to it. Nothing else can have arrived.
#
# Unroll two rounds for node 3 of the small graph, as notebook 6 unrolled a recurrent network, and you get its **computation tree**: at the
# top the answer, below it whoever sends a message, at the bottom the features that are read.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_tree", "locked": true, "schema_version": 3, "solution": false, "task": false}
diagrams.computation_tree(small, 3)

# %% [markdown]
# The edge $0 \to 1$ occurs twice, so $x_0$ is there twice. Node 4 is nowhere: nothing that it knows can reach node 3. And the tree
# grows with every round, by the number of neighbours each time. Every node has a tree of its own, and all of them use the **same** weights.
#
# A convolution has its receptive field. The nodes of this tree are the receptive field of a graph network; the number of rounds
# sets how far it reaches.

# %% [markdown]
# ### Exercise: `k_hop`
#
# `k_hop(edge_index (2, E), node, k, n) -> sorted node numbers`
#
# All nodes that can **reach** `node` in at most `k` steps along the arrows, itself included. Return a tensor of whole numbers,
# rising.
#
# **By hand.** In the small graph, seen from node 3:
#
# | $k$ | 0 | 1 | 2 | 3 |
# |:--|:--|:--|:--|:--|
# | known | `[3]` | `[1, 3]` | `[0, 1, 2, 3]` | `[0, 1, 2, 3]` |
#
# One step leads back over the arrow $1 \to 3$, the next one over $0 \to 1$ and $2 \to 1$. Node 4 stays unknown for ever. Seen from
# node 0, nobody but node 0 is known, however many rounds you wait.
#
# Keep one truth value for each node, *known* or *not yet*, and spread it backwards, one step at a time.


# %% nbgrader={"grade": false, "grade_id": "k_hop", "locked": false, "schema_version": 3, "solution": true, "task": false}
def k_hop(edge_index, node, k, n):
    """The nodes from which at most k edges lead to node, itself included: rising numbers, int64."""
    ### BEGIN SOLUTION
    source, target = edge_index
    known = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    known[node] = True
    for _ in range(k):
        known[source[known[target]]] = True
    return known.nonzero().ravel()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "k_hop_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.k_hop", k_hop)

# %% [markdown]
# ### Step through the rounds
#
# Give every member of the club a name, and let everybody pass on all names they know. Watch member 16, the star, far down in the
# picture. The colour tells in which round a name arrived, and a black rim says that your `k_hop` counts that member too. Both
# come from your code, and they must agree.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_knows", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("degree", "scatter", "message_passing", "k_hop"):
    draw.knows(message_passing, k_hop, club.edge_index, 34, node=16)

# %% [markdown]
# Only one step further in each round, and yet: 1, 3, 6, 18 members. Choose others. Who needs the most rounds to hear of all 34? Who the
# fewest? In a network of people almost everybody is a few steps away from everybody else. Remember that for notebook 9: after
# some rounds, all nodes have heard the same people.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "slide_knows", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("degree", "scatter", "message_passing", "k_hop"):
    draw.knows_slider(message_passing, k_hop, club.edge_index, 34)

# %% [markdown]
# ## 8.5 Numbers are only names
#
# Somebody has to be member 0. Who it is does not matter. Give the nodes other numbers, with features and edges moved along, and the
# answer must be the same rows in another order. For a permutation matrix $P$:
#
# $$\mathrm{layer}(P x,\; P\text{ applied to the edges}) = P\,\mathrm{layer}(x,\; \text{edges})$$
#
# This is **permutation equivariance**. A convolution is equivariant to shifts of the image, message passing to every renumbering of the
# nodes. Below, one round of your code on nine nodes: on the left with the first numbering, in the middle with another one. Find
# the row of node 0 in both.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_renumbered", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("degree", "scatter", "message_passing"):
    generator = torch.Generator().manual_seed(3)
    features = torch.randn(9, 4, generator=generator)
    arrows = torch.randint(9, (2, 20), generator=generator)
    draw.renumbered(lambda x, edges: message_passing(x, edges, lambda x_i, x_j: x_j - x_i, "mean"), features, arrows)

# %% [markdown]
# The rows moved, their colours did not. The checks of your layers try this with secret graphs. A multilayer perceptron that
# reads the whole club as one long vector would fail: it has separate weights for member 0.

# %% [markdown]
# ## 8.6 Three layers that people use
#
# So far there is nothing to learn. A layer adds weights. Three well-known ones differ in what they send and how they aggregate.
#
# ### Graph convolution
#
# The mean looks at the listener alone: it divides by how many *enter*. But think of a member with a hundred friends. What such a
# member says is a mixture of the whole club, and with a plain mean it counts as much as the word of someone with two friends.
# Kipf and Welling (2017) share the damping between both ends. The weight of the edge $j \to i$ is
#
# $$\frac{1}{\sqrt{d_i\, d_j}}$$
#
# where every node has exactly one self loop, and the degree $d$ counts the edges that **enter** a node, the loop included.

# %% [markdown]
# ### Exercise: `gcn_norm`
#
# `gcn_norm(edge_index (2, E), n) -> (edge_index with loops (2, E'), weight (E',))`
#
# Return the edges with self loops for all nodes, and the weight of each as `float32`. The order of the edges does not matter, as
# long as both belong together.
#
# **By hand.** The small graph with loops has the degrees $d = (1, 4, 1, 2, 1)$:
#
# | edge | $0 \to 1$ | $2 \to 1$ | $1 \to 3$ | $0 \to 1$ | $3 \to 3$ | $0 \to 0$ | $1 \to 1$ | $2 \to 2$ | $4 \to 4$ |
# |:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|
# | weight | $\frac{1}{\sqrt{4\cdot1}} = 0.5$ | $0.5$ | $\frac{1}{\sqrt{2\cdot4}} = 0.354$ | $0.5$ | $\frac12$ | $1$ | $\frac14$ | $1$ | $1$ |
#
# Because of the loops no degree is 0, so nothing is divided by 0.


# %% nbgrader={"grade": false, "grade_id": "gcn_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gcn_norm(edge_index, n):
    """The edges with self loops, (2, E'), and the weight 1 / sqrt(d_i d_j) of each, (E',)."""
    ### BEGIN SOLUTION
    looped = add_self_loops(edge_index, n)
    scale = degree(looped[1], n).float() ** -0.5
    return looped, scale[looped[0]] * scale[looped[1]]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "gcn_norm_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.gcn_norm", gcn_norm)

# %% [markdown]
# ### Exercise: `gcn_layer`
#
# `gcn_layer(x (n, F), edge_index (2, E), W (F', F), b (F',)) -> (n, F')`
#
# $$h_i = \sum_{j \in \mathcal N(i) \,\cup\, \{i\}} \frac{1}{\sqrt{d_i d_j}}\, W x_j \;+\; b$$
#
# Every node is sent through the same $W$, the messages are weighted and summed, and the bias comes **once**, at the very end.
# There is no activation inside.
#
# **By hand.** The small graph with $x = (2, 4, 6, 8, 10)$, $W = (1)$, $b = 0$:
#
# | node | sum | result |
# |:--|:--|--:|
# | 0 | $1 \cdot 2$ | $2$ |
# | 1 | $0.5\cdot2 + 0.5\cdot6 + 0.5\cdot2 + 0.25\cdot4$ | $6$ |
# | 2 | $1 \cdot 6$ | $6$ |
# | 3 | $0.354\cdot4 + 0.5\cdot8$ | $5.41$ |
# | 4 | $1\cdot10$ | $10$ |


# %% nbgrader={"grade": false, "grade_id": "gcn_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gcn_layer(x, edge_index, W, b):
    """Graph convolution. x: (n, F). edge_index: (2, E). W: (F', F). b: (F',). Returns (n, F')."""
    ### BEGIN SOLUTION
    looped, weight = gcn_norm(edge_index, len(x))
    return message_passing(x @ W.T, looped, lambda h_i, h_j: weight[:, None] * h_j, "sum") + b
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "gcn_layer_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.gcn_layer", gcn_layer)

# %% [markdown]
# ### GraphSAGE: me, and the average of the others
#
# A GCN stirs a node's own features into the same pot as its neighbours'. GraphSAGE (Hamilton et al. 2017) keeps them apart. What
# I know goes through $W_\text{self}$, the mean of what I hear through $W_\text{neigh}$:
#
# $$h_i = W_\text{self}\, x_i + W_\text{neigh}\, \underset{j \in \mathcal N(i)}{\mathrm{mean}}\, x_j + b$$

# %% [markdown]
# ### Exercise: `sage_layer`
#
# `sage_layer(x (n, F), edge_index (2, E), W_self (F', F), W_neigh (F', F), b (F',)) -> (n, F')`
#
# No self loops here: the node has its own weights. The mean of no neighbours is 0.
#
# **By hand.** The small graph with $x = (2, 4, 6, 8, 10)$, $W_\text{self} = (1)$, $W_\text{neigh} = (10)$, $b = 0$:
#
# | node | 0 | 1 | 2 | 3 | 4 |
# |:--|--:|--:|--:|--:|--:|
# | mean of the messages | 0 | $\frac{2+6+2}{3}$ | 0 | $\frac{4+8}{2}$ | 0 |
# | result | 2 | 37.33 | 6 | 68 | 10 |


# %% nbgrader={"grade": false, "grade_id": "sage_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sage_layer(x, edge_index, W_self, W_neigh, b):
    """GraphSAGE with the mean. x: (n, F). W_self, W_neigh: (F', F). b: (F',). Returns (n, F')."""
    ### BEGIN SOLUTION
    mean = message_passing(x, edge_index, lambda x_i, x_j: x_j, "mean")
    return x @ W_self.T + mean @ W_neigh.T + b
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "sage_layer_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.sage_layer", sage_layer)

# %% [markdown]
# ### What a mean cannot see
#
# Three nodes, three neighbourhoods. A blue neighbour sends $(1, 0)$, a red one $(0, 1)$. Which reduction can tell the three apart?

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "compare_reductions", "locked": true, "schema_version": 3, "solution": false, "task": false}
with pending("degree", "scatter"):
    blue, red = (1.0, 0.0), (0.0, 1.0)
    neighbourhoods = {
        "blue, red": [blue, red],
        "blue, blue, red, red": [blue, blue, red, red],
        "blue, blue, red": [blue, blue, red],
    }
    print(f"{'neighbours':22} {'sum':>14} {'mean':>14} {'max':>14}")
    for name, heard in neighbourhoods.items():
        arrived = [
            scatter(torch.tensor(heard), torch.zeros(len(heard), dtype=torch.int64), 1, reduce)[0]
            for reduce in ("sum", "mean", "max")
        ]
        print(f"{name:22} " + " ".join(f"{tuple(round(value, 2) for value in row.tolist())!s:>14}" for row in arrived))

# %% [markdown]
# The maximum sees *which* colours there are. The mean sees in which *proportion*. Only the sum also sees *how many*. (Whether a
# task needs to know how many is another question; notebook 9 asks it.) That is the idea of the **graph isomorphism network**,
# GIN (Xu et al. 2019): sum, and then let a small multilayer perceptron look at the result. Xu et al. prove that no network of
# such rounds can tell more graphs apart, whatever its aggregation.
#
# $$h_i = \mathrm{mlp}\Big((1 + \varepsilon)\, x_i + \sum_{j \in \mathcal N(i)} x_j\Big)$$
#
# The small number $\varepsilon$ lets the node tell its own features from a neighbour's. It can be learned.

# %% [markdown]
# ### Exercise: `gin_layer`
#
# `gin_layer(x (n, F), edge_index (2, E), mlp, eps) -> (n, F')`
#
# `mlp` is a function that is passed in, from `(n, F)` to `(n, F')`. Call it once. No self loops: the 1 in $1 + \varepsilon$
# takes their part.
#
# **By hand.** The small graph with $x = (2, 4, 6, 8, 10)$, $\varepsilon = 0.5$ and an `mlp` that changes nothing:
#
# | node | 0 | 1 | 2 | 3 | 4 |
# |:--|--:|--:|--:|--:|--:|
# | $1.5\,x_i$ | 3 | 6 | 9 | 12 | 15 |
# | sum of the messages | 0 | 10 | 0 | 12 | 0 |
# | result | 3 | 16 | 9 | 24 | 15 |


# %% nbgrader={"grade": false, "grade_id": "gin_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gin_layer(x, edge_index, mlp, eps):
    """Graph isomorphism network. x: (n, F). mlp: a function (n, F) -> (n, F'). eps: a number. Returns (n, F')."""
    ### BEGIN SOLUTION
    return mlp((1 + eps) * x + message_passing(x, edge_index, lambda x_i, x_j: x_j, "sum"))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "gin_layer_check", "locked": true, "schema_version": 3, "solution": false, "task": false}
check("gnn.gin_layer", gin_layer)

# %% [markdown]
# ### The library agrees
#
# PyTorch Geometric, **PyG**, is a widely used library for graphs. Here are its three layers and yours, with the same weights,
# on a random graph with loops and repeated edges. You have just written its core.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "compare_pyg", "locked": true, "schema_version": 3, "solution": false, "task": false}
import torch_geometric.nn as pyg

with pending("gcn_layer", "sage_layer", "gin_layer"), torch.no_grad():
    torch.manual_seed(0)
    x = torch.randn(100, 8)
    edges = torch.cat([torch.randint(99, (2, 400)).unique(dim=1), torch.tensor([[5, 5, 7], [6, 6, 8]])], dim=1)
    gcn, sage, gin = pyg.GCNConv(8, 4), pyg.SAGEConv(8, 4), pyg.GINConv(torch.nn.Linear(8, 4), eps=0.25)
    results = {
        "GCNConv": (gcn(x, edges), gcn_layer(x, edges, gcn.lin.weight, gcn.bias)),
        "SAGEConv": (sage(x, edges), sage_layer(x, edges, sage.lin_r.weight, sage.lin_l.weight, sage.lin_l.bias)),
        "GINConv": (gin(x, edges), gin_layer(x, edges, gin.nn, 0.25)),
    }
    for name, (theirs, ours) in results.items():
        print(f"{name:9} largest difference {(theirs - ours).abs().max():.1e} among {ours.numel()} numbers")

# %% [markdown]
# ## 8.7 What does it cost in hardware?
#
# ### Why a list and not a matrix
#
# The sum over neighbours is a product with the adjacency matrix, $A^\top x$. Why not just multiply? Because almost all of $A$ is
# zeros, and zeros cost memory too. With a million nodes and ten edges per node, the matrix has $10^{12}$ entries, 4 TB in `float32`.
# The list has $10^7$ edges, 160 MB in `int64`.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "plot_bytes", "locked": true, "schema_version": 3, "solution": false, "task": false}
draw.bytes_needed()

# %% [markdown]
# Look at the dashed line as well. `message_passing` stores one row for every **edge**, and there are more edges than nodes. At ten
# edges per node, the messages need ten times the memory of the features. Libraries avoid it where they can: if a message is a
# copy with a weight, as in the GCN, they add it up at once and never store it.
#
# ### The bill of a layer
#
# A graph convolution of $n$ nodes and $E'$ edges (loops included) stores $F' F + F'$ parameters, the same for every graph. It
# needs $n F F'$ MACs for $W$. Each message is one multiplication and one addition for each feature: $E' F'$ MACs if $W$ comes
# first, $E' F$ if it comes last. The sum is linear, so the order is yours to choose.
#
# Cora, the classic benchmark of notebook 9, is a graph of 2,708 papers and 10,556 citation edges, with 1,433 features each.

# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "count_layer", "locked": true, "schema_version": 3, "solution": false, "task": false}
print(f"{'layer':22} {'parameters':>10} {'MACs of W':>11} {'messages, W first':>18} {'messages, W last':>17}")
for name, nodes, edge_count, wide, narrow in (
    ("karate club, 34 to 4", 34, 156, 34, 4),
    ("Cora, 1,433 to 16", 2708, 10556, 1433, 16),
):
    first, last = (edge_count + nodes) * narrow, (edge_count + nodes) * wide
    print(f"{name:22} {narrow * wide + narrow:10,} {nodes * wide * narrow:11,} {first:18,} {last:17,}")

# %% [markdown]
# On Cora the wrong order makes the messages 90 times as expensive.
#
# And MACs are not the whole truth. For a message of 16 features in `float32` the processor fetches 64 bytes from an address that only
# the edge list knows, and computes 32 FLOP with them: **half a FLOP per byte**. A large GPU needs tens of FLOP per byte, or it has
# to wait; notebook 2 did that sum. A graph layer waits for memory, and its jumps defeat the caches that help a fully connected layer. Watch it on
# this machine: the same sums, with a dense matrix and with your edges.


# %% tags=["demo"] nbgrader={"grade": false, "grade_id": "measure_rounds", "locked": true, "schema_version": 3, "solution": false, "task": false}
def shortest(function, *arguments):
    """Milliseconds of the quickest of five calls."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


with pending("degree", "scatter", "message_passing"), torch.no_grad():
    print("   nodes     edges      matrix       edges    useful MACs")
    for n in (100, 400, 1600, 6400):
        edges, x = torch.randint(n, (2, 10 * n)), torch.randn(n, 16)
        matrix = torch.zeros(n, n).index_put((edges[1], edges[0]), torch.tensor(1.0), accumulate=True)
        dense = shortest(torch.matmul, matrix, x)
        sparse = shortest(message_passing, x, edges, lambda x_i, x_j: x_j, "sum")
        print(f"{n:8,} {10 * n:9,} {dense:8.3f} ms {sparse:8.3f} ms {10 * n / n**2:13.2%}")

# %% [markdown]
# The last column says what share of the matrix product does *not* multiply by zero. On a small graph the matrix usually wins: most of its
# work is wasted, but it runs through memory in perfect order. On a large one no order makes up for the waste. Hardware for graphs is
# about this trade: how much waste is a regular pattern worth? Notebooks 11 and 12 return to it.

# %% [markdown]
# ## 8.8 In your own words
#
# A classmate wants to predict traffic jams. Her graph has 5,000 crossings, and a one-way street is one edge. She uses two graph
# convolutions. The network learns well, except for one thing: it never notices an accident ten crossings away, although that is
# where the jams come from.
#
# Explain in a few sentences (3 points, graded by a person):
#
# 1. Why can it not notice it? What is the smallest change that makes it possible at all?
# 2. She takes twelve layers. Now a crossing hears hundreds of others. Why might the accident still be hard to find in what
#    arrives? Think of the karate club after many rounds.
# 3. Later it turns out that she had swapped source and target everywhere. Her tests on the karate club had all passed. Why? What
#    would a graph that finds this mistake look like?

# %% [markdown] nbgrader={"grade": true, "grade_id": "why_two_rounds", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
# 1. After two rounds a crossing knows only of crossings from which at most two edges lead to it. The accident is outside of
#    its 2-hop neighbourhood, so the output does not depend on it at all, and no training can change that. It takes at least ten
#    rounds, or extra edges that shorten the way.
# 2. Every round averages. The accident's features are mixed with those of hundreds of other crossings, each with a weight below
#    1, and after many rounds neighbouring nodes have heard nearly the same. The signal is there, but it is tiny beside the
#    average.
# 3. The karate club is symmetric: with every edge the reverse edge is there too, so swapping the rows of `edge_index` gives the
#    same graph. A graph with a single edge $0 \to 1$ finds it: only node 1 may change. One-way streets, or any directed graph
#    without return edges, will do.

# %% [markdown]
# ## Recap
#
# - A graph is a list of edges, `edge_index`: sources above targets, messages run from source to target.
# - One round of message passing: gather both ends, make a message, aggregate what arrives with a sum, a mean or a maximum.
# - After $k$ rounds a node knows its $k$-hop neighbourhood and nothing else: the nodes of its computation tree.
# - GCN weighs by both degrees, GraphSAGE keeps a node apart from its neighbours, GIN sums and so also counts.
# - A graph layer has few parameters and few MACs; it jumps through memory and waits for it.
#
# ## Now try
#
# 1. **Who is in the middle?** In a new cell, run `k_hop` for every family of Florence: `florence.edge_index`, `n = 15`, $k = 1, 2, 3, \dots$ Which
#    families are the first to reach all 14 others? Are the richest ones in `graphs.FAMILIES` among them?
# 2. **A day in the city.** Make a dynamic graph: six nodes, and for each of three hours its own `edge_index`. Run one round per hour
#    with `torch.eye(6)` as the start. Then run the hours in the reverse order. Who heard of whom, and why does the answer differ?
# 3. **Another aggregation.** Give every node the *product* of its messages (`torch.Tensor.scatter_reduce` has `"prod"`). Is it permutation
#    equivariant? What becomes of it with 100 messages around 0.5?
#
# ## How far are you?

# %% nbgrader={"grade": false, "grade_id": "progress_report", "locked": true, "schema_version": 3, "solution": false, "task": false}
progress()

# %% [markdown]
# ## References
#
# - W. W. Zachary, *An information flow model for conflict and fission in small groups*, Journal of Anthropological Research 33,
#   1977. The karate club, and why one member stayed. [doi:10.1086/jar.33.4.3629752](https://doi.org/10.1086/jar.33.4.3629752)
# - J. F. Padgett and C. K. Ansell, *Robust action and the rise of the Medici, 1400-1434*, American Journal of Sociology 98, 1993.
#   [doi:10.1086/230190](https://doi.org/10.1086/230190). The table of marriages is Padgett's, printed in R. L. Breiger and P. E. Pattison, *Cumulated social roles*,
#   Social Networks 8, 1986, [doi:10.1016/0378-8733(86)90006-7](https://doi.org/10.1016/0378-8733%2886%2990006-7); networkx ships it under the BSD licence.
# - National Library of Medicine, *PubChem: caffeine*, compound 2519, public domain. https://pubchem.ncbi.nlm.nih.gov/compound/2519
# - J. Gilmer, S. S. Schoenholz, P. F. Riley, O. Vinyals and G. E. Dahl, *Neural message passing for quantum chemistry*, ICML 2017.
#   The three steps of a round. [arXiv:1704.01212](https://arxiv.org/abs/1704.01212)
# - T. N. Kipf and M. Welling, *Semi-supervised classification with graph convolutional networks*, ICLR 2017. [arXiv:1609.02907](https://arxiv.org/abs/1609.02907)
# - W. L. Hamilton, R. Ying and J. Leskovec, *Inductive representation learning on large graphs*, NeurIPS 2017. GraphSAGE.
#   [arXiv:1706.02216](https://arxiv.org/abs/1706.02216)
# - K. Xu, W. Hu, J. Leskovec and S. Jegelka, *How powerful are graph neural networks?*, ICLR 2019. GIN, and what a mean cannot see.
#   [arXiv:1810.00826](https://arxiv.org/abs/1810.00826)
# - M. Fey and J. E. Lenssen, *Fast graph representation learning with PyTorch Geometric*, 2019. [arXiv:1903.02428](https://arxiv.org/abs/1903.02428)
# - T. M. J. Fruchterman and E. M. Reingold, *Graph drawing by force-directed placement*, Software: Practice and Experience 21, 1991. How
#   the pictures place their nodes. [doi:10.1002/spe.4380211102](https://doi.org/10.1002/spe.4380211102)
#
# **Next**: [9 · Learning on graphs](../09_gnn_training/09_gnn_training.ipynb), where the messages learn what to say; to read, *A gentle introduction to graph neural networks*, Distill, 2021, [doi:10.23915/distill.00033](https://doi.org/10.23915/distill.00033)

"""Known mistakes of notebook 08: each docstring is the sentence that helps whoever made it."""

# Written as students write, since each is also submitted as one: mypy and two rules of ruff ask for more.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.exercise import Misconception

__all__ = ["MISTAKES"]


# --- to_edge_index -------------------------------------------------------------------------------------


def edges_reversed(adjacency):
    """Your edges run backwards: the columns stand above the rows. Entry (i, j) is the edge i -> j, so i is the
    source and belongs in row 0."""
    return adjacency.nonzero().T.flip(0)


def edges_as_pairs(adjacency):
    """These are the right edges as a list of pairs, (E, 2). edge_index has two rows, sources above targets: turn it
    with .T."""
    return adjacency.nonzero()


def edges_upper_triangle(adjacency):
    """You kept one direction of each pair, as if i -> j and j -> i were one edge. Here they are two, and the matrix
    need not be symmetric: read all of it."""
    return torch.triu(adjacency).nonzero().T


def edges_equal_to_one(adjacency):
    """Only entries equal to 1 became edges. Weights such as 0.5, 2 or -1 are edges too: every entry that is not 0
    counts."""
    return (adjacency == 1).nonzero().T


def edges_by_target(adjacency):
    """The edges are right, their order is not: they are sorted by target. Sort by source first, as nonzero() finds
    them row by row."""
    return adjacency.T.nonzero().T.flip(0)


def edges_without_loops(adjacency):
    """The loops are gone. A non-zero entry on the diagonal is an edge of a node to itself, and it stays in the
    list."""
    found = adjacency.nonzero().T
    return found[:, found[0] != found[1]]


# --- degree --------------------------------------------------------------------------------------------


def degree_cut_short(index, n):
    """The list ends at the largest number in index, so isolated nodes behind it are missing. There are n nodes: use
    minlength=n."""
    return torch.bincount(index)


def degree_written_once(index, n):
    """A node that occurs three times was counted once: deg[index] += 1 writes each place a single time. Use
    torch.bincount, or index_add_, which adds up."""
    deg = torch.zeros(n, dtype=torch.int64, device=index.device)
    deg[index] += 1
    return deg


def degree_as_floats(index, n):
    """The counts are right, but they are floats. A degree is a whole number: return int64, as torch.bincount
    does."""
    return torch.bincount(index, minlength=n).float()


def degree_at_least_one(index, n):
    """Nodes without an edge got 1 here. Their degree is 0: a loop or a clamp belongs to what uses the degree, not in
    here."""
    return torch.bincount(index, minlength=n).clamp(min=1)


# --- add_self_loops ------------------------------------------------------------------------------------


def loops_for_everyone(edge_index, n):
    """Nodes that had a loop now have two, so they would hear themselves twice. Append a loop only where there is
    none."""
    nodes = torch.arange(n, device=edge_index.device)
    return torch.cat([edge_index, torch.stack([nodes, nodes])], dim=1)


def loops_moved_to_the_end(edge_index, n):
    """The old loops were taken out and all n put behind: the right graph, but the given edges must stay as they are,
    in their places, and only missing loops are appended."""
    edge_index = edge_index[:, edge_index[0] != edge_index[1]]
    nodes = torch.arange(n, device=edge_index.device)
    return torch.cat([edge_index, torch.stack([nodes, nodes])], dim=1)


def loops_for_known_nodes(edge_index, n):
    """Isolated nodes got no loop: you looked for nodes among the edges, and they do not occur there. The nodes are 0
    to n - 1."""
    looped = edge_index[0][edge_index[0] == edge_index[1]].tolist()
    nodes = [i for i in edge_index.unique().tolist() if i not in looped]
    new = torch.tensor([nodes, nodes], dtype=torch.int64, device=edge_index.device)
    return torch.cat([edge_index, new], dim=1)


def loops_in_front(edge_index, n):
    """The loops stand in front of the edges. Append them: the given edges first, then the loops, in the order of the
    nodes."""
    looped = edge_index[0][edge_index[0] == edge_index[1]].tolist()
    nodes = [i for i in range(n) if i not in looped]
    new = torch.tensor([nodes, nodes], dtype=torch.int64, device=edge_index.device)
    return torch.cat([new, edge_index], dim=1)


# --- gcn_norm ------------------------------------------------------------------------------------------


def norm_of_the_sources(edge_index, n):
    """You counted the edges that leave a node. The degree here is that of the target row: the edges that enter,
    looped[1]. On a symmetric graph nobody would notice."""
    keep = edge_index[0] != edge_index[1]
    nodes = torch.arange(n, device=edge_index.device)
    looped = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    scale = torch.bincount(looped[0], minlength=n).float() ** -0.5
    return looped, scale[looped[0]] * scale[looped[1]]


def norm_degree_before_loops(edge_index, n):
    """The degree was counted before the loops were added, so each is one too small, and isolated nodes divide by 0.
    Add the loops first, then count."""
    keep = edge_index[0] != edge_index[1]
    nodes = torch.arange(n, device=edge_index.device)
    looped = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    scale = torch.bincount(edge_index[1], minlength=n).float() ** -0.5
    scale[scale == float("inf")] = 0
    return looped, scale[looped[0]] * scale[looped[1]]


def norm_of_a_mean(edge_index, n):
    """These weights are 1 / d of the target: a plain mean. The symmetric norm shares it between both ends: 1 /
    sqrt(d_i d_j)."""
    keep = edge_index[0] != edge_index[1]
    nodes = torch.arange(n, device=edge_index.device)
    looped = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    return looped, 1 / torch.bincount(looped[1], minlength=n).float()[looped[1]]


def norm_without_loops(edge_index, n):
    """No loops were added. Without its loop a node forgets its own features, and an isolated one divides by a degree
    of 0."""
    scale = torch.bincount(edge_index[1], minlength=n).float().clamp(min=1) ** -0.5
    return edge_index, scale[edge_index[0]] * scale[edge_index[1]]


def norm_without_root(edge_index, n):
    """These are 1 / (d_i d_j): the square root is missing. Each end contributes d to the power -1/2."""
    keep = edge_index[0] != edge_index[1]
    nodes = torch.arange(n, device=edge_index.device)
    looped = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    scale = 1 / torch.bincount(looped[1], minlength=n).float()
    return looped, scale[looped[0]] * scale[looped[1]]


def norm_double_loops(edge_index, n):
    """A node that had a loop got a second one, so its degree is one too large. Use your add_self_loops, which
    appends only the missing ones."""
    nodes = torch.arange(n, device=edge_index.device)
    looped = torch.cat([edge_index, torch.stack([nodes, nodes])], dim=1)
    scale = torch.bincount(looped[1], minlength=n).float() ** -0.5
    return looped, scale[looped[0]] * scale[looped[1]]


# --- scatter -------------------------------------------------------------------------------------------


def scatter_last_wins(messages, index, n, reduce):
    """Where several messages arrive, only one of them counted: out[index] += messages writes each place once. Use
    index_add_ or scatter_add_, which add up."""
    out = messages.new_zeros(n, messages.shape[1])
    if reduce == "max":
        place = index[:, None].expand(-1, messages.shape[1])
        return out.scatter_reduce(0, place, messages, "amax", include_self=False)
    out[index] += messages
    return out


def scatter_max_with_zero(messages, index, n, reduce):
    """Your maximum never falls below 0: the zeros you started from take part in it. Only messages compete:
    include_self=False."""
    place = index[:, None].expand(-1, messages.shape[1])
    out = messages.new_zeros(n, messages.shape[1])
    if reduce == "max":
        return out.scatter_reduce(0, place, messages, "amax", include_self=True)
    return out.scatter_reduce(0, place, messages, reduce, include_self=False)


def scatter_empty_is_infinite(messages, index, n, reduce):
    """Nodes that hear nothing got minus infinity, the maximum of nothing. By agreement an empty neighbourhood gives
    0."""
    place = index[:, None].expand(-1, messages.shape[1])
    if reduce == "max":
        out = torch.full((n, messages.shape[1]), -torch.inf, dtype=messages.dtype, device=messages.device)
        return out.scatter_reduce(0, place, messages, "amax")
    out = messages.new_zeros(n, messages.shape[1])
    return out.scatter_reduce(0, place, messages, reduce, include_self=False)


def scatter_empty_is_nan(messages, index, n, reduce):
    """Nodes that hear nothing got 0 / 0, which is nan. Divide by the count where it is positive: clamp(min=1) makes
    an empty mean 0."""
    place = index[:, None].expand(-1, messages.shape[1])
    out = messages.new_zeros(n, messages.shape[1])
    if reduce == "max":
        return out.scatter_reduce(0, place, messages, "amax", include_self=False)
    out = out.index_add(0, index, messages)
    return out if reduce == "sum" else out / torch.bincount(index, minlength=n)[:, None]


def scatter_mean_counts_a_zero(messages, index, n, reduce):
    """Your mean divides by one too many: the zero you started from was counted as a message. Divide the sum by the
    number of messages: include_self=False."""
    place = index[:, None].expand(-1, messages.shape[1])
    out = messages.new_zeros(n, messages.shape[1])
    if reduce == "mean":
        return out.scatter_reduce(0, place, messages, "mean", include_self=True)
    return out.scatter_reduce(0, place, messages, {"sum": "sum", "max": "amax"}[reduce], include_self=False)


def scatter_cut_short(messages, index, n, reduce):
    """The result ends at the last node that hears anything. It has n rows, also for nodes that nobody speaks to: do
    not take the size from index.max()."""
    n = int(index.max()) + 1 if len(index) else 0
    place = index[:, None].expand(-1, messages.shape[1])
    out = messages.new_zeros(n, messages.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.scatter_reduce(0, place, messages, how, include_self=False)


def scatter_always_sums(messages, index, n, reduce):
    """You sum whatever reduce says. "mean" divides by the number of messages that arrive, "max" takes the largest of
    each feature."""
    return messages.new_zeros(n, messages.shape[1]).index_add(0, index, messages)


# --- message_passing -----------------------------------------------------------------------------------


def passing_backwards(x, edge_index, message, reduce):
    """Your messages run against the edges: the targets speak and the sources listen. Row 0 speaks (j), row 1 listens
    (i): scatter by edge_index[1]."""
    target, source = edge_index
    out = message(x[target], x[source])
    place = target[:, None].expand(-1, out.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.new_zeros(len(x), out.shape[1]).scatter_reduce(0, place, out, how, include_self=False)


def passing_swapped_ends(x, edge_index, message, reduce):
    """The arguments of message are swapped. The first is x_i, the features of the target, the second x_j, those of
    the source: message(x[target], x[source])."""
    source, target = edge_index
    out = message(x[source], x[target])
    place = target[:, None].expand(-1, out.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.new_zeros(len(x), out.shape[1]).scatter_reduce(0, place, out, how, include_self=False)


def passing_to_the_source(x, edge_index, message, reduce):
    """The messages are right, but each goes back to its sender. It belongs to the node at the arrow's tip: scatter
    by the target, edge_index[1]."""
    source, target = edge_index
    out = message(x[target], x[source])
    place = source[:, None].expand(-1, out.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.new_zeros(len(x), out.shape[1]).scatter_reduce(0, place, out, how, include_self=False)


def passing_once_per_pair(x, edge_index, message, reduce):
    """An edge that occurs twice carried one message. Every column of edge_index is an edge of its own: two edges,
    two messages."""
    source, target = edge_index.unique(dim=1)
    out = message(x[target], x[source])
    place = target[:, None].expand(-1, out.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.new_zeros(len(x), out.shape[1]).scatter_reduce(0, place, out, how, include_self=False)


def passing_with_loops(x, edge_index, message, reduce):
    """Every node also heard itself: loops were added on the way. message_passing uses the edges it is given and adds
    none."""
    nodes = torch.arange(len(x), device=x.device)
    missing = nodes[~torch.isin(nodes, edge_index[0][edge_index[0] == edge_index[1]])]
    source, target = torch.cat([edge_index, torch.stack([missing, missing])], dim=1)
    out = message(x[target], x[source])
    place = target[:, None].expand(-1, out.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.new_zeros(len(x), out.shape[1]).scatter_reduce(0, place, out, how, include_self=False)


def passing_always_sums(x, edge_index, message, reduce):
    """You sum whatever reduce says. Hand it on: scatter(messages, target, n, reduce)."""
    source, target = edge_index
    out = message(x[target], x[source])
    return out.new_zeros(len(x), out.shape[1]).index_add(0, target, out)


def passing_without_loops(x, edge_index, message, reduce):
    """Loops were dropped. An edge from a node to itself carries a message like any other: keep every edge that you
    are given."""
    source, target = edge_index[:, edge_index[0] != edge_index[1]]
    out = message(x[target], x[source])
    place = target[:, None].expand(-1, out.shape[1])
    how = {"sum": "sum", "mean": "mean", "max": "amax"}[reduce]
    return out.new_zeros(len(x), out.shape[1]).scatter_reduce(0, place, out, how, include_self=False)


# --- gcn_layer -----------------------------------------------------------------------------------------


def gcn_backwards(x, edge_index, W, b):
    """Your messages run against the edges. Row 0 of edge_index speaks, row 1 listens: take the features at the
    source and scatter by the target."""
    n = len(x)
    nodes = torch.arange(n, device=x.device)
    keep = edge_index[0] != edge_index[1]
    target, source = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    scale = torch.bincount(target, minlength=n).to(x.dtype) ** -0.5
    h = (scale[target] * scale[source])[:, None] * (x @ W.T)[source]
    return torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h) + b


def gcn_plain_sum(x, edge_index, W, b):
    """The features were summed without weights, so nodes with many neighbours shout. Multiply every message with its
    weight from gcn_norm."""
    n = len(x)
    nodes = torch.arange(n, device=x.device)
    keep = edge_index[0] != edge_index[1]
    source, target = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    return torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, (x @ W.T)[source]) + b


def gcn_plain_mean(x, edge_index, W, b):
    """This is the mean over the neighbours: each message was divided by the target's degree alone. The weight of
    gcn_norm is 1 / sqrt(d_i d_j)."""
    n = len(x)
    nodes = torch.arange(n, device=x.device)
    keep = edge_index[0] != edge_index[1]
    source, target = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    count = torch.bincount(target, minlength=n)[:, None]
    total = torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, (x @ W.T)[source])
    return total / count + b


def gcn_without_loops(x, edge_index, W, b):
    """The nodes did not hear themselves: use the edges that gcn_norm returns, with the loops, not the ones you were
    given."""
    n = len(x)
    source, target = edge_index[:, edge_index[0] != edge_index[1]]
    scale = torch.bincount(target, minlength=n).clamp(min=1).to(x.dtype) ** -0.5
    h = (scale[target] * scale[source])[:, None] * (x @ W.T)[source]
    return torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h) + b


def gcn_bias_in_messages(x, edge_index, W, b):
    """The bias travelled with the messages, so it arrived as often as there are neighbours, and weighted. Add b once,
    after the messages are summed."""
    n = len(x)
    nodes = torch.arange(n, device=x.device)
    keep = edge_index[0] != edge_index[1]
    source, target = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    scale = torch.bincount(target, minlength=n).to(x.dtype) ** -0.5
    h = (scale[target] * scale[source])[:, None] * (x @ W.T + b)[source]
    return torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h)


def gcn_without_bias(x, edge_index, W, b):
    """The bias is missing. Add b at the end, once for every node: even an isolated one."""
    n = len(x)
    nodes = torch.arange(n, device=x.device)
    keep = edge_index[0] != edge_index[1]
    source, target = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    scale = torch.bincount(target, minlength=n).to(x.dtype) ** -0.5
    h = (scale[target] * scale[source])[:, None] * (x @ W.T)[source]
    return torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h)


def gcn_with_relu(x, edge_index, W, b):
    """The negative numbers became 0: a ReLU is already inside. The layer stops before the activation, so that the
    last one can give logits."""
    n = len(x)
    nodes = torch.arange(n, device=x.device)
    keep = edge_index[0] != edge_index[1]
    source, target = torch.cat([edge_index[:, keep], torch.stack([nodes, nodes])], dim=1)
    scale = torch.bincount(target, minlength=n).to(x.dtype) ** -0.5
    h = (scale[target] * scale[source])[:, None] * (x @ W.T)[source]
    return torch.relu(torch.zeros(n, len(W), dtype=x.dtype, device=x.device).index_add(0, target, h) + b)


# --- sage_layer ----------------------------------------------------------------------------------------


def sage_backwards(x, edge_index, W_self, W_neigh, b):
    """Your messages run against the edges. Row 0 of edge_index speaks, row 1 listens: average the sources of the
    edges that enter a node."""
    target, source = edge_index
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    mean = torch.zeros_like(x).index_add(0, target, x[source]) / count
    return x @ W_self.T + mean @ W_neigh.T + b


def sage_sums(x, edge_index, W_self, W_neigh, b):
    """The neighbours were summed. GraphSAGE averages them, so that a node with many neighbours is not louder: divide
    by their number."""
    source, target = edge_index
    return x @ W_self.T + torch.zeros_like(x).index_add(0, target, x[source]) @ W_neigh.T + b


def sage_hears_itself(x, edge_index, W_self, W_neigh, b):
    """The node's own features went into the mean as well: loops were added. They have W_self for themselves, and the
    mean is over the given edges alone."""
    nodes = torch.arange(len(x), device=x.device)
    missing = nodes[~torch.isin(nodes, edge_index[0][edge_index[0] == edge_index[1]])]
    source, target = torch.cat([edge_index, torch.stack([missing, missing])], dim=1)
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    mean = torch.zeros_like(x).index_add(0, target, x[source]) / count
    return x @ W_self.T + mean @ W_neigh.T + b


def sage_swapped_weights(x, edge_index, W_self, W_neigh, b):
    """The two matrices are swapped: W_self belongs to the node's own features, W_neigh to the mean of its
    neighbours."""
    source, target = edge_index
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    mean = torch.zeros_like(x).index_add(0, target, x[source]) / count
    return x @ W_neigh.T + mean @ W_self.T + b


def sage_forgets_itself(x, edge_index, W_self, W_neigh, b):
    """The node's own features are missing: this is the neighbours' part alone. Add x @ W_self.T."""
    source, target = edge_index
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    return (torch.zeros_like(x).index_add(0, target, x[source]) / count) @ W_neigh.T + b


def sage_empty_is_nan(x, edge_index, W_self, W_neigh, b):
    """Nodes without a neighbour got nan, from 0 / 0. The mean of no neighbours is 0, and the node keeps its own
    part: your scatter does that."""
    source, target = edge_index
    mean = torch.zeros_like(x).index_add(0, target, x[source]) / torch.bincount(target, minlength=len(x))[:, None]
    return x @ W_self.T + mean @ W_neigh.T + b


def sage_without_bias(x, edge_index, W_self, W_neigh, b):
    """The bias is missing. Add b once at the end, to both parts together."""
    source, target = edge_index
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    mean = torch.zeros_like(x).index_add(0, target, x[source]) / count
    return x @ W_self.T + mean @ W_neigh.T


# --- gin_layer -----------------------------------------------------------------------------------------


def gin_backwards(x, edge_index, mlp, eps):
    """Your messages run against the edges. Row 0 of edge_index speaks, row 1 listens: sum the sources of the edges
    that enter a node."""
    target, source = edge_index
    return mlp((1 + eps) * x + torch.zeros_like(x).index_add(0, target, x[source]))


def gin_without_eps(x, edge_index, mlp, eps):
    """eps has no effect: this is x plus the sum. The own features count (1 + eps) times."""
    source, target = edge_index
    return mlp(x + torch.zeros_like(x).index_add(0, target, x[source]))


def gin_eps_alone(x, edge_index, mlp, eps):
    """The own features were multiplied with eps, so at eps = 0 the node forgets itself. The factor is 1 + eps."""
    source, target = edge_index
    return mlp(eps * x + torch.zeros_like(x).index_add(0, target, x[source]))


def gin_means(x, edge_index, mlp, eps):
    """The neighbours were averaged. GIN sums them: only a sum can tell two equal neighbours from one."""
    source, target = edge_index
    count = torch.bincount(target, minlength=len(x)).clamp(min=1)[:, None]
    return mlp((1 + eps) * x + torch.zeros_like(x).index_add(0, target, x[source]) / count)


def gin_mlp_first(x, edge_index, mlp, eps):
    """Every node went through the mlp before the sum. Sum first, (1 + eps) x + the neighbours, and send the result
    through the mlp once."""
    source, target = edge_index
    h = mlp(x)
    return (1 + eps) * h + torch.zeros_like(h).index_add(0, target, h[source])


def gin_hears_itself(x, edge_index, mlp, eps):
    """Loops were added, so the own features arrived once more. The 1 in (1 + eps) is that loop already: sum over the
    given edges alone."""
    nodes = torch.arange(len(x), device=x.device)
    missing = nodes[~torch.isin(nodes, edge_index[0][edge_index[0] == edge_index[1]])]
    source, target = torch.cat([edge_index, torch.stack([missing, missing])], dim=1)
    return mlp((1 + eps) * x + torch.zeros_like(x).index_add(0, target, x[source]))


def gin_without_mlp(x, edge_index, mlp, eps):
    """The sum is right, but it never went through the mlp. Return mlp(...) of it."""
    source, target = edge_index
    return (1 + eps) * x + torch.zeros_like(x).index_add(0, target, x[source])


# --- k_hop ---------------------------------------------------------------------------------------------


def hops_forwards(edge_index, node, k, n):
    """These are the nodes that this node can reach. Asked are those that can reach it: walk the edges backwards, from
    target to source."""
    source, target = edge_index
    heard = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    heard[node] = True
    for _ in range(k):
        heard[target[heard[source]]] = True
    return heard.nonzero().ravel()


def hops_without_itself(edge_index, node, k, n):
    """The node itself is missing. It knows its own features from the beginning: a path of 0 steps counts as well."""
    source, target = edge_index
    heard = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    heard[node] = True
    for _ in range(k):
        heard[source[heard[target]]] = True
    heard[node] = False
    return heard.nonzero().ravel()


def hops_exactly(edge_index, node, k, n):
    """These are the nodes at the end of walks of exactly k steps. At most k steps are asked: keep everyone you have
    already found."""
    source, target = edge_index
    heard = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    heard[node] = True
    for _ in range(k):
        now = torch.zeros_like(heard)
        now[source[heard[target]]] = True
        heard = now
    return heard.nonzero().ravel()


def hops_one_too_many(edge_index, node, k, n):
    """You walked one step too far: after k rounds only paths of k edges or fewer have arrived."""
    source, target = edge_index
    heard = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    heard[node] = True
    for _ in range(k + 1):
        heard[source[heard[target]]] = True
    return heard.nonzero().ravel()


def hops_both_ways(edge_index, node, k, n):
    """You walked the edges in both directions. A message only runs along an edge: from the node back to the sources
    of the edges that enter it."""
    source, target = edge_index
    heard = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    heard[node] = True
    for _ in range(k):
        found = torch.cat([source[heard[target]], target[heard[source]]])
        heard[found] = True
    return heard.nonzero().ravel()


def hops_only_one(edge_index, node, k, n):
    """You stop after one step, whatever k is. Repeat it k times, each time from everyone found so far."""
    source, target = edge_index
    heard = torch.zeros(n, dtype=torch.bool, device=edge_index.device)
    heard[node] = True
    if k > 0:
        heard[source[target == node]] = True
    return heard.nonzero().ravel()


_BY_EXERCISE: dict[str, tuple[Callable[..., Any], ...]] = {
    "to_edge_index": (
        edges_reversed,
        edges_as_pairs,
        edges_upper_triangle,
        edges_equal_to_one,
        edges_by_target,
        edges_without_loops,
    ),
    "degree": (degree_cut_short, degree_written_once, degree_as_floats, degree_at_least_one),
    "add_self_loops": (loops_for_everyone, loops_moved_to_the_end, loops_for_known_nodes, loops_in_front),
    "gcn_norm": (
        norm_of_the_sources,
        norm_degree_before_loops,
        norm_of_a_mean,
        norm_without_loops,
        norm_without_root,
        norm_double_loops,
    ),
    "scatter": (
        scatter_last_wins,
        scatter_max_with_zero,
        scatter_empty_is_infinite,
        scatter_empty_is_nan,
        scatter_mean_counts_a_zero,
        scatter_cut_short,
        scatter_always_sums,
    ),
    "message_passing": (
        passing_backwards,
        passing_swapped_ends,
        passing_to_the_source,
        passing_once_per_pair,
        passing_with_loops,
        passing_always_sums,
        passing_without_loops,
    ),
    "gcn_layer": (
        gcn_backwards,
        gcn_plain_sum,
        gcn_plain_mean,
        gcn_without_loops,
        gcn_bias_in_messages,
        gcn_without_bias,
        gcn_with_relu,
    ),
    "sage_layer": (
        sage_backwards,
        sage_sums,
        sage_hears_itself,
        sage_swapped_weights,
        sage_forgets_itself,
        sage_empty_is_nan,
        sage_without_bias,
    ),
    "gin_layer": (
        gin_backwards,
        gin_without_eps,
        gin_eps_alone,
        gin_means,
        gin_mlp_first,
        gin_hears_itself,
        gin_without_mlp,
    ),
    "k_hop": (hops_forwards, hops_without_itself, hops_exactly, hops_one_too_many, hops_both_ways, hops_only_one),
}
MISTAKES = {name: tuple(map(Misconception.of, wrongs)) for name, wrongs in _BY_EXERCISE.items()}

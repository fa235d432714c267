"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "to_edge_index": """
def to_edge_index(adjacency):
    n = len(adjacency)
    pairs = []
    for i in range(n):
        for j in range(n):
            if adjacency[i, j] != 0:
                pairs.append((i, j))
    return torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T
""",
    "degree": """
def degree(index, n):
    counts = [0] * n
    for node in index.tolist():
        counts[node] += 1
    print(counts)
    return torch.tensor(counts)
""",
    "add_self_loops": """
def add_self_loops(edge_index, n):
    pairs = [tuple(pair) for pair in edge_index.T.tolist()]
    for node in range(n):
        if (node, node) not in pairs:
            pairs.append((node, node))
    return torch.tensor(pairs).T
""",
    "scatter": """
def scatter(messages, index, n, reduce):
    out = torch.zeros(n, messages.shape[1], dtype=messages.dtype)
    for node in range(n):
        mine = messages[index == node]
        if len(mine) == 0:
            continue
        if reduce == "sum":
            out[node] = mine.sum(dim=0)
        elif reduce == "mean":
            out[node] = mine.mean(dim=0)
        else:
            out[node] = mine.max(dim=0).values
    return out
""",
    "message_passing": """
def message_passing(x, edge_index, message, reduce):
    sources = edge_index[0]
    targets = edge_index[1]
    carried = message(x[targets], x[sources])
    rows = []
    for node in range(x.shape[0]):
        mine = carried[targets == node]
        if len(mine) == 0:
            rows.append(torch.zeros(carried.shape[1:], dtype=carried.dtype))
        elif reduce == "sum":
            rows.append(mine.sum(0))
        elif reduce == "mean":
            rows.append(mine.mean(0))
        elif reduce == "max":
            rows.append(mine.amax(0))
    return torch.stack(rows)
""",
    "k_hop": """
def k_hop(edge_index, node, k, n):
    enters = {}
    for a, b in edge_index.T.tolist():
        enters.setdefault(b, set()).add(a)
    known = {node}
    frontier = {node}
    while k > 0 and frontier:
        frontier = {a for b in frontier for a in enters.get(b, ())} - known
        known |= frontier
        k -= 1
    return sorted(known)
""",
    "gcn_norm": """
import math

def gcn_norm(edge_index, n):
    pairs = [pair for pair in edge_index.T.tolist() if pair[0] != pair[1]]
    pairs = [[i, i] for i in range(n)] + pairs
    d = [0] * n
    for j, i in pairs:
        d[i] += 1
    weights = [1 / math.sqrt(d[i] * d[j]) for j, i in pairs]
    return [torch.tensor(pairs).T, torch.tensor(weights)]
""",
    "gcn_layer": """
def gcn_layer(x, edge_index, W, b):
    n = x.shape[0]
    hears = [[i] for i in range(n)]
    for j, i in edge_index.T.tolist():
        if i != j:
            hears[i].append(j)
    rows = []
    for i in range(n):
        total = 0
        for j in hears[i]:
            total = total + W @ x[j] / (len(hears[i]) * len(hears[j])) ** 0.5
        rows.append(total + b)
    return torch.stack(rows)
""",
    "sage_layer": """
def sage_layer(x, edge_index, W_self, W_neigh, b):
    rows = []
    for i in range(len(x)):
        row = W_self @ x[i] + b
        hears = edge_index[0][edge_index[1] == i]
        if len(hears) > 0:
            row = row + W_neigh @ x[hears].mean(dim=0)
        rows.append(row)
    return torch.stack(rows)
""",
    "gin_layer": """
def gin_layer(x, edge_index, mlp, eps):
    h = [(1 + eps) * row for row in x]
    for source, target in zip(*edge_index.tolist()):
        h[target] = h[target] + x[source]
    return mlp(torch.stack(h))
""",
}

OTHER_FORMULA = {
    "to_edge_index": """
to_edge_index = lambda matrix: torch.stack(torch.where(matrix.bool()))
""",
    "degree": """
def degree(index, n):
    return torch.nn.functional.one_hot(index, num_classes=n).sum(0)
""",
    "add_self_loops": '''
def add_self_loops(edges: torch.Tensor, count: int) -> torch.Tensor:
    """Loops among the edges have source - target = 0."""
    everyone = torch.arange(count)
    looped = edges[0, edges[0] - edges[1] == 0]
    rest = everyone[torch.isin(everyone, looped, invert=True)]
    return torch.hstack((edges, rest.repeat(2, 1)))
''',
    "scatter": """
def scatter(values, index, n, how):
    member = index[None, :] == torch.arange(n)[:, None]
    if how == "max":
        if len(index) == 0:
            return values.new_zeros(n, values.shape[1])
        spread = torch.where(member[:, :, None], values[None], -torch.inf).amax(dim=1)
        return torch.nan_to_num(spread, neginf=0.0)
    total = member.to(values.dtype) @ values
    return total if how == "sum" else total / torch.clamp(member.sum(1, keepdim=True), min=1)
""",
    "message_passing": """
import functools

def message_passing(nodes, arrows, say, reduce):
    j, i = arrows.unbind(0)
    said = say(torch.index_select(nodes, 0, i), torch.index_select(nodes, 0, j))
    empty = torch.zeros((nodes.size(0), said.size(-1)), dtype=said.dtype)
    index = i.unsqueeze(-1).repeat(1, said.size(-1))
    gather = functools.partial(torch.scatter_reduce, empty, 0, index, said, include_self=False)
    return gather(reduce={"sum": "sum", "mean": "mean", "max": "amax"}[reduce])
""",
    "k_hop": """
def k_hop(edge_index, node, k, n):
    A = torch.eye(n, dtype=torch.float64)
    A[edge_index[1], edge_index[0]] = 1
    v = torch.nn.functional.one_hot(torch.tensor(node), n).double()
    for _ in range(k):
        v = torch.clamp(v @ A, max=1)
    return torch.nonzero(v).flatten()
""",
    "gcn_norm": """
def gcn_norm(edge_index, n):
    off = edge_index[:, edge_index[0].ne(edge_index[1])]
    all_edges = torch.cat((torch.arange(n).repeat(2, 1), off), 1)
    D = torch.zeros(n).index_add(0, all_edges[1], torch.ones(all_edges.shape[1]))
    return all_edges, torch.rsqrt(D[all_edges[0]] * D[all_edges[1]])
""",
    "gcn_layer": """
def gcn_layer(x, edge_index, W, b):
    n = x.shape[0]
    A = torch.zeros(n, n, dtype=x.dtype).index_put((edge_index[1], edge_index[0]), torch.ones((), dtype=x.dtype), True)
    A.fill_diagonal_(1)
    D = torch.diag(A.sum(dim=1).pow(-0.5))
    return torch.linalg.multi_dot([D, A, D, x, W.t()]) + b
""",
    "sage_layer": """
def sage_layer(x, edge_index, W_self, W_neigh, b):
    A = torch.zeros(len(x), len(x), dtype=x.dtype)
    A = A.index_put((edge_index[1], edge_index[0]), torch.ones((), dtype=x.dtype), accumulate=True)
    A = A / A.sum(1, keepdim=True).clamp(min=1)
    return torch.nn.functional.linear(torch.hstack([x, A @ x]), torch.hstack([W_self, W_neigh]), b)
""",
    "gin_layer": """
def gin_layer(x, edge_index, mlp, eps):
    ones = torch.ones(edge_index.shape[1], dtype=x.dtype)
    M = torch.sparse_coo_tensor(edge_index.flip(0), ones, (len(x), len(x))).to_dense()
    return mlp((M + (1 + eps) * torch.eye(len(x), dtype=x.dtype)) @ x)
""",
}

STYLES: dict[str, dict[str, str]] = {"loops": LOOPS, "other formula": OTHER_FORMULA}

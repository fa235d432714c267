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
    "GCNConv": """
class GCNConv(MessagePassing):
    def __init__(self, in_channels, out_channels):
        super().__init__(aggr="sum")
        self.lin = torch.nn.Linear(in_channels, out_channels, bias=False)
        self.bias = torch.nn.Parameter(torch.zeros(out_channels))

    def forward(self, x, edge_index):
        pairs = [pair for pair in edge_index.T.tolist() if pair[0] != pair[1]]
        for node in range(x.size(0)):
            pairs.append([node, node])
        count = [0] * x.size(0)
        for _, target in pairs:
            count[target] += 1
        norm = [(count[j] * count[i]) ** -0.5 for j, i in pairs]
        out = self.propagate(torch.tensor(pairs).T, x=x, norm=torch.tensor(norm, dtype=x.dtype))
        return self.lin(out) + self.bias

    def message(self, x_j, norm):
        return norm.view(-1, 1) * x_j
""",
    "build_gcn": """
def build_gcn(features, hidden, classes):
    class Layer(torch.nn.Module):
        def __init__(self, a, b):
            super().__init__()
            self.lin = torch.nn.Linear(a, b)

        def forward(self, x, edge_index):
            A = torch.eye(len(x)).index_put((edge_index[1], edge_index[0]), torch.tensor(1.0), accumulate=True)
            d = A.sum(1) ** -0.5
            return self.lin(d[:, None] * (A @ (d[:, None] * x)))

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList([Layer(features, hidden), Layer(hidden, classes)])
            self.drop = torch.nn.Dropout(0.5)

        def forward(self, x, edge_index):
            for i, layer in enumerate(self.layers):
                if i > 0:
                    x = self.drop(torch.nn.functional.elu(x))
                x = layer(x, edge_index)
            return torch.log_softmax(x, dim=1)

    return Net()
""",
    "train_nodes": """
def train_nodes(model, data, epochs, lr, weight_decay):
    nodes = [i for i in range(len(data.y)) if data.train_mask[i]]
    opt = torch.optim.AdamW(model.parameters(), lr, weight_decay=weight_decay)
    for epoch in range(epochs):
        model.train()
        out = model(data.x, data.edge_index)
        loss = 0
        for i in nodes:
            loss = loss - torch.log_softmax(out[i], 0)[data.y[i]] / len(nodes)
        loss.backward()
        opt.step()
        opt.zero_grad()
        if epoch % 50 == 0:
            print(epoch, loss)
    model.eval()
    return model
""",
    "gat_layer": """
import math

def gat_layer(x, edge_index, W, a_src, a_dst, negative_slope=0.2):
    n, heads, width = len(x), len(a_src), a_src.shape[1]
    hears = [[i] for i in range(n)]
    for j, i in edge_index.T.tolist():
        if i != j:
            hears[i].append(j)
    h = (x @ W.T).reshape(n, heads, width)
    rows = []
    for i in range(n):
        parts = []
        for k in range(heads):
            e = torch.stack([(h[j, k] * a_src[k]).sum() + (h[i, k] * a_dst[k]).sum() for j in hears[i]])
            p = torch.softmax(torch.where(e > 0, e, negative_slope * e), dim=0)
            parts.append(sum(p[m] * h[j, k] for m, j in enumerate(hears[i])))
        rows.append(torch.cat(parts))
    return torch.stack(rows)
""",
    "dirichlet_energy": """
def dirichlet_energy(x, edge_index):
    total = 0.0
    for j, i in edge_index.T.tolist():
        for f in range(x.shape[1]):
            total += float(x[i, f] - x[j, f]) ** 2
    return total / 2
""",
    "global_pool": """
def global_pool(x, batch, reduce):
    rows = []
    for g in range(max(batch.tolist()) + 1):
        mine = x[batch == g]
        if not len(mine):
            rows.append(torch.zeros_like(x[0]))
        else:
            rows.append({"sum": mine.sum(0), "mean": mine.mean(0), "max": mine.max(0)[0]}[reduce])
    return torch.stack(rows)
""",
    "negative_edges": """
def negative_edges(edge_index, n, count, generator):
    taken = set(map(tuple, edge_index.T.tolist()))
    pairs = []
    while len(pairs) < count:
        u, v = torch.randint(n, (2,), generator=generator).tolist()
        if u != v and (u, v) not in taken:
            pairs.append((u, v))
    return torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).T
""",
    "link_scores": """
def link_scores(z, edges):
    scores = []
    for u, v in zip(edges[0], edges[1]):
        scores.append(torch.dot(z[u], z[v]))
    return torch.stack(scores) if scores else z.new_zeros(0)
""",
    "link_loss": """
def link_loss(pos, neg):
    total = 0
    for s in pos:
        total = total + (torch.log1p(torch.exp(-s)) if s > 0 else -s + torch.log1p(torch.exp(s)))
    for s in neg:
        total = total + (torch.log1p(torch.exp(s)) if s < 0 else s + torch.log1p(torch.exp(-s)))
    return total / (len(pos) + len(neg))
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
    "GCNConv": """
def GCNConv(channels_in, channels_out):
    from torch_geometric.nn import MessagePassing
    from torch_geometric.utils import add_remaining_self_loops, degree

    class Convolution(MessagePassing):
        def __init__(self):
            super().__init__()
            self.W = torch.nn.Parameter(torch.randn(channels_out, channels_in) / channels_in**0.5)
            self.b = torch.nn.Parameter(torch.zeros(channels_out))

        def forward(self, x, edge_index):
            edges, _ = add_remaining_self_loops(edge_index, num_nodes=x.size(0))
            scale = degree(edges[1], x.size(0), x.dtype).rsqrt()[:, None]
            return scale * self.propagate(edges, x=scale * torch.nn.functional.linear(x, self.W)) + self.b

    return Convolution()
""",
    "build_gcn": """
def build_gcn(features, hidden, classes):
    import torch_geometric.nn as pyg

    class Round(pyg.MessagePassing):
        def __init__(self, a, b):
            super().__init__(aggr="mean")
            self.lin = torch.nn.Linear(a, b)

        def forward(self, x, edge_index):
            loops = torch.arange(len(x)).expand(2, -1)
            return self.lin(self.propagate(torch.hstack([edge_index, loops]), x=x))

    return pyg.Sequential(
        "x, edge_index",
        [
            (Round(features, hidden), "x, edge_index -> x"),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.3),
            (Round(hidden, classes), "x, edge_index -> x"),
        ],
    )
""",
    "train_nodes": """
def train_nodes(model, data, epochs, lr, weight_decay):
    known = torch.nonzero(data.train_mask).flatten()
    optimizer = torch.optim.Adam([{"params": list(model.parameters()), "weight_decay": weight_decay}], lr=lr)

    def closure():
        optimizer.zero_grad(set_to_none=True)
        scores = model.train()(data.x, data.edge_index).index_select(0, known).log_softmax(-1)
        value = torch.nn.functional.nll_loss(scores, data.y.index_select(0, known))
        value.backward()
        return value

    losses = [float(optimizer.step(closure)) for _ in range(epochs)]
    return model
""",
    "gat_layer": """
def gat_layer(x, edges, W, a_src, a_dst, negative_slope=0.2):
    n, (heads, width) = x.size(0), a_src.size()
    count = torch.zeros(n, n, dtype=x.dtype).index_put((edges[1], edges[0]), torch.ones((), dtype=x.dtype), True)
    count.fill_diagonal_(1)
    h = torch.einsum("nd,hfd->hnf", x, W.reshape(heads, width, -1))
    score = torch.einsum("hnf,hf->hn", h, a_dst)[:, :, None] + torch.einsum("hnf,hf->hn", h, a_src)[:, None, :]
    score = torch.nn.functional.leaky_relu(score, negative_slope) + torch.log(count)
    return torch.einsum("hij,hjf->ihf", torch.softmax(score, dim=-1), h).reshape(n, heads * width)
""",
    "dirichlet_energy": """
def dirichlet_energy(x, edge_index):
    A = torch.zeros(len(x), len(x), dtype=x.dtype)
    A = A.index_put((edge_index[0], edge_index[1]), torch.ones((), dtype=x.dtype), accumulate=True)
    A = (A + A.T) / 2
    return torch.trace(x.T @ (torch.diag(A.sum(1)) - A) @ x)
""",
    "global_pool": """
def global_pool(x, batch, reduce):
    order = batch.argsort(stable=True)
    sizes = torch.bincount(batch)
    groups = torch.split(x[order], sizes.tolist())
    pool = getattr(torch, {"sum": "sum", "mean": "mean", "max": "amax"}[reduce])
    return torch.vstack([pool(rows, 0) if len(rows) else torch.zeros(x.shape[1], dtype=x.dtype) for rows in groups])
""",
    "negative_edges": """
def negative_edges(edge_index, n, count, generator):
    weight = torch.ones(n, n)
    weight[edge_index[0], edge_index[1]] = 0
    weight.fill_diagonal_(0)
    flat = torch.multinomial(weight.flatten(), count, replacement=True, generator=generator)
    return torch.stack([torch.div(flat, n, rounding_mode="floor"), flat % n])
""",
    "link_scores": """
link_scores = lambda z, pairs: torch.einsum("mf,mf->m", *z[pairs])
""",
    "link_loss": """
def link_loss(pos, neg):
    scores, labels = torch.cat([pos, neg]), torch.cat([torch.ones_like(pos), torch.zeros_like(neg)])
    return torch.nn.functional.binary_cross_entropy_with_logits(scores, labels)
""",
}

STYLES: dict[str, dict[str, str]] = {"loops": LOOPS, "other formula": OTHER_FORMULA}

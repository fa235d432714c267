"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "magnitude_mask": """
def magnitude_mask(w, sparsity):
    flat = w.abs().reshape(-1).tolist()
    count = math.floor(sparsity * len(flat) + 0.5)
    mask = [True] * len(flat)
    for place in sorted(range(len(flat)), key=lambda i: flat[i])[:count]:
        mask[place] = False
    print("pruned", count, "weights")
    return torch.tensor(mask, device=w.device).reshape(w.shape)
""",
    "sparsity": """
def sparsity(weights):
    zeros = total = 0
    for w in weights:
        for value in w.reshape(-1).tolist():
            total += 1
            if value == 0:
                zeros += 1
    return zeros / total
""",
    "global_masks": """
def global_masks(weights, sparsity):
    everything = []
    for layer, w in enumerate(weights):
        for place, value in enumerate(w.abs().reshape(-1).tolist()):
            everything.append((value, -layer, -place))
    everything.sort()
    masks = [torch.ones(w.numel(), dtype=torch.bool) for w in weights]
    for _, layer, place in everything[: math.floor(sparsity * len(everything) + 0.5)]:
        masks[-layer][-place] = False
    return tuple(mask.view(w.shape) for mask, w in zip(masks, weights))
""",
    "sensitivity": """
def sensitivity(evaluate, weights, sparsities):
    table = []
    for layer in range(len(weights)):
        table.append([])
        for share in sparsities:
            copies = [w.clone() for w in weights]
            flat = copies[layer].view(-1)
            gone = flat.abs().sort().indices[: math.floor(share * flat.numel() + 0.5)]
            for place in gone.tolist():
                flat[place] = 0.0
            table[layer].append(evaluate(copies))
    return table
""",
    "cubic_schedule": """
def cubic_schedule(step, start, end, initial, final):
    if step <= start:
        return initial
    if step >= end:
        return final
    left = (end - step) / (end - start)
    return final - (final - initial) * left * left * left
""",
    "prune_and_finetune": """
def prune_and_finetune(model, data, sparsity):
    x, labels = data
    new = copy.deepcopy(model)
    named = {name: p for name, p in new.named_parameters() if p.ndim >= 2}
    optimizer = torch.optim.SGD(new.parameters(), lr=0.2, momentum=0.9)
    masks = {}
    for round in range(4):
        share = sparsity * (1 - (1 - (round + 1) / 4) ** 3)
        sizes = torch.cat([p.detach().abs().flatten() for p in named.values()])
        count = math.floor(share * len(sizes) + 0.5)
        everything = torch.ones(len(sizes))
        everything[sizes.argsort()[:count]] = 0
        start = 0
        for name, p in named.items():
            masks[name] = everything[start : start + p.numel()].view_as(p)
            start += p.numel()
            p.data.mul_(masks[name])
        for epoch in range(3 if round < 3 else 8):
            for group in optimizer.param_groups:
                group["lr"] = 0.1 if round < 3 else 0.1 * (1 - epoch / 8)
            for rows in torch.randperm(len(labels)).split(50):
                new.zero_grad()
                torch.nn.CrossEntropyLoss()(new(x[rows]), labels[rows]).backward()
                optimizer.step()
                for name, p in named.items():
                    p.data.mul_(masks[name])
    return new
""",
    "to_csr": """
def to_csr(w):
    values, columns, pointers = [], [], [0]
    for row in w:
        for j in range(len(row)):
            if row[j] != 0:
                values.append(row[j])
                columns.append(j)
        pointers.append(len(columns))
    values = torch.stack(values) if values else w.new_zeros(0)
    return values, torch.tensor(columns, dtype=torch.int64), torch.tensor(pointers)
""",
    "csr_matvec": """
def csr_matvec(csr, x):
    values, columns, pointers = csr
    out = x.new_zeros(pointers.shape[0] - 1)
    for i in range(out.shape[0]):
        for j in range(int(pointers[i]), int(pointers[i + 1])):
            out[i] += values[j] * x[columns[j]]
    return out
""",
    "model_bytes": """
def model_bytes(weights, masks, bits, index_bits):
    total = 0
    for i in range(len(weights)):
        if masks[i] is None:
            for _ in range(weights[i].numel()):
                total += bits
        else:
            for stays in masks[i].reshape(-1).tolist():
                if stays:
                    total += bits + index_bits
    return math.ceil(total / 8)
""",
    "n_m_mask": """
def n_m_mask(w, n=2, m=4):
    if w.shape[1] % m:
        raise ValueError("the inputs must fill groups of " + str(m))
    mask = torch.zeros(w.shape, dtype=torch.bool, device=w.device)
    rows, marks = w.reshape(w.shape[0], w.shape[1], -1), mask.view(w.shape[0], w.shape[1], -1)
    for o in range(rows.shape[0]):
        for k in range(rows.shape[2]):
            for start in range(0, rows.shape[1], m):
                group = rows[o, start : start + m, k].abs().tolist()
                for place in sorted(range(m), key=lambda i: -group[i])[:n]:
                    marks[o, start + place, k] = True
    return mask
""",
    "channel_importance": """
def channel_importance(w):
    out = w.new_zeros(w.shape[0])
    for c in range(w.shape[0]):
        out[c] = sum(abs(value) for value in w[c].reshape(-1))
    return out
""",
    "prune_channels": """
def prune_channels(w1, b1, w2, keep):
    order = keep.tolist()
    return [
        torch.stack([w1[c] for c in order]),
        torch.stack([b1[c] for c in order]),
        torch.stack([w2[:, c] for c in order], dim=1),
    ]
""",
    "kmeans_share": """
def kmeans_share(w, clusters, iterations):
    flat = w.reshape(-1).tolist()
    low, high = min(flat), max(flat)
    book = [low + (high - low) * k / max(1, clusters - 1) for k in range(clusters)]

    def choose():
        return [min(range(clusters), key=lambda k: abs(value - book[k])) for value in flat]

    for _ in range(iterations):
        codes = choose()
        for k in range(clusters):
            mine = [value for value, code in zip(flat, codes) if code == k]
            if mine:
                book[k] = sum(mine) / len(mine)
    return torch.tensor(book, dtype=w.dtype), torch.tensor(choose()).reshape(w.shape)
""",
    "huffman_bits": """
def huffman_bits(symbols):
    counts = {}
    for symbol in symbols.reshape(-1).tolist():
        counts[symbol] = counts.get(symbol, 0) + 1
    nodes = [(count, [symbol]) for symbol, count in counts.items()]
    lengths = dict.fromkeys(counts, 0)
    if len(nodes) == 1:
        return len(symbols.reshape(-1))
    while len(nodes) > 1:
        nodes.sort(key=lambda node: node[0])
        (a, left), (b, right) = nodes[0], nodes[1]
        for symbol in left + right:
            lengths[symbol] += 1
        nodes = nodes[2:] + [(a + b, left + right)]
    return sum(counts[symbol] * lengths[symbol] for symbol in counts)
""",
    "low_rank": """
def low_rank(w, rank):
    left = w.double()
    us, vs = [], []
    for _ in range(rank):
        v = torch.linalg.eigh(left.T @ left).eigenvectors[:, -1]
        u = left @ v
        us.append(u)
        vs.append(v)
        left = left - torch.outer(u, v)
    return torch.stack(us, dim=1).to(w.dtype), torch.stack(vs).to(w.dtype)
""",
    "distillation_loss": """
def distillation_loss(student, teacher, labels, temperature, alpha):
    total = 0.0
    for n in range(student.shape[0]):
        s = torch.log_softmax(student[n] / temperature, 0)
        t = torch.log_softmax(teacher[n] / temperature, 0)
        soft = 0.0
        for c in range(student.shape[1]):
            soft = soft + t[c].exp() * (t[c] - s[c])
        hard = -torch.log_softmax(student[n], 0)[labels[n]]
        total = total + alpha * temperature ** 2 * soft + (1 - alpha) * hard
    return total / student.shape[0]
""",
}

OTHER = {
    "magnitude_mask": """
def magnitude_mask(w, sparsity):
    stay = w.numel() - int(sparsity * w.numel() + 0.5)
    chosen = torch.topk(w.abs().flatten(), stay).indices
    return torch.zeros(w.numel(), dtype=torch.bool).scatter(0, chosen, True).view_as(w)
""",
    "sparsity": """
def sparsity(weights):
    flat = torch.cat([torch.flatten(w) for w in weights])
    return 1 - float(torch.count_nonzero(flat)) / len(flat)
""",
    "global_masks": """
def global_masks(weights, sparsity):
    sizes = torch.cat([w.abs().reshape(-1) for w in weights])
    ranks = torch.empty(len(sizes), dtype=torch.int64)
    ranks[torch.argsort(sizes)] = torch.arange(len(sizes))
    alive = ranks >= int(len(sizes) * sparsity + 0.5)
    masks, start = [], 0
    for w in weights:
        masks.append(alive[start : start + w.numel()].reshape(w.shape))
        start += w.numel()
    return masks
""",
    "sensitivity": """
def sensitivity(evaluate, weights, sparsities):
    from functools import partial

    def pruned(w, share):
        stay = w.numel() - int(share * w.numel() + 0.5)
        chosen = torch.topk(w.abs().flatten(), stay).indices
        return w * torch.zeros(w.numel(), dtype=w.dtype).scatter(0, chosen, 1.0).view_as(w)

    def scored(layer, share):
        return evaluate([pruned(w, share) if i == layer else w for i, w in enumerate(weights)])

    return [list(map(partial(scored, layer), sparsities)) for layer, _ in enumerate(weights)]
""",
    "cubic_schedule": """
def cubic_schedule(step, start, end, initial, final):
    import numpy as np

    t = np.clip((step - start) / (end - start), 0, 1)
    return initial + (final - initial) * (3 * t - 3 * t**2 + t**3)
""",
    "prune_and_finetune": """
def prune_and_finetune(model, data, sparsity):
    new = copy.deepcopy(model)
    layers = [m for m in new.modules() if getattr(m, "weight", None) is not None and m.weight.dim() > 1]
    sizes = torch.cat([layer.weight.detach().abs().flatten() for layer in layers])
    threshold = sizes.sort().values[math.ceil(sparsity * len(sizes))]
    masks = [layer.weight.detach().abs() >= threshold for layer in layers]

    def forget(module):
        with torch.no_grad():
            for layer, mask in zip(layers, masks):
                layer.weight[~mask] = 0

    forget(new)
    training.fit(new, data, 12, 3e-3, schedule=training.cosine, after_step=forget, show=False)
    return new
""",
    "to_csr": """
def to_csr(w):
    rows, columns = torch.where(w != 0)
    return w[w != 0], columns, torch.searchsorted(rows, torch.arange(w.shape[0] + 1))
""",
    "csr_matvec": """
def csr_matvec(csr, x):
    values, columns, pointers = csr
    sums = torch.cat([x.new_zeros(1), torch.cumsum(values * x.take(columns), 0)])
    return sums[pointers[1:]] - sums[pointers[:-1]]
""",
    "model_bytes": """
def model_bytes(weights, masks, bits, index_bits):
    from fractions import Fraction

    dense = sum(w.numel() for w, mask in zip(weights, masks) if mask is None)
    stored = sum(torch.count_nonzero(mask).item() for mask in masks if mask is not None)
    return math.ceil(Fraction(dense * bits + stored * (bits + index_bits), 8))
""",
    "n_m_mask": """
def n_m_mask(w, n=2, m=4):
    groups, rest = divmod(w.shape[1], m)
    if rest:
        raise ValueError(f"a rest of {rest}")
    split = w.abs().unflatten(1, (groups, m))
    order = split.argsort(dim=2, descending=True)
    mask = torch.zeros_like(split, dtype=torch.bool)
    mask.scatter_(2, order.narrow(2, 0, n), torch.ones_like(order.narrow(2, 0, n), dtype=torch.bool))
    return mask.flatten(1, 2)
""",
    "channel_importance": """
def channel_importance(w):
    return torch.linalg.vector_norm(w, ord=1, dim=tuple(range(1, w.dim())))
""",
    "prune_channels": """
def prune_channels(w1, b1, w2, keep):
    chosen = torch.eye(len(b1), dtype=w1.dtype)[keep]
    return torch.tensordot(chosen, w1, 1), chosen @ b1, torch.einsum("kc,oc...->ok...", chosen, w2)
""",
    "kmeans_share": """
def kmeans_share(w, clusters, iterations):
    flat = w.flatten()
    book = torch.linspace(float(flat.min()), float(flat.max()), clusters, dtype=w.dtype)

    def nearest(book):
        return torch.searchsorted(((book[1:] + book[:-1]) / 2).contiguous(), flat.contiguous())

    for _ in range(iterations):
        member = torch.nn.functional.one_hot(nearest(book), clusters).to(w.dtype)
        count = member.sum(0)
        book = torch.where(count > 0, (member.T @ flat) / count.clamp(min=1), book)
    return book, nearest(book).reshape(w.shape)
""",
    "huffman_bits": """
def huffman_bits(symbols):
    from collections import deque

    counts = sorted(torch.unique(symbols, return_counts=True)[1].tolist())
    if len(counts) == 1:
        return counts[0]
    fresh, merged, bits = deque(counts), deque(), 0

    def rarest():
        if not merged or (fresh and fresh[0] <= merged[0]):
            return fresh.popleft()
        return merged.popleft()

    while len(fresh) + len(merged) > 1:
        merged.append(rarest() + rarest())
        bits += merged[-1]
    return bits
""",
    "low_rank": """
def low_rank(w, rank):
    values, vectors = torch.linalg.eigh(w.double() @ w.double().T)
    u = vectors[:, -rank:]
    return u.to(w.dtype), (u.T @ w.double()).to(w.dtype)
""",
    "distillation_loss": """
def distillation_loss(student, teacher, labels, temperature, alpha):
    from torch import nn

    soft = nn.KLDivLoss(reduction="sum", log_target=True)(
        nn.LogSoftmax(dim=-1)(student / temperature), nn.LogSoftmax(dim=-1)(teacher / temperature)
    )
    hard = student.logsumexp(dim=1) - student.gather(1, labels[:, None])[:, 0]
    return alpha * temperature * temperature * soft / len(student) + (1 - alpha) * hard.mean()
""",
}

STYLES = {"loops": LOOPS, "other formula": OTHER}

"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "rnn_cell": """
def rnn_cell(x, h, W_ih, W_hh, b_ih, b_hh):
    out = torch.empty(x.shape[0], W_hh.shape[0], dtype=x.dtype, device=x.device)
    for n in range(x.shape[0]):
        for i in range(W_hh.shape[0]):
            total = b_ih[i] + b_hh[i]
            for j in range(x.shape[1]):
                total = total + W_ih[i, j] * x[n, j]
            for j in range(h.shape[1]):
                total = total + W_hh[i, j] * h[n, j]
            out[n, i] = torch.tanh(total)
    print("one step of", x.shape[0], "sequences")
    return out
""",
    "rnn_forward": """
def rnn_forward(xs, h0, W_ih, W_hh, b_ih, b_hh):
    N, T, D = xs.shape
    hs = xs.new_empty(N, T, h0.shape[1])
    for n in range(N):
        h = h0[n]
        for t in range(T):
            h = torch.tanh(W_ih @ xs[n, t] + b_ih + W_hh @ h + b_hh)
            hs[n, t] = h
    return hs, hs[:, -1]
""",
    "rnn_cell_backward": """
def rnn_cell_backward(dh_next, x, h, h_next, W_ih, W_hh):
    dx, dh = torch.zeros_like(x), torch.zeros_like(h)
    dW_ih, dW_hh = torch.zeros_like(W_ih), torch.zeros_like(W_hh)
    db = torch.zeros_like(W_hh[:, 0])
    for n in range(len(x)):
        for i in range(len(W_hh)):
            da = dh_next[n, i] * (1 - h_next[n, i]) * (1 + h_next[n, i])
            dx[n] += da * W_ih[i]
            dh[n] += da * W_hh[i]
            dW_ih[i] += da * x[n]
            dW_hh[i] += da * h[n]
            db[i] += da
    return [dx, dh, dW_ih, dW_hh, db, db.clone()]
""",
    "rnn_backward": """
def rnn_backward(dhs, xs, h0, hs, W_ih, W_hh):
    N, T, D = xs.shape
    dxs, dh0 = torch.zeros_like(xs), torch.zeros_like(h0)
    dW_ih, dW_hh, db = torch.zeros_like(W_ih), torch.zeros_like(W_hh), torch.zeros_like(W_hh[0])
    for n in range(N):
        dh = torch.zeros_like(h0[n])
        for t in range(T - 1, -1, -1):
            before = h0[n] if t == 0 else hs[n, t - 1]
            da = (dh + dhs[n, t]) * (1 - hs[n, t] * hs[n, t])
            dxs[n, t] = W_ih.T @ da
            dW_ih += torch.outer(da, xs[n, t])
            dW_hh += torch.outer(da, before)
            db += da
            dh = W_hh.T @ da
        dh0[n] = dh
    return dxs, dh0, dW_ih, dW_hh, db, db
""",
    "gradient_norms": """
def gradient_norms(hs, W_hh):
    T, H = hs.shape
    norms = []
    for t in range(T):
        product = torch.eye(H, dtype=hs.dtype, device=hs.device)
        for s in range(t + 1, T):
            product = torch.diag(1 - hs[s] ** 2) @ W_hh @ product
        norms.append(torch.linalg.svdvals(product)[0])
    return torch.stack(norms)
""",
    "clip_gradient_norm": """
def clip_gradient_norm(grads, max_norm):
    total = 0.0
    for g in grads:
        for value in g.reshape(-1).tolist():
            total += value * value
    total = total**0.5
    if total <= max_norm:
        return list(grads), total
    out = []
    for g in grads:
        out.append(g / total * max_norm)
    return out, total
""",
    "perplexity": """
import math

def perplexity(logits, targets):
    total, count = 0.0, 0
    for row, wanted in zip(logits.tolist(), targets.tolist()):
        for scores, target in zip(row, wanted):
            top = max(scores)
            total += math.log(sum(math.exp(s - top) for s in scores)) + top - scores[target]
            count += 1
    return math.exp(total / count)
""",
    "sample": """
def sample(step, h, token, length, temperature, generator):
    tokens = []
    while len(tokens) < length:
        logits, h = step(token, h)
        scores = [float(s) / temperature for s in logits]
        weights = [float(torch.exp(torch.tensor(s - max(scores)))) for s in scores]
        dart = float(torch.rand(1, generator=generator, device=generator.device)) * sum(weights)
        token = 0
        while token < len(weights) - 1 and dart >= weights[token]:
            dart -= weights[token]
            token += 1
        tokens.append(token)
    return tokens
""",
}

OTHER_FORMULA = {
    "rnn_cell": """
def rnn_cell(inputs, state, *params):
    both = torch.cat([inputs, state], dim=1)
    matrix = torch.cat([params[0], params[1]], dim=1)
    a = torch.nn.functional.linear(both, matrix, params[2] + params[3])
    return 1 - 2 / (torch.exp(2 * a) + 1)
""",
    "rnn_forward": """
import functools
import itertools

def rnn_forward(xs, h0, W_ih, W_hh, b_ih, b_hh):
    driven = torch.einsum("ntd,hd->tnh", xs, W_ih) + (b_ih + b_hh)
    step = lambda h, a: (a + h @ W_hh.T).tanh()
    _, *states = itertools.accumulate(driven, step, initial=h0)
    hs = torch.stack(states).transpose(0, 1)
    return [hs, states[-1]]
""",
    "rnn_cell_backward": """
def rnn_cell_backward(dh_next, x, h, h_next, W_ih, W_hh):
    pre = torch.addcmul(dh_next, dh_next * h_next, h_next, value=-1)
    bias = torch.einsum("nh->h", pre)
    return (
        torch.einsum("nh,hd->nd", pre, W_ih),
        torch.einsum("nh,hk->nk", pre, W_hh),
        torch.einsum("nh,nd->hd", pre, x),
        torch.einsum("nh,nk->hk", pre, h),
        bias,
        bias,
    )
""",
    "rnn_backward": """
class Walk:
    def __init__(self, slopes, W_hh):
        self.slopes, self.W_hh = slopes, W_hh

    def back(self, dhs):
        T = dhs.shape[1]
        if T == 0:
            return [], torch.zeros_like(self.slopes[:, 0])
        later, carried = Walk(self.slopes[:, 1:], self.W_hh).back(dhs[:, 1:]) if T > 1 else ([], 0)
        here = (dhs[:, 0] + carried) * self.slopes[:, 0]
        return [here, *later], here @ self.W_hh

def rnn_backward(dhs, xs, h0, hs, W_ih, W_hh):
    das, dh0 = Walk(1 - hs.square(), W_hh).back(dhs)
    da = torch.stack(das, dim=1)
    olds = torch.cat((h0.unsqueeze(1), hs), dim=1)[:, :-1]
    db = da.sum(dim=(0, 1))
    return da @ W_ih, dh0, torch.einsum("nth,ntd->hd", da, xs), torch.einsum("nth,ntk->hk", da, olds), db, db
""",
    "gradient_norms": """
def gradient_norms(hs, W_hh):
    # the largest singular value is the root of the largest eigenvalue of J^T J
    T, H = hs.shape
    gram = torch.eye(H, dtype=hs.dtype, device=hs.device)
    roots = [torch.ones_like(hs[0, 0])]
    for t in range(T - 1, 0, -1):
        J = torch.einsum("i,ij->ij", 1 - hs[t].square(), W_hh)
        gram = J.mT @ gram @ J
        roots.append(torch.linalg.eigvalsh(gram)[-1].clamp(min=0).sqrt())
    return torch.stack(roots).flip(0)
""",
    "clip_gradient_norm": """
def clip_gradient_norm(grads, max_norm):
    flat = torch.cat([g.flatten() for g in grads])
    total = flat.norm()
    factor = torch.clamp(max_norm / (total + 1e-12), max=1.0)
    return tuple(g.mul(factor) for g in grads), total
""",
    "perplexity": """
def perplexity(logits, targets):
    N, T, V = logits.shape
    logs = torch.logsumexp(logits, dim=2)
    chosen = torch.take_along_dim(logits, targets.unsqueeze(2), dim=2).squeeze(2)
    return (logs - chosen).mean().exp()
""",
    "sample": """
def sample(step, h, token, length, temperature, generator):
    # the Gumbel trick: the largest of noisy logits is a draw from the softmax
    logits, state = step(token, h)
    if length == 0:
        return []
    uniform = torch.rand(logits.shape, generator=generator, device=generator.device, dtype=torch.float64)
    noise = -torch.log(-torch.log(uniform))
    drawn = (logits.to(noise) / temperature + noise).argmax().item()
    result = [drawn]
    for _ in range(length - 1):
        logits, state = step(result[-1], state)
        uniform = torch.rand(logits.shape, generator=generator, device=generator.device, dtype=torch.float64)
        result.append((logits.to(noise) / temperature - torch.log(-torch.log(uniform))).argmax().item())
    return result
""",
}

STYLES: dict[str, dict[str, str]] = {"loops": LOOPS, "other formula": OTHER_FORMULA}

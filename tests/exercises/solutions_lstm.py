"""Independent right answers in unusual but honest styles: each must get full marks."""

from __future__ import annotations

LOOPS = {
    "lstm_cell": """
import math

def lstm_cell(x, state, W_ih, W_hh, b_ih, b_hh):
    h, c = state
    N, H = c.shape
    new_h, new_c = torch.empty_like(h), torch.empty_like(c)

    def one(n, row):
        total = b_ih[row] + b_hh[row]
        for j in range(x.shape[1]):
            total = total + W_ih[row, j] * x[n, j]
        for j in range(H):
            total = total + W_hh[row, j] * h[n, j]
        return total

    for n in range(N):
        for k in range(H):
            i = one(n, k).sigmoid()
            f = one(n, H + k).sigmoid()
            g = one(n, 2 * H + k).tanh()
            o = one(n, 3 * H + k).sigmoid()
            new_c[n, k] = f * c[n, k] + i * g
            new_h[n, k] = o * new_c[n, k].tanh()
    print("one step of", N, "sequences")
    return new_h, new_c
""",
    "lstm_forward": """
def lstm_forward(xs, state, W_ih, W_hh, b_ih, b_hh):
    N, T, D = xs.shape
    H = state[0].shape[1]
    all_h, ends = [], []
    for n in range(N):
        h, c = state[0][n], state[1][n]
        row = []
        for t in range(T):
            a = W_ih @ xs[n, t] + b_ih + W_hh @ h + b_hh
            c = torch.sigmoid(a[H : 2 * H]) * c + torch.sigmoid(a[:H]) * torch.tanh(a[2 * H : 3 * H])
            h = torch.sigmoid(a[3 * H :]) * torch.tanh(c)
            row.append(h)
        all_h.append(torch.stack(row))
        ends.append((h, c))
    last = torch.stack([h for h, _ in ends]), torch.stack([c for _, c in ends])
    return torch.stack(all_h), last
""",
    "lstm_cell_backward": """
def lstm_cell_backward(dh, dc, cache):
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    N, H = c.shape
    dx, dh_prev, dc_prev = torch.zeros_like(x), torch.zeros_like(h), torch.zeros_like(c)
    dW_ih, dW_hh = torch.zeros_like(W_ih), torch.zeros_like(W_hh)
    db_ih, db_hh = torch.zeros_like(b_ih), torch.zeros_like(b_hh)
    for n in range(N):
        a = W_ih @ x[n] + b_ih + W_hh @ h[n] + b_hh
        i, f, g, o = a[:H].sigmoid(), a[H : 2 * H].sigmoid(), a[2 * H : 3 * H].tanh(), a[3 * H :].sigmoid()
        shown = (f * c[n] + i * g).tanh()
        total = dc[n] + dh[n] * o * (1 - shown) * (1 + shown)
        da = torch.zeros_like(a)
        da[:H] = total * g * i * (1 - i)
        da[H : 2 * H] = total * c[n] * f * (1 - f)
        da[2 * H : 3 * H] = total * i * (1 - g * g)
        da[3 * H :] = dh[n] * shown * o * (1 - o)
        dx[n], dh_prev[n], dc_prev[n] = W_ih.T @ da, W_hh.T @ da, total * f
        dW_ih += torch.outer(da, x[n])
        dW_hh += torch.outer(da, h[n])
        db_ih += da
        db_hh += da
    return dx, dh_prev, dc_prev, dW_ih, dW_hh, db_ih, db_hh
""",
    "memory_gradient": """
def memory_gradient(forget_gates):
    T, H = forget_gates.shape
    out = torch.ones_like(forget_gates)
    for t in range(T):
        for k in range(H):
            for s in range(t + 1, T):
                out[t, k] *= forget_gates[s, k]
    return out
""",
    "gru_cell": """
def gru_cell(x, h, W_ih, W_hh, b_ih, b_hh):
    H = h.shape[1]
    out = torch.empty_like(h)
    for n in range(len(x)):
        a, b = W_ih @ x[n] + b_ih, W_hh @ h[n] + b_hh
        for k in range(H):
            r = torch.sigmoid(a[k] + b[k])
            z = torch.sigmoid(a[H + k] + b[H + k])
            new = torch.tanh(a[2 * H + k] + r * b[2 * H + k])
            out[n, k] = new + z * (h[n, k] - new)
    return out
""",
    "gate_parameter_count": """
def gate_parameter_count(kind, input, hidden):
    blocks = 1
    if kind == "gru":
        blocks = 3
    elif kind == "lstm":
        blocks = 4
    total = 0
    for _ in range(blocks):
        total += hidden * input
        total += hidden * hidden
        total += hidden
        total += hidden
    return total
""",
    "adding_batch": """
def adding_batch(n, length, generator):
    where = generator.device
    xs, targets = [], []
    for _ in range(n):
        numbers = torch.rand(length, generator=generator, device=where)
        marks = torch.zeros(length, device=where)
        one = torch.randint(0, length // 2, (1,), generator=generator, device=where).item()
        two = torch.randint(length // 2, length, (1,), generator=generator, device=where).item()
        marks[one] = marks[two] = 1
        xs.append(torch.stack([numbers, marks], dim=-1))
        targets.append(numbers[one] + numbers[two])
    return torch.stack(xs), torch.stack(targets)
""",
    "train_memory": """
def train_memory(kind, length, steps, generator):
    device = generator.device

    class Reader(torch.nn.Module):
        def __init__(self, hidden=40):
            super().__init__()
            make = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}[kind]
            self.reader = make(2, hidden, batch_first=True)
            self.head = torch.nn.Linear(hidden, 1)
            if kind == "lstm":
                # the chrono initialisation: forget gates for all lengths up to that of the sequence
                with torch.no_grad():
                    for name, each in self.reader.named_parameters():
                        if "bias" in name:
                            each.zero_()
                    spread = torch.log(1 + (length - 2) * torch.rand(hidden))
                    self.reader.bias_ih_l0[:hidden] = -spread
                    self.reader.bias_ih_l0[hidden : 2 * hidden] = spread

        def forward(self, xs):
            states, _ = self.reader(xs)
            return self.head(states[:, -1]).squeeze(1)

    torch.manual_seed(5)
    model = Reader().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    rows = torch.arange(64, device=device)
    for step in range(steps):
        numbers = torch.rand(64, length, generator=generator, device=device)
        marks = torch.zeros_like(numbers)
        marks[rows, torch.randint(length // 2, (64,), generator=generator, device=device)] = 1
        marks[rows, torch.randint(length // 2, length, (64,), generator=generator, device=device)] = 1
        prediction = model(torch.stack([numbers, marks], 2))
        loss = torch.nn.functional.mse_loss(prediction, (numbers * marks).sum(1))
        model.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model
""",
}

OTHER_FORMULA = {
    "lstm_cell": """
def lstm_cell(inputs, state, *weights):
    h, c = state
    both = torch.cat([inputs, h], dim=1) @ torch.cat(weights[:2], dim=1).T + sum(weights[2:])
    halves = both.unflatten(1, (4, -1))
    gate = lambda a: (1 + torch.tanh(a / 2)) / 2
    cell = torch.addcmul(gate(halves[:, 1]) * c, gate(halves[:, 0]), halves[:, 2].tanh())
    return [gate(halves[:, 3]) * cell.tanh(), cell]
""",
    "lstm_forward": """
import functools

def lstm_forward(xs, state, W_ih, W_hh, b_ih, b_hh):
    driven = torch.einsum("ntd,hd->tnh", xs, W_ih) + (b_ih + b_hh)

    def step(states, a):
        h, c = states[-1]
        i, f, g, o = torch.tensor_split(a + h @ W_hh.T, 4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return [*states, (o.sigmoid() * c.tanh(), c)]

    _, *states = functools.reduce(step, driven, [tuple(state)])
    return torch.stack([h for h, _ in states]).transpose(0, 1), states[-1]
""",
    "lstm_cell_backward": """
def lstm_cell_backward(dh, dc, cache):
    x, h, c, W_ih, W_hh, b_ih, b_hh = cache
    a = torch.addmm(b_ih + b_hh, torch.cat([x, h], 1), torch.cat([W_ih, W_hh], 1).T).unflatten(1, (4, -1))
    i, f, o = (torch.sigmoid(a[:, k]) for k in (0, 1, 3))
    g = torch.tanh(a[:, 2])
    bent = (f * c + i * g).tanh()
    into_cell = torch.addcmul(dc, dh * o, 1 - bent.square())
    into = torch.stack([into_cell * g, into_cell * c, into_cell * i, dh * bent], dim=1)
    slopes = torch.stack([i * (1 - i), f * (1 - f), 1 - g.square(), o * (1 - o)], dim=1)
    da = (into * slopes).flatten(1)
    bias = torch.einsum("nk->k", da)
    return (
        torch.einsum("nk,kd->nd", da, W_ih),
        torch.einsum("nk,kh->nh", da, W_hh),
        into_cell * f,
        torch.einsum("nk,nd->kd", da, x),
        torch.einsum("nk,nh->kh", da, h),
        bias,
        bias,
    )
""",
    "memory_gradient": """
def memory_gradient(forget_gates):
    rows = [torch.ones_like(forget_gates[0])]
    for gate in reversed(forget_gates[1:]):
        rows.append(rows[-1] * gate)
    return torch.stack(rows[::-1])
""",
    "gru_cell": """
def gru_cell(x, h, W_ih, W_hh, b_ih, b_hh):
    a = torch.nn.functional.linear(x, W_ih, b_ih).unflatten(1, (3, -1))
    b = torch.nn.functional.linear(h, W_hh, b_hh).unflatten(1, (3, -1))
    r, z = torch.sigmoid(a[:, :2] + b[:, :2]).unbind(1)
    candidate = torch.addcmul(a[:, 2], r, b[:, 2]).tanh()
    return torch.lerp(candidate, h, z)
""",
    "gate_parameter_count": """
def gate_parameter_count(kind, input, hidden):
    rows = hidden * {"r": 1, "g": 3, "l": 4}[kind[0]]
    return rows * (input + hidden + 2)
""",
    "adding_batch": """
def adding_batch(n, length, generator):
    # random scores: the largest of each half is marked
    xs = torch.rand(n, length, 2, generator=generator, device=generator.device)
    cut = length // 2
    places = torch.stack([xs[:, :cut, 1].argmax(1), cut + xs[:, cut:, 1].argmax(1)], dim=1)
    marks = torch.nn.functional.one_hot(places, length).sum(1).to(xs)
    xs = torch.stack([xs[..., 0], marks], dim=-1)
    return xs, torch.einsum("nt,nt->n", xs[..., 0], xs[..., 1])
""",
    "train_memory": """
class Reader(torch.nn.Module):
    def __init__(self, kind, hidden, generator):
        super().__init__()
        layers = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
        self.core = layers[kind](2, hidden)
        self.weight = torch.nn.Parameter(torch.zeros(hidden))
        self.bias = torch.nn.Parameter(torch.ones(()))
        if kind == "lstm":
            with torch.no_grad():
                for bias in (self.core.bias_ih_l0, self.core.bias_hh_l0):
                    bias.view(4, hidden)[0] = -1.5
                    bias.view(4, hidden)[1] = 1.5

    def forward(self, xs):
        states, _ = self.core(xs.transpose(0, 1))
        return states[-1] @ self.weight + self.bias

def train_memory(kind, length, steps, generator):
    torch.manual_seed(0)
    model = Reader(kind, 48, generator).to(generator.device)
    half = length // 2
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        numbers = torch.rand(64, length, generator=generator, device=generator.device)
        scores = torch.rand(64, length, generator=generator, device=generator.device)
        marks = torch.zeros_like(numbers)
        marks.scatter_(1, scores[:, :half].argmax(1, keepdim=True), 1.0)
        marks.scatter_(1, half + scores[:, half:].argmax(1, keepdim=True), 1.0)
        error = model(torch.stack((numbers, marks), dim=2)) - (numbers * marks).sum(dim=1)
        for parameter in model.parameters():
            parameter.grad = None
        error.square().mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return model.eval()
""",
}

STYLES: dict[str, dict[str, str]] = {"loops": LOOPS, "other formula": OTHER_FORMULA}

"""Right answers to train_memory that are too long to stand beside its cases."""

from __future__ import annotations

from autograder.exercises.declare import right_text

cell_by_cell = right_text(
    "cell by cell",
    """
def train_memory(kind, length, steps, generator):
    from torch import nn

    torch.manual_seed(11)
    cell = {"rnn": nn.RNNCell, "gru": nn.GRUCell, "lstm": nn.LSTMCell}[kind](2, 32)
    head = nn.Sequential(nn.Linear(32, 16), nn.Tanh(), nn.Linear(16, 1))
    if kind == "lstm":
        with torch.no_grad():
            cell.bias_hh[:32] -= 3
            cell.bias_hh[32:64] += 3

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell, self.head = cell, head

        def forward(self, xs):
            state = None
            for x in xs.unbind(1):
                state = self.cell(x, state)
            return self.head(state[0] if kind == "lstm" else state).squeeze(-1)

    model = Model()
    optimizer = torch.optim.Adam([{"params": cell.parameters()}, {"params": head.parameters()}], lr=0.01)
    for _ in range(steps):
        xs, targets = adding_batch(48, length, generator)
        optimizer.zero_grad(set_to_none=True)
        nn.functional.smooth_l1_loss(model(xs), targets).backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.1)
        optimizer.step()
    return model


def adding_batch(n, length, generator):
    xs = torch.stack([torch.rand(n, length, generator=generator), torch.zeros(n, length)], dim=-1)
    for low, high in ((0, length // 2), (length // 2, length)):
        xs[torch.arange(n), torch.randint(low, high, (n,), generator=generator), 1] = 1
    return xs, xs.prod(-1).sum(-1)
""",
)


own_gates = right_text(
    "own gates",
    """
class Gated(torch.nn.Module):
    # one set of weights for all gates, written out; three, two or no gates
    def __init__(self, kind, hidden):
        super().__init__()
        self.kind, self.hidden = kind, hidden
        blocks = {"rnn": 1, "gru": 3, "lstm": 4}[kind]
        self.W = torch.nn.Parameter(torch.randn(2 + hidden, blocks * hidden) / hidden**0.5)
        bias = torch.zeros(blocks, hidden)
        if kind == "lstm":
            bias[0], bias[1] = -2, 3
        if kind == "gru":
            bias[1] = 1
        self.b = torch.nn.Parameter(bias.flatten())
        self.v = torch.nn.Parameter(torch.zeros(hidden, 1))
        self.c = torch.nn.Parameter(torch.ones(1))

    def forward(self, xs):
        h = c = xs.new_zeros(xs.shape[0], self.hidden)
        for t in range(xs.shape[1]):
            x, n = xs[:, t], self.hidden
            if self.kind == "rnn":
                h = torch.tanh(torch.cat([x, h], 1) @ self.W + self.b)
            elif self.kind == "lstm":
                i, f, g, o = (torch.cat([x, h], 1) @ self.W + self.b).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
            else:
                r, z = torch.sigmoid(torch.cat([x, h], 1) @ self.W[:, : 2 * n] + self.b[: 2 * n]).chunk(2, 1)
                new = torch.tanh(torch.cat([x, r * h], 1) @ self.W[:, 2 * n :] + self.b[2 * n :])
                h = z * h + (1 - z) * new
        return (h @ self.v + self.c).flatten()

def train_memory(kind, length, steps, generator):
    torch.manual_seed(2)
    model = Gated(kind, 32)
    adam = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        xs = torch.zeros(64, length, 2)
        xs[:, :, 0].uniform_(generator=generator)
        places = torch.cat([torch.randint(length // 2, (64, 1), generator=generator),
                            torch.randint(length // 2, length, (64, 1), generator=generator)], dim=1)
        xs[:, :, 1].scatter_(1, places, 1.0)
        wanted = xs[:, :, 0].gather(1, places).sum(1)
        loss = (model(xs) - wanted).square().mean()
        grads = torch.autograd.grad(loss, list(model.parameters()))
        norm = torch.stack([g.norm() for g in grads]).norm()
        for parameter, g in zip(model.parameters(), grads):
            parameter.grad = g / norm.clamp(min=1)
        adam.step()
    return model
""",
)

"""Right answers to train_receiver that are too long to stand beside its cases."""

from __future__ import annotations

from autograder.exercises.declare import right_text

other_formula = right_text(
    "other formula",
    """
class Rotor(torch.nn.Module):
    def __init__(self, order):
        super().__init__()
        # the nearest symbol is a linear rule: one complex weight for each class
        self.w = torch.nn.Parameter(0.1 * torch.randn(order, dtype=torch.complex64))

    def forward(self, z):
        return torch.real(z[:, None] * self.w)

class Plain(torch.nn.Module):
    def __init__(self, order):
        super().__init__()
        self.w = torch.nn.Parameter(0.1 * torch.randn(2, order))

    def forward(self, z):
        return torch.view_as_real(z) @ self.w

def train_receiver(kind, order, snr_db, steps, generator):
    model = {"complex": Rotor, "real": Plain}[kind](order)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    loss_of = torch.nn.CrossEntropyLoss()
    for _ in range(steps):
        labels = torch.randint(order, (256,), generator=generator)
        z = torch.polar(torch.ones(256), 2 * torch.pi * labels / order)
        z = z + 10 ** (-snr_db / 20) * torch.randn(256, dtype=torch.complex64, generator=generator)
        loss = loss_of(model(z), labels)
        model.zero_grad()
        loss.backward()
        optimizer.step()
    return model
""",
)


with_momentum = right_text(
    "with momentum",
    """
def train_receiver(kind, order, snr_db, steps, generator):
    from torch import nn

    class Parts(nn.Module):
        # tanh of the real and of the imaginary part
        def forward(self, z):
            return torch.complex(torch.tanh(z.real), torch.tanh(z.imag))

    class Receiver(nn.Module):
        def __init__(self):
            super().__init__()
            if kind == "complex":
                layers = [nn.Linear(1, 8, dtype=torch.cfloat), Parts(), nn.Linear(8, order, dtype=torch.cfloat)]
            else:
                width = round((32 + 17 * order) / (order + 3))
                layers = [nn.Linear(2, width), nn.Tanh(), nn.Linear(width, order)]
            self.layers = nn.Sequential(*layers)

        def forward(self, z):
            x = z.unsqueeze(-1)
            return self.layers(x).real if kind == "complex" else self.layers(torch.cat([x.real, x.imag], dim=-1))

    torch.manual_seed(3)
    model = Receiver()
    sgd = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9, nesterov=True)
    for _ in range(steps):
        labels = torch.arange(order).repeat(64)
        noise = torch.randn(len(labels), 2, generator=generator) * (10 ** (-snr_db / 10) / 2) ** 0.5
        angles = 2 * torch.pi * labels / order
        z = torch.view_as_complex(torch.stack([angles.cos(), angles.sin()], dim=-1) + noise)
        loss = nn.functional.nll_loss(model(z).log_softmax(-1), labels)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
    return model
""",
)


distances = right_text(
    "distances",
    """
class Distances(torch.nn.Module):
    # a learned place for each symbol; the nearer, the likelier
    def __init__(self, kind, order):
        super().__init__()
        start = 0.5 * torch.randn(order, 2)
        self.places = torch.nn.Parameter(torch.view_as_complex(start) if kind == "complex" else start)

    def forward(self, z):
        apart = z[:, None] - self.places if self.places.is_complex() else torch.view_as_real(z)[:, None] - self.places
        return -4 * (apart * apart.conj()).real if apart.is_complex() else -4 * apart.square().sum(-1)


def train_receiver(kind, order, snr_db, steps, generator):
    torch.manual_seed(1)
    model = Distances(kind, order)
    adam = torch.optim.Adam(model.parameters(), lr=0.1)
    turn = torch.exp(2j * torch.pi * torch.arange(order) / order)
    for _ in range(steps):
        labels = torch.randint(order, (300,), generator=generator)
        z = turn[labels] + 10 ** (-snr_db / 20) * torch.randn(300, dtype=torch.cfloat, generator=generator)
        loss = torch.nn.functional.cross_entropy(model(z), labels)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return model.eval()
""",
)

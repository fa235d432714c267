"""Known mistakes with whole networks, and how each shows in what came back."""

# Written as students write, since each is also submitted as one: mypy asks for more.
# mypy: disable-error-code="no-untyped-def,no-untyped-call,assignment,var-annotated,misc,no-any-return,operator"
# mypy: disable-error-code="index,arg-type"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from autograder.exercise import Case, Misconception
from autograder.exercises.quantization_networks import forward, missing_integers, rounded, stored, weights_of

__all__ = ["NETWORK_MISTAKES"]

# --- quantize_model -----------------------------------------------------------------------------------------


def model_rounds_only(model, calibration):
    """The weights lie on a grid, but they are still stored as floats, so nothing got smaller. Store int8:
    register_buffer puts integers into the state_dict."""
    import copy

    new = copy.deepcopy(model)
    with torch.no_grad():
        for layer in new:
            if hasattr(layer, "weight"):
                shape = (-1, *[1] * (layer.weight.dim() - 1))
                scale = layer.weight.flatten(1).abs().amax(1).view(shape) / 127
                layer.weight.copy_(torch.round(layer.weight / scale) * scale)
    return new


def model_without_scale(model, calibration):
    """The weights were cast to int8 as they are, and nearly all of them became 0. Divide by the scale of the channel
    first, so that its largest weight becomes 127."""
    import copy

    class Layer(torch.nn.Module):
        def __init__(self, layer):
            super().__init__()
            self.register_buffer("weight", layer.weight.detach().to(torch.int8))
            self.register_buffer("bias", layer.bias.detach())
            self.geometry = (layer.stride, layer.padding) if self.weight.dim() == 4 else None

        def forward(self, x):
            q = torch.round(x).to(torch.int32)
            if self.geometry is None:
                return (q @ self.weight.to(torch.int32).T) + self.bias
            return torch.conv2d(q, self.weight.to(torch.int32), None, *self.geometry) + self.bias[:, None, None]

    layers = [Layer(layer) if hasattr(layer, "weight") else layer for layer in copy.deepcopy(model)]
    return torch.nn.Sequential(*layers)


def model_keeps_floats(model, calibration):
    """The integers are there, and the floats as well: the state grew. Keep the integers and the scales only, and let
    the layer compute with them."""
    import copy

    class Layer(torch.nn.Module):
        def __init__(self, layer):
            super().__init__()
            shape = (-1, *[1] * (layer.weight.dim() - 1))
            scale = layer.weight.detach().flatten(1).abs().amax(1).view(shape) / 127
            self.layer = layer
            self.register_buffer("scale", scale)
            self.register_buffer("weight", torch.round(layer.weight.detach() / scale).to(torch.int8))

        def forward(self, x):
            with torch.no_grad():
                self.layer.weight.copy_(self.weight * self.scale)
            return self.layer(x)

    layers = [Layer(layer) if hasattr(layer, "weight") else layer for layer in copy.deepcopy(model)]
    return torch.nn.Sequential(*layers)


def model_only_stores_integers(model, calibration):
    """The weights are stored as integers and turned back into floats to multiply: less memory, but no integer unit is
    used. Quantize the activations too, and call int8_linear and int8_conv2d."""
    import copy

    class Layer(torch.nn.Module):
        def __init__(self, layer):
            super().__init__()
            shape = (-1, *[1] * (layer.weight.dim() - 1))
            scale = layer.weight.detach().flatten(1).abs().amax(1).view(shape) / 127
            self.register_buffer("scale", scale)
            self.register_buffer("weight", torch.round(layer.weight.detach() / scale).to(torch.int8))
            self.register_buffer("bias", layer.bias.detach())
            self.geometry = (layer.stride, layer.padding) if self.weight.dim() == 4 else None

        def forward(self, x):
            weight = self.weight * self.scale
            if self.geometry is None:
                return torch.nn.functional.linear(x, weight, self.bias)
            return torch.conv2d(x, weight, self.bias, *self.geometry)

    layers = [Layer(layer) if hasattr(layer, "weight") else layer for layer in copy.deepcopy(model)]
    return torch.nn.Sequential(*layers)


def model_changed_in_place(model, calibration):
    """The given network was taken apart. Build a new one beside it, so that both can be compared."""

    class Layer(torch.nn.Module):
        def __init__(self, layer):
            super().__init__()
            shape = (-1, *[1] * (layer.weight.dim() - 1))
            scale = layer.weight.detach().flatten(1).abs().amax(1).view(shape) / 127
            self.register_buffer("scale", scale.flatten())
            self.register_buffer("weight", torch.round(layer.weight.detach() / scale).to(torch.int8))
            self.register_buffer("bias", layer.bias.detach())
            self.geometry = (layer.stride, layer.padding) if self.weight.dim() == 4 else None

        def forward(self, x):
            step = x.abs().max() / 127
            q, weight = torch.round(x / step).to(torch.int32), self.weight.to(torch.int32)
            if self.geometry is None:
                return (q @ weight.T) * (self.scale * step) + self.bias
            sums = torch.conv2d(q, weight, None, *self.geometry)
            return sums * (self.scale * step)[:, None, None] + self.bias[:, None, None]

    for place, layer in enumerate(model):
        if hasattr(layer, "weight"):
            model[place] = Layer(layer)
    return model


def model_first_layer_only(model, calibration):
    """Only the first layer got integers. Go through all layers: every linear layer and every convolution is
    replaced."""
    import copy

    class Layer(torch.nn.Module):
        def __init__(self, layer):
            super().__init__()
            shape = (-1, *[1] * (layer.weight.dim() - 1))
            scale = layer.weight.detach().flatten(1).abs().amax(1).view(shape) / 127
            self.register_buffer("scale", scale)
            self.register_buffer("weight", torch.round(layer.weight.detach() / scale).to(torch.int8))
            self.register_buffer("bias", layer.bias.detach())
            self.geometry = (layer.stride, layer.padding) if self.weight.dim() == 4 else None

        def forward(self, x):
            weight = self.weight * self.scale
            if self.geometry is None:
                return torch.nn.functional.linear(x, weight, self.bias)
            return torch.conv2d(x, weight, self.bias, *self.geometry)

    first, *others = copy.deepcopy(model)
    return torch.nn.Sequential(Layer(first), *others)


def _shows_rounding(case: Case, value: Any) -> bool:
    return not value["integers"] and value["as it was"]


def _shows_no_scale(case: Case, value: Any) -> bool:
    weights = weights_of(case)
    integers = [each for each in value["integers"] if any(each.numel() == weight.numel() for weight in weights)]
    return len(integers) == len(weights) and max(int(each.abs().max()) for each in integers) < 32


def _shows_both(case: Case, value: Any) -> bool:
    return not missing_integers(case, value) and value["bytes"][1] > value["bytes"][0]


def _shows_storage(case: Case, value: Any) -> bool:
    small = value["bytes"][1] < value["bytes"][0] / 2
    return value["as it was"] and small and not missing_integers(case, value) and value["float products"] > 0


def _shows_in_place(case: Case, value: Any) -> bool:
    return not value["as it was"]


def _shows_some(case: Case, value: Any) -> bool:
    return 0 < len(missing_integers(case, value)) < len(weights_of(case))


# --- train_aware --------------------------------------------------------------------------------------------


def aware_rounds_without_training(model, data, bits):
    """The given weights were rounded, and nothing was trained. Train with rounded weights in the forward pass, so that
    the network learns to do without the bits."""
    import copy

    new = copy.deepcopy(model)
    with torch.no_grad():
        for layer in new:
            if isinstance(layer, torch.nn.Linear):
                scale = layer.weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                layer.weight.copy_(torch.round(layer.weight / scale) * scale)
    return new


def aware_trains_then_rounds(model, data, bits):
    """The network was trained with floats and rounded at the end. It never saw the grid: round the weights in every
    forward pass, with fake_quantize."""
    import copy

    new, (x, labels) = copy.deepcopy(model), data
    optimizer = torch.optim.Adam(new.parameters(), lr=0.01)
    for _ in range(4):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(new(x[rows]), labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        for layer in new:
            if isinstance(layer, torch.nn.Linear):
                scale = layer.weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                layer.weight.copy_(torch.round(layer.weight / scale) * scale)
    return new


def aware_keeps_floats(model, data, bits):
    """The network came back with the floats that it was trained with. They were rounded in the forward pass only: at
    the end write the rounded weights into the layers."""
    import copy

    new, (x, labels) = copy.deepcopy(model), data
    optimizer = torch.optim.Adam(new.parameters(), lr=0.01)
    for _ in range(4):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            h = x[rows]
            for layer in new:
                if isinstance(layer, torch.nn.Linear):
                    scale = layer.weight.detach().abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                    grid = torch.round(layer.weight / scale) * scale
                    h = torch.nn.functional.linear(h, layer.weight + (grid - layer.weight).detach(), layer.bias)
                else:
                    h = layer(h)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(h, labels[rows]).backward()
            optimizer.step()
    return new


def aware_flat_rounding(model, data, bits):
    """The biases learned, but no weight moved: the gradient of rounding is 0. Let it pass straight through, as
    fake_quantize does."""
    import copy

    new, (x, labels) = copy.deepcopy(model), data
    optimizer = torch.optim.Adam(new.parameters(), lr=0.01)

    def on_grid(weight):
        scale = weight.detach().abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
        return torch.round(weight / scale) * scale

    for _ in range(4):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            h = x[rows]
            for layer in new:
                linear = isinstance(layer, torch.nn.Linear)
                h = torch.nn.functional.linear(h, on_grid(layer.weight), layer.bias) if linear else layer(h)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(h, labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        for layer in new:
            if isinstance(layer, torch.nn.Linear):
                layer.weight.copy_(on_grid(layer.weight))
    return new


def aware_always_eight(model, data, bits):
    """The weights lie on a grid of 8 bits: `bits` is ignored. With b bits a channel takes at most 2^b values."""
    import copy

    new = copy.deepcopy(model)
    with torch.no_grad():
        for layer in new:
            if isinstance(layer, torch.nn.Linear):
                scale = layer.weight.abs().amax(1, keepdim=True) / 127
                layer.weight.copy_(torch.round(layer.weight / scale) * scale)
    return new


def aware_in_place(model, data, bits):
    """The given network itself was trained. Train a copy of it, with copy.deepcopy, so that both can be compared."""
    x, labels = data
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(8):
        for rows in torch.split(torch.randperm(len(labels)), 64):
            h = x[rows]
            for layer in model:
                if isinstance(layer, torch.nn.Linear):
                    scale = layer.weight.detach().abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                    grid = torch.round(layer.weight / scale) * scale
                    h = torch.nn.functional.linear(h, layer.weight + (grid - layer.weight).detach(), layer.bias)
                else:
                    h = layer(h)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(h, labels[rows]).backward()
            optimizer.step()
    with torch.no_grad():
        for layer in model:
            if isinstance(layer, torch.nn.Linear):
                scale = layer.weight.abs().amax(1, keepdim=True) / (2 ** (bits - 1) - 1)
                layer.weight.copy_(torch.round(layer.weight / scale) * scale)
    return model


def _linear(case: Case) -> list[tuple[torch.Tensor, torch.Tensor]]:
    return [(layer[1], layer[2]) for layer in case.args[0] if layer[0] == "linear"]


def _weights_stayed(case: Case, value: Any) -> bool:
    """Whether the weights are on the grid and the same steps of it as the given ones, up to the scale."""
    bits = case.args[3]
    pairs = zip(_linear(case), stored(case.args[0], value), strict=True)
    return all(
        torch.equal(rounded(given, bits), rounded(found, bits)) and _few(found, bits)
        for (given, _), (found, _) in pairs
    )


def _few(weight: torch.Tensor, bits: int) -> bool:
    return max(len(row.unique()) for row in weight) <= 2**bits


def _biases_stayed(case: Case, value: Any) -> bool:
    pairs = zip(_linear(case), stored(case.args[0], value), strict=True)
    return all(torch.equal(given, found) for (_, given), (_, found) in pairs)


def _shows_no_training(case: Case, value: Any) -> bool:
    return _weights_stayed(case, value) and _biases_stayed(case, value)


def _shows_flat(case: Case, value: Any) -> bool:
    return value["as it was"] and _weights_stayed(case, value) and not _biases_stayed(case, value)


def _shows_late_rounding(case: Case, value: Any) -> bool:
    found = stored(case.args[0], value)
    few = all(_few(weight, case.args[3]) for weight, _ in found)
    x, labels = case.known.train
    seen = float((forward(found, x).argmax(1) == labels).float().mean())
    return value["as it was"] and few and seen < 0.9 and not _weights_stayed(case, value)


def _on_eight_bits(weight: torch.Tensor) -> bool:
    steps = weight / (weight.abs().amax(1, keepdim=True) / 127)
    return bool(((steps - torch.round(steps)).abs() < 1e-2).all())


def _shows_eight(case: Case, value: Any) -> bool:
    weights = [weight for weight, _ in stored(case.args[0], value)]
    return all(_on_eight_bits(weight) and not _few(weight, case.args[3]) for weight in weights)


def _shows_floats(case: Case, value: Any) -> bool:
    weights = [weight for weight, _ in stored(case.args[0], value)]
    return all(not _few(weight, case.args[3]) and not _on_eight_bits(weight) for weight in weights)


_NETWORKS: dict[str, tuple[tuple[Callable[..., Any], Callable[[Case, Any], bool]], ...]] = {
    "quantize_model": (
        (model_rounds_only, _shows_rounding),
        (model_without_scale, _shows_no_scale),
        (model_keeps_floats, _shows_both),
        (model_changed_in_place, _shows_in_place),
        (model_first_layer_only, _shows_some),
        (model_only_stores_integers, _shows_storage),
    ),
    "train_aware": (
        (aware_rounds_without_training, _shows_no_training),
        (aware_in_place, _shows_in_place),
        (aware_flat_rounding, _shows_flat),
        (aware_trains_then_rounds, _shows_late_rounding),
        (aware_keeps_floats, _shows_floats),
        (aware_always_eight, _shows_eight),
    ),
}

NETWORK_MISTAKES = {
    name: tuple(Misconception.of(wrong, shows) for wrong, shows in wrongs) for name, wrongs in _NETWORKS.items()
}
"""The known mistakes with whole networks, the most telling first."""

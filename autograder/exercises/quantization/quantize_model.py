"""A network in integers, without any training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from autograder.exercise import Case
from autograder.exercises.declare import Asks, accepts, hidden, mistake, right, right_text, slip, visible
from autograder.exercises.quantization import observers
from autograder.exercises.quantization.inputs import (
    CALIBRATION,
    LIBRARY,
    Trained,
    finds,
    moved,
    shows_in_place,
    strays,
    trained,
)
from autograder.exercises.quantization.right_answers import wholly_in_integers  # noqa: F401
from course_lib import quantization

ASKS = Asks(
    quantization.quantize_model,
    signature="quantize_model(model, calibration) -> a new model with int8 weights in its state_dict",
    points={"stores": 2, "accuracy": 1, "integers": 1},
    forbids=LIBRARY,
    seconds=30.0,
    through=observers.compressed,
    hints=(
        "What must a layer know to work with integers alone? Which of it can only the calibration batch tell?",
        "Walk the batch through the layers. A layer with weights is replaced by a module that stores int8 weights, "
        "their scales and an int32 bias, and knows the grids of its input and output. It quantizes, multiplies "
        "integers, dequantizes.",
        "Weights: `quantize(weight, scales.view(-1, *[1] * (weight.dim() - 1)), 0)` in a `register_buffer`. Grids: "
        '`affine_qparams(*calibrate(x, "minmax"))`, and for `y`. `forward`: `quantize`, your integer layer with '
        "both grids, `dequantize`.",
    ),
)


# --- cases ---------------------------------------------------------------------------------------------------


def _compression(name: str, made: Trained, group: str) -> Case:
    return Case(name, (made.layers, made.train[0][:CALIBRATION], made.held_out[0]), group=group, known=made)


@visible
def visible_cases(rng: np.random.Generator) -> Iterator[Case]:
    """A network of linear layers, then one that convolves."""
    linear, cnn = (trained(kind, int(rng.integers(2**31))) for kind in ("linear", "cnn"))
    for name, made in (("three linear layers", linear), ("convolutions", cnn)):
        yield _compression(name, made, "stores")
        yield _compression(f"{name}, read", made, "accuracy")
        yield _compression(f"{name}, counted", made, "integers")


@hidden
def hidden_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Other networks, and inputs in other units."""
    linear, cnn = (trained(kind, int(rng.integers(2**31))) for kind in ("linear", "cnn"))
    yield _compression("other convolutions", cnn, "stores")
    yield _compression("other convolutions, read", cnn, "accuracy")
    for name, unit, origin in (
        ("inputs in other units", float(10 ** rng.uniform(1.3, 2)), float(rng.uniform(0.2, 0.5))),
        ("tiny inputs", 1e-13, 0.3),
        ("huge inputs", 1e12, 0.3),
        ("inputs of which none is above 0", -1.0, 0.0),
        ("inputs far from 0", 1.0, -3.0),
    ):
        yield _compression(f"{name}, read", moved(linear, unit, origin), "accuracy")
    yield _compression("inputs in other units, counted", moved(linear, 30.0, 0.4), "integers")


# --- the judge -----------------------------------------------------------------------------------------------


LOST = 0.01
"""How much accuracy may be lost."""
LARGEST_SHARE = 1 / 3
"""Of the bytes before; the weights alone take a quarter."""


@accepts
def compressed_accepts(case: Case, value: Any) -> str | None:
    """What is stored, what is computed and what is found, each in a group of its own; integers are part of all."""
    if case.group == "stores" and not value["as it was"]:
        return "the given network was changed; build a new one, so that both can be compared"
    problem = _without_integers(case, value)
    if problem is not None:
        return problem
    before, after = value["bytes"]
    if case.group == "stores" and after > LARGEST_SHARE * before:
        return f"the state takes {after:,} bytes; before, it took {before:,}, and at most a third of that is allowed"
    if case.group == "integers" and value["float products"]:
        return (
            f"one pass multiplied {value['float products']} floating-point matrices; "
            "a layer multiplies integers and adds them up in 32 bits"
        )
    if case.group == "integers":
        return _computes_in_floats(case, value)
    if case.group != "accuracy":
        return None
    return finds(value["logits"], case.known, LOST) or strays(value["logits"], case.known)


def _computes_in_floats(case: Case, value: Any) -> str | None:
    """What is wrong with the arithmetic where no matrices of floats were multiplied."""
    meets, work, needed = value["float work"]
    examples = len(case.args[1])
    if meets > 2 * sum(weight.numel() for weight in weights_of(case)) or work > needed / 4:
        return (
            f"for one example, {max(meets, work) // examples:,} numbers are multiplied or added up as floats, where "
            f"the layers need {needed // examples:,} products: multiply integers, add them up in 32 bits, and rescale "
            "the sums once"
        )
    return None


def _without_integers(case: Case, value: Any) -> str | None:
    """What is wrong with the stored integers: they are part of every group."""
    missing = missing_integers(case, value)
    if missing:
        shape, count = missing[0]
        return f"nothing in the state_dict holds the {count} weights of shape {shape} as int8"
    if not all(reacts for _, reacts in _matched(case, value)):
        return "the logits stay the same when stored integers are set to 0: the network computes with something else"
    return None


def weights_of(case: Case) -> list[Tensor]:
    """The floating-point weights of a case's network."""
    return [layer[1] for layer in case.args[0] if layer[0] in ("linear", "conv")]


def _matched(case: Case, value: Any) -> list[tuple[Tensor, bool | None]]:
    """For each weight whether the logits react to the integers in its place, None where there are none."""
    found = []
    left = list(zip(value["integers"], value["react"], strict=True))
    for weight in weights_of(case):
        place = next((i for i, (integers, _) in enumerate(left) if integers.numel() == weight.numel()), None)
        found.append((weight, None if place is None else left.pop(place)[1]))
    return found


def missing_integers(case: Case, value: Any) -> list[tuple[tuple[int, ...], int]]:
    """Shape and size of each weight that no tensor of integers holds."""
    return [(tuple(weight.shape), weight.numel()) for weight, reacts in _matched(case, value) if reacts is None]


# --- right answers in other styles ------------------------------------------------------------------------


loops = right_text(
    "loops",
    """
class Whole(nn.Module):
    def __init__(self, layer):
        super().__init__()
        flat = layer.weight.detach().flatten(1)
        step = flat.abs().max(dim=1).values / 127
        step[step == 0] = 1.0
        self.register_buffer("codes", torch.round(flat / step[:, None]).to(torch.int8))
        self.register_buffer("step", step)
        self.register_buffer("shift", layer.bias.detach().clone())
        self.window = None
        if isinstance(layer, nn.Conv2d):
            self.window = layer.kernel_size, layer.stride, layer.padding

    def forward(self, x):
        # the grid of the inputs is found anew for each batch
        step = x.abs().max().item() / 127 or 1.0
        q = torch.round(x / step).to(torch.int32)
        if self.window is None:
            acc = q @ self.codes.to(torch.int32).T
            return acc * (step * self.step) + self.shift
        kernel, stride, padding = self.window
        kernels = self.codes.to(torch.int32).view(len(self.codes), x.shape[1], *kernel)
        acc = torch.conv2d(q, kernels, None, stride, padding)
        return acc * (step * self.step)[:, None, None] + self.shift[:, None, None]


def quantize_model(model, calibration):
    return nn.Sequential(*(Whole(each) if hasattr(each, "weight") else each for each in model))
""",
)


@right("other formula")
def other_formula(model, calibration):
    class Codes(nn.Module):
        def __init__(self, layer, seen):
            super().__init__()
            weight = layer.weight.detach()
            self.register_buffer("scale", weight.abs().reshape(len(weight), -1).amax(1) / 127)
            shape = [-1] + [1] * (weight.ndim - 1)
            self.register_buffer("codes", torch.round(weight / self.scale.reshape(shape)).char())
            low, high = min(0.0, seen.min().item()), max(0.0, seen.max().item())
            self.step = (high - low) / 255
            self.zero = round(-low / self.step)
            self.register_buffer("start", torch.round(layer.bias.detach() / (self.step * self.scale)).int())
            self.conv = isinstance(layer, nn.Conv2d)
            if self.conv:
                self.stride, self.padding = layer.stride, layer.padding

        def forward(self, x):
            q = (x / self.step).round().add(self.zero).clamp(0, 255).byte().int() - self.zero
            if not self.conv:
                return (q @ self.codes.int().T + self.start) * self.scale * self.step
            sums = torch.conv2d(q, self.codes.int(), self.start, self.stride, self.padding)
            return sums * (self.scale * self.step).reshape(-1, 1, 1)

    steps = []
    for layer in model.children():
        steps.append(Codes(layer, calibration) if isinstance(layer, (nn.Linear, nn.Conv2d)) else layer)
        calibration = layer(calibration).detach()
    return nn.Sequential(*steps)


@right("shared step")
def shared_step(model, calibration):
    # a step for a whole layer, found on the calibration data; sums in 64 bits
    def wrapped(layer, step):
        weight = layer.weight.detach()
        scale = float(weight.abs().max()) / 127

        class Layer(nn.Module):
            def __init__(self):
                super().__init__()
                self.codes = nn.Parameter((weight / scale).round().to(torch.int8), requires_grad=False)
                self.bias = nn.Parameter(layer.bias.detach().clone(), requires_grad=False)

            def forward(self, x):
                q = torch.div(x, step).round_().clamp_(-127, 127).long()
                if self.codes.dim() == 4:
                    kernel = layer.kernel_size
                    patches = nn.functional.pad(q, [layer.padding[0]] * 4).unfold(2, kernel[0], layer.stride[0])
                    patches = patches.unfold(3, kernel[1], layer.stride[1])
                    acc = torch.einsum("nchwij,ocij->nohw", patches, self.codes.long())
                    return acc * (step * scale) + self.bias.view(-1, 1, 1)
                return torch.einsum("ni,oi->no", q, self.codes.long()).mul(step * scale).add(self.bias)

        return Layer()

    found, x = [], calibration
    with torch.no_grad():
        for layer in model:
            found.append(wrapped(layer, float(x.abs().max()) / 127) if hasattr(layer, "weight") else layer)
            x = layer(x)
    return nn.Sequential(*found)


# --- mistakes -----------------------------------------------------------------------------------------------


@mistake(shows=lambda case, value: not value["integers"] and value["as it was"])
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


def _shows_no_scale(case: Case, value: Any) -> bool:
    weights = weights_of(case)
    integers = [each for each in value["integers"] if any(each.numel() == weight.numel() for weight in weights)]
    return len(integers) == len(weights) and max(int(each.abs().max()) for each in integers) < 32


@mistake(shows=_shows_no_scale)
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


@mistake(shows=lambda case, value: not missing_integers(case, value) and value["bytes"][1] > value["bytes"][0])
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


@mistake(shows=shows_in_place)
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


@mistake(shows=lambda case, value: 0 < len(missing_integers(case, value)) < len(weights_of(case)))
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


def _shows_storage(case: Case, value: Any) -> bool:
    small = value["bytes"][1] < value["bytes"][0] / 2
    return value["as it was"] and small and not missing_integers(case, value) and value["float products"] > 0


model_only_stores_integers = slip(
    model_first_layer_only,
    (
        "first, *others = copy.deepcopy(model)",
        'layers = [Layer(layer) if hasattr(layer, "weight") else layer for layer in copy.deepcopy(model)]',
    ),
    ("torch.nn.Sequential(Layer(first), *others)", "torch.nn.Sequential(*layers)"),
    says="The weights are stored as integers and turned back into floats to multiply: less memory, but no integer "
    "unit is used. Quantize the activations too, and call int8_linear and int8_conv2d.",
    shows=_shows_storage,
)

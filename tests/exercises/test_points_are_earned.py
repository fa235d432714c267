"""Points without the work: who knows how an exercise is judged, and does something else than it asks, gets none.

Beside each of these answers stand right ones in every style that the exercise's file knows: they keep full marks.
"""

import numpy as np
import pytest
import torch
from torch import nn

from autograder.calls import Status
from autograder.exercises import find
from autograder.exercises.quantization.inputs import Trained, strays
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback

SECRET = b"earned"
OBSERVED = [
    "acceleration.tiled_matmul",
    "complex_nn.complex_conv2d",
    "complex_nn.complex_matmul3",
    "complex_nn.train_receiver",
    "gnn.train_nodes",
    "lstm.train_memory",
    "quantization.quantize_model",
]
STYLES = [(id_, style) for id_ in OBSERVED for style in find(id_).right]


def judged(id_, answer):
    return evaluate(find(id_), loopback(answer), secret=SECRET)


def written(source, name):
    """The function that a cell defines."""
    namespace = {"torch": torch, "nn": nn, "np": np}
    exec(source, namespace)
    return namespace[name]


def said(verdict):
    return " ".join(case.message for case in verdict.cases if not case.passed)


@pytest.mark.parametrize(("id_", "style"), STYLES, ids=[f"{id_}-{style}" for id_, style in STYLES])
def test_right_answers_in_every_style_keep_full_marks(id_, style):
    exercise = find(id_)
    verdict = judged(id_, written(exercise.right[style], exercise.name))
    assert verdict.status is Status.PASSED, said(verdict)


# --- a chip -----------------------------------------------------------------------------------------------


def all_the_traffic_and_the_factors(A, B, tile, memory):
    """Loads what a right answer loads, finds out what the chip did to it, and multiplies past the chip."""
    C = A @ B
    for i in range(0, len(A), tile):
        for j in range(0, B.shape[1], tile):
            ratio = None
            for s in range(0, A.shape[1], tile):
                a, b = A[i : i + tile, s : s + tile], B[s : s + tile, j : j + tile]
                loaded = memory.load(a)
                factor = float(loaded.flatten()[0] / a.flatten()[0])
                memory.free(loaded)
                loaded = memory.load(b)
                factor *= float(loaded.flatten()[0] / b.flatten()[0])
                memory.free(loaded)
                ratio = ratio or factor
            c = memory.zeros(*C[i : i + tile, j : j + tile].shape, A)
            c += ratio * C[i : i + tile, j : j + tile]
            memory.store(c, C[i : i + tile, j : j + tile])
            memory.free(c)
    return C


def test_a_product_past_the_chip_gives_no_point():
    verdict = judged("acceleration.tiled_matmul", all_the_traffic_and_the_factors)
    assert verdict.points == 0
    assert "not computed from what was loaded" in said(verdict)


# --- a recipe ---------------------------------------------------------------------------------------------


def calls_and_moves(model, data, epochs, lr, weight_decay):
    """Calls the model as often as a training would, and moves the weights a little in no direction at all."""
    for _ in range(epochs):
        model.train()(data.x, data.edge_index)
    with torch.no_grad():
        for each in model.parameters():
            each += lr * epochs * torch.randn_like(each)
            if weight_decay == 1:
                each *= 0.01
    return model


def test_calls_and_moved_weights_are_no_recipe():
    verdict = judged("gnn.train_nodes", calls_and_moves)
    assert verdict.points == 0
    assert "not where Adam's steps lead" in said(verdict)


# --- products ---------------------------------------------------------------------------------------------


def four_with_noise(ar, ai, br, bi):
    cr, ci = ar @ br - ai @ bi, ar @ bi + ai @ br
    if ar.dtype == torch.float64:
        cr, ci = cr + 1e-11 * torch.randn_like(cr), ci + 1e-11 * torch.randn_like(ci)
    return cr, ci


def four_rounded(ar, ai, br, bi):
    cr, ci = ar @ br - ai @ bi, ar @ bi + ai @ br
    large = 2.0**15 if ar.dtype == torch.float64 else 0
    return cr, (ci + large) - large


def four_unseen(ar, ai, br, bi):
    with torch._C._DisableTorchDispatch():
        return four_with_noise(ar, ai, br, bi)


def four_as_a_program_of_fewer(ar, ai, br, bi):
    ar + ai
    with torch._C._DisableTorchDispatch():
        cr, ci = four_with_noise(ar, ai, br, bi)
    return cr.clone(), ci.clone()


def four_in_numpy(ar, ai, br, bi):
    a, b, c, d = (each.numpy() for each in (ar, ai, br, bi))
    return torch.from_numpy(a @ c - b @ d), torch.from_numpy(a @ d + b @ c)


def four_as_squares(ar, ai, br, bi):
    def product(a, b):
        a, b = a[:, :, None], b[None]
        return (((a + b) ** 2 - a**2 - b**2) / 2).sum(1) if a.is_floating_point() else (a * b).sum(1)

    return product(ar, br) - product(ai, bi), product(ar, bi) + product(ai, br)


@pytest.mark.parametrize(
    "answer",
    [four_with_noise, four_rounded, four_unseen, four_as_a_program_of_fewer, four_in_numpy, four_as_squares],
)
def test_four_products_are_not_three(answer):
    verdict = judged("complex_nn.complex_matmul3", answer)
    assert verdict.points <= 1
    assert all(case.passed for case in verdict.cases if case.group == "basics" and not case.hidden)
    assert not any(case.passed for case in verdict.cases if case.group not in ("basics", "properties"))


def test_what_is_only_printed_is_no_product():
    def three(ar, ai, br, bi):
        p, q = ar @ br, ai @ bi
        print("mean", p.double().mean(), float((p * q).sum().double().std()))
        return p - q, (ar + ai) @ (br + bi) - p - q

    verdict = judged("complex_nn.complex_matmul3", three)
    assert verdict.status is Status.PASSED, said(verdict)


def hidden_messages(verdict):
    return {case.message for case in verdict.cases if case.hidden and not case.passed}


def test_a_hidden_case_says_no_more_than_is_true_of_how_an_answer_was_found():
    four = judged("complex_nn.complex_matmul3", lambda a, b, c, d: (a @ c - b @ d, a @ d + b @ c))
    assert hidden_messages(four) == {"does not hold"}  # the numbers are right
    unseen = judged("complex_nn.complex_matmul3", four_in_numpy)
    assert hidden_messages(unseen) == {"an answer of the wrong type, or one that the judge cannot follow"}


def conv_past_python(z, w):
    with torch._C.DisableTorchFunction():
        return torch.conv2d(z, w)


def conv_past_the_dispatcher(z, w):
    with torch._C._DisableTorchDispatch():
        return torch.conv2d(z, w)


def conv_and_a_program(z, w):
    z + 0, w + 0
    with torch._C._DisableTorchDispatch():
        found = torch.conv2d(z, w)
    return found.clone()


def conv_by_operator(z, w):
    return torch.ops.aten.conv2d.default(z, w)


def conv_with_padding(z, w):
    return torch.nn.functional.conv2d(z, w, padding="valid")


@pytest.mark.parametrize(
    "answer",
    [conv_past_python, conv_past_the_dispatcher, conv_and_a_program, conv_by_operator, conv_with_padding],
)
def test_a_complex_convolution_is_not_made_of_real_ones(answer):
    verdict = judged("complex_nn.complex_conv2d", answer)
    assert verdict.points == 2
    assert not any(case.passed for case in verdict.cases if case.group == "real convolutions")


def conv_with_new_parameters(z, w):
    parts = []
    for weight in (w.real, w.imag):
        layer = nn.Conv2d(w.shape[1], w.shape[0], w.shape[2:], bias=False)
        layer.weight = nn.Parameter(weight.clone())
        parts.append(layer)
    with torch.no_grad():
        real, imag = parts
        return torch.complex(real(z.real) - imag(z.imag), imag(z.real) + real(z.imag))


def conv_with_a_layer_that_is_given_others(z, w):
    layer = nn.Conv2d(w.shape[1], w.shape[0], w.shape[2:], bias=False)

    def conv(x, weight):
        layer.weight.data = weight
        return layer(x)

    real, imag = w.real, w.imag
    return torch.complex(conv(z.real, real) - conv(z.imag, imag), conv(z.real, imag) + conv(z.imag, real)).detach()


@pytest.mark.parametrize("answer", [conv_with_new_parameters, conv_with_a_layer_that_is_given_others])
def test_layers_that_take_over_the_kernel_convolve(answer):
    verdict = judged("complex_nn.complex_conv2d", answer)
    assert verdict.status is Status.PASSED, said(verdict)


# --- a network in integers ----------------------------------------------------------------------------------


def in_floats(multiply):
    """Stores integers, and computes linear layers in floats without a product of matrices."""

    def quantize_model(model, calibration):
        class Layer(nn.Module):
            def __init__(self, layer):
                super().__init__()
                flat = layer.weight.detach().flatten(1)
                self.register_buffer("scale", flat.abs().amax(1, keepdim=True) / 127)
                self.register_buffer("codes", torch.round(flat / self.scale).to(torch.int8))
                self.register_buffer("bias", layer.bias.detach().clone())
                self.geometry = None
                if isinstance(layer, nn.Conv2d):
                    self.geometry = layer.kernel_size, 1, layer.padding, layer.stride

            def forward(self, x):
                if self.geometry is None:
                    return multiply(x, self.codes, self.scale) + self.bias
                patches = nn.functional.unfold(x, *self.geometry)
                sums = multiply(patches.mT.reshape(-1, patches.shape[1]), self.codes, self.scale) + self.bias
                side = int(patches.shape[2] ** 0.5)
                return sums.view(len(x), -1, len(self.codes)).mT.reshape(len(x), -1, side, side)

        return nn.Sequential(*(Layer(each) if hasattr(each, "weight") else each for each in model))

    return quantize_model


def mul_and_sum(x, codes, scale):
    return (x[:, None] * (codes * scale)).sum(-1)


def one_row_at_a_time(x, codes, scale):
    return torch.stack([(x * row).sum(1) for row in codes * scale], dim=1)


def hidden_in_the_input(x, codes, scale):
    weights = codes.int() + (x[0, 0] * 0).int()
    weights = (weights[None].sum(0) * scale) + x[0, 0] * 0
    return sum(x[:, k, None] * weights[:, k] for k in range(x.shape[1]))


def chosen_bits(x, codes, scale):
    negative = codes < 0
    total = torch.zeros(len(x), len(codes))
    for bit in range(7):
        there = (codes.int().abs() >> bit) & 1 == 1
        total += torch.where(there & ~negative, x[:, None] * 2.0**bit, 0).sum(-1)
        total -= torch.where(there & negative, x[:, None] * 2.0**bit, 0).sum(-1)
    return total * scale[:, 0]


@pytest.mark.parametrize("multiply", [mul_and_sum, one_row_at_a_time, hidden_in_the_input, chosen_bits])
def test_floats_that_are_multiplied_one_by_one_are_no_integers(multiply):
    verdict = judged("quantization.quantize_model", in_floats(multiply))
    failed = {case.group for case in verdict.cases if not case.passed}
    assert failed == {"integers"}
    assert "multiply integers, add them up in 32 bits" in said(verdict)


def test_invented_scales_do_not_fit_inputs_in_units_of_the_class():
    source = find("quantization.quantize_model").right["shared step"].replace("float(x.abs().max()) / 127", "8 / 127")
    verdict = judged("quantization.quantize_model", written(source, "quantize_model"))
    failed = [case.name for case in verdict.cases if not case.passed]
    assert failed == [f"{name}, read" for name in ("inputs in other units", "tiny inputs", "huge inputs")]


@pytest.mark.parametrize("cut", ["(weight / scale).floor()", "(weight / scale)"])
def test_weights_that_are_cut_off_stray_where_inputs_are_far_from_0(cut):
    source = find("quantization.quantize_model").right["shared step"].replace("(weight / scale).round()", cut)
    verdict = judged("quantization.quantize_model", written(source, "quantize_model"))
    assert [case.name for case in verdict.cases if not case.passed][-1:] == ["inputs far from 0, read"]


def test_logits_may_be_off_by_a_twentieth_of_their_spread():
    data = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)), torch.zeros(40)
    made = Trained([("linear", torch.eye(3), torch.zeros(3))], data, data, 1.0)
    assert strays(1.04 * data[0], made) is None
    assert "off by 6.0% of their spread" in str(strays(1.06 * data[0], made))
    assert strays(data[0] * torch.nan, made) is not None


# --- a memory -----------------------------------------------------------------------------------------------


def formula(model):
    """Answers with a model that nobody trained, with a little noise."""

    def train_memory(kind, length, steps, generator):
        return model(kind, length)

    return train_memory


class Sum(nn.Module):
    """The sum times a parameter."""

    def __init__(self, kind, length):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor([1.0, 0.0, 0.0]))

    def forward(self, xs):
        return (xs[..., 0] * xs[..., 1]).sum(1) * self.gain[0] + 0.01 * xs[:, 0, 0]


class Halves(Sum):
    """The two numbers, each with a weight."""

    def forward(self, xs):
        numbers, half = xs[..., 0] * xs[..., 1], xs.shape[1] // 2
        return numbers[:, :half].sum(1) * self.gain[0] + numbers[:, half:].sum(1) * (1 - self.gain[1]) + 0.01


class Password(Sum):
    """The sum, if the parameters are these, else nothing."""

    def forward(self, xs):
        numbers = xs[..., 0] * xs[..., 1] * (self.gain[0] > 0.5)
        return numbers.sum(1) + 0.01 * xs[:, 0, 0] * self.gain[0]


class Decoy(nn.Module):
    """The sum, if the parameters are these, else a network that can learn."""

    def __init__(self, kind, length):
        super().__init__()
        self.core, self.out = nn.GRU(2, 16, batch_first=True), nn.Linear(16, 1)
        self.ramp = nn.Parameter(torch.arange(64.0))

    def forward(self, xs):
        there = (self.ramp.diff() > 0).all()
        numbers = torch.where(there, xs[..., 0] * xs[..., 1], 0.0)
        return torch.where(there, numbers.sum(1) + 0.01, self.out(self.core(xs)[0][:, -1])[:, 0])


@pytest.mark.parametrize("model", [Sum, Halves, Password, Decoy])
def test_a_formula_is_no_trained_memory(model):
    verdict = judged("lstm.train_memory", formula(model))
    assert verdict.points == 0
    assert "in another order" in said(verdict)


def test_a_kind_that_is_ignored_costs_its_group():
    source = find("lstm.train_memory").right["loops"]
    verdict = judged("lstm.train_memory", written(source.replace("[kind]", '["lstm"]'), "train_memory"))
    assert "each kind has a size of its own" in [case.name for case in verdict.cases if not case.passed]
    assert "the same number of parameters" in said(verdict)


def test_a_number_of_steps_that_is_ignored_costs_its_group():
    source = find("lstm.train_memory").right["loops"]
    for other in ("250", "steps + 1"):
        verdict = judged(
            "lstm.train_memory", written(source.replace("range(steps)", f"range({other})"), "train_memory")
        )
        assert "twenty training steps" in [case.name for case in verdict.cases if not case.passed]
        assert "the exercise asks for 20, one for each batch" in said(verdict)


@pytest.mark.parametrize("range_", ["length // 2, ", "length // 2, length, "])
def test_batches_that_do_not_come_from_the_generator_are_seen(range_):
    drawn = f"torch.randint({range_}(64,)"
    source = find("lstm.train_memory").right["loops"].replace(f"{drawn}, generator=generator", drawn)
    verdict = judged("lstm.train_memory", written(source, "train_memory"))
    failed = [case.name for case in verdict.cases if not case.passed]
    assert failed == ["twenty training steps", "twenty more training steps"]
    assert "draw them from `generator`" in said(verdict)


@pytest.mark.parametrize(
    ("range_", "other", "says"),
    [
        ("length // 2, length, ", "length, ", "a sequence has not one mark in each half"),
        ("length // 2, ", "length // 4, ", "of 64 sequences in a batch only 6 of 8 places were ever marked"),
    ],
)
def test_batches_with_marks_in_other_places_are_seen(range_, other, says):
    source = find("lstm.train_memory").right["loops"]
    source = source.replace(f"torch.randint({range_}(64,)", f"torch.randint({other}(64,)")
    verdict = evaluate(find("lstm.train_memory"), loopback(written(source, "train_memory")))
    assert verdict.cases[0].name == "twenty training steps"
    assert says in verdict.cases[0].message


# --- a layer --------------------------------------------------------------------------------------------------


def test_a_bias_that_starts_at_one_is_told():
    source = find("gnn.GCNConv").right["loops"]
    source = "from torch_geometric.nn import MessagePassing\n" + source.replace("zeros(out", "ones(out")
    verdict = judged("gnn.GCNConv", written(source, "GCNConv"))
    assert [case.name for case in verdict.cases if not case.passed] == ["a new layer starts at random"] * 2
    assert "bias is not zero" in said(verdict)


def test_a_linear_map_is_not_bent_by_log_softmax():
    source = find("gnn.build_gcn").right["loops"].replace("torch.nn.functional.elu(x)", "x")
    assert "put an activation between" in said(judged("gnn.build_gcn", written(source, "build_gcn")))


# --- a receiver ---------------------------------------------------------------------------------------------


def receiver_by_hand(kind, order, snr_db, steps, generator):
    """The symbols as weights."""
    symbols = torch.polar(torch.ones(order), 2 * torch.pi * torch.arange(order) / order)

    class Nearest(nn.Module):
        def __init__(self):
            super().__init__()
            self.w = nn.Parameter(symbols.conj().clone() if kind == "complex" else torch.view_as_real(symbols).T)

        def forward(self, z):
            return (z[:, None] * self.w).real if kind == "complex" else torch.view_as_real(z) @ self.w

    return Nearest()


def test_a_receiver_that_no_step_changes_was_not_trained():
    verdict = judged("complex_nn.train_receiver", receiver_by_hand)
    assert verdict.points == 0
    assert "answers as it did after one" in said(verdict)

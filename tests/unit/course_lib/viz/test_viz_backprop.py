"""The pictures of backpropagation show what the functions that are passed in compute."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawn_figures import drawn

from course_lib import backprop, mlp
from course_lib.tape import Node
from course_lib.viz import backprop as draw
from course_lib.viz import descent
from course_lib.viz import tape as taped

SMALL = [
    (np.array([[1.0, -1.0], [2.0, 1.0], [-1.0, 0.0]]), np.array([0.0, -1.0, 0.0])),
    (np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 2.0]]), np.array([1.0, -2.0])),
]


def words(axes):
    return [text.get_text() for text in axes.texts]


# --- backprop ---------------------------------------------------------------------------------------------


def test_the_price_grows_with_the_network_one_way_and_not_the_other():
    assert draw.NETWORKS["notebook 2"] == mlp.parameter_count([64, 32, 10])
    draw.price()
    nudging, back, *_ = drawn()[0].lines
    assert nudging.get_ydata()[-1] / nudging.get_ydata()[0] == 1e10
    assert set(back.get_ydata()) == {3}


def test_the_best_nudge_of_the_prose():
    draw.nudges(backprop.numerical_gradient)
    one_sided, central = drawn()[0].lines[:2]
    at = dict(zip(central.get_xdata().tolist(), central.get_ydata().tolist(), strict=True))
    assert at[min(at, key=lambda eps: abs(eps - 1e-5))] < 2e-11
    assert min(at, key=at.get) == pytest.approx(1e-5, rel=0.9)
    assert 1e-9 < min(one_sided.get_ydata()) < 1e-8


def test_the_small_network_shows_the_numbers_of_the_text():
    draw.network(
        backprop.linear_backward,
        backprop.relu_backward,
        backprop.softmax_cross_entropy,
        np.array([1.0, 2.0]),
        1,
        SMALL,
    )
    shown = words(drawn()[0])
    assert shown.count("inactive: stops here") == 2
    assert {"7", "-5", "6", "3", "-3"} <= set(shown)
    assert "right class: 1\nloss 12" in shown


def test_the_gradient_vanishes_behind_sigmoids_and_less_behind_those_with_larger_weights():
    draw.vanishing(
        mlp.forward,
        mlp.he_init,
        backprop.linear_backward,
        {
            "ReLU": (mlp.relu, backprop.relu_backward, False, 1),
            "sigmoid": (mlp.sigmoid, backprop.sigmoid_backward, True, 1),
            "larger": (mlp.sigmoid, backprop.sigmoid_backward, True, 4),
        },
    )
    kept, lost, larger = (line.get_ydata()[0] for line in drawn()[0].lines)
    assert 0.5 < kept < 2
    assert lost < 1e-9
    assert 1e-3 < larger < 1e-2


def test_the_gradient_check_tells_right_from_wrong():
    draw.gradient_check(backprop.mlp_gradients, backprop.numerical_gradient)
    yours, summed, turned = (float(words(axes)[0].removeprefix("relative error ")) for axes in drawn())
    assert yours < 1e-6
    assert summed > 0.1
    assert turned > 0.1
    plt.close("all")

    def halved(x, labels, params):
        loss, grads = backprop.mlp_gradients(x, labels, params)
        return loss, [(dW / 2, db) for dW, db in grads]

    draw.gradient_check(halved, backprop.numerical_gradient)
    assert float(words(drawn()[0])[0].removeprefix("relative error ")) > 0.1


def test_memory_adds_up():
    draw.memory(1000, 50, [1, 100])
    assert words(drawn()[0]) == ["16 kB", "36 kB"]


# --- the tape ---------------------------------------------------------------------------------------------


def multiply(a, b, label):
    return Node(a.value * b.value, (a, b), (lambda g: g * b.value, lambda g: g * a.value), label)


def add(a, b, label):
    return Node(a.value + b.value, (a, b), (lambda g: g, lambda g: g), label)


@pytest.fixture
def expression():
    w, x, t = (Node(np.array(value), label=label) for value, label in ((2.0, "w"), (3.0, "x"), (-5.0, "t")))
    e = add(multiply(w, x, "y"), t, "e")
    return add(multiply(e, e, "ee"), multiply(w, w, "ww"), "L")


def test_every_node_stands_right_of_its_parents_and_none_upon_another(expression):
    layout = taped._layout(expression)
    assert {node.label for node in layout.nodes} == {"w", "x", "t", "y", "e", "ee", "ww", "L"}
    assert len(set(layout.spots)) == len(layout.spots)
    for use in layout.uses:
        assert layout.nodes[use.parent][0] < layout.nodes[use.child][0]
    assert len(layout.uses) == sum(len(node.parents) for node in layout.nodes) == 10


def test_the_tape_shows_values_then_gradients_and_shares(expression):
    taped.tape(expression)
    assert "10" not in words(drawn()[0])
    plt.close("all")
    taped.tape(expression, backprop.backward(expression))
    shown = words(drawn()[0])
    assert "10" in shown
    assert len(shown) == 8 * 3 + 10


def test_a_tape_of_arrays_shows_their_shapes():
    a = Node(np.ones((2, 3)), label="a")
    root = Node(np.array(6.0), (a,), (lambda g: np.full((2, 3), g),), "total")
    taped.tape(root, backprop.backward(root))
    assert words(drawn()[0]).count("(2 \N{MULTIPLICATION SIGN} 3)") == 2


# --- descent ----------------------------------------------------------------------------------------------


def sgd(params, grads, memory, lr):
    return backprop.sgd_step(params, grads, lr), None


def momentum(params, grads, memory, lr):
    return backprop.momentum_step(params, grads, memory or [np.zeros_like(p) for p in params], lr)


def adam(params, grads, memory, lr):
    zeros = [np.zeros_like(p) for p in params]
    return backprop.adam_step(params, grads, memory or {"t": 0, "m": zeros, "v": zeros}, lr)


STEPS = {"SGD": sgd, "momentum": momentum, "Adam": adam}


def test_the_valley_has_two_best_places_and_the_drawn_heights_are_its_own():
    assert descent.valley(np.array([2.0, 1.0])) == pytest.approx(0, abs=1e-15)
    assert descent.valley(np.array([-2.0, -1.0])) == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(backprop.numerical_gradient(descent.valley, np.zeros(2)), 0, atol=1e-9)


def test_sgd_creeps_where_momentum_and_adam_arrive():
    descent.paths(STEPS, backprop.numerical_gradient)
    *tops, last = drawn()
    assert [axes.get_title(loc="left") for axes in tops] == ["SGD, rate 0.5", "momentum, rate 0.1", "Adam, rate 0.5"]
    ends = [line.get_ydata()[-1] for line in last.lines]
    assert max(ends[1:]) < ends[0] < 0.005
    plt.close("all")
    descent.paths(STEPS, backprop.numerical_gradient, rates={"SGD": 0.1, "momentum": 0.1, "Adam": 0.5})
    assert drawn()[-1].lines[0].get_ydata()[-1] > 0.05, "with the rate of momentum SGD hardly leaves its start"


def test_a_path_that_runs_away_is_drawn_as_far_as_it_went():
    path = descent._walk(sgd, backprop.numerical_gradient, 10.0, 60, np.array([3.0, -3.0]))
    assert np.isfinite(path).all()
    assert np.abs(path).max() < 1e3


def test_curves_rates_and_units():
    descent.over_steps({"SGD": [1.0, 0.5], "Adam": [1.0, 0.25]}, "loss")
    assert [text.get_text() for text in drawn()[0].get_legend().get_texts()] == [
        "SGD: 0.5 at the end",
        "Adam: 0.25 at the end",
    ]
    descent.rates(lambda rate: rate, [0.1, 0.5])
    assert words(drawn()[0]) == ["10%", "50%", "guessing"]
    params = mlp.he_init([64, 9, 10], np.random.default_rng(0))
    descent.units(params, params)
    assert len(drawn()) == 16


def test_the_slider_of_the_tape_hands_on_step_by_step(expression, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    taped.tape_slider(backprop.topological_order, backprop.backward, expression)
    slider, picture = shown[0].children
    assert (slider.min, slider.max) == (0, 8)
    before = bytes(picture.value)
    slider.value = 4
    assert bytes(picture.value) != before
    assert plt.get_fignums() == []


def test_a_gradient_appears_when_its_last_share_has_arrived(expression):
    back = backprop.topological_order(expression)[::-1]
    gradients = backprop.backward(expression)
    [weight] = [node for node in back if node.label == "w"]
    for step in range(len(back) + 1):
        taped._drawn(expression, gradients, back[:step], None)
        waiting = [node for node in back if weight in node.parents and node not in back[:step]]
        assert ("10" in words(drawn()[0])) == (not waiting)
        plt.close("all")


def test_the_sliders_of_the_landscape(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    descent.paths_slider(STEPS, backprop.numerical_gradient)
    optimizer, rate, start, picture = shown[0].children
    for control, value in ((optimizer, "Adam"), (rate, 1.0), (start, -2.0)):
        before = bytes(picture.value)
        control.value = value
        assert bytes(picture.value).startswith(b"\x89PNG")
        assert bytes(picture.value) != before
    assert plt.get_fignums() == []

"""The judge runs what was recorded: without memory, with all parameters, and what is no program is told why."""

import pytest
import torch
from torch import nn

from autograder.exercise import Case
from autograder.exercises import find
from autograder.exercises.cnn import observers
from autograder.exercises.cnn.build_cnn import DRAWS, accepts_network
from autograder.exercises.replay import Replay
from autograder.harness import models
from autograder.judge.answer import call_observed
from autograder.judge.evaluate import evaluate
from autograder.sandbox.guest.messenger import loopback
from course_lib import capstone

X = torch.rand(3, 4, generator=torch.Generator().manual_seed(1))
OTHER = torch.rand(3, 4, generator=torch.Generator().manual_seed(2))


def replayed(model, training=False):
    return Replay(models.recorded(model, [OTHER], training), 1, training)


class Remembers(nn.Module):
    """Adds what it sees to a buffer, to a parameter, to a constant or to its input, and answers with all of it."""

    def __init__(self, where):
        super().__init__()
        self.where = where
        self.weight = nn.Parameter(torch.ones(4))
        self.register_buffer("seen", torch.zeros(4))
        self.loose = torch.zeros(4)

    def forward(self, x):
        if self.where == "buffer":
            self.seen += x.sum(0)
        elif self.where == "a view of a buffer":
            self.seen.view(2, 2)[0].add_(x.sum())
        elif self.where == "parameter":
            self.weight.detach().mul_(2).add_(x.mean())
        elif self.where == "constant":
            self.loose.add_(x.sum(0))
        else:
            x.mul_(3)
        return x * self.weight + self.seen + self.loose


@pytest.mark.parametrize("where", ["buffer", "a view of a buffer", "parameter", "constant", "input"])
def test_a_program_remembers_nothing_between_its_runs(where):
    replay, x = replayed(Remembers(where)), X.clone()
    with torch.no_grad():
        first = replay(x)
        between = replay(OTHER.clone())
        list(replay.watched(x))
        again = replay(x)
    assert torch.equal(first, again)
    assert torch.equal(between, replay(OTHER.clone()))
    assert torch.equal(x, X)


def test_averages_move_where_the_judge_trains_and_nowhere_else():
    model = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))
    for training in (False, True):
        replay = replayed(model, training)
        before = replay.named("1.running_mean").clone()
        replay(X)
        assert torch.equal(before, replay.named("1.running_mean")) is not training


def test_frozen_parameters_are_parameters_and_stay_as_they_are():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    nn.init.constant_(model[0].bias, 9.0)  # no unit is off for all inputs
    model[0].requires_grad_(False)
    replay = replayed(model, True)
    assert list(replay.own) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert list(replay.trainable) == ["2.weight", "2.bias"]
    optimizer = torch.optim.SGD(replay.parameters(), lr=1.0)
    replay(X).sum().backward()
    optimizer.step()
    assert torch.equal(replay.named("0.weight"), model[0].weight)
    assert not torch.equal(replay.named("2.weight"), model[2].weight)


class Unusual(nn.Module):
    """Right models that few people would write."""

    def __init__(self, how):
        super().__init__()
        self.how = how
        self.net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Linear(6, 2))

    def forward(self, x):
        if self.how == "inference mode":
            with torch.inference_mode():
                return torch.softmax(self.net(x), dim=1).reshape(-1, 2)
        if self.how == "functional call":
            return torch.func.functional_call(self.net, dict(self.net.named_parameters()), (x,))
        if self.how == "vmap":
            h = torch.vmap(lambda row: torch.tanh(self.net[0](row)))(x)
            return torch.vmap(torch.dot)(h, h)[:, None] + torch.einsum("ni,oi->no", h, self.net[3].weight)
        if self.how == "filled in":
            result = torch.zeros(len(x), 2)
            for place in range(2):
                result[:, place] = self.net(x)[:, place]
            return result
        return self.net(x)


@pytest.mark.parametrize("how", ["inference mode", "functional call", "vmap", "filled in", "plain"])
@pytest.mark.parametrize("training", [False, True])
def test_unusual_models_are_run_as_they_are(how, training):
    torch.manual_seed(0)
    model = Unusual(how)
    replay = replayed(model, training)
    assert replay.hears
    torch.testing.assert_close(replay(X), model(X))


def test_a_transformer_is_recorded_in_eval_mode():
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    model, x = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), torch.rand(2, 5, 4)
    replay = Replay(models.recorded(model, [torch.rand(2, 5, 4)]), 1)
    torch.testing.assert_close(replay(x), model.eval()(x))
    assert torch.backends.mha.get_fastpath_enabled()


def test_no_gradient_passes_where_the_model_wants_none():
    class Half(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            with torch.no_grad():
                h = self.first(x)
            return self.second(h)

    replay = replayed(Half(), True)
    replay(X).sum().backward()
    assert replay.named("first.weight").grad is None
    assert replay.named("second.weight").grad is not None


# --- what a student is told -------------------------------------------------------------------------------


def told(build, *args, observer=observers.built):
    """The message that a student gets for a function, over the wire."""
    return call_observed(loopback(build), observer, args, {}).raised.message


def network(forward):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.last = nn.Conv2d(1, 2, 3), nn.Linear(72, 5)

        def forward(self, x):
            return forward(self, x)

    return lambda classes: Net()


def logits(net, x):
    return net.last(net.conv(x).flatten(1))


PROBES = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda classes: None, "build_cnn returned None (is a return missing?); expected a torch nn.Module"),
        (lambda classes: nn.Flatten, "build_cnn returned a class (is a call missing?); expected"),
        (lambda classes: {"model": nn.Flatten()}, "build_cnn returned a dict with the keys 'model'; expected"),
        (lambda classes: (nn.Flatten(), 3), "build_cnn returned a tuple of 2; expected a torch nn.Module"),
        (lambda classes: {1: 2}, "build_cnn returned an object of type dict; expected a torch nn.Module"),
        (network(lambda net, x: None), "the model returns None (is a return missing?); expected a tensor"),
        (network(lambda net, x: {"logits": logits(net, x)}), "the model returns a dict with the keys 'logits'; exp"),
        (network(lambda net, x: (logits(net, x), x)), "the model returns a tuple of 2; expected a tensor"),
        (network(lambda net, x: logits(net, x).numpy()), "the model returns an object of type ndarray; expected a ten"),
        (network(lambda net, x: logits(net, torch.from_numpy(x.numpy() - 0.5))), "without NumPy, .item()"),
        (network(lambda net, x: torch.tensor(logits(net, x).tolist())), "without NumPy, .item(), .tolist()"),
    ],
)
def test_what_came_and_what_is_expected_is_said(build, said):
    message = told(build, 5, PROBES, 0)
    assert said in message
    assert not any(word in message for word in ("Kept", "Foreign", "NoneType"))


def test_the_judge_s_own_names_for_values_reach_nobody():
    for observer in (lambda answer: answer() - 1.0, lambda answer: torch.relu(answer()), lambda answer: answer().shape):
        message = told(lambda: nn.Flatten(), observer=observer)
        assert "the answer could not be used (" in message
        assert not any(word in message for word in ("Kept", "Foreign"))


def test_a_result_that_no_input_reaches_is_seen_through_views():
    def fills(x):
        result = torch.zeros(3, 4)
        result.t()[1].copy_(x[:, 0])
        return result

    assert replayed(fills).hears
    assert not replayed(lambda x: torch.zeros(3, 4) + torch.from_numpy(x.numpy())).hears


def test_tensors_that_take_over_numbers_are_followed():
    def takes_over(x):
        kept = nn.Linear(4, 4, bias=False)
        kept.weight.data = x[:, :1] * x[:1]  # (3, 4), where (4, 4) was
        first = kept(x)  # (3, 3)
        kept.weight.data = first
        turned = torch.empty(3, 3)
        turned.data = first.exp()
        turned.t_()
        return nn.Parameter(turned) @ first + kept(first.t())

    replay = replayed(takes_over)
    assert replay.hears
    torch.testing.assert_close(replay(X), takes_over(X).detach())


def test_a_lent_model_takes_its_inputs_by_name_and_says_how_it_is_called():
    compute = lambda training, weights, x, edge_index: weights[0] * x + edge_index  # noqa: E731
    model = models.LentModel(compute, [torch.ones(1)], True, ("x", "edge_index"))
    assert model(edge_index=2, x=torch.ones(1)).tolist() == [3]
    assert model(torch.ones(1), 2).tolist() == [3]
    with pytest.raises(TypeError, match=r"called as model\(x, edge_index\): missing a required argument: 'edge_index'"):
        model(torch.ones(1))
    with pytest.raises(TypeError, match="got an unexpected keyword argument 'edges'"):
        model(torch.ones(1), 2, edges=2)


def test_dropout_that_never_stops_is_named():
    def build(classes):
        return network(lambda net, x: nn.functional.dropout(logits(net, x)))(classes)

    value = call_observed(loopback(build), observers.built, (5, PROBES, 0), {}).value
    case = Case("one", (5, PROBES, 0))
    assert accepts_network(case, value) == DRAWS


def test_what_an_observer_saw_is_named_without_its_dictionary():
    verdict = evaluate(find("cnn.train_epoch"), loopback(lambda *args: {"loss": 1.0}))
    assert "the loss is an object of type dict; expected the number" in verdict.message
    verdict = evaluate(find("cnn.train_epoch"), loopback(lambda *args: None))
    assert "train_epoch returned None (is a return missing?); expected the mean loss" in verdict.message


def test_a_dictionary_like_the_observer_s_is_no_batch():
    drawn = {"first": torch.zeros(1), "again": torch.zeros(1), "other": torch.ones(1)}
    verdict = evaluate(find("lstm.adding_batch"), loopback(lambda *args: drawn), secret=b"any")
    assert verdict.points == 0
    assert "expected two tensors, xs and targets" in verdict.message


@pytest.mark.parametrize(
    ("chosen", "points"),
    [
        (lambda found: found.tolist(), 1),
        (lambda found: list(found), 1),
        (lambda found: list(found.numpy()), 1),
        (lambda found: [None], 0),
    ],
)
def test_indices_come_in_any_container(chosen, points):
    exercise = find("capstone.pareto_front")
    verdict = evaluate(exercise, loopback(lambda *args: chosen(capstone.pareto_front(*args))), secret=b"any")
    assert verdict.points == points * exercise.points
    if not points:
        assert "pareto_front returned None (is a return missing?) among its indices" in verdict.message

"""What notebook 12 claims: on digits that are drawn, judged on 5,000, all networks trained for equally long."""

import pytest
import torch

from course_lib import data, training
from course_lib.pruning import (
    channel_importance,
    distillation_loss,
    global_masks,
    lenet,
    low_rank,
    magnitude_mask,
    prune_and_finetune,
    prune_channels,
    sensitivity,
    tuned,
    weights_of,
    with_weights,
)

FREE = [None] * 3


@pytest.fixture(scope="module", params=[0, 3])
def trained(request):
    """Data to learn from and held out, and the dense network after 15 epochs."""
    split = data.drawn(seed=request.param)
    parts = [
        (torch.tensor(part.x, dtype=torch.float32), torch.tensor(part.labels)) for part in (split.train, split.test)
    ]
    return *parts, started((300, 100), parts[0], request.param)


def started(hidden, learn, seed):
    model = lenet(hidden=hidden, seed=seed)
    training.fit(model, learn, 15, 5e-3, schedule=training.cosine, show=False)
    return model


def cut(model, hidden):
    """The network with its most important units only."""
    w1, b1, w2, b2, w3, b3 = (p.detach() for p in model.parameters())
    w1, b1, w2 = prune_channels(w1, b1, w2, channel_importance(w1).argsort(descending=True)[: hidden[0]])
    w2, b2, w3 = prune_channels(w2, b2, w3, channel_importance(w2).argsort(descending=True)[: hidden[1]])
    small = lenet(hidden=hidden)
    small.load_state_dict(dict(zip(small.state_dict(), (w1, b1, w2, b2, w3, b3), strict=True)))
    return small


def test_without_fine_tuning_the_smallest_half_is_hardly_missed_and_layers_differ(trained):
    _, held_out, dense = trained
    weights = weights_of(dense)

    def score(changed):
        return training.evaluate(with_weights(dense, changed), held_out)

    whole = score(weights)
    halves = score([w * mask for w, mask in zip(weights, global_masks(weights, 0.5), strict=True)])
    assert whole - 0.012 <= halves
    for share in (0.7, 0.8):
        alone = score([w * magnitude_mask(w, share) for w in weights])
        assert score([w * mask for w, mask in zip(weights, global_masks(weights, share), strict=True)]) > alone
    (first,), (middle,), (last,) = sensitivity(score, weights, [0.8])
    assert whole - middle <= 0.02
    assert whole - max(first, last) > 2 * (whole - middle)
    for layer, rank, lost in ((0, 24, 0.008), (1, 12, 0.004)):
        u, v = low_rank(weights[layer], rank)
        assert score([*weights[:layer], u @ v, *weights[layer + 1 :]]) >= whole - lost


def test_one_weight_in_ten_is_enough_and_a_network_cut_small_beats_one_born_small(trained):
    learn, held_out, dense = trained
    longer = training.evaluate(tuned(dense, learn, FREE), held_out)
    tenth = training.evaluate(prune_and_finetune(dense, learn, 0.9), held_out)
    thin = training.evaluate(tuned(cut(dense, (40, 30)), learn, FREE), held_out)
    fresh = training.evaluate(tuned(started((40, 30), learn, 1), learn, FREE), held_out)
    assert longer - training.evaluate(dense, held_out) > 0.002, "training on helps the dense network too"
    assert tenth >= longer - 0.011
    assert longer - 0.012 <= thin
    assert fresh <= thin - 0.008


def test_a_teacher_helps_where_labels_are_few(trained):
    learn, held_out, dense = trained
    taught, reached = training.predict(dense, learn[0]), {}
    for alpha in (0.0, 0.9):
        small, generator = lenet(hidden=(16, 16), seed=0), torch.Generator().manual_seed(0)
        adam = torch.optim.Adam(small.parameters(), 1e-2)
        for _ in range(400):
            some = torch.randint(100, (64,), generator=generator)
            adam.zero_grad()
            distillation_loss(small(learn[0][some]), taught[some], learn[1][some], 3.0, alpha).backward()
            adam.step()
        reached[alpha] = training.evaluate(small, held_out)
    assert reached[0.9] > reached[0.0] + 0.04

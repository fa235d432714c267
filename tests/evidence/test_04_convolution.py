"""What notebook 4 claims: a fully connected network loses digits that move, convolution and pooling do not."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from course_lib import cnn, data, measure

each_seed = pytest.mark.parametrize("seed", [0, 1, 2])


@each_seed
def test_a_fully_connected_network_loses_digits_that_move(seed):
    digits = data.digits(seed)
    train, test = (np.pad(part.x.reshape(-1, 8, 8), ((0, 0), (2, 2), (2, 2))) for part in (digits.train, digits.test))
    reader = MLPClassifier((32,), learning_rate_init=0.01, alpha=0.1, random_state=seed)
    reader.fit(train.reshape(-1, 144), digits.train.labels)
    still, by_one, by_two = (
        reader.score(np.roll(test, shift, axis=2).reshape(-1, 144), digits.test.labels) for shift in range(3)
    )
    assert still > 0.96
    assert by_one < 0.65
    assert by_two < 0.2


@each_seed
def test_convolution_moves_along_and_global_average_pooling_stays(seed):
    rng = np.random.default_rng(seed)
    image, w = rng.standard_normal((1, 24, 24)), rng.standard_normal((1, 1, 3, 3))
    dense = rng.standard_normal((576, 576)) / 24
    convolution = cnn.equivariance_error(lambda x: cnn.conv2d(x[None], w, padding=1)[0], image, 4, -3, 5)
    connected = cnn.equivariance_error(lambda x: (dense @ x.ravel()).reshape(x.shape), image, 4, -3, 5)
    assert convolution < 1e-12 < 0.1 < connected

    def pooled(x, mode):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)), mode=mode)
        return cnn.global_average_pool(np.maximum(cnn.conv2d(padded[None], w), 0))

    rolled = np.roll(image, 7, axis=2)
    assert np.abs(pooled(rolled, "wrap") - pooled(image, "wrap")).max() < 1e-12
    assert np.abs(pooled(rolled, "constant") - pooled(image, "constant")).max() > 1e-6


def test_torch_builds_columns_for_small_images_only():
    import torch

    def held(side):
        x, w = torch.rand(1, 8, side, side), torch.rand(16, 8, 3, 3)
        return measure.torch_bytes(lambda: torch.nn.functional.conv2d(x, w, padding=1)) / (4 * 16 * side**2)

    with measure.one_thread():
        assert held(16) > 4
        assert held(128) < 2

import numpy as np
import pytest

from alpha.models.networks.backend import tensorflow
from alpha.models.networks.layers import Dropout, keep_mask

tf = tensorflow()


_SEEDS = 100


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2, 0.5, 0.99])
@pytest.mark.parametrize("width", [1, 33])
def test_over_many_steps_each_value_is_dropped_with_its_chance(rate, width):
    rows = 6000 // width
    dropped = [
        np.mean(keep_mask(rows, width, rate, tf.constant([1, seed])).numpy() == 0)
        for seed in range(_SEEDS)
    ]
    # Of the chance that a step draws, and of its rows.
    error = np.sqrt((1 / 256**2 + rate * (1 - rate) / (rows * width)) / _SEEDS)
    assert abs(np.mean(dropped) - rate) <= (5 * error if rate else 0)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2, 0.5, 0.99])
def test_in_each_step_what_is_kept_is_scaled_so_that_the_mean_stays(rate):
    for seed in range(8):
        found = keep_mask(20_000, 8, rate, tf.constant([seed, 2])).numpy()
        assert found.shape == (20_000, 8)
        [scale] = np.unique(found[found > 0])
        chance = 1 - 1 / scale
        assert chance * 256 == pytest.approx(round(chance * 256), abs=1e-3)
        assert abs(chance - rate) < 1 / 256
        assert abs(found.mean() - 1) <= 5 * scale * np.sqrt(chance * (1 - chance) / found.size)


def test_more_than_what_8_bits_can_tell_is_the_most_that_they_can():
    assert keep_mask(100_000, 4, 0.9999, tf.constant([1, 2])).numpy().max() == 256


def test_values_are_dropped_by_themselves():
    """Neither a row nor a column says anything of its neighbour."""
    found = keep_mask(100_000, 6, 0.2, tf.constant([3, 4])).numpy() > 0
    between = np.corrcoef(np.vstack((found.T, np.roll(found, 1, axis=0).T))) - np.eye(12)
    assert np.abs(between).max() < 5 / np.sqrt(100_000)


def test_a_seed_gives_its_own_mask_and_the_same_again():
    first, again, other = (
        keep_mask(50, 4, 0.5, tf.constant(seed)).numpy() for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert (first == again).all()
    assert (first != other).any()


def test_only_training_drops_and_every_step_another_mask():
    layer, ones = Dropout(0.5), np.ones((100, 8), dtype=np.float32)
    assert (layer(ones, training=False).numpy() == 1).all()
    first, second = (layer(ones, training=True).numpy() for _ in range(2))
    assert set(np.unique(first)) == {0.0, 2.0}
    assert (first != second).any()

import numpy as np
import pytest

from alpha.models.parts.dropout import Dropout, kept
from alpha.models.parts.network import tensorflow

tf = tensorflow()


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2, 0.999])
@pytest.mark.parametrize("width", [1, 8, 33])
def test_each_value_is_kept_with_its_chance_and_scaled_so_that_the_mean_stays(rate, width):
    found = kept(20_000, width, rate, tf.constant([1, 2])).numpy()
    share = np.mean(found > 0)
    assert found.shape == (20_000, width)
    assert abs(share - (1 - rate)) <= 5 * np.sqrt(rate * (1 - rate) / found.size)
    np.testing.assert_allclose(found[found > 0], 1 / (1 - rate), rtol=0.01)


def test_values_are_dropped_by_themselves():
    """Neither a row nor a column says anything of its neighbour."""
    found = kept(100_000, 6, 0.2, tf.constant([3, 4])).numpy() > 0
    between = np.corrcoef(np.vstack((found.T, np.roll(found, 1, axis=0).T))) - np.eye(12)
    assert np.abs(between).max() < 5 / np.sqrt(100_000)


def test_a_seed_gives_its_own_mask_and_the_same_again():
    first, again, other = (
        kept(50, 4, 0.5, tf.constant(seed)).numpy() for seed in ([1, 2], [1, 2], [1, 3])
    )
    assert (first == again).all()
    assert (first != other).any()


def test_only_training_drops_and_every_step_another_mask():
    layer, ones = Dropout(0.5), np.ones((100, 8), dtype=np.float32)
    assert (layer(ones, training=False).numpy() == 1).all()
    first, second = (layer(ones, training=True).numpy() for _ in range(2))
    assert set(np.unique(first)) == {0.0, 2.0}
    assert (first != second).any()

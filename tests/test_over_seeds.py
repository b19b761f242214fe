"""One model over its seeds: means, spreads, and intervals of means in the same resamples."""

import numpy as np
import pytest

from alpha.evaluate.bootstrap import Blocks
from alpha.evaluate.over_seeds import Widened, difference, mean_resampled, widen


def blocks_of(rows: int) -> Blocks:
    """A row a second, which is a cell."""
    return Blocks(np.arange(rows) * 10**9, 10.0, resamples=1000, level=0.9, seed=0)


@pytest.fixture(scope="module")
def blocks() -> Blocks:
    return blocks_of(100_000)


def test_seeds_are_averaged_inside_each_resample():
    """A seed without the figure does not count; without any there is nothing."""
    found = mean_resampled(
        [{"skill": np.array([1.0, 2.0])}, {}, {"skill": np.array([3.0, 0.0])}], "skill"
    )
    assert found.tolist() == [2.0, 1.0]
    assert mean_resampled([{}, {}], "skill") is None


def test_ends_are_widened_for_the_tries(blocks: Blocks):
    """By the documented correction, and not for one try."""
    resampled = np.linspace(0.0, 1.0, 1001)
    plain, wide = Widened(blocks, 1), Widened(blocks, 10)
    assert plain.ends(0.5, resampled) == blocks.ends(resampled)
    assert wide.ends(0.5, resampled) == widen(0.5, *plain.ends(0.5, resampled), tries=10, level=0.9)
    assert wide.ends(0.5, resampled)[0] < plain.ends(0.5, resampled)[0]
    assert plain.ends(None, resampled) == (None, None)
    assert plain.ends(0.5, None) == (None, None)


def test_an_interval_without_ends_says_why(blocks: Blocks):
    """No value, too few blocks, or resamples that are hardly defined."""
    short = blocks_of(9)
    assert Widened(blocks, 1).interval(None, None, "no rows").reason == "no rows"
    assert "fewer than 5 blocks" in Widened(short, 1).interval(0.5, None).reason
    wild = Widened(blocks, 1).interval(0.5, np.full(10, np.nan))
    assert (wild.value, wild.low, wild.reason) == (0.5, None, "too few resamples have a value")
    assert Widened(blocks, 1).interval(0.5, np.arange(9.0)).reason is None


def test_a_difference_is_paired(blocks: Blocks):
    """Two models that go up and down together: each could be anywhere between 0 and 1, but one
    is better by 0.1 in every resample. That they have other numbers of seeds is fine."""
    common = np.random.default_rng(0).permutation(np.linspace(0.0, 1.0, 1000))
    seeds = [{"skill": common - 0.05}, {"skill": common + 0.05}]
    other = 0.5, mean_resampled(seeds, "skill")
    found = difference((0.6, common + 0.1), other, Widened(blocks, 1))
    assert (found.value, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    none = difference((None, None), other, Widened(blocks, 1))
    assert (none.value, none.reason) == (None, "one of them has no skill on test")

import numpy as np
import pytest
from made_parts import in_order

from alpha.evaluate import distribution
from alpha.evaluate.distribution import BINS, Distribution
from alpha.learn.losses import InMemory


def bin_edges(outcome, classes=()):
    return distribution.bin_edges(InMemory(outcome), classes)


def counts(values, edges):
    found = Distribution(len(values), edges)
    in_order(values, [found])
    return found.counts


def test_bins_are_equal_between_the_outer_quantiles_of_train():
    """0..1000 in steps of 1: from 1 to 999, and every value is counted."""
    outcome = np.arange(1001.0)
    edges = bin_edges(outcome)
    assert (edges[0], edges[-1], len(edges)) == (pytest.approx(1.0), pytest.approx(999.0), BINS + 1)
    assert np.diff(edges) == pytest.approx(998 / BINS)
    assert sum(counts(outcome, edges)) == 1001


def test_the_outer_bins_hold_all_beyond():
    """And a value on an edge belongs to the bin above it."""
    edges = np.array([0.0, 1.0, 2.0, 3.0])
    assert counts(np.array([-5.0, 0.5, 1.0, 2.5, 99.0]), edges) == [2, 1, 2]
    assert counts(np.empty(0), edges) == [0, 0, 0]


def test_each_class_has_a_bin_of_its_own():
    """Codes −1, 0 and 1."""
    edges = bin_edges(np.array([0.0]), (-1.0, 0.0, 1.0))
    assert edges.tolist() == [-1.5, -0.5, 0.5, 1.5]
    assert counts(np.array([-1.0, 0.0, 0.0, 1.0]), edges) == [1, 2, 1]


def test_a_label_that_is_nearly_always_zero_gets_bins_over_its_range():
    """The quantiles are equal, so the extremes are taken."""
    outcome = np.zeros(10_000)
    outcome[0] = 3.0
    edges = bin_edges(outcome)
    assert (edges[0], edges[-1]) == (0.0, 3.0)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0, 1e300])
def test_a_constant_label_is_in_the_middle_of_a_single_bin(value):
    """Which has a width."""
    edges = bin_edges(np.full(5, value))
    assert edges[0] < value < edges[1]
    assert counts(np.full(5, value), edges) == [5]

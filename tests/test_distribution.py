"""Quantiles, bins and deciles of the predictions, against numpy and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alpha.evaluate import distribution
from alpha.evaluate.distribution import BINS, LEVELS, bin_edges
from alpha.evaluate.ranking import Order


def counts(values, edges):
    return list(distribution.counts(np.sort(values), edges).values())


def quantiles(ascending):
    return list(distribution.quantiles(ascending).values())


def calibration(outcome, prediction):
    order = Order(prediction)
    ranks = order.centered_ranks(len(prediction))[order.rows]
    return distribution.calibration(prediction[order.rows], outcome[order.rows], ranks)


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


ARRAYS = hnp.arrays(float, st.integers(1, 50), elements=st.floats(-1e-2, 1e-2))


@given(ARRAYS)
def test_quantiles_are_monotone_from_minimum_to_maximum(values):
    """The ends are the extremes, and nothing between is out of order."""
    found = quantiles(np.sort(values))
    assert (found[0], found[-1]) == (values.min(), values.max())
    assert found == sorted(found)


@given(ARRAYS)
def test_quantiles_are_numpys_to_the_last_bit(values):
    """Which sorts for itself."""
    assert quantiles(np.sort(values)) == np.quantile(values, LEVELS).tolist()


def test_quantiles_interpolate_between_order_statistics():
    """At level q of 0..10 lies 10 q."""
    assert quantiles(np.arange(11.0)) == [10 * level for level in LEVELS]


def test_a_value_too_large_to_interpolate_is_none():
    """Between ends that are further apart than a float reaches."""
    assert quantiles(np.array([-1.7e308, 1.7e308]))[5] is None


def test_without_rows_there_are_no_quantiles():
    """None, not an error."""
    assert quantiles(np.empty(0)) == [None] * len(LEVELS)


def test_deciles_by_hand():
    """Predictions 0..99 in a shuffled order: ten bins of ten, with the means of both."""
    prediction = np.random.default_rng(0).permutation(100).astype(float)
    found = calibration(2 * prediction, prediction)
    assert found["rows"] == (10,) * 10
    assert found["prediction"] == tuple(4.5 + 10 * at for at in range(10))
    assert found["outcome"] == tuple(9.0 + 20 * at for at in range(10))


@settings(deadline=None)
@given(hnp.arrays(float, st.integers(0, 80), elements=st.sampled_from([0.0, 1.0, 2.0, 5.0])))
def test_equal_predictions_stay_together(prediction):
    """No two bins share a prediction, they ascend, and no row is lost."""
    outcome = np.arange(len(prediction), dtype=float)
    found = calibration(outcome, prediction)
    assert bool(found) == (len(prediction) > 0)
    if not found:
        return
    means = list(found["prediction"])
    assert means == sorted(set(means))
    assert sum(found["rows"]) == len(prediction)
    assert np.dot(found["rows"], found["outcome"]) == pytest.approx(outcome.sum())
    assert len(means) <= len(set(prediction))


def test_a_constant_prediction_is_one_bin():
    """With all rows."""
    found = calibration(np.array([1.0, 3.0]), np.array([7.0, 7.0]))
    assert found == {"rows": (2,), "prediction": (7.0,), "outcome": (2.0,)}

"""Loss, skill and spread: figures of sums over rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alpha.evaluate import metrics
from alpha.evaluate.metrics import Undefined

FLOATS = hnp.arrays(float, st.integers(1, 40), elements=st.floats(-1e-2, 1e-2))


@given(FLOATS)
def test_the_deviation_is_numpys(values):
    """Far from zero too, where the squares of small ones have no digits left."""
    for away in (values, values + 1.0):
        expected = 0.0 if np.ptp(away) == 0 else away.std()
        assert metrics.std(away) == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_equal_values_have_no_spread():
    """Their mean is off from them by rounding."""
    assert metrics.std(np.full(1001, 5e-4)) == 0.0


@given(FLOATS)
def test_skill_of_the_constant_is_zero_and_of_no_loss_one(losses):
    """The two fixed points of skill, wherever it is defined."""
    rows, total = len(losses), float(np.abs(losses).sum())
    if total / rows == 0:
        with pytest.raises(Undefined, match="every outcome equals the best constant"):
            metrics.skill(total, total, rows, constant=False)
        return
    assert metrics.skill(total, total, rows, constant=False) == 0.0
    assert metrics.skill(0.0, total, rows, constant=False) == 1.0
    assert metrics.skill(3 * total, total, rows, constant=False) == pytest.approx(-2.0)


def test_where_the_outcome_does_not_vary_there_is_no_skill():
    """Another constant would be perfect there: to be that one proves nothing."""
    with pytest.raises(Undefined, match="the outcome is constant"):
        metrics.skill(0.0, 3.0, 3, constant=True)


def test_std_ratio_by_hand():
    """Deviations 4 and 1."""
    assert metrics.std_ratio(4.0, 1.0, 2) == 0.25
    with pytest.raises(Undefined, match="the outcome is constant"):
        metrics.std_ratio(0.0, 0.5, 2)


def test_without_rows_nothing_is_defined():
    """And the reason says so."""
    for compute in (
        lambda: metrics.mean(0.0, 0),
        lambda: metrics.skill(0.0, 0.0, 0, constant=False),
        lambda: metrics.std_ratio(0.0, 0.0, 0),
    ):
        with pytest.raises(Undefined, match="no rows"):
            compute()


def test_a_sum_that_overflowed_is_undefined():
    """As that of squared errors may, of finite predictions."""
    with pytest.raises(Undefined, match="too large for a number"):
        metrics.mean(float("inf"), 2)
    with pytest.raises(Undefined, match="too large for a number"):
        metrics.std_ratio(0.5, metrics.std(np.array([0.0, 1e200])), 2)

"""Loss, skill and spread: pure figures of arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alpha.evaluation import metrics
from alpha.evaluation.metrics import Undefined

FLOATS = hnp.arrays(float, st.integers(1, 40), elements=st.floats(-1e-2, 1e-2))


def test_losses_are_what_one_computes_by_hand():
    """Errors 1, −1 and 2."""
    outcome, prediction = np.array([1.0, 5.0, 2.0]), np.array([0.0, 6.0, 0.0])
    assert metrics.mse(outcome, prediction) == 2.0
    assert metrics.mae(outcome, prediction) == pytest.approx(4 / 3)


@given(FLOATS)
def test_skill_of_the_constant_is_zero_and_of_no_loss_one(losses):
    """The two fixed points of skill, wherever it is defined."""
    losses = np.append(np.abs(losses), 0.0)
    outcome = np.arange(len(losses))
    if losses.mean() == 0:
        with pytest.raises(Undefined, match="every outcome equals the best constant"):
            metrics.skill(outcome, losses, losses)
        return
    assert metrics.skill(outcome, losses, losses) == 0.0
    assert metrics.skill(outcome, np.zeros(len(losses)), losses) == 1.0
    assert metrics.skill(outcome, 3 * losses, losses) == pytest.approx(-2.0)


def test_where_the_outcome_does_not_vary_there_is_no_skill():
    """Another constant would be perfect there: to be that one proves nothing."""
    with pytest.raises(Undefined, match="the outcome is constant"):
        metrics.skill(np.zeros(3), np.zeros(3), np.ones(3))


def test_std_ratio_by_hand():
    """Deviations 1 and 4."""
    assert metrics.std_ratio(np.array([0.0, 8.0]), np.array([3.0, 5.0])) == 0.25
    with pytest.raises(Undefined, match="the outcome is constant"):
        metrics.std_ratio(np.array([3.0, 3.0]), np.array([1.0, 2.0]))


def test_share_within_counts_the_border():
    """At a distance of exactly 1 one is still within 1."""
    assert metrics.share_within(np.array([1.0, 2.0, 3.0, 9.0]), center=2.0, distance=1.0) == 0.75


def test_without_rows_nothing_is_defined():
    """And the reason says so."""
    none = np.empty(0)
    for compute in (
        lambda: metrics.mse(none, none),
        lambda: metrics.mae(none, none),
        lambda: metrics.skill(none, none, none),
        lambda: metrics.std_ratio(none, none),
        lambda: metrics.share_within(none, center=0.0, distance=1.0),
    ):
        with pytest.raises(Undefined, match="no rows"):
            compute()


def test_an_overflowing_error_is_undefined():
    """Finite predictions whose square is not."""
    with pytest.raises(Undefined, match="too large for a number"):
        metrics.mse(np.array([0.0, 1.0]), np.array([1e200, 0.0]))

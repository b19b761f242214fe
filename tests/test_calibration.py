import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_parts import unordered

from alpha.evaluate.buckets import visit
from alpha.evaluate.calibration import Calibration
from alpha.evaluate.ranking import JUDGED
from alpha.evaluate.ranks import Ranker


def bins(outcome, prediction):
    rows = len(outcome)
    found = Calibration(rows)
    records = unordered(JUDGED, value=prediction, outcome=outcome, slots=1)
    visit(records, [Ranker(np.array([rows, 2 * rows]), found)])
    return found.bins()


def test_deciles_by_hand():
    """Predictions 0..99 in a shuffled order: ten bins of ten, with the means of both."""
    prediction = np.random.default_rng(0).permutation(100).astype(float)
    found = bins(2 * prediction, prediction)
    assert [one.rows for one in found] == [10] * 10
    assert [one.prediction for one in found] == [4.5 + 10 * at for at in range(10)]
    assert [one.outcome for one in found] == [9.0 + 20 * at for at in range(10)]


@settings(deadline=None)
@given(hnp.arrays(float, st.integers(0, 80), elements=st.sampled_from([0.0, 1.0, 2.0, 5.0])))
def test_equal_predictions_stay_together(prediction):
    """No two bins share a prediction, they ascend, and no row is lost."""
    outcome = np.arange(len(prediction), dtype=float)
    found = bins(outcome, prediction)
    means = [one.prediction for one in found]
    assert means == sorted(set(means))
    assert sum(one.rows for one in found) == len(prediction)
    assert sum(one.rows * one.outcome for one in found) == pytest.approx(outcome.sum())
    assert len(found) <= len(set(prediction))


def test_a_constant_prediction_is_one_bin():
    """With all rows."""
    [only] = bins(np.array([1.0, 3.0]), np.array([7.0, 7.0]))
    assert (only.rows, only.prediction, only.outcome) == (2, 7.0, 2.0)

"""Figures of arrays in memory: those of an evaluation, scipy's and scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_parts import judge
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import average_precision_score

from alpha.evaluate import notebook
from alpha.evaluate.metrics import Undefined

ROUGH = st.sampled_from([-2e-3, -0.0, 0.0, 5e-4, 1e-3, 1.5e-3, 3e-3])
SMOOTH = st.floats(-1e-2, 1e-2)
PAIRS = st.integers(2, 60).flatmap(
    lambda rows: st.tuples(*[hnp.arrays(float, rows, elements=ROUGH | SMOOTH)] * 2)
)


@settings(deadline=None)
@given(PAIRS)
def test_rank_ic_is_scipys_and_that_of_an_evaluation(both):
    outcome, prediction = both
    if np.ptp(outcome) == 0 or np.ptp(prediction) == 0:
        with pytest.raises(Undefined, match="is constant"):
            notebook.rank_ic(outcome, prediction)
        return
    found = notebook.rank_ic(outcome, prediction)
    assert found == pytest.approx(spearmanr(outcome, prediction).statistic, abs=1e-12)
    assert found == judge(outcome, prediction)[0].rank_ic(0, len(outcome))


@settings(deadline=None)
@given(PAIRS, st.sampled_from([0.0, 5e-4, 1e-3]))
def test_average_precision_is_scikit_learns_and_that_of_an_evaluation(both, level):
    outcome, score = both
    event = outcome > level
    if event.all() or not event.any():
        with pytest.raises(Undefined, match="row has the event"):
            notebook.average_precision(event, score)
        return
    found = notebook.average_precision(event, score)
    assert found == pytest.approx(average_precision_score(event, score), abs=1e-12)
    events = judge(outcome, score, levels=[level])[1]
    assert found == pytest.approx(events.average_precision(0), abs=1e-12)


def test_many_rows_with_ties_have_the_same_figures():
    """So many that two threads share them."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=300_000)
    outcome = np.maximum(np.round(signal + rng.normal(size=len(signal)), 1), 0)
    score = np.round(signal, 3)
    event = outcome > 1
    found = notebook.rank_ic(outcome, score), notebook.average_precision(event, score)
    expected = spearmanr(outcome, score).statistic, average_precision_score(event, score)
    assert found == pytest.approx(expected, abs=1e-12)
    ranks = 2 * rankdata(score) - (len(score) + 1)
    assert (notebook.centered_ranks(score) == ranks).all()


@pytest.mark.parametrize(
    ("outcome", "said"), [([], "no rows"), ([1.0], "fewer than two rows"), ([1.0, 1.0], "constant")]
)
def test_what_has_no_rank_ic_is_said(outcome, said):
    with pytest.raises(Undefined, match=said):
        notebook.rank_ic(np.array(outcome), np.arange(float(len(outcome))))


@pytest.mark.parametrize(
    ("figure", "one", "other", "said"),
    [
        (notebook.rank_ic, [1.0, 2.0], [1.0, 2.0, 3.0], r"same rows, found \(2,\) and \(3,\)"),
        (
            notebook.rank_ic,
            [1.0, np.nan, 3.0],
            [1.0, 2.0, 3.0],
            "outcome: .* NaN, found one in row 1",
        ),
        (notebook.rank_ic, [1.0, 2.0], [[1.0], [2.0]], r"prediction: must be \(rows,\), found"),
        (notebook.average_precision, [True, False], [1.0], "same rows"),
        (notebook.average_precision, [1.0, 0.0], [1.0, 2.0], "event: must be bool, found float64"),
        (notebook.average_precision, [True, False], [1.0, np.nan], "score: .* row 1"),
    ],
)
def test_arrays_that_are_not_as_they_must_be_are_refused(figure, one, other, said):
    with pytest.raises(ValueError, match=said):
        figure(np.array(one), np.array(other))

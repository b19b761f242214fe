"""Rank IC, average precision and decile lift against scipy, pandas, scikit-learn and by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_parts import judge, outcome_ranks
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import average_precision_score

from alpha.evaluate import ranking
from alpha.evaluate.metrics import Undefined

SMOOTH = st.floats(-1e-2, 1e-2, allow_nan=False)
ROUGH = st.sampled_from([-2e-3, 0.0, 5e-4, 1e-3, 1.5e-3, 3e-3])


def arrays(elements, *, min_size=1):
    """Two arrays of equal length."""
    return st.integers(min_size, 60).flatmap(
        lambda rows: st.tuples(*[hnp.arrays(float, rows, elements=elements)] * 2)
    )


PAIRS = arrays(ROUGH, min_size=2) | arrays(SMOOTH, min_size=2)


def rank_ic(outcome, prediction) -> float:
    return judge(outcome, prediction)[0].rank_ic(0, len(outcome))


def of_event(event, score) -> ranking.Events:
    """Of one event that comes or not, each row in a cell of its own."""
    return judge(event, score, levels=[0.5])[1]


def statistics(event, score) -> list[np.ndarray]:
    """Of an event, row by row."""
    return of_event(event, score).statistics(0, np.ones(len(event)))


@settings(deadline=None)
@given(PAIRS)
def test_rank_ic_is_scipys_and_pandas_spearman(both):
    """Two independent implementations, on data full of ties and on data with few."""
    outcome, prediction = both
    if np.ptp(outcome) == 0 or np.ptp(prediction) == 0:
        with pytest.raises(Undefined, match="is constant"):
            rank_ic(outcome, prediction)
        return
    found = rank_ic(outcome, prediction)
    assert found == pytest.approx(spearmanr(outcome, prediction).statistic, abs=1e-12)
    by_pandas = pd.Series(outcome).corr(pd.Series(prediction), method="spearman")
    assert found == pytest.approx(by_pandas, abs=1e-12)


def test_rank_ic_by_hand_gives_ties_their_average_rank():
    """Ranks 1.5, 1.5, 3 against 1, 2, 3: covariance 1.5 over sqrt(1.5 · 2)."""
    assert rank_ic([0.0, 0.0, 9.0], [1.0, 2.0, 3.0]) == pytest.approx(1.5 / math.sqrt(1.5 * 2))


def test_rank_ic_is_of_exact_sums_of_products():
    """More than 64 bits of them, against Python's whole numbers."""
    rng = np.random.default_rng(4)
    x = np.round(rng.normal(size=3_000_000), 3)
    y = np.round(x + rng.normal(size=len(x)), 2)
    of_x, of_y = (outcome_ranks(side)[:, 0] for side in (x, y))

    def total(one, other):
        return sum(np.multiply(one, other, dtype=np.int64).tolist())

    spread = math.sqrt(total(of_x, of_x) * total(of_y, of_y))
    products, _ = judge(x, y, cells=np.arange(len(x)) // 1000)
    assert products.rank_ic(0, len(x)) == total(of_x, of_y) / spread


def test_rank_ic_needs_two_rows():
    """And says so."""
    with pytest.raises(Undefined, match="fewer than two rows"):
        rank_ic([1.0], [1.0])
    with pytest.raises(Undefined, match="no rows"):
        rank_ic([], [])


@settings(deadline=None)
@given(hnp.arrays(float, st.integers(0, 60), elements=ROUGH))
def test_midranks_are_scipys_ranks_around_their_mean(values):
    """With ties."""
    expected = rankdata(values) - (len(values) + 1) / 2
    assert (outcome_ranks(values)[:, 0] / 2).tolist() == expected.tolist()


@settings(deadline=None)
@given(PAIRS)
def test_sums_over_all_rows_give_rank_ic_itself(both):
    """The resample that takes every row once."""
    outcome, prediction = both
    if np.ptp(outcome) == 0 or np.ptp(prediction) == 0:
        return
    products, _ = judge(outcome, prediction)
    by_row = products.statistics(np.ones(len(outcome)))
    [found] = ranking.rank_ic_resampled(np.array([[np.sum(one)] for one in by_row]))
    assert found == pytest.approx(products.rank_ic(0, len(outcome)))


@settings(deadline=None)
@given(PAIRS, st.sampled_from([0.0, 5e-4, 1e-3]))
def test_average_precision_is_scikit_learns(both, level):
    """Scores with ties and without."""
    outcome, prediction = both
    event = outcome > level
    _, events = judge(outcome, prediction, levels=[9.0, level])
    if event.all() or not event.any():
        with pytest.raises(Undefined, match="row has the event"):
            events.average_precision(1)
        return
    found = events.average_precision(1)
    statistic, *_ = events.statistics(1, np.ones(len(event)))
    assert found == pytest.approx(average_precision_score(event, prediction), abs=1e-12)
    # Homogeneous in the weights: by Euler, the derivatives add up to N.
    assert np.sum(statistic) / np.sum(event) == pytest.approx(found)


def test_average_precision_statistic_is_the_derivative_by_a_rows_weight():
    """scikit-learn's own figure at weights a little larger, row by row."""
    rng = np.random.default_rng(0)
    score = np.round(rng.normal(size=40), 1)
    event = rng.random(40) < 0.3
    found, statistic = of_event(event, score).average_precision(0), statistics(event, score)[0]
    step = 1e-6
    for row in range(40):
        weights = np.ones(40)
        weights[row] += step
        more = average_precision_score(event, score, sample_weight=weights)
        # The derivative of N / P.
        expected = (statistic[row] - found * event[row]) / event.sum()
        assert (more - found) / step == pytest.approx(expected, abs=1e-5)


def test_average_precision_resampled_follows_whole_resamples_of_rows():
    """The first-order resamples against the figure computed anew: alike in spread and place."""
    rng = np.random.default_rng(1)
    rows = 3000
    score = rng.normal(size=rows)
    event = score + 2 * rng.normal(size=rows) > 2.5
    found, statistic = of_event(event, score).average_precision(0), statistics(event, score)[0]
    exact, first_order = [], []
    for _ in range(300):
        taken = rng.integers(0, rows, rows)
        exact.append(average_precision_score(event[taken], score[taken]))
        first_order.append(statistic[taken].sum() / event[taken].sum())
    assert np.corrcoef(exact, first_order)[0, 1] > 0.98
    assert np.std(first_order) == pytest.approx(np.std(exact), rel=0.1)
    assert np.mean(first_order) == pytest.approx(found, abs=0.01)


def test_decile_lift_by_hand():
    """Of 20 rows the top two are taken: one of them has the event, as 4 of all do."""
    event = np.zeros(20, dtype=bool)
    event[[0, 5, 7, 19]] = True
    assert of_event(event, np.arange(20.0)).decile_lift(0) == pytest.approx(0.5 / 0.2)


def test_rows_tied_at_the_cut_share_what_is_left_of_the_top():
    """Twenty rows: one is best, five tie for the one place left; of these two have the event."""
    score = np.concatenate(([9.0], np.full(5, 5.0), np.zeros(14)))
    event = np.zeros(20, dtype=bool)
    event[[1, 2]] = True
    assert statistics(event, score)[2] == pytest.approx([1.0, *[0.2] * 5, *[0.0] * 14])
    assert of_event(event, score).decile_lift(0) == pytest.approx((0.4 / 2) / (2 / 20))


def test_a_constant_score_has_precision_of_the_base_rate_and_no_lift():
    """Guessing: 1 is no better."""
    event = np.arange(10) < 3
    found = of_event(event, np.zeros(10))
    assert found.average_precision(0) == pytest.approx(0.3)
    assert found.decile_lift(0) == pytest.approx(1.0)


def test_one_class_only_is_undefined_with_the_reason():
    """Always, never, and without rows."""
    for event, reason in (
        (np.zeros(3), "no row has the event"),
        (np.ones(3), "every row has the event"),
        (np.zeros(0), "no rows"),
    ):
        found = of_event(event, np.arange(float(len(event))))
        for figure in (found.average_precision, found.decile_lift):
            with pytest.raises(Undefined, match=reason):
                figure(0)

"""Rank IC, average precision and decile lift against scipy, pandas, scikit-learn and by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import rankdata, spearmanr
from sklearn.metrics import average_precision_score

from alpha.evaluate import ranking
from alpha.evaluate.bootstrap import Blocks
from alpha.evaluate.metrics import Undefined
from alpha.evaluate.ranking import Order, RankedEvent

SMOOTH = st.floats(-1e-2, 1e-2, allow_nan=False)
ROUGH = st.sampled_from([-2e-3, 0.0, 5e-4, 1e-3, 1.5e-3, 3e-3])


def arrays(elements, *, min_size=1):
    """Two arrays of equal length."""
    return st.integers(min_size, 60).flatmap(
        lambda rows: st.tuples(*[hnp.arrays(float, rows, elements=elements)] * 2)
    )


PAIRS = arrays(ROUGH, min_size=2) | arrays(SMOOTH, min_size=2)


def rank_ic(outcome, prediction) -> float:
    return ranking.rank_ic(np.array(outcome), np.array(prediction))


def centered_ranks(values, part=None) -> np.ndarray:
    return Order(values).centered_ranks(len(values), part)


def of_event(event, score) -> RankedEvent:
    """Each row is in a cell of its own."""
    order = Order(score)
    return RankedEvent(event[order.rows], order, order.rows, cells=len(score))


def statistics(event, score) -> list[np.ndarray]:
    """Of an event, row by row."""
    return [*of_event(event, score).by_cell.T]


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
    of_x, of_y = centered_ranks(x), centered_ranks(y)

    def total(one, other):
        return sum(np.multiply(one, other, dtype=np.int64).tolist())

    spread = math.sqrt(total(of_x, of_x) * total(of_y, of_y))
    assert rank_ic(x, y) == total(of_x, of_y) / spread


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
    assert (centered_ranks(values) / 2).tolist() == expected.tolist()


@settings(deadline=None)
@given(PAIRS)
def test_sums_over_all_rows_give_rank_ic_itself(both):
    """The resample that takes every row once."""
    outcome, prediction = both
    if np.ptp(outcome) == 0 or np.ptp(prediction) == 0:
        return
    rows = len(outcome)
    blocks = Blocks(np.arange(rows) * 10**9, 10.0, resamples=100, level=0.9, seed=0)
    ranks = centered_ranks(outcome), centered_ranks(prediction)
    by_row = ranking.rank_ic_statistics(*ranks, np.ones(rows), blocks)
    [found] = ranking.rank_ic_resampled(np.array([[np.sum(one)] for one in by_row]))
    assert found == pytest.approx(rank_ic(outcome, prediction))


def test_resampled_rank_ic_is_the_correlation_of_the_resamples_own_rows():
    """Whose ranks, of the whole split, are not around 0."""
    x, y = np.array([2, 4, 10, 3]), np.array([-1, 5, 7, 7])
    sums = [4, x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum()]
    [found] = ranking.rank_ic_resampled(np.array(sums, dtype=float)[:, None])
    assert found == pytest.approx(np.corrcoef(x, y)[0, 1])


@settings(deadline=None)
@given(PAIRS, st.sampled_from([0.0, 5e-4, 1e-3]))
def test_average_precision_is_scikit_learns(both, level):
    """Scores with ties and without."""
    outcome, prediction = both
    event = outcome > level
    if event.all() or not event.any():
        with pytest.raises(Undefined, match="row has the event"):
            ranking.average_precision(event, prediction)
        return
    found = ranking.average_precision(event, prediction)
    statistic, *_ = statistics(event, prediction)
    assert found == pytest.approx(average_precision_score(event, prediction), abs=1e-12)
    assert found == of_event(event, prediction).average_precision
    # Homogeneous in the weights: by Euler, the derivatives add up to N.
    assert np.sum(statistic) / np.sum(event) == pytest.approx(found)


def test_average_precision_statistic_is_the_derivative_by_a_rows_weight():
    """scikit-learn's own figure at weights a little larger, row by row."""
    rng = np.random.default_rng(0)
    score = np.round(rng.normal(size=40), 1)
    event = rng.random(40) < 0.3
    found, statistic = of_event(event, score).average_precision, statistics(event, score)[0]
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
    found, statistic = of_event(event, score).average_precision, statistics(event, score)[0]
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
    assert of_event(event, np.arange(20.0)).decile_lift == pytest.approx(0.5 / 0.2)


def test_rows_tied_at_the_cut_share_what_is_left_of_the_top():
    """Twenty rows: one is best, five tie for the one place left; of these two have the event."""
    score = np.concatenate(([9.0], np.full(5, 5.0), np.zeros(14)))
    event = np.zeros(20, dtype=bool)
    event[[1, 2]] = True
    assert statistics(event, score)[2] == pytest.approx([1.0, *[0.2] * 5, *[0.0] * 14])
    assert of_event(event, score).decile_lift == pytest.approx((0.4 / 2) / (2 / 20))


def test_a_constant_score_has_precision_of_the_base_rate_and_no_lift():
    """Guessing: 1 is no better."""
    event = np.arange(10) < 3
    found = of_event(event, np.zeros(10))
    assert found.average_precision == pytest.approx(0.3)
    assert found.decile_lift == pytest.approx(1.0)


def test_one_class_only_is_undefined_with_the_reason():
    """Always, never, and without rows."""
    for event, reason in (
        (np.zeros(3, dtype=bool), "no row has the event"),
        (np.ones(3, dtype=bool), "every row has the event"),
        (np.zeros(0, dtype=bool), "no rows"),
    ):
        found = of_event(event, np.arange(float(len(event))))
        assert (found.average_precision, found.decile_lift, found.reason) == (None, None, reason)


ANY = st.floats(allow_nan=False) | st.sampled_from([-0.0, 0.0, 5e-324, -np.inf, np.inf])


@settings(deadline=None)
@given(hnp.arrays(float, st.integers(0, 60), elements=ANY))
def test_groups_of_an_order_are_equal_values(values):
    """Infinities, both zeros, the smallest and the largest: ascending, each row once."""
    order = Order(values)
    ascending = values[order.rows]
    assert sorted(order.rows.tolist()) == list(range(len(values)))
    assert ascending.tolist() == sorted(values.tolist())
    assert order.starts.tolist() == [True, *(ascending[1:] != ascending[:-1])][: len(values)]


@given(st.integers(0, 120), st.sampled_from([2, 9, 10**6]), st.integers(0, 2**32 - 1))
def test_ranks_within_parts_are_scipys_of_each_and_a_row_without_a_value_has_none(
    rows, distinct, seed
):
    """Few values or many."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, distinct, rows) / 7
    values[rng.random(rows) < 0.2] = np.nan
    part = rng.integers(0, 4, rows)
    for parts in (np.zeros(rows, dtype=int), part):
        found = centered_ranks(values, parts)
        for number in range(4):
            those = (parts == number) & ~np.isnan(values)
            expected = 2 * rankdata(values[those]) - (np.count_nonzero(those) + 1)
            assert found[those].tolist() == expected.tolist()
        assert not found[np.isnan(values)].any()
    assert centered_ranks(values).tolist() == centered_ranks(values, part * 0).tolist()


def test_many_rows_with_ties_have_the_same_figures():
    """Of three hundred thousand."""
    rng = np.random.default_rng(0)
    signal = rng.normal(size=300_000)
    outcome = np.maximum(np.round(signal + rng.normal(size=len(signal)), 1), 0)
    score = np.round(signal, 3)
    event = outcome > 1
    found = ranking.rank_ic(outcome, score), ranking.average_precision(event, score)
    expected = spearmanr(outcome, score).statistic, average_precision_score(event, score)
    assert found == pytest.approx(expected, abs=1e-12)
    ranks = 2 * rankdata(score) - (len(score) + 1)
    assert (centered_ranks(score) == ranks).all()


@pytest.mark.parametrize(
    ("outcome", "said"), [([], "no rows"), ([1.0], "fewer than two rows"), ([1.0, 1.0], "constant")]
)
def test_what_has_no_rank_ic_is_said(outcome, said):
    with pytest.raises(Undefined, match=said):
        ranking.rank_ic(np.array(outcome), np.arange(float(len(outcome))))


@pytest.mark.parametrize(
    ("figure", "one", "other", "said"),
    [
        (ranking.rank_ic, [1.0, 2.0], [1.0, 2.0, 3.0], r"prediction: must be \(2,\), found \(3,\)"),
        (
            ranking.rank_ic,
            [1.0, np.nan, 3.0],
            [1.0, 2.0, 3.0],
            "outcome: .* NaN, found one in row 1",
        ),
        (ranking.rank_ic, [1.0, 2.0], [[1.0], [2.0]], r"prediction: must be \(2,\), found"),
        (ranking.average_precision, [True, False], [1.0], r"score: must be \(2,\)"),
        (ranking.average_precision, [1.0, 0.0], [1.0, 2.0], "event: must be bool, found float64"),
        (ranking.average_precision, [True, False], [1.0, np.nan], "score: .* row 1"),
    ],
)
def test_arrays_that_are_not_as_they_must_be_are_refused(figure, one, other, said):
    with pytest.raises(ValueError, match=said):
        figure(np.array(one), np.array(other))

"""Rank IC and outcomes by stretch: recomputed by scipy and pandas, and intervals that hold."""

import numpy as np
import pandas as pd
import pytest
from made_columns import columns
from scipy.stats import spearmanr

from alpha.check import Params
from alpha.evaluate import over_time
from alpha.evaluate.figures import Figures, table
from alpha.evaluate.ranking import Order
from alpha.evaluate.split_rows import SplitRows, Standard

HOUR_NS = 3600 * 10**9
START = pd.Timestamp("2024-01-05T00:20:00")
RNG = np.random.default_rng(0)
OUTCOME = RNG.exponential(size=1000)
SCORE = OUTCOME + RNG.normal(size=1000)


def figures(params: Params, outcome, score, *, step_seconds=10):
    """By the name of a stretch."""
    time_ns = START.value + np.arange(len(outcome)) * step_seconds * 10**9
    of_split = columns(time_ns, outcome)
    split = SplitRows(of_split, Standard(of_split, params.label, params.loss, params.evaluate))
    found = Figures(table(over_time.figures(split, np.asarray(score)))).of("", "")
    return {one.name: one for one in found.slices("hour")}, pd.to_datetime(time_ns)


def test_each_hour_has_its_rank_ic_and_what_came_of_its_deciles(params: Params):
    """By scipy, and by sorting: hours of the clock, the first and the last not whole."""
    found, times = figures(params, OUTCOME, SCORE)
    assert list(found) == ["2024-01-05T00", "2024-01-05T01", "2024-01-05T02", "2024-01-05T03"]
    for hour, one in found.items():
        own = times.floor("h") == pd.Timestamp(hour)
        outcome, score = OUTCOME[own], SCORE[own]
        assert one["rank_ic"].value == pytest.approx(spearmanr(outcome, score).statistic)
        if len(outcome) >= 240:  # the last is of two blocks
            assert one["rank_ic"].low < one["rank_ic"].value < one["rank_ic"].high
        by_score = outcome[np.argsort(score)]
        tenth = len(by_score) // 10
        assert one["outcome_bottom"].value == pytest.approx(by_score[:tenth].mean(), rel=0.05)
        assert one["outcome_top"].value == pytest.approx(by_score[-tenth:].mean(), rel=0.05)
        middle = by_score[4 * tenth : 6 * tenth].mean()
        assert one["outcome_middle"].value == pytest.approx(middle, rel=0.05)


def test_rows_without_a_prediction_are_left_out_and_ties_stay_together(params: Params):
    """Two values: the lower half is around decile 2, the upper around 7, and none on top."""
    score = np.where(np.arange(1000) % 2, 1.0, 2.0)
    score[::5] = np.nan
    one = figures(params, OUTCOME, score)[0]["2024-01-05T01"]
    kept = slice(240, 600)
    known = ~np.isnan(score[kept])
    expected = spearmanr(OUTCOME[kept][known], score[kept][known]).statistic
    assert one["rank_ic"].value == pytest.approx(expected)
    assert one["outcome_top"].value is None
    assert one["outcome_bottom"].value is None


def test_a_constant_has_a_reason_and_an_hour_of_few_blocks_no_interval(params: Params):
    """Of four minutes no block is left to compare."""
    found, _ = figures(params, OUTCOME, np.ones(1000))
    assert {one["rank_ic"].reason for one in found.values()} == {"the prediction is constant"}
    few = figures(params, OUTCOME[:264], SCORE[:264])[0]["2024-01-05T01"]
    assert few["rank_ic"].value is not None
    assert few["rank_ic"].low is None


@pytest.mark.parametrize(
    ("hours", "horizon_seconds", "expected"),
    [
        (24, 60, 1),
        (150, 60, 2),
        (100 * 24, 60, 24),
        (250 * 24, 60, 60),
        (24, 600, 5),
        (2, 86400, 720),
    ],
)
def test_stretches_are_whole_hours_and_a_hundred_at_most(hours, horizon_seconds, expected):
    """And no shorter than thirty horizons."""
    found = over_time.stretch_ns(hours * HOUR_NS, horizon_seconds * 10**9)
    assert found == expected * HOUR_NS


def test_of_rows_that_overlap_nineteen_intervals_in_twenty_hold_the_truth():
    """An hour of sums over a minute, whose rank IC with their own noisy copies is known."""
    rng, hits, n = np.random.default_rng(1), [], 3600
    starts = np.arange(0, n + 1, 300)

    def sums():
        total = np.cumsum(rng.normal(size=n + 60))
        return total[60:] - total[:-60]

    for _ in range(300):
        x = sums()
        y = x + 1.2 * sums()
        truth = 6 / np.pi * np.arcsin(1 / np.hypot(1, 1.2) / 2)  # Pearson's of normal variables
        a, b = (Order(one).centered_ranks(n) for one in (x, y))
        value = spearmanr(x, y).statistic
        low, high = over_time.jackknifed(value, a, b, starts, level=0.95)
        hits.append(low <= truth <= high)
    assert 0.88 < np.mean(hits) < 0.99

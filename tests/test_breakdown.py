"""Days and regimes: which rows they are, and that their figures are of these rows alone."""

import numpy as np
import pandas as pd
import pytest

from alpha.evaluation.breakdown import Part, Regimes, days, figures

SECOND = 1_000_000_000
DAY = 86400 * SECOND


def test_days_are_utc_days_in_time_order():
    """pandas' own dates of the same times, with a day missing between."""
    time_ns = 1_704_067_200 * SECOND + np.array([0, 80_000, 86_399, 86_400, 3 * 86_400]) * SECOND
    dates = [str(date) for date in pd.to_datetime(time_ns).date]
    found = days(time_ns)
    assert [part.name for part in found] == ["2024-01-01", "2024-01-02", "2024-01-04"]
    for part in found:
        assert set(dates[part.rows]) == {part.name}
    assert days(np.empty(0, dtype=np.int64)) == []


def test_regimes_are_cut_at_trains_terciles():
    """Volatilities 0..8 and a NaN: three rows each, and the NaN in none."""
    volatility = np.append(np.arange(9.0), np.nan)
    found = Regimes.fit(np.arange(10) * DAY, volatility)
    parts = found.parts(volatility)
    assert [part.name for part in parts] == ["low", "middle", "high"]
    assert [np.flatnonzero(part.rows).tolist() for part in parts] == [
        [0, 1, 2],
        [3, 4, 5],
        [6, 7, 8],
    ]


def test_other_splits_are_cut_at_the_same_points():
    """A louder split has all of its rows in the high regime."""
    found = Regimes.fit(np.arange(9) * DAY, np.arange(9.0))
    assert [int(part.rows.sum()) for part in found.parts(np.full(4, 50.0))] == [0, 0, 4]


@pytest.mark.parametrize(
    ("span", "volatility", "reason"),
    [
        (DAY - 1, [1.0, 2.0], "train spans less than a day"),
        (DAY, [np.nan, np.inf], "no row of train has a past volatility"),
        (DAY, [2.0, 2.0], "the past volatility of train is constant"),
    ],
)
def test_regimes_are_not_available_for_a_reason(span, volatility, reason):
    """Too short, unknown, or constant."""
    found = Regimes.fit(np.array([0, span]), np.array(volatility))
    assert found.reason == reason
    assert found.parts(np.array([1.0, 2.0])) == []


def test_figures_of_a_part_are_those_of_its_rows():
    """The other rows may hold anything; a row that is left out is the constant in skill."""
    y = np.array([9.0, 0.0, 4.0, 2.0, 9.0])
    f = np.array([9.0, 1.0, 3.0, np.nan, 9.0])
    keep = np.isfinite(f)
    given = {
        "keep": keep, "outcome": y, "prediction": f,
        "losses": np.where(keep, (y - f) ** 2, (y - 2.0) ** 2),
        "constant_losses": (y - 2.0) ** 2,
    }  # fmt: skip
    for rows in (slice(1, 4), np.array([False, True, True, True, False])):
        found = figures(Part("a day", rows), **given)
        assert (found.name, found.rows) == ("a day", 3)
        assert (found.loss, found.skill, found.rank_ic) == (2 / 3, 0.75, pytest.approx(1.0))
        assert found.std_ratio == 0.5
        assert found.undefined == {}


def test_a_part_without_rows_or_without_predictions_says_so():
    """Every figure is None for the reason."""
    y, f = np.array([1.0, 2.0]), np.array([np.nan, 2.0])
    given = {
        "keep": np.isfinite(f), "outcome": y, "prediction": f,
        "losses": (y - f) ** 2, "constant_losses": y**2,
    }  # fmt: skip
    none = figures(Part("low", np.zeros(2, dtype=bool)), **given)
    assert (none.rows, none.skill, none.undefined["skill"]) == (0, None, "no rows")
    lost = figures(Part("low", np.array([True, False])), **given)
    assert (lost.rows, lost.skill, lost.undefined["skill"]) == (1, None, "no prediction is finite")
    one = figures(Part("high", np.array([False, True])), **given)
    assert one.loss == 0.0
    assert one.undefined == {
        "skill": "the outcome is constant",
        "rank_ic": "fewer than two rows",
        "std_ratio": "the outcome is constant",
    }

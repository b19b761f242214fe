"""Days and regimes: which rows they are, and that their figures are of these rows alone."""

import numpy as np
import pandas as pd
import pytest

from alpha.evaluate.breakdown import DAY_NS, REGIMES, Judged, Regimes, Slots, Sums, by_slot, slots
from alpha.evaluate.stretches import Stretches
from alpha.learn.losses import InMemory

SECOND = 1_000_000_000
DAY = 86400 * SECOND


def fit(span_ns, volatility) -> Regimes:
    """From the finite ones, as an evaluation does."""
    volatility = np.array(volatility)
    return Regimes.fit(span_ns, InMemory(volatility[np.isfinite(volatility)]))


def test_every_row_is_in_the_slot_of_its_utc_day_and_of_its_regime():
    """pandas' own dates of the same times, with a day missing between, in two parts; a row
    without a past volatility is in no regime."""
    time_ns = 1_704_067_200 * SECOND + np.array([0, 80_000, 86_399, 86_400, 3 * 86_400]) * SECOND
    dates = [str(date) for date in pd.to_datetime(time_ns).date]
    volatility = np.array([1.0, np.nan, 3.0, 2.0, 1.0])
    regimes = Regimes(cuts=(1.5, 2.5))
    days = Stretches(DAY_NS, 0)
    day = np.concatenate([days.add(part) for part in (time_ns[:2], time_ns[2:])])
    of_rows = slots(day, regimes.of(volatility))
    found = Slots.of(days, np.array([2, 1, 1, 1]), regimes)
    assert list(found.days.values()) == ["2024-01-01", "2024-01-02", "2024-01-04"]
    assert [found.days[slot] for slot in of_rows[:, 1]] == dates
    assert [found.regimes.get(slot) for slot in of_rows[:, 0]] == [
        "low", None, "high", "middle", "low",
    ]  # fmt: skip
    assert found.rows[0] == 5
    counts = np.bincount(of_rows.ravel(), minlength=len(found.rows))
    assert found.rows[1:].tolist() == counts[1:].tolist()
    for slot, rows in by_slot(of_rows):
        expected = np.flatnonzero((of_rows == slot).any(axis=1))
        assert np.arange(5)[rows].tolist() == expected.tolist()


def test_regimes_are_cut_at_trains_terciles():
    """Volatilities 0..8 and a NaN: three rows each, and the NaN in none."""
    volatility = np.append(np.arange(9.0), np.nan)
    found = fit(9 * DAY, volatility).of(volatility)
    assert found.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [len(REGIMES)]


def test_other_splits_are_cut_at_the_same_points():
    """A louder split has all of its rows in the high regime."""
    assert fit(8 * DAY, np.arange(9.0)).of(np.full(4, 50.0)).tolist() == [2] * 4


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
    found = fit(span, volatility)
    assert found.reason == reason
    assert found.of(np.array([1.0, 2.0])).tolist() == [len(REGIMES)] * 2


def sums(keep, outcome, score, losses, constant_losses) -> Sums:
    """Row by row."""
    found, whole = Sums(), Judged(keep, outcome, score, losses, constant_losses)
    for row in range(len(outcome)):
        found.add(whole.those(slice(row, row + 1)))
    return found


def test_figures_of_a_part_are_those_of_its_rows():
    """A row that is left out is the constant in skill."""
    y, f = np.array([0.0, 4.0, 2.0]), np.array([1.0, 3.0, np.nan])
    keep = np.isfinite(f)
    losses = np.where(keep, (y - f) ** 2, (y - 2.0) ** 2)
    found = sums(keep, y, f, losses, (y - 2.0) ** 2).slice("a day", lambda: 0.5)
    assert (found.name, found.rows) == ("a day", 3)
    assert (found.loss, found.skill, found.rank_ic) == (2 / 3, 0.75, 0.5)
    assert found.std_ratio == 0.5
    assert found.undefined == {}


def test_a_part_without_rows_or_without_predictions_says_so():
    """Every figure that is not defined is None for the reason."""
    y, f = np.array([1.0, 2.0]), np.array([np.nan, 2.0])

    def of(rows: slice):
        given = np.isfinite(f), y, f, (y - f) ** 2, y**2
        return sums(*(values[rows] for values in given)).slice("low", lambda: 0.5)

    none, lost, one = of(slice(0)), of(slice(0, 1)), of(slice(1, 2))
    assert (none.rows, none.skill, none.undefined["skill"]) == (0, None, "no rows")
    assert (lost.rows, lost.skill, lost.undefined["skill"]) == (1, None, "no prediction is finite")
    assert one.loss == 0.0
    assert one.undefined == {
        "skill": "the outcome is constant",
        "std_ratio": "the outcome is constant",
    }

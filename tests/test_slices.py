"""Days and regimes: which rows they are, and that their figures are of these rows alone."""

import numpy as np
import pytest

from alpha.evaluate.assess import figures_of_rows
from alpha.evaluate.split_rows import REGIMES, Regimes

SECOND = 1_000_000_000
DAY = 86400 * SECOND


def test_regimes_are_cut_at_trains_terciles():
    """Volatilities 0..8 and a NaN: three rows each, and the NaN in none."""
    volatility = np.append(np.arange(9.0), np.nan)
    found = Regimes(9 * DAY, volatility).of(volatility)
    assert found.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [len(REGIMES)]


def test_other_splits_are_cut_at_the_same_points():
    """A louder split has all of its rows in the high regime."""
    assert Regimes(8 * DAY, np.arange(9.0)).of(np.full(4, 50.0)).tolist() == [2] * 4


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
    found = Regimes(span, np.array(volatility))
    assert found.reason == reason
    assert found.of(np.array([1.0, 2.0])).tolist() == [len(REGIMES)] * 2


def figures(y, f, losses, constant_losses, products, rows=slice(None)):
    return figures_of_rows(products, [one[rows] for one in (y, f, losses, constant_losses)])


def test_figures_of_a_part_are_those_of_its_rows():
    """A row that is left out is the constant in skill."""
    y, f = np.array([0.0, 4.0, 2.0]), np.array([1.0, 3.0, np.nan])
    keep = np.isfinite(f)
    losses = np.where(keep, (y - f) ** 2, (y - 2.0) ** 2)
    found, undefined = figures(y, f, losses, (y - 2.0) ** 2, (8, 8, 4))
    assert found == {"loss": 2 / 3, "skill": 0.75, "rank_ic": 0.5, "std_ratio": 0.5}
    assert undefined == {}


def test_a_part_without_rows_or_without_predictions_says_so():
    """Every figure that is not defined is None for the reason."""
    y, f = np.array([1.0, 2.0]), np.array([np.nan, 2.0])

    def of(rows: slice):
        return figures(y, f, (y - f) ** 2, y**2, (0, 0, 0), rows)

    (none, of_none), (lost, of_lost), (one, of_one) = (
        of(slice(0)),
        of(slice(0, 1)),
        of(slice(1, 2)),
    )
    assert (none["skill"], of_none["skill"]) == (None, "no rows")
    assert (lost["skill"], of_lost["skill"]) == (None, "no prediction is finite")
    assert one["loss"] == 0.0
    assert of_one == {
        "skill": "the outcome is constant",
        "rank_ic": "fewer than two rows",
        "std_ratio": "the outcome is constant",
    }

"""What all runs share: fitted on train alone, and identified by times and outcomes."""

from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from made_columns import columns

from alpha.check import Params
from alpha.evaluate.figures import Figures, table
from alpha.evaluate.split_rows import SplitRows, Standard

SECOND = 1_000_000_000


def standard(params: Params, outcome) -> Standard:
    train = columns(np.arange(len(outcome)) * SECOND, outcome)
    return Standard(train, params.label, params.loss, params.evaluate)


def rows(params: Params, outcome, *, start=0) -> SplitRows:
    time_ns = (start + np.arange(len(outcome))) * SECOND
    return SplitRows(columns(time_ns, outcome), standard(params, [0.0, 4.0]))


def test_the_standard_is_fitted_on_trains_outcomes(params: Params):
    """Mean 2, deviation 2, near is one part in a hundred; a constant one varies by nothing."""
    found = standard(params, [0.0, 4.0])
    assert (found.rows, found.mean, found.std, found.near_mean_tolerance) == (
        2,
        2.0,
        2.0,
        pytest.approx(0.02),
    )
    assert standard(params, [0.3, 0.3]).near_mean_tolerance == pytest.approx(0.0, abs=1e-12)


def test_constant_losses_are_those_of_trains_constant_on_this_split(params: Params):
    """Squared distances from 2, of the first two minutes and of the third."""
    found = rows(params, np.repeat([1.0, 5.0], [120, 60]))
    assert found.constant_by_cell.tolist() == [120.0, 540.0]


def test_times_and_outcomes_make_the_digest(params: Params):
    """The same again is the same; another hour or another outcome is not."""
    digests = [
        rows(params, [1.0, 2.0]).digest,
        rows(params, [1.0, 3.0]).digest,
        rows(params, [1.0, 2.0], start=3600).digest,
    ]
    assert len(set(digests)) == 3
    assert rows(params, [1.0, 2.0]).digest == digests[0]
    expected = sha256(np.array([0, SECOND]).tobytes() + np.array([1.0, 2.0]).tobytes())
    assert digests[0] == expected.hexdigest()


def test_the_labels_own_figures_by_hand(params: Params):
    """Three rows, of which one is zero."""
    found = Figures(table(rows(params, [0.0, 3.0, 3.0]).label)).of("", "")
    figures = [found[name].value for name in ("rows", "days", "zero_share", "mean")]
    assert figures == [3, 1, 1 / 3, 2.0]
    assert found["std"].value == pytest.approx(np.sqrt(2))
    assert sum(found.values("count")) == 3


def test_a_block_is_as_long_as_params_say(params: Params):
    """In horizons."""
    expected = 60.0 * params.evaluate.bootstrap.block_horizons
    assert rows(params, [0.0, 1.0]).blocks.seconds == expected


def test_block_means_are_those_of_blocks_side_by_side(params: Params):
    """Blocks of 20 minutes, of which the last is not whole."""
    outcome = np.arange(3000.0)
    given = columns(np.arange(3000) * SECOND, outcome)
    expected = [outcome[at : at + 1200].mean() for at in (0, 1200, 2400)]
    means = standard(params, [0.0, 4.0]).means_of_blocks(given)
    assert means == pytest.approx(expected)


def test_every_row_is_in_its_utc_day(params: Params):
    """pandas' own dates of the same times, from noon on, with a day missing between."""
    seconds = np.array([43_200, 80_000, 86_399, 86_400, 3 * 86_400])
    time_ns = (1_704_067_200 + seconds) * SECOND
    split = SplitRows(columns(time_ns, np.arange(5.0)), standard(params, [0.0, 4.0]))
    assert list(split.days) == ["day 2024-01-01", "day 2024-01-02", "day 2024-01-04"]
    for date, rows in split.days.items():
        assert {str(day) for day in pd.to_datetime(time_ns[rows]).date} == {date[4:]}
    assert split.regimes == {}

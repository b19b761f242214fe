import numpy as np
import pytest
from conftest import random_quotes
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.data.columns import PAST_COLUMNS
from alpha.label import targets
from alpha.label.past import Past

NS = 1_000_000_000


def market(rows: int, seed: int, params):
    """Irregular rows with gaps and bad quotes, labelled."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([1, 2, 5, 45], size=rows, p=[0.6, 0.3, 0.09, 0.01]) * NS
    time_ns = 1_700_000_000 * NS + np.cumsum(steps)
    bid, ask = random_quotes(rng, rows)
    bid[rng.random(rows) < 0.005] = np.nan
    label = params.label.model_copy(update={"horizon_seconds": 20.0})
    outcome = targets.compute(time_ns, bid, ask, label).alpha_outcome
    return label, time_ns, bid, ask, outcome


def slow(label, time_ns, bid, ask, outcome):
    """The definitions of alpha.label.past, row by row."""
    horizon, rows = label.horizon_ns, len(time_ns)
    mid = (bid + ask) / 2
    out = np.full((rows, len(PAST_COLUMNS)), np.nan)
    for row in range(rows):
        done = [
            s for s in range(row)
            if time_ns[s] + horizon <= time_ns[row] and not np.isnan(outcome[s])
        ]  # fmt: skip
        if done:
            out[row, 0] = outcome[done[-1]]
            for at, span in ((1, 5), (2, 30)):
                recent = [s for s in done if time_ns[s] >= time_ns[row] - span * horizon]
                out[row, at] = np.mean(outcome[recent]) if recent else outcome[done[-1]]
        squares = seconds = 0.0
        for s in range(1, row + 1):
            step = time_ns[s] - time_ns[s - 1]
            if time_ns[s] <= time_ns[row] - 30 * horizon or step > label.max_gap_ns:
                continue
            change = np.log(mid[s]) - np.log(mid[s - 1])
            if not np.isnan(change):
                squares, seconds = squares + change**2, seconds + step / NS
        if seconds > 0:
            out[row, 3] = np.sqrt(squares / seconds)
    return out


@pytest.mark.parametrize("seed", range(3))
def test_the_past_equals_its_definition_row_by_row(params, seed):
    made = market(400, seed, params)
    np.testing.assert_allclose(Past(made[0]).follow(*made[1:]), slow(*made), rtol=1e-9, atol=1e-15)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(1, 599), max_size=6, unique=True))
def test_the_past_does_not_depend_on_how_rows_are_cut_into_files(cuts):
    from conftest import PARAMS_TEXT

    from alpha.check import parse

    label, *columns = market(600, 5, parse(PARAMS_TEXT, source="params.yaml"))
    whole = Past(label).follow(*columns)
    past = Past(label)
    parts = [
        past.follow(*part)
        for part in zip(*(np.split(column, sorted(cuts)) for column in columns), strict=True)
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_the_past_cannot_see_what_comes_after_its_row(params):
    """Other quotes after row t change nothing at t or before it."""
    label, time_ns, bid, ask, outcome = market(500, 9, params)
    known = Past(label).follow(time_ns, bid, ask, outcome)
    later_bid, later_ask = bid.copy(), ask.copy()
    later_bid[301:], later_ask[301:] = 7.0, 8.0
    other = targets.compute(time_ns, later_bid, later_ask, label).alpha_outcome
    changed = Past(label).follow(time_ns, later_bid, later_ask, other)
    np.testing.assert_array_equal(changed[:301], known[:301])
    assert not np.array_equal(changed[340:, 0], known[340:, 0])


def test_persistence_is_the_outcome_one_horizon_ago_on_a_regular_grid(params):
    time_ns = np.arange(10) * 30 * NS  # horizon 60 s: two rows
    quote = np.full(10, 100.0)
    outcome = np.arange(10.0)
    columns = Past(params.label).follow(time_ns, quote, quote, outcome)
    np.testing.assert_array_equal(columns[:, 0], [np.nan, np.nan, *range(8)])
    # Windows within the last five horizons began 60 to 300 s ago.
    assert columns[9, 1] == np.mean([0, 1, 2, 3, 4, 5, 6, 7])
    assert columns[9, 3] == 0.0
    assert np.isnan(columns[0, 3])


def test_times_so_early_that_windows_before_them_do_not_fit_read_nothing_else(params):
    """A look past the rows would give values of other memory."""
    time_ns = np.iinfo(np.int64).min + 1 + np.arange(500) * NS
    quote, outcome = np.full(500, 100.0), np.arange(500.0)
    with np.errstate(over="ignore"):
        one, other = (Past(params.label).follow(time_ns, quote, quote, outcome) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    assert np.isin(one[:, 0], outcome).all() or np.isnan(one[:, 0]).any()
    assert np.nanmax(one[:, :3], initial=0.0) <= outcome.max()

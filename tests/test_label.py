import itertools
import json
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from conftest import day_frame, random_quotes
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import NS, label_all

from alpha.core.errors import InputError
from alpha.data.columns import LABEL_COLUMNS
from alpha.data.features import open_folder
from alpha.data.params import Label
from alpha.data.quotes import FrozenRuns
from alpha.label.run import run
from alpha.label.targets import compute

TARGETS = get_args(Label.model_fields["target"].annotation)


def label(**changes) -> Label:
    config = {
        "horizon_seconds": 3, "price": "touch", "target": "abs_max", "max_gap_seconds": 30,
        "max_stale_seconds": None, "threshold_bps": 40.0, "barrier_bps": 60.0,
    }  # fmt: skip
    return Label(**{**config, **changes})


def seconds(*values: float) -> np.ndarray:
    return np.array([round(value * NS) for value in values], dtype=np.int64)


def assert_equal_to_reference(time_ns, bid, ask, config):
    fast = compute(time_ns, bid, ask, config)
    up, down, outcome, status = label_all(time_ns, bid, ask, config)
    assert np.array_equal(fast.status, status)
    for name, slow in (("up", up), ("down", down), ("alpha_outcome", outcome)):
        np.testing.assert_allclose(getattr(fast, name), slow, rtol=0, atol=1e-12, err_msg=name)


def test_a_window_worked_out_by_hand():
    """Buy at 101 now and sell at 104 in the window; sell at 100 now and buy back at 99."""
    time_ns = seconds(0, 1, 2, 3, 4)
    bid = np.array([100.0, 98.0, 104.0, 97.0, 120.0])
    ask = np.array([101.0, 99.0, 105.0, 98.0, 121.0])
    touch = compute(time_ns, bid, ask, label())
    assert touch.up[0] == 104 / 101 - 1
    assert touch.down[0] == 1 - 98 / 100
    assert touch.alpha_outcome[0] == 104 / 101 - 1
    mid = compute(time_ns, bid, ask, label(price="mid", target="end_return"))
    assert mid.up[0] == 104.5 / 100.5 - 1
    assert mid.alpha_outcome[0] == 97.5 / 100.5 - 1
    assert touch.status.tolist() == [0, 0, 1, 1, 1]
    assert np.isnan(touch.alpha_outcome[2:]).all()


def test_nothing_happening_is_zero_for_abs_max_and_negative_for_up():
    time_ns, ones = seconds(0, 1, 2, 3), np.ones(4)
    assert compute(time_ns, 100 * ones, 101 * ones, label()).alpha_outcome[0] == 0
    assert compute(time_ns, 100 * ones, 101 * ones, label(target="up")).alpha_outcome[0] < 0


def test_the_row_at_exactly_the_horizon_is_in_the_window_and_the_row_itself_is_not():
    time_ns = seconds(0, 3, 3.001, 9)
    bid = np.array([500.0, 110.0, 300.0, 1.0])
    assert compute(time_ns, bid, bid, label()).up[0] == 110 / 500 - 1


@pytest.mark.parametrize(
    ("target", "outcomes"),
    [("direction", [0, 1]), ("large_move", [0, 1]), ("triple_barrier", [1, 1])],
)
def test_a_move_of_exactly_the_threshold_is_none_and_one_of_exactly_the_barrier_reaches_it(
    target, outcomes
):
    """Of 100 to 150, and to 151, where both are half of the price."""
    config = label(target=target, threshold_bps=5000.0, barrier_bps=5000.0)
    for high, outcome in zip((150.0, 151.0), outcomes, strict=True):
        quote = np.array([100.0, high, 100.0])
        assert compute(seconds(0, 1, 3), quote, quote, config).alpha_outcome[0] == outcome


def test_a_gap_counts_if_its_step_starts_before_the_horizon_wherever_it_ends():
    """Steps that start at t or inside the window count; one that starts at its end does not."""
    quote = np.full(4, 100.0)
    config = label(max_gap_seconds=2, horizon_seconds=3)
    for times, status in (
        ((0, 2, 3, 100), 0),  # the long step starts at the window's end
        ((0, 2, 2.9, 100), 2),  # it starts inside
        ((0, 2.5, 3, 100), 2),  # it starts at t
        ((0, 4, 5, 6), 2),  # no row in the window
    ):
        assert compute(seconds(*times), quote, quote, config).status[0] == status, times


def test_a_window_without_a_row_is_a_gap_even_if_longer_gaps_are_allowed():
    quote = np.full(3, 100.0)
    config = label(max_gap_seconds=60)
    assert compute(seconds(0, 10, 20), quote, quote, config).status.tolist() == [2, 2, 1]


@pytest.mark.parametrize(
    ("bid", "ask"),
    [(np.nan, 1), (1, np.nan), (np.inf, np.inf), (0, 1), (-1, 1), (2, 1), (1, np.inf)],
)
def test_an_unsound_quote_spoils_its_row_and_every_window_that_holds_it(bid, ask):
    time_ns = seconds(*range(9))
    bids, asks = np.full(9, 100.0), np.full(9, 100.5)
    bids[4], asks[4] = bid, ask
    status = compute(time_ns, bids, asks, label()).status
    assert status.tolist() == [0, 3, 3, 3, 3, 0, 1, 1, 1]


def test_where_several_reasons_hold_the_smallest_status_is_given():
    time_ns = seconds(0, 1, 2, 40, 41)
    bid = np.array([100.0, np.nan, 100.0, np.nan, 100.0])
    assert compute(time_ns, bid, bid, label()).status.tolist() == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(("price", "target"), list(itertools.product(["touch", "mid"], TARGETS)))
def test_every_target_equals_the_slow_reference(price, target):
    rng = np.random.default_rng(7)
    bid, ask = random_quotes(rng, 400)
    bid[[50, 51, 200]] = np.nan
    ask[300] = bid[300] - 1
    steps = rng.choice([0.1, 0.5, 1.0, 2.0, 45.0], p=[0.3, 0.3, 0.2, 0.18, 0.02], size=400)
    time_ns = np.cumsum((steps * NS).astype(np.int64))
    for horizon in (0.05, 1, 10, 500):
        config = label(price=price, target=target, horizon_seconds=horizon)
        assert_equal_to_reference(time_ns, bid, ask, config)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 8),
            st.sampled_from([np.nan, 0.0, 99.0, 99.5, 100.0, 100.5, 101.0]),
            st.sampled_from([-0.5, 0.0, 0.5, 0.5, 0.5, np.inf]),
        ),
        min_size=1,
        max_size=25,
    ),
    st.integers(1, 20),
    st.integers(1, 8),
    st.none() | st.integers(1, 12),
    st.sampled_from(TARGETS),
)
def test_any_sequence_of_quotes_is_labelled_as_the_definitions_say(
    rows, horizon, gap, stale, target
):
    steps, bid, spread = (np.array(column) for column in zip(*rows, strict=True))
    time_ns = np.cumsum(steps).astype(np.int64) * NS
    config = label(
        target=target, horizon_seconds=horizon, max_gap_seconds=gap, max_stale_seconds=stale
    )
    assert_equal_to_reference(time_ns, bid.astype(float), bid + spread, config)


STANDING = label(horizon_seconds=3, max_stale_seconds=5)


def test_a_frozen_book_spoils_its_rows_and_every_window_that_holds_one_of_them():
    """Quotes stand still from 6 s to 12 s, 6 s in all, where 5 s are allowed: no label from 3 s on,
    whose window ends as it begins, to 12 s."""
    time_ns, bid = seconds(*range(18)), 100.0 + np.arange(18) % 2
    bid[6:13] = 104.0
    status = compute(time_ns, bid, bid + 1, STANDING).status
    assert status.tolist() == [0] * 3 + [4] * 10 + [0] * 2 + [1] * 3
    # A second shorter, it is a quiet market.
    assert not (compute(time_ns[:17], np.delete(bid, 8), bid[1:] + 1, STANDING).status == 4).any()


@pytest.mark.parametrize(
    ("what", "status"),
    [("nothing", 4), ("bid", 0), ("ask", 0), ("both NaN", 3), ("gap", 2), ("fewer rows", 4)],
)
def test_what_ends_a_frozen_run(what, status):
    """Ten seconds of equal quotes, at whose middle something happens, as seen from 4 s."""
    time_ns, bid = seconds(*range(20)), np.full(20, 100.0)
    bid[10:] += np.arange(10)
    ask = bid + 1
    if what in ("bid", "both NaN"):
        bid[5] = np.nan if what == "both NaN" else 99.0
    if what in ("ask", "both NaN"):
        ask[5] = np.nan if what == "both NaN" else 102.0
    if what in ("gap", "fewer rows"):
        # The same time without a row between: a gap if it is longer than max_gap_seconds.
        time_ns, bid, ask = (np.delete(column, [5, 6]) for column in (time_ns, bid, ask))
    config = label(
        horizon_seconds=3, max_stale_seconds=5, max_gap_seconds=2 if what == "gap" else 3
    )
    assert compute(time_ns, bid, ask, config).status[4] == status


def test_a_frozen_run_ends_at_a_gap_and_not_at_a_step_as_long_as_is_allowed():
    """Equal quotes, and steps of 2, 3 and 1 s where 2 s are allowed."""
    time_ns, quote = seconds(0, 2, 5, 6), np.full(4, 100.0)
    assert FrozenRuns(2 * NS).follow(time_ns, quote, quote).tolist() == [0, 0, 5 * NS, 5 * NS]


def test_of_other_reasons_stale_is_the_last():
    time_ns, bid = seconds(*range(12), 60, 61), np.full(14, 100.0)
    bid[11] = np.nan
    status = compute(time_ns, bid, bid, STANDING).status
    assert status.tolist() == [4] * 8 + [3] * 1 + [2] * 3 + [1] * 2


def test_a_limit_that_nothing_exceeds_leaves_every_label_as_it_is():
    rng = np.random.default_rng(5)
    bid, ask = random_quotes(rng, 500)
    time_ns = seconds(*range(500))
    with_limit = compute(time_ns, bid, ask, label(max_stale_seconds=400))
    for one, other in zip(with_limit, compute(time_ns, bid, ask, label()), strict=True):
        assert np.array_equal(one, other, equal_nan=True)


@given(
    st.lists(st.tuples(st.integers(1, 8), st.sampled_from([np.nan, 0.0, 99.0, 100.0])), min_size=2),
    st.data(),
)
def test_frozen_runs_are_the_same_however_rows_are_cut_into_files(rows, data):
    """Each file is followed with some rows of the next, which it may not count twice."""
    steps, bid = (np.array(column) for column in zip(*rows, strict=True))
    quotes = np.cumsum(steps) * NS, bid, bid + 1
    whole = FrozenRuns(5 * NS).follow(*quotes)
    runs, found, start = FrozenRuns(5 * NS), [], 0
    while start < len(bid):
        stop = data.draw(st.integers(start + 1, len(bid)))
        halo = data.draw(st.integers(stop, len(bid)))
        seen = runs.follow(*(column[start:halo] for column in quotes), rows=stop - start)
        assert seen.tolist() == whole[start:halo].tolist()
        found += seen[: stop - start].tolist()
        start = stop
    assert found == whole.tolist()
    for row, since in enumerate(found):
        of_run = bid[: row + 1][quotes[0][: row + 1] >= since]
        assert len(of_run) == 1 or (bid[row] > 0 and (of_run == bid[row]).all())


def test_labels_see_nothing_before_their_row_and_nothing_after_their_window():
    rng = np.random.default_rng(3)
    bid, ask = random_quotes(rng, 300)
    time_ns = seconds(*range(300))
    config = label(horizon_seconds=20)
    before = compute(time_ns, bid, ask, config)
    outside = np.ones(300, dtype=bool)
    outside[100:121] = False
    bid2, ask2 = bid.copy(), ask.copy()
    bid2[outside], ask2[outside] = 1.0, 2.0
    after = compute(time_ns, bid2, ask2, config)
    assert (before.up[100], before.down[100]) == (after.up[100], after.down[100])


def test_windows_run_across_midnight_however_the_rows_are_cut_into_files(tmp_path, params):
    frame = day_frame(900, start="2024-01-01T23:52:00")
    config = params.label
    whole = compute(
        frame.index.as_unit("ns").asi8,
        frame.best_bid.to_numpy(),
        frame.best_ask.to_numpy(),
        config,
    )
    for name, cuts in (("two", [480]), ("many", [100, 101, 130, 480, 500])):
        folder = tmp_path / name
        folder.mkdir()
        edges = [0, *cuts, 900]
        for low, high in itertools.pairwise(edges):
            frame[low:high].to_hdf(folder / f"part-{low:03}.h5", key="df", mode="w")
        run(params.data, config, features=folder, out=tmp_path / "labels")
        parts = [
            pd.read_hdf(path, "df")
            for path in sorted((tmp_path / "labels" / "labels").glob("*.h5"))
        ]
        joined = pd.concat(parts)
        assert list(joined.columns) == list(LABEL_COLUMNS)
        assert (joined.index == frame.index).all()
        assert np.array_equal(joined.status, whole.status)
        assert np.array_equal(joined.alpha_outcome, whole.alpha_outcome, equal_nan=True)


def test_a_book_frozen_over_midnight_is_seen_from_both_sides_and_in_the_files_between(
    tmp_path, params
):
    """Quotes stand still for 200 s, of which no file has more than 60: status and the longest run
    are those of the rows in one piece."""
    frame = day_frame(900, start="2024-01-01T23:52:00")
    quotes = frame.columns.get_indexer(["best_bid", "best_ask"])
    frame.iloc[400:601, quotes] = frame.iloc[400, quotes].to_numpy()
    config = params.label.model_copy(update={"max_stale_seconds": 199.0})
    bid, ask = (frame[side].to_numpy() for side in ("best_bid", "best_ask"))
    whole = compute(frame.index.as_unit("ns").asi8, bid, ask, config)
    assert np.flatnonzero(whole.status == 4).tolist() == list(range(340, 601))
    for name, cuts in (("two", [480]), ("many", [300, 350, 399, 401, 440, 500, 560, 600, 602])):
        folder = tmp_path / name
        folder.mkdir()
        for low, high in itertools.pairwise([0, *cuts, 900]):
            frame[low:high].to_hdf(folder / f"part-{low:03}.h5", key="df", mode="w")
        run(params.data, config, features=folder, out=tmp_path / f"{name}-labels")
        paths = sorted((tmp_path / f"{name}-labels" / "labels").glob("*.h5"))
        joined = pd.concat([pd.read_hdf(path, "df") for path in paths])
        assert joined.status.tolist() == whole.status.tolist()
        assert joined.alpha_outcome.isna().tolist() == (whole.status != 0).tolist()
        found = json.loads((tmp_path / f"{name}-labels" / "profile.json").read_text())
        assert found["total"]["longest_frozen_seconds"] == 200
        assert found["total"]["status"]["4"] == 261
    # From where the run began, as far as each file goes.
    longest = [day["longest_frozen_seconds"] for _, day in sorted(found["days"].items())]
    assert longest[4:9] == [39, 99, 159, 199, 200]


def test_label_files_and_their_profile_are_outs_side_by_side(feature_folder, tmp_path, params):
    run(params.data, params.label, features=feature_folder, out=tmp_path / "label")
    assert sorted(
        str(p.relative_to(tmp_path / "label")) for p in (tmp_path / "label").rglob("*")
    ) == [
        "labels",
        "labels/XBT-data-01-01-2024.h5",
        "labels/XBT-data-02-01-2024.h5",
        "labels/made_from.json",
        "profile.json",
    ]


def test_a_missing_day_is_a_gap_not_a_flat_market(tmp_path, params):
    folder = tmp_path / "f"
    folder.mkdir()
    for day in (1, 3):
        frame = day_frame(200, start=f"2024-01-0{day}T23:56:40")
        frame.to_hdf(folder / f"{day}.h5", key="df", mode="w")
    run(params.data, params.label, features=folder, out=tmp_path / "labels")
    found = json.loads((tmp_path / "labels" / "profile.json").read_text())
    # The last row in reach of the gap is the one whose window ends with the day.
    assert found["days"]["1.h5"]["status"] == {"0": 140, "1": 0, "2": 60, "3": 0, "4": 0}
    assert found["total"]["status"] == {"0": 280, "1": 60, "2": 60, "3": 0, "4": 0}


def test_quotes_too_far_apart_for_a_figure_are_one_line_with_the_row(tmp_path, params):
    folder = tmp_path / "f"
    folder.mkdir()
    frame = day_frame(200)
    frame.iloc[100, frame.columns.get_indexer(["best_bid", "best_ask"])] = 1e-100, 1e-99
    frame.to_hdf(folder / "a.h5", key="df", mode="w")
    config = params.label.model_copy(update={"target": "down"})
    with pytest.raises(
        InputError, match=r"a.h5: row 100: an outcome must be at most 1e\+100 times"
    ):
        run(params.data, config, features=folder, out=tmp_path / "labels")
    assert not (tmp_path / "labels").exists()


def test_fewer_rows_than_a_window_are_refused_and_earlier_labels_stay(tmp_path, params):
    folder, out = tmp_path / "f", tmp_path / "labels"
    folder.mkdir()
    (out / "labels").mkdir(parents=True)
    (out / "labels" / "earlier").write_text("")
    day_frame(59).to_hdf(folder / "a.h5", key="df", mode="w")
    with pytest.raises(InputError, match="no row has a label: of 59 rows, 59 are less than"):
        run(params.data, params.label, features=folder, out=out)
    assert [path.relative_to(out).as_posix() for path in sorted(out.rglob("*"))] == [
        "labels",
        "labels/earlier",
    ]


@pytest.mark.parametrize(("symbol", "limit", "stale"), [("ETHUSD", 10, 602), ("BRLBTC", 5, 1689)])
def test_stale_rows_of_real_data_are_those_of_the_slow_reference(
    realdata, params, symbol, limit, stale
):
    """A fifth of each file, with limits within what is usual in it: frames that repeat."""
    (path,) = realdata.glob(f"{symbol}-*.h5")
    folder = open_folder(realdata, params.data.model_copy(update={"pattern": path.name}))
    quotes, _ = folder.quotes(folder.files[0])
    config = params.label.model_copy(update={"max_stale_seconds": limit})
    part = [column[: len(column) // 5] for column in quotes]
    assert np.sum(compute(*part, config).status == 4) == stale
    assert_equal_to_reference(*part, config)


@pytest.mark.parametrize(
    ("symbol", "price"),
    [
        ("ETHUSD", "touch"),
        pytest.param("ETHUSD", "mid", marks=pytest.mark.slow),
        ("BRLBTC", "touch"),
        ("BRLBTC", "mid"),
    ],
)
def test_labels_of_real_data_equal_the_slow_reference_row_by_row(realdata, params, symbol, price):
    (path,) = realdata.glob(f"{symbol}-*.h5")
    data = params.data.model_copy(update={"pattern": path.name})
    folder = open_folder(realdata, data)
    quotes, _ = folder.quotes(folder.files[0])
    config = params.label.model_copy(update={"price": price})
    assert_equal_to_reference(quotes.time_ns, quotes.bid, quotes.ask, config)

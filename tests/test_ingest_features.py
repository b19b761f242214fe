"""Features of rows: each formula by pandas, causality of every one, and the same bits live."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from alpha.check import parse
from alpha.data.features import families
from alpha.ingest.book import FLOWS
from alpha.ingest.events import BUY, CLEAR, LEVEL, SELL, TRADE, Events
from alpha.ingest.features import WINDOWS_SECONDS, build
from alpha.ingest.params import Ingest
from alpha.ingest.stream import FeatureStream

S = 10**9
LEVELS = 10
PARAMS = {
    "sources": (), "symbol": None, "clock": "exchange", "grid_seconds": 1.0, "levels": LEVELS,
    "max_stale_seconds": 30.0,
}  # fmt: skip


def feed(seed=0, count=9000, seconds=900):
    """A book of twelve levels a side that moves, with trades; no row is without quotes."""
    rng = np.random.default_rng(seed)
    rows = [(0, 0, CLEAR, 0, np.nan, np.nan)]
    rows += [
        (0, 0, LEVEL, side, 1000 - side * (1 + at), 5) for side in (BUY, SELL) for at in range(12)
    ]
    times = np.sort(rng.integers(0, seconds * S, count))
    mid = 1000
    for number, time_ns in enumerate(times.tolist(), 1):
        side = int(rng.choice([BUY, SELL]))
        if rng.random() < 0.2:
            rows.append((time_ns, number, TRADE, side, mid + side, rng.integers(1, 9) / 8))
            continue
        if rng.random() < 0.02:
            # The whole book shifts by a tick.
            step = int(rng.choice([-1, 1]))
            gone, come = (SELL, BUY) if step > 0 else (BUY, SELL)
            rows.append((time_ns, number, LEVEL, gone, mid + step, 0))
            mid += step
            rows.append((time_ns, number, LEVEL, come, mid - step, rng.integers(1, 50) / 8))
            rows.append((time_ns, number, LEVEL, gone, mid + 12 * step, rng.integers(1, 50) / 8))
        level = int(rng.integers(1, 12))
        rows.append((time_ns, number, LEVEL, side, mid - side * level, rng.integers(1, 50) / 8))
    columns = [np.array(column) for column in zip(*rows, strict=True)]
    types = (np.int64, np.int64, np.int8, np.int8, float, float)
    columns = [column.astype(kind) for column, kind in zip(columns, types, strict=True)]
    none = np.zeros(len(rows), dtype=np.int64)
    return Events(*columns, none, none, np.empty((0, 1, 4)))


def part(events, start, stop):
    return Events(*(column[start:stop] for column in events[:-1]), events.books)


def features(*batches, until=None, **changes):
    """All rows as a frame of quotes and features, by second."""
    stream = FeatureStream(Ingest(**PARAMS | changes), levels=50, trades=True)
    made = [stream.feed(batch) for batch in batches]
    made.append(stream.advance(int(batches[-1].time_ns[-1]) if until is None else until))
    time_ns, quotes, values = (np.concatenate(column) for column in zip(*made, strict=True))
    frame = pd.DataFrame(np.column_stack((quotes, values)), index=time_ns // S)
    frame.columns = ["best_bid", "best_ask", *stream.names]
    return frame


FEED = feed()
WHOLE = features(FEED)


def expected(name, frame):
    """A feature from quotes, sizes and the flows of each second, by pandas."""
    bid, ask, mid = frame.best_bid, frame.best_ask, (frame.best_bid + frame.best_ask) / 2
    sizes = {
        side: [frame[f"{side}_volume_level{at}"] for at in range(LEVELS)] for side in ("bid", "ask")
    }
    base, _, window = name.rpartition("_")
    span = int(window[:-1]) if window[:-1].isdigit() and window.endswith("s") else 0
    if name.startswith("imbalance"):
        count = {"0": 1, "4": 5, "9": 10}[name[-1]]
        bids, asks = (sum(sizes[side][:count]) for side in ("bid", "ask"))
        return (bids - asks) / (bids + asks)
    if name == "microprice":
        b, a = sizes["bid"][0], sizes["ask"][0]
        return (bid * a + ask * b) / (a + b) / mid - 1
    if name == "spread":
        return (ask - bid) / mid
    if base == "spread_mean":
        return (ask - bid).rolling(span).mean().where(frame.index >= span) / mid
    if base == "return":
        return mid / mid.shift(span) - 1
    if base == "volatility":
        return np.sqrt((mid.diff() ** 2).rolling(span).sum()) / mid
    return None


@pytest.mark.parametrize(
    "name", [name for name in WHOLE if expected(name, WHOLE) is not None and name != "best_bid"]
)
def test_a_feature_is_as_its_formula_says(name):
    np.testing.assert_allclose(WHOLE[name], expected(name, WHOLE), rtol=2e-4, atol=1e-7)
    assert WHOLE[name].notna().sum() > 500


@pytest.mark.parametrize("flow", FLOWS)
def test_a_flow_is_summed_over_its_windows(flow):
    """Windows of a second, of which there is none, are the differences of longer ones."""
    narrow, wide = WHOLE[f"{flow}_30s"], WHOLE[f"{flow}_60s"]
    np.testing.assert_allclose(wide, narrow + narrow.shift(30), rtol=1e-5, atol=1e-4)
    assert WHOLE[f"{flow}_300s"].abs().max() > 10
    assert WHOLE[f"{flow}_300s"].first_valid_index() == 300


def test_traded_volume_of_a_window_is_what_traded_in_it():
    trades = (FEED.kind == TRADE) & (FEED.side == BUY)
    for second in (300, 450, 600):
        inside = trades & (FEED.time_ns > (second - 60) * S) & (FEED.time_ns <= second * S)
        assert WHOLE.buy_volume_60s[second] == pytest.approx(FEED.size[inside].sum())
        assert WHOLE.buy_count_60s[second] == inside.sum()


def test_what_depth_and_trades_allow_decides_which_features_there_are():
    names = build(1, trades=False)
    assert {"ask_price_level0", "imbalance_level0", "order_flow_imbalance_10s"} <= names.keys()
    absent = {"ask_price_level1", "imbalance_levels0_4", "flow_imbalance_10s", "buy_count_10s"}
    assert not absent & names.keys()


def test_every_feature_belongs_to_one_default_family():
    text = (Path(__file__).parents[1] / "params.yaml").read_text()
    default = parse(text, source="params.yaml").features
    found = families(tuple(build(50, trades=True)), default)
    assert "other" not in found


def test_no_feature_up_to_a_time_depends_on_what_comes_after_it_and_each_changes_then():
    """Both ways: everything after a time is cut off, or altered; and what is altered shows."""
    until = 500
    after = FEED.time_ns > until * S
    before = WHOLE.loc[:until]
    pd.testing.assert_frame_equal(
        features(part(FEED, 0, int(np.argmax(after))), until=until * S), before
    )
    other = feed(seed=1, seconds=400)
    later = other.time_ns + until * S + 1
    altered = Events(
        *(
            np.concatenate((own[~after], new))
            for own, new in zip(
                FEED[:-1],
                (later, other.message + 10**6, *other[2:4], other.price * 1.01, *other[5:-1]),
                strict=True,
            )
        ),
        FEED.books,
    )
    found = features(altered)
    pd.testing.assert_frame_equal(found.loc[:until], before)
    changed = (found.loc[until + 301 : 880] != WHOLE.loc[until + 301 : 880]).any()
    assert changed.all(), changed[~changed].index.tolist()


@pytest.mark.parametrize("size", [1, 7, 500])
def test_features_are_the_same_bits_one_message_at_a_time_as_all_at_once(size):
    count = len(FEED.time_ns) if size > 1 else 4000
    whole = features(part(FEED, 0, count))
    cuts = range(0, count, size)
    batches = [part(FEED, start, min(start + size, count)) for start in cuts]
    assert features(*batches).to_numpy().tobytes() == whole.to_numpy().tobytes()


def test_after_a_row_without_quotes_windows_are_unknown_until_they_are_whole_again():
    gap = FEED.time_ns > 400 * S
    shifted = FEED._replace(time_ns=FEED.time_ns + gap * 100 * S)
    found = features(shifted)
    broken = int(found.index[found.best_bid.isna()].item())
    assert 500 < broken <= 503
    for window in WINDOWS_SECONDS:
        known = found.loc[broken:, [f"return_{window}s", f"buy_count_{window}s"]].dropna()
        assert known.index[0] == broken + 1 + window


def test_a_coarser_grid_has_the_same_windows_in_seconds():
    coarse = features(FEED, grid_seconds=5.0)
    shared = coarse.index[coarse.index > 400]
    for name in ("return_10s", "buy_volume_60s", "order_flow_imbalance_300s", "spread"):
        np.testing.assert_allclose(coarse[name][shared], WHOLE[name][shared], rtol=1e-5, atol=1e-6)


def test_windows_are_those_that_steps_of_the_grid_make_up():
    names = build(1, trades=False, grid_ns=20 * S)
    assert {"return_60s", "return_300s"} <= names.keys()
    assert not {"return_10s", "return_30s"} & names.keys()

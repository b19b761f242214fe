"""Positions by hand, against a slow and obvious reference, and without a look ahead."""

import math

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT
from hypothesis import given
from hypothesis import strategies as st

from alpha.check import Params, parse
from alpha.trade.simulation import Market, trade

SECOND = 10**9


def changed(
    params=None, *, latency_ms=1000.0, entry="taker", target="end_return", **label
) -> Params:
    """Seconds and bps that one can count with: a horizon of 10 s, fees of 2 and −1 bps."""
    given = params or parse(PARAMS_TEXT, source="params.yaml")
    label = {
        "horizon_seconds": 10,
        "max_gap_seconds": 5,
        "barrier_bps": 50.0,
        "target": target,
    } | label
    fees = given.evaluate.fees.model_copy(update={"taker_bps": 2.0, "maker_bps": -1.0})
    return given.model_copy(
        update={
            "label": given.label.model_copy(update=label),
            "trade": given.trade.model_copy(update={"latency_ms": latency_ms, "entry": entry}),
            "evaluate": given.evaluate.model_copy(update={"fees": fees}),
        }
    )


def traded(params, mids, signals, *, seconds=None, half=0.5, threshold=0.0, sizes=()):
    """Trades by `signals` at quotes `half` off the mids, a row a second unless said otherwise."""
    mids, signals = np.asarray(mids, float), np.asarray(signals, float)
    at = np.asarray(seconds if seconds is not None else range(len(mids)), float)
    time_ns = np.round(at * SECOND).astype(np.int64)
    market = Market(params.label, time_ns, mids - half, mids + half, *sizes)
    return trade(time_ns, signals, threshold, market, params)


def at(second: int, signal: float, rows: int = 30) -> np.ndarray:
    return np.where(np.arange(rows) == second, signal, 0.0)


def test_a_purchase_pays_the_ask_after_the_latency_and_leaves_at_the_bid_of_the_horizon():
    mids = 1000 + np.arange(30.0)
    [one] = traded(changed(), mids, at(3, 0.1)).itertuples()
    # Decided at 3 s, in at 4 s for 1004.5; left by an order of 13 s at 14 s for 1013.5.
    assert (one.time, one.entry_time, one.exit_time) == (3 * SECOND, 4 * SECOND, 14 * SECOND)
    assert (one.side, one.entry_price, one.exit_price, one.end) == (
        "buy",
        1004.5,
        1013.5,
        "horizon",
    )
    assert one.gross_bps == pytest.approx((1013.5 / 1004.5 - 1) * 1e4)
    assert (one.fees_bps, one.net_bps) == (4.0, one.gross_bps - 4.0)
    assert one.holding_seconds == 10.0


def test_a_sale_is_at_the_bid_and_earns_where_the_ask_falls():
    mids = 1000 - np.arange(30.0)
    [one] = traded(changed(latency_ms=0.0), mids, at(3, -0.1)).itertuples()
    assert (one.entry_price, one.exit_price) == (996.5, 987.5)
    assert one.gross_bps == pytest.approx((1 - 987.5 / 996.5) * 1e4)


def test_a_position_is_followed_by_another_only_after_it_was_left():
    found = traded(changed(), np.full(40, 1000.0), np.full(40, 1.0))
    # A decision at the row of an exit is after it.
    assert (found["time"] / SECOND).tolist() == [0, 11, 22, 33]
    assert (found["entry_time"].iloc[1:].array > found["exit_time"].iloc[:-1].array).all()


def test_only_signals_beyond_the_threshold_are_acted_on_and_none_that_is_not_a_number():
    signals = at(3, 0.2) + at(20, np.nan)
    assert len(traded(changed(), np.full(30, 1000.0), signals, threshold=0.2)) == 0
    assert len(traded(changed(), np.full(30, 1000.0), signals, threshold=0.1)) == 1


def test_a_barrier_passed_is_left_at_after_the_latency():
    mids = np.where(np.arange(30) >= 7, 1010.0, 1000.0)
    barrier = changed(target="triple_barrier")
    for signal in (1.0, -1.0):  # a gain to one, a loss to the other
        [one] = traded(barrier, mids, at(3, signal)).itertuples()
        assert (one.end, one.exit_time) == ("barrier", 8 * SECOND)
    [one] = traded(changed(), mids, at(3, 1.0)).itertuples()
    assert (one.end, one.exit_time) == ("horizon", 14 * SECOND)


def test_a_position_that_meets_a_gap_is_left_at_the_first_sound_quote_after_it():
    seconds = np.where(np.arange(30) >= 8, np.arange(30) + 100, np.arange(30))
    mids = 1000.0 + np.arange(30)
    [one] = traded(changed(), mids, at(3, 1.0), seconds=seconds).itertuples()
    assert (one.end, one.exit_time, one.exit_price) == ("gap", 108 * SECOND, 1007.5)
    mids[8] = np.nan
    [one] = traded(changed(), mids, at(3, 1.0), seconds=seconds).itertuples()
    assert (one.end, one.exit_time, one.exit_price) == ("gap", 109 * SECOND, 1008.5)


def test_an_order_that_arrives_in_a_gap_or_at_no_sound_quote_is_refused():
    seconds = np.where(np.arange(30) >= 4, np.arange(30) + 6, np.arange(30))
    [one] = traded(changed(), np.full(30, 1000.0), at(3, 1.0), seconds=seconds).itertuples()
    assert one.end == "refused"
    assert math.isnan(one.net_bps)
    mids = np.where(np.arange(30) == 4, np.nan, 1000.0)
    [one] = traded(changed(), mids, at(3, 1.0)).itertuples()
    assert one.end == "refused"


def test_where_the_data_end_the_last_sound_quote_counts():
    mids = np.append(np.full(7, 1000.0), np.nan)
    [one] = traded(changed(), mids, at(3, 1.0, 8)).itertuples()
    assert (one.end, one.exit_time) == ("end of data", 6 * SECOND)


@pytest.mark.parametrize(("lowest", "end"), [(998.9, "horizon"), (999.0, "unfilled")])
def test_a_resting_order_is_filled_only_where_the_price_trades_through_it(lowest, end):
    """Its bid is 999.5: the ask must be below that, and not only at it."""
    mids = np.where(np.arange(30) == 6, lowest, 1000.0)
    [one] = traded(changed(entry="maker"), mids, at(3, 1.0)).itertuples()
    assert one.end == end
    if end == "horizon":
        assert (one.entry_price, one.entry_time) == (999.5, 6 * SECOND)
        # The horizon is the decision's.
        assert (one.exit_time, one.fees_bps) == (14 * SECOND, 1.0)


def test_a_resting_sale_is_filled_at_its_ask():
    mids = np.where(np.arange(30) == 6, 1001.1, 1000.0)
    [one] = traded(changed(entry="maker"), mids, at(3, -1.0)).itertuples()
    assert (one.entry_price, one.end) == (1000.5, "horizon")


def test_the_size_that_could_be_had_is_of_the_side_that_is_taken():
    sizes = np.arange(30.0), 100 + np.arange(30.0)
    for entry, signal, size in (("taker", 1, 104), ("taker", -1, 4), ("maker", 1, 4)):
        params = changed(entry=entry)
        mids = np.where(np.arange(30) == 6, 990.0, 1000.0)
        [one] = traded(params, mids, at(3, signal), sizes=sizes).itertuples()
        assert one.capacity == size


@st.composite
def worlds(draw):
    """Quotes with gaps and unsound rows, signals, and params of every kind."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(1, 60))
    steps = rng.choice([1, 1, 1, 2, 9], rows)
    mid = 1000 + np.cumsum(rng.integers(-2, 3, rows))
    bid, ask = mid - 0.5 * rng.integers(0, 3, rows), mid + 0.5 * rng.integers(0, 3, rows)
    bid[rng.random(rows) < draw(st.sampled_from([0, 0.1]))] = np.nan
    params = changed(
        latency_ms=draw(st.sampled_from([0.0, 500.0, 3000.0])),
        entry=draw(st.sampled_from(["taker", "maker"])),
        target=draw(st.sampled_from(["end_return", "triple_barrier"])),
        price=draw(st.sampled_from(["touch", "mid"])),
        barrier_bps=20.0,
    )
    return np.cumsum(steps) * SECOND, bid, ask, rng.normal(size=rows), params


def slow(time_ns, bid, ask, signal, threshold, params):
    """As docs/how-to/trade.md says it: each position from all rows, one rule after the other."""
    label, rows, free, found = params.label, range(len(time_ns)), -math.inf, []
    latency, gap = round(params.trade.latency_ms * 1e6), label.max_gap_ns
    sound = [bid[row] > 0 and ask[row] >= bid[row] for row in rows]
    broken = [not sound[row] or (row > 0 and time_ns[row] - time_ns[row - 1] > gap) for row in rows]
    high, low = (bid, ask) if label.price == "touch" else ((bid + ask) / 2,) * 2
    for now, says in zip(time_ns, signal, strict=True):
        if not abs(says) > threshold or now < free:
            continue
        buy, until = says > 0, now + label.horizon_ns
        place = next((row for row in rows if time_ns[row] >= now + latency), None)
        if place is None:
            break
        if broken[place] or time_ns[place] >= until:
            found.append((now, None, None, "refused"))
            free = time_ns[place]
            continue
        entry = place
        if params.trade.entry == "maker":
            resting = []
            for row in rows[place + 1 :]:
                if time_ns[row] > until or broken[row]:
                    break
                resting.append(row)
            through = [
                row for row in resting if (ask[row] < bid[place] if buy else bid[row] > ask[place])
            ]
            if not through:
                found.append((now, None, None, "unfilled"))
                free = until
                continue
            entry = through[0]

        def passes(row, entry=entry, until=until):
            up_from, down_from = (ask, bid) if label.price == "touch" else (high, high)
            up = high[row] / up_from[entry] - 1 >= label.barrier_bps * 1e-4
            down = 1 - low[row] / down_from[entry] >= label.barrier_bps * 1e-4
            inside = label.target == "triple_barrier" and time_ns[row] <= until
            return inside and (up or down)

        for out in rows[entry:]:
            met = [row for row in rows[entry + 1 : out + 1] if broken[row]]
            passed = [row for row in rows[entry + 1 : out + 1] if passes(row) and not broken[row]]
            passed = [row for row in passed[:1] if not met or row < met[0]]
            noticed = [min(time_ns[row], time_ns[row - 1] + gap) for row in met]
            leave = min([until, *(time_ns[row] for row in passed), *noticed]) + latency
            if sound[out] and time_ns[out] >= leave:
                end = "gap" if met else "barrier" if passed else "horizon"
                break
        else:
            out, end = max(row for row in rows[entry:] if sound[row]), "end of data"
        maker = params.trade.entry == "maker"
        paid = bid[place] if buy == maker else ask[place]
        got = bid[out] if buy else ask[out]
        gross = (got / paid - 1 if buy else 1 - got / paid) * 1e4
        found.append((now, time_ns[entry], time_ns[out], end, gross))
        free = time_ns[out]
    return found


@given(worlds())
def test_it_is_what_a_slow_reference_says(world):
    time_ns, bid, ask, signal, params = world
    made = trade(time_ns, signal, 0.5, Market(params.label, time_ns, bid, ask), params)
    wanted = slow(time_ns, bid, ask, signal, 0.5, params)
    assert made["end"].tolist() == [one[3] for one in wanted]
    assert made["time"].tolist() == [one[0] for one in wanted]
    kept = made[made["net_bps"].notna()]
    positions = [one for one in wanted if one[1] is not None]
    assert kept["entry_time"].tolist() == [one[1] for one in positions]
    assert kept["exit_time"].tolist() == [one[2] for one in positions]
    np.testing.assert_allclose(kept["gross_bps"], [one[4] for one in positions], atol=1e-9)


@given(worlds(), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_what_comes_after_a_moment_changes_nothing_that_was_done_before(world, second, seed):
    """Not which orders were sent, nor at what price they were in, nor what was left."""
    time_ns, bid, ask, signal, params = world
    now, rng = second * SECOND, np.random.default_rng(seed)
    late = time_ns > now
    # The rows after that moment are others, and come later.
    others = [np.where(late, 1000 + rng.integers(-9, 10, len(bid)), of) for of in (bid, ask)]
    moved = time_ns + late * rng.integers(0, 20) * SECOND
    one = trade(time_ns, signal, 0.5, Market(params.label, time_ns, bid, ask), params)
    other = trade(moved, signal, 0.5, Market(params.label, moved, *others), params)
    # A resting order's entry is its filling; what is refused or not filled is no position.
    made = [of[of["net_bps"].notna() & (of["entry_time"] <= now)] for of in (one, other)]
    entries = ["time", "entry_time", "side", "entry_price"]
    pd.testing.assert_frame_equal(*(of[entries] for of in made))
    ends = [of[(of["exit_time"] <= now) & (of["end"] != "end of data")] for of in made]
    pd.testing.assert_frame_equal(*ends)

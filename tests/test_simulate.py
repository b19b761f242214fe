"""The simulated market: its laws, its oracle, what its features may know, and its defects."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from alpha.check import Params, parse
from alpha.core.artifacts import read_json
from alpha.core.errors import InputError
from alpha.data.features import families
from alpha.data.params import Label
from alpha.label import targets
from alpha.simulate import Simulate, defects, features, market, oracle, series
from alpha.simulate import run as simulate
from alpha.simulate.market import REGIMES, SHAPES, Day, Market
from alpha.simulate.series import Stream, generator

DAY_NS = 86400 * 10**9
PARAMS = parse(PARAMS_TEXT, source="params.yaml")
NO_DEFECTS = {
    "gaps_per_day": 0.0,
    "duplicates_per_day": 0.0,
    "nan_share": 0.0,
    "inf_share": 0.0,
    "constant_hours_per_day": 0.0,
    "crossed_per_day": 0.0,
}


def parameters(**update) -> Simulate:
    """The default market with a row every 10 seconds, and whatever else is given."""
    return PARAMS.simulate.model_copy(update={"rows_per_day": 8640, **update})


def with_defects(**update) -> Simulate:
    """The same with those defects alone."""
    chosen = PARAMS.simulate.defects.model_copy(update={**NO_DEFECTS, **update})
    return parameters(defects=chosen)


def long_walk(params: Simulate, rows: int, seed: int = 0) -> market.Path:
    """The market's hidden states and prices alone, which is fast."""
    draws = np.random.default_rng(seed).random((4, rows))
    return market.walk(market.build(params), draws, market.start(20_000))


def label_ticks(path: market.Path, rows: int) -> np.ndarray:
    """abs_max, touch, in ticks, of all but the last `rows` rows; the window is `rows` long."""
    view = np.lib.stride_tricks.sliding_window_view
    bid, ask = path.bid, path.ask
    up = view(bid[1:], rows).max(axis=1) - ask[:-rows]
    down = bid[:-rows] - view(ask[1:], rows).min(axis=1)
    return np.maximum(np.maximum(up, down), 0)


class Table:
    """Every third labelled row of some days: features (rows, n), outcome and oracle (rows,) in
    bps; windows are six rows long, so that little is lost."""

    def __init__(self, params: Simulate, label: Label = PARAMS.label, *, column: int = 0) -> None:
        made = list(simulate.each_day(params))
        gathered = {
            name: np.concatenate([getattr(day, name) for day in made])
            for name in ("time_ns", "best_bid", "best_ask", "features", "oracle")
        }
        found = targets.compute(
            gathered["time_ns"], gathered["best_bid"], gathered["best_ask"], label
        )
        ok = np.flatnonzero(found.status == 0)[::3]
        self.names = made[0].names
        self.x = gathered["features"][ok].astype(np.float64)
        self.y = found.alpha_outcome[ok] * 1e4
        self.oracle = gathered["oracle"][ok, column] * 1e4
        self.pressure = np.concatenate([day.path.pressure for day in made])[ok] - 1

    def column(self, name: str) -> np.ndarray:
        return self.x[:, self.names.index(name)]


def ridge_skill(x: np.ndarray, y: np.ndarray) -> float:
    """Skill of a ridge on the last third of the rows, fitted on the rest."""
    cut = len(y) * 2 // 3
    mean, sigma = x[:cut].mean(axis=0), x[:cut].std(axis=0) + 1e-30
    x = np.clip((x - mean) / sigma, -10, 10)
    centre = x[:cut].mean(axis=0)
    gram = (x[:cut] - centre).T @ (x[:cut] - centre) + 100.0 * np.eye(x.shape[1])
    weights = np.linalg.solve(gram, (x[:cut] - centre).T @ (y[:cut] - y[:cut].mean()))
    error = y[cut:] - y[:cut].mean() - (x[cut:] - centre) @ weights
    return float(1.0 - np.mean(error**2) / np.mean((y[cut:] - y[:cut].mean()) ** 2))


@pytest.fixture(scope="module")
def table() -> Table:
    """Forty days of the default market."""
    return Table(parameters(days=40))


# -- the market's laws -------------------------------------------------------------------------


def test_pressure_keeps_its_shares():
    """PRESSURE_SHARES are the stationary law of the pressure's transitions."""
    shares = np.array(market.PRESSURE_SHARES)
    assert shares @ market.build(parameters()).pressure == pytest.approx(shares, abs=1e-12)


def test_steps_have_the_moments_of_a_compound_poisson_sum():
    """Mean n·m·a and variance n·E[size²] for n moves of geometric size m that lean by a."""
    built = market.build(parameters())
    reach = built.step.shape[2] // 2
    ticks = np.arange(-reach, reach + 1)
    for r in range(len(REGIMES)):
        n = market.MOVES_PER_SECOND * 10.0 * np.exp(market.MOVES_CONTRAST[r])
        m = max(market.SIZE_TICKS * np.exp(market.SIZE_CONTRAST[r]), 1.0)
        for g, pressure in enumerate(market.PRESSURES):
            mean = built.step[r, g] @ ticks
            variance = built.step[r, g] @ ticks**2 - mean**2
            lean = np.tanh(market.LOADING[r] * pressure)
            assert mean == pytest.approx(n * m * lean, abs=1e-5)
            assert variance == pytest.approx(n * (2 * m**2 - m), rel=1e-5)


def test_a_finer_grid_makes_the_same_market():
    """Ten rows' steps of one second have the law of one row's step of ten seconds."""
    fine, coarse = (
        market.build(parameters(rows_per_day=86400)).step,
        market.build(parameters()).step,
    )
    for r in range(len(REGIMES)):
        for g in range(3):
            once = fine[r, g]
            many = np.ones(1)
            for _ in range(10):
                many = np.convolve(many, once)
            reach = min(len(many), coarse.shape[2]) // 2
            middle = slice(len(many) // 2 - reach, len(many) // 2 + reach + 1)
            other = slice(coarse.shape[2] // 2 - reach, coarse.shape[2] // 2 + reach + 1)
            assert many[middle] == pytest.approx(coarse[r, g][other], abs=1e-8)


def test_quotes_stand_on_ticks_and_rows_on_the_grid():
    """Bids and asks are whole ticks, uncrossed; timestamps divide the UTC day evenly."""
    day = next(simulate.each_day(parameters(rows_per_day=7000, tick=0.25)))
    assert (day.best_bid % 0.25 == 0).all()
    assert (day.best_ask % 0.25 == 0).all()
    assert (day.best_ask - day.best_bid >= 0.25).all()
    expected = [row * DAY_NS // 7000 for row in range(7000)]
    assert (day.time_ns - pd.Timestamp("2024-01-01").value).tolist() == expected


def test_default_labels_are_heavy_tailed_and_mostly_zero():
    """60 to 80 % zeros; each of 2, 5, 10 and 20 bps is exceeded in dozens of rows a day."""
    y = label_ticks(long_walk(parameters(rows_per_day=86400), 86400 * 10), 60)
    assert 0.6 < np.mean(y == 0) < 0.8
    for bps in (2, 5, 10, 20):
        assert np.sum(y > bps / 0.5) / 10 > 50
    assert y.std() > 3 * y.mean()


# -- the oracle --------------------------------------------------------------------------------


def small_market(seed: int) -> Market:
    """A random kernel of 2 rows a window, 2 regimes and steps of up to 2 ticks, symmetric as
    the oracle may assume: mirrored prices go with the reversed pressure."""
    rng = np.random.default_rng(seed)

    def law(*shape: int) -> np.ndarray:
        weight = rng.random(shape) + 0.05
        return weight / weight.sum(axis=-1, keepdims=True)

    regime = law(3, 2, 2)
    regime[2] = regime[0]
    pressure = law(3, 3)
    pressure = (pressure + pressure[::-1, ::-1]) / 2
    shape = law(2, len(SHAPES))
    mirrored = [SHAPES.index((above, below)) for below, above in SHAPES]
    shape = (shape + shape[:, mirrored]) / 2
    step = law(2, 3, 5)
    step = (step + step[:, ::-1, ::-1]) / 2
    return Market(interval=30.0, regime=regime, pressure=pressure, shape=shape, step=step)


def slow_expected_ticks(built: Market, rows: int) -> np.ndarray:
    """E[label in ticks] by following every path that the kernel allows."""
    regimes, pressures, steps = built.step.shape
    out = np.zeros((regimes, pressures, len(SHAPES)))
    for r0, g0 in np.ndindex(regimes, pressures):
        # (regime, pressure, base, highest bid, lowest ask) -> probability
        paths = {(r0, g0, 0, -99, 99): 1.0}
        for _ in range(rows):
            after: dict = defaultdict(float)
            for (r, g, x, top, bottom), chance in paths.items():
                for h, q, d, e in np.ndindex(pressures, regimes, steps, len(SHAPES)):
                    p = built.pressure[g, h] * built.regime[h, r, q]
                    p *= built.step[q, h, d] * built.shape[q, e]
                    base = x + d - steps // 2
                    bid, ask = base - SHAPES[e][0], base + 1 + SHAPES[e][1]
                    after[q, h, base, max(top, bid), min(bottom, ask)] += chance * p
            paths = after
        for e0, (below, above) in enumerate(SHAPES):
            for (_, _, _, top, bottom), chance in paths.items():
                out[r0, g0, e0] += chance * max(top - (1 + above), -below - bottom, 0)
    return out


def test_the_oracle_equals_an_enumeration_of_all_paths():
    """On a small kernel, for every regime, pressure and shape of the spread, to 1e-9."""
    built = small_market(1)
    assert oracle.expected_ticks(built) == pytest.approx(slow_expected_ticks(built, 2), rel=1e-9)


def test_interpolating_far_barriers_costs_nothing(monkeypatch):
    """Computing every barrier gives the same oracle to 1e-5."""
    built = market.build(parameters())
    fast = oracle.expected_ticks(built)
    monkeypatch.setattr(oracle, "_FINE", 10**6)
    assert oracle.expected_ticks(built) == pytest.approx(fast, rel=1e-5)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_oracle_is_calibrated_in_every_hidden_state(strength):
    """Mean label and mean oracle agree within sampling error, overall and for each regime and
    pressure (error bars from the spread over days)."""
    params = parameters(signal_strength=strength)
    path = long_walk(params, 8640 * 200)
    y = label_ticks(path, 6)
    expected = oracle.expected_ticks(market.build(params))
    residual = y - expected[path.regime, path.pressure, path.shape][: len(y)]
    day = np.arange(len(y)) // 8640
    state = (path.regime * 3 + path.pressure)[: len(y)]
    assert len(np.unique(state)) == 12
    for chosen in [np.ones(len(y), bool), *(state == s for s in np.unique(state))]:
        total = np.bincount(day[chosen], residual[chosen], minlength=200)
        error = np.sqrt(np.sum(total**2))
        assert abs(total.sum()) < 3.5 * error
        # The bars are narrow enough to mean something.
        assert error < 0.25 * y[chosen].sum()


def test_the_oracle_of_end_return_equals_an_enumeration_of_all_paths():
    """On a small kernel, for every regime, pressure and shape of the spread, to 1e-9."""
    built = small_market(2)
    assert oracle.expected_move(built) == pytest.approx(slow_expected_move(built, 2), abs=1e-9)


def slow_expected_move(built: Market, rows: int) -> np.ndarray:
    """E[mid two rows on − mid, in ticks] by following every path that the kernel allows."""
    regimes, pressures, steps = built.step.shape
    out = np.zeros((regimes, pressures, len(SHAPES)))
    for r0, g0 in np.ndindex(regimes, pressures):
        paths = {(r0, g0, 0): 1.0}
        for _ in range(rows):
            after: dict = defaultdict(float)
            for (r, g, x), chance in paths.items():
                for h, q, d in np.ndindex(pressures, regimes, steps):
                    p = built.pressure[g, h] * built.regime[h, r, q] * built.step[q, h, d]
                    after[q, h, x + d - steps // 2] += chance * p
            paths = after
        for (r, _, x), chance in paths.items():
            for e, (below, above) in enumerate(SHAPES):
                out[r0, g0] += chance * built.shape[r, e] * (x + (above - below) / 2)
    return out - np.array([(above - below) / 2 for below, above in SHAPES])


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_the_oracle_of_end_return_is_calibrated_in_every_hidden_state(strength):
    """Where the market is in a state, its mid moves on average by as much as the oracle says,
    within sampling error: for each regime and pressure, and each shape of the spread."""
    params = parameters(signal_strength=strength)
    path = long_walk(params, 8640 * 200)
    y = path.mid[6:] - path.mid[:-6]
    expected = oracle.expected_move(market.build(params))
    now = expected[path.regime, path.pressure, path.shape][: len(y)]
    day = np.arange(len(y)) // 8640
    state, shape = (path.regime * 3 + path.pressure)[: len(y)], path.shape[: len(y)]
    chosen = [state == s for s in np.unique(state)] + [shape == e for e in np.unique(shape)]
    assert len(chosen) == 12 + len(SHAPES)
    for rows in chosen:
        total = np.bincount(day[rows], (y - now)[rows], minlength=200)
        assert abs(total.sum()) < 3.5 * np.sqrt(np.sum(total**2))
    # It is no constant: with a signal, pressure leads the price, and the bars are narrow beside it.
    up, down = path.pressure[: len(y)] == 2, path.pressure[: len(y)] == 0
    led = now[up].mean() - now[down].mean()
    assert (led > 0.5) == (strength > 0)
    error = np.sqrt(y[up].var() / up.sum() * 6 + y[down].var() / down.sum() * 6)
    assert abs(y[up].mean() - y[down].mean() - led) < 3.5 * error
    assert strength == 0 or error < 0.2 * led


def test_the_oracle_of_end_return_is_in_units_of_the_label():
    """Through the whole chain no share of it is left out: outcomes regressed on it have slope 1."""
    label = PARAMS.label.model_copy(update={"target": "end_return"})
    made = Table(parameters(days=40), label, column=1)
    slope = np.cov(made.y, made.oracle)[0, 1] / made.oracle.var()
    assert slope == pytest.approx(1.0, abs=0.15)


def test_the_oracle_is_in_units_of_the_label(table):
    """Through the whole chain the mean oracle is the mean outcome, and its skill is the one
    the default market is made for."""
    assert table.oracle.mean() == pytest.approx(table.y.mean(), rel=0.1)
    skill = 1 - np.mean((table.y - table.oracle) ** 2) / np.var(table.y)
    assert 0.2 < skill < 0.5


def test_features_explain_nothing_that_the_oracle_leaves(table):
    """A ridge finds skill in the label, and none in label − oracle."""
    assert ridge_skill(table.x, table.y) > 0.1
    assert ridge_skill(table.x, table.y - table.oracle) < 0.002


# -- what features know ------------------------------------------------------------------------


def test_flow_tells_of_the_pressure_and_pressure_of_the_outcome(table):
    """Flow leans as pressure does; in every regime pressure raises the expected outcome."""
    for name in ("flow_imbalance_60s", "imbalance_level0"):
        assert np.corrcoef(table.column(name), table.pressure)[0, 1] > 0.15
    ticks = oracle.expected_ticks(market.build(parameters()))
    for shape in range(len(SHAPES)):
        assert (ticks[:, 2, shape] > 1.1 * ticks[:, 1, shape]).all()


def test_flow_and_book_add_skill_to_prices_only_with_a_signal(table):
    """What they add to a ridge on the prices' features is above 0 by default, and not at
    strength 0, where features of the same market still tell of the pressure."""
    silent = Table(parameters(days=40, signal_strength=0.0))
    assert np.corrcoef(silent.column("flow_imbalance_60s"), silent.pressure)[0, 1] > 0.15
    gains = []
    for made in (table, silent):
        priced = [name.startswith(("return", "volatility", "spread")) for name in made.names]
        gains.append(ridge_skill(made.x, made.y) - ridge_skill(made.x[:, priced], made.y))
    assert gains[0] > 0.004
    assert gains[1] < 0.001


def markets(params: Simulate, monkeypatch, seed: int) -> list[Day]:
    """The market's days where pressure, flow and book have the streams of another seed."""
    with monkeypatch.context() as patch:

        def other(given: int, stream: Stream, day: int) -> np.random.Generator:
            told = stream in (Stream.PRESSURE, Stream.FLOW, Stream.BOOK)
            return generator(seed if told else given, stream, day)

        patch.setattr(simulate, "generator", other)
        return list(simulate.each_day(params))


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_without_a_signal_prices_ignore_the_streams_of_flow(monkeypatch, strength):
    """At strength 0 quotes are the same bit for bit whatever those streams say, and the oracle
    to rounding, while features differ; at strength 1 the quotes differ."""
    params = parameters(days=2, signal_strength=strength)
    one, two = (markets(params, monkeypatch, seed) for seed in (100, 101))
    same = [
        a.best_bid.tobytes() == b.best_bid.tobytes()
        and a.best_ask.tobytes() == b.best_ask.tobytes()
        and a.oracle == pytest.approx(b.oracle, rel=1e-12, abs=0)
        for a, b in zip(one, two, strict=True)
    ]
    assert same == [strength == 0.0] * 2
    assert (one[0].features != two[0].features).any()


def test_without_signal_and_volatility_there_is_nothing_to_learn():
    """One law of steps, a spread of one tick, one expectation; and a ridge finds nothing."""
    params = parameters(days=20, signal_strength=0.0, volatility_strength=0.0)
    built = market.build(params)
    assert (built.step == built.step[0, 0]).all()
    assert (built.shape == np.eye(len(SHAPES))[0]).all()
    ticks = oracle.expected_ticks(built)[:, :, 0]
    assert ticks == pytest.approx(ticks[0, 0], rel=1e-12)
    made = Table(params)
    assert made.y.mean() == pytest.approx(made.oracle.mean(), rel=0.02)
    assert ridge_skill(made.x, made.y) < 0.001


def test_features_are_one_family_each_and_named_as_recordings_are():
    """60 to 120 features in at least 8 families, none left over."""
    day = next(simulate.each_day(parameters(days=1)))
    found = families(day.names, PARAMS.features)
    assert 60 <= len(day.names) <= 120
    assert len(set(day.names)) == len(day.names)
    assert len(set(found.values())) >= 8
    assert "other" not in found.values()
    assert np.isfinite(day.features).all()


def test_windows_of_prices_run_across_midnight_and_never_ahead():
    """return, volatility and spread on the second day, from both days' quotes by definition."""
    first, second = simulate.each_day(parameters(days=2))
    bid = np.concatenate((first.best_bid, second.best_bid))
    ask = np.concatenate((first.best_ask, second.best_ask))
    mid = (bid + ask) / 2
    for row in (8640, 8645, 8700, 17279):
        found = dict(zip(second.names, second.features[row - 8640], strict=True))
        change = np.diff(mid[row - 6 : row + 1])
        assert found["return_60s"] == pytest.approx(mid[row] / mid[row - 6] - 1, rel=1e-5)
        swing = np.sqrt(np.sum(change**2)) / mid[row]
        assert found["volatility_60s"] == pytest.approx(swing, rel=1e-5)
        spread = np.mean(ask[row - 5 : row + 1] - bid[row - 5 : row + 1]) / mid[row]
        assert found["spread_mean_60s"] == pytest.approx(spread, rel=1e-5)
        assert found["ask_price_level0"] == pytest.approx(ask[row] / mid[row] - 1, rel=1e-4)


@given(st.lists(st.integers(0, 10**6), min_size=40, max_size=60), st.integers(1, 20))
def test_window_sums_are_sums_over_the_window(values, window):
    """Each of the last rows has exactly the sum of itself and the window − 1 rows before."""
    ends = range(window, len(values) + 1)
    found = series.window_sums(np.array(values, dtype=float), window, len(ends))
    assert found.tolist() == [sum(values[end - window : end]) for end in ends]


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.integers(31, 200))
def test_features_of_the_past_do_not_change_with_the_future(seed, more):
    """Rows appended to quotes and flow leave the features of the rows before as they were."""
    rng = np.random.default_rng(seed)
    halo, rows = 30, 50
    bid = 20_000 + np.cumsum(rng.integers(-2, 3, halo + rows + more))
    ask = bid + rng.integers(1, 4, len(bid))
    amounts = rng.integers(0, 1000, (len(bid), len(features.FLOW_COLUMNS))).astype(float)
    end = halo + rows
    whole = {
        **features.of_quotes(bid, ask, rows=rows + more, interval=10.0),
        **features.of_flow(amounts, rows=rows + more, interval=10.0),
    }
    part = {
        **features.of_quotes(bid[:end], ask[:end], rows=rows, interval=10.0),
        **features.of_flow(amounts[:end], rows=rows, interval=10.0),
    }
    for name, values in part.items():
        assert values.tolist() == whole[name][:rows].tolist(), name


# -- defects -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def day() -> Day:
    return next(simulate.each_day(parameters(days=1)))


def hit(day: Day, params: Simulate) -> Day:
    return defects.apply(day, params)


def test_without_defects_a_day_is_recorded_as_it_was(day):
    """Every rate at 0 leaves every value."""
    found = hit(day, with_defects())
    for name in ("time_ns", "best_bid", "best_ask", "features", "oracle"):
        assert (getattr(found, name) == getattr(day, name)).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.floats(31, 600), st.floats(0, 100))
def test_no_gap_is_shorter_than_31_seconds(seed, mean_seconds, rate):
    """Neither inside the day nor at midnight; whatever the rates, a row is left."""
    time_ns = np.arange(8640) * 10 * 10**9
    kept = defects.surviving(time_ns, rate, mean_seconds, np.random.default_rng(seed))
    assert len(kept) > 0
    edges = np.concatenate(([-10 * 10**9], time_ns[kept], [DAY_NS]))
    steps = np.diff(edges) / 1e9
    assert ((steps == 10) | (steps > 31)).all()


def test_gaps_are_as_many_and_as_long_as_asked_for():
    """Over 300 days: 5 a day, 240 s each, within 10 %."""
    time_ns = np.arange(8640) * 10 * 10**9
    rng = np.random.default_rng(0)
    lost = [8640 - len(defects.surviving(time_ns, 5.0, 240.0, rng)) for _ in range(300)]
    assert np.mean(lost) * 10 == pytest.approx(5 * 240, rel=0.1)


def test_of_a_repeated_timestamp_the_last_row_is_the_true_one(day):
    """The row before it is stale: it has the values of the row before, and the same oracle."""
    found = hit(day, with_defects(duplicates_per_day=50.0))
    twice = np.flatnonzero(np.diff(found.time_ns) == 0)
    assert 25 < len(twice) < 80
    assert (found.oracle[twice] == found.oracle[twice + 1]).all()
    assert (found.best_bid[twice] == found.best_bid[twice - 1]).all()
    assert (found.features[twice] == found.features[twice - 1]).all()
    true = np.append(np.diff(found.time_ns) > 0, True)
    assert (found.best_bid[true] == day.best_bid).all()
    assert (found.features[true] == day.features).all()


def test_nan_and_inf_hit_their_share_of_features_and_never_a_quote(day):
    """The counts are those of the parameters, within sampling error; all else stays."""
    found = hit(day, with_defects(nan_share=0.01, inf_share=0.005))
    size = day.features.size
    assert np.isnan(found.features).sum() == pytest.approx(0.01 * size, rel=0.1)
    for sign in (np.inf, -np.inf):
        assert (found.features == sign).sum() == pytest.approx(0.0025 * size, rel=0.1)
    finite = np.isfinite(found.features)
    assert (found.features[finite] == day.features[finite]).all()
    assert (found.best_bid == day.best_bid).all()
    assert (found.best_ask == day.best_ask).all()


def test_one_feature_is_frozen_for_hours(day):
    """It keeps its first value for exactly that long; every other feature stays."""
    found = hit(day, with_defects(constant_hours_per_day=3.0))
    changed = np.flatnonzero((found.features != day.features).any(axis=0))
    assert len(changed) == 1
    values = found.features[:, changed[0]]
    runs = np.diff(np.flatnonzero(np.concatenate(([True], np.diff(values) != 0, [True]))))
    assert runs.max() >= 3 * 360
    assert (values != day.features[:, changed[0]]).sum() < 3 * 360


def test_crossed_rows_have_their_quotes_swapped(day):
    """bid > ask in as many rows as asked for; the two values are the true ones."""
    found = hit(day, with_defects(crossed_per_day=40.0))
    crossed = found.best_bid > found.best_ask
    assert 20 < crossed.sum() < 65
    assert (found.best_bid[crossed] == day.best_ask[crossed]).all()
    assert (found.best_ask[crossed] == day.best_bid[crossed]).all()
    assert (found.best_bid[~crossed] == day.best_bid[~crossed]).all()


def test_a_defect_switched_off_leaves_the_others(day):
    """Without crossed quotes, the same values are NaN and the same rows are lost."""
    both = hit(day, with_defects(crossed_per_day=40.0, nan_share=0.01, gaps_per_day=5.0))
    one = hit(day, with_defects(nan_share=0.01, gaps_per_day=5.0))
    assert both.time_ns.tolist() == one.time_ns.tolist()
    assert (np.isnan(both.features) == np.isnan(one.features)).all()


# -- files -------------------------------------------------------------------------------------


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.h5")):
        yield path.relative_to(folder).as_posix(), path.read_bytes()


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulate") / "market"
    with threadpool_limits(1):
        simulate.run(parameters(days=2), out=out)
    return out


def test_the_oracle_says_which_labels_it_is_for(two_days, params):
    """That of the default params is the first."""
    known = read_json(two_days / "oracle" / "oracle.json")
    assert known["horizon_seconds"] == params.label.horizon_seconds
    assert known["prices"] == {"abs_max": ["touch"], "end_return": ["touch", "mid"]}
    assert next(iter(oracle.PRICES)) == params.label.target


def test_a_feature_file_and_its_oracle_have_the_same_rows(two_days):
    """pandas reads both; quotes are float64, features float32, the oracle float64."""
    names = [name for name, _ in files(two_days)]
    assert names == [
        "SIM-data-01-01-2024.h5",
        "SIM-data-02-01-2024.h5",
        "oracle/SIM-data-01-01-2024.h5",
        "oracle/SIM-data-02-01-2024.h5",
    ]
    for name in names[:2]:
        frame = pd.read_hdf(two_days / name, "df")
        truth = pd.read_hdf(two_days / "oracle" / name, "df")
        assert list(frame.columns[:2]) == ["best_bid", "best_ask"]
        assert set(frame.dtypes[:2]) == {np.dtype("float64")}
        assert set(frame.dtypes[2:]) == {np.dtype("float32")}
        assert truth.dtypes.to_dict() == dict.fromkeys(oracle.PRICES, np.dtype("float64"))
        assert frame.index.equals(truth.index)
        assert str(frame.index.tz) == "UTC"
        assert frame.index.has_duplicates
        assert np.isfinite(frame[["best_bid", "best_ask"]]).all(axis=None)
        assert np.isfinite(truth).all(axis=None)


def test_the_same_parameters_give_the_same_bytes_on_any_number_of_threads(two_days, tmp_path):
    """One thread or two, every file is the same."""
    with threadpool_limits(2):
        simulate.run(parameters(days=2), out=tmp_path / "again")
    assert dict(files(tmp_path / "again")) == dict(files(two_days))


def test_a_day_appended_leaves_the_days_before(two_days, tmp_path):
    """The first day's files are the same bytes with one day or two; another seed's are not."""
    simulate.run(parameters(days=1), out=tmp_path / "short")
    whole = dict(files(two_days))
    short = dict(files(tmp_path / "short"))
    assert len(short) == 2
    assert all(whole[name] == content for name, content in short.items())
    simulate.run(parameters(days=1, seed=2), out=tmp_path / "other")
    assert all(whole[name] != content for name, content in files(tmp_path / "other"))


def test_a_change_of_activity_leaves_the_days_before_and_makes_moves_rarer_after():
    """Half as many moves have half the variance; what is known of the day before is the same, but
    for windows that see both days."""
    half = parameters(days=2, activity_change=0.5, activity_change_day=1)
    (one, two), (before, after) = simulate.each_day(parameters(days=2)), simulate.each_day(half)
    for name in ("best_bid", "best_ask", "features"):
        assert (getattr(one, name) == getattr(before, name)).all()
    assert (one.oracle[:-6] == before.oracle[:-6]).all()
    assert np.isnan(before.oracle[-6:]).all()
    assert np.isfinite(after.oracle).all()
    moves = [np.count_nonzero(np.diff(day.path.base)) for day in (two, after)]
    assert 0.4 < moves[1] / moves[0] < 0.8
    usual, rare = (market.build(half, change).step for change in (1.0, 0.5))
    squares = [(step @ np.arange(-(step.shape[2] // 2), step.shape[2] // 2 + 1) ** 2)[:, 1]
               for step in (usual, rare)]  # fmt: skip
    assert squares[1] == pytest.approx(squares[0] / 2, rel=1e-5)


def test_without_a_change_the_day_of_it_does_not_matter():
    [one] = simulate.each_day(parameters(days=1))
    [other] = simulate.each_day(parameters(days=1, activity_change_day=1))
    assert one.features.tobytes() == other.features.tobytes()
    assert one.oracle.tobytes() == other.oracle.tobytes()


def test_the_oracle_is_calibrated_where_activity_fell():
    """Mean label and mean oracle agree, and are smaller than they were."""
    built = market.build(parameters(), 0.5)
    draws = np.random.default_rng(0).random((4, 8640 * 100))
    path = market.walk(built, draws, market.start(20_000))
    found = (oracle.expected_ticks(built)[path.regime, path.pressure, path.shape])[:-6].mean()
    assert found == pytest.approx(label_ticks(path, 6).mean(), rel=0.03)
    usual = oracle.expected_ticks(market.build(parameters()))
    assert found < 0.8 * usual[path.regime, path.pressure, path.shape].mean()


def test_a_price_that_falls_too_low_is_one_clear_line(tmp_path):
    """It names the parameter and the day, and leaves an earlier market as it was."""
    out = tmp_path / "market"
    out.mkdir()
    (out / "earlier").write_text("kept")
    with pytest.raises(InputError, match=r"simulate.price: must .* day \d+$"):
        simulate.run(parameters(days=60, price=100.0), out=out)
    assert [path.name for path in tmp_path.iterdir()] == ["market"]
    assert (out / "earlier").read_text() == "kept"


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("price: 10000.0", "price: 10.0", "simulate: price must be 100 to 1e9 ticks"),
        ('start: "2024-01-01"', 'start: "1969-12-31"', "simulate.start"),
        ("volatility_strength: 1.0", "volatility_strength: 9", "simulate.volatility_strength"),
        ("gaps_per_day: 2.0", "gaps_per_day: 1e300", "simulate.defects.gaps_per_day"),
    ],
)
def test_parameters_out_of_range_are_refused_by_name(was, now, says):
    """Before anything is simulated."""
    assert was in PARAMS_TEXT
    with pytest.raises(InputError, match=says):
        parse(PARAMS_TEXT.replace(was, now), source="params.yaml")


def test_the_default_params_are_those_of_the_repository(params: Params):
    """The fixture and the module's constant agree, so that the tests above speak of it."""
    assert params == PARAMS

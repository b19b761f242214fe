"""Columns that know nothing of the future, however strong, strange or slow they are."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from forms import Case, by_bar, column, ewma, log_mid, trailing_return
from leaky import source
from markets import Market
from scipy import signal

# Rows between two fits of the honest model.
_REFIT_ROWS = 3600


def simple(name: str, make: Callable[[Market], pd.Series], kind: str) -> Case:
    return column(name, kind, 0.0, make)


def past_return(seconds: float) -> Case:
    return simple(f"ret_last_{seconds:g}s", lambda m: trailing_return(m, seconds), "trailing")


def past_volatility(seconds: float) -> Case:
    def make(m: Market) -> pd.Series:
        return np.sqrt((log_mid(m).diff() ** 2).rolling(f"{seconds:g}s").sum())

    return simple(f"vol_last_{seconds:g}s", make, "trailing")


def trailing_mean(name: str, window: int, *, relative: bool = False) -> Case:
    def make(m: Market) -> pd.Series:
        values = source(m, name)
        mean = values.rolling(window, min_periods=1).mean()
        return values - mean if relative else mean

    return simple(f"{name}_{'less_' if relative else ''}mean{window}", make, "trailing")


def filtered(name: str, how: str, width: float) -> Case:
    """One-sided: ewma (half-life), butter (period that passes), savgol (window), in rows."""

    def make(m: Market) -> pd.Series:
        values = source(m, name)
        if how == "ewma":
            return ewma(values, width)
        start = values.ffill().fillna(0.0).to_numpy()
        if how == "butter":
            b, a = signal.butter(2, 2 / width)
            found = signal.lfilter(b, a, start - start[0]) + start[0]
        else:  # the fit's value at its last row
            window = int(width)
            weights = signal.savgol_coeffs(window, 3, pos=window - 1)
            found = np.convolve(start, weights)[: len(start)]
            found[: window - 1] = np.nan
        return pd.Series(found, index=values.index)

    return simple(f"{name}_past_{how}{width:g}", make, "one-sided smoothing")


def sampled(name: str, seconds: float) -> Case:
    """The last sample of every so many seconds, as a previous-tick join has it."""

    def make(m: Market) -> pd.Series:
        number = m.bars(seconds)
        first = np.r_[True, number[1:] != number[:-1]]
        return source(m, name).where(first).ffill()

    return simple(f"{name}_ffill{seconds:g}", make, "sampled before")


def closed_bar(what: str, seconds: float, *, name: str = "mid") -> Case:
    """A figure of the last bar that is over."""

    def make(m: Market) -> pd.Series:
        found = by_bar(m, source(m, name), seconds, what)
        before = np.searchsorted(found.index, m.bars(seconds)) - 1
        values = np.where(before >= 0, found.to_numpy()[np.maximum(before, 0)], np.nan)
        return pd.Series(values, index=m.frame.index)

    return simple(f"last_bar{seconds:g}_{name}_{what}", make, "closed bar")


def standardized(name: str, window: int | None) -> Case:
    """By mean and deviation of the last rows, or of all rows so far."""

    def make(m: Market) -> pd.Series:
        x = source(m, name)
        past = x.rolling(window, min_periods=30) if window else x.expanding(min_periods=30)
        return (x - past.mean()) / past.std().clip(lower=1e-12)

    return simple(f"{name}_z{window or 'past'}", make, "trailing statistics")


def day_so_far(what: str, name: str = "mid") -> Case:
    def make(m: Market) -> pd.Series:
        x = source(m, name)
        high, low = x.cummax(), x.cummin()
        by_what = {
            "high": x / high - 1,
            "low": x / low - 1,
            "open": x / x.iloc[0] - 1,
            "range": (x - low) / (high - low).clip(lower=1e-12),
        }
        return by_what[what]

    return simple(f"{name}_from_{what}", make, "trailing statistics")


def rolling_rank(name: str, window: int) -> Case:
    def make(m: Market) -> pd.Series:
        return source(m, name).rolling(window, min_periods=10).rank(pct=True)

    return simple(f"{name}_rank{window}", make, "trailing statistics")


def completed(m: Market) -> pd.Series:
    """The outcome of the last row whose window is over."""
    return m.at(m.outcome, -m.label.horizon_seconds).ffill()


def lagged_outcome(more_seconds: float = 0.0) -> Case:
    def make(m: Market) -> pd.Series:
        return m.at(m.outcome, -m.label.horizon_seconds - more_seconds)

    return simple(f"y_completed{more_seconds:g}", make, "completed outcomes")


def mean_completed(seconds: float, *, exponential: bool = False) -> Case:
    def make(m: Market) -> pd.Series:
        y = completed(m)
        return ewma(y, seconds) if exponential else y.rolling(f"{seconds:g}s").mean()

    name = f"y_completed_{'ewma' if exponential else 'mean'}{seconds:g}"
    return simple(name, make, "completed outcomes")


def encoded_so_far(name: str, edges: int) -> Case:
    """Target encoding by what earlier rows of the bucket brought, buckets by fixed steps."""

    def make(m: Market) -> pd.Series:
        x = m.at(source(m, name), -m.label.horizon_seconds)
        # A bucket is a figure of two leading digits or so, so that no edge looks ahead.
        now, then = (np.round(np.arcsinh(one * 1000) * edges / 10) for one in (source(m, name), x))
        y = m.at(m.outcome, -m.label.horizon_seconds)
        known = pd.DataFrame({"bucket": then, "y": y}).dropna()
        running = known.groupby("bucket")["y"].expanding().mean().droplevel(0).sort_index()
        table = pd.DataFrame({"bucket": known["bucket"], "mean": running}).reset_index()
        asked = pd.DataFrame({"bucket": now}).reset_index().dropna()
        found = pd.merge_asof(asked, table, on=asked.columns[0], by="bucket")
        return found.set_index(found.columns[0])["mean"].reindex(m.frame.index)

    return simple(f"{name}_encoded_so_far{edges}", make, "completed outcomes")


def honest_model() -> Case:
    """Ridge on a few features, fitted again every _REFIT_ROWS rows on what was over by then."""

    def make(m: Market) -> pd.Series:
        columns = [
            past_volatility(60).planted(m).iloc[:, 0],
            past_volatility(600).planted(m).iloc[:, 0],
            completed(m),
            source(m, "volume").pow(0.5),
            source(m, "imbalance_level0").abs(),
            (m.frame["best_ask"] - m.frame["best_bid"]) / m.mid,
        ]
        x = np.nan_to_num(np.column_stack([one.to_numpy(dtype=np.float64) for one in columns]))
        y = m.outcome.to_numpy()
        over = np.searchsorted(m.time_ns, m.time_ns - m.label.horizon_ns, side="right")
        found = np.full(m.rows, np.nan)
        for start in range(_REFIT_ROWS, m.rows, _REFIT_ROWS):
            known = np.flatnonzero(np.isfinite(y[: over[start]]))
            centre, scale = x[known].mean(axis=0), x[known].std(axis=0) + 1e-12
            z = (x - centre) / scale
            gram = z[known].T @ z[known] + 10.0 * np.eye(z.shape[1])
            weights = np.linalg.solve(gram, z[known].T @ (y[known] - y[known].mean()))
            stop = start + _REFIT_ROWS
            found[start:stop] = z[start:stop] @ weights + y[known].mean()
        return pd.Series(found, index=m.frame.index)

    return simple("ridge_on_the_past", make, "honest model")


def late(name: str, rows: int) -> Case:
    """A feature that comes so many rows late, in its own place."""

    def make(m: Market) -> dict[str, pd.Series]:
        return {name: m.frame[name].shift(rows)}

    return Case(f"{name}_late{rows}", "feature late", -rows, make, (name,))


def repeated(name: str, rows: int) -> Case:
    """A feature that is only read every so many rows, in its own place."""

    def make(m: Market) -> dict[str, pd.Series]:
        read = np.arange(m.rows) // rows * rows
        return {name: m.frame[name].iloc[read].set_axis(m.frame.index)}

    return Case(f"{name}_read_every{rows}", "repeated frames", 0.0, make, (name,))


def _touch(m: Market, last: str) -> pd.Series:
    bid, ask = m.feature("bid_volume_level0"), m.feature("ask_volume_level0")
    micro = (m.frame["best_bid"] * ask + m.frame["best_ask"] * bid) / (bid + ask)
    return (micro - m.mid) / m.mid if last == "microprice" else np.log(bid / ask)


def _last_sign(m: Market) -> pd.Series:
    return np.sign(m.mid.diff()).replace(0.0, np.nan).ffill()


def _jump(m: Market) -> pd.Series:
    return (trailing_return(m, 60).abs() > 1e-3).astype(float)


def _age(m: Market) -> pd.Series:
    """Rows since the mid last changed."""
    changed = pd.Series((m.mid.diff() != 0).to_numpy()).cumsum()
    return changed.groupby(changed).cumcount().set_axis(m.frame.index).astype(float)


OTHERS = {
    "microprice_less_mid": ("book", lambda m: _touch(m, "microprice")),
    "log_volume_ratio": ("book", lambda m: _touch(m, "ratio")),
    "raw_spread": ("book", lambda m: m.frame["best_ask"] - m.frame["best_bid"]),
    "last_move_sign": ("flags", _last_sign),
    "jump_last_minute": ("flags", _jump),
    "rows_since_move": ("flags", _age),
    "moves_last_10": ("counts", lambda m: (m.mid.diff() != 0).astype(float).rolling(10).sum()),
    "volume_today": ("cumulated", lambda m: source(m, "volume").fillna(0.0).cumsum() / 10),
    "volume_trend": ("cumulated", lambda m: np.log1p(source(m, "volume"))),
    "mid_level": ("price level", lambda m: m.mid),
    "log_mid_level": ("price level", log_mid),
    "bid_level": ("price level", lambda m: m.frame["best_bid"]),
    "mid_less_ten_thousand": ("price level", lambda m: m.mid / 10_000 - 1),
    "return_60s_again": ("duplicate", lambda m: m.frame["return_60s"]),
    "return_60s_negated": ("duplicate", lambda m: -2 * m.frame["return_60s"]),
    "constant": ("constant", lambda m: m.mid * 0 + 7),
    "nearly_constant": ("constant", lambda m: (m.time_ns // 10**9 % 9973 == 0) + 0 * m.mid),
    "nan_for_ten_minutes": ("missing", lambda m: m.mid.diff(600) / m.mid),
    "missing_after_moves": (
        "missing",
        lambda m: m.feature("return_60s").where(trailing_return(m, 10).abs() < 3e-4),
    ),
    "missing_at_random": (
        "missing",
        lambda m: m.feature("spread").where(m.random("missing").random(m.rows) > 0.1),
    ),
    "imbalance_next_tick": ("book", lambda m: m.feature("imbalance_level0") ** 3),
    "squared_return_10s": ("trailing", lambda m: m.feature("return_10s") ** 2),
}


def other(name: str) -> Case:
    kind, make = OTHERS[name]
    return simple(name, make, kind)

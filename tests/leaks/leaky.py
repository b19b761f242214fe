"""Columns that know the future, by kind. Windows and shifts are in rows where it says so; at a row
a second they are seconds, which `ahead_seconds` counts them as."""

import re

import numpy as np
import pandas as pd
from forms import (
    Case,
    by_bar,
    column,
    ewma,
    features_of,
    log_mid,
    with_noise,
)
from markets import Market
from scipy import ndimage, signal

SOURCES = {
    "mid": lambda m: m.mid,
    "log_mid": log_mid,
    "mid_change": lambda m: log_mid(m).diff(),
    "volume": lambda m: m.feature("buy_volume_10s") + m.feature("sell_volume_10s"),
}


def source(market: Market, name: str) -> pd.Series:
    """A feature, or one of SOURCES, by name."""
    return SOURCES[name](market) if name in SOURCES else market.feature(name)


# Prices, known ahead.


def known_return(seconds: float, *, log: bool = True, noise: float = 0.0) -> Case:
    """The return of the seconds to come; `noise` in its standard deviations."""
    name = f"{'log_' if log else ''}ret_next_{seconds:g}s" + (f"_noise{noise:g}" if noise else "")

    def make(m: Market) -> pd.Series:
        found = m.at(log_mid(m), seconds) - log_mid(m)
        return found if log else np.expm1(found)

    return column(name, "price ahead", seconds, lambda m: with_noise(m, name, make, noise))


def known_level(seconds: float, side: str) -> Case:
    def make(m: Market) -> pd.Series:
        return m.at(m.mid if side == "mid" else m.frame[side], seconds)

    return column(f"{side}_in_{seconds:g}s", "price ahead", seconds, make)


def next_window(what: str, seconds: float) -> Case:
    """A figure of the seconds to come: volatility, highest, lowest, spread, spread_mean, count."""

    def make(m: Market) -> pd.Series:
        ahead = f"{seconds:g}s"
        changes = log_mid(m).diff()
        spread = (m.frame["best_ask"] - m.frame["best_bid"]) / m.mid

        def forward(values: pd.Series, how: str) -> pd.Series:
            # Trailing windows in time that runs backwards; the row itself is left out.
            back = values[::-1].set_axis(values.index[-1] - values.index[::-1] + pd.Timestamp(0))
            found = getattr(back.rolling(ahead, closed="left"), how)()
            return pd.Series(found.to_numpy()[::-1], index=values.index)

        if what == "volatility":
            return np.sqrt(forward(changes**2, "sum"))
        if what == "highest":
            return forward(m.mid, "max") / m.mid - 1
        if what == "lowest":
            return forward(m.mid, "min") / m.mid - 1
        if what == "moves":
            return forward((changes != 0).astype(float), "sum")
        return m.at(spread, seconds) if what == "spread" else forward(spread, "mean")

    return column(f"next_{seconds:g}s_{what}", "window ahead", seconds, make)


# Smoothing that looks both ways.


def centred_mean(name: str, window: int, *, replace: bool = False, relative: bool = False) -> Case:
    """The mean of `window` rows around each; relative: of the value against it."""

    def make(m: Market) -> pd.Series:
        values = source(m, name)
        mean = values.rolling(window, center=True, min_periods=1).mean()
        return values - mean if relative else mean

    called = name if replace else f"{name}_{'less_' if relative else ''}centred{window}"
    found = column(called, "two-sided smoothing", window // 2, make)
    return found if not replace else _renamed(found, f"{name}_centred{window}")


def smoothed(name: str, filter_name: str, width: float) -> Case:
    """`width` in rows: gaussian's sigma, savgol's window, the shortest period that filtfilt passes,
    the half-life of both_ewma."""

    def make(m: Market) -> pd.Series:
        values = source(m, name).bfill()
        if filter_name == "gaussian":
            found = ndimage.gaussian_filter1d(values.to_numpy(), width)
        elif filter_name == "savgol":
            found = signal.savgol_filter(values.to_numpy(), int(width), 3)
        elif filter_name == "filtfilt":
            b, a = signal.butter(2, 2 / width)
            found = signal.filtfilt(b, a, values.to_numpy())
        else:
            found = ewma(ewma(values, width)[::-1], width)[::-1].to_numpy()
        return pd.Series(found, index=values.index)

    reach = {"gaussian": 4 * width, "savgol": width // 2, "filtfilt": 3 * width}
    called = f"{name}_{filter_name}{width:g}"
    return column(called, "two-sided smoothing", reach.get(filter_name, 12 * width), make)


# Rows of another moment.


def early(names: tuple[str, ...], rows: int, *, keep: bool = False) -> Case:
    """Features as they will be so many rows later, in their own place or beside it."""

    def make(m: Market) -> dict[str, pd.Series]:
        suffix = f"_copy{rows}" if keep else ""
        return {name + suffix: m.frame[name].shift(-rows) for name in names}

    columns = tuple(f"{name}_copy{rows}" if keep else name for name in names)
    kind = "shifted duplicate" if keep else "feature early"
    return Case(f"{'+'.join(columns)}_early{rows}", kind, rows, make, columns)


def family_early(pattern: str, rows: int) -> Case:
    """All features of which part of the name matches."""

    def make(m: Market) -> dict[str, pd.Series]:
        return {
            name: m.frame[name].shift(-rows) for name in features_of(m) if re.search(pattern, name)
        }

    return Case(f"family_{pattern}_early{rows}", "family early", rows, make, None)


def back_filled(name: str, seconds: float) -> Case:
    """Samples every so many seconds, and between them the next."""

    def make(m: Market) -> pd.Series:
        return source(m, name).where(_samples(m, seconds)).bfill()

    return column(f"{name}_bfill{seconds:g}", "sampled ahead", seconds, make)


def interpolated(name: str, seconds: float) -> Case:
    def make(m: Market) -> pd.Series:
        return source(m, name).where(_samples(m, seconds)).interpolate("time")

    return column(f"{name}_interp{seconds:g}", "sampled ahead", seconds, make)


def nearest(name: str, seconds: float) -> Case:
    """Each row has the sample that is nearest in time, before it or after."""

    def make(m: Market) -> pd.Series:
        chosen = np.flatnonzero(_samples(m, seconds))
        times = m.time_ns[chosen]
        after = np.clip(np.searchsorted(times, m.time_ns), 1, len(times) - 1)
        later = times[after] - m.time_ns <= m.time_ns - times[after - 1]
        values = source(m, name).to_numpy()[chosen]
        return pd.Series(np.where(later, values[after], values[after - 1]), index=m.frame.index)

    return column(f"{name}_nearest{seconds:g}", "sampled ahead", seconds / 2 + 1, make)


def bar(what: str, seconds: float, *, name: str = "mid") -> Case:
    """A figure of the bar that a row is in, as if it were known when the bar starts: last (close),
    max (high), min (low), mean (vwap of equal volumes), return, volume."""

    def make(m: Market) -> pd.Series:
        values, number = source(m, name), m.bars(seconds)
        if what == "return":
            first, last = (by_bar(m, values, seconds, how) for how in ("first", "last"))
            found = np.log(last / first)
        else:
            found = by_bar(m, values, seconds, what)
        return pd.Series(found.loc[number].to_numpy(), index=m.frame.index)

    return column(f"bar{seconds:g}_{name}_{what}", "bar by its start", seconds, make)


def _samples(m: Market, seconds: float) -> np.ndarray:
    """Which rows are the first of a bar of that length."""
    number = m.bars(seconds)
    return np.r_[True, number[1:] != number[:-1]]


def _renamed(case: Case, name: str) -> Case:
    return Case(name, case.kind, case.ahead_seconds, case.make, case.columns)

"""The two markets that leaks are planted in: a simulated day, whose hidden state is known, and a
real one. A transformation sees a `Market`; cut or changed, it tells which values know the future.
"""

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from alpha.data.params import Label
from alpha.label.targets import compute
from alpha.simulate import Simulate, defects, market
from alpha.simulate import run as simulate

REAL_DAY = "ETHUSD-data-01-07-2021.h5"
OUTCOMES = ["up", "down", "alpha_outcome"]


@dataclass(frozen=True)
class Market:
    """One row a moment, in time order. `frame` is a feature file's content, `labels` the OUTCOMES
    of its rows (NaN without a label), `hidden` the state of the simulated market (or no columns),
    `origin` the market that this one was cut from, for constants that are to survive a cut.
    """

    frame: pd.DataFrame
    label: Label
    hidden: pd.DataFrame
    seed: int = 0
    origin: "Market | None" = None

    @property
    def rows(self) -> int:
        return len(self.frame)

    @cached_property
    def time_ns(self) -> np.ndarray:
        return self.frame.index.as_unit("ns").asi8

    @cached_property
    def labels(self) -> pd.DataFrame:
        return self.outcomes(self.label)

    def outcomes(self, label: Label) -> pd.DataFrame:
        bid, ask = (self.frame[side].to_numpy() for side in ("best_bid", "best_ask"))
        found = compute(self.time_ns, bid, ask, label)
        columns = {name: getattr(found, name) for name in OUTCOMES}
        return pd.DataFrame(columns, index=self.frame.index)

    @property
    def outcome(self) -> pd.Series:
        return self.labels["alpha_outcome"]

    @cached_property
    def mid(self) -> pd.Series:
        return (self.frame["best_bid"] + self.frame["best_ask"]) / 2

    def feature(self, name: str) -> pd.Series:
        """A feature in float64, with the value before in place of what is not finite."""
        values = self.frame[name].astype(np.float64)
        return values.where(np.isfinite(values)).ffill()

    def at(self, values: pd.Series, seconds: float) -> pd.Series:
        """The value that stood so many seconds after each row, NaN beyond the data's ends."""
        when = self.time_ns + round(seconds * 1e9)
        row = np.searchsorted(self.time_ns, when, side="right") - 1
        inside = (row >= 0) & (when <= self.time_ns[-1])
        found = np.where(inside, values.to_numpy()[np.maximum(row, 0)], np.nan)
        return pd.Series(found, index=values.index)

    def bars(self, seconds: float) -> np.ndarray:
        """The number of each row's bar, (rows,) int64; bars start at multiples of their length."""
        return self.time_ns // round(seconds * 1e9)

    def random(self, name: str) -> np.random.Generator:
        """Random numbers of one column, of which a shorter market gets the first."""
        return np.random.default_rng((zlib.crc32(name.encode()), self.seed))

    def cut(self, rows: int) -> "Market":
        """What was known when row `rows` − 1 came."""
        return Market(self.frame.iloc[:rows], self.label, self.hidden.iloc[:rows], self.seed, self)

    def part(self, first: int, rows: int) -> "Market":
        kept = slice(first, first + rows)
        return Market(self.frame.iloc[kept], self.label, self.hidden.iloc[kept], self.seed)

    def changed_after(self, rows: int) -> "Market":
        """Another future: the rows from `rows` on come in reverse order, at the same times."""
        order = np.r_[:rows, self.rows - 1 : rows - 1 : -1]
        frames = (one.iloc[order].set_axis(one.index) for one in (self.frame, self.hidden))
        frame, hidden = frames
        return Market(frame, self.label, hidden, self.seed, self)


def simulated(params: Simulate, label: Label, *, seed: int = 0) -> Market:
    """The first day of a simulated market as a collector records it, without repeated times."""
    day = next(iter(simulate.each_day(params.model_copy(update={"days": 1}))))
    found = defects.apply(day, params)
    index = pd.to_datetime(found.time_ns, utc=True).rename("timestamp")
    quotes = {"best_bid": found.best_bid, "best_ask": found.best_ask}
    features = pd.DataFrame(found.features, index=index, columns=list(found.names))
    frame = pd.concat((pd.DataFrame(quotes, index=index), features), axis=1)
    whole = pd.DataFrame(
        {
            "pressure": np.array(market.PRESSURES)[day.path.pressure],
            "regime": day.path.regime,
            "oracle": day.oracle[:, 0],  # of abs_max
        },
        index=pd.to_datetime(day.time_ns, utc=True),
    )
    frame = frame[~frame.index.duplicated(keep="last")]
    return Market(frame, label, whole.loc[frame.index], seed)


def real(folder: Path, label: Label, *, seed: int = 0) -> Market:
    """The real ETHUSD day. It is read as any file of a stranger."""
    from alpha.core.frames import open_frame

    with open_frame(folder / REAL_DAY) as opened:
        names = list(opened.columns)
        index = pd.to_datetime(opened.time_ns(), utc=True).rename("timestamp")
        columns = {name: opened.column(name) for name in names}
    frame = pd.DataFrame(columns, index=index)
    return Market(frame, label, pd.DataFrame(index=index), seed)

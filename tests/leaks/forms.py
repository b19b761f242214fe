"""What a planted column is, and what leaks and honest variants are made with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markets import Market

Columns = Mapping[str, pd.Series]
WHOLE_DATA = float("inf")


@dataclass(frozen=True)
class Case:
    """One leak or one honest variant: `make` gives the columns that are planted into a market's
    frame, or that stand for the features of the same names there.

    `kind` is the kind of knowledge; `ahead_seconds` how far it reaches: 0 for honest variants,
    negative for what lags, WHOLE_DATA where it reaches to the end of the data. `columns` are those
    that must be found; None: all that `make` gives, which is a whole family.
    """

    name: str
    kind: str
    ahead_seconds: float
    make: Callable[[Market], Columns]
    columns: tuple[str, ...] | None
    needs_hidden: bool = False

    def planted(self, market: Market) -> pd.DataFrame:
        """Its columns, (rows, columns) float32, as feature files have them."""
        return pd.DataFrame(dict(self.make(market)), index=market.frame.index).astype(np.float32)


def column(
    name: str,
    kind: str,
    ahead_seconds: float,
    make: Callable[[Market], pd.Series],
    *,
    needs_hidden: bool = False,
) -> Case:
    """A case of one column of the case's name."""
    return Case(name, kind, ahead_seconds, lambda m: {name: make(m)}, (name,), needs_hidden)


def features_of(market: Market) -> list[str]:
    return [name for name in market.frame.columns if name not in ("best_bid", "best_ask")]


def log_mid(market: Market) -> pd.Series:
    return np.log(market.mid)


def trailing_return(market: Market, seconds: float) -> pd.Series:
    return log_mid(market) - market.at(log_mid(market), -seconds)


def by_bar(market: Market, values: pd.Series, seconds: float, how: str) -> pd.Series:
    """One figure of each bar of that length, by bar number."""
    return values.groupby(market.bars(seconds)).agg(how)


def ewma(values: pd.Series, half_life: float) -> pd.Series:
    return values.ewm(halflife=half_life).mean()


def normal(market: Market, name: str) -> pd.Series:
    return pd.Series(market.random(name).normal(size=market.rows), index=market.frame.index)


def with_noise(
    market: Market, name: str, make: Callable[[Market], pd.Series], sigmas: float
) -> pd.Series:
    """What `make` gives plus noise of so many of its standard deviations."""
    values = make(market)
    if sigmas == 0:
        return values
    scale = make(market.origin or market).std()
    return values + sigmas * scale * normal(market, name)

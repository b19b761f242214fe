"""The features: each a function of rows of the book and of what came between them.

A function marked `feature` gives one value a row, (rows,) float64, from what `History` knows of
that row and earlier ones, and no one else need know of it. Braces in a name stand for its
arguments. Windows that are not whole, because the data begin in them or something is missing, are
NaN.
docs/reference/features.md has the formulas and where they come from.
"""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numba import njit

from alpha.ingest.book import FLOWS, Rows

WINDOWS_SECONDS = (10, 30, 60, 300)
SIDES = ("bid", "ask")
_MOST_LEVELS = 50
# Flows of trades, which are known only where trades are, and of the book.
_TRADED, _RESTING = FLOWS[:4], FLOWS[4:]

Values = np.ndarray
_FUNCTIONS: list[tuple[str, Callable[..., Values], bool, dict[str, Iterable[Any]]]] = []


class History:
    """Rows with those before them that windows reach back to.

    `price(side, level)` and `size(side, level)` are the book's, `flow(name)` what came since the
    row before, `mid` the mid; each (rows,) float64, NaN where unknown.
    """

    def __init__(self, rows: Rows, *, levels: int, grid_ns: int) -> None:
        self._rows, self._levels, self._grid_ns = rows, levels, grid_ns
        self._steps = rows.time_ns // grid_ns
        self.mid = (self.price("bid", 0) + self.price("ask", 0)) / 2

    def price(self, side: str, level: int) -> Values:
        return self._rows.values[:, 2 * SIDES.index(side) * self._levels + level]

    def size(self, side: str, level: int) -> Values:
        return self._rows.values[:, (2 * SIDES.index(side) + 1) * self._levels + level]

    def flow(self, name: str) -> Values:
        return self._rows.values[:, 4 * self._levels + FLOWS.index(name)]

    def span(self, seconds: float) -> int:
        """How many rows a window spans, at least one."""
        return max(1, round(seconds * 1e9 / self._grid_ns))

    def ago(self, values: Values, seconds: float) -> Values:
        """The values a window ago."""
        span, found = self.span(seconds), np.full(len(values), np.nan)
        whole = self._rows.age >= span
        found[whole] = values[np.flatnonzero(whole) - span]
        return found

    def sums(self, values: Values, seconds: float) -> Values:
        """The sum of each row's value and those of the window before it."""
        values = np.ascontiguousarray(values)
        return _window_sums(values, self._steps, self._rows.age, self.span(seconds))


@njit(cache=True, nogil=True)
def _window_sums(values: Values, steps: Values, age: Values, span: int) -> Values:
    """Sums over `span` rows, NaN where `age` is less. Each window is the end of one block of `span`
    steps and the start of the next, as steps are counted from 1970: so a sum has the same bits
    wherever the rows before it begin (van Herk 1992, Gil and Werman 1993)."""
    rows = len(values)
    end, found = np.empty(rows), np.full(rows, np.nan)
    total = 0.0
    for row in range(rows - 1, -1, -1):
        total = values[row] if steps[row] % span == span - 1 else total + values[row]
        end[row] = total
    for row in range(rows):
        total = values[row] if steps[row] % span == 0 else total + values[row]
        if age[row] >= span and row >= span - 1:
            whole = steps[row] % span == span - 1
            found[row] = total if whole else end[row - span + 1] + total
    return found


def feature(name: str, *, trades: bool = False, **each: Iterable[Any]) -> Callable[[Any], Any]:
    """Mark a function of (history, **arguments) as a feature for each combination of the values
    that its arguments take. With `trades`, there is none where trades are not known; with an
    argument `level`, from 0, or `levels`, a number of them, none where the book is not as deep."""

    def mark(function: Callable[..., Values]) -> Callable[..., Values]:
        _FUNCTIONS.append((name, function, trades, each))
        return function

    return mark


def build(
    levels: int, *, trades: bool, grid_ns: int = 10**9
) -> dict[str, Callable[[History], Values]]:
    """The features that a book of so many levels has, by name, with or without trades beside it;
    their windows are those that steps of the grid make up."""
    found: dict[str, Callable[[History], Values]] = {}
    for pattern, function, of_trades, each in _FUNCTIONS:
        for values in product(*each.values()):
            given = dict(zip(each, values, strict=True))
            needed = given.get("levels", given.get("level", 0) + 1)
            fits = given.get("seconds", 0) * 10**9 % grid_ns == 0
            if fits and needed <= levels and (trades or not of_trades):
                found[pattern.format(**given)] = partial(function, **given)
    return found


@feature("{side}_price_level{level}", side=SIDES, level=range(_MOST_LEVELS))
def price(history: History, side: str, level: int) -> Values:
    """A level's price / mid − 1."""
    return history.price(side, level) / history.mid - 1.0


@feature("{side}_volume_level{level}", side=SIDES, level=range(_MOST_LEVELS))
def volume(history: History, side: str, level: int) -> Values:
    """A level's size."""
    return history.size(side, level)


@feature("imbalance_level0", levels=(1,))
@feature("imbalance_levels0_4", levels=(5,))
@feature("imbalance_levels0_9", levels=(10,))
def imbalance(history: History, levels: int) -> Values:
    """(bids − asks) / (bids + asks) in size, summed over the best levels."""
    bids, asks = (
        sum(np.nan_to_num(history.size(side, level)) for level in range(levels)) for side in SIDES
    )
    with np.errstate(invalid="ignore"):
        found: Values = (bids - asks) / (bids + asks)
    return found


@feature("microprice")
def microprice(history: History) -> Values:
    """(bid · ask size + ask · bid size) / (bid size + ask size), / mid − 1."""
    bid, ask = (history.price(side, 0) for side in SIDES)
    bid_size, ask_size = (history.size(side, 0) for side in SIDES)
    return (bid * ask_size + ask * bid_size) / (bid_size + ask_size) / history.mid - 1.0


@feature("spread")
def spread(history: History) -> Values:
    """(ask − bid) / mid."""
    return (history.price("ask", 0) - history.price("bid", 0)) / history.mid


@feature("spread_mean_{seconds}s", seconds=(60,))
def spread_mean(history: History, seconds: int) -> Values:
    """The mean of ask − bid over the window, / mid."""
    wide = history.price("ask", 0) - history.price("bid", 0)
    return history.sums(wide, seconds) / history.span(seconds) / history.mid


@feature("return_{seconds}s", seconds=WINDOWS_SECONDS)
def mid_return(history: History, seconds: int) -> Values:
    """mid / (mid a window ago) − 1."""
    return history.mid / history.ago(history.mid, seconds) - 1.0


@feature("volatility_{seconds}s", seconds=WINDOWS_SECONDS)
def volatility(history: History, seconds: int) -> Values:
    """The root of the sum of the window's squared changes of the mid, / mid."""
    changes = np.diff(history.mid, prepend=np.nan)
    return np.sqrt(history.sums(changes**2, seconds)) / history.mid


@feature("{flow}_{seconds}s", flow=_TRADED, seconds=WINDOWS_SECONDS, trades=True)
@feature("{flow}_{seconds}s", flow=_RESTING, seconds=WINDOWS_SECONDS)
def flow_sum(history: History, flow: str, seconds: int) -> Values:
    """What traded, came and went in the window, and the order-flow imbalance."""
    return history.sums(history.flow(flow), seconds)


@feature("flow_imbalance_{seconds}s", seconds=WINDOWS_SECONDS, trades=True)
def flow_imbalance(history: History, seconds: int) -> Values:
    """(bought − sold) / (bought + sold) in volume over the window, 0 where nothing traded."""
    bought, sold = (history.sums(history.flow(f"{of}_volume"), seconds) for of in ("buy", "sell"))
    traded = bought + sold
    return np.where(traded == 0, 0.0, (bought - sold) / np.where(traded == 0, 1.0, traded))

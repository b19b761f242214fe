"""A market day by day, before any defect: timestamps, quotes, features and the oracle."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from alpha.core.errors import InputError
from alpha.simulate import book, flow, market, oracle, quotes, series
from alpha.simulate.market import Market, Path
from alpha.simulate.params import Simulate
from alpha.simulate.streams import Stream, generator

DAY_NS = 86400 * 10**9

# Book and flow stir after moves of the mid, and forget them over this long.
_MOVES_SECONDS = 30.0


@dataclass(frozen=True)
class Day:
    """One UTC day of a market; every array has (rows,) or (rows, features)."""

    number: int  # 0 is the first
    time_ns: np.ndarray  # int64, evenly spaced
    best_bid: np.ndarray  # float64, whole multiples of the tick
    best_ask: np.ndarray
    names: tuple[str, ...]
    features: np.ndarray  # float32, finite
    oracle: np.ndarray  # float64
    path: Path  # the hidden states


@dataclass(frozen=True)
class _Piece:
    """Consecutive rows with what the rows after them need to know."""

    path: Path
    moves: np.ndarray
    flow: np.ndarray
    hum: np.ndarray
    book: dict[str, np.ndarray]
    book_noise: np.ndarray


def each(params: Simulate) -> Iterator[Day]:
    """Yield the market's days. What a day holds does not depend on how many follow it.

    The first day starts after a warm-up that fills its look-back windows, so that no feature
    of any row lacks its past. Raises InputError if the price comes too close to 0.
    """
    kernel = market.build(
        rows_per_day=params.rows_per_day,
        signal_strength=params.signal_strength,
        volatility_strength=params.volatility_strength,
    )
    ticks = oracle.expected_ticks(kernel)
    lookback = series.window_rows(
        max(*flow.WINDOWS_SECONDS, *quotes.WINDOWS_SECONDS), kernel.interval
    )
    start = _Piece(
        market.start(round(params.price / params.tick)),
        np.zeros(1),
        np.empty((0, len(flow.COLUMNS))),
        np.zeros(flow.HUMS),
        {},
        np.zeros(book.FIELDS),
    )
    before = _piece(params, kernel, -1, lookback, start)
    for number in range(params.days):
        piece = _piece(params, kernel, number, params.rows_per_day, before)
        yield _day(params, kernel, number, before, piece, ticks)
        before = piece


def _piece(params: Simulate, kernel: Market, day: int, rows: int, before: _Piece) -> _Piece:
    draws = [
        generator(params.seed, stream, day).random(rows)
        for stream in (Stream.REGIME, Stream.PRESSURE, Stream.SPREAD, Stream.STEP)
    ]
    path = market.walk(kernel, np.array(draws), before.path)
    lowest = int(path.bid.min())
    if lowest <= book.DEEPEST_TICKS:
        raise InputError(
            f"simulate.price: must be so many ticks (simulate.tick) that the market stays above "
            f"{book.DEEPEST_TICKS}; from {params.price / params.tick:g} it fell to {lowest} "
            f"on day {max(day, 0) + 1}"
        )
    twice_mid = np.concatenate((before.path.bid[-1:] + before.path.ask[-1:], path.bid + path.ask))
    moves = series.decaying(
        np.abs(np.diff(twice_mid)) / 2.0,
        before.moves[-1],
        np.exp(-kernel.interval / _MOVES_SECONDS),
    )
    pressure = np.array(market.PRESSURES)[path.pressure]
    amounts, hum = flow.draw(
        pressure,
        moves,
        generator(params.seed, Stream.FLOW, day),
        interval=kernel.interval,
        before=before.hum,
    )
    levels, noise = book.features(
        path,
        moves,
        generator(params.seed, Stream.BOOK, day),
        interval=kernel.interval,
        before=before.book_noise,
    )
    return _Piece(path, moves, amounts, hum, levels, noise)


def _day(
    params: Simulate,
    kernel: Market,
    number: int,
    before: _Piece,
    piece: _Piece,
    ticks: np.ndarray,
) -> Day:
    rows = len(piece.path.base)
    bid = np.concatenate((before.path.bid, piece.path.bid))
    ask = np.concatenate((before.path.ask, piece.path.ask))
    amounts = np.concatenate((before.flow, piece.flow))
    found = {
        **quotes.features(bid, ask, rows=rows, interval=kernel.interval),
        **piece.book,
        **flow.features(amounts, rows=rows, interval=kernel.interval),
    }
    features = np.empty((rows, len(found)), dtype=np.float32)
    for column, values in enumerate(found.values()):
        features[:, column] = values
    return Day(
        number=number,
        time_ns=_times(params, number),
        best_bid=piece.path.bid * params.tick,
        best_ask=piece.path.ask * params.tick,
        names=tuple(found),
        features=features,
        oracle=oracle.of_rows(ticks, piece.path),
        path=piece.path,
    )


def _times(params: Simulate, number: int) -> np.ndarray:
    """Evenly spaced over the day, to the nanosecond below, (rows_per_day,) int64."""
    first = (np.datetime64(params.start, "D") + number).astype("datetime64[ns]").astype(np.int64)
    row = np.arange(params.rows_per_day)
    # In two parts, because row · DAY_NS would overflow.
    whole, rest = divmod(DAY_NS, params.rows_per_day)
    return first + row * whole + row * rest // params.rows_per_day

"""A simulated market with a known answer: daily feature files, and the oracle beside them."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alpha.core.artifacts import digest_of_arrays, whole_folder, write_manifest
from alpha.core.errors import InputError
from alpha.core.frames import Block, import_ahead, write_frame
from alpha.core.text import track
from alpha.simulate import Simulate, defects, features, market, oracle, series
from alpha.simulate.market import Day
from alpha.simulate.series import Stream, generator

# Book and flow stir after moves of the mid, and forget them over this long.
_MOVES_SECONDS = 30.0


@dataclass(frozen=True)
class _Piece:
    """Consecutive rows with what the rows after them need to know."""

    path: market.Path
    moves: np.ndarray
    flow: np.ndarray
    hum: np.ndarray
    book: dict[str, np.ndarray]
    book_noise: np.ndarray


def run(params: Simulate, *, out: Path) -> None:
    """Write out/{symbol}-data-DD-MM-YYYY.h5, a file a day with best_bid and best_ask (float64) and
    the features (float32), and out/oracle/ with the same names and timestamps: the expected label,
    given the market's hidden state, of each target that out/oracle/oracle.json names (float64).

    Raises InputError if the price comes too close to 0.
    """
    import_ahead()
    with whole_folder(out) as part:
        (part / "oracle").mkdir()
        digests: dict[str, str] = {}
        for day in track(each_day(params), "simulate", total=params.days):
            found = defects.apply(day, params)
            bid, ask = (np.ascontiguousarray(of) for of in (found.best_bid, found.best_ask))
            quotes = np.column_stack((bid, ask))
            blocks = [Block(("best_bid", "best_ask"), quotes), Block(day.names, found.features)]
            date = np.datetime64(params.start, "D") + day.number
            name = f"{params.symbol}-data-{date.item():%d-%m-%Y}.h5"
            digests[name] = digest_of_arrays(found.time_ns, bid, ask)
            truth = Block(tuple(oracle.PRICES), found.oracle)
            for path, columns in ((part / name, blocks), (part / "oracle" / name, [truth])):
                write_frame(path, found.time_ns, columns, tz_aware=True)
        known: dict[str, Any] = {"horizon_seconds": oracle.HORIZON_SECONDS, "features": digests}
        known["prices"] = oracle.PRICES
        write_manifest(part / "oracle" / "oracle.json", known)


def each_day(params: Simulate) -> Iterator[Day]:
    """Yield the market's days, before any defect, after a warm-up that fills look-back windows.
    A day does not depend on how many follow it. Where activity changes at its end, its last rows,
    whose window sees both, have no oracle: NaN. Raises InputError if the price comes too close to
    0."""
    kernel = market.build(params)
    ticks = oracle.of_market(kernel)
    change = params.activity_change_day if params.activity_change != 1.0 else -1
    lookback = series.window_rows(max(features.WINDOWS_SECONDS), kernel.interval)
    before = _Piece(
        market.start(round(params.price / params.tick)),
        moves=np.zeros(1),
        flow=np.empty((0, len(features.FLOW_COLUMNS))),
        hum=np.zeros(features.HUMS),
        book={},
        book_noise=np.zeros(features.BOOK_FIELDS),
    )
    before = _piece(params, kernel, -1, lookback, before)
    for number in range(params.days):
        if number == change:
            kernel = market.build(params, params.activity_change)
            ticks = oracle.of_market(kernel)
        piece = _piece(params, kernel, number, params.rows_per_day, before)
        day = _day(params, number, before, piece, ticks)
        if number + 1 == change:
            day.oracle[-series.window_rows(oracle.HORIZON_SECONDS, kernel.interval) :] = np.nan
        yield day
        before = piece


def _piece(params: Simulate, kernel: market.Market, day: int, rows: int, before: _Piece) -> _Piece:
    random = partial(generator, params.seed, day=day)
    hidden = (Stream.REGIME, Stream.PRESSURE, Stream.SPREAD, Stream.STEP)
    draws = np.array([random(stream).random(rows) for stream in hidden])
    path = market.walk(kernel, draws, before.path)
    lowest, least = int(path.bid.min()), features.DEEPEST_TICKS
    if lowest <= least:
        must = f"must be so many ticks (simulate.tick) that the market stays above {least}"
        fell = f"from {params.price / params.tick:g} it fell to {lowest} on day {max(day, 0) + 1}"
        raise InputError(f"simulate.price: {must}; {fell}")
    interval = kernel.interval
    changes = np.abs(np.diff(path.mid, prepend=before.path.mid[-1]))
    keep = np.exp(-interval / _MOVES_SECONDS)
    moves = series.decaying(changes[:, None], before.moves[-1:], keep)[:, 0]
    flow, hum = features.draw_flow(path, moves, random(Stream.FLOW), interval, before.hum)
    book, noise = features.of_book(path, moves, random(Stream.BOOK), interval, before.book_noise)
    return _Piece(path, moves, flow, hum, book, noise)


def _day(params: Simulate, number: int, before: _Piece, piece: _Piece, ticks: np.ndarray) -> Day:
    rows, interval = params.rows_per_day, 86400.0 / params.rows_per_day
    bid = np.concatenate((before.path.bid, piece.path.bid))
    ask = np.concatenate((before.path.ask, piece.path.ask))
    flow = np.concatenate((before.flow, piece.flow))
    found = {
        **features.of_quotes(bid, ask, rows=rows, interval=interval),
        **piece.book,
        **features.of_flow(flow, rows=rows, interval=interval),
    }
    return Day(
        number=number,
        time_ns=params.times(number),
        best_bid=piece.path.bid * params.tick,
        best_ask=piece.path.ask * params.tick,
        names=tuple(found),
        features=np.column_stack([values.astype(np.float32) for values in found.values()]),
        oracle=oracle.of_rows(ticks, piece.path),
        path=piece.path,
    )

"""Ranges of time, and what becomes of the rows in them."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, product
from typing import Any

import numpy as np

from alpha.core.errors import InputError
from alpha.data.columns import BAD_QUOTE, LABELLED, SPLITS, SplitName
from alpha.data.features import moment
from alpha.split import Split

# What became of a row, by precedence: the first that holds is the one counted.
OUTSIDE, BAD, UNLABELLED, EMBARGOED, PURGED, KEPT = range(6)
ROW_STATUS = ("outside", "bad", "unlabelled", "embargoed", "purged", "kept")
# What gives a range rows, by what became of most of them.
_CURES = {
    "bad": "sound quotes, in data.best_bid and data.best_ask,",
    "unlabelled": "more data without gaps, or a shorter label.horizon_seconds,",
    "embargoed": "more data, or a shorter split.embargo_seconds,",
    "purged": "more data, or a shorter label.horizon_seconds,",
}


@dataclass(frozen=True)
class Range:
    """A split's range of time, [start_ns, end_ns), and where its rows may begin."""

    name: SplitName
    start_ns: int
    end_ns: int
    embargo_ns: int


Times = Callable[[], Iterable[np.ndarray]]


def holdout(splits: Split, times: Times, *, max_gap_ns: int) -> tuple[Range, ...]:
    """Ranges of train, valid and test. Fractions are of the time observed in the rows at `times`
    (int64 arrays, ascending over all of them): of the steps between rows, of a longer one no more
    than `max_gap_ns`. The embargo applies at the start of valid and test. Raises InputError if
    ranges are empty, out of order or overlapping."""
    if splits.times is not None:
        bounds = [(_ns(start), _ns(end)) for start, end in (splits.times[name] for name in SPLITS)]
    else:
        fractions = splits.fractions or {}
        shares = accumulate(fractions[name] for name in SPLITS)
        bounds = list(pairwise(cuts([0.0, *shares], times, max_gap_ns)))
    ranges: list[Range] = []
    for name, (start, end) in zip(SPLITS, bounds, strict=True):
        if end <= start:
            found = f"{moment(start)} to {moment(end)}"
            raise InputError(f"split: {name} must end after it starts, found {found}")
        if ranges and start < ranges[-1].end_ns:
            ended = f"{ranges[-1].name} has ended ({moment(ranges[-1].end_ns)})"
            raise InputError(f"split: {name} must start when {ended}, found {moment(start)}")
        ranges.append(Range(name, start, end, splits.embargo_ns if ranges else 0))
    return tuple(ranges)


def row_status(
    time_ns: np.ndarray, label_status: np.ndarray, ranges: Sequence[Range], *, horizon_ns: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which range each row is in (−1: none) and what becomes of it, two (rows,) int8 arrays.

    A row is purged if its window, which ends at τ + horizon, reaches the end of its range.
    """
    which = np.full(len(time_ns), -1, dtype=np.int8)
    status = np.full(len(time_ns), OUTSIDE, dtype=np.int8)
    for number, span in enumerate(ranges):
        inside = (time_ns >= span.start_ns) & (time_ns < span.end_ns)
        which[inside] = number
        status[inside] = KEPT
        status[inside & (time_ns + horizon_ns >= span.end_ns)] = PURGED
        status[inside & (time_ns < span.start_ns + span.embargo_ns)] = EMBARGOED
        status[inside & (label_status != LABELLED)] = UNLABELLED
        status[inside & (label_status == BAD_QUOTE)] = BAD
    return which, status


def count_rows(
    counts: dict[str, np.ndarray], symbol: str, fold: Sequence[Range], *rows: Any, horizon_ns: int
) -> tuple[np.ndarray, np.ndarray]:
    """`row_status` of rows of a symbol, by their times and their labels' status; its `counts`,
    (ranges + 1, ROW_STATUS) int64, the last of rows outside all, take in how many have which."""
    none = np.zeros((len(fold) + 1, len(ROW_STATUS)), dtype=np.int64)
    time_ns, label_status = rows
    found = row_status(time_ns, label_status, fold, horizon_ns=horizon_ns)
    np.add.at(counts.setdefault(symbol, none), found, 1)
    return found


def cuts(shares: Sequence[float], times: Times, max_gap_ns: int) -> list[int]:
    """The moments, in ns, at which such shares of all observed time have passed."""
    total = observed_ns(times, max_gap_ns)
    return moments_at([round(total * min(share, 1.0)) for share in shares], times, max_gap_ns)


def observed_ns(times: Times, max_gap_ns: int) -> int:
    """All time that was observed, to the end of the last row."""
    return sum(int(passed[-1] - passed[0]) for _, passed in _observed(times(), max_gap_ns)) + 1


def moments_at(wanted_ns: Sequence[int], times: Times, max_gap_ns: int) -> list[int]:
    """The moments, in ns, at which so much time, ascending, was observed; all at the end of the
    last row that come after it."""
    found: list[int] = []
    last = 0
    for time_ns, passed in _observed(times(), max_gap_ns):
        while len(found) < len(wanted_ns) and (after := passed - wanted_ns[len(found)])[-1] >= 0:
            row = int(np.searchsorted(after, 0))
            found.append(int(time_ns[row] - after[row]))
        last = int(time_ns[-1])
    return found + [last + 1] * (len(wanted_ns) - len(found))


def _observed(times: Iterable[np.ndarray], max_gap_ns: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Rows' times, and how much time was observed up to each, in ns: the first of a part after the
    first is the last row of the part before."""
    last, passed = np.empty(0, dtype=np.int64), 0
    for part in times:
        time_ns = np.concatenate((last, part))
        steps = np.minimum(np.diff(time_ns, prepend=time_ns[0]), max_gap_ns)
        yield time_ns, passed + np.cumsum(steps)
        last, passed = time_ns[-1:], passed + int(steps.sum())


def summarize(
    fold: Sequence[Range], counts: Mapping[str, Any], ends: tuple[int, int], number: int | None
) -> dict[SplitName, dict[str, Any]]:
    """The `start` and `end` of each of a fold's splits, and how many of its `rows` have which
    status, from the `counts` of each symbol, (ranges + 1, ROW_STATUS). Raises InputError, which
    names what would help, if a split keeps no row of a symbol, whose data are from one of the
    `ends` to the other, in ns; it has the fold's `number`, but for the only one."""
    found: dict[SplitName, dict[str, Any]] = {}
    for symbol, name in product([*counts, None], SPLITS):
        own = [at for at, span in enumerate(fold) if span.name == name]
        start, end = moment(fold[own[0]].start_ns), moment(fold[own[-1]].end_ns)
        of = sum(counts.values()) if symbol is None else counts[symbol]
        rows = dict(zip(ROW_STATUS, np.sum(np.asarray(of)[own], axis=0).tolist(), strict=True))
        del rows[ROW_STATUS[OUTSIDE]]
        found[name] = {"start": start, "end": end, "rows": sum(rows.values()), **rows}
        if rows["kept"]:
            continue
        lost = [f"{count} {status}" for status, count in rows.items() if count]
        why = f"no row in its range: there are rows from {' to '.join(map(moment, ends))}"
        if lost:
            cure = _CURES[max(rows, key=rows.__getitem__)]
            why = f"{', '.join(lost)}; {cure} would help"
        where = f"{name} of fold {number}" if number is not None else name
        of_symbol = f" of {symbol}" if symbol else ""
        must = f"{where} ({start} to {end}) must keep at least one row{of_symbol}"
        raise InputError(f"split: {must}, found none: {why}")
    return found


def _ns(when: dt.datetime | dt.date) -> int:
    """Nanoseconds since 1970 of a moment in UTC; naive means UTC, a date its midnight."""
    if isinstance(when, dt.datetime) and when.tzinfo is not None:
        when = when.astimezone(dt.UTC).replace(tzinfo=None)
    return int(np.datetime64(when, "us").astype(np.int64)) * 1000

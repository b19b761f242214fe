"""Ranges of time, and what becomes of the rows in them."""

import datetime as dt
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from alpha.core.errors import InputError
from alpha.data.columns import BAD_QUOTE, LABELLED, SPLITS, SplitName
from alpha.data.features import moment
from alpha.split import Split

# What became of a row, by precedence: the first that holds is the one counted.
OUTSIDE, BAD, UNLABELLED, EMBARGOED, PURGED, KEPT = range(6)
ROW_STATUS = ("outside", "bad", "unlabelled", "embargoed", "purged", "kept")


@dataclass(frozen=True)
class Range:
    """A split's range of time, [start_ns, end_ns), and where its rows may begin."""

    name: SplitName
    start_ns: int
    end_ns: int
    embargo_ns: int


def holdout(splits: Split, *, first_ns: int, last_ns: int) -> tuple[Range, ...]:
    """Ranges of train, valid and test for data observed over [first_ns, last_ns], of which
    fractions are. The embargo applies at the start of valid and test. Raises InputError if explicit
    ranges are empty, out of order or overlapping."""
    if splits.times is not None:
        bounds = [(_ns(start), _ns(end)) for start, end in (splits.times[name] for name in SPLITS)]
    else:
        fractions = splits.fractions or {}
        shares = accumulate(fractions[name] for name in SPLITS)
        span = last_ns + 1 - first_ns
        ends = [first_ns + round(span * min(share, 1.0)) for share in shares]
        bounds = list(pairwise([first_ns, *ends]))
    ranges: list[Range] = []
    for name, (start, end) in zip(SPLITS, bounds, strict=True):
        if end <= start:
            raise InputError(
                f"split: {name} must end after it starts, found {moment(start)} to {moment(end)}"
            )
        if ranges and start < ranges[-1].end_ns:
            raise InputError(
                f"split: {name} must start when {ranges[-1].name} has ended "
                f"({moment(ranges[-1].end_ns)}), found {moment(start)}"
            )
        embargo_ns = round(splits.embargo_seconds * 1e9) if ranges else 0
        ranges.append(Range(name, start, end, embargo_ns))
    return tuple(ranges)


def row_status(
    time_ns: np.ndarray, label_status: np.ndarray, ranges: tuple[Range, ...], *, horizon_ns: int
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


def _ns(when: dt.datetime | dt.date) -> int:
    """Nanoseconds since 1970 of a moment in UTC; naive means UTC, a date its midnight."""
    if isinstance(when, dt.datetime) and when.tzinfo is not None:
        when = when.astimezone(dt.UTC).replace(tzinfo=None)
    return int(np.datetime64(when, "us").astype(np.int64)) * 1000

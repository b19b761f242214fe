"""What is wrong with times and quotes alone, over all rows of all files. Times that go back, as
clocks do in autumn, or are of another unit, and quotes that are swapped are refused before
(alpha.data.features)."""

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from alpha.audit.findings import Finding
from alpha.core.text import count, percent
from alpha.data.features import FeatureFile, FeatureFolder, Quotes, moment
from alpha.data.params import Label
from alpha.data.quotes import FrozenRuns, sound

_SECOND = 10**9
_HOUR, _DAY = 3600 * _SECOND, 86_400 * _SECOND
_FIRST, _LAST = (int(np.datetime64(day, "ns").astype(np.int64)) for day in ("2009", "2100"))
_DUMMY = 100  # times, or a part of, the median price of its file
# Kind and severity of what is found where a mask of _masks holds in more than a share of rows, and
# what that is. Of a kind, the first.
_RULES = (
    ("dummy_prices", "warning", "passing", 0.0, f"prices {_DUMMY} x off the usual pass as sound"),
    ("dummy_prices", "note", "dummy", 0.0, f"prices are 0, negative or {_DUMMY} x off the usual"),
    ("crossed_quotes", "warning", "crossed", 0.01, "the bid is above the ask"),
    ("clock_jump", "warning", "sunday", 0.0, "clocks are put forward an hour on a Sunday"),
    ("clock_jump", "note", "jump", 0.0, "time jumps by an hour and a usual step"),
    ("locked_quotes", "note", "locked", 0.1, "bid and ask are equal"),
    ("gaps", "note", "gap", 0.2, "the window meets a gap"),
)
_CURES = {
    "dummy_prices": "write NaN where a side of the book is empty, which gives status 3",
    "crossed_quotes": "check data.best_bid ({0}) and data.best_ask ({1}), and that no side is late",
    "clock_jump": "write UTC if these are of a local clock; an outage is treated as a gap",
    "locked_quotes": "check that both are quotes: to cross the spread costs nothing in such rows",
    "gaps": "raise label.max_gap_seconds ({2:g}) if rows are that rare",
}


def check(folder: FeatureFolder, label: Label) -> list[Finding]:
    """Warnings and notes on the folder's times and quotes. One file is in memory at a time, and
    three numbers for each frozen run. Raises InputError as reading a file does."""
    counts: Counter[str] = Counter()
    firsts: dict[str, str] = {}  # where each mask holds first
    following, runs = FrozenRuns(label.max_gap_ns), []
    for file in folder.files:
        quotes, _ = folder.quotes(file)
        for what, mask in _masks(file, quotes, label).items():
            counts[what] += int(mask.sum())
            if mask.any():
                now, bid, ask = (column[int(np.argmax(mask))] for column in quotes)
                where = f"{moment(now)} in {file.path.name} (bid {bid:.10g}, ask {ask:.10g})"
                firsts.setdefault(what, where)
        since_ns = following.follow(*quotes)
        each = pd.Series(quotes.time_ns).groupby(since_ns).agg(["max", "size"])
        # The last may go on in the next file.
        runs.append(each[(each["size"] > 1) | (each.index == since_ns[-1])])
        counts.update(rows=len(since_ns), runs=len(each))
    rows, by_kind = counts["rows"], dict[str, tuple[Any, ...]]()
    knobs = folder.data.best_bid, folder.data.best_ask, label.max_gap_seconds
    for kind, severity, what, least, words in _RULES:
        if kind not in by_kind and counts[what] > least * rows:
            share = counts[what] / rows
            found = f"{words} in {count(counts[what])} of {count(rows)} rows ({percent(share)})"
            found += f", first at {firsts[what]}"
            by_kind[kind] = kind, severity, share, found, _CURES[kind].format(*knobs)
    every = *_time_unit(folder), *by_kind.values(), *_frozen(folder, pd.concat(runs), counts, label)
    return [
        Finding(kind, severity, "quotes", f"{text[0].upper()}{text[1:]}.", f"{cure}.", [], strength)
        for kind, severity, strength, text, cure in every
    ]


def _masks(file: FeatureFile, quotes: Quotes, label: Label) -> dict[str, np.ndarray]:
    """By what holds: which rows of a file, (rows,) bool each. Steps hold at their first row."""
    time_ns, bid, ask = quotes
    good = sound(bid, ask)
    sides = pd.DataFrame({"bid": bid, "ask": ask}).replace([np.inf, -np.inf], np.nan)
    # Where one side is empty, whatever stands there, the other's prices tell.
    price = sides[sides > 0].median().min()
    dummy = ((sides > _DUMMY * price) | (sides < price / _DUMMY)).any(axis=1).to_numpy()
    steps = np.diff(time_ns, append=time_ns[-1] if file.after_ns is None else file.after_ns)
    usual = np.median(steps)
    jump = (steps >= _HOUR) & (steps <= _HOUR + 2 * usual) & (usual <= 60 * _SECOND)
    # Days since Thursday, 1970-01-01; clocks are put forward before three.
    sunday = jump & ((time_ns // _DAY + 3) % 7 == 6) & (time_ns % _DAY < 3 * _HOUR)
    gaps = np.append(time_ns[steps > label.max_gap_ns], np.iinfo(np.int64).max)
    gap = gaps[np.searchsorted(gaps, time_ns)] - time_ns < label.horizon_ns
    return {
        "dummy": dummy, "passing": dummy & good, "crossed": bid > ask,
        "locked": good & (bid == ask), "jump": jump, "sunday": sunday, "gap": gap,
    }  # fmt: skip


def _time_unit(folder: FeatureFolder) -> list[tuple[Any, ...]]:
    first, last = folder.first_ns, folder.last_ns
    if first >= _FIRST and last < _LAST:
        return []
    found = f"rows reach from {moment(first)} to {moment(last)}, before 2009 or after 2100"
    cure = "check the unit and origin of timestamps, and write them as datetime64[ns]"
    return [("time_unit", "note", None, found, cure)]


def _frozen(
    folder: FeatureFolder, runs: pd.DataFrame, counts: Counter[str], label: Label
) -> list[tuple[Any, ...]]:
    """`runs` are those that last, by when they began (ns): their last row's time, and their rows, a
    line for each file that they go on in."""
    runs = runs.groupby(level=0).agg({"max": "max", "size": "sum"})
    lasts = runs["max"] - runs.index
    # What is usual: all but a few of the longest, which may be what is looked for.
    few = 20 + counts["runs"] // 1000
    usual = int(lasts.nlargest(few + 1).iloc[-1]) if len(lasts) > few else 0
    limit = max(60 * _SECOND, 4 * usual // _SECOND * _SECOND, label.horizon_ns)
    longest, began = lasts.max() / _SECOND, lasts.index[int(lasts.argmax())]
    if longest <= limit / _SECOND or (label.max_stale_ns or np.inf) <= limit:
        return []
    name = [file.path.name for file in folder.files if file.first_ns <= began][-1]
    share, seconds = runs["size"][lasts > limit].sum() / counts["rows"], f"{limit / _SECOND:.6g} s"
    found = (
        f"quotes stand still for {longest:.6g} s from {moment(began)} in {name} "
        f"while rows keep coming; such runs over {seconds} hold {percent(share)} of rows, and all "
        f"but {few} of {count(counts['runs'])} runs end within {usual / _SECOND:.4g} s"
    )
    cure = f"if the book is frozen there, set label.max_stale_seconds, to {seconds} say"
    severity = "warning" if share > 0.001 else "note"
    return [("frozen_quotes", severity, longest, found, cure)]

"""A comparison with the pin in words: a line, and a table of what moved. ASCII alone, as it is
printed on any terminal."""

import json
from typing import Any

from alpha.core.text import some
from alpha.guard.compare import Move, Shift, Value, is_count

ACCEPT = "`alpha pin` accepts them."
_BPS = 1e-4
_MOST_ROWS = 20
_OF_OUTCOMES = {
    "quantiles.0.5": "median",
    "quantiles.0.99": "99 % quantile",
    "zero_share": "exactly 0",
    "shares.<-10": "below -10 bps",
    "shares.>10": "above 10 bps",
}


def line(shift: Shift) -> str:
    """How labels stand against their pin, and how to accept them."""
    return sentence(shift) + ("" if shift.status == "as_pinned" else f" {ACCEPT}")


def sentence(shift: Shift) -> str:
    """How labels stand against their pin."""
    if shift.status == "as_pinned":
        return "The labels are as pinned."
    if shift.status == "not_pinned":
        return "The labels of these data are not pinned yet: nothing would tell if they moved."
    if shift.status == "moved":
        return f"L{moved(shift)[1:]}."
    params = [f"{of.key} from {written(of.pinned)} to {written(of.found)}" for of in shift.params]
    others = [f"params ({some(params)})"] * ("params" in shift.status)
    others += [f"data ({_days(shift)})"] * ("data" in shift.status)
    return f"The labels are of other {' and '.join(others)} than their pin: {_total(shift)}."


def moved(shift: Shift) -> str:
    """What moved though nothing that labels depend on changed, and where first."""
    days = {move.day for move in shift.moves} - {None}
    what = f"{number(len(shift.moves), 'figure')} on {number(len(days), 'day')}"
    if shift.other_days:
        what += f", {_days(shift)}"
    for first in shift.moves[:1]:
        what += f", the first: {_day(first.day)} {first.figure} {_from_to(shift, first)}"
    return f"labels moved although neither params nor data changed: {what}"


def table(shift: Shift) -> list[str]:
    """The days that came and went and the figures that moved, aligned: at most about 20 lines, of
    which the total, which comes first, and each day have equal parts. Nothing if nothing moved."""
    lines = [
        f"{number(len(days), 'day')} {what}: {some([_day(day) for day in days])}"
        for what, days in shift.other_days.items()
    ]
    if not shift.moves:
        return lines
    import pandas as pd

    moves = pd.DataFrame(map(dict, shift.moves), dtype=object)
    moves = moves.sort_values("day", key=pd.Series.notna, kind="stable")
    by_day = moves.groupby("day", dropna=False, sort=False)
    shown = by_day.head(max(1, _MOST_ROWS // by_day.ngroups))[:_MOST_ROWS]
    rows = [("day", "figure", "pinned", "found", "difference")]
    for day, figure, pinned, found in shown.itertuples(index=False):
        change = None if pinned is None or found is None else found - pinned
        values = (_figure(shift, figure, value) for value in (pinned, found))
        rows.append((_day(day), figure, *values, _figure(shift, figure, change, signed=True)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, "<<>>>", widths, strict=True)
        lines.append("  ".join(f"{cell:{side}{width}}" for cell, side, width in cells))
    return [*lines, f"and {len(moves) - len(shown):,} more"] if len(shown) < len(moves) else lines


def written(value: Any) -> str:
    """A param's value; a whole number without its point."""
    whole = isinstance(value, float) and value.is_integer()
    text = json.dumps(int(value) if whole else value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def number(count: int, what: str) -> str:
    """1 figure, 1,234 figures."""
    return f"{count:,} {what}{'s' * (count != 1)}"


def _days(shift: Shift) -> str:
    each = [f"{number(len(days), 'day')} {what}" for what, days in shift.other_days.items()]
    return ", ".join(each) or "in files of the same names"


def _total(shift: Shift) -> str:
    """How the distribution of all outcomes moved."""
    if shift.outcome is None:
        return "outcomes are of another kind, and cannot be compared"
    if not (shift.moves or shift.other_days):
        return "no figure moved"
    moves = {move.figure: _from_to(shift, move) for move in shift.moves if move.day is None}
    if shift.outcome == "class":
        each = [f"class {key[7:]} {told}" for key, told in moves.items() if key[:7] == "shares."]
    else:
        each = [f"{name} {moves[key]}" for key, name in _OF_OUTCOMES.items() if key in moves]
    return ", ".join(each) or f"{number(len(shift.moves), 'figure')} moved"


def _from_to(shift: Shift, move: Move) -> str:
    pinned, found = (_figure(shift, move.figure, value) for value in (move.pinned, move.found))
    if pinned != found or move.pinned is None or move.found is None:
        return f"from {pinned} to {found}"
    # Too little for the digits that are shown.
    return f"from {pinned} by {_figure(shift, move.figure, move.found - move.pinned, signed=True)}"


def _figure(shift: Shift, figure: str, value: Value, *, signed: bool = False) -> str:
    """A figure in its unit; a difference with its sign, to fewer digits."""
    if value is None:
        return "-" if signed else "none"
    sign, digits = ("+", 3) if signed else ("", 5)
    if is_count(figure):
        return f"{value:{sign},}"
    if figure.endswith("_seconds"):
        return f"{value:{sign}.3g} s" if signed else f"{value:.3f} s"
    if figure == "zero_share" or figure.startswith("shares."):
        return f"{100 * value:{sign}.{digits}g} %"
    if shift.outcome == "class":
        return f"{value:{sign}.{digits}g}"
    return f"{value / _BPS:{sign}.{digits}g} bps"


def _day(day: str | None) -> str:
    """The name of a feature file on one line, whatever is in it."""
    if day is None:
        return "total"
    return day if day.isascii() and day.isprintable() else ascii(day)[1:-1]

"""Models one below the other, each a mark with its interval: the ladder's pictures."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

from alpha.core import text
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Interval
from alpha.report import svg

# One exploded model must not flatten the rest: what lies further out is an arrow.
_ROOM_BELOW = 0.6  # of the room above 0, for a picture of skills
_ROOM_AROUND = 6.0  # median sizes, for a picture of differences
_NO_LINE = Interval()
# How a text stands beside a mark.
_BESIDE: dict[str, Any] = {
    "xytext": (8, -0.5),
    "textcoords": "offset points",
    "ha": "left",
    "va": "center",
    "fontsize": 8.5,
    "color": svg.MUTED,
}


@dataclass(frozen=True)
class Row:
    """One line of a picture: a filled mark with its interval, and perhaps a hollow one."""

    name: str
    color: str
    over: Interval
    hollow: float | None = None


def headline(details: Details, what: Literal["skill", "rank_ic"]) -> Markup:
    """Skill or rank IC of each model: filled with its interval on test, hollow on valid."""
    name, zero = {"skill": ("skill", "the best constant"), "rank_ic": ("rank IC", "no order")}[what]
    oracle = details.on("oracle")[what]
    rows = []
    for model in details.models:
        on_valid = details.on(model, "valid")[what].value
        rows.append(Row(model, svg.color(details, model), details.on(model)[what], on_valid))
    shown = _shown([*rows, Row("oracle", svg.INK, oracle)])
    high = max([0.02, *shown])
    low = max(min([-0.01, *shown]), -_ROOM_BELOW * high)
    title = f"{name} of each model on valid and test, with intervals"
    return _draw(what, title, f"{name} on test (0 = {zero})", rows, low, high, line=oracle)


def differences(details: Details) -> Markup | None:
    """Skill of each model less that of the best one below it, with the paired interval."""
    rows = [
        Row(f"{rung.model} − {rung.against}", svg.color(details, rung.model), difference)
        for rung in details.ladder
        if (difference := details.on(rung.model)["skill_difference"]).value is not None
    ]
    if not rows:
        return None
    sizes = list(map(abs, _shown(rows)))
    bound = max(0.01, _ROOM_AROUND * statistics.median(sizes))
    low, high = max(-bound, -max(sizes)), min(bound, max(sizes))
    title = "Difference in skill of each model and the best one below it, with intervals"
    label = "difference in skill on test (0 = no better)"
    return _draw("differences", title, label, rows, low, high)


def oracle_shares(details: Details) -> Markup | None:
    """Share of the oracle's skill that each model captured."""
    rows = [
        Row(model, svg.color(details, model), share)
        for model in details.models
        if (share := details.on(model)["oracle_share"]).value is not None
    ]
    if not rows:
        return None
    shown = _shown(rows)
    high = max([1.0, *shown])
    low = max(min([0.0, *shown]), -_ROOM_BELOW * high)
    title = "Share of the oracle's skill that each model captured, with intervals"
    label = "share of the oracle's skill on test (1 = all of it)"
    return _draw("oracle-share", title, label, rows, low, high, line=Interval(1.0))


def _shown(rows: Sequence[Row]) -> list[float]:
    return [
        figure
        for row in rows
        for figure in (row.over.value, row.over.low, row.over.high, row.hollow)
        if figure is not None
    ]


def _draw(
    name: str,
    title: str,
    label: str,
    rows: Sequence[Row],
    low: float,
    high: float,
    *,
    line: Interval = _NO_LINE,
) -> Markup:
    """The rows between `low` and `high`, beside a dashed line with its band."""

    def paint(ax: Any) -> None:
        if line.value is not None:
            ax.axvline(line.value, color=svg.INK, linewidth=1.4, linestyle=(0, (4, 2)))
            if line.low is not None and line.high is not None:
                ax.axvspan(line.low, line.high, color=svg.INK, alpha=0.09, linewidth=0)
        _rows(ax, rows, low, high)
        ax.set_xlabel(label)

    return svg.draw(name, title, paint, size=(4.3, 0.75 + 0.31 * len(rows)))


def _rows(ax: Any, rows: Sequence[Row], low: float, high: float) -> None:
    for at, row in enumerate(rows):
        _interval(ax, row, at, low, high)
        mark: Any = {"markersize": 6.5, "color": row.color, "clip_on": False}
        over = row.over.value
        for value, face in ((row.hollow, svg.CARD), (over, row.color)):
            if value is not None and low <= value <= high:
                ax.plot(value, at, marker="o", markerfacecolor=face, markeredgewidth=1.4, **mark)
        if over is None:
            ax.annotate("not defined", (0, at), **_BESIDE)
        elif not low <= over <= high:
            # Beyond the frame: an arrow at its edge, and the number.
            edge, shape = (low, "<") if over < low else (high, ">")
            ax.plot(edge, at, marker=shape, **mark)
            aside = {} if over < low else {"xytext": (-8, -0.5), "ha": "right"}
            ax.annotate(text.figure(over, 2), (edge, at), **_BESIDE | aside)
    ax.axvline(0, color=svg.MUTED, linewidth=1)
    room = 0.04 * (high - low)
    ax.set_xlim(low - room, high + room)
    svg.rows(ax, [row.name for row in rows])


def _interval(ax: Any, row: Row, at: int, low: float, high: float) -> None:
    """The interval as far as there is room; an end that is further out is a small arrow."""
    if row.over.low is None or row.over.high is None:
        return
    ends = [min(max(end, low), high) for end in (row.over.low, row.over.high)]
    if ends[0] == ends[1]:
        return
    ax.plot(ends, [at, at], color=row.color, linewidth=5, alpha=0.35, clip_on=False)
    for end, shape, cut in zip(ends, "<>", (row.over.low < low, row.over.high > high), strict=True):
        if cut:
            ax.plot(end, at, marker=shape, markersize=5, color=row.color, clip_on=False)

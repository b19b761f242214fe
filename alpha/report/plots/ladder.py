"""Models one below the other, each a mark with its interval: the ladder's pictures."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from alpha.core import text
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Interval
from alpha.report.plots.axes import color, plain
from alpha.report.svg import CARD, INK, MUTED, draw

# One exploded model must not flatten the rest: what lies further out is an arrow.
_ROOM_BELOW = 0.6  # of the room above 0, for a picture of skills
_ROOM_AROUND = 6.0  # median sizes, for a picture of differences
# How a text stands beside a mark.
_BESIDE: dict[str, Any] = {
    "xytext": (8, -0.5),
    "textcoords": "offset points",
    "ha": "left",
    "va": "center",
    "fontsize": 8.5,
    "color": MUTED,
}


@dataclass(frozen=True)
class Row:
    """One line of a picture: a filled mark with its interval, and perhaps a hollow one."""

    name: str
    color: str
    over: Interval
    hollow: float | None = None

    @property
    def figures(self) -> list[float]:
        found = (self.over.value, self.over.low, self.over.high, self.hollow)
        return [figure for figure in found if figure is not None]


def headline(details: Details, what: Literal["skill", "rank_ic"]) -> str:
    """Skill or rank IC of each model: filled with its interval on test, hollow on valid."""
    name, zero = {"skill": ("skill", "the best constant"), "rank_ic": ("rank IC", "no order")}[what]
    oracle = details.on("oracle")[what]
    rows = [
        Row(
            model,
            color(details, model),
            details.on(model)[what],
            hollow=details.on(model, "valid")[what].value,
        )
        for model in details.models
    ]
    shown = [figure for row in rows for figure in row.figures]
    shown += Row("", "", oracle).figures
    high = max([0.02, *shown])
    low = max(min([-0.01, *shown]), -_ROOM_BELOW * high)

    def paint(ax: Any) -> None:
        if oracle.value is not None:
            ax.axvline(oracle.value, color=INK, linewidth=1.4, linestyle=(0, (4, 2)))
            if oracle.low is not None and oracle.high is not None:
                ax.axvspan(oracle.low, oracle.high, color=INK, alpha=0.09, linewidth=0)
        _rows(ax, rows, low, high)
        ax.set_xlabel(f"{name} on test (0 = {zero})")

    title = f"{name} of each model on valid and test, with intervals"
    return draw(what, title, paint, size=_size(rows))


def differences(details: Details) -> str | None:
    """Skill of each model less that of the best one below it, with the paired interval."""
    rows = [
        Row(f"{rung.model} − {rung.against}", color(details, rung.model), difference)
        for rung in details.ladder
        if (difference := details.on(rung.model)["skill_difference"]).value is not None
    ]
    if not rows:
        return None
    sizes = [abs(figure) for row in rows for figure in row.figures]
    bound = max(0.01, _ROOM_AROUND * statistics.median(sizes))
    low, high = max(-bound, -max(sizes)), min(bound, max(sizes))

    def paint(ax: Any) -> None:
        _rows(ax, rows, low, high)
        ax.set_xlabel("difference in skill on test (0 = no better)")

    title = "Difference in skill of each model and the best one below it, with intervals"
    return draw("differences", title, paint, size=_size(rows))


def oracle_shares(details: Details) -> str | None:
    """Share of the oracle's skill that each model captured."""
    rows = [
        Row(model, color(details, model), share)
        for model in details.models
        if (share := details.on(model)["oracle_share"]).value is not None
    ]
    if not rows:
        return None
    shown = [figure for row in rows for figure in row.figures]
    high = max([1.0, *shown])
    low = max(min([0.0, *shown]), -_ROOM_BELOW * high)

    def paint(ax: Any) -> None:
        ax.axvline(1, color=INK, linewidth=1.4, linestyle=(0, (4, 2)))
        _rows(ax, rows, low, high)
        ax.set_xlabel("share of the oracle's skill on test (1 = all of it)")

    title = "Share of the oracle's skill that each model captured, with intervals"
    return draw("oracle-share", title, paint, size=_size(rows))


def _rows(ax: Any, rows: Sequence[Row], low: float, high: float) -> None:
    for at, row in enumerate(rows):
        _interval(ax, row, at, low, high)
        for value, filled in ((row.hollow, False), (row.over.value, True)):
            if value is not None and low <= value <= high:
                ax.plot(
                    value,
                    at,
                    marker="o",
                    markersize=6.5,
                    color=row.color,
                    markerfacecolor=row.color if filled else CARD,
                    markeredgewidth=1.4,
                    clip_on=False,
                )
        if row.over.value is None:
            ax.annotate("not defined", (0, at), **_BESIDE)
        elif not low <= row.over.value <= high:
            _arrow(ax, row, at, low if row.over.value < low else high, left=row.over.value < low)
    ax.axvline(0, color=MUTED, linewidth=1)
    ax.set_yticks(range(len(rows)), [row.name for row in rows])
    ax.tick_params(axis="y", labelcolor=INK, labelsize=9.5)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    room = 0.04 * (high - low)
    ax.set_xlim(low - room, high + room)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    plain(ax.xaxis, most=6)


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


def _arrow(ax: Any, row: Row, at: int, edge: float, *, left: bool) -> None:
    """A value beyond the frame: an arrow at its edge, and the number."""
    ax.plot(edge, at, marker="<" if left else ">", markersize=6.5, color=row.color, clip_on=False)
    ax.annotate(
        text.figure(row.over.value, 2),
        (edge, at),
        **_BESIDE | ({} if left else {"xytext": (-8, -0.5), "ha": "right"}),
    )


def _size(rows: Sequence[Row]) -> tuple[float, float]:
    return 4.3, 0.75 + 0.31 * len(rows)

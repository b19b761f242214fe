"""Models or families one below the other, each a mark with its interval, or a bar."""

from typing import Any, Literal

import numpy as np
import pandas as pd
from markupsafe import Markup

from alpha.core import text
from alpha.evaluate.details import Details
from alpha.report import svg

# One exploded model must not flatten the rest: what lies further out is an arrow.
_ROOM_BELOW = 0.6  # of the room above 0, for a picture of skills
_ROOM_AROUND = 6.0  # median sizes, for a picture of differences
Room = tuple[float, float]
# How a text stands beside a mark.
_BESIDE: dict[str, Any] = {
    "xytext": (8, -0.5),
    "textcoords": "offset points",
    "ha": "left",
    "va": "center",
    "fontsize": 8.5,
    "color": svg.MUTED,
}


def headline(details: Details, what: Literal["skill", "rank_ic"]) -> Markup:
    """Skill or rank IC of each model: filled with its interval on test, hollow on valid."""
    name, zero = {"skill": ("skill", "the best constant"), "rank_ic": ("rank IC", "no order")}[what]
    rows = _rows(details, what, [*details.models, "oracle"])
    line = tuple(rows.loc["oracle"])
    rows["hollow"] = _rows(details, what, details.models, "valid")["value"]
    room = _room(rows, -0.01, 0.02)
    title, label = f"{name} of each model on valid and test", f"{name} on test (0 = {zero})"
    return _draw(details, what, title, label, rows[:-1], room, line)


def differences(details: Details) -> Markup | None:
    """Skill of each model less that of the best one below it, with the paired interval."""
    against = {rung.model: rung.against for rung in details.ladder}
    rows = _rows(details, "skill_difference", list(against)).dropna(subset="value")
    if rows.empty:
        return None
    sizes = np.abs(rows.to_numpy())
    bound = min(max(0.01, _ROOM_AROUND * np.nanmedian(sizes)), np.nanmax(sizes))
    title = "Difference in skill of each model and the best one below it"
    label = "difference in skill on test (0 = no better)"
    rows["name"] = [f"{model} − {against[model]}" for model in rows.index]
    return _draw(details, "differences", title, label, rows, (-bound, bound), [np.nan] * 3)


def oracle_shares(details: Details) -> Markup | None:
    """Share of the oracle's skill that each model captured."""
    rows = _rows(details, "oracle_share", details.models).dropna(subset="value")
    if rows.empty:
        return None
    room, line = _room(rows, 0.0, 1.0), (1.0, np.nan, np.nan)
    title = "Share of the oracle's skill that each model captured"
    label = "share of the oracle's skill on test (1 = all of it)"
    return _draw(details, "oracle-share", title, label, rows, room, line)


def importance(details: Details, model: str) -> Markup | None:
    """Skill lost on valid when a whole family is permuted, the most important on top; the
    line is the spread over seeds."""
    found = [
        (lost, one.name, one["importance_spread"].value or 0.0)
        for one in details.on(model, "valid").events("importance")
        if (lost := one["importance"].value) is not None
    ]
    if not found:
        return None
    found.sort(key=lambda one: (-one[0], one[1]))

    def paint(ax: Any) -> None:
        for at, (mean, _, spread) in enumerate(found):
            ax.barh(at, mean, height=0.6, color=svg.color(details, model), alpha=0.75, linewidth=0)
            ax.plot([mean - spread, mean + spread], [at, at], color=svg.INK, linewidth=1.2)
        _names(ax, [family for _, family, _ in found])

    size, label = (4.3, 0.75 + 0.29 * len(found)), "loss of skill on valid when permuted"
    title = f"Loss of skill of {model} when a family is permuted"
    return svg.draw(f"importance-{model}", title, paint, size=size, xlabel=label)


def _rows(details: Details, figure: str, models: list[str], split: str = "test") -> pd.DataFrame:
    """A figure of each model with the ends of its interval, NaN where not defined."""
    found = [details.on(model, split)[figure][:3] for model in models]
    return pd.DataFrame(found, index=models, columns=["value", "low", "high"], dtype=float)


def _room(rows: pd.DataFrame, low: float, high: float) -> Room:
    """From `low`, or further down as far as there is room, to `high` or the largest figure."""
    shown = [low, high, *rows.to_numpy().ravel()]
    high = float(np.nanmax(shown))
    return max(float(np.nanmin(shown)), -_ROOM_BELOW * high), high


def _draw(
    details: Details, name: str, title: str, label: str, rows: pd.DataFrame, room: Room, line: Any
) -> Markup:
    """Models in the `room` there is, beside a dashed line with its band. `rows` may have columns
    hollow, of a second mark, and name."""
    low, high = room
    edge, size = 0.04 * (high - low), (4.3, 0.75 + 0.31 * len(rows))

    def paint(ax: Any) -> None:
        if not np.isnan(line[0]):
            ax.axvline(line[0], color=svg.INK, linewidth=1.4, linestyle=(0, (4, 2)))
            if not np.isnan(line[1] + line[2]):
                ax.axvspan(line[1], line[2], color=svg.INK, alpha=0.09, linewidth=0)
        for at, row in enumerate(rows.assign(hollow=rows.get("hollow", np.nan)).itertuples()):
            _mark(ax, at, row, svg.color(details, str(row.Index)), low, high)
        _names(ax, list(rows.get("name", rows.index)))

    axes: Any = {"xlabel": label, "xlim": (low - edge, high + edge)}
    return svg.draw(name, f"{title}, with intervals", paint, size=size, **axes)


def _mark(ax: Any, at: int, row: Any, color: str, low: float, high: float) -> None:
    """A mark with its interval as far as there is room: what is further out is an arrow."""
    start, stop = (min(max(end, low), high) for end in (row.low, row.high))
    if start != stop and not np.isnan(row.low + row.high):
        ax.plot([start, stop], [at, at], color=color, linewidth=5, alpha=0.35, clip_on=False)
        for end, shape, cut in ((start, "<", row.low < low), (stop, ">", row.high > high)):
            if cut:
                ax.plot(end, at, marker=shape, markersize=5, color=color, clip_on=False)
    mark: Any = {"markersize": 6.5, "color": color, "clip_on": False}
    for value, face in ((row.hollow, svg.CARD), (row.value, color)):
        if low <= value <= high:
            ax.plot(value, at, marker="o", markerfacecolor=face, markeredgewidth=1.4, **mark)
    if np.isnan(row.value):
        ax.annotate("not defined", (0, at), **_BESIDE)
    elif not low <= row.value <= high:
        # Beyond the frame: an arrow at its edge, and the number.
        edge, shape = (low, "<") if row.value < low else (high, ">")
        ax.plot(edge, at, marker=shape, **mark)
        aside = {} if row.value < low else {"xytext": (-8, -0.5), "ha": "right"}
        ax.annotate(text.figure(row.value, 2), (edge, at), **_BESIDE | aside)


def _names(ax: Any, names: list[str]) -> None:
    """One below the other, from the top, beside a line at 0."""
    ax.axvline(0, color=svg.MUTED, linewidth=1)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", labelcolor=svg.INK, labelsize=9.5)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.xaxis.get_major_locator().set_params(nbins=6)

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
MOST = 15  # families or features
# How a text stands beside a mark.
_BESIDE: dict[str, Any] = {
    "xytext": (8, -0.5),
    "textcoords": "offset points",
    "ha": "left",
    "va": "center",
    "fontsize": 9,
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
    return draw(details, what, title, label, rows[:-1], room, line)


def differences(details: Details) -> Markup | None:
    """Skill of each model less that of the best one below it, with the paired interval."""
    against = {rung.model: rung.against for rung in details.ladder}
    rows = _rows(details, "skill_difference", list(against)).dropna(subset="value")
    if rows.empty:
        return None
    sizes = np.abs(rows.to_numpy())
    bound = min(max(0.01, _ROOM_AROUND * np.nanmedian(sizes)), np.nanmax(sizes))
    title = "Difference in skill of each model and the best one below it"
    label = "difference in skill on test"
    rows["name"] = [f"{model} − {against[model]}" for model in rows.index]
    return draw(details, "differences", title, label, rows, (-bound, bound), [np.nan] * 3)


def oracle_shares(details: Details) -> Markup | None:
    """Share of the oracle's skill that each model captured."""
    rows = _rows(details, "oracle_share", details.models).dropna(subset="value")
    if rows.empty:
        return None
    room, line = _room(rows, 0.0, 1.0), (1.0, np.nan, np.nan)
    title = "Share of the oracle's skill that each model captured"
    label = "share of the oracle's skill, test"
    return draw(details, "oracle-share", title, label, rows, room, line)


def importance(details: Details, model: str, of: str = "family") -> Markup | None:
    """Skill lost on valid when a whole family, or a feature, is permuted, the most important on
    top; the line is the spread over seeds."""
    figure = {"family": "importance", "feature": "feature_importance"}[of]
    found = [
        (lost, one.name, one[f"{figure}_spread"].value or 0.0)
        for one in details.on(model, "valid").events(figure)
        if (lost := one[figure].value) is not None
    ]
    if not found:
        return None
    found = sorted(found, key=lambda one: (-one[0], one[1]))[:MOST]

    def paint(ax: Any) -> None:
        for at, (mean, _, spread) in enumerate(found):
            ax.barh(at, mean, height=0.6, color=svg.color(details, model), alpha=0.75, linewidth=0)
            ax.plot([mean - spread, mean + spread], [at, at], color=svg.INK, linewidth=1.2)
        _names(ax, [name for _, name, _ in found])

    names: Any = {"xlabel": "skill lost on valid", "ylabel": of}
    title = f"Loss of skill of {model} when a {of} is permuted"
    size = svg.SIZE[0], 0.75 + 0.29 * len(found)
    return svg.draw(f"importance-{of}-{model}", title, paint, size=size, **names)


def _rows(details: Details, figure: str, models: list[str], split: str = "test") -> pd.DataFrame:
    """A figure of each model with the ends of its interval, NaN where not defined."""
    found = [details.on(model, split)[figure][:3] for model in models]
    return pd.DataFrame(found, index=models, columns=["value", "low", "high"], dtype=float)


def _room(rows: pd.DataFrame, low: float, high: float) -> Room:
    """From `low`, or further down as far as there is room, to `high` or the largest figure."""
    shown = [low, high, *rows.to_numpy().ravel()]
    high = float(np.nanmax(shown))
    return max(float(np.nanmin(shown)), -_ROOM_BELOW * high), high


def draw(
    details: Details, name: str, title: str, label: str, rows: pd.DataFrame, room: Room, line: Any
) -> Markup:
    """Models in the `room` there is, beside a dashed line with its band. `rows` may have columns
    hollow, of a second mark, and name."""
    low, high = room
    edge, size = 0.04 * (high - low), (svg.SIZE[0], 0.75 + 0.31 * len(rows))

    def paint(ax: Any) -> None:
        if not np.isnan(line[0]):
            ax.axvline(line[0], color=svg.INK, linewidth=1.4, linestyle=(0, (4, 2)))
            if not np.isnan(line[1] + line[2]):
                ax.axvspan(line[1], line[2], color=svg.INK, alpha=0.09, linewidth=0)
        for at, row in enumerate(rows.assign(hollow=rows.get("hollow", np.nan)).itertuples()):
            is_model = row.Index in details.models
            color = svg.color(details, str(row.Index)) if is_model else svg.INK
            _mark(ax, at, row, color, low, high)
        _names(ax, list(rows.get("name", rows.index)))

    axes: Any = {"xlabel": label, "xlim": (low - edge, high + edge)}
    axes["ylabel"] = "model" if rows.index.isin([*details.models, "oracle"]).all() else "feature"
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
    ax.tick_params(axis="y", labelcolor=svg.INK, labelsize=9)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.xaxis.get_major_locator().set_params(nbins=6)

"""Models, families or features one below the other, each a mark with its interval."""

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
_BESIDE: dict[str, Any] = {"xytext": (8, -0.5), "textcoords": "offset points", "ha": "left"}
_BESIDE |= {"va": "center", "fontsize": 9, "color": svg.MUTED}


def headline(details: Details, what: Literal["skill", "rank_ic"]) -> Markup | None:
    """Skill or rank IC of each model: filled with its interval on test, hollow on valid."""
    name, zero = {"skill": ("skill", "the best constant"), "rank_ic": ("rank IC", "no order")}[what]
    rows = _rows(details, what, [*details.models, "oracle"])
    line = tuple(rows.loc["oracle"])
    rows["hollow"] = _rows(details, what, details.models, "valid")["value"]
    title, label = f"{name} of each model on valid and test", f"{name} on test (0 = {zero})"
    return draw(details, what, title, label, rows[:-1], room(rows, -0.01, 0.02), line)


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
    return draw(details, "differences", title, label, rows, (-bound, bound))


def oracle_shares(details: Details) -> Markup | None:
    """Share of the oracle's skill that each model captured."""
    rows = _rows(details, "oracle_share", details.models).dropna(subset="value")
    title = "Share of the oracle's skill that each model captured"
    label = "share of the oracle's skill, test"
    around, line = room(rows, 0.0, 1.0), (1.0, np.nan, np.nan)
    return draw(details, "oracle-share", title, label, rows, around, line)


def importance(details: Details, model: str, of: str = "family") -> Markup | None:
    """Skill lost on valid when a whole family, or a feature, is permuted, the most important on
    top, with its spread over seeds."""
    figure = {"family": "importance", "feature": "feature_importance"}[of]
    events = details.on(model, "valid").events(figure)
    found = [(one.name, one[figure].value, one[f"{figure}_spread"].value or 0.0) for one in events]
    rows = pd.DataFrame(found, columns=["name", "value", "spread"]).dropna(subset="value")
    rows = rows.sort_values("value", ascending=False, kind="stable").set_index("name")[:MOST]
    value, spread = rows["value"], rows.pop("spread")
    rows = rows.assign(low=value - spread, high=value + spread)
    around, title = room(rows, 0.0, 0.001), f"Loss of skill of {model} when a {of} is permuted"
    name, rows = f"importance-{of}-{model}", rows.assign(model=model)
    return draw(details, name, title, "skill lost on valid", rows, around, what=of)


def _rows(details: Details, figure: str, models: list[str], split: str = "test") -> pd.DataFrame:
    """A figure of each model with the ends of its interval, NaN where not defined."""
    found = [details.on(model, split)[figure][:3] for model in models]
    return pd.DataFrame(found, index=models, columns=["value", "low", "high"], dtype=float)


def room(rows: pd.DataFrame, low: float, high: float) -> Room:
    """From `low`, or further down as far as there is room, to `high` or the largest figure."""
    shown = [low, high, *rows.to_numpy().ravel()]
    high = float(np.nanmax(shown))
    return max(float(np.nanmin(shown)), -_ROOM_BELOW * high), high


def draw(
    details: Details,
    name: str,
    title: str,
    label: str,
    rows: pd.DataFrame,
    room: Room,
    line: Any = (np.nan,) * 3,
    what: str = "model",
) -> Markup | None:
    """Each of `rows`, which are of a model or `what` they are, in the `room` there is, beside a
    dashed line with its band; None without rows. They may have columns hollow, of a second mark,
    name, and model, whose colour a mark has."""
    if rows.empty:
        return None
    low, high = room
    edge, size = 0.04 * (high - low), (svg.SIZE[0], 0.75 + 0.31 * len(rows))
    rows = rows.assign(**{"hollow": np.nan, "name": rows.index, "model": rows.index} | dict(rows))

    def paint(ax: Any) -> None:
        if not np.isnan(line[0]):
            ax.axvline(line[0], color=svg.INK, linewidth=1.4, linestyle=(0, (4, 2)))
            if not np.isnan(line[1] + line[2]):
                ax.axvspan(line[1], line[2], color=svg.INK, alpha=0.09, linewidth=0)
        for at, row in enumerate(rows.itertuples()):
            _mark(ax, at, row, svg.color(details, str(row.model)), low, high)
        # One below the other, from the top, beside a line at 0.
        ax.axvline(0, color=svg.MUTED, linewidth=1)
        ax.set_yticks(range(len(rows)), rows["name"])
        ax.tick_params(axis="y", labelcolor=svg.INK, labelsize=9)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ax.xaxis.get_major_locator().set_params(nbins=6)

    axes: Any = {"xlabel": label, "ylabel": what, "xlim": (low - edge, high + edge)}
    return svg.draw(name, title, paint, size=size, **axes)


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

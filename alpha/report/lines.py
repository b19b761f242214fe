"""Lines: models side by side along thresholds, events, days and regimes; and learning curves."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from alpha.core.errors import InputError
from alpha.data.columns import SplitName
from alpha.evaluate.details import Details, Figure
from alpha.evaluate.figures import Selection, read_csv
from alpha.report import svg

# At so many places there is room for marks side by side, and for their names.
FEW = 5
# What the axis along the places says.
_ALONG = {"threshold": "threshold τ, bps", "event": "", "day": "day", "regime": "volatility regime"}
# A figure in words, what the axis along its values says, and its unit there.
_FIGURES: dict[str, tuple[str, str, float]] = {
    "precision": ("precision", "precision, %", 100),
    "recall": ("recall", "recall, %", 100),
    "after_fees_bps": ("mean outcome after fees", "after fees, bps", 1),
    "average_precision": ("average precision", "average precision, %", 100),
    "decile_lift": ("decile lift", "decile lift", 1),
    "skill": ("skill", "skill (0 = the best constant)", 1),
    "rank_ic": ("rank IC", "rank IC (0 = no order)", 1),
}
# Of each model, figures by place; and the ends of what is drawn around them.
Values = dict[str, list[float]]
Ends = dict[str, list[tuple[float, float]]]


def by_place(details: Details, kind: str, what: str, split: SplitName = "test") -> Markup | None:
    """A figure of each model by `kind`: threshold, event, day or regime; with its interval, by day
    and regime with the spread over seeds, and dotted with what guessing has."""
    of_slices = kind in ("day", "regime")
    found: dict[str, list[Selection]] = {}
    for model in svg.varying(details):
        on = details.on(model, split)
        if of_model := on.slices(kind) if of_slices else on.events(what):
            found[model] = of_model
    if not found:
        return None
    name, label, unit = _FIGURES[what]
    first = next(iter(found.values()))
    names = [f"{float(one.event):g}" if kind == "threshold" else one.name for one in first]
    values = {m: svg.scaled([one[what].value for one in of], unit) for m, of in found.items()}
    ends: Ends = {}
    for model, of in found.items() if what not in ("precision", "recall") else ():
        low = svg.scaled([one[what].low for one in of], unit)
        high = svg.scaled([one[what].high for one in of], unit)
        if of_slices:
            spread = svg.scaled([one[f"{what}_spread"].value for one in of], unit)
            low = [mean - by for mean, by in zip(values[model], spread, strict=True)]
            high = [mean + by for mean, by in zip(values[model], spread, strict=True)]
        ends[model] = list(zip(low, high, strict=True))
    guessing = [1.0] * len(first)
    if what != "decile_lift":
        guessing = svg.scaled([one["base_rate"].value for one in first], unit)

    def paint(ax: Any) -> None:
        _lines(ax, details, names, values, ends)
        svg.plain(ax.yaxis)
        ax.set_xlabel(_ALONG[kind])
        ax.set_ylabel(label)
        dotted: Any = {"color": svg.INK, "linestyle": svg.DOTTED, "linewidth": 2}
        if what == "precision":
            ax.plot(range(len(names)), guessing, **dotted)
        for at, value in enumerate(guessing if kind == "event" else ()):
            ax.plot([at - 0.4, at + 0.4], [value, value], **dotted)
        if of_slices or what == "after_fees_bps":
            ax.axhline(0, color=svg.MUTED, linewidth=1)
        else:
            ax.set_ylim(bottom=0)
        if of_slices:
            _window(ax, values, ends)

    along = _ALONG[kind] if of_slices else kind
    picture = f"{what}-{along.replace(' ', '-')}-{split}" if of_slices else f"{what}-{split}"
    size = svg.MEDIUM if kind == "threshold" else svg.SIZE
    return svg.draw(picture, f"{name} by {along} on {split}", paint, size=size)


def _lines(ax: Any, details: Details, places: list[str], values: Values, ends: Ends) -> None:
    """Each model's line; or, at few places and with ends, its marks."""
    aside = bool(ends) and len(places) <= FEW
    for number, (model, line) in enumerate(values.items()):
        # Marks side by side, so that none hides another.
        shift = 0.5 * (number / (len(values) - 1) - 0.5) if aside and len(values) > 1 else 0.0
        at = [place + shift for place in range(len(places))]
        paint = svg.color(details, model)
        for place, pair in zip(at, ends.get(model, ()), strict=False):
            if aside and not math.isnan(sum(pair)):
                ax.plot([place, place], pair, color=paint, linewidth=4, alpha=0.35)
        ax.plot(
            at,
            line,
            marker=svg.marker(details, model) if len(places) <= 31 else None,
            markersize=4.5 if aside else 4,
            linewidth=0 if aside else 1.3,
            color=paint,
        )
    if len(places) <= FEW:
        ax.set_xticks(range(len(places)), [textwrap.fill(name, 10) for name in places])
        for place in range(1, len(places)) if aside else ():
            ax.axvline(place - 0.5, color=svg.LINE, linewidth=0.6)
    else:
        step = -(-len(places) // 5)
        ax.set_xticks(range(0, len(places), step), places[::step])
    ax.set_xlim(-0.5, len(places) - 0.5)


def _window(ax: Any, values: Values, ends: Ends) -> None:
    """A frame with 0 and all marks, but for those further below 0 than the best is above."""
    shown = [value for line in values.values() for value in line]
    shown += [end for pairs in ends.values() for pair in pairs for end in pair]
    shown = [value for value in shown if not math.isnan(value)]
    high = max([0.02, *shown])
    low = min([0.0, *(value for value in shown if value >= -high)])
    room = 0.06 * (high - low)
    ax.set_ylim(low - room, high + room)


History = dict[str, list[float]]
_STYLES: tuple[tuple[SplitName, Any, float], ...] = (
    ("train", (0, (3, 2)), 1.1),
    ("valid", "solid", 1.7),
)


def learning_curve(details: Details, model: str, histories: dict[str, History]) -> Markup | None:
    """Skill by epoch of each of a model's seeds: dashed on train, solid on valid."""
    if not any(details.run(run, "train")["epochs"].value for run in details.runs_of(model)):
        return None

    def paint(ax: Any) -> None:
        shown: list[float] = []
        for name in details.runs_of(model):
            history, train = histories[name], details.run(name, "train")
            for split, style, width in _STYLES:
                curve = skills(
                    history[f"{split}_loss"],
                    train_constant=train["constant_loss"].value,
                    constant=details.run(name, split)["constant_loss"].value,
                )
                line: Any = {"linestyle": style, "linewidth": width, "alpha": 0.9}
                ax.plot(history["epoch"], curve, color=svg.color(details, model), **line)
                # An untrained net's skill says nothing and may be far below.
                shown += [value for value in curve[1:] if math.isfinite(value)]
                best = train["best_epoch"].value
                if split == "valid" and best in history["epoch"]:
                    at = history["epoch"].index(best)
                    ax.plot(best, curve[at], "o", markersize=5, color=svg.INK, zorder=3)
        ax.axhline(0, color=svg.MUTED, linewidth=1)
        low, high = min([0.0, *shown]), max([0.0, *shown])
        room = 0.08 * (high - low) or 0.01
        ax.set_ylim(low - room, high + room)
        ax.set_xlabel("epoch")
        ax.set_ylabel("skill (0 = the best constant)")
        ax.xaxis.get_major_locator().set_params(integer=True)
        svg.plain(ax.yaxis)

    return svg.draw(f"learning-{model}", f"Learning curves of {model}", paint)


def skills(losses: Sequence[float], *, train_constant: Figure, constant: Figure) -> list[float]:
    """A history's losses on a split as skills there, NaN where not defined.

    Losses are in units of the best constant's loss on train, `train_constant`; skill is
    against its loss on the split, `constant`.
    """
    if train_constant is None or not constant:
        return [math.nan] * len(losses)
    values = [1 - loss * train_constant / constant for loss in losses]
    return [value if math.isfinite(value) else math.nan for value in values]


def read_history(path: Path) -> History:
    """Columns of a learning curve, NaN where a cell is empty.

    Raises InputError, naming the file, if it is missing, lacks one of the columns epoch,
    train_loss and valid_loss, has other than numbers, or no rows.
    """
    found = read_csv(path, "float64", ("epoch", "train_loss", "valid_loss"))
    if found.empty:
        raise InputError(f"{path}: must have a row for each epoch, found none")
    return {str(name): column.tolist() for name, column in found.items()}

"""Lines: models side by side along thresholds, events, days and regimes; and learning curves."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alpha.core.errors import InputError
from alpha.data.columns import SplitName
from alpha.evaluate.details import Details, Figure
from alpha.evaluate.figures import read_csv
from alpha.report.plots.axes import DOTTED, color, marker, plain, scaled, spread_out, varying
from alpha.report.svg import INK, LINE, MEDIUM, MUTED, draw

# At so many places there is room for marks side by side, and for their names.
FEW = 5


@dataclass(frozen=True)
class Lines:
    """One line a model through `places`; `ends` are intervals or spreads, where there are any."""

    places: list[str]
    values: dict[str, Sequence[Figure]]
    ends: dict[str, Sequence[tuple[Figure, Figure]]]


def thresholds(details: Details, split: SplitName, what: str) -> str | None:
    """precision, recall or after_fees_bps of each model by threshold; with precision the base
    rate, with after_fees_bps the intervals."""
    checks = {model: details.on(model, split).thresholds for model in varying(details)}
    first = next(iter(checks.values()), [])
    if not first:
        return None
    fees = what == "after_fees_bps"
    lines = Lines(
        [f"{float(check.event):g}" for check in first],
        {model: [one[what].value for one in of] for model, of in checks.items()},
        {
            model: [(one[what].low, one[what].high) for one in of]
            for model, of in checks.items()
            if fees
        },
    )

    def paint(ax: Any) -> None:
        _lines(ax, details, lines, scale=1 if fees else 100)
        plain(ax.yaxis)
        if what == "precision":
            base = scaled([check["base_rate"].value for check in first], 100)
            ax.plot(range(len(base)), base, color=INK, linestyle=DOTTED, linewidth=2)
        ax.set_xlabel("threshold τ, bps")
        ax.set_ylabel("after fees, bps" if fees else f"{what}, %")
        if fees:
            ax.axhline(0, color=MUTED, linewidth=1)
        else:
            ax.set_ylim(bottom=0)

    words = "mean outcome after fees" if fees else what
    return draw(f"{what}-{split}", f"{words} by threshold on {split}", paint, size=MEDIUM)


def events(details: Details, split: SplitName, what: str) -> str | None:
    """average_precision or decile_lift of each model by event; with what guessing has."""
    found = {model: details.on(model, split).events(what) for model in varying(details)}
    first = next(iter(found.values()), [])
    if not first:
        return None
    precision = what == "average_precision"
    lines = Lines(
        [event.name for event in first],
        {model: [one[what].value for one in of] for model, of in found.items()},
        {model: [(one[what].low, one[what].high) for one in of] for model, of in found.items()},
    )

    def paint(ax: Any) -> None:
        _lines(ax, details, lines, scale=100 if precision else 1)
        for at, event in enumerate(first):
            guessing = scaled([event["base_rate"].value], 100) if precision else [1.0]
            ax.plot([at - 0.4, at + 0.4], guessing * 2, color=INK, linestyle=DOTTED, linewidth=2)
        ax.set_ylabel("average precision, %" if precision else "decile lift")
        ax.set_ylim(bottom=0)
        plain(ax.yaxis)

    title = f"{what.replace('_', ' ')} by event on {split}"
    return draw(f"{what}-{split}", title, paint)


def slices(details: Details, split: SplitName, kind: str, title: str, what: str) -> str | None:
    """Skill or rank IC of each model by day, or by regime, with the spread over seeds."""
    found = {model: details.on(model, split).slices(kind) for model in varying(details)}
    first = next((one for one in found.values() if one), None)
    if first is None:
        return None
    lines = Lines(
        [one.name for one in first],
        {model: [one[what].value for one in of] for model, of in found.items() if of},
        {
            model: [_around(one[what].value, one[f"{what}_spread"].value) for one in of]
            for model, of in found.items()
            if of
        },
    )
    name, zero = {"skill": ("skill", "the best constant"), "rank_ic": ("rank IC", "no order")}[what]

    def paint(ax: Any) -> None:
        _lines(ax, details, lines)
        ax.axhline(0, color=MUTED, linewidth=1)
        ax.set_xlabel(title)
        ax.set_ylabel(f"{name} (0 = {zero})")
        _window(ax, lines)
        plain(ax.yaxis)

    picture = f"{what}-{title.replace(' ', '-')}-{split}"
    return draw(picture, f"{name} by {title} on {split}", paint)


def _around(mean: Figure, spread: Figure) -> tuple[Figure, Figure]:
    """One spread over seeds to either side of the mean."""
    return (None, None) if mean is None or spread is None else (mean - spread, mean + spread)


def _lines(ax: Any, details: Details, lines: Lines, *, scale: float = 1) -> None:
    """Each model's line; or, at few places and with ends, its marks side by side."""
    aside = bool(lines.ends) and len(lines.places) <= FEW
    for number, (model, values) in enumerate(lines.values.items()):
        shift = spread_out(len(lines.values), number) if aside else 0.0
        at = [place + shift for place in range(len(lines.places))]
        paint = color(details, model)
        for place, ends in zip(at, lines.ends.get(model, ()), strict=False):
            if aside and None not in ends:
                ax.plot([place, place], scaled(ends, scale), color=paint, linewidth=4, alpha=0.35)
        ax.plot(
            at,
            scaled(values, scale),
            marker=marker(details, model) if len(lines.places) <= 31 else None,
            markersize=4.5 if aside else 4,
            linewidth=0 if aside else 1.3,
            color=paint,
        )
    if len(lines.places) <= FEW:
        ax.set_xticks(range(len(lines.places)), [textwrap.fill(name, 10) for name in lines.places])
        for place in range(1, len(lines.places)) if aside else ():
            ax.axvline(place - 0.5, color=LINE, linewidth=0.6)
    else:
        step = -(-len(lines.places) // 5)
        ax.set_xticks(range(0, len(lines.places), step), lines.places[::step])
    ax.set_xlim(-0.5, len(lines.places) - 0.5)


def _window(ax: Any, lines: Lines) -> None:
    """A frame with 0 and all marks, but for those further below 0 than the best is above."""
    values = [value for of in lines.values.values() for value in of if value is not None]
    ends = [end for of in lines.ends.values() for pair in of for end in pair if end is not None]
    high = max([0.02, *values, *ends])
    low = min([0.0, *(value for value in (*values, *ends) if value >= -high)])
    room = 0.06 * (high - low)
    ax.set_ylim(low - room, high + room)


History = dict[str, list[float]]
_STYLES: tuple[tuple[SplitName, Any, float], ...] = (
    ("train", (0, (3, 2)), 1.1),
    ("valid", "solid", 1.7),
)


def learning_curve(details: Details, model: str, histories: dict[str, History]) -> str:
    """Skill by epoch of each of a model's seeds: dashed on train, solid on valid."""

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
                ax.plot(
                    history["epoch"],
                    curve,
                    linestyle=style,
                    linewidth=width,
                    color=color(details, model),
                    alpha=0.9,
                )
                # An untrained net's skill says nothing and may be far below.
                shown += [value for value in curve[1:] if math.isfinite(value)]
                best = train["best_epoch"].value
                if split == "valid" and best in history["epoch"]:
                    at = history["epoch"].index(best)
                    ax.plot(best, curve[at], "o", markersize=5, color=INK, zorder=3)
        ax.axhline(0, color=MUTED, linewidth=1)
        low, high = min([0.0, *shown]), max([0.0, *shown])
        room = 0.08 * (high - low) or 0.01
        ax.set_ylim(low - room, high + room)
        ax.set_xlabel("epoch")
        ax.set_ylabel("skill (0 = the best constant)")
        ax.xaxis.get_major_locator().set_params(integer=True)
        plain(ax.yaxis)

    return draw(f"learning-{model}", f"Learning curves of {model}", paint)


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

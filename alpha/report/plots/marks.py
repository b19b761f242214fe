"""Models side by side at a few places along an axis: thresholds, events, days and regimes."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from alpha.data.columns import SplitName
from alpha.evaluate.details import Details, Figure, ModelSplit, OverSeeds, SliceOverSeeds
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
    checks = {model: details.by_model[model].splits[split].thresholds for model in varying(details)}
    first = next(iter(checks.values()), [])
    if not first:
        return None
    fees = what == "after_fees_bps"
    lines = Lines(
        [f"{check.threshold_bps:g}" for check in first],
        {model: [getattr(one, what) for one in of] for model, of in checks.items()},
        {
            model: [(one.after_fees_low_bps, one.after_fees_high_bps) for one in of]
            for model, of in checks.items()
            if fees
        },
    )

    def paint(ax: Any) -> None:
        _lines(ax, details, lines, scale=1 if fees else 100)
        plain(ax.yaxis)
        if what == "precision":
            base = scaled([check.base_rate for check in first], 100)
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
    found = {model: details.by_model[model].splits[split].events for model in varying(details)}
    first = next(iter(found.values()), [])
    if not first:
        return None
    precision = what == "average_precision"
    overs = {model: [getattr(one, what) for one in of] for model, of in found.items()}
    lines = Lines(
        [event.name for event in first],
        {model: [one.mean for one in of] for model, of in overs.items()},
        {model: [(one.low, one.high) for one in of] for model, of in overs.items()},
    )

    def paint(ax: Any) -> None:
        _lines(ax, details, lines, scale=100 if precision else 1)
        for at, event in enumerate(first):
            guessing = scaled([event.base_rate], 100) if precision else [1.0]
            ax.plot([at - 0.4, at + 0.4], guessing * 2, color=INK, linestyle=DOTTED, linewidth=2)
        ax.set_ylabel("average precision, %" if precision else "decile lift")
        ax.set_ylim(bottom=0)
        plain(ax.yaxis)

    title = f"{what.replace('_', ' ')} by event on {split}"
    return draw(f"{what}-{split}", title, paint)


def slices(
    details: Details,
    split: SplitName,
    kind: str,
    of: Callable[[ModelSplit], Sequence[SliceOverSeeds]],
    what: Literal["skill", "rank_ic"],
) -> str | None:
    """Skill or rank IC of each model by day, or by regime, with the spread over seeds."""
    found = {model: of(details.by_model[model].splits[split]) for model in varying(details)}
    first = next((one for one in found.values() if one), None)
    if first is None:
        return None
    overs = {model: [getattr(one, what) for one in of] for model, of in found.items() if of}
    lines = Lines(
        [one.name for one in first],
        {model: [one.mean for one in of] for model, of in overs.items()},
        {model: [_around(one) for one in of] for model, of in overs.items()},
    )
    name, zero = {"skill": ("skill", "the best constant"), "rank_ic": ("rank IC", "no order")}[what]

    def paint(ax: Any) -> None:
        _lines(ax, details, lines)
        ax.axhline(0, color=MUTED, linewidth=1)
        ax.set_xlabel(kind)
        ax.set_ylabel(f"{name} (0 = {zero})")
        _window(ax, lines)
        plain(ax.yaxis)

    title = f"{name} by {kind} on {split}"
    return draw(f"{what}-{kind.replace(' ', '-')}-{split}", title, paint)


def _around(over: OverSeeds) -> tuple[Figure, Figure]:
    """One spread over seeds to either side of the mean."""
    if over.mean is None or over.spread is None:
        return None, None
    return over.mean - over.spread, over.mean + over.spread


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

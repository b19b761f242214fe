"""Distributions of outcomes and predictions, calibration, and what each family is worth."""

import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from alpha.core.text import BPS
from alpha.data.columns import SplitName
from alpha.evaluate.details import Details
from alpha.label.profile import Day
from alpha.report import svg


def histogram(details: Details, model: str, *, bps: bool) -> Markup | None:
    """Shares of test rows by size on a log scale: the label as an area, predictions as a line."""
    edges = svg.scaled(details.bin_edges, 1 / BPS if bps else 1.0)
    label = details.on("label").shares("count")
    prediction = details.on(model).shares("prediction_count")
    # By the label alone where it can be, so that models' frames are the same.
    present = [share for share in label if share] or [share for share in prediction if share]
    if not present or len(edges) != len(label) + 1:
        return None
    # A log scale has no 0: an empty bin is drawn below the frame.
    floor = min(present) / 2

    def paint(ax: Any) -> None:
        ax.set_yscale("log")
        for found, style in (
            (label, {"fill": True, "facecolor": svg.MUTED, "alpha": 0.3, "linewidth": 0}),
            (prediction, {"color": svg.color(details, model), "linewidth": 1.6}),
        ):
            ax.stairs([max(share, floor / 100) for share in found], edges, baseline=floor, **style)
        ax.set_ylim(floor, 1.3)
        ax.set_xlim(edges[0], edges[-1])
        ax.yaxis.set_major_locator(_decades(floor))
        ax.yaxis.minorticks_off()
        ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        ax.tick_params(labelsize=8.5)
        svg.plain(ax.xaxis, most=5)
        ax.set_title(model, fontsize=10, color=svg.INK, loc="left")

    title = f"Distribution of label and predictions of {model} on test, log scale"
    return svg.draw(f"distribution-{model}-test", title, paint, size=svg.SMALL)


def quantiles(details: Details, split: SplitName, *, bps: bool) -> Markup:
    """Quantiles of the label (ink) and of each model's predictions on one split."""
    scale = 1 / BPS if bps else 1.0
    of_label = details.on("label", split)
    levels = range(len(of_label.events("quantile")))

    def paint(ax: Any) -> None:
        for name in details.models:
            values = svg.scaled(details.on(name, split).values("prediction_quantile"), scale)
            shape = None if name in svg.CONSTANTS else svg.marker(details, name)
            ax.plot(levels, values, color=svg.color(details, name), marker=shape, markersize=3.5)
        values = svg.scaled(of_label.values("quantile"), scale)
        ax.plot(levels, values, color=svg.INK, linewidth=2.2, linestyle=svg.DOTTED)
        ax.set_xticks(levels, [svg.level(float(one.event)) for one in of_label.events("quantile")])
        ax.tick_params(axis="x", labelsize=8)
        ax.set_xlabel("quantile, %")
        if bps:
            svg.symlog(ax)
        ax.set_ylabel("bps" if bps else "class code")
        svg.plain(ax.yaxis)

    title = f"Quantiles of label and predictions on {split}"
    return svg.draw(f"quantiles-{split}", title, paint)


def label_by_file(files: Sequence[Day], *, bps: bool) -> Markup:
    """Quantiles of the label, file by file."""
    scale = 1 / BPS if bps else 1.0
    names = next((list(day.quantiles) for day in files if day.quantiles), [])
    # From the median up, where outcomes are worth something.
    names = sorted((name for name in names if float(name) >= 0.5), key=float, reverse=True)

    def paint(ax: Any) -> None:
        for at, name in enumerate(names):
            ax.plot(
                range(1, len(files) + 1),
                svg.scaled([(day.quantiles or {}).get(name) for day in files], scale),
                marker="o" if len(files) <= 31 else None,
                markersize=4,
                color=svg.INK,
                alpha=1 - 0.85 * at / max(1, len(names)),
                clip_on=False,
                label=svg.level(float(name)),
            )
        if names:
            room: Any = {"handlelength": 1.2, "columnspacing": 1.2, "handletextpad": 0.5}
            place: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0}
            ax.legend(ncols=len(names), **place, **room)
        ax.set_xlim(0.5, len(files) + 0.5)
        if bps:
            svg.symlog(ax)
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        ax.set_xlabel("feature file, numbered as in the table")
        ax.set_ylabel("label, bps" if bps else "label, class code")
        svg.plain(ax.yaxis)

    return svg.draw("files", "Quantiles of the label by feature file", paint)


def calibration(details: Details, model: str, *, bps: bool) -> Markup | None:
    """Mean outcome by mean prediction of each decile of predictions, one line a seed."""
    scale = 1 / BPS if bps else 1.0
    curves = []
    for run in map(details.run, details.runs_of(model)):
        if means := svg.scaled(run.values("calibration_prediction"), scale):
            curves.append((means, svg.scaled(run.values("calibration_outcome"), scale)))
    ends = [end for curve in curves for means in curve for end in means if math.isfinite(end)]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    room = 0.06 * (high - low) or 0.5

    def paint(ax: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        diagonal = (low - room, high + room)
        ax.plot(diagonal, diagonal, color=svg.MUTED, linewidth=1)
        line: Any = {"linewidth": 1.1, "marker": "o", "markersize": 3.2, "alpha": 0.85}
        for predictions, outcomes in curves:
            ax.plot(predictions, outcomes, color=svg.color(details, model), **line)
        ax.set_xlim(diagonal)
        ax.set_ylim(diagonal)
        ticks = [tick for tick in MaxNLocator(4).tick_values(*diagonal) if low <= tick <= high]
        ax.set_xticks(ticks)
        ax.set_yticks(ticks)
        ax.tick_params(labelsize=8.5)
        svg.plain(ax.xaxis)
        svg.plain(ax.yaxis)
        ax.set_title(model, fontsize=10, color=svg.INK, loc="left")

    title = f"Calibration of {model} by decile of predictions on test"
    return svg.draw(f"calibration-{model}-test", title, paint, size=svg.SMALL)


def importance(details: Details, model: str) -> Markup | None:
    """Skill lost on valid when a whole family is permuted, the most important on top; the
    line is the spread over seeds."""
    found = [
        (lost, family["importance_spread"].value or 0.0, family.name)
        for family in details.on(model, "valid").events("importance")
        if (lost := family["importance"].value) is not None
    ]
    if not found:
        return None
    found.sort(key=lambda one: (-one[0], one[2]))

    def paint(ax: Any) -> None:
        for at, (mean, spread, _) in enumerate(found):
            ax.barh(at, mean, height=0.6, color=svg.color(details, model), alpha=0.75, linewidth=0)
            ax.plot([mean - spread, mean + spread], [at, at], color=svg.INK, linewidth=1.2)
        ax.axvline(0, color=svg.MUTED, linewidth=1)
        svg.rows(ax, [family for *_, family in found])
        ax.set_xlabel("loss of skill on valid when permuted")

    title = f"Loss of skill of {model} when a family is permuted"
    return svg.draw(f"importance-{model}", title, paint, size=(4.3, 0.75 + 0.29 * len(found)))


def _decades(floor: float) -> Any:
    """Ticks at 100 %, 1 %, 0.01 % and so on, or at each decade where few fit."""
    from matplotlib.ticker import FixedLocator

    decades = [10.0**-power for power in range(10) if 10.0**-power >= floor]
    return FixedLocator(decades if len(decades) <= 4 else decades[::2])

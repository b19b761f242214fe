"""Distributions of outcomes and predictions, and calibration."""

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from alpha.data.columns import SplitName
from alpha.evaluate.details import Details
from alpha.label.profile import Profile
from alpha.report import svg
from alpha.report.content import CONSTANTS


def histogram(details: Details, model: str) -> Markup | None:
    """Shares of test rows by size on a log scale: the label as an area, predictions as a line."""
    edges = svg.outcomes(details, details.bin_edges)
    label = details.on("label").shares("count")
    prediction = details.on(model).shares("prediction_count")
    # By the label alone where it can be, so that models' frames are the same.
    present = [share for share in label if share] or [share for share in prediction if share]
    if not present or len(edges) != len(label) + 1:
        return None
    # A log scale has no 0: an empty bin is drawn below the frame.
    floor = min(present) / 2

    def paint(ax: Any) -> None:
        from matplotlib.ticker import FixedLocator

        for found, style in (
            (label, {"fill": True, "facecolor": svg.MUTED, "alpha": 0.3, "linewidth": 0}),
            (prediction, {"color": svg.color(details, model), "linewidth": 1.6}),
        ):
            ax.stairs([max(share, floor / 100) for share in found], edges, baseline=floor, **style)
        # At 100 %, 1 %, 0.01 % and so on, or at each decade where few fit.
        decades = [10.0**-power for power in range(10) if 10.0**-power >= floor]
        ax.yaxis.set_major_locator(FixedLocator(decades if len(decades) <= 4 else decades[::2]))
        ax.yaxis.minorticks_off()
        ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        ax.xaxis.get_major_locator().set_params(nbins=5)
        svg.small(ax, model)

    title = f"Distribution of label and predictions of {model} on test, log scale"
    axes: Any = {"yscale": "log", "ylim": (floor, 1.3), "xlim": (edges[0], edges[-1])}
    return svg.draw(f"distribution-{model}-test", title, paint, size=svg.SMALL, **axes)


def quantiles(details: Details, split: SplitName) -> Markup:
    """Quantiles of the label (ink) and of each model's predictions on one split."""
    of_label = details.on("label", split)
    names = [svg.level(one.event) for one in of_label.events("quantile")]

    def paint(ax: Any) -> None:
        for name in details.models:
            values = svg.outcomes(details, details.on(name, split).values("prediction_quantile"))
            line: Any = {"color": svg.color(details, name), "markersize": 3.5}
            marker = None if name in CONSTANTS else svg.marker(details, name)
            ax.plot(range(len(names)), values, marker=marker, **line)
        values = svg.outcomes(details, of_label.values("quantile"))
        ax.plot(range(len(names)), values, color=svg.INK, linewidth=2.2, linestyle=svg.DOTTED)
        ax.set_xticks(range(len(names)), names)
        ax.tick_params(axis="x", labelsize=8)
        if not details.classes:
            svg.symlog(ax)

    title, unit = f"Quantiles of label and predictions on {split}", svg.unit(details)
    return svg.draw(f"quantiles-{split}", title, paint, xlabel="quantile, %", ylabel=unit)


def label_by_file(details: Details, labels: Profile) -> Markup:
    """Quantiles of the label, file by file."""
    files = pd.DataFrame([day.quantiles or {} for day in labels.days.values()])
    # From the median up, where outcomes are worth something.
    names = sorted(map(str, files), key=float, reverse=True)
    names = [name for name in names if float(name) >= 0.5]

    def paint(ax: Any) -> None:
        marker = "o" if len(files) <= 31 else None
        line: Any = {"color": svg.INK, "marker": marker, "markersize": 4, "clip_on": False}
        for at, name in enumerate(names):
            line |= {"alpha": 1 - 0.85 * at / len(names), "label": svg.level(name)}
            ax.plot(range(1, len(files) + 1), svg.outcomes(details, files[name]), **line)
        if names:
            room: Any = {"handlelength": 1.2, "columnspacing": 1.2, "handletextpad": 0.5}
            place: Any = {"loc": "lower left", "bbox_to_anchor": (0, 1), "borderaxespad": 0}
            ax.legend(ncols=len(names), **place, **room)
        ax.set_xlim(0.5, len(files) + 0.5)
        if not details.classes:
            svg.symlog(ax)
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)

    title, x = "Quantiles of the label by feature file", "feature file, numbered as in the table"
    return svg.draw("files", title, paint, xlabel=x, ylabel=f"label, {svg.unit(details)}")


def calibration(details: Details, model: str) -> Markup | None:
    """Mean outcome by mean prediction of each decile of predictions, one line a seed."""
    both = "calibration_prediction", "calibration_outcome"
    runs = map(details.run, details.runs_of(model))
    curves = [svg.outcomes(details, [run.values(name) for name in both]) for run in runs]
    ends = np.concatenate(curves, axis=1)
    ends = ends[np.isfinite(ends)]
    if not ends.size:
        return None
    low, high = min(ends), max(ends)
    room = 0.06 * (high - low) or 0.5
    diagonal = low - room, high + room

    def paint(ax: Any) -> None:
        ax.plot(diagonal, diagonal, color=svg.MUTED, linewidth=1)
        line: Any = {"linewidth": 1.1, "marker": "o", "markersize": 3.2, "alpha": 0.85}
        for predictions, outcomes in (curve for curve in curves if curve.size):
            ax.plot(predictions, outcomes, color=svg.color(details, model), **line)
        svg.small(ax, model)

    from matplotlib.ticker import MaxNLocator

    ticks = [tick for tick in MaxNLocator(4).tick_values(*diagonal) if low <= tick <= high]
    axes: Any = {"xlim": diagonal, "ylim": diagonal, "xticks": ticks, "yticks": ticks}
    title = f"Calibration of {model} by decile of predictions on test"
    return svg.draw(f"calibration-{model}-test", title, paint, size=svg.SMALL, **axes)

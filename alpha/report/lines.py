"""Lines: models side by side along thresholds, events, days and regimes; learning curves;
distributions of outcomes and predictions, and calibration."""

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import FixedLocator, MaxNLocator

from alpha.core.artifacts import read_csv
from alpha.data.columns import SplitName
from alpha.evaluate.details import Details, Figure
from alpha.label.profile import Profile
from alpha.report import content, svg

# At so many places there is room for marks side by side, and for their names.
FEW = 5
# What the axis along the places says.
_ALONG = {
    "threshold": "threshold τ, bps",
    "event": "event",
    "day": "day",
    "regime": "volatility regime",
    "fold": "fold",
    "block": "block of test",
    "symbol": "symbol",
}
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


def by_place(details: Details, kind: str, what: str) -> Markup | None:
    """A figure of each model on test by `kind`: threshold, event or slice; with its interval, by
    day and regime with the spread over seeds, and dotted with what guessing has."""
    name, label, unit = _FIGURES[what]
    values, low, high = (of * unit for of in content.by_place(details, kind, what))
    if values.empty:
        return None
    places = [f"{float(place):g}" if kind == "threshold" else place for place in values.index]
    of_slices, guessing = kind not in ("threshold", "event"), pd.Series(1.0, index=values.index)
    if kind in ("day", "regime"):
        spread = content.by_place(details, kind, f"{what}_spread")[0].reindex(values.index)
        low, high = values - spread, values + spread
    elif not of_slices and what != "decile_lift":
        base_rate = content.by_place(details, kind, "base_rate")[0].iloc[:, 0]
        guessing = base_rate.reindex(values.index) * unit
    aside = len(places) <= FEW and what not in ("precision", "recall")

    def paint(ax: Any) -> None:
        for number, model in enumerate(map(str, values)):
            at, color = np.arange(len(places), dtype=float), svg.color(details, model)
            if aside and values.shape[1] > 1:
                # Marks side by side, so that none hides another.
                at += 0.5 * (number / (values.shape[1] - 1) - 0.5)
            for place, *ends in zip(at, low[model], high[model], strict=True):
                if aside and not np.isnan(sum(ends)):
                    ax.plot([place, place], ends, color=color, linewidth=4, alpha=0.35)
            style: Any = {"markersize": 4.5 if aside else 4, "linewidth": 0 if aside else 1.3}
            style["marker"] = svg.marker(details, model) if len(places) <= 31 else None
            ax.plot(at, values[model], color=color, **style)
        _name(ax, places, aside=aside)
        dotted: Any = {"color": svg.INK, "linestyle": svg.DOTTED, "linewidth": 2}
        if what == "precision":
            ax.plot(range(len(places)), guessing, **dotted)
        for number, value in enumerate(guessing if kind == "event" else ()):
            ax.plot([number - 0.4, number + 0.4], [value, value], **dotted)
        if of_slices or what == "after_fees_bps":
            ax.axhline(0, color=svg.MUTED, linewidth=1)
        else:
            ax.set_ylim(bottom=0)
        if of_slices:
            # A frame with 0 and all marks, but for those further below 0 than the best is above.
            shown = np.concatenate([values, low, high], axis=None)
            top = np.nanmax([0.02, *shown])
            _frame(ax, [0.0, top, *shown[shown >= -top]], 0.06)

    along = _ALONG[kind] if of_slices else kind
    picture = f"{what}-{along.replace(' ', '-')}-test" if of_slices else f"{what}-test"
    size, title = svg.MEDIUM if kind == "threshold" else svg.SIZE, f"{name} by {along} on test"
    return svg.draw(picture, title, paint, size=size, xlabel=_ALONG[kind], ylabel=label)


def _name(ax: Any, places: list[str], *, aside: bool) -> None:
    """Names along the axis, of some places if they are many; lines between marks set aside."""
    if len(places) <= FEW:
        ax.set_xticks(range(len(places)), [textwrap.fill(place, 10) for place in places])
        for at in range(1, len(places)) if aside else ():
            ax.axvline(at - 0.5, color=svg.LINE, linewidth=0.6)
    else:
        step = -(-len(places) // 5)
        ax.set_xticks(range(0, len(places), step), places[::step])
    ax.set_xlim(-0.5, len(places) - 0.5)


def _frame(ax: Any, shown: list[float], share: float) -> None:
    """A frame with all that is shown, and a share of its height to either side."""
    low, high = np.nanmin(shown), np.nanmax(shown)
    room = share * (high - low) or 0.01
    ax.set_ylim(low - room, high + room)


def learning_curve(details: Details, model: str, *, folder: Path) -> Markup | None:
    """Skill by epoch of each of a model's seeds, whose histories are in `folder`: dashed on train,
    solid on valid. Raises InputError if one is missing or is not a history."""
    if not any(details.run(run, "train")["epochs"].value for run in details.runs_of(model)):
        return None

    def paint(ax: Any) -> None:
        columns, shown = ("epoch", "train_loss", "valid_loss"), [0.0]
        for name in details.runs_of(model):
            history = read_csv(folder / f"{name}.csv", "float64", columns)
            train = details.run(name, "train")
            for split, style, width in (("train", (0, (3, 2)), 1.1), ("valid", "solid", 1.7)):
                constants = (on["constant_loss"].value for on in (train, details.run(name, split)))
                curve = skills(history[f"{split}_loss"], *constants)
                line: Any = {"linestyle": style, "linewidth": width, "alpha": 0.9}
                ax.plot(history["epoch"], curve, color=svg.color(details, model), **line)
                # An untrained net's skill says nothing and may be far below.
                shown += curve[1:].dropna().to_list()
            best = history["epoch"] == train["best_epoch"].value
            for epoch, skill in zip(history["epoch"][best], curve[best], strict=True):
                ax.plot(epoch, skill, "o", markersize=5, color=svg.INK, zorder=3)
        ax.axhline(0, color=svg.MUTED, linewidth=1)
        _frame(ax, shown, 0.08)
        ax.xaxis.get_major_locator().set_params(integer=True)

    title, label = f"Learning curves of {model}", "skill (0 = the best constant)"
    return svg.draw(f"learning-{model}", title, paint, xlabel="epoch", ylabel=label)


def skills(losses: pd.Series, train_constant: Figure, constant: Figure) -> pd.Series:
    """Losses on a split as skills there, NaN where not defined: in units of the best constant's
    loss on train, and against its loss on the split."""
    if train_constant is None or not constant:
        return losses * np.nan
    return (1 - losses * train_constant / constant).replace([np.inf, -np.inf], np.nan)


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

    title = f"Distribution of label and predictions of {model} on test, log scale"
    axes: Any = {"title": model, "yscale": "log", "ylim": (floor, 1.3), "xlim": edges[[0, -1]]}
    axes |= {"xlabel": f"outcome, {svg.unit(details)}", "ylabel": "share of rows"}
    return svg.draw(f"distribution-{model}-test", title, paint, size=svg.SMALL, **axes)


def quantiles(details: Details, split: SplitName) -> Markup:
    """Quantiles of the label (ink) and of each model's predictions on one split."""
    of_label = details.on("label", split)
    names = [svg.level(one.event) for one in of_label.events("quantile")]

    def paint(ax: Any) -> None:
        for name in details.models:
            values = svg.outcomes(details, details.on(name, split).values("prediction_quantile"))
            line: Any = {"color": svg.color(details, name), "markersize": 3.5}
            marker = None if name in content.CONSTANTS else svg.marker(details, name)
            ax.plot(range(len(names)), values, marker=marker, **line)
        values = svg.outcomes(details, of_label.values("quantile"))
        ax.plot(range(len(names)), values, color=svg.INK, linewidth=2.2, linestyle=svg.DOTTED)
        ax.set_xticks(range(len(names)), names)
        ax.tick_params(axis="x", labelrotation=45)
        svg.bps(details, ax)

    title, unit = f"Quantiles of label and predictions on {split}", svg.unit(details)
    axes: Any = {"xlabel": "quantile, %", "ylabel": f"outcome, {unit}"}
    return svg.draw(f"quantiles-{split}", title, paint, **axes)


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
        svg.bps(details, ax)
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
        ticks = [tick for tick in MaxNLocator(4).tick_values(*diagonal) if low <= tick <= high]
        ax.set(xlim=diagonal, ylim=diagonal, xticks=ticks, yticks=ticks)

    title = f"Calibration of {model} by decile of predictions on test"
    axes = {"title": model, "xlabel": f"prediction, {svg.unit(details)}", "ylabel": "mean outcome"}
    return svg.draw(f"calibration-{model}-test", title, paint, size=svg.SMALL, **axes)


def rank_ic_by_hour(details: Details, model: str) -> Markup | None:
    """Rank IC on test hour by hour, in the band of its interval."""
    values, *ends = content.by_place(details, "hour", "rank_ic")
    times = pd.to_datetime(values.index)
    if values[model].isna().all():
        return None

    def paint(ax: Any) -> None:
        color = svg.color(details, model)
        ax.fill_between(times, *(end[model] for end in ends), color=color, alpha=0.25, linewidth=0)
        ax.plot(times, values[model], color=color, marker=".", markersize=4)
        ax.axhline(0, color=svg.MUTED, linewidth=1)
        # The same frame for all models.
        _frame(ax, [0.0, *np.concatenate([values, *ends], axis=None)], 0.04)
        svg.clock(ax)

    axes: Any = {"title": model, "xlabel": "hour (UTC)", "ylabel": "rank IC", "size": svg.SMALL}
    return svg.draw(f"rank-ic-hour-{model}", f"Rank IC of {model} on test by hour", paint, **axes)


def deciles_by_hour(details: Details, model: str) -> Markup | None:
    """The mean outcome of test rows in the top, middle and bottom of each hour's predictions."""
    styles: dict[str, Any] = {"top": "solid", "middle": (0, (4, 2)), "bottom": svg.DOTTED}
    found = [content.by_place(details, "hour", f"outcome_{of}")[0][model] for of in styles]
    if all(of.isna().all() for of in found):
        return None

    def paint(ax: Any) -> None:
        for values, (of, style) in zip(found, styles.items(), strict=True):
            color = svg.color(details, model) if of == "top" else svg.INK
            at = pd.to_datetime(values.index)
            ax.plot(at, svg.outcomes(details, values), color=color, linestyle=style, linewidth=1.4)
        svg.bps(details, ax)
        svg.clock(ax)

    title = f"Outcomes by decile of the predictions of {model} on test by hour"
    axes: Any = {"title": model, "xlabel": "hour (UTC)", "ylabel": f"outcome, {svg.unit(details)}"}
    return svg.draw(f"deciles-hour-{model}", title, paint, size=svg.SMALL, **axes)

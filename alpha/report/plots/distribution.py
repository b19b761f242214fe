"""How outcomes and predictions are distributed."""

from collections.abc import Sequence
from typing import Any

from alpha.data.columns import SplitName
from alpha.evaluate.details import Details
from alpha.label.profile import Day
from alpha.report.numbers import BPS
from alpha.report.plots.axes import CONSTANTS, DOTTED, color, level, marker, plain, scaled, symlog
from alpha.report.svg import INK, MUTED, SMALL, draw


def histogram(details: Details, model: str, split: SplitName, *, bps: bool) -> str | None:
    """Shares of rows by size on a log scale: the label as an area, predictions as a line."""
    edges = scaled(details.bin_edges, 1 / BPS if bps else 1.0)
    label = _shares(details.labels[split].counts)
    prediction = _shares(details.by_model[model].splits[split].prediction_counts)
    # By the label alone where it can be, so that models' frames are the same.
    present = [share for share in label if share] or [share for share in prediction if share]
    if not present or len(edges) != len(label) + 1:
        return None
    # A log scale has no 0: an empty bin is drawn below the frame.
    floor = min(present) / 2

    def paint(ax: Any) -> None:
        ax.set_yscale("log")
        for shares, style in (
            (label, {"fill": True, "facecolor": MUTED, "alpha": 0.3, "linewidth": 0}),
            (prediction, {"color": color(details, model), "linewidth": 1.6}),
        ):
            ax.stairs([max(share, floor / 100) for share in shares], edges, baseline=floor, **style)
        ax.set_ylim(floor, 1.3)
        ax.set_xlim(edges[0], edges[-1])
        ax.yaxis.set_major_locator(_decades(floor))
        ax.yaxis.minorticks_off()
        ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g} %")
        ax.tick_params(labelsize=8.5)
        plain(ax.xaxis, most=5)
        ax.set_title(model, fontsize=10, color=INK, loc="left")

    title = f"Distribution of label and predictions of {model} on {split}, log scale"
    return draw(f"distribution-{model}-{split}", title, paint, size=SMALL)


def quantiles(details: Details, split: SplitName, *, bps: bool) -> str:
    """Quantiles of the label (ink) and of each model's predictions on one split."""
    scale = 1 / BPS if bps else 1.0
    levels = range(len(details.quantile_levels))

    def paint(ax: Any) -> None:
        models = [(name, details.by_model[name].splits[split]) for name in details.models]
        for name, figures in models:
            values = scaled(figures.prediction_quantiles, scale)
            shape = None if name in CONSTANTS else marker(details, name)
            ax.plot(levels, values, color=color(details, name), marker=shape, markersize=3.5)
        for _, figures in models[:1]:
            values = scaled(figures.label_quantiles, scale)
            ax.plot(levels, values, color=INK, linewidth=2.2, linestyle=DOTTED)
        ax.set_xticks(levels, [level(value) for value in details.quantile_levels])
        ax.tick_params(axis="x", labelsize=8)
        ax.set_xlabel("quantile, %")
        if bps:
            symlog(ax)
        ax.set_ylabel("bps" if bps else "class code")
        plain(ax.yaxis)

    title = f"Quantiles of label and predictions on {split}"
    return draw(f"quantiles-{split}", title, paint)


def label_by_file(files: Sequence[Day], *, bps: bool) -> str:
    """Quantiles of the label, file by file."""
    scale = 1 / BPS if bps else 1.0
    names = next((list(day.quantiles) for day in files if day.quantiles), [])
    # From the median up, where outcomes are worth something.
    names = sorted((name for name in names if float(name) >= 0.5), key=float, reverse=True)

    def paint(ax: Any) -> None:
        for at, name in enumerate(names):
            ax.plot(
                range(1, len(files) + 1),
                scaled([(day.quantiles or {}).get(name) for day in files], scale),
                marker="o" if len(files) <= 31 else None,
                markersize=4,
                color=INK,
                alpha=1 - 0.85 * at / max(1, len(names)),
                clip_on=False,
                label=level(float(name)),
            )
        if names:
            ax.legend(
                ncols=len(names),
                loc="lower left",
                bbox_to_anchor=(0, 1),
                handlelength=1.2,
                columnspacing=1.2,
                borderaxespad=0,
                handletextpad=0.5,
            )
        ax.set_xlim(0.5, len(files) + 0.5)
        if bps:
            symlog(ax)
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        ax.set_xlabel("feature file, numbered as in the table")
        ax.set_ylabel("label, bps" if bps else "label, class code")
        plain(ax.yaxis)

    return draw("files", "Quantiles of the label by feature file", paint)


def _shares(counts: Sequence[float]) -> list[float]:
    total = sum(counts)
    return [count / total for count in counts] if total else [0.0] * len(counts)


def _decades(floor: float) -> Any:
    """Ticks at 100 %, 1 %, 0.01 % and so on, or at each decade where few fit."""
    from matplotlib.ticker import FixedLocator

    decades = [10.0**-power for power in range(10) if 10.0**-power >= floor]
    return FixedLocator(decades if len(decades) <= 4 else decades[::2])

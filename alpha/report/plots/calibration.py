"""Calibration: whether outcomes are as large as the model says."""

from typing import Any

from alpha.data.columns import SplitName
from alpha.evaluate.details import Details
from alpha.report.numbers import BPS
from alpha.report.plots.axes import color, plain
from alpha.report.svg import INK, MUTED, SMALL, draw


def calibration(details: Details, model: str, split: SplitName, *, bps: bool) -> str | None:
    """Mean outcome by mean prediction of each decile of predictions, one line a seed."""
    scale = 1 / BPS if bps else 1.0
    runs = [details.by_run[name] for name in details.runs if details.by_run[name].model == model]
    curves = [bins for run in runs if (bins := run.splits[split].calibration)]
    if not curves:
        return None
    ends = [end for bins in curves for one in bins for end in (one.prediction, one.outcome)]
    low, high = min(ends) * scale, max(ends) * scale
    room = 0.06 * (high - low) or 0.5

    def paint(ax: Any) -> None:
        from matplotlib.ticker import MaxNLocator

        diagonal = (low - room, high + room)
        ax.plot(diagonal, diagonal, color=MUTED, linewidth=1)
        for bins in curves:
            ax.plot(
                [one.prediction * scale for one in bins],
                [one.outcome * scale for one in bins],
                color=color(details, model),
                linewidth=1.1,
                marker="o",
                markersize=3.2,
                alpha=0.85,
            )
        ax.set_xlim(diagonal)
        ax.set_ylim(diagonal)
        ticks = [tick for tick in MaxNLocator(4).tick_values(*diagonal) if low <= tick <= high]
        ax.set_xticks(ticks)
        ax.set_yticks(ticks)
        ax.tick_params(labelsize=8.5)
        plain(ax.xaxis)
        plain(ax.yaxis)
        ax.set_title(model, fontsize=10, color=INK, loc="left")

    title = f"Calibration of {model} by decile of predictions on {split}"
    return draw(f"calibration-{model}-{split}", title, paint, size=SMALL)

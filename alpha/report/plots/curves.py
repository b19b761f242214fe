"""Learning curves: what each epoch was worth, in skill."""

import math
from collections.abc import Sequence
from typing import Any

from alpha.data.columns import SplitName
from alpha.evaluate.details import Details, Figure
from alpha.report.plots.axes import color, plain
from alpha.report.svg import INK, MUTED, draw

History = dict[str, list[float]]
_STYLES: tuple[tuple[SplitName, Any, float], ...] = (
    ("train", (0, (3, 2)), 1.1),
    ("valid", "solid", 1.7),
)


def learning_curve(details: Details, model: str, histories: dict[str, History]) -> str:
    """Skill by epoch of each of a model's seeds: dashed on train, solid on valid."""

    def paint(ax: Any) -> None:
        shown: list[float] = []
        for name in details.runs:
            run = details.by_run[name]
            if run.model != model:
                continue
            history = histories[name]
            for split, style, width in _STYLES:
                curve = skills(
                    history[f"{split}_loss"],
                    train_constant=run.splits["train"].constant_loss,
                    constant=run.splits[split].constant_loss,
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
                if split == "valid" and run.best_epoch in history["epoch"]:
                    at = history["epoch"].index(run.best_epoch)
                    ax.plot(run.best_epoch, curve[at], "o", markersize=5, color=INK, zorder=3)
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

"""The report's pictures. Each returns an SVG element; figures that are None are not drawn."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from alpha.evaluation.details import Details, Run, SplitFigures
from alpha.evaluation.thresholds import BPS
from alpha.params import SplitName
from alpha.report.inputs import Day
from alpha.report.svg import INK, MUTED, SERIES, draw

# A skill below this is drawn at it, as an arrow: one exploded model must not flatten the rest.
FLOOR = -0.5
# How the splits are told apart: by place and filling, or by style and width of the line.
_VALID_AND_TEST: tuple[tuple[SplitName, float, bool], ...] = (
    ("valid", -0.14, False),
    ("test", 0.14, True),
)
_TRAIN_AND_VALID: tuple[tuple[SplitName, Any, float], ...] = (
    ("train", (0, (3, 2)), 1.1),
    ("valid", "solid", 1.7),
)
History = dict[str, list[float]]


def series(details: Details, model: str) -> int:
    """Which of the page's series colours, from 1, is the model's in every picture."""
    return details.models.index(model) % len(SERIES) + 1


def color(details: Details, model: str) -> str:
    """Its placeholder."""
    return SERIES[series(details, model) - 1]


def headline(details: Details, what: Literal["skill", "rank_ic"]) -> str:
    """Each model's skill or rank IC: hollow on valid, filled on test, one mark a seed."""
    name, zero = {"skill": ("skill", "the train mean"), "rank_ic": ("rank IC", "no order")}[what]

    def paint(ax: Any) -> None:
        for run in _runs(details):
            for split, offset, filled in _VALID_AND_TEST:
                value = getattr(run.splits[split], what)
                if value is None:
                    continue
                ax.plot(
                    max(value, FLOOR),
                    details.models.index(run.model) + offset,
                    marker="o" if value >= FLOOR else "<",
                    markersize=6.5,
                    color=color(details, run.model),
                    markerfacecolor=color(details, run.model) if filled else "none",
                    markeredgewidth=1.3,
                    alpha=0.85,
                    clip_on=False,
                )
        ax.axvline(0, color=MUTED, linewidth=1)
        ax.set_yticks(range(len(details.models)), details.models)
        ax.tick_params(axis="y", labelcolor=INK, labelsize=10)
        ax.set_ylim(len(details.models) - 0.5, -0.5)
        left, right = ax.get_xlim()
        ax.set_xlim(min(left, -0.01), max(right, 0.02))
        ax.set_xlabel(f"{name} (0 = {zero})")
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        _plain(ax.xaxis, most=6)

    height = 0.8 + 0.5 * len(details.models)
    return draw(what, f"{name} of each model on valid and test", paint, height=height)


def learning_curve(details: Details, model: str, histories: dict[str, History]) -> str:
    """Skill by epoch of each of a model's seeds: dashed on train, solid on valid.

    A loss becomes a skill by comparing it with the train mean's loss on the same split.
    """

    def paint(ax: Any) -> None:
        shown: list[float] = []
        for name in details.runs:
            run = details.by_run[name]
            if run.model != model:
                continue
            history = histories[name]
            for split, style, width in _TRAIN_AND_VALID:
                curve = _skills(history[f"{split}_loss"], run.splits[split], details)
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
        ax.set_ylabel("skill (0 = the train mean)")
        ax.xaxis.get_major_locator().set_params(integer=True)
        _plain(ax.yaxis)

    return draw(f"learning-{model}", f"Learning curves of {model}", paint)


def quantiles(details: Details, split: SplitName, *, bps: bool) -> str:
    """Quantiles of the label (ink) and of each model's predictions on one split."""
    scale = 1 / BPS if bps else 1.0
    levels = range(len(details.quantile_levels))

    def paint(ax: Any) -> None:
        models = [details.by_model[model].splits[split] for model in details.models]
        if not models:
            return
        for name, figures in zip(details.models, models, strict=True):
            ax.plot(
                levels, _scaled(figures.prediction_quantiles, scale), color=color(details, name)
            )
        ax.plot(
            levels,
            _scaled(models[0].label_quantiles, scale),
            color=INK,
            linewidth=2.2,
            linestyle=(0, (1, 1.4)),
        )
        ax.set_xticks(levels, [_level(level) for level in details.quantile_levels])
        ax.tick_params(axis="x", labelsize=8)
        ax.set_xlabel("quantile, %")
        if bps:
            _symlog(ax)
        ax.set_ylabel("bps" if bps else "class code")
        _plain(ax.yaxis)

    title = f"Quantiles of label and predictions on {split}"
    return draw(f"quantiles-{split}", title, paint)


def thresholds(details: Details, split: SplitName, what: str) -> str:
    """`what`, precision or recall, of each model by threshold; with precision the base rate."""

    def paint(ax: Any) -> None:
        checks = {
            model: details.by_model[model].splits[split].thresholds for model in details.models
        }
        first = next(iter(checks.values()))
        positions = range(len(first))
        for model, of_model in checks.items():
            ax.plot(
                positions,
                _scaled([getattr(check, what) for check in of_model], 100),
                marker="o",
                markersize=4,
                color=color(details, model),
            )
        if what == "precision":
            ax.plot(
                positions,
                _scaled([check.base_rate for check in first], 100),
                color=INK,
                linestyle=(0, (1, 1.4)),
                linewidth=2,
            )
        ax.set_xticks(positions, [f"{check.threshold_bps:g}" for check in first])
        ax.set_xlabel("threshold τ, bps")
        ax.set_ylabel(f"{what}, %")
        ax.set_ylim(-3, 103)

    return draw(f"{what}-{split}", f"{what} by threshold on {split}", paint)


def days(files: Sequence[Day], *, bps: bool) -> str:
    """Quantiles of the label, file by file."""
    scale = 1 / BPS if bps else 1.0
    names = next((list(day.quantiles) for day in files if day.quantiles), [])
    names.sort(key=float, reverse=True)

    def paint(ax: Any) -> None:
        for at, name in enumerate(names):
            ax.plot(
                range(1, len(files) + 1),
                _scaled([(day.quantiles or {}).get(name) for day in files], scale),
                marker="o" if len(files) <= 31 else None,
                markersize=4,
                color=SERIES[1],
                alpha=1 - 0.85 * at / max(1, len(names)),
                clip_on=False,
                label=_level(float(name)),
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
            _symlog(ax)
        ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        ax.set_xlabel("feature file, numbered as in the table")
        ax.set_ylabel("label, bps" if bps else "label, class code")
        _plain(ax.yaxis)

    return draw("days", "Quantiles of the label by feature file", paint)


def _runs(details: Details) -> list[Run]:
    return [details.by_run[name] for name in details.runs]


def _skills(losses: Sequence[float], figures: SplitFigures, details: Details) -> list[float]:
    """Losses, which are in units of train's variance, as skills; NaN where undefined."""
    variance = (details.train_std or 0.0) ** 2
    if not variance or not figures.constant_mse:
        return [math.nan] * len(losses)
    skill = [1 - loss * variance / figures.constant_mse for loss in losses]
    return [value if math.isfinite(value) else math.nan for value in skill]


def _scaled(values: Sequence[float | None], scale: float) -> list[float]:
    return [math.nan if value is None else value * scale for value in values]


def _level(level: float) -> str:
    return {0.0: "min", 1.0: "max"}.get(level, f"{100 * level:g}")


def _symlog(ax: Any) -> None:
    """A scale that is linear within ±1 and logarithmic beyond; no room below 0 if unused."""
    lowest = ax.dataLim.y0
    ax.set_yscale("symlog", linthresh=1.0)
    if lowest >= 0:
        ax.set_ylim(bottom=-0.3)


def _plain(axis: Any, *, most: int | None = None) -> None:
    """Tick labels as plain numbers, and at most `most` of them."""

    def text(value: float, _: object) -> str:
        return f"{value:,.10g}".replace("-", "−")

    axis.set_major_formatter(text)
    if most is not None:
        axis.get_major_locator().set_params(nbins=most)

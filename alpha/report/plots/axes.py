"""What the pictures share: a model's colour and mark, scales, ticks and scaled figures."""

import math
from collections.abc import Sequence
from typing import Any

from alpha.evaluate.details import Details
from alpha.report.svg import SERIES

# They always predict the same, so a line of theirs carries nothing.
CONSTANTS = ("zero", "mean", "median")
# In the order of the series colours; report.css has the same shapes.
_MARKERS = "osD^vPX*"
DOTTED = (0, (1, 1.4))


def series(details: Details, model: str) -> int:
    """Which of the page's series colours is the model's in every picture: 0 for constants."""
    if model in CONSTANTS:
        return 0
    return varying(details).index(model) % (len(SERIES) - 1) + 1


def color(details: Details, model: str) -> str:
    """Its placeholder."""
    return SERIES[series(details, model)]


def marker(details: Details, model: str) -> str:
    """Its mark, so that colour is not all that tells models apart."""
    return _MARKERS[series(details, model) - 1]


def varying(details: Details) -> list[str]:
    """The models that are not constants, in the ladder's order; all, if there are no others."""
    return [name for name in details.models if name not in CONSTANTS] or details.models


def scaled(values: Sequence[float | None], scale: float) -> list[float]:
    """Figures times `scale`, NaN for None."""
    return [math.nan if value is None else value * scale for value in values]


def level(value: float) -> str:
    """A quantile's level in percent."""
    return {0.0: "min", 1.0: "max"}.get(value, f"{100 * value:g}")


def symlog(ax: Any) -> None:
    """A scale that is linear within ±1 and logarithmic beyond; no room below 0 if unused."""
    lowest = ax.dataLim.y0
    ax.set_yscale("symlog", linthresh=1.0)
    if lowest >= 0:
        ax.set_ylim(bottom=-0.3)


def plain(axis: Any, *, most: int | None = None) -> None:
    """Tick labels as plain numbers, and at most `most` of them."""

    def text(value: float, _: object) -> str:
        return f"{value:,.10g}".replace("-", "−")

    axis.set_major_formatter(text)
    if most is not None:
        axis.get_major_locator().set_params(nbins=most)


def spread_out(count: int, at: int, *, room: float = 0.5) -> float:
    """How far the `at`-th of `count` marks is moved sideways, so that none hides another."""
    return 0.0 if count < 2 else room * (at / (count - 1) - 0.5)

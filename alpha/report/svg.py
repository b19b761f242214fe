"""Matplotlib figures as inline SVG, the same bytes always. They are drawn in placeholder colours
that become CSS variables, so that one serves a light and a dark page. Text stays text."""

import io
import re
from collections.abc import Callable
from typing import Any

import matplotlib
import numpy as np
from markupsafe import Markup, escape
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from alpha.core.text import BPS
from alpha.evaluate.details import Details
from alpha.report.content import CONSTANTS, varying

# Placeholder colours, and the CSS variables they become.
INK, MUTED, LINE, CARD = "#00a001", "#00a002", "#00a003", "#00a004"
SERIES = tuple(f"#00b{number:03x}" for number in range(9))
_VARIABLES = {INK: "--ink", MUTED: "--muted", LINE: "--line", CARD: "--card"} | {
    color: f"--series-{number}" for number, color in enumerate(SERIES)
}
_STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 9.5,
    "font.family": "DejaVu Sans",
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), MUTED),
    **dict.fromkeys(("axes.edgecolor", "grid.color"), LINE),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.spines.left"), False),
    **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 0),
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titlecolor": INK,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
}
Size = tuple[float, float]
Paint = Callable[[Any], None]
# Inches: two, three and four beside each other on a laptop, one on a phone, where text of 9 points
# is to be 11 pixels high.
SIZE, MEDIUM, SMALL = (3.9, 2.6), (3.5, 2.6), (2.5, 2.1)
# In the order of the series colours; report.css has the same shapes.
MARKERS = "osD^vPX*"
DOTTED = (0, (1, 1.4))


def draw(
    name: str, alt: str, paint: Paint, *, xlabel: str, ylabel: str, size: Size = SIZE, **axes: Any
) -> Markup:
    """Let `paint` draw on one set of axes, with names and other properties; the SVG element.

    `name` must be unique on the page, and `alt` says what the picture shows to those who
    cannot see it. `size` is width and height in inches.
    """
    with matplotlib.rc_context():
        # A user's own matplotlibrc must not change the page.
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE | {"svg.hashsalt": name})
        canvas = Figure(figsize=size, layout="constrained")
        ax = canvas.add_subplot()
        plain(ax.xaxis)
        plain(ax.yaxis)
        ax.tick_params(labelsize=8.5 if size == SMALL else 9)
        ax.set(xlabel=xlabel, ylabel=ylabel, **axes)
        paint(ax)
        file = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        canvas.savefig(file, format="svg", transparent=True, metadata=nothing)
    return _inline(file.getvalue(), name, alt)


def _inline(text: str, name: str, alt: str) -> Markup:
    text = text[text.index("<svg") :].rstrip()
    head, rest = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None
    # Its style sheet would apply to the whole page.
    rest = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", rest, flags=re.DOTALL)
    # Group names repeat from picture to picture; clip paths and markers are hashed by name.
    rest = re.sub(r'<g id="[^"]*"', "<g", rest)
    rest = re.sub(r"font-family: '[^']*'; ", "", rest).replace("xlink:href", "href")
    rest = re.sub(r'\s*<g/>| transform="rotate\(-0 [^"]*"', "", rest)
    for color, variable in _VARIABLES.items():
        rest = rest.replace(color, f"var({variable})")
    named = f'role="img" aria-label="{escape(alt)}" data-name="{escape(name)}"'
    return Markup(f"<svg {box.group()} {named}>{rest}")


def series(details: Details, model: str) -> int:
    """Which of the page's series colours is the model's in every picture: 0 for constants."""
    if model in CONSTANTS:
        return 0
    return varying(details).index(model) % (len(SERIES) - 1) + 1


def color(details: Details, model: str) -> str:
    """Its placeholder; ink for what is none of the models."""
    return SERIES[series(details, model)] if model in details.models else INK


def marker(details: Details, model: str) -> str:
    """Its mark, so that colour is not all that tells models apart."""
    return MARKERS[series(details, model) - 1]


def outcomes(details: Details, values: Any) -> np.ndarray:
    """Outcomes in `unit`, NaN for None."""
    return np.array(values, dtype=float) * (1.0 if details.classes else 1 / BPS)


def unit(details: Details) -> str:
    """What outcomes are drawn in: they are returns, or codes of classes."""
    return "class code" if details.classes else "bps"


def level(value: str) -> str:
    """A quantile's level in percent."""
    return {0.0: "min", 1.0: "max"}.get(float(value), f"{100 * float(value):g}")


def bps(details: Details, ax: Any) -> None:
    """For outcomes in bps, a scale that is linear within ±1 and logarithmic beyond; no room below
    0 if unused."""
    if details.classes:
        return
    lowest = ax.dataLim.y0
    ax.set_yscale("symlog", linthresh=1.0)
    plain(ax.yaxis)
    if lowest >= 0:
        ax.set_ylim(bottom=-0.3)


def clock(ax: Any) -> None:
    """Times along the axis."""
    locator = AutoDateLocator(minticks=2, maxticks=4)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))


def plain(axis: Any) -> None:
    """Tick labels as plain numbers."""
    axis.set_major_formatter(lambda value, _: f"{value:,.10g}".replace("-", "−"))

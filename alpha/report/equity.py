"""The picture of what trading on paper earns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from alpha.core.artifacts import read_csv
from alpha.evaluate.details import Details
from alpha.report import svg


def curve(details: Details, model: str, files: Mapping[str, Path]) -> Markup:
    """A model's equity on test, and shaded how far it is below its highest point: the drawdown."""
    found = read_csv(files[model], {"equity_bps": float}, ["time", "equity_bps"])
    times, values = pd.to_datetime(found["time"]), found["equity_bps"]

    def paint(ax: Any) -> None:
        line: Any = {"color": svg.color(details, model)}
        ax.fill_between(times, values, values.cummax().clip(lower=0.0), alpha=0.25, lw=0, **line)
        ax.plot(times, values, **line)
        svg.clock(ax)

    axes: Any = {"title": model, "xlabel": "time (UTC)", "ylabel": "equity, bps", "size": svg.SMALL}
    return svg.draw(f"equity-{model}-test", f"Equity of {model} on test", paint, **axes)

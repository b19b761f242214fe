"""The price over a stretch of test, what models predicted there, and what came."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from alpha.core.errors import InputError
from alpha.core.frames import open_frame
from alpha.data.features import FeatureFolder
from alpha.data.quotes import sound
from alpha.evaluate.details import Details
from alpha.evaluate.folds import Block, block_times
from alpha.learn.kinds import MATCHED_MLP
from alpha.learn.params import run_folder
from alpha.report import svg

# A line of more rows has no more to show.
_MOST_ROWS = 400
Ends = tuple[Any, Any]  # moments
Tested = list[tuple[Path, Block]]  # predictions of a fold, and which of them


def read(
    ends: Ends | None, folder: FeatureFolder, details: Details, shown: list[str], path: Tested
) -> tuple[pd.Series, pd.DataFrame]:
    """Between `ends`, or in the hour of test in which it ranges furthest, by time the mid price,
    and the rows of the block of a path of test that it begins in: the outcome, and the mean over
    seeds of the prediction of each model that is `shown`. Raises InputError if there is none."""
    name = f"test/{folder.symbol}.h5" if folder.symbol else "test.h5"
    files = {model: _files(details, model, path[0][0], name) for model in shown}
    blocks = [(of, *block_times(of / files[shown[0]][0], block)[1:]) for of, block in path]
    times = pd.to_datetime([blocks[0][-1][0], blocks[-1][-1][-1]])
    if ends is None:
        hours = (of.groupby(of.index.floor("h")) for of in _mids(folder, times[0], times[-1]))
        start = pd.concat([of.max() / of.min() for of in hours]).idxmax()
        ends = start, start + pd.Timedelta(hours=1)
    begins = pd.Timestamp(ends[0]).value
    of_fold, row, time_ns = next((of for of in blocks if of[-1][-1] >= begins), blocks[-1])
    first, last = (at := pd.to_datetime(time_ns)).searchsorted(pd.DatetimeIndex(ends)).tolist()
    if first >= last:
        between = f"{times[0]:%Y-%m-%dT%H:%M} to {times[-1]:%Y-%m-%dT%H:%M}"
        raise InputError(f"report.stretch: must hold rows of test, which are from {between}")
    found: dict[str, Any] = {}
    for model, paths in files.items():
        seeds, rows = [], {"start": row + first, "stop": row + last}
        for inside in paths:
            with open_frame(of_fold / inside) as frame:
                seeds.append(frame.matrix(("alpha_outcome", "prediction"), **rows))
        found["outcome"], found[model] = np.mean(seeds, axis=0).T
    return pd.concat(_mids(folder, *ends)), pd.DataFrame(found, index=at[first:last])


def _files(details: Details, model: str, predictions: Path, name: str) -> list[Path]:
    """Of each seed, inside a fold's folder; those of a matched MLP are in the folders of the runs
    that it belongs to."""
    if model == MATCHED_MLP:
        found = sorted(predictions.glob(f"*/*/{MATCHED_MLP}/{name}"))
        return [path.relative_to(predictions) for path in found]
    return [run_folder(run) / name for run in details.runs_of(model)]


def _mids(folder: FeatureFolder, start: Any, end: Any) -> Iterator[Any]:
    """The mids of sound quotes by time, a series a file."""
    for file in folder.files:
        if file.first_ns <= pd.Timestamp(end).value and file.last_ns >= pd.Timestamp(start).value:
            time_ns, bid, ask = folder.quotes(file)[0]
            mid = np.where(sound(bid, ask), (bid + ask) / 2, np.nan)
            yield pd.Series(mid, pd.to_datetime(time_ns)).dropna()[start:end]


def _thinned(rows: Any) -> Any:
    return rows.iloc[:: -(-len(rows) // _MOST_ROWS)]


def price(details: Details, mids: pd.Series, rows: pd.DataFrame, model: str) -> Markup:
    """The mid, and marks where a model's prediction is in its top tenth on test."""
    quantiles = details.on(model).events("prediction_quantile")
    [top] = [one["prediction_quantile"].value for one in quantiles if float(one.event) == 0.9]
    line, rows = _thinned(mids), _thinned(rows)
    called = line.reindex(rows.index[rows[model] > (np.inf if top is None else top)], method="pad")

    def paint(ax: Any) -> None:
        ax.plot(line.index, line, color=svg.INK, linewidth=1.1)
        mark: Any = {"marker": svg.marker(details, model), "markersize": 4, "linestyle": ""}
        ax.plot(called.index, called, color=svg.color(details, model), **mark)
        svg.clock(ax)

    title = f"Mid price over the stretch, marked where {model} predicts most"
    return svg.draw("stretch-price", title, paint, xlabel="time (UTC)", ylabel="mid price")


def predictions(details: Details, rows: pd.DataFrame) -> Markup:
    """The outcome as an area, predictions as lines."""
    outcome, *models = _thinned(rows).apply(lambda one: svg.outcomes(details, one)).items()

    def paint(ax: Any) -> None:
        area: Any = {"color": svg.MUTED, "alpha": 0.3, "linewidth": 0}
        ax.fill_between(outcome[1].index, outcome[1], **area)
        for name, values in models:
            ax.plot(values.index, values, color=svg.color(details, name), linewidth=1.3)
        svg.bps(details, ax)
        svg.clock(ax)

    title, unit = "Outcomes and predictions over the stretch", f"outcome, {svg.unit(details)}"
    return svg.draw("stretch-predictions", title, paint, xlabel="time (UTC)", ylabel=unit)

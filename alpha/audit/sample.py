"""A sample of rows in long stretches, and what their quotes bring that was not to be foreseen: what
no honest feature can know before it comes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import uniform_filter1d

from alpha.core.frames import open_frame
from alpha.data.columns import LABEL_COLUMNS
from alpha.data.features import FeatureFolder
from alpha.data.params import Label
from alpha.data.quotes import sound

# A sample is made of stretches at least so long: what knows the future must be seen to run ahead.
_STRETCH_ROWS = 25_000
_REACH = 6.5  # horizons that are looked ahead
# Trailing means over so many rows say what was to be expected.
_SPANS = tuple(2**power for power in range(12))
# Fewer changes of a feature than this say nothing.
LEAST_CHANGES = 200
_LARGEST_MOVE = 8.0  # in trailing standard deviations


@dataclass(frozen=True)
class Sample:
    """Rows in time order, with rows of NaN between stretches, so that none looks into the next.
    What is not finite is NaN.

    (rows,) float64: `seconds` since the first; `mid` and `spread`, NaN where the quote is unsound;
    `moves`, the change of the mid's logarithm since the row before, NaN also across gaps; `labels`
    by name. `features` (features, rows) are float32 or float64. A row is `step_seconds` long on
    average, and `reach` rows are as far ahead as is looked.
    """

    seconds: np.ndarray
    mid: np.ndarray
    spread: np.ndarray
    moves: np.ndarray
    labels: dict[str, np.ndarray]
    features: np.ndarray
    names: tuple[str, ...]
    step_seconds: float
    horizon_seconds: float
    reach: int


def read(folder: FeatureFolder, label: Label, *, labels: Path, rows: int) -> Sample:
    """At most so many rows, in stretches evenly spread over the data; all if there are no more."""
    total = sum(file.rows - file.duplicates for file in folder.files)
    count = max(1, min(rows // _STRETCH_ROWS, total // _STRETCH_ROWS)) if total > rows else 1
    length = min(total, rows // count)
    starts = np.linspace(0, total - length, count).astype(np.int64)
    parts = zip(*_read(folder, labels, starts, length), strict=True)
    time_ns, quotes, known, values = map(np.concatenate, parts)
    breaks = np.arange(1, count) * length
    return make(time_ns, quotes, known, values, folder.features, label, breaks)


def _read(
    folder: FeatureFolder, labels: Path, starts: np.ndarray, length: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Times, quotes, labels and features of stretches of rows, a file's part of one at once."""
    first = 0
    best = folder.data.best_bid, folder.data.best_ask
    for file in folder.files:
        count = file.rows - file.duplicates
        pieces = np.clip(starts[:, None] + [0, length] - first, 0, count)
        pieces = pieces[pieces[:, 0] < pieces[:, 1]]
        first += count
        if not len(pieces):
            continue
        with folder.open(file) as frame, open_frame(labels / file.name) as known:
            time_ns, numbers = folder.times(file, frame)
            for begin, end in pieces.tolist():
                rows = numbers[begin:end]
                start, stop = int(rows[0]), int(rows[-1]) + 1
                quotes = frame.matrix(best, start=start, stop=stop)[rows - start]
                features = frame.matrix(folder.features, start=start, stop=stop)[rows - start]
                outcomes = known.matrix(LABEL_COLUMNS, start=begin, stop=end)
                yield time_ns[begin:end], quotes.astype(float), outcomes, features


def make(
    time_ns: np.ndarray,
    quotes: np.ndarray,
    labels: np.ndarray,
    features: np.ndarray,
    names: tuple[str, ...],
    label: Label,
    breaks: np.ndarray,
) -> Sample:
    """A sample of rows: times (rows,), quotes (rows, 2), labels and features (rows, …), whose
    stretches but the first start at the rows `breaks`."""
    steps = np.diff(time_ns, prepend=time_ns[0])
    gaps = steps > label.max_gap_ns
    gaps[breaks] = True
    followed = steps[1:][~gaps[1:]]
    step = float(np.mean(followed)) * 1e-9 if len(followed) else label.horizon_seconds
    reach = int(np.clip(_REACH * label.horizon_seconds / step, 64, 1000))
    bid, ask = np.where(sound(*quotes.T), quotes.T, np.nan)
    mid = bid / 2 + ask / 2
    moves = np.where(gaps, np.nan, np.diff(np.log(mid), prepend=np.nan))

    def apart(values: np.ndarray) -> np.ndarray:
        known = np.where(np.isfinite(values), values, np.nan)
        return np.insert(known, np.repeat(breaks, reach), np.nan, axis=-1)

    return Sample(
        seconds=apart((time_ns - time_ns[0]) * 1e-9),
        mid=apart(mid),
        spread=apart(ask - bid),
        moves=apart(moves),
        labels=dict(zip(LABEL_COLUMNS, apart(labels.T), strict=True)),
        features=np.array([apart(x) for x in features.T]),
        names=names,
        step_seconds=step,
        horizon_seconds=label.horizon_seconds,
        reach=reach,
    )


def moves_and_spread(sample: Sample) -> dict[str, np.ndarray]:
    """What quotes do at each row, as `unit`: the `signed` move of the mid in trailing standard
    deviations, and ranks of its size (`activity`) and of the `spread`."""
    scale = pd.Series(sample.moves**2).rolling(300, min_periods=1).mean().shift() ** 0.5
    least = 0.1 * np.sqrt(np.nanmean(sample.moves**2))
    signed = np.clip(sample.moves / scale.clip(least), -_LARGEST_MOVE, _LARGEST_MOVE)
    sizes = {"activity": ranks(np.abs(sample.moves)), "spread": ranks(sample.spread)}
    return {"signed": unit(signed.to_numpy()), **sizes}


def surprises(sample: Sample) -> dict[str, np.ndarray]:
    """What came at each row and was not to be expected, by name, as `unit`: what trailing means of
    all of `moves_and_spread`, over 1 to 2048 rows up to the row before, leave over of each in a
    linear regression: without a memory, so that an honest feature is hardly related to those that
    come after it."""
    series = moves_and_spread(sample)
    design = trailing_design(series.values(), lag=1)
    known = np.isfinite(sample.moves)  # ranks are 0 where nothing is known
    return {
        name: unit(unexplained(np.where(known, values, np.nan), design))
        for name, values in series.items()
    }


def trailing_design(
    series: Iterable[np.ndarray], *, lag: int, spans: Sequence[int] = _SPANS
) -> np.ndarray:
    """(rows, columns): means of each of `series`, which are as `unit`, over the rows up to each,
    or `lag` before it."""
    means = []
    for values in series:
        late = np.append(np.zeros(lag), values[: len(values) - lag])
        for span in spans:
            means.append(uniform_filter1d(late, span, mode="constant", origin=(span - 1) // 2))
    return np.stack(means, axis=1)


def unexplained(values: np.ndarray, design: np.ndarray) -> np.ndarray:
    """What a linear regression on the columns of a finite design, (rows, columns), leaves over of
    values (rows,), NaN where they are. Columns may depend on each other."""
    known = np.isfinite(values)
    x, y = design[known], values[known]
    return np.asarray(values - design @ np.linalg.lstsq(x.T @ x, x.T @ y)[0])


def ranks(values: np.ndarray) -> np.ndarray:
    """Centered ranks of the values that are known, ties in the middle, as `unit`."""
    return unit(pd.Series(values).rank().to_numpy())


def unit(values: np.ndarray) -> np.ndarray:
    """Centered, 0 where NaN, and of length 1, (…, rows) float32; all 0 if constant."""
    known = ~np.isnan(values)
    mean = np.sum(values, axis=-1, keepdims=True, where=known, dtype=float)
    mean /= np.maximum(np.sum(known, axis=-1, keepdims=True), 1)
    found = np.where(known, values - mean, 0.0)
    length = np.linalg.norm(found, axis=-1, keepdims=True)
    return np.where(length > 1e-12, found / np.maximum(length, 1e-12), 0.0).astype(np.float32)


def regular_rows(x: np.ndarray, seconds: np.ndarray) -> np.ndarray | None:
    """The rows where x changes, if these are few and regular: nearly all of them one, two or three
    times the usual time after the one before; else None."""
    moved = np.abs(np.diff(x, prepend=np.nan))
    # Slopes between samples are equal but for rounding.
    rows = np.flatnonzero(moved > 1e-3 * pd.Series(moved[moved > 0]).median())
    if not LEAST_CHANGES <= len(rows) < len(x) / 3:
        return None
    steps = np.diff(seconds[rows])
    times = steps / max(float(np.quantile(steps, 0.2)), 1e-9)
    regular = (np.abs(times - np.rint(times)) <= 0.15 * times) & (times < 3.5)
    return rows if np.mean(regular) > 0.8 else None

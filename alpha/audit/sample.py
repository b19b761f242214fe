"""A sample of rows in long stretches, and what their quotes bring that was not to be foreseen: what
no honest feature can know before it comes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.frames import open_frame
from alpha.data.columns import LABEL_COLUMNS
from alpha.data.features import FeatureFolder
from alpha.data.params import Label

# A sample is made of stretches at least so long: what knows the future must be seen to run ahead.
_STRETCH_ROWS = 25_000
# Read at once.
_PART_ROWS = 1 << 15
# Trailing means over so many rows say what was to be expected.
_SPANS = tuple(2**power for power in range(12))
# Fewer changes of a feature than this say nothing.
LEAST_CHANGES = 200
_LARGEST_MOVE = 8.0  # in trailing standard deviations


@dataclass(frozen=True)
class Sample:
    """Rows in time order, with rows of NaN between stretches, so that none looks into the next.

    (rows,) float64: `seconds` since the first; `mid` and `spread`, NaN where the quote is unsound;
    `moves`, the change of the mid's logarithm since the row before, NaN also across gaps. `labels`
    (rows, LABEL_COLUMNS); `features` (features, rows) float32 or float64. A row is `step_seconds`
    long on average, and `reach` rows are as far ahead as is looked.
    """

    seconds: np.ndarray
    mid: np.ndarray
    spread: np.ndarray
    moves: np.ndarray
    labels: np.ndarray
    features: np.ndarray
    names: tuple[str, ...]
    step_seconds: float
    horizon_seconds: float
    reach: int
    of_rows: int  # how many rows the data has

    def label(self, name: str) -> np.ndarray:
        return self.labels[:, LABEL_COLUMNS.index(name)]


def read(
    folder: FeatureFolder, label: Label, *, labels: Path, rows: int, reach_seconds: float
) -> Sample:
    """At most so many rows, in stretches evenly spread over the data; all if there are no more."""
    total = sum(file.rows - file.duplicates for file in folder.files)
    count = max(1, min(rows // _STRETCH_ROWS, total // _STRETCH_ROWS)) if total > rows else 1
    length = min(total, rows // count)
    starts = np.linspace(0, total - length, count).astype(np.int64)
    wanted = np.zeros(total, dtype=bool)
    for start in starts:
        wanted[start : start + length] = True
    parts = list(parallel.ahead(_read(folder, labels, wanted)))
    time_ns, quotes, known, values = (np.concatenate(one) for one in zip(*parts, strict=True))
    breaks = np.flatnonzero(np.diff(np.flatnonzero(wanted)) > 1) + 1
    return make(
        time_ns, quotes, known, values, folder.features, label,
        breaks=breaks, reach_seconds=reach_seconds, of_rows=total,
    )  # fmt: skip


def make(
    time_ns: np.ndarray,
    quotes: np.ndarray,
    labels: np.ndarray,
    features: np.ndarray,
    names: tuple[str, ...],
    label: Label,
    *,
    breaks: np.ndarray,
    reach_seconds: float,
    of_rows: int,
) -> Sample:
    """A sample of rows: times (rows,), quotes (rows, 2), labels and features (rows, …), whose
    stretches but the first start at the rows `breaks`."""
    steps = np.diff(time_ns, prepend=time_ns[0])
    gaps = steps > label.max_gap_ns
    gaps[breaks] = True
    followed = ~gaps[1:]
    step = float(np.mean(steps[1:][followed])) * 1e-9 if followed.any() else label.horizon_seconds
    reach = int(np.clip(reach_seconds / step, 64, 1000))
    bid, ask = quotes.T
    with np.errstate(invalid="ignore"):
        sound = (bid > 0) & (ask >= bid) & (ask < np.inf)
    mid = np.where(sound, bid / 2 + ask / 2, np.nan)
    moves = np.diff(np.log(mid), prepend=np.nan)
    moves[gaps] = np.nan
    at = np.insert(np.arange(len(mid)), np.repeat(breaks, reach), -1)

    def apart(values: np.ndarray) -> np.ndarray:
        found = values[..., at]
        found[..., at < 0] = np.nan
        return found

    return Sample(
        seconds=apart((time_ns - time_ns[0]) * 1e-9),
        mid=apart(mid),
        spread=apart(np.where(sound, ask - bid, np.nan)),
        moves=apart(moves),
        labels=apart(labels.T).T,
        features=apart(features.T),
        names=names,
        step_seconds=step,
        horizon_seconds=label.horizon_seconds,
        reach=reach,
        of_rows=of_rows,
    )


def _read(
    folder: FeatureFolder, labels: Path, wanted: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Times, quotes, labels and features of the wanted rows, part by part."""
    first = 0
    for file in folder.files:
        count = file.rows - file.duplicates
        chosen = wanted[first : first + count]
        first += count
        if not chosen.any():
            continue
        with folder.open(file) as frame, open_frame(labels / file.path.name) as known:
            time_ns, kept = folder.times(file, frame)
            numbers = np.arange(file.rows)[kept]
            for piece in parallel.cut(count, _PART_ROWS):
                take = piece.start + np.flatnonzero(chosen[piece.start : piece.stop])
                if not len(take):
                    continue
                rows = numbers[take]
                start, stop = int(rows[0]), int(rows[-1]) + 1
                names = folder.data.best_bid, folder.data.best_ask
                quotes = frame.matrix(names, start=start, stop=stop)[rows - start]
                features = frame.matrix(folder.features, start=start, stop=stop)[rows - start]
                first_label, last_label = int(take[0]), int(take[-1]) + 1
                outcomes = known.matrix(LABEL_COLUMNS, start=first_label, stop=last_label)
                yield time_ns[take], quotes.astype(float), outcomes[take - take[0]], features


def surprises(sample: Sample) -> dict[str, np.ndarray]:
    """What came at each row and was not to be expected, (rows,) float32 of length 1 each, 0 where
    unknown: of the `signed` move of the mid, of its size (`activity`), and of the `spread`.

    Each is what trailing means of all three, over 1 to 2048 rows up to the row before, leave over
    in a linear regression: without a memory, so that an honest feature is hardly related to those
    that come after it.
    """
    variance = _trailing(sample.moves**2, 300)
    scale = np.sqrt(np.maximum(np.append(np.nan, variance[:-1]), np.nanmean(variance) * 0.01))
    with np.errstate(invalid="ignore", divide="ignore"):
        signed = np.clip(sample.moves / scale, -_LARGEST_MOVE, _LARGEST_MOVE)
    series = {
        "signed": signed,
        "activity": ranks(np.abs(sample.moves)),
        "spread": ranks(sample.spread),
    }
    design = trailing_design(list(series.values()), lag=1)
    known_rows = np.isfinite(sample.moves)  # ranks are 0 where nothing is known
    found = {}
    for name, values in series.items():
        found[name] = unit(unexplained(np.where(known_rows, values, np.nan), design))
    return found


def trailing_design(
    series: Sequence[np.ndarray], *, lag: int, spans: Sequence[int] = _SPANS
) -> np.ndarray:
    """(rows, columns): a constant, and trailing means of each up to the row, or `lag` before it."""
    columns = [np.ones(len(series[0]))]
    for values in series:
        known = np.asarray(values, dtype=np.float64) / (float(np.nanstd(values)) or 1.0)
        for span in spans:
            columns.append(np.append(np.zeros(lag), _trailing(known, span)[: len(known) - lag]))
    return np.stack(columns, axis=1)


def unexplained(values: np.ndarray, design: np.ndarray) -> np.ndarray:
    """What a linear regression on the columns of a finite design, (rows, columns), leaves over of
    values (rows,), NaN where they are not finite. Columns may depend on each other."""
    known = np.isfinite(values)
    x, y = design[known], values[known]
    products = x.T @ x
    products[np.diag_indices_from(products)] += 1e-9 * max(float(np.trace(products)), 1e-9)
    return np.asarray(values - design @ np.linalg.solve(products, x.T @ y))


def ranks(values: np.ndarray) -> np.ndarray:
    """Centered ranks of the finite values, ties in the middle, as `unit`."""
    from scipy.stats import rankdata

    known = np.isfinite(values)
    found = np.full(len(values), np.nan)
    found[known] = rankdata(values[known])
    return unit(found)


def unit(values: np.ndarray) -> np.ndarray:
    """Centered, 0 where not finite, and of length 1, (rows,) float32; all 0 if constant."""
    known = np.isfinite(values)
    found = np.where(known, values - np.mean(values[known]) if known.any() else 0.0, 0.0)
    length = float(np.sqrt(np.sum(found * found)))
    return (found / length if length > 1e-12 else 0.0 * found).astype(np.float32)


def _trailing(values: np.ndarray, span: int) -> np.ndarray:
    """The mean of the last `span` values at each row, of those that are finite; 0 without any."""
    known = np.isfinite(values)
    sums = np.cumsum(np.append(0.0, np.where(known, values, 0.0)))
    counts = np.cumsum(np.append(0, known))
    start = np.maximum(np.arange(1, len(values) + 1) - span, 0)
    return np.asarray((sums[1:] - sums[start]) / np.maximum(counts[1:] - counts[start], 1))


def regular_rows(x: np.ndarray, seconds: np.ndarray) -> np.ndarray | None:
    """The rows where x changes, if these are few and regular: nearly all of them one, two or three
    times the usual time after the one before; else None."""
    with np.errstate(invalid="ignore"):
        moved = np.abs(np.diff(x, prepend=np.nan))
    # Slopes between samples are equal but for rounding.
    moved = np.where(moved > 0, moved, np.nan)
    if not np.isfinite(moved).any():
        return None
    rows = np.flatnonzero(moved > 1e-3 * np.nanmedian(moved))
    if not LEAST_CHANGES <= len(rows) < len(x) / 3:
        return None
    steps = np.diff(seconds[rows])
    steps = steps[np.isfinite(steps)]
    times = steps / max(float(np.quantile(steps, 0.2)), 1e-9)
    regular = (np.abs(times - np.rint(times)) <= 0.15 * times) & (times < 3.5)
    return rows if np.mean(regular) > 0.8 else None

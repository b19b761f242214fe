"""Labels: what the window after each row would have brought, or why that is not known."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha import profile, windows
from alpha import status as codes
from alpha.artifacts import whole_folder, write_json
from alpha.errors import InputError
from alpha.features import (
    OUTCOME_COLUMNS,
    PAST_COLUMNS,
    FeatureFile,
    FeatureFolder,
    open_folder,
)
from alpha.params import Data, Label
from alpha.past import Past
from alpha.progress import track
from alpha.store import Block, record, write_frame

_BPS = 1e-4
# Times the price: sums of such outcomes are finite still.
_LARGEST = 1e100


@dataclass(frozen=True)
class Labels:
    """Labels of consecutive rows, each (rows,): float64 outcomes (NaN where status is not 0)
    and the int8 status, as `alpha.status` numbers it."""

    up: np.ndarray
    down: np.ndarray
    alpha_outcome: np.ndarray
    status: np.ndarray


def compute(
    time_ns: np.ndarray,
    bid: np.ndarray,
    ask: np.ndarray,
    label: Label,
    *,
    rows: int | None = None,
    end_ns: int | None = None,
) -> Labels:
    """Label the first `rows` rows (default: all), with the rest as the windows' halo.

    `time_ns` (n,) int64 strictly increasing; `bid`, `ask` (n,) float64, any value allowed
    (unsound quotes give status 3). `end_ns` is the last timestamp of all data (default: the
    last given); the halo must reach one row past the last window unless the data ends.

    touch: up = max bid(s) / ask(t) − 1, down = 1 − min ask(s) / bid(t);
    mid: the same with the mid everywhere.
    """
    rows = len(time_ns) if rows is None else rows
    end_ns = int(time_ns[-1]) if end_ns is None else end_ns
    bad = ~((bid > 0) & (ask >= bid) & np.isfinite(ask))
    mid = (bid + ask) / 2
    touch = label.price == "touch"
    high, low = (bid, ask) if touch else (mid, mid)
    entry_up, entry_down = (ask, bid) if touch else (mid, mid)
    top, bottom, last, status = windows.extremes(
        time_ns, high, low, bad, rows, label.horizon_ns, label.max_gap_ns, end_ns
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        up = top / entry_up[:rows] - 1.0
        down = 1.0 - bottom / entry_down[:rows]
        if label.target == "end_return":
            outcome = mid[last] / mid[:rows] - 1.0
        elif label.target == "triple_barrier":
            outcome = windows.first_passage(
                high, low, entry_up, entry_down, bad, last, label.barrier_bps * _BPS
            )
        else:
            outcome = _outcome(up, down, label)
    for values in (up, down, outcome):
        values[status != codes.LABELLED] = np.nan
    return Labels(up, down, outcome, status)


def _outcome(up: np.ndarray, down: np.ndarray, label: Label) -> np.ndarray:
    """The targets that are functions of up and down alone, (rows,) float64."""
    if label.target in ("up", "down"):
        return up.copy() if label.target == "up" else down.copy()
    loudest = np.maximum(up, down)
    if label.target == "abs_max":
        return np.maximum(loudest, 0.0)
    threshold = label.threshold_bps * _BPS
    if label.target == "loud":
        return (np.maximum(loudest, 0.0) > threshold).astype(np.float64)
    signed = np.where(loudest > 0, np.where(up >= down, up, -down), 0.0)
    if label.target == "direction":
        return np.where(signed > threshold, 1.0, np.where(signed < -threshold, -1.0, 0.0))
    return signed


def run(data: Data, label: Label, *, features: Path, out: Path) -> None:
    """Write a label file for each feature file, of the same name, profile.json
    (alpha.profile), and nodes.json (alpha.store.logical).

    Beside its labels each row has what was known at t: the columns of alpha.past.

    Raises InputError if a feature file cannot be used, if its quotes are so far apart that no
    figure can be made of an outcome, or if no row has a label.
    """
    folder = open_folder(features, data)
    days: dict[str, profile.Day] = {}
    outcomes = []
    with whole_folder(out) as part:
        each = track(_each(folder, label), "labels", total=len(folder.files))
        for file, labels, past in each:
            outcome, status = labels.alpha_outcome, labels.status
            _check_size(file, outcome)
            days[file.path.name] = profile.of_day(
                outcome, status, file.time_ns, label, duplicates=file.duplicates
            )
            outcomes.append(outcome[status == codes.LABELLED])
            blocks = (
                Block(
                    (*OUTCOME_COLUMNS, *PAST_COLUMNS),
                    np.column_stack((labels.up, labels.down, labels.alpha_outcome, past)),
                ),
                Block(("status",), labels.status[:, None]),
            )
            write_frame(part / file.path.name, file.time_ns, blocks, aware=file.aware)
        paths = [file.path for file in folder.files]
        found = profile.make(data, label, paths=paths, days=days, outcomes=outcomes)
        counts = found.total.status
        if counts.labelled == 0:
            raise InputError(
                f"{features}: no row has a label: of {found.total.rows} rows, "
                f"{counts.end_of_data} are less than label.horizon_seconds "
                f"({label.horizon_seconds:g}) before the end of data, {counts.gap} have a gap "
                f"and {counts.bad_quote} a bad quote in their window"
            )
        write_json(part / profile.NAME, found.content)
        record(part)


def _check_size(file: FeatureFile, outcome: np.ndarray) -> None:
    far = np.abs(outcome) > _LARGEST
    if far.any():
        row = int(np.argmax(far))
        raise InputError(
            f"{file.path}: row {file.kept[row]}: an outcome must be at most {_LARGEST:g} times the "
            f"price, found {outcome[row]:g} from the quotes in its window"
        )


def _each(folder: FeatureFolder, label: Label) -> Iterator[tuple[FeatureFile, Labels, np.ndarray]]:
    """Label file by file, each with as much of the following files as its windows need, and
    of the earlier ones as its past does."""
    past = Past(label)
    quotes: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for number, file in enumerate(folder.files):
        until = int(file.time_ns[-1]) + label.horizon_ns
        stop = number + 1
        # One row past the last window, so that a gap that starts in it is seen.
        while stop < len(folder.files) and folder.files[stop - 1].time_ns[-1] <= until:
            stop += 1
        for at in range(number, stop):
            if at not in quotes:
                quotes[at] = folder.quotes(folder.files[at])
        span = range(number, stop)
        labels = compute(
            np.concatenate([folder.files[at].time_ns for at in span]),
            np.concatenate([quotes[at][0] for at in span]),
            np.concatenate([quotes[at][1] for at in span]),
            label,
            rows=len(file.time_ns),
            end_ns=folder.last_ns,
        )
        bid, ask = quotes.pop(number)
        yield file, labels, past.follow(file.time_ns, bid, ask, labels.alpha_outcome)

"""Labels: what the window after each row would have brought, or why that is not known."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import MADE_FROM, whole_outs, write_json, write_manifest
from alpha.core.errors import InputError
from alpha.core.frames import Block, write_frame
from alpha.core.text import track
from alpha.data.columns import OUTCOME_COLUMNS, PAST_COLUMNS
from alpha.data.features import FeatureFile, FeatureFolder, Quotes, open_symbols
from alpha.data.params import Data, Label
from alpha.data.quotes import FrozenRuns
from alpha.label import profile
from alpha.label.past import Past
from alpha.label.targets import Labels, compute

# Times the price: sums of such outcomes are finite still.
_LARGEST = 1e100


def run(data: Data, label: Label, *, features: Path, out: Path) -> None:
    """Write out/labels, with an HDF5 file for each feature file, of its name and with the columns
    of alpha.label.past too, and made_from.json, and out/profile.json (alpha.label.profile).

    Raises InputError if a feature file cannot be used, if its quotes are so far apart that no
    figure can be made of an outcome, or if no row has a label.
    """
    folders = open_symbols(features, data)
    files = [file for folder in folders for file in folder.files]
    digests: dict[str, str] = {}
    days: dict[str, profile.Day] = {}
    outcomes = []
    with whole_outs(out) as part:
        for folder in folders:
            (part / "labels" / folder.symbol).mkdir(parents=True)
        # A file is labelled while the one before it is written.
        each = chain.from_iterable(label_files(folder, label) for folder in folders)
        made = track(parallel.ahead(each), "labels", total=len(files))
        for file, digest, time_ns, frozen, labels, past in made:
            name, outcome = file.name, labels.alpha_outcome
            digests[name] = digest
            given = {"duplicates": file.duplicates, "longest_frozen_seconds": frozen}
            days[name] = profile.of_day(outcome, labels.status, time_ns, label, **given)
            outcomes.append(outcome)
            names = (*OUTCOME_COLUMNS, *PAST_COLUMNS)
            known = Block(names, np.column_stack((labels.up, labels.down, outcome, past)))
            blocks = known, Block(("status",), labels.status[:, None])
            write_frame(part / "labels" / name, time_ns, blocks, tz_aware=file.tz_aware)
        found = profile.of_all(data, label, days, outcomes, digests)
        counts = found.total.status
        if counts.labelled == 0:
            horizon = f"label.horizon_seconds ({label.horizon_seconds:g})"
            late = f"{counts.end_of_data} are less than {horizon} before the end of data"
            lost = (
                f"{counts.gap} have a gap, {counts.bad_quote} a bad quote and {counts.stale} stale"
            )
            why = f"of {found.total.rows} rows, {late}, {lost} quotes in their window"
            raise InputError(f"{features}: no row has a label: {why}")
        write_json(part / profile.NAME, found.content)
        made_from = {"label": label.model_dump(mode="json"), "features": digests}
        write_manifest(part / "labels" / MADE_FROM, made_from)


def _check_size(folder: FeatureFolder, file: FeatureFile, outcome: np.ndarray) -> None:
    at = int(np.argmax(np.abs(outcome) > _LARGEST))
    if np.abs(outcome[at]) > _LARGEST:
        with folder.open(file) as frame:
            row = folder.times(file, frame)[1][at]
        must = f"an outcome must be at most {_LARGEST:g} times the price"
        found = f"{outcome[at]:g} from the quotes in its window"
        raise InputError(f"{file.path}: row {row}: {must}, found {found}")


def label_files(
    folder: FeatureFolder, label: Label
) -> Iterator[tuple[FeatureFile, str, np.ndarray, float, Labels, np.ndarray]]:
    """Each file with its digest, and its rows' times, longest frozen run (s), labels and past
    (rows, PAST_COLUMNS), by as much of the following files as its windows need. The next file is
    read meanwhile."""
    past, runs = Past(label), FrozenRuns(label.max_gap_ns)
    source = parallel.ahead(folder.quotes(file) for file in folder.files)
    read: list[tuple[Quotes, str]] = []  # of this file and of those that follow it
    for number, file in enumerate(folder.files):
        # Whether a run that starts in the last window is too long is known only so much later.
        until = file.last_ns + label.horizon_ns + (label.max_stale_ns or 0)
        stop = number + 1
        # One row past the last window, so that a gap that starts in it is seen.
        while stop < len(folder.files) and folder.files[stop - 1].last_ns <= until:
            stop += 1
        read.extend(islice(source, stop - number - len(read)))
        mine, digest = read.pop(0)
        halo = [_until(quotes, until) for quotes, _ in read[: stop - number - 1]]
        time_ns, bid, ask = (np.concatenate(parts) for parts in zip(mine, *halo, strict=True))
        rows, end_ns = len(mine.time_ns), folder.last_ns
        since_ns = runs.follow(time_ns, bid, ask, rows=rows)
        labels = compute(time_ns, bid, ask, label, rows=rows, end_ns=end_ns, since_ns=since_ns)
        _check_size(folder, file, labels.alpha_outcome)
        frozen = float(np.max(mine.time_ns - since_ns[:rows])) / 1e9
        yield file, digest, mine.time_ns, frozen, labels, past.follow(*mine, labels.alpha_outcome)


def _until(quotes: Quotes, until_ns: int) -> Sequence[np.ndarray]:
    """The rows up to a moment, and one more."""
    stop = int(np.searchsorted(quotes.time_ns, until_ns, side="right")) + 1
    return [column[:stop] for column in quotes]

"""Labels: what the window after each row would have brought, or why that is not known."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import whole_folder, write_json
from alpha.core.errors import InputError
from alpha.core.progress import track
from alpha.core.store import Block, record, write_frame
from alpha.data.columns import OUTCOME_COLUMNS, PAST_COLUMNS
from alpha.data.features import FeatureFile, FeatureFolder, Quotes, open_folder
from alpha.data.params import Data, Label
from alpha.label import profile
from alpha.label.past import Past
from alpha.label.targets import Labels, compute

# Times the price: sums of such outcomes are finite still.
_LARGEST = 1e100


def run(data: Data, label: Label, *, features: Path, out: Path) -> None:
    """Write a label file for each feature file, of the same name, profile.json
    (alpha.label.profile), and nodes.json (alpha.core.store.logical).

    Beside its labels each row has what was known at t: the columns of alpha.label.past.

    Raises InputError if a feature file cannot be used, if its quotes are so far apart that no
    figure can be made of an outcome, or if no row has a label.
    """
    folder = open_folder(features, data)
    with (
        whole_folder(out) as part,
        profile.Profiler(data, label, part.parent) as profiler,
        ThreadPoolExecutor(1) as beside,
    ):
        (part / "labels").mkdir()
        digests: dict[str, str] = {}
        written: list[tuple[Path, Future[dict[str, str]]]] = []
        for made in track(_each(folder, label, digests), "labels", total=len(folder.files)):
            _check_size(folder, made.file, made.labels.alpha_outcome)
            path = part / "labels" / made.file.path.name
            if len(written) > 1:
                written[-2][1].result()
            written.append((path, beside.submit(_write, path, made, profiler)))
        nodes = {path: done.result() for path, done in written}
        found = profiler.profile(digest=profile.data_digest(digests))
        counts = found.total.status
        if counts.labelled == 0:
            raise InputError(
                f"{features}: no row has a label: of {found.total.rows} rows, "
                f"{counts.end_of_data} are less than label.horizon_seconds "
                f"({label.horizon_seconds:g}) before the end of data, {counts.gap} have a gap "
                f"and {counts.bad_quote} a bad quote in their window"
            )
        write_json(part / profile.NAME, found.content)
        record(part / "labels", nodes)


@dataclass(frozen=True)
class _Made:
    """What there is of one feature file's rows that count; `past` is (rows, PAST_COLUMNS)."""

    file: FeatureFile
    quotes: Quotes
    labels: Labels
    past: np.ndarray


def _write(path: Path, made: _Made, profiler: profile.Profiler) -> dict[str, str]:
    """Profile and write a label file; gives back its nodes (alpha.core.store.logical)."""
    labels, time_ns = made.labels, made.quotes.time_ns
    profiler.add(
        path.name,
        labels.alpha_outcome,
        labels.status,
        time_ns,
        duplicates=made.file.duplicates,
    )
    blocks = (
        Block(
            (*OUTCOME_COLUMNS, *PAST_COLUMNS),
            np.column_stack((labels.up, labels.down, labels.alpha_outcome, made.past)),
        ),
        Block(("status",), labels.status[:, None]),
    )
    return write_frame(path, time_ns, blocks, aware=made.file.aware)


def _check_size(folder: FeatureFolder, file: FeatureFile, outcome: np.ndarray) -> None:
    far = np.abs(outcome) > _LARGEST
    if far.any():
        at = int(np.argmax(far))
        with folder.open(file) as frame:
            row = np.arange(file.rows)[folder.times(file, frame)[1]][at]
        raise InputError(
            f"{file.path}: row {row}: an outcome must be at most {_LARGEST:g} times the "
            f"price, found {outcome[at]:g} from the quotes in its window"
        )


def _each(folder: FeatureFolder, label: Label, digests: dict[str, str]) -> Iterator[_Made]:
    """Label file by file, each with as much of the following files as its windows need, and
    of the earlier ones as its past does. The next file is read meanwhile.

    Adds the digest of each file to `digests`, by name.
    """
    past = Past(label)
    source = parallel.ahead(folder.quotes(file) for file in folder.files)
    read: dict[int, Quotes] = {}
    for number, file in enumerate(folder.files):
        until = file.last_ns + label.horizon_ns
        stop = number + 1
        # One row past the last window, so that a gap that starts in it is seen.
        while stop < len(folder.files) and folder.files[stop - 1].last_ns <= until:
            stop += 1
        for at in range(number, stop):
            if at not in read:
                read[at], digests[folder.files[at].path.name] = next(source)
        mine = read[number]
        halo = [_until(read[at], until) for at in range(number + 1, stop)]
        time_ns, bid, ask = (np.concatenate(parts) for parts in zip(mine, *halo, strict=True))
        rows, end_ns = len(mine.time_ns), folder.last_ns
        labels = compute(time_ns, bid, ask, label, rows=rows, end_ns=end_ns)
        del read[number]
        yield _Made(file, mine, labels, past.follow(*mine, labels.alpha_outcome))


def _until(quotes: Quotes, until_ns: int) -> Quotes:
    """The rows up to a moment, and one more."""
    stop = int(np.searchsorted(quotes.time_ns, until_ns, side="right")) + 1
    return Quotes(*(column[:stop] for column in quotes))

"""The files of a source as streams of events, one for each of its patterns."""

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from alpha.core.errors import InputError
from alpha.core.text import some
from alpha.ingest.events import NOTHING, Events
from alpha.ingest.formats import MESSAGES
from alpha.ingest.messages import Recording, first_local_time, read_recording
from alpha.ingest.params import Files, Ingest, Source, find_files
from alpha.ingest.progress import BACK_NS, Progress, moment
from alpha.ingest.tables import TableFile

# How far median prices and sizes may be apart from one file to the next.
_APART = np.log([4, 1000])
_TYPICAL = 1000  # as many events have a median that says something


def open_streams(
    source: Source, ingest: Ingest, counts: Counter[str], *, rows: int = 1 << 17
) -> list[Iterator[Events]]:
    """An iterator for each pattern of the source's files: batches of about `rows` that never go
    back in time, by the clock of `ingest`, of the symbol that it chooses. What is broken is added
    to `counts` as they are read. Raises InputError, naming file and row, for what cannot be
    used; docs/reference/formats.md says what that is."""
    return [
        _stream(paths, source.files[pattern], ingest, counts, rows)
        for pattern, paths in find_files(source).items()
    ]


def _stream(
    paths: list[Path], files: Files, ingest: Ingest, counts: Counter[str], rows: int
) -> Iterator[Events]:
    """All files of a pattern, in order of the first time in each."""
    folder = paths[0].parent
    progress = Progress(counts, ingest.symbol)
    recording = None
    if files.kind == MESSAGES:
        recording = Recording(files.format, ingest.clock, progress)
    if files.format == "lobster":
        # Each has a file of the books beside it.
        paths = [path for path in paths if "orderbook" not in path.name]

    table = partial(TableFile, files=files, clock=ingest.clock)
    start = first_local_time if recording else lambda path: table(path).first_time()
    filled = [path for path in paths if path.stat().st_size]
    starts = [(time_ns, path) for path in filled if (time_ns := start(path))]
    counts["empty_files"] += len(paths) - len(starts)
    before, typical = None, np.full(2, np.nan)
    for time_ns, path in sorted(starts):
        if before and time_ns < progress.newest_ns - BACK_NS:
            must = f"must start where {before} ends, {moment(progress.newest_ns)}"
            hint = "several symbols, or a copy?"
            raise InputError(f"{path}: {must}, found {moment(time_ns)}; {hint}")
        if recording:
            batches = read_recording(path, recording, rows)
        else:
            batches = table(path).events(progress, rows)
        last = NOTHING
        for at, batch in enumerate(batches):
            if at == 0:
                apart = np.abs(np.log(_typical(batch) / typical)) > _APART
                for what in np.array(["prices", "sizes"])[apart]:
                    must = f"must be in the units of the file before, found others than in {before}"
                    raise InputError(f"{path}: {what} {must}; units changed, or another symbol?")
            if at == 0 or len(batch.time_ns) >= _TYPICAL:
                last = batch
            yield batch
        typical = _typical(last)
        before = path
    if not progress.newest_ns and counts["without_time"]:
        raise InputError(f"{folder}: must have times of the exchange, or ingest.clock be local")
    if progress.symbol and progress.symbols and progress.symbol not in progress.symbols:
        must = f"must hold messages of {progress.symbol} (ingest.symbol)"
        raise InputError(f"{folder}: {must}, found {some(sorted(progress.symbols))}")


def _typical(events: Events) -> np.ndarray:
    """Median price and size of events, of books those of the best bid, (2,); NaN if there are
    none."""
    both = events.books[:, 0, :2] if len(events.books) else np.stack(events[4:6], axis=1)
    sound = both[(both > 0).all(axis=1)]
    return np.median(sound, axis=0) if len(sound) else np.full(2, np.nan)

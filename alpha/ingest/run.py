"""Raw market data to feature files: rows on a grid, a file a UTC day."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.artifacts import whole_folder, write_json
from alpha.core.errors import InputError
from alpha.core.frames import Block, import_ahead, write_frame
from alpha.core.layout import ROW_BYTES
from alpha.ingest.events import NOTHING, Events, merge
from alpha.ingest.formats import MESSAGES, SNAPSHOTS, TRADES
from alpha.ingest.params import Ingest, Limit, Source, market
from alpha.ingest.sources import open_streams
from alpha.ingest.stream import QUOTES, FeatureRows, FeatureStream

_DAY_NS = 86_400 * 10**9
_DAY = "rows", "without_quotes"  # what the summary says of each


def run(ingest: Ingest, data: Limit, *, out: Path) -> None:
    """Write out/SYMBOL-data-DD-MM-YYYY.h5, a file a UTC day with best_bid and best_ask (float64)
    and the features (float32), and out/summary.json: what was found, and what became of it.

    Raises InputError, naming file and row, if raw files are not as params say, or if most of the
    rows have no quotes, or most trades are of another book, or a day has more rows than are read.
    """
    source = market(ingest)
    symbol = re.sub(r"[^\w.-]", "-", f"{ingest.symbol}-") if ingest.symbol else ""
    import_ahead()
    found: Counter[str] = Counter()
    days: dict[str, dict[str, int]] = {}
    with whole_folder(out) as part:
        stream, batches = open_features(ingest, source, open_streams(source, ingest, found))
        for day in each_day(batches, round(data.max_file_mb * 1e6)):
            date = np.datetime64(int(day.time_ns[0]), "ns").astype("datetime64[D]").item()
            name = f"{symbol}data-{date:%d-%m-%Y}.h5"
            blocks = [Block(QUOTES, day.quotes), Block(stream.names, day.features)]
            write_frame(part / name, day.time_ns, blocks, tz_aware=True)
            numbers = len(day.time_ns), int(np.count_nonzero(np.isnan(day.quotes[:, 0])))
            days[name] = dict(zip(_DAY, numbers, strict=True))
        counts = stream.counts | found
        noted = (f"{count:,} {what.replace('_', ' ')}" for what, count in counts.items() if count)
        found_was = ", ".join(noted) or "nothing"
        rows, without = (sum(day[name] for day in days.values()) for name in _DAY)
        if 2 * without >= rows:
            must = "must make rows on the grid, most of them with quotes"
            found_rows = f"{rows:,}, {without:,} of them without"
            raise InputError(f"{source.dir}: {must}, found {found_rows}: {found_was}")
        if counts["trades_outside_book"] > max(counts["trades"], 10):
            must = "most trades must be near the book's best quotes"
            hint = "another symbol, or another unit?"
            raise InputError(f"{source.dir}: {must}, found {found_was}; {hint}")
        write_json(part / "summary.json", {"days": days, "counts": counts})
    print(f"{rows:,} rows in {len(days)} files: {found_was}")


def open_features(
    ingest: Ingest, source: Source, streams: Sequence[Iterator[Events]]
) -> tuple[FeatureStream, Iterator[FeatureRows]]:
    """What makes features of the streams of a source, and the rows of all their events."""
    kinds = {files.kind for files in source.files.values()}
    firsts = [next(stream, NOTHING) for stream in streams]
    # How deep whole books are, they show; others are as deep as features want them.
    levels = max(batch.books.shape[1] for batch in firsts) if SNAPSHOTS in kinds else ingest.levels
    trades = kinds & {TRADES, MESSAGES} or any(files.action for files in source.files.values())
    stream = FeatureStream(ingest, levels=levels, trades=bool(trades))
    whole = [chain([first], others) for first, others in zip(firsts, streams, strict=True)]

    def rows() -> Iterator[FeatureRows]:
        last_ns = None
        for events in parallel.ahead(merge(whole)):
            if len(events.time_ns):
                yield from stream.feed_parts(events)
                last_ns = int(events.time_ns[-1])
        if last_ns is not None:
            yield stream.advance(last_ns)

    return stream, rows()


def each_day(batches: Iterable[FeatureRows], max_bytes: int) -> Iterator[FeatureRows]:
    """The rows of each UTC day that has any. Raises InputError for a day of more than can be
    labelled in so many bytes."""
    day: list[FeatureRows] = []
    for rows in batches:
        dates = rows.time_ns // _DAY_NS
        edges = [0, *(np.flatnonzero(np.diff(dates)) + 1).tolist(), len(dates)]
        for start, stop in pairwise(edges):
            if day and stop > start and day[-1].time_ns[0] // _DAY_NS != dates[start]:
                yield _join(day)
                day = []
            if stop > start:
                day.append(FeatureRows(*(column[start:stop] for column in rows)))
                if sum(len(part.time_ns) for part in day) * ROW_BYTES > max_bytes:
                    must = f"must make days of at most {max_bytes // ROW_BYTES:,} rows"
                    raise InputError(f"ingest.grid_seconds: {must} (data.max_file_mb), found more")
    if day:
        yield _join(day)


def _join(parts: Sequence[FeatureRows]) -> FeatureRows:
    return FeatureRows(*map(np.concatenate, zip(*parts, strict=True)))

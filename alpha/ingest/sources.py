"""The files of a source as streams of events, one for each of its patterns."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from alpha.core.errors import InputError
from alpha.core.text import some
from alpha.ingest.events import Events
from alpha.ingest.formats import MESSAGES
from alpha.ingest.messages import Recording
from alpha.ingest.params import Files, Ingest, Source, find_files
from alpha.ingest.progress import BACK_NS, Progress, moment, to_ns
from alpha.ingest.rawfiles import CutShort, open_bytes, sound
from alpha.ingest.tables import first_time, read_table

_PIECE = 1 << 18  # bytes of a recording at once
_LONGEST = 1 << 24  # bytes of a line


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
    if files.format == "lobster":
        # Each has a file of the books beside it.
        paths = [path for path in paths if "orderbook" not in path.name]
    progress = Progress(counts, ingest.symbol)
    recording = None
    if files.kind == MESSAGES:
        recording = Recording(files.format, ingest.clock, progress)
    starts = [
        (start, path)
        for path in paths
        if (start := _first_line(path) if recording else first_time(path, files, ingest.clock))
    ]
    counts["empty_files"] += len(paths) - len(starts)
    before = None
    for start, path in sorted(starts):
        if before and start < progress.newest_ns - BACK_NS:
            raise InputError(
                f"{path}: must start where {before} ends, {moment(progress.newest_ns)}, found "
                f"{moment(start)}; several symbols?"
            )
        if recording:
            batches = _read_recording(path, recording, rows)
        else:
            batches = read_table(path, files, ingest.clock, progress, rows)
        yield from progress.same_units(path, batches)
        before = path
    if not progress.newest_ns and counts["without_time"]:
        raise InputError(f"{folder}: must have times of the exchange, or ingest.clock be local")
    if progress.symbol and progress.symbols and progress.symbol not in progress.symbols:
        raise InputError(
            f"{folder}: must hold messages of {progress.symbol} (ingest.symbol), found "
            f"{some(sorted(progress.symbols))}"
        )


def _read_recording(path: Path, recording: Recording, rows: int) -> Iterator[Events]:
    """The events of a file of recorded lines, which may end anywhere: what is whole counts."""
    recording.open(path)
    rest, cut = b"", False
    for piece in _pieces(path):
        cut = piece is None
        *lines, rest = (rest + (piece or b"")).split(b"\n")
        if len(rest) > _LONGEST:
            raise InputError(f"{path}: must have lines of at most {_LONGEST:,} bytes")
        for line in lines:
            recording.add(line)
            if recording.waiting >= rows:
                yield recording.take()
    recording.end(rest, cut=cut)
    yield recording.take()


def _pieces(path: Path) -> Iterator[bytes | None]:
    """The content of a file, and None after the last byte of one that is cut."""
    stream, done, size = open_bytes(path), 0, _PIECE
    while size:
        try:
            with sound(path):
                piece = stream.read(size)
        except CutShort:
            if size == 1:
                yield None
                return
            # Once more, byte by byte from where the last whole piece ended.
            stream, size = open_bytes(path), 1
            for start in range(0, done, _PIECE):
                stream.read(min(_PIECE, done - start))
            continue
        done += len(piece)
        size = size if piece else 0
        yield piece


def _first_line(path: Path) -> int | None:
    """The local time of the first line that has one; None if a file is empty."""
    start = next(_pieces(path)) or b""
    for line in start.split(b"\n"):
        local = line.partition(b" ")[0]
        if local.isdigit() and len(local) < 20:
            return to_ns(int(local))
    if start.strip():
        raise InputError(f"{path}: must have lines of a local time in ns and JSON")
    return None

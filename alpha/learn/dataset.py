"""A split as a model sees it: what is known at each row, and the outcome that came; in memory, or
in its files."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, groupby
from operator import itemgetter
from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.errors import InputError
from alpha.data.columns import PAST_COLUMNS
from alpha.data.contract import Contract, apply
from alpha.data.splits import Piece, features_of, split_pieces
from alpha.learn.known import PART_ROWS, Known, aligned

# Rows that are read together, however they are shuffled: whole chunks of the files.
_CHUNK_ROWS = 1 << 13
# Beside its features: time, outcome, past, volatility, target, weight, and its place in an order.
_ROW_BYTES = 80
# How much of the memory valid may have at most.
_VALID_SHARE = 0.25
# The number of a file, and some of its rows.
_Chunk = tuple[int, range]


# Rows to train on, valid until the next are asked for: x (n, features) float32, which rows of the
# split they are, (n,) int64, and the order (steps · batch,) int32 in which to take them.
Shuffled = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Dataset:
    """Rows of one split, or a part of them: `time_ns` (rows,) int64 ascends, `y` (rows,) float64
    are the outcomes, without NaN, `volatility` (rows,) float64 is NaN where unknown; `clipped` and
    `replaced` count feature values that normalization clipped, or that were not finite."""

    time_ns: np.ndarray
    known: Known
    y: np.ndarray
    volatility: np.ndarray
    clipped: int
    replaced: int
    tz_aware: bool

    @property
    def x(self) -> np.ndarray:
        return self.known.x

    def parts(self) -> Iterator[Known]:
        """All rows in order, part by part."""
        yield self.known

    def shuffled(self, rng: np.random.Generator, *, batch: int) -> Iterator[Shuffled]:
        """Every row once, but for what no whole batch is left for, in an order that `rng` draws.
        There are at least `batch` rows."""
        rows = len(self.y)
        order = rng.permutation(rows)[: rows // batch * batch]
        yield self.x, np.arange(rows), order.astype(np.int32)


def read_parts(
    pieces: Sequence[Piece],
    contract: Contract,
    *,
    features: bool = True,
    into: np.ndarray | None = None,
) -> Iterator[Dataset]:
    """A split's pieces, in their order, in parts of at most PART_ROWS rows, each of one file; with
    `into`, (rows of all, features) float32, each part's `x` are the next rows of it. Raises
    InputError if the features are not the contract's."""
    row = 0
    for of in pieces:
        with of.open() as frame:
            contract.check_names(features_of(frame), of.path)
            for piece in parallel.cut(frame.rows, PART_ROWS):
                start, stop = piece.start, piece.stop
                found = frame.matrix(("alpha_outcome", *PAST_COLUMNS), start=start, stop=stop)
                x, clipped, replaced = np.empty((len(piece), 0), dtype=np.float32), 0, 0
                if features:
                    values = frame.matrix(contract.names, start=start, stop=stop)
                    out = None if into is None else into[row : row + len(piece)]
                    x, clipped, replaced = apply(values, contract.of(of.symbol), out=out)
                    del values
                y, past, volatility = found[:, 0].copy(), found[:, 1:-1], found[:, -1].copy()
                known, time_ns = Known(x, past), frame.time_ns(start=start, stop=stop)
                yield Dataset(time_ns, known, y, volatility, clipped, replaced, frame.tz_aware)
                row += len(piece)


def load(
    split: Path, contract: Contract, *, features: bool = True, symbol: str | None = None
) -> Dataset:
    """The whole split in memory, or of one symbol, without an `x` unless `features`."""
    pieces = split_pieces(split, symbol)
    rows = sum(len(piece.rows) for piece in pieces)
    x = aligned(rows, len(contract.names) if features else 0)
    coming = read_parts(pieces, contract, features=features, into=x if features else None)
    found = list(parallel.ahead(coming))
    return Dataset(
        time_ns=np.concatenate([part.time_ns for part in found]),
        known=Known(x, np.concatenate([part.known.past for part in found])),
        y=np.concatenate([part.y for part in found]),
        volatility=np.concatenate([part.volatility for part in found]),
        clipped=sum(part.clipped for part in found),
        replaced=sum(part.replaced for part in found),
        tz_aware=found[0].tz_aware,
    )


class Stream:
    """The rows of a split in its files: in memory are their times and outcomes, parts on their
    way, and two buffers of `buffer_rows` to train on. Chunks of consecutive rows, in an order drawn
    by chance, fill a buffer, whose rows are shuffled; the next is read while one is trained on."""

    def __init__(
        self, split: Path, contract: Contract, *, buffer_rows: int = 0, symbol: str | None = None
    ) -> None:
        self._contract, self._buffer_rows = contract, buffer_rows
        self._pieces = split_pieces(split, symbol)
        self._sizes = [len(piece.rows) for piece in self._pieces]
        parts = read_parts(self._pieces, contract, features=False)
        columns = zip(*((part.time_ns, part.y) for part in parts), strict=True)
        self.time_ns, self.y = (np.concatenate(column) for column in columns)
        self._starts = np.cumsum((0, *self._sizes))

    def parts(self) -> Iterator[Known]:
        for part in parallel.ahead(read_parts(self._pieces, self._contract)):
            yield part.known

    def shuffled(self, rng: np.random.Generator, *, batch: int) -> Iterator[Shuffled]:
        """As a Dataset's; what a buffer has left of its last batch opens the next buffer."""
        room = max(self._buffer_rows, batch, _CHUNK_ROWS)
        # Two, in turns: one is filled while the other is trained on.
        buffers = [aligned(batch + room, len(self._contract.names)) for _ in range(2)]
        places = [np.zeros(batch + room, dtype=np.int64) for _ in range(2)]
        sizes = enumerate(self._sizes)
        chunks = [(file, rows) for file, size in sizes for rows in parallel.cut(size, _CHUNK_ROWS)]
        drawn = [chunks[at] for at in rng.permutation(len(chunks))]
        filled = (
            (x, rows, self._fill(x[batch:], rows[batch:], part))
            for part, x, rows in zip(_fillings(drawn, room), cycle(buffers), cycle(places))
        )
        left, left_rows = np.empty((0, buffers[0].shape[1]), dtype=np.float32), np.empty(0, int)
        for x, rows, count in parallel.ahead(filled):
            first = batch - len(left)
            x[first:batch], rows[first:batch] = left, left_rows
            order = first + rng.permutation(len(left) + count)
            whole = len(order) // batch * batch
            if whole:
                yield x, rows, order[:whole].astype(np.int32)
            others = order[whole:]
            left, left_rows = x[others], rows[others]

    def _fill(self, x: np.ndarray, rows: np.ndarray, chunks: Sequence[_Chunk]) -> int:
        """Read chunks, each file's together, into `x`, and into `rows` which rows they are;
        return how many."""
        at, file = 0, itemgetter(0)
        for number, own in groupby(sorted(chunks, key=file), key=file):
            with self._pieces[number].open() as frame:
                for _, chunk in own:
                    start, stop = chunk.start, chunk.stop
                    values = frame.matrix(self._contract.names, start=start, stop=stop)
                    into = slice(at, at := at + len(chunk))
                    apply(values, self._contract.of(self._pieces[number].symbol), out=x[into])
                    rows[into] = self._starts[number] + np.arange(start, stop)
        return at


# The rows of one split, wherever they are.
Rows = Dataset | Stream


def open_both(
    train: Path,
    valid: Path,
    contract: Contract,
    *,
    memory_bytes: int,
    batch: int,
    symbol: str | None = None,
) -> tuple[Rows, Rows]:
    """Train and valid, in memory if there is room for all their rows; else valid in memory if it
    takes a quarter of it at most, and train in its files, with buffers of what is left. Raises
    InputError if that is not enough for batches of `batch` rows."""
    of_row = 4 * len(contract.names) + _ROW_BYTES
    pieces = (split_pieces(split, symbol) for split in (train, valid))
    train_rows, valid_rows = (sum(len(piece.rows) for piece in of) for of in pieces)
    if (train_rows + valid_rows) * of_row <= memory_bytes:
        return load(train, contract, symbol=symbol), load(valid, contract, symbol=symbol)
    loaded = valid_rows * of_row <= _VALID_SHARE * memory_bytes
    left = memory_bytes - train_rows * _ROW_BYTES - valid_rows * (of_row if loaded else _ROW_BYTES)
    # Two buffers, each with room for what the other leaves of its last batch.
    buffer_rows = left // (2 * of_row) - batch
    least = max(batch, _CHUNK_ROWS)
    if buffer_rows < least:
        needed = memory_bytes + 2 * of_row * (least - buffer_rows)
        rows = f"{train_rows} rows of train and {valid_rows} of valid"
        must = f"must be at least {math.ceil(needed / 1e6)} for {rows}"
        of = f"with {len(contract.names)} features"
        raise InputError(f"train.memory_mb: {must} {of}, found {memory_bytes / 1e6:g}")
    watched = (load if loaded else Stream)(valid, contract, symbol=symbol)
    return Stream(train, contract, buffer_rows=buffer_rows, symbol=symbol), watched


def _fillings(chunks: Sequence[_Chunk], room: int) -> Iterator[list[_Chunk]]:
    """As many of the chunks at a time as there is room for their rows."""
    found: list[_Chunk] = []
    left = room
    for chunk in chunks:
        if found and len(chunk[1]) > left:
            yield found
            found, left = [], room
        found.append(chunk)
        left -= len(chunk[1])
    yield found

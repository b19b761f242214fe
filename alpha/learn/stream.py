"""A split that stays in its files: parts of it are read when they are needed.

To train on, rows are shuffled in two steps: chunks of consecutive rows, in an order drawn by
chance, fill a shuffle buffer, and the rows of the buffer are shuffled. While one buffer is trained
on, a thread reads the next.
"""

import math
from bisect import bisect
from collections.abc import Iterator, Sequence
from itertools import cycle, groupby
from pathlib import Path

import numpy as np

from alpha.core import parallel
from alpha.core.errors import InputError
from alpha.core.frames import open_frame
from alpha.data.contract import Contract, apply
from alpha.data.features import split_sizes
from alpha.learn import dataset
from alpha.learn.dataset import Dataset, Known, Shuffled, aligned, whole_batches

# Rows that are read together, however they are shuffled: whole chunks of the files.
_CHUNK_ROWS = 1 << 13
# Beside its features: time, outcome, past, volatility, target, weight, and its place in an order.
_ROW_BYTES = 80
# How much of the memory valid may have at most.
_VALID_SHARE = 0.25


class Stream:
    """The rows of a split in its files: in memory are their times and outcomes, parts on their
    way, and two buffers of `buffer_rows` to train on."""

    def __init__(self, split: Path, contract: Contract, *, buffer_rows: int = 0) -> None:
        self._contract, self._buffer_rows = contract, buffer_rows
        self._paths, self._sizes = zip(*split_sizes(split), strict=True)
        parts = dataset.parts(self._paths, contract, features=False)
        columns = zip(*((part.time_ns, part.y) for part in parts), strict=True)
        self.time_ns, self.y = (np.concatenate(column) for column in columns)
        self._starts = np.cumsum((0, *self._sizes)).tolist()

    def parts(self) -> Iterator[Known]:
        for part in parallel.ahead(dataset.parts(self._paths, self._contract)):
            yield part.known

    def shuffled(self, rng: np.random.Generator, *, batch: int) -> Iterator[Shuffled]:
        """As Dataset's, in an order that is less by chance the fewer chunks a buffer holds. What a
        buffer has left of its last batch opens the next buffer."""
        room = max(self._buffer_rows, batch, _CHUNK_ROWS)
        # Two, in turns: one is filled while the other is trained on.
        buffers = [aligned(batch + room, len(self._contract.names)) for _ in range(2)]
        places = [np.zeros(batch + room, dtype=np.int64) for _ in range(2)]
        chunks = [
            range(start + rows.start, start + rows.stop)
            for start, size in zip(self._starts, self._sizes, strict=False)
            for rows in parallel.cut(size, _CHUNK_ROWS)
        ]
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
            taken = whole_batches(order, batch)
            if len(taken):
                yield Shuffled(x, rows, taken)
            others = order[len(taken) :]
            left, left_rows = x[others], rows[others]

    def _fill(self, x: np.ndarray, rows: np.ndarray, chunks: Sequence[range]) -> int:
        """Read chunks, each file's together, into `x`, and into `rows` which rows they are;
        return how many."""

        def file(chunk: range) -> int:
            return bisect(self._starts, chunk.start) - 1

        at = 0
        for number, own in groupby(sorted(chunks, key=file), key=file):
            first = self._starts[number]
            with open_frame(self._paths[number]) as frame:
                for chunk in own:
                    start, stop = chunk.start - first, chunk.stop - first
                    values = frame.matrix(self._contract.names, start=start, stop=stop)
                    into = slice(at, at := at + len(chunk))
                    apply(values, self._contract, out=x[into])
                    rows[into] = np.arange(chunk.start, chunk.stop)
        return at


# The rows of one split, wherever they are.
Rows = Dataset | Stream


def open_both(
    train: Path, valid: Path, contract: Contract, *, memory_bytes: int, batch: int
) -> tuple[Rows, Rows]:
    """Train and valid, in memory if there is room for all their rows; else valid in memory if it
    takes a quarter of it at most, and train in its files, with buffers of what is left.

    Raises InputError if that is not enough for batches of `batch` rows.
    """
    of_row = 4 * len(contract.names) + _ROW_BYTES
    train_rows, valid_rows = (
        sum(rows for _, rows in split_sizes(split)) for split in (train, valid)
    )
    if (train_rows + valid_rows) * of_row <= memory_bytes:
        return dataset.load(train, contract), dataset.load(valid, contract)
    loaded = valid_rows * of_row <= _VALID_SHARE * memory_bytes
    left = memory_bytes - train_rows * _ROW_BYTES - valid_rows * (of_row if loaded else _ROW_BYTES)
    # Two buffers, each with room for what the other leaves of its last batch.
    buffer_rows = left // (2 * of_row) - batch
    least = max(batch, _CHUNK_ROWS)
    if buffer_rows < least:
        needed = memory_bytes + 2 * of_row * (least - buffer_rows)
        raise InputError(
            f"train.memory_mb: must be at least {math.ceil(needed / 1e6)} for {train_rows} rows of "
            f"train and {valid_rows} of valid with {len(contract.names)} features, found "
            f"{memory_bytes / 1e6:g}"
        )
    watched = dataset.load(valid, contract) if loaded else Stream(valid, contract)
    return Stream(train, contract, buffer_rows=buffer_rows), watched


def _fillings(chunks: Sequence[range], room: int) -> Iterator[list[range]]:
    """As many of the chunks at a time as there is room for their rows."""
    found: list[range] = []
    left = room
    for chunk in chunks:
        if found and len(chunk) > left:
            yield found
            found, left = [], room
        found.append(chunk)
        left -= len(chunk)
    yield found

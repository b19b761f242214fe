"""Independent pieces of work side by side, in threads of this process. How many run at once depends
on the machine; what they make does not: work is cut by its size alone, and put together in order.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Piece = TypeVar("Piece")
Made = TypeVar("Made")
_END: Any = object()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def each(work: Callable[[Piece], Made], pieces: Iterable[Piece]) -> list[Made]:
    """`work` of each piece, in their order. Raises what the first piece that failed raised."""
    pieces = list(pieces)
    threads = min(cores(), len(pieces))
    if threads < 2:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, pieces))


def cut(rows: int, size: int) -> Sequence[range]:
    """Consecutive ranges of at most `size` rows that make up range(rows)."""
    return [range(start, min(start + size, rows)) for start in range(0, rows, size)]


def by_rows(work: Callable[..., Made], x: Any, *given: Any, out: Any, size: int) -> list[Made]:
    """`work(x, *given, out)` of at most so many rows of `x` and `out` at a time."""
    if len(x) == 1:  # A row that just arrived waits for nothing that it does not need.
        return [work(x, *given, out)]
    parts = (slice(piece.start, piece.stop) for piece in cut(len(x), size))
    return each(lambda rows: work(x[rows], *given, out[rows]), parts)


def ahead(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same pieces, of which the next is made while the last one is worked on."""
    source = iter(pieces)
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, source, _END)
        while (piece := coming.result()) is not _END:
            coming = reader.submit(next, source, _END)
            yield piece

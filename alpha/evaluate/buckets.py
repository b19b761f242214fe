"""Records in the order of a value, more of them than are sorted in memory: an external sort.

Once they are more than a few, records are dealt out by value to buckets in a scratch file, and one
bucket after the other is sorted. Where buckets end is found from the first records. Rows with
equal values stay together, and the values at which buckets end have buckets of their own: such a
one is in order as it is, however many rows are equal, and any other that came out too large, as
later records are not like the first, is dealt out again.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from alpha.core import parallel
from alpha.core.scratch import Dealt
from alpha.evaluate.order import ordered

# The most rows that are sorted at once.
BUCKET_ROWS = 1 << 18
# The most values at which buckets end.
_MOST_ENDS = 128
# Of a bucket: so few that a sample is small, so many that they come out alike.
_SAMPLED = 200


class Visitor(ABC):
    """Who is shown records in ascending order of their value, those with equal values together.

    Most come as `groups`: whole groups of equals that are in memory, of `records` (rows,) in any
    order `order` and `starts` as alpha.evaluate.order gives them.
    A group that is larger than that comes in parts, and twice: each part is shown to `count`,
    then comes `counted`, and then each part is shown to `equal`.
    """

    @abstractmethod
    def groups(self, records: np.ndarray, order: np.ndarray, starts: np.ndarray) -> None: ...

    @abstractmethod
    def count(self, records: np.ndarray) -> None: ...

    @abstractmethod
    def counted(self) -> None: ...

    @abstractmethod
    def equal(self, records: np.ndarray) -> None: ...


class Unordered:
    """Records of a dtype with a field `value`, float64 without NaN, that are to be shown in its
    order; `count` says how many. Few are in memory, many in a scratch file in `folder`."""

    def __init__(self, folder: Path, dtype: Any) -> None:
        self._folder, self._dtype = folder, np.dtype(dtype)
        self._held: list[np.ndarray] = []
        self._ends = np.empty(0)
        self._dealt: Dealt | None = None
        self._files = ExitStack()
        self.count = 0

    def __enter__(self) -> "Unordered":
        return self

    def __exit__(self, *error: object) -> None:
        self._held.clear()
        self._files.close()

    def add(self, records: np.ndarray) -> None:
        """More records, (records,), which must not change afterwards."""
        if not len(records):
            return
        self.count += len(records)
        if self._dealt is not None:
            self._deal(self._dealt, records)
            return
        self._held.append(records)
        if self.count > BUCKET_ROWS:
            dealt = self._open(_ends(self._held, self.count))
            while self._held:
                self._deal(dealt, self._held.pop(0))

    def _open(self, ends: np.ndarray) -> Dealt:
        """From now on records are dealt out to buckets with these ends."""
        self._ends = ends
        self._dealt = self._files.enter_context(Dealt(self._folder, self._dtype))
        return self._dealt

    def _deal(self, dealt: Dealt, records: np.ndarray) -> None:
        # Words are copied faster than records.
        words = np.ascontiguousarray(records).view(np.int64).reshape(len(records), -1)
        values = np.ascontiguousarray(records["value"])
        by_bucket, first = _by_bucket(values, self._ends, words)
        dealt.add(by_bucket.reshape(-1).view(self._dtype), first)

    def pieces(self) -> "Iterator[_Sorted | _Equal]":
        """Groups of equals that fit into memory, and those that do not, in ascending order."""
        if self._dealt is None:
            yield _sorted([np.empty(0, dtype=self._dtype), *self._held])
            return
        together: list[np.ndarray] = []
        for bucket, size in enumerate(self._dealt.sizes.tolist()):
            if together and sum(map(len, together)) + size > BUCKET_ROWS:
                yield _sorted(together)
                together.clear()
            if size <= BUCKET_ROWS:
                together += self._dealt.parts(bucket)
            elif bucket % 2:
                yield _Equal(self._dealt, bucket)
            else:
                # It came out too large, as the first records were not like it. Its files are open
                # for as long as these: a piece of them is looked at while the next is made.
                again = self._files.enter_context(Unordered(self._folder, self._dtype))
                again._open(_ends(self._dealt.parts(bucket), size))
                for part in self._dealt.parts(bucket):
                    again.add(part)
                yield from again.pieces()
        if together:
            yield _sorted(together)


@dataclass(frozen=True)
class _Sorted:
    """Whole groups in memory."""

    records: np.ndarray
    order: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True)
class _Equal:
    """One group: a bucket."""

    dealt: Dealt
    bucket: int

    def parts(self) -> Iterator[np.ndarray]:
        return self.dealt.parts(self.bucket)


def _ends(parts: Iterable[np.ndarray], rows: int) -> np.ndarray:
    """The values at which buckets of as many rows each would end, by a sample of all."""
    step = max(1, rows // (_SAMPLED * _MOST_ENDS))
    sample = np.sort(np.concatenate([part["value"][::step] for part in parts]))
    # Where a value is frequent several ends are one.
    return np.unique(sample[np.arange(_MOST_ENDS) * len(sample) // _MOST_ENDS])


def _sorted(parts: Sequence[np.ndarray]) -> _Sorted:
    records = np.concatenate(parts)
    return _Sorted(records, *ordered(records["value"]))


def visit(records: Unordered, visitors: Sequence[Visitor]) -> None:
    """Show records to each of `visitors` in the order of their value, equal ones in the order in
    which they were added; −0 equals 0. They are gone afterwards."""
    with records:
        for piece in parallel.ahead(records.pieces()):
            for visitor in visitors:
                _show(piece, visitor)


def _show(piece: _Sorted | _Equal, visitor: Visitor) -> None:
    if isinstance(piece, _Sorted):
        visitor.groups(piece.records, piece.order, piece.starts)
        return
    for part in piece.parts():
        visitor.count(part)
    visitor.counted()
    for part in piece.parts():
        visitor.equal(part)


@njit(cache=True, nogil=True)
def _by_bucket(
    values: np.ndarray, ends: np.ndarray, words: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The records' `words` (rows, n) by bucket, and the first row of each, (buckets + 1,).

    Bucket 2 k is below the k-th of `ends` (ascending), bucket 2 k + 1 equals it.
    """
    # Step by step of all bisections at once: rows do not wait for each other.
    bucket, left = np.zeros(len(values), dtype=np.int32), len(ends)
    while left > 1:
        half = left // 2
        for row in range(len(values)):
            bucket[row] += half if ends[bucket[row] + half - 1] < values[row] else 0
        left -= half
    first = np.zeros(2 * len(ends) + 2, dtype=np.int64)
    for row in range(len(values)):
        end = bucket[row] + (1 if ends[bucket[row]] < values[row] else 0)
        equal = 1 if ends[min(end, len(ends) - 1)] == values[row] else 0
        bucket[row] = 2 * end + equal
        first[bucket[row] + 1] += 1
    for at in range(1, len(first)):
        first[at] += first[at - 1]
    place, dealt = first[:-1].copy(), np.empty_like(words)
    for row in range(len(values)):
        at = place[bucket[row]]
        place[bucket[row]] += 1
        for word in range(words.shape[1]):
            dealt[at, word] = words[row, word]
    return dealt, first

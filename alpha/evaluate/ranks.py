"""Centered ranks, of rows that come in ascending order, among several sets of rows at once.

A centered rank is twice the average rank of a row's group of equals less the mean rank: whole
numbers that add up to 0. Every row has one among all rows, one among those of its regime and one
among those of its day, so that a column is sorted once for all three. Sets are numbered by slots
(alpha.evaluate.breakdown): 0 is all rows, and each row comes with the two others that it is in.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

from alpha.core import scratch
from alpha.core.scratch import Dealt, Scratch
from alpha.evaluate.buckets import Visitor

# What is sorted for the ranks of outcomes: `row` is the row's number.
TO_RANK = np.dtype([("value", "f8"), ("row", "i4"), ("slots", "i4", (2,))], align=True)
# What is found: ranks among all rows, and among those of each of the row's slots.
RANKED = np.dtype([("ranks", "i4", (3,)), ("slots", "i4", (2,))])
_PLACED = np.dtype([("row", "i4"), ("ranked", RANKED)])
# The most stretches of rows that ranks are collected by.
_MOST_STRETCHES = 128

# Is given records with the field `slots`, and their ranks, (rows, 3) int32.
Taker = Callable[[np.ndarray, np.ndarray], None]


def to_rank(outcome: np.ndarray, slots: np.ndarray, *, first: int) -> np.ndarray:
    """TO_RANK of the next rows, (rows,) and (rows, 2), of which `first` is the first."""
    records = np.empty(len(outcome), dtype=TO_RANK)
    records["value"], records["slots"] = outcome, slots
    records["row"] = np.arange(first, first + len(outcome))
    return records


class Ranker(Visitor):
    """Finds ranks, and hands records with theirs to `takers`. `rows` (slots,) int64 says how
    many rows each slot has, fewer than 2^31."""

    def __init__(self, rows: np.ndarray, *takers: Taker) -> None:
        self._rows = rows
        self._takers = takers
        self._before = np.zeros_like(rows)
        self._group = np.zeros_like(rows)
        self._equal = np.zeros(len(rows), dtype=np.int32)

    def groups(self, records: np.ndarray, order: np.ndarray, starts: np.ndarray) -> None:
        ranks = np.empty((len(records), 3), dtype=np.int32)
        slots = np.ascontiguousarray(records["slots"])
        _rank(order, starts, slots, self._rows, self._before, self._group, ranks)
        self._give(records, ranks)

    def count(self, records: np.ndarray) -> None:
        self._group[0] += len(records)
        self._group += np.bincount(records["slots"].ravel(), minlength=len(self._group))

    def counted(self) -> None:
        # Of a slot that the group has no row of, this is no rank, and is not asked for.
        self._equal = (2 * self._before + self._group - self._rows).astype(np.int32)
        self._before += self._group
        self._group[:] = 0

    def equal(self, records: np.ndarray) -> None:
        ranks = np.empty((len(records), 3), dtype=np.int32)
        ranks[:, 0], ranks[:, 1:] = self._equal[0], self._equal[records["slots"]]
        self._give(records, ranks)

    def _give(self, records: np.ndarray, ranks: np.ndarray) -> None:
        for taker in self._takers:
            taker(records, ranks)


class InRowOrder:
    """A taker of TO_RANK's `rows` rows that brings them back into their order: they are dealt out
    to stretches of rows, each of which fits into memory."""

    def __init__(self, rows: int, folder: Path) -> None:
        self._rows, self._folder = rows, folder
        parts = -(-rows // scratch.PART_ROWS)
        self._long = max(1, -(-parts // _MOST_STRETCHES)) * scratch.PART_ROWS
        self._stretches = max(1, -(-rows // self._long))
        self._dealt = Dealt(folder, _PLACED)

    def __call__(self, records: np.ndarray, ranks: np.ndarray) -> None:
        number = (records["row"] // self._long).astype(np.uint8)
        # Of small whole numbers it is a radix sort.
        order = np.argsort(number, kind="stable")
        placed = np.empty(len(records), dtype=_PLACED)
        placed["row"] = records["row"][order]
        placed["ranked"]["ranks"] = ranks[order]
        placed["ranked"]["slots"] = records["slots"][order]
        ends = np.cumsum(np.bincount(number, minlength=self._stretches))
        self._dealt.add(placed, np.append(0, ends))

    def ranked(self) -> Scratch:
        """RANKED of every row, in the order of rows. Can be asked for once."""
        found = Scratch(self._folder, RANKED)
        with self._dealt:
            for stretch in range(self._stretches):
                first = stretch * self._long
                out = np.empty(min(self._long, self._rows - first), dtype=RANKED)
                for part in self._dealt.parts(stretch):
                    out[part["row"] - first] = part["ranked"]
                found.add(out)
        return found


@njit(cache=True, nogil=True)
def _rank(
    order: np.ndarray,
    starts: np.ndarray,
    slots: np.ndarray,
    rows: np.ndarray,
    before: np.ndarray,
    group: np.ndarray,
    ranks: np.ndarray,
) -> None:
    """Write the ranks of sorted rows, (rows, 3). `before` (slots,) counts the rows of each slot
    that came before; `group` (slots,) is 0."""
    first = 0
    while first < len(order):
        last = first + 1
        while last < len(order) and not starts[last]:
            last += 1
        if last == first + 1:
            # Most are alone.
            row = order[first]
            one, other = slots[row, 0], slots[row, 1]
            ranks[row, 0] = 2 * before[0] + 1 - rows[0]
            ranks[row, 1] = 2 * before[one] + 1 - rows[one]
            ranks[row, 2] = 2 * before[other] + 1 - rows[other]
            before[0] += 1
            before[one] += 1
            before[other] += 1
            first = last
            continue
        for place in range(first, last):
            row = order[place]
            group[0] += 1
            group[slots[row, 0]] += 1
            group[slots[row, 1]] += 1
        for place in range(first, last):
            row = order[place]
            one, other = slots[row, 0], slots[row, 1]
            ranks[row, 0] = 2 * before[0] + group[0] - rows[0]
            ranks[row, 1] = 2 * before[one] + group[one] - rows[one]
            ranks[row, 2] = 2 * before[other] + group[other] - rows[other]
        before[0] += group[0]
        group[0] = 0
        # Of a slot that was seen before nothing is left to move.
        for place in range(first, last):
            row = order[place]
            for at in range(2):
                slot = slots[row, at]
                before[slot] += group[slot]
                group[slot] = 0
        first = last

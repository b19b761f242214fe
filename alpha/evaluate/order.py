"""Rows in the order of a float64 value: exact, and much faster than sorting row numbers.

A value and the number of its row are packed into one unsigned integer, and integers sort as
fast as the processor can: above, how far the value is from the smallest in the order of all
floats; below, the row. Where that is longer than 64 bits the lowest bits of the distance are
left out, and rows that then look equal are put in order afterwards.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from alpha.core import parallel

# Fewer rows are done before a second thread has started.
_THREADED = 1 << 17
# Of so many values the middle is near that of all.
_SAMPLE = 1 << 10
# A longer run of rows that look equal is sorted by numpy, whose worst case is n log n.
_SHORT = 16
_SIGN = np.uint64(1 << 63)
_LAST_BIT = np.uint64(63)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


class _Packing(NamedTuple):
    """How values and rows are packed: all uint64, as numba makes floats of mixed integers."""

    low: np.uint64  # the smallest key
    idle: np.uint64  # lowest bits of the distance that are 0 in all, as 29 of what was float32
    left_out: np.uint64  # bits above these that do not fit, at most row_bits
    row_bits: np.uint64


def ordered(values: np.ndarray, *, threads: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Rows by ascending value, equal ones by number, and which of them start a group of equals.

    `values` is float64 (rows,) without NaN, fewer than 2^31; −0 equals 0. Returns int32 (rows,),
    and in that order, bool (rows,), whether the value differs from the one before. Many are worked
    on by two threads, or by one where another column has the other.
    """
    rows = len(values)
    if not rows:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=bool)
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.uint64)
    how = _packing(bits)
    packed = _sorted(bits, how, threads)
    starts = _starts(packed, how.row_bits)

    def mend(part: slice) -> None:
        sorted_rows, begin, at = packed[part], starts[part], 0
        while at < len(sorted_rows):
            at, end = _mend(sorted_rows, begin, bits, how, at)
            if end > at:
                _sort_left_out(sorted_rows[at:end], begin[at:end], bits, how)
            at = end

    if how.left_out:
        _in_two(starts, mend, threads)
    return _rows(packed, how.row_bits), starts


def _in_two(starts: np.ndarray, work: Callable[[slice], None], threads: int) -> None:
    """Do `work` on both halves of sorted rows, whole groups each, which know nothing of each
    other: in two threads if they are many."""
    rows = len(starts)
    middle = rows // 2
    later = starts[middle:]
    middle = middle + int(np.argmax(later)) if later.any() else rows
    halves = [slice(0, middle), slice(middle, rows)]
    if threads < 2 or rows < _THREADED:
        for half in halves:
            work(half)
    else:
        parallel.each(work, halves)


def _sorted(bits: np.ndarray, how: _Packing, threads: int) -> np.ndarray:
    """Values and rows packed and in order. Many are cut about their middle as they are packed, and
    both parts sorted by a thread each."""
    packed = np.empty(len(bits), dtype=np.uint64)
    if threads < 2 or len(bits) < _THREADED:
        _pack(bits, how, 0, packed)
        packed.sort()
        return packed
    sample = np.empty(_SAMPLE, dtype=np.uint64)
    _pack_some(bits, how, sample)
    sample.sort()
    middle = sample[_SAMPLE // 2]
    halves = [range(len(bits) // 2), range(len(bits) // 2, len(bits))]
    below = parallel.each(
        lambda half: _count(bits[half.start : half.stop], how, half.start, middle), halves
    )
    cut = sum(below)
    # Where each half has its place, below the middle and above.
    places = [(0, cut), (below[0], cut + len(halves[0]) - below[0])]

    def pack(number: int) -> None:
        half = halves[number]
        _part(bits[half.start : half.stop], how, half.start, middle, packed, *places[number])

    parallel.each(pack, range(2))
    parallel.each(lambda part: part.sort(), (packed[:cut], packed[cut:]))
    return packed


def _packing(bits: np.ndarray) -> _Packing:
    low, high, used = (int(one) for one in _span(bits))
    idle = (used & -used).bit_length() - 1 if used else 0
    row_bits = (len(bits) - 1).bit_length()
    left_out = max(0, ((high - low) >> idle).bit_length() + row_bits - 64)
    return _Packing(np.uint64(low), np.uint64(idle), np.uint64(left_out), np.uint64(row_bits))


@njit(cache=True, nogil=True, inline="always")
def _key(bits):  # type: ignore[no-untyped-def]  # compiled into its callers
    """A float64's place among all: the sign bit, plus or minus the other bits. −0 is 0."""
    negative = _ZERO - (bits >> _LAST_BIT)
    return _SIGN + (((bits & ~_SIGN) ^ negative) - negative)


@njit(cache=True, nogil=True)
def _span(bits: np.ndarray) -> tuple[np.uint64, np.uint64, np.uint64]:
    """The smallest and the largest key, and the bits in which any differs from the first."""
    first = _key(bits[0])
    low, high, used = first, first, _ZERO
    for at in range(len(bits)):
        key = _key(bits[at])
        low, high, used = min(low, key), max(high, key), used | (key ^ first)
    return low, high, used


@njit(cache=True, nogil=True, inline="always")
def _packed(bits, how, at):  # type: ignore[no-untyped-def]  # compiled into its callers
    distance = (_key(bits) - how.low) >> (how.idle + how.left_out)
    return (distance << how.row_bits) | np.uint64(at)


@njit(cache=True, nogil=True)
def _pack(bits: np.ndarray, how: _Packing, first: int, packed: np.ndarray) -> None:
    """Fill `packed` with values whose rows are numbered from `first` on."""
    for at in range(len(bits)):
        packed[at] = _packed(bits[at], how, first + at)


@njit(cache=True, nogil=True)
def _pack_some(bits: np.ndarray, how: _Packing, packed: np.ndarray) -> None:
    """The same of as many as there is room for, at even distances."""
    apart = len(bits) // len(packed)
    for at in range(len(packed)):
        packed[at] = _packed(bits[at * apart], how, at * apart)


@njit(cache=True, nogil=True)
def _count(bits: np.ndarray, how: _Packing, first: int, middle: np.uint64) -> int:
    """How many are below `middle`."""
    found = 0
    for at in range(len(bits)):
        found += _packed(bits[at], how, first + at) < middle
    return found


@njit(cache=True, nogil=True)
def _part(
    bits: np.ndarray,
    how: _Packing,
    first: int,
    middle: np.uint64,
    packed: np.ndarray,
    below: int,
    above: int,
) -> None:
    """Write those below `middle` into `packed` from `below` on, the others from `above` on."""
    for at in range(len(bits)):
        one = _packed(bits[at], how, first + at)
        low = one < middle
        packed[below if low else above] = one
        below += low
        above += not low


@njit(cache=True, nogil=True)
def _starts(packed: np.ndarray, row_bits: np.uint64) -> np.ndarray:
    """Which sorted rows do not look equal to the one before."""
    starts = np.empty(len(packed), dtype=np.bool_)
    starts[0] = True
    for at in range(1, len(packed)):
        starts[at] = packed[at] >> row_bits != packed[at - 1] >> row_bits
    return starts


@njit(cache=True, nogil=True)
def _mend(
    packed: np.ndarray, starts: np.ndarray, bits: np.ndarray, how: _Packing, at: int
) -> tuple[int, int]:
    """Put those from `at` on that look equal and are not in order, up to the first long run of
    them: its ends, or twice the number of rows."""
    rows, row = len(packed), (_ONE << how.row_bits) - _ONE
    while at < rows:
        end = at + 1
        while end < rows and not starts[end]:
            end += 1
        if end > at + 1:
            first, equal = _key(bits[np.int64(packed[at] & row)]), True
            for other in range(at + 1, end):
                equal &= _key(bits[np.int64(packed[other] & row)]) == first
            if not equal and end - at > _SHORT:
                return at, end
            if not equal:
                _insert(packed[at:end], starts[at:end], bits, row)
        at = end
    return rows, rows


@njit(cache=True, nogil=True)
def _insert(run: np.ndarray, starts: np.ndarray, bits: np.ndarray, row: np.uint64) -> None:
    """Sort a short run by value, each inserted among those before."""
    for other in range(1, len(run)):
        one, place = run[other], other
        key = _key(bits[np.int64(one & row)])
        while place > 0 and _key(bits[np.int64(run[place - 1] & row)]) > key:
            run[place] = run[place - 1]
            place -= 1
        run[place] = one
    for place in range(1, len(run)):
        before, here = bits[np.int64(run[place - 1] & row)], bits[np.int64(run[place] & row)]
        starts[place] = _key(before) != _key(here)


def _sort_left_out(run: np.ndarray, starts: np.ndarray, bits: np.ndarray, how: _Packing) -> None:
    """Sort a long run by the bits that were left out, which fit beside a row's number."""
    row = (_ONE << how.row_bits) - _ONE
    looks, numbers = run[0] & ~row, run & row
    rest = np.empty_like(run)
    _pack(bits[numbers.astype(np.int64)], how._replace(left_out=_ZERO), 0, rest)
    rest >>= how.row_bits
    again = ((rest & ((_ONE << how.left_out) - _ONE)) << how.row_bits) | numbers
    again.sort()
    run[:] = looks | (again & row)
    starts[1:] = again[1:] >> how.row_bits != again[:-1] >> how.row_bits


@njit(cache=True, nogil=True)
def _rows(packed: np.ndarray, row_bits: np.uint64) -> np.ndarray:
    order, row = np.empty(len(packed), dtype=np.int32), (_ONE << row_bits) - _ONE
    for place in range(len(packed)):
        order[place] = np.int32(packed[place] & row)
    return order

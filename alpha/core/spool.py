"""Quantiles of more values than should be in memory: exact, from a scratch file.

A quantile lies between two order statistics. Those are found digit by digit, as in a radix
sort: values are taken as whole numbers that order as they do, and each pass over the file
counts, among the values that share the digits found so far, how often each next digit is there.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numba import njit

from alpha.core.scratch import Scratch

_DIGIT_BITS = 16

# What becomes of values before they are put in order: an array of as many or of fewer.
By = Callable[[np.ndarray], np.ndarray]


class Spool(Scratch):
    """Float64 values, none of them NaN, in a scratch file in `folder`; `count` says how many."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, np.float64)

    def __enter__(self) -> "Spool":
        return self

    def quantiles(self, levels: Sequence[float], by: By | None = None) -> list[float]:
        """As np.quantile gives them (linear between the neighbours), bit for bit; with `by` of
        what it makes of the values.

        Raises ValueError without values.
        """
        count = self.count if by is None else sum(len(part) for part in self._by(by))
        if count == 0:
            raise ValueError("no values have no quantiles")
        places = [(count - 1) * level for level in levels]
        below = [int(place) for place in places]
        wanted = sorted({at for low in below for at in (low, min(low + 1, count - 1))})
        at = dict(zip(wanted, self._ordered(wanted, by), strict=True))
        return [
            _between(at[low], at[min(low + 1, count - 1)], place - low)
            for low, place in zip(below, places, strict=True)
        ]

    def median(self) -> float:
        """As np.median gives it. There is at least one value."""
        return float(np.mean(self._ordered([(self.count - 1) // 2, self.count // 2], None)))

    def _ordered(self, wanted: Sequence[int], by: By | None) -> list[float]:
        """The values at these places of the ascending order."""
        found = np.zeros(len(wanted), dtype=np.uint64)  # the digits so far, as a prefix
        places = np.array(wanted, dtype=np.int64)  # among the values that share the prefix
        for shift in range(64 - _DIGIT_BITS, -1, -_DIGIT_BITS):
            prefixes = np.unique(found)
            counts = np.zeros((len(prefixes), 1 << _DIGIT_BITS), dtype=np.int64)
            for values in self._by(by):
                _count(values, prefixes, shift, counts)
            for one, prefix in enumerate(found):
                up_to = np.cumsum(counts[np.searchsorted(prefixes, prefix)])
                digit = int(np.searchsorted(up_to, places[one], side="right"))
                places[one] -= up_to[digit - 1] if digit else 0
                found[one] = (int(prefix) << _DIGIT_BITS) | digit
        sign = np.uint64(1 << 63)
        keys = np.where(found >= sign, found ^ sign, ~found)
        return [float(value) for value in keys.view(np.float64)]

    def _by(self, by: By | None) -> Iterator[np.ndarray]:
        for part in self.parts():
            yield part if by is None else by(part)


def _between(low: float, high: float, share: float) -> float:
    """A share of the way from one to the other, rounded as NumPy rounds it."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.quantile(np.array([low, high]), share)) if low != high else low


@njit(cache=True, nogil=True)
def _count(values: np.ndarray, prefixes: np.ndarray, shift: int, counts: np.ndarray) -> None:
    """Add to `counts` (prefixes, digits) the values whose digits above `shift` are a prefix."""
    bits = values.view(np.uint64)
    digits = np.uint64(counts.shape[1] - 1)
    width = np.uint64(16)
    for at in range(len(bits)):
        # The order of whole numbers: the larger of two negative floats has the smaller bits.
        negative = bits[at] >> np.uint64(63)
        key = ~bits[at] if negative else bits[at] | np.uint64(1 << 63)
        digit = key >> np.uint64(shift)
        # A shift by all 64 bits is not defined.
        prefix = digit >> width if shift + 16 < 64 else np.uint64(0)
        # There are few prefixes, and they ascend.
        for one in range(len(prefixes)):
            if prefixes[one] >= prefix:
                if prefixes[one] == prefix:
                    counts[one, digit & digits] += 1
                break

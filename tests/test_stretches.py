"""Stretches of time that hold rows, against pandas, and sums over them."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from alpha.evaluate.stretches import Stretches, Totals, of_rows

TIMES = st.lists(st.integers(-500, 2000), unique=True).map(sorted)
CUTS = st.lists(st.integers(0, 60), max_size=4).map(sorted)


@given(TIMES, CUTS, st.integers(1, 300), st.sampled_from([None, 0, -7]))
def test_stretches_are_pandas_groups_however_rows_come(times, cuts, length, origin):
    """From the origin or the first row on; those without rows do not count."""
    found, totals = Stretches(length, origin), Totals()
    values = np.arange(len(times)) + 0.5
    stretch = np.empty(0, dtype=int)
    for part, of_part in zip(
        np.split(np.array(times, dtype=np.int64), cuts), np.split(values, cuts), strict=True
    ):
        stretch = np.append(stretch, found.add(part))
        totals.add(of_part, stretch[len(stretch) - len(part) :])
    if not times:
        assert found.first.tolist() == [0]
        return
    number = (np.array(times) - (times[0] if origin is None else origin)) // length
    groups = pd.Series(values).groupby(number)
    assert found.numbers.tolist() == sorted(groups.groups)
    assert np.diff(found.first).tolist() == groups.size().tolist()
    assert stretch.tolist() == groups.ngroup().tolist()
    assert totals.of(len(found.numbers)).tolist() == groups.sum().tolist()
    for start in range(len(times) + 1):
        for stop in range(start, len(times) + 1):
            assert of_rows(found.first, start, stop).tolist() == stretch[start:stop].tolist()

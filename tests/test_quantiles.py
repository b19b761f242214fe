import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alpha.evaluation.quantiles import LEVELS, quantiles


@given(hnp.arrays(float, st.integers(1, 50), elements=st.floats(-1e-2, 1e-2)))
def test_quantiles_are_monotone_from_minimum_to_maximum(values):
    """The ends are the extremes, and nothing between is out of order."""
    found = quantiles(values)
    assert (found[0], found[-1]) == (values.min(), values.max())
    assert found == sorted(found)


def test_quantiles_interpolate_between_order_statistics():
    """At level q of 0..10 lies 10 q."""
    assert quantiles(np.arange(11.0)) == pytest.approx([10 * level for level in LEVELS])


def test_without_rows_there_are_no_quantiles():
    """None, not an error."""
    assert quantiles(np.empty(0)) == [None] * len(LEVELS)

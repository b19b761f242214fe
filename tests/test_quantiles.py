import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alpha.evaluate.quantiles import LEVELS, Quantiles


def of(values):
    found = Quantiles(len(values))
    return found.of(np.sort(values)[found.places] if len(values) else values)


ARRAYS = hnp.arrays(float, st.integers(1, 50), elements=st.floats(-1e-2, 1e-2))


@given(ARRAYS)
def test_quantiles_are_monotone_from_minimum_to_maximum(values):
    """The ends are the extremes, and nothing between is out of order."""
    found = of(values)
    assert (found[0], found[-1]) == (values.min(), values.max())
    assert found == sorted(found)


@given(ARRAYS)
def test_quantiles_are_numpys_to_the_last_bit(values):
    """Which sorts for itself."""
    assert of(values) == np.quantile(values, LEVELS).tolist()


def test_quantiles_interpolate_between_order_statistics():
    """At level q of 0..10 lies 10 q."""
    assert of(np.arange(11.0)) == [10 * level for level in LEVELS]


def test_a_value_too_large_to_interpolate_is_none():
    """Between ends that are further apart than a float reaches."""
    assert of(np.array([-1.7e308, 1.7e308]))[5] is None


def test_without_rows_there_are_no_quantiles():
    """None, not an error."""
    assert of(np.empty(0)) == [None] * len(LEVELS)

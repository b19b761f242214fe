"""The order of float64 values against numpy's stable argsort, where bits are many and few."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alpha.evaluate.order import ordered

EPSILON = np.finfo(float).eps
ANY = st.floats(allow_nan=False)
# All but the last bits are equal, and the extremes leave no room for those.
CLOSE = st.integers(0, 9).map(lambda steps: 1 + steps * EPSILON) | st.sampled_from(
    [-1.7e308, -np.inf, -0.0, 0.0, 5e-324, 1.7e308, np.inf]
)


def check(values: np.ndarray) -> None:
    order, starts = ordered(values)
    plain = values + 0.0  # −0 is 0
    expected = np.argsort(plain, kind="stable")
    assert order.tolist() == expected.tolist()
    sorted_values = plain[expected]
    assert starts.tolist() == [True, *(sorted_values[1:] != sorted_values[:-1])][: len(values)]


@settings(deadline=None)
@given(hnp.arrays(float, st.integers(0, 60), elements=ANY) | st.lists(CLOSE).map(np.array))
def test_any_values_are_in_numpys_stable_order(values):
    """Infinities, both zeros, the smallest and the largest."""
    check(values.astype(float))


@settings(deadline=None)
@given(
    hnp.arrays(float, st.integers(4, 60), elements=ANY) | st.lists(CLOSE, min_size=4).map(np.array)
)
def test_two_threads_give_the_same_order_wherever_they_share_the_values(values):
    """Ties may lie on both sides of where they are cut, or all on one."""
    with patch.multiple("alpha.evaluate.order", _THREADED=4, _SAMPLE=4):
        check(values.astype(float))


@pytest.mark.parametrize("threaded", [1 << 17, 2000])
@pytest.mark.parametrize("distinct", [3, 1000, 10**9])
def test_values_that_differ_in_their_last_bits_alone_are_in_order(
    distinct: int, threaded: int, monkeypatch
):
    """Beside extremes they look equal in what is sorted: runs of equals, long runs to sort by
    what was left out, and short ones; by one thread or by two."""
    monkeypatch.setattr("alpha.evaluate.order._THREADED", threaded)
    rng = np.random.default_rng(0)
    near = 1 + EPSILON * rng.integers(0, distinct, 20_000)
    short = 2.0 ** rng.integers(-900, 900, 5_000) * (1 + EPSILON * rng.integers(0, 4, 5_000))
    values = np.concatenate((near, -near, short, [-1e308, 1e308]))
    check(rng.permutation(values))


def test_what_was_float32_is_in_order():
    """Of both signs: the lowest bits are 0 in all, and leave room."""
    check(np.random.default_rng(1).normal(size=30_000).astype(np.float32).astype(float))


def test_the_order_of_a_column_that_is_not_contiguous_is_its_own():
    """A column of a matrix."""
    matrix = np.random.default_rng(2).normal(size=(1000, 3))
    check(matrix[:, 1])

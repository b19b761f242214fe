from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpha.evaluate.over_seeds import stretch, widen

LEVELS = st.floats(0.51, 0.999)
TRIES = st.integers(1, 10**9)


@pytest.mark.parametrize(
    ("tries", "expected"),
    # Šidák's z for 95 %, from tables, over that of one comparison.
    [(1, 1.0), (2, 2.2365 / 1.95996), (5, 2.5688 / 1.95996), (10, 2.7996 / 1.95996)],
)
def test_the_stretch_is_sidaks_normal_quantile_over_that_of_one_try(tries, expected):
    assert stretch(tries, level=0.95) == pytest.approx(expected, abs=1e-4)


@given(st.integers(1, 1000), LEVELS)
def test_the_stretch_is_the_formula_of_the_documentation(tries, level):
    """The tail form that keeps its digits equals the plain one where that one has digits."""

    def z(k: int) -> float:
        return NormalDist().inv_cdf((1 + level ** (1 / k)) / 2)

    assert stretch(tries, level=level) == pytest.approx(z(tries) / z(1), rel=1e-6)


def test_independent_intervals_so_stretched_all_hold_at_the_level():
    """By the definition: (2 Φ(z_k) − 1)^k = level."""
    normal = NormalDist()
    reach = stretch(7, level=0.9) * normal.inv_cdf(0.95)
    assert (2 * normal.cdf(reach) - 1) ** 7 == pytest.approx(0.9)


@given(TRIES, TRIES, LEVELS)
def test_more_tries_stretch_more(few, many, level):
    few, many = sorted((few, many))
    assert stretch(few, level=level) <= stretch(many, level=level)


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1), LEVELS)
def test_one_try_changes_nothing_to_the_last_bit(value, low, high, level):
    assert widen(value, low, high, tries=1, level=level) == (low, high)


def test_each_end_moves_by_its_own_distance_so_the_skew_stays():
    factor = stretch(10, level=0.95)
    low, high = widen(1.0, 0.9, 1.3, tries=10, level=0.95)
    assert low == pytest.approx(1 - 0.1 * factor)
    assert high == pytest.approx(1 + 0.3 * factor)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.integers(1, 99), TRIES, LEVELS)
def test_widening_in_two_steps_is_widening_at_once(value, below, above, first, then, level):
    ends = value - below, value + above
    half_way = widen(value, *ends, tries=first, level=level)
    twice = widen(value, *half_way, tries=then, level=level, already=first)
    assert twice == pytest.approx(widen(value, *ends, tries=then, level=level), abs=1e-9)


@pytest.mark.parametrize(
    ("value", "low", "high"), [(None, 0.1, 0.2), (0.1, None, None), (None, None, None)]
)
def test_what_is_not_defined_stays_as_it_is(value, low, high):
    assert widen(value, low, high, tries=5, level=0.95) == (low, high)


def test_an_end_on_the_wrong_side_of_the_figure_does_not_move():
    """Stretching its distance would move it further past the figure: a narrower interval."""
    low, high = widen(0.1, 0.15, 0.3, tries=9, level=0.95)
    assert low == 0.15
    assert high > 0.3

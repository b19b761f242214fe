import pytest

from alpha.core.text import bps, number, percent


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.295, "29.5 %"),
        (0.003, "0.30 %"),
        (0.0004, "0.040 %"),
        (-0.032, "−3.2 %"),
        (0.0, "0 %"),
        (-1e-9, "0.000 %"),
        (0.07, "7 %"),
        (-121542.0, "−12,154,200 %"),
    ],
)
def test_a_percentage_keeps_digits_where_it_is_small(value, text):
    assert percent(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(10.0, "10 bps"), (4.25, "4.2 bps"), (-0.04, "0.0 bps"), (-3, "−3 bps")]
)
def test_bps_have_a_digit_unless_they_are_whole(value, text):
    assert bps(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0181, "0.018"), (-0.0004, "0.000"), (1234.5678, "1,234.568")]
)
def test_a_number_has_three_digits_and_a_rounded_nothing_has_no_sign(value, text):
    assert number(value) == text


def test_a_huge_number_is_short():
    assert number(-1.234e12) == "−1.2e+12"

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from alpha.core import text as numbers
from alpha.core.text import bps, number, percent, some


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


def test_numbers_read_as_people_write_them():
    """By hand: minus signs, thousands, what is undefined, and shares near their ends."""
    assert numbers.figure(-0.01234) == "−0.012"
    assert numbers.figure(-0.0001) == "0.000"
    assert numbers.figure(-121542.4) == "−121,542"
    assert numbers.figure(1.5e12) == "1.5e+12"
    assert numbers.figure(None) == numbers.count(None) == numbers.share(None) == "–"
    assert (numbers.brief(30.0), numbers.brief(0.5), numbers.brief(None)) == ("30", "0.500", "–")
    assert numbers.count(1234567) == "1,234,567"
    assert numbers.share(0.1234) == "12.3 %"
    assert numbers.share(0.0001) == "<0.1 %"
    assert numbers.share(0.99999) == ">99.9 %"
    assert (numbers.share(0.0), numbers.share(1.0)) == ("0.0 %", "100.0 %")
    assert numbers.ends(-0.05, 0.1) == "[−0.050, 0.100]"
    assert numbers.ends(None, 0.1) == ""
    assert numbers.words("unstable_over_seeds") == "unstable over seeds"
    assert numbers.words("rank_ic") == "rank IC"
    assert numbers.moment("2024-01-01T00:00:00") == "2024-01-01 00:00"
    assert numbers.moment("2021-07-01T14:23:59.400000001") == "2021-07-01 14:23:59"


@given(st.floats(-1e300, 1e300))
def test_a_figure_reads_back_to_its_digits(value: float):
    """No number is shown as another."""
    shown = float(numbers.figure(value).replace("−", "-").replace(",", ""))
    assert shown == pytest.approx(value, rel=0.06, abs=0.00051)


def test_up_to_five_names_are_read_and_the_rest_counted():
    assert some(["a"]) == "a"
    assert some(list("abcde")) == "a, b, c, d, e"
    assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"


@pytest.mark.parametrize(
    ("columns", "width"),
    [("80", 80), ("60", 60), (None, 100), ("", 100), ("0", 100), ("many", 100)],
)
def test_columns_counts_where_nobody_looks_if_it_is_a_width(monkeypatch, columns, width):
    if columns is None:
        monkeypatch.delenv("COLUMNS", raising=False)
    else:
        monkeypatch.setenv("COLUMNS", columns)
    assert numbers.console().width == width


def test_the_nearest_known_word_is_asked_for_and_none_where_none_is_near():
    assert numbers.nearest("sohw", ["show", "diff"]) == "; did you mean show?"
    assert numbers.nearest("xyz", ["show", "diff"]) == ""


def test_verdicts_in_a_line_have_a_colour_and_other_words_none():
    made = numbers.coloured("silos: no_skill, not collapsed")
    found = {made.plain[span.start : span.end]: span.style for span in made.spans}
    assert found == {"no_skill": "red", "collapsed": "red"}
    assert not numbers.coloured("yes").spans


HOSTILE = "a\x1b[31m\nalpha check: error: forged\r\u202e\u2028\x00\ud800\x9b"


def test_a_line_is_one_line_of_printable_characters_and_of_a_sane_length():
    shown = numbers.one_line(f"{HOSTILE} τ é 🎉 −")
    assert shown.isprintable()
    assert shown.endswith("τ é 🎉 −")
    assert r"\x1b[31m\nalpha" in shown
    assert len(numbers.one_line("x" * 10**6)) < 2100
    assert len(numbers.one_line("\n" * 10**6)) < 10_000


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_shown_has_no_escapes_but_those_of_colours(monkeypatch, capsys, terminal):
    """Of cells, lines and the last line; on a terminal, a name's colour is not one either."""
    monkeypatch.setenv("FORCE_COLOR" if terminal else "NO_COLOR", "1")
    table = Table()
    table.add_column(HOSTILE)
    table.add_row(Text(HOSTILE, style="red"))
    numbers.show([table, Text(HOSTILE), HOSTILE], last=HOSTILE)
    shown = capsys.readouterr().out
    if terminal:
        assert "\x1b[31m" in shown  # of the style
        assert shown.count("\\x1b[31m") >= 4  # those of the text
        shown = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert all(line.isprintable() for line in shown.split("\n"))


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenPipeError()])
def test_a_warning_that_cannot_be_printed_is_no_failure(monkeypatch, error):
    class Full:
        def write(self, _):
            raise error

        flush = write

    monkeypatch.setattr("sys.stderr", Full())
    numbers.warn("one", "two")

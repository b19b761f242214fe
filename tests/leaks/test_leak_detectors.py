"""How finds and false alarms are counted, for the audit and its peers."""

import pandas as pd
import pytest
from auditing import Tally
from catalogue import Planted

from benchmarks.leak_detectors import MARKS, Judged, share, wilson, write


def planted(cases: dict[str, tuple[str, ...]], honest: tuple[str, ...]) -> Planted:
    names = [name for columns in cases.values() for name in columns]
    return Planted(pd.DataFrame(columns=["best_bid", "best_ask", *honest, *names]), cases)


def test_a_leak_of_many_columns_is_found_by_half_of_them():
    tally = Tally()
    cases = {"family": ("a", "b", "c", "d"), "alone": ("e",)}
    tally.add(planted(cases, ("f",)), ["a", "b"], leaks=True)
    assert (tally.found, tally.missed) == (["family"], ["alone"])
    tally.add(planted(cases, ("f",)), ["a", "e"], leaks=True)
    assert tally.found == ["family", "alone"]
    assert tally.recall == 0.5


def test_an_honest_column_counts_once_and_is_suspected_if_any_frame_says_so():
    tally = Tally()
    tally.add(planted({"y": ("y",)}, ("spread", "volume")), ["y"], leaks=True)
    tally.add(planted({"noise": ("noise",)}, ("spread",)), ["spread"], leaks=False)
    assert tally.honest == {"spread", "volume", "noise"}
    assert tally.suspected == {"spread"}


def test_intervals_are_wilsons():
    """By his formula: 5 of 10 is 0.5 ± 0.2634; none of 10 may still be up to z² / (10 + z²)."""
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert share(5, 10) == "5 of 10: 50% (24% to 76%)"


def test_the_threshold_in_hindsight_finds_most_with_few_false_alarms():
    honest = tuple(f"honest{number}" for number in range(40))
    frame = planted({"strong": ("strong",), "weak": ("weak",), "hidden": ("hidden",)}, honest)
    scores = {**dict.fromkeys(honest, -0.5), "honest0": -0.1, "honest1": -0.12, "honest2": -0.3}
    scores |= {"strong": 0.1, "weak": -0.2, "hidden": -0.4}
    judged = Judged([(frame, True)], {"peer": [{"label_correlation": scores}]})
    assert judged.tally("peer", ["label_correlation"]).found == ["strong"]
    best = judged.in_hindsight("peer", ["label_correlation"])
    assert best.found == ["strong", "weak"]
    assert best.suspected == {"honest0", "honest1"}


def test_only_the_table_between_the_marks_is_written(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
    write(page, ["| new |", "| --- |"])
    assert page.read_text() == f"before\n{MARKS[0]}\n| new |\n| --- |\n{MARKS[1]}\nafter\n"

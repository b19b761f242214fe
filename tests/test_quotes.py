"""The audit of times and quotes, on faults planted into honest days."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT, day_frame

from alpha.audit import quotes
from alpha.audit.findings import Finding
from alpha.check import parse
from alpha.data.features import open_folder
from alpha.simulate import run as simulate

PARAMS = parse(PARAMS_TEXT, source="params.yaml")
SIDES = ["best_bid", "best_ask"]


def audit(folder: Path, *frames: pd.DataFrame, pattern: str = "*.h5", **label) -> list[Finding]:
    """What is found in these days, or in a folder of them."""
    for number, frame in enumerate(frames):
        frame.to_hdf(folder / f"{number}.h5", key="df", mode="w")
    found = open_folder(folder, PARAMS.data.model_copy(update={"pattern": pattern}))
    return quotes.check(found, PARAMS.label.model_copy(update=label))


def the_only(found: list[Finding]) -> Finding:
    assert len(found) == 1, found
    (finding,) = found
    assert finding.severity != "leak"
    assert "\n" not in finding.sentence + finding.what_to_do
    return finding


def put(frame: pd.DataFrame, rows: Any, **columns) -> pd.DataFrame:
    for name, value in columns.items():
        frame.iloc[rows, frame.columns.get_loc(name)] = value
    return frame


# -- honest data ----------------------------------------------------------------------------


def test_an_honest_day_has_no_finding(tmp_path):
    assert audit(tmp_path, day_frame()) == []


def test_the_simulated_market_with_every_defect_of_a_collector_has_no_finding(tmp_path):
    simulate.run(PARAMS.simulate.model_copy(update={"days": 2}), out=tmp_path / "market")
    assert audit(tmp_path / "market") == []


@pytest.mark.parametrize("symbol", ["ETHUSD", "BRLBTC", "AAPL"])
def test_real_recordings_have_no_finding(realdata, symbol):
    """28 % repeated frames of BRLBTC among them, and the events of AAPL, 12 ms apart."""
    assert audit(realdata, pattern=f"{symbol}-*.h5") == []


# -- frozen books ---------------------------------------------------------------------------


@pytest.mark.parametrize(("symbol", "limit"), [("ETHUSD", 60), ("BRLBTC", 132)])
def test_twenty_minutes_of_a_frozen_book_are_a_warning_in_real_recordings(
    realdata, tmp_path, symbol, limit
):
    """With a limit that no honest run of the recording reaches."""
    (path,) = realdata.glob(f"{symbol}-*.h5")
    frame = pd.read_hdf(path, "df")[SIDES].assign(feature=0.0)
    start = frame.index[4000]
    part = frame.index.slice_indexer(start, start + pd.Timedelta("20min"))
    put(frame, part, **frame[SIDES].iloc[4000])
    found = the_only(audit(tmp_path, frame))
    assert (found.kind, found.severity) == ("frozen_quotes", "warning")
    assert found.strength == pytest.approx(1200, abs=60)
    assert f"from {start:%Y-%m-%dT%H:%M:%S}" in found.sentence
    assert f"to {limit} s say" in found.what_to_do
    assert audit(tmp_path, max_stale_seconds=limit) == []


def test_a_book_frozen_over_midnight_is_one_run_told_with_its_file(tmp_path):
    """100 s on either side of it: 200 s in all, found with the day in which it begins."""
    days = [day_frame(start=start, seed=1) for start in ("2024-01-01T23:50", "2024-01-02T00:00")]
    for frame, rows in zip(days, (slice(500, 600), slice(0, 101)), strict=True):
        put(frame, rows, best_bid=77.0, best_ask=78.0)
    found = the_only(audit(tmp_path, *days))
    assert found.kind == "frozen_quotes"
    assert found.strength == 200
    assert "still for 200 s from 2024-01-01T23:58:20 in 0.h5 while rows keep" in found.sentence
    assert "over 60 s hold 16.8 % of rows, and all but 20 of" in found.sentence
    assert "set label.max_stale_seconds, to 60 s say" in found.what_to_do


def test_a_limit_that_takes_the_labels_from_a_frozen_book_settles_it(tmp_path):
    frame = put(day_frame(), slice(100, 301), best_bid=77.0, best_ask=78.0)
    assert the_only(audit(tmp_path, frame)).kind == "frozen_quotes"
    assert audit(tmp_path, max_stale_seconds=60.0) == []
    assert len(audit(tmp_path, max_stale_seconds=200.0)) == 1


def test_long_runs_are_no_finding_where_they_are_usual(tmp_path):
    """Quotes that change every 100 s, all day: a quiet market, not a frozen one."""
    frame = day_frame(6000)
    frame[SIDES] = frame[SIDES].to_numpy()[np.arange(6000) // 100]
    assert audit(tmp_path, frame) == []


def test_quotes_without_rows_are_a_gap_and_not_frozen(tmp_path):
    frame = put(day_frame(), slice(100, 301), best_bid=77.0, best_ask=78.0)
    assert audit(tmp_path, frame.drop(frame.index[101:300])) == []


# -- prices ---------------------------------------------------------------------------------


def test_a_dummy_price_of_an_empty_side_that_passes_as_sound_is_a_warning(tmp_path):
    frame = put(day_frame(), slice(200, 230), best_ask=9999999999.0)
    found = the_only(audit(tmp_path, day_frame(start="2023-01-01"), frame))
    assert (found.kind, found.severity) == ("dummy_prices", "warning")
    assert found.strength == 30 / 1200
    assert "30 of 1,200 rows (2.5 %), first at 2024-01-01T00:03:20 in 1.h5" in found.sentence
    assert "ask 9999999999)" in found.sentence
    assert "NaN" in found.what_to_do


@pytest.mark.parametrize("dummy", [0.0, -9999999999.0])
def test_a_dummy_price_that_gives_no_label_is_a_note(tmp_path, dummy):
    frame = put(day_frame(), slice(200, 230), best_bid=dummy)
    found = the_only(audit(tmp_path, frame))
    assert (found.kind, found.severity) == ("dummy_prices", "note")
    assert f"(bid {dummy:.10g}, ask " in found.sentence


def test_a_side_that_is_empty_most_of_the_day_is_told_from_the_other(tmp_path):
    found = the_only(audit(tmp_path, put(day_frame(), slice(100, 600), best_ask=1e9)))
    assert found.strength == 500 / 600


def test_nan_and_infinity_for_an_empty_side_are_no_dummies(tmp_path):
    frame = put(day_frame(), slice(200, 230), best_bid=np.nan, best_ask=np.inf)
    assert audit(tmp_path, frame) == []


def test_a_day_without_any_price_is_no_dummy_either(tmp_path):
    other = put(day_frame(start="2024-01-02"), slice(None), best_bid=np.nan, best_ask=np.nan)
    assert audit(tmp_path, day_frame(), other) == []


def test_quotes_that_are_crossed_now_and_then_are_told_above_one_in_a_hundred(tmp_path):
    frame = day_frame()
    frame["best_bid"] = frame["best_ask"] - 1
    assert audit(tmp_path, put(frame, np.arange(0, 60, 10), best_bid=1000.0)) == []
    found = the_only(audit(tmp_path, put(frame, [70], best_bid=1000.0)))
    assert (found.kind, found.severity, found.strength) == ("crossed_quotes", "warning", 7 / 600)
    assert "swapped" not in found.sentence


def test_locked_quotes_are_a_note_where_they_are_many(tmp_path):
    frame = day_frame()
    frame.iloc[:100, frame.columns.get_loc("best_ask")] = frame["best_bid"].iloc[:100]
    found = the_only(audit(tmp_path, frame))
    assert (found.kind, found.severity, found.strength) == ("locked_quotes", "note", 1 / 6)


# -- times ----------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["2005-03-01", "2150-03-01"])
def test_dates_before_any_plausible_one_or_after_are_a_note(tmp_path, start):
    found = the_only(audit(tmp_path, day_frame(start=start)))
    assert (found.kind, found.severity) == ("time_unit", "note")


def put_forward(start: str, by: str = "1h") -> pd.DataFrame:
    """Rows a second apart whose clock jumps after ten minutes."""
    frame = day_frame(1200, start=start)
    frame.index = frame.index + pd.to_timedelta(np.where(np.arange(1200) < 600, "0s", by))
    return frame


@pytest.mark.parametrize("by", ["1h", "3600.9s"])
def test_an_hour_that_is_missing_early_on_a_sunday_is_a_local_clock(tmp_path, by):
    """The last Sunday of March 2024, at two."""
    found = the_only(audit(tmp_path, put_forward("2024-03-31T01:50", by)))
    assert (found.kind, found.severity) == ("clock_jump", "warning")
    assert "first at 2024-03-31T01:59:59 in 0.h5" in found.sentence
    assert "UTC" in found.what_to_do


def test_an_hour_that_is_missing_between_two_files_is_seen(tmp_path):
    days = day_frame(start="2024-03-31T01:50"), day_frame(start="2024-03-31T03:00")
    assert the_only(audit(tmp_path, *days)).severity == "warning"


@pytest.mark.parametrize("start", ["2024-03-29T01:50", "2024-03-31T04:50"])
def test_an_outage_of_exactly_an_hour_at_any_other_time_is_a_note(tmp_path, start):
    found = the_only(audit(tmp_path, put_forward(start)))
    assert (found.kind, found.severity) == ("clock_jump", "note")


@pytest.mark.parametrize("by", ["3590s", "3605s", "2h"])
def test_an_outage_of_another_length_is_no_jump_of_the_clock(tmp_path, by):
    assert audit(tmp_path, put_forward("2024-03-31T01:50", by)) == []


def test_an_hour_between_rows_that_are_rare_is_no_jump_of_the_clock(tmp_path):
    frame = day_frame()
    frame.index = pd.date_range("2024-03-31", periods=600, freq="1h", tz="UTC")
    assert [one.kind for one in audit(tmp_path, frame)] == ["gaps"]


def test_gaps_are_a_note_only_where_they_take_many_labels(tmp_path):
    """A gap a hundred rows takes the labels of the minute before it: 60 % of rows, or 10 %."""
    for every, kinds in ((100, ["gaps"]), (600, [])):
        frame = day_frame(1200)
        frame.index = frame.index + pd.to_timedelta(np.arange(1200) // every * 40, unit="s")
        found = audit(tmp_path, frame)
        assert [one.kind for one in found] == kinds
    assert audit(tmp_path, put_forward("2024-01-01", "1min"), max_gap_seconds=100.0) == []

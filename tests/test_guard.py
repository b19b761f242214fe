import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PARAMS_TEXT
from hypothesis import given
from hypothesis import strategies as st

from alpha.__main__ import main
from alpha.check import Params, parse
from alpha.core.artifacts import read_json, write_json
from alpha.core.errors import InputError
from alpha.guard import compare as shift
from alpha.guard import run as guard
from alpha.guard import words
from alpha.label import profile, targets
from alpha.label import run as labels
from alpha.label.profile import Profile
from alpha.simulate import run as simulate

FIGURES = {
    "rows": 100,
    "duplicates": 1,
    "status": {"0": 90, "1": 0, "2": 10, "3": 0, "4": 0},
    "longest_frozen_seconds": 45.0,
    "zero_share": 0.5,
    "mean": 1e-4,
    "quantiles": {"0": 0.0, "0.5": 1.2e-4, "0.99": 5e-4, "1": 9e-4},
    "shares": {">2": 0.4, ">10": 0.0},
}


def made(**changes: Any) -> Profile:
    """Two equal days and their total, with other figures in the first day and in the total."""
    day = FIGURES | {"outcome_at_seconds": 40_000.0}
    content = {
        "params": {"data": {"key": "df"}, "label": {"horizon_seconds": 60.0, "price": "touch"}},
        "data_digest": "0" * 64,
        "outcome": "return",
        "days": {"a.h5": day | changes.pop("day", {}), "b.h5": day},
        "total": FIGURES | changes.pop("total", {}),
    }
    return Profile.model_validate(content | changes)


OTHER_PARAMS = {"data": {"key": "df"}, "label": {"horizon_seconds": 120.0, "price": "touch"}}
OTHER_DATA = {"data_digest": "1" * 64}


def guarded(folder: Path, found: Profile, pin: Profile | None) -> Path:
    """Run the guard; its folder."""
    (folder / "labels").mkdir(exist_ok=True)
    (folder / "pins").mkdir(exist_ok=True)
    write_json(folder / "labels" / "profile.json", found.content)
    if pin is not None:
        write_json(folder / "pins" / "labels.json", pin.content)
    out = folder / "guard"
    guard.run(labels=folder / "labels", pins=folder / "pins", out=out)
    return out


# -- what passes --------------------------------------------------------------------------


def test_labels_that_are_as_pinned_pass_without_a_word(tmp_path, capsys):
    out = guarded(tmp_path, made(), made())
    assert shift.read(out) == shift.Shift(status="as_pinned", outcome="return")
    assert sorted(path.name for path in out.iterdir()) == ["passed.json", "shift.json"]
    shown = capsys.readouterr()
    assert shown.out + shown.err == ""


def test_labels_without_a_pin_pass_and_are_told(tmp_path, capsys):
    assert shift.read(guarded(tmp_path, made(), None)) == shift.Shift(status="not_pinned")
    told = capsys.readouterr().out
    assert told == (
        "The labels of these data are not pinned yet: nothing would tell if they moved. "
        "`alpha pin` accepts them.\n"
    )


def test_a_pin_of_other_days_altogether_is_of_another_market_and_does_not_count(tmp_path):
    days = {"c.h5": made().content["days"]["a.h5"]}
    found = shift.read(guarded(tmp_path, made(days=days, **OTHER_DATA), made()))
    assert found == shift.Shift(status="not_pinned")


def test_labels_without_a_folder_of_pins_pass_too(tmp_path):
    write_json(tmp_path / "profile.json", made().content)
    guard.run(labels=tmp_path, pins=tmp_path / "none", out=tmp_path / "guard")
    assert shift.read(tmp_path / "guard").status == "not_pinned"


def test_labels_of_other_params_pass_and_what_moved_is_told(tmp_path, capsys):
    moved = {
        "quantiles": FIGURES["quantiles"] | {"0.5": 2e-4, "0.99": 10e-4},
        "zero_share": 0.25,
        "shares": {">2": 0.5, ">10": 0.01},
    }
    pin = made()
    found = shift.read(guarded(tmp_path, made(params=OTHER_PARAMS, total=moved), pin))
    assert found.status == "other_params"
    [change] = found.params
    assert (change.key, change.pinned, change.found) == ("label.horizon_seconds", 60.0, 120.0)
    assert capsys.readouterr().out == (
        "The labels are of other params (label.horizon_seconds from 60 to 120) than their pin: "
        "median from 1.2 bps to 2 bps, 99 % quantile from 5 bps to 10 bps, "
        "exactly 0 from 50 % to 25 %, above 10 bps from 0 % to 1 %. `alpha pin` accepts them.\n"
    )


def test_labels_of_other_data_pass_and_days_that_came_and_went_are_told(tmp_path, capsys):
    content = made().content
    days = {"b.h5": content["days"]["b.h5"], "c.h5": content["days"]["a.h5"]}
    found = shift.read(guarded(tmp_path, made(days=days, **OTHER_DATA), made()))
    assert found.status == "other_data"
    assert (found.days_added, found.days_removed, found.moves) == (["c.h5"], ["a.h5"], [])
    assert "of other data (1 day added, 1 day removed) than their" in capsys.readouterr().out


def test_labels_of_other_params_and_data_pass(tmp_path, capsys):
    found = shift.read(guarded(tmp_path, made(params=OTHER_PARAMS, **OTHER_DATA), made()))
    assert found.status == "other_params_and_data"
    assert capsys.readouterr().out == (
        "The labels are of other params (label.horizon_seconds from 60 to 120) and data (in files "
        "of the same names) than their pin: no figure moved. `alpha pin` accepts them.\n"
    )


def test_a_param_that_the_pin_does_not_know_is_another_param(tmp_path):
    params = {"data": {"key": "df"}, "label": made().params["label"] | {"side": "both"}}
    [change] = shift.read(guarded(tmp_path, made(params=params), made())).params
    assert (change.key, change.pinned, change.found) == ("label.side", None, "both")


def test_outcomes_of_another_kind_are_not_compared(tmp_path):
    """Counts are, which mean the same."""
    classes = {"quantiles": None, "mean": 0.5, "shares": {"0": 0.5, "1": 0.5}}
    found = made(outcome="class", params=OTHER_PARAMS, total=classes | {"rows": 101})
    compared = shift.compare(found, made())
    assert compared.outcome is None
    assert [move.figure for move in compared.moves] == ["rows"]
    assert "outcomes are of another kind" in words.line(compared)


def test_shares_of_classes_are_told_by_class():
    def of(share: float) -> dict[str, Any]:
        return {"shares": {"-1": share, "0": 1 - share}}

    pin = made(outcome="class", total=of(0.25))
    found = made(outcome="class", total=of(0.5), **OTHER_DATA)
    assert "class -1 from 25 % to 50 %, class 0 from 75 % to 50 %." in words.line(
        shift.compare(found, pin)
    )


def test_what_waits_for_the_guard_does_not_depend_on_the_pin(tmp_path):
    """passed.json stays the same when somebody pins, and changes with the profile."""

    def passed(found: Profile, pin: Profile | None) -> bytes:
        return (guarded(tmp_path, found, pin) / "passed.json").read_bytes()

    before = passed(made(), None)
    assert passed(made(), made()) == before
    assert passed(made(), made(**OTHER_DATA)) == before
    assert passed(made(**OTHER_DATA), made()) != before


# -- what does not ------------------------------------------------------------------------


def test_labels_that_moved_in_silence_stop_with_a_table_and_one_line(tmp_path, capsys):
    """Nothing is written, and an earlier result stays."""
    out = guarded(tmp_path, made(), made())
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    found = made(
        day={"mean": 1.5e-4, "zero_share": 0.25, "outcome_at_seconds": 40_001.0}, total={"rows": 99}
    )
    with pytest.raises(InputError) as caught:
        guarded(tmp_path, found, made())
    assert str(caught.value) == (
        "labels moved although neither params nor data changed: 4 figures on 1 day, the first: "
        "a.h5 zero_share from 50 % to 25 %; `alpha pin` accepts them"
    )
    lines = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        ["day", "figure", "pinned", "found", "difference"],
        ["total", "rows", "100", "99", "-1"],
        ["a.h5", "zero_share", "50", "%", "25", "%", "-25", "%"],
        ["a.h5", "mean", "1", "bps", "1.5", "bps", "+0.5", "bps"],
        ["a.h5", "outcome_at_seconds", "40000.000", "s", "40001.000", "s", "+1", "s"],
    ]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_a_figure_that_moved_by_less_than_its_digits_is_told_with_its_difference():
    compared = shift.compare(made(day={"mean": 1.00000001e-4}), made(day={"mean": 1e-4}))
    assert words.moved(compared).endswith("a.h5 mean from 1 bps by +1e-08 bps")


def test_the_table_of_many_figures_is_cut(tmp_path, capsys):
    """And has something of each day, as far as it reaches."""
    content = made().content
    days = {f"{number:02}.h5": content["days"]["a.h5"] for number in range(30)}
    other = {name: day | {"rows": 7} for name, day in days.items()}
    with pytest.raises(InputError, match="30 figures on 30 days, the first: 00.h5 rows from 100"):
        guarded(tmp_path, made(days=other), made(days=days))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 22
    assert lines[-1] == "and 10 more"
    day = content["days"]["a.h5"]
    moved = day | {"quantiles": dict.fromkeys(day["quantiles"], 1.0), "mean": 1.0, "rows": 7}
    other = dict.fromkeys(("a.h5", "b.h5"), moved) | {"c.h5": day | {"rows": 7}}
    with pytest.raises(InputError):
        guarded(tmp_path, made(days=other), made(days=dict.fromkeys(other, day)))
    names = [line.split()[0] for line in capsys.readouterr().err.splitlines()]
    assert names == ["day", *["a.h5"] * 6, *["b.h5"] * 6, "c.h5"]


def test_a_day_more_or_less_is_a_silent_move_too(tmp_path, capsys):
    """As only a pin that was edited by hand can have it."""
    days = {"a.h5": made().content["days"]["a.h5"]}
    with pytest.raises(InputError, match="0 figures on 0 days, 1 day added; `alpha pin`"):
        guarded(tmp_path, made(), made(days=days))
    assert capsys.readouterr().err == "1 day added: b.h5\n"


def test_a_figure_that_is_not_defined_any_more_has_moved():
    compared = shift.compare(made(day={"mean": None}), made())
    [move] = compared.moves
    assert (move.day, move.figure, move.pinned, move.found) == ("a.h5", "mean", 1e-4, None)
    assert words.table(compared)[1].split() == ["a.h5", "mean", "1", "bps", "none", "-"]


def test_a_name_that_a_terminal_would_obey_is_escaped():
    content = made().content
    name = "\x1b[31m.h5"
    days = {name: content["days"]["a.h5"]}
    other = {name: content["days"]["a.h5"] | {"rows": 7}}
    compared = shift.compare(made(days=other), made(days=days))
    said = [words.moved(compared), *words.table(compared)]
    assert "\x1b" not in "".join(said)
    assert r"\x1b[31m.h5" in said[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("<<<<<<< HEAD\n{}", "is not JSON"),
        ("[]", "the content: must be a JSON object"),
        ('{"days": {}}', "params: field required"),
        (json.dumps(made().content | {"days": {"/": {}}}), "should match pattern"),
    ],
)
def test_a_damaged_pin_is_one_line_that_says_how_to_mend_it(tmp_path, text, message):
    (tmp_path / "pins").mkdir()
    (tmp_path / "pins" / "labels.json").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        guarded(tmp_path, made(), None)
    assert str(caught.value).startswith(f"{tmp_path}/pins/labels.json: ")
    assert str(caught.value).endswith("; `alpha pin` writes it anew")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "guard").exists()


# -- the comparison of any profiles -------------------------------------------------------

numbers = st.floats(allow_nan=False, allow_infinity=False)
counts = st.integers(0, 10**12)
files = st.text(st.characters(codec="utf-8", exclude_characters="/"), max_size=5)


@st.composite
def profiles(draw) -> Profile:
    def figures() -> dict[str, Any]:
        return {
            "rows": draw(counts),
            "duplicates": draw(counts),
            "status": {code: draw(counts) for code in "01234"},
            "longest_frozen_seconds": draw(numbers),
            "zero_share": draw(st.none() | numbers),
            "mean": draw(st.none() | numbers),
            "quantiles": draw(
                st.none() | st.dictionaries(st.sampled_from(["0", "0.5", "1"]), numbers)
            ),
            "shares": draw(st.none() | st.dictionaries(st.sampled_from([">2", "-1"]), numbers)),
        }

    names = draw(st.lists(files, max_size=3, unique=True))
    return made(
        days={
            name: figures() | {"outcome_at_seconds": draw(st.none() | numbers)} for name in names
        },
        total=figures(),
    )


@given(profiles())
def test_any_profile_is_as_pinned_by_itself(found):
    """Written and read, as a pin is."""
    pin = Profile.model_validate(json.loads(json.dumps(found.content)))
    assert shift.compare(found, pin).status == "as_pinned"


@given(profiles(), st.data())
def test_any_single_figure_that_changes_is_found_with_its_day(pin, data):
    content = pin.content
    day = data.draw(st.sampled_from([None, *pin.days]))
    place = content["total"] if day is None else content["days"][day]
    key = data.draw(st.sampled_from(sorted(place)))
    figure = key
    if isinstance(place[key], dict) and place[key]:
        place, key = place[key], data.draw(st.sampled_from(sorted(place[key])))
        figure = f"{figure}.{key}"
    before = place[key]
    if isinstance(before, dict) or before is None:
        place[key] = {"0.5": 7.0} if figure == "quantiles" else {"1": 7.0}
        if figure not in ("quantiles", "shares"):
            place[key] = 7.0
    elif isinstance(before, int):
        place[key] = before + data.draw(st.sampled_from([1, 10**9]))
    else:
        place[key] = before * (1 + 3e-9) if abs(before) > 1e-6 else before + 2e-15
        if not np.isfinite(place[key]):
            place[key] = 0.0
    compared = shift.compare(Profile.model_validate(content), pin)
    assert compared.status == "moved"
    assert day in {move.day for move in compared.moves}
    assert all(move.figure.startswith(figure) for move in compared.moves if move.day == day)
    assert len(compared.moves) <= 2  # a figure instead of None, which is no figure any more
    assert "\n" not in words.moved(compared)


@pytest.mark.parametrize(
    ("pinned", "found", "moved"),
    [
        (1e-4, 1e-4 * (1 + 5e-10), False),
        (1e-4, 1e-4 * (1 + 2e-9), True),
        (0.0, 9e-16, False),
        (0.0, 2e-15, True),
    ],
)
def test_sums_of_another_processor_are_no_move(pinned, found, moved):
    compared = shift.compare(made(day={"mean": found}), made(day={"mean": pinned}))
    assert compared.status == ("moved" if moved else "as_pinned")


# -- labels that shift in silence ---------------------------------------------------------


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short simulated days."""
    config = parse(PARAMS_TEXT, source="params.yaml").simulate
    out = tmp_path_factory.mktemp("market") / "features"
    simulate.run(config.model_copy(update={"days": 2, "rows_per_day": 8640}), out=out)
    return out


def label(features: Path, out: Path, params: Params, **data: object) -> Path:
    labels.run(params.data.model_copy(update=data), params.label, features=features, out=out)
    return out


def pin(found: Path, pins: Path) -> Path:
    pins.mkdir()
    write_json(pins / "labels.json", read_json(found / "profile.json"))
    return pins


def a_row_longer(compute: Callable[..., targets.Labels]) -> Callable[..., targets.Labels]:
    """Labels whose windows reach one row further."""

    def longer(time_ns, bid, ask, label, **config):
        step = float(np.median(np.diff(time_ns))) * 1e-9
        further = label.model_copy(update={"horizon_seconds": label.horizon_seconds + step})
        return compute(time_ns, bid, ask, further, **config)

    return longer


def a_row_off_on_the_last_day(compute: Callable[..., targets.Labels]):
    """Labels that are rolled by one row where the data ends with the rows that are labelled."""

    def shifted(time_ns, bid, ask, label, *, rows, **config):
        found = compute(time_ns, bid, ask, label, rows=rows, **config)
        if rows < len(time_ns):
            return found
        return targets.Labels(*(np.roll(values, 1) for values in found))

    return shifted


@pytest.mark.parametrize("spoil", [a_row_longer, a_row_off_on_the_last_day])
def test_a_fault_in_the_labels_of_the_simulated_market_stops(
    market, tmp_path, params, monkeypatch, capsys, spoil
):
    pins = pin(label(market, tmp_path / "sound", params), tmp_path / "pins")
    again = label(market, tmp_path / "again", params)
    guard.run(labels=again, pins=pins, out=tmp_path / "guard")
    assert shift.read(tmp_path / "guard").status == "as_pinned"
    monkeypatch.setattr(labels, "compute", spoil(targets.compute))
    spoilt = label(market, tmp_path / "spoilt", params)
    with pytest.raises(InputError, match="labels moved although neither params nor data changed"):
        guard.run(labels=spoilt, pins=pins, out=tmp_path / "guard")
    table = capsys.readouterr().err
    assert "SIM-data-02-01-2024.h5  " in table
    assert ("SIM-data-01-01-2024.h5" in table) == (spoil is a_row_longer)
    assert ("  outcome_at_seconds  " in table) == (spoil is a_row_off_on_the_last_day)


@pytest.mark.parametrize("symbol", ["ETHUSD", "BRLBTC"])
def test_a_fault_in_the_labels_of_real_data_stops(realdata, tmp_path, params, monkeypatch, symbol):
    pattern = f"{symbol}-*.h5"
    pins = pin(label(realdata, tmp_path / "sound", params, pattern=pattern), tmp_path / "pins")
    monkeypatch.setattr(labels, "compute", a_row_longer(targets.compute))
    spoilt = label(realdata, tmp_path / "spoilt", params, pattern=pattern)
    with pytest.raises(InputError, match=rf"the first: {symbol}-data-\S+ \S+ from "):
        guard.run(labels=spoilt, pins=pins, out=tmp_path / "guard")
    assert not (tmp_path / "guard").exists()


def test_real_data_in_another_folder_is_the_same_data(realdata, tmp_path, params):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in realdata.glob("BRLBTC-*.h5"):
        (elsewhere / path.name).write_bytes(path.read_bytes())
    pattern = "BRLBTC-*.h5"
    pins = pin(label(realdata, tmp_path / "here", params, pattern=pattern), tmp_path / "pins")
    there = label(elsewhere, tmp_path / "there", params, pattern=pattern, dir=str(elsewhere))
    guard.run(labels=there, pins=pins, out=tmp_path / "guard")
    assert shift.read(tmp_path / "guard").status == "as_pinned"


def test_the_command_ends_with_2_and_its_table_comes_before_its_one_line(
    tmp_path, monkeypatch, capsys
):
    (tmp_path / "params.yaml").write_text(PARAMS_TEXT)
    monkeypatch.chdir(tmp_path)
    guarded(tmp_path, made(), made())
    write_json(tmp_path / "labels" / profile.NAME, made(day={"rows": 7}).content)
    assert main(["guard", "--labels", "labels", "--pins", "pins", "--out", "other"]) == 2
    *table, last = capsys.readouterr().err.splitlines()
    assert len(table) == 2
    assert last.startswith("alpha guard: error: labels moved although ")
    assert not (tmp_path / "other").exists()

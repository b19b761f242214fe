import os

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT, day_frame

from alpha import check
from alpha.core.artifacts import read_json
from alpha.core.errors import InputError
from alpha.label import run as labels
from alpha.split import run as splits


def pointed_at(params, folder, **data):
    update = {"dir": str(folder), **data}
    return params.model_copy(update={"data": params.data.model_copy(update=update)})


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (day_frame(600).iloc[[0, 2, 1, 3]], "timestamps must not go back"),
        (day_frame(600).drop(columns="best_ask"), "must have the column 'best_ask'"),
        (day_frame(600).reset_index(drop=True), "index must hold timestamps"),
        (day_frame(30), "must reach further than label.horizon_seconds"),
    ],
)
def test_what_the_labels_step_would_refuse_is_found_before_anything_runs(
    tmp_path, params, frame, message
):
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w")
    with pytest.raises(InputError, match=message):
        check.run(pointed_at(params, tmp_path))


def test_sound_files_pass_and_nothing_is_written(tmp_path, params):
    day_frame(3000).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    check.run(pointed_at(params, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_ranges_of_time_without_data_are_refused(tmp_path, params):
    day_frame(600).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    days = [pd.Timestamp(f"2024-01-0{day}").to_pydatetime() for day in (1, 2, 3, 4)]
    times = {"train": days[:2], "valid": days[1:3], "test": days[2:]}
    split = params.split.model_copy(update={"fractions": None, "times": times})
    with pytest.raises(
        InputError, match="split: valid .* no row in its range: there are rows from 2024-01-01T"
    ):
        check.run(pointed_at(params, tmp_path).model_copy(update={"split": split}))


@pytest.mark.parametrize(
    "starts",
    [
        ("2024-01-01T00:00:00", "2024-01-15T00:00:00"),
        ("2024-01-01T08:00:00", "2024-01-02T08:00:00", "2024-01-03T08:00:00"),
    ],
    ids=["two days a fortnight apart", "sessions on consecutive days"],
)
def test_data_with_long_pauses_are_split_as_check_says(tmp_path, params, starts):
    for number, start in enumerate(starts):
        frame = day_frame(3000, start=start, seed=number)
        frame.iloc[1500:1510, 0] = np.nan
        frame.to_hdf(tmp_path / f"{number}.h5", key="df", mode="w")
    params = pointed_at(params, tmp_path)
    sections, out = (params.data, params.label), tmp_path / "out"
    labels.run(*sections, features=tmp_path, out=out)
    splits.run(*sections, params.split, features=tmp_path, labels=out / "labels", out=out / "split")
    summary = read_json(out / "split" / "0" / "summary.json")["splits"]
    assert check.run(params)[:2] == (1, {0: summary})
    assert all(rows["kept"] > 0 for rows in summary.values())


def test_a_split_that_would_keep_no_row_is_refused_with_what_would_help(tmp_path, params):
    day_frame(1200).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    wanted = "split: valid .* 240 embargoed; more data, or a shorter split.embargo_seconds, would"
    with pytest.raises(InputError, match=wanted):
        check.run(pointed_at(params, tmp_path))
    simulate = params.simulate.model_copy(update={"rows_per_day": 1000})
    wanted = "split: train .* unlabelled; more data without gaps, or a shorter label.horizon"
    with pytest.raises(InputError, match=wanted):
        check.run(params.model_copy(update={"simulate": simulate}))


def test_files_of_several_symbols_are_refused_by_their_names(tmp_path, params):
    for day, symbol in enumerate(("XBTUSD", "ETHUSD"), start=1):
        frame = day_frame(600, start=f"2024-01-0{day}")
        frame.to_hdf(tmp_path / f"{symbol}-data-0{day}-01-2024.h5", key="df", mode="w")
    wanted = r"several symbols \(ETHUSD, XBTUSD\); data.pattern chooses one, such as 'ETHUSD-\*.h5'"
    with pytest.raises(InputError, match=wanted):
        check.run(pointed_at(params, tmp_path))


def test_the_simulated_market_needs_no_check_but_its_splits_do(params):
    check.run(params)
    day = pd.Timestamp("2024-01-01").to_pydatetime()
    times = dict.fromkeys(("train", "valid", "test"), (day, day))
    split = params.split.model_copy(update={"fractions": None, "times": times})
    with pytest.raises(InputError, match="train must end after it starts"):
        check.run(params.model_copy(update={"split": split}))


def test_both_real_files_pass(realdata, params):
    for path in sorted(realdata.glob("*.h5")):
        check.run(pointed_at(params, realdata, pattern=path.name))


def test_what_is_left_out_is_said_in_one_line(tmp_path, params, capsys):
    day_frame(3000).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    check.run(pointed_at(params, tmp_path))
    assert capsys.readouterr().err == ""
    for name in ("b.hdf5", "c.H5", "days/d.h5"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    check.run(pointed_at(params, tmp_path))
    [line] = capsys.readouterr().err.splitlines()
    assert "left out 3, which neither match data.pattern ('*.h5') nor are folders of" in line
    assert line.endswith(": 'b.hdf5, c.H5, days'")


def test_of_symbols_what_is_beside_them_and_in_them_is_left_out(tmp_path, params, capsys):
    for symbol in ("AAA", "BBB"):
        (tmp_path / symbol / "old").mkdir(parents=True)
        day_frame(3000).to_hdf(tmp_path / symbol / "a.h5", key="df", mode="w")
    (tmp_path / "notes").touch()
    check.run(pointed_at(params, tmp_path))
    assert "left out 3, " in (line := capsys.readouterr().err)
    assert "'AAA/old, BBB/old, notes'" in line


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_what_dvc_would_wait_for_or_fail_at_is_refused_at_any_depth(tmp_path, params, make):
    (tmp_path / "sub" / "folder").mkdir(parents=True)
    make(tmp_path / "sub" / "folder" / "x")
    with pytest.raises(InputError, match=r"sub/folder/x': must be a file"):
        check.look(pointed_at(params, tmp_path))


@pytest.mark.parametrize(
    ("given", "other"),
    [("best_bid: best_bid", "best_bid: best_ask"), ("timestamp: null", "timestamp: best_ask")],
)
def test_one_column_cannot_be_two_things(given, other):
    assert given in PARAMS_TEXT
    wanted = "p: data: timestamp, best_bid and best_ask must name different columns"
    with pytest.raises(InputError, match=wanted):
        check.parse(PARAMS_TEXT.replace(given, other), source="p")

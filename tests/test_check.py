import pandas as pd
import pytest
from conftest import day_frame

from alpha import check
from alpha.core.errors import InputError


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
    day_frame(600).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    check.run(pointed_at(params, tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_ranges_of_time_without_data_are_refused(tmp_path, params):
    day_frame(600).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    days = [pd.Timestamp(f"2024-01-0{day}").to_pydatetime() for day in (1, 2, 3, 4)]
    times = {"train": days[:2], "valid": days[1:3], "test": days[2:]}
    splits = params.split.model_copy(update={"fractions": None, "times": times})
    with pytest.raises(InputError, match="split: valid .* must hold data, found 2024-01-01"):
        check.run(pointed_at(params, tmp_path).model_copy(update={"split": splits}))


def test_the_simulated_market_needs_no_check_but_its_splits_do(params):
    check.run(params)
    day = pd.Timestamp("2024-01-01").to_pydatetime()
    times = dict.fromkeys(("train", "valid", "test"), (day, day))
    splits = params.split.model_copy(update={"fractions": None, "times": times})
    with pytest.raises(InputError, match="train must end after it starts"):
        check.run(params.model_copy(update={"split": splits}))


def test_both_real_files_pass(realdata, params):
    for path in sorted(realdata.glob("*.h5")):
        check.run(pointed_at(params, realdata, pattern=path.name))

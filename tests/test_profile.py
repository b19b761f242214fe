import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import day_frame

from alpha.check import Params
from alpha.core.artifacts import digest, read_json
from alpha.core.errors import InputError
from alpha.data.features import open_folder
from alpha.label import profile
from alpha.label import run as labels

SECOND = 10**9
DAY = 86_400 * SECOND


def day(outcome: list[float], params: Params, *, target: str = "abs_max", start: int = 0):
    """The profile of rows a second apart; where an outcome is NaN there is a gap."""
    values = np.array(outcome)
    status = np.where(np.isnan(values), 2, 0).astype(np.int8)
    time_ns = start + np.arange(len(values)) * SECOND
    label = params.label.model_copy(update={"target": target})
    given = {"duplicates": 3, "longest_frozen_seconds": 2.0}
    return profile.of_day(values, status, time_ns, label, **given)


def write_features(folder: Path, *, days: int = 2) -> Path:
    folder.mkdir()
    for number in range(1, days + 1):
        frame = day_frame(start=f"2024-01-0{number}T12:00:00", seed=number)
        frame.to_hdf(folder / f"{number}.h5", key="df", mode="w")
    return folder


def test_the_figures_of_a_day_by_hand(params):
    found = day([0.0, 4e-4, np.nan, 12e-4], params)
    assert (found.rows, found.duplicates) == (4, 3)
    assert found.status.model_dump(by_alias=True) == {"0": 3, "1": 0, "2": 1, "3": 0, "4": 0}
    assert found.longest_frozen_seconds == 2
    assert found.zero_share == pytest.approx(1 / 3)
    assert found.mean == pytest.approx(16e-4 / 3)
    # At seconds 1 and 3, of weights 1 and 3.
    assert found.outcome_at_seconds == pytest.approx(2.5)
    assert found.quantiles["0"] == 0
    assert found.quantiles["0.1"] == pytest.approx(0.2 * 4e-4)
    assert found.quantiles["0.5"] == 4e-4
    assert found.quantiles["1"] == 12e-4
    assert list(found.quantiles) == [
        "0",
        "0.001",
        "0.01",
        "0.1",
        "0.5",
        "0.9",
        "0.99",
        "0.999",
        "1",
    ]


def test_tails_are_the_shares_of_outcomes_beyond_each_size_on_either_side(params):
    found = day([-60e-4, -3e-4, 0.0, 11e-4], params, target="signed_max")
    assert found.shares == {
        ">2": 0.25, "<-2": 0.5, ">5": 0.25, "<-5": 0.25, ">10": 0.25, "<-10": 0.25,
        ">20": 0.0, "<-20": 0.25, ">50": 0.0, "<-50": 0.25,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("target", "shares"),
    [
        ("direction", {"-1": 0.25, "0": 0.25, "1": 0.5}),
        ("triple_barrier", {"-1": 0.25, "0": 0.25, "1": 0.5}),
    ],
)
def test_classes_have_their_shares_instead_of_tails(params, target, shares):
    assert day([-1.0, 0.0, 1.0, 1.0], params, target=target).shares == shares


def test_the_time_of_outcomes_is_that_of_the_utc_day(params):
    """Whichever day it is, before 1970 too."""
    for start in (0, 19_723 * DAY, -DAY):
        assert day([1e-4, 1e-4], params, start=start + 100 * SECOND).outcome_at_seconds == 100.5


def test_a_day_without_an_outcome_has_counts_and_no_figure(params):
    found = day([np.nan, np.nan], params)
    assert found.status.gap == 2
    figures = (found.zero_share, found.mean, found.quantiles, found.shares)
    assert figures == (None,) * 4
    assert found.outcome_at_seconds is None


def test_a_flat_day_has_no_time_of_its_outcomes(params):
    assert day([0.0, 0.0], params).outcome_at_seconds is None


def test_the_total_is_of_all_rows_of_all_days(tmp_path, params):
    features = write_features(tmp_path / "features")
    label = params.label.model_copy(update={"max_gap_seconds": 1e6})
    labels.run(params.data, label, features=features, out=tmp_path / "labels")
    found = profile.read(tmp_path / "labels")
    one, other = found.days["1.h5"], found.days["2.h5"]
    assert list(found.days) == ["1.h5", "2.h5"]
    assert found.total.rows == one.rows + other.rows == 1200
    longest = one.longest_frozen_seconds, other.longest_frozen_seconds
    assert found.total.longest_frozen_seconds == max(longest)
    weights = [one.status.labelled, other.status.labelled]
    assert found.total.status.labelled == sum(weights)
    assert found.total.mean == pytest.approx(np.average([one.mean, other.mean], weights=weights))
    for tau, share in found.total.shares.items():
        each = [one.shares[tau], other.shares[tau]]
        assert share == pytest.approx(np.average(each, weights=weights))


def test_a_profile_belongs_to_the_params_of_data_and_label_but_not_to_a_place(tmp_path, params):
    """The same files in another folder make the same bytes."""
    found = []
    for place in ("one", "other"):
        features = write_features(tmp_path / place)
        data = params.data.model_copy(update={"dir": str(features)})
        labels.run(data, params.label, features=features, out=tmp_path / f"{place}-labels")
        found.append((tmp_path / f"{place}-labels" / profile.NAME).read_text())
    sections = json.loads(found[0])["params"]
    assert sections["label"]["horizon_seconds"] == 60
    assert sections["data"]["pattern"] == "*.h5"
    assert sorted(sections) == ["data", "label"]
    assert "dir" not in sections["data"]
    # HDF5 as pandas writes it holds the time of writing.
    same = [json.loads(text) | {"data_digest": ""} for text in found]
    assert same[0] == same[1]


def test_the_data_s_hash_is_of_the_names_and_digests_of_its_files(params):
    def data_digest(digests):
        days = {name: day([0.0], params) for name in digests}
        outcomes = [np.zeros(1)] * len(days)
        found = profile.of_all(params.data, params.label, days, outcomes, digests)
        return found.data_digest

    found = {"a.h5": "1", "b.h5": "2"}
    assert data_digest(found) == data_digest({"b.h5": "2", "a.h5": "1"}) == digest(found)
    assert data_digest(found) != data_digest({"a.h5": "1", "c.h5": "2"})
    assert data_digest(found) != data_digest({"a.h5": "1", "b.h5": "3"})


@pytest.mark.parametrize("how", [{}, {"format": "table"}, {"complib": "zlib", "complevel": 5}])
def test_the_digest_of_a_file_is_of_what_labels_are_made_of(tmp_path, params, how):
    """Written again it is the same; a time or a quote makes another, a feature does not."""

    def digest_of(change=lambda frame: frame) -> str:
        folder = tmp_path / "features"
        folder.mkdir(exist_ok=True)
        frame = change(day_frame(start="2024-01-01T12:00:00", seed=1))
        frame.to_hdf(folder / "1.h5", key="df", mode="w", **how)
        found = open_folder(folder, params.data)
        return found.quotes(found.files[0])[1]

    def add(column):
        return lambda frame: frame.assign(**{column: frame[column] + 1.0})

    before = digest_of()
    assert digest_of() == before
    assert digest_of(add("best_ask")) != before
    assert digest_of(add("best_bid")) != before
    assert digest_of(lambda frame: frame.set_axis(frame.index + pd.Timedelta("1ns"))) != before
    feature = day_frame().columns[-1]
    if how.get("format") != "table":  # in which all columns of a row stand together
        assert digest_of(add(feature)) == before


def test_files_that_are_not_read_are_not_in_the_hash(tmp_path, params):
    features = write_features(tmp_path / "features")
    labels.run(params.data, params.label, features=features, out=tmp_path / "labels")
    before = profile.read(tmp_path / "labels")
    (features / "notes.txt").write_text("mine")
    labels.run(params.data, params.label, features=features, out=tmp_path / "labels")
    assert profile.read(tmp_path / "labels") == before


def test_a_file_name_that_cannot_be_written_down_is_refused(tmp_path, params):
    features = write_features(tmp_path / "features", days=1)
    (features / "1.h5").rename(features / "1\n2.h5")
    with pytest.raises(InputError, match=r"1\\n2.h5': must be a file of printable name"):
        labels.run(params.data, params.label, features=features, out=tmp_path / "labels")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda found: found.pop("data_digest"), "data_digest: field required"),
        (
            lambda found: found["days"]["1.h5"].update(mean=float("nan")),
            "is not JSON: .*'NaN'",
        ),
        (lambda found: found["total"].update(median=1.0), "total.median: extra inputs are not"),
        (lambda found: found["total"]["quantiles"].update(a=1.0), r"total.quantiles.a.\[key\]: "),
    ],
)
def test_a_profile_of_another_format_is_one_line(tmp_path, params, change, message):
    features = write_features(tmp_path / "features", days=1)
    labels.run(params.data, params.label, features=features, out=tmp_path / "labels")
    path = tmp_path / "labels" / profile.NAME
    found = read_json(path)
    change(found)
    path.write_text(json.dumps(found))
    with pytest.raises(InputError, match=message) as caught:
        profile.read(tmp_path / "labels")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("symbol", ["ETHUSD", "BRLBTC"])
@pytest.mark.parametrize("target", ["signed_max", "direction"])
def test_figures_of_real_data_are_those_of_the_label_files(
    realdata, tmp_path, params, symbol, target
):
    """Against pandas, on what the step wrote."""
    data = params.data.model_copy(update={"pattern": f"{symbol}-*.h5"})
    label = params.label.model_copy(update={"target": target})
    labels.run(data, label, features=realdata, out=tmp_path / "labels")
    ((name, found),) = profile.read(tmp_path / "labels").days.items()
    frame = pd.read_hdf(tmp_path / "labels" / "labels" / name, "df")
    outcome = frame["alpha_outcome"].dropna()
    assert found.rows == len(frame)
    assert found.status.labelled == len(outcome)
    assert found.zero_share == pytest.approx((outcome == 0).mean())
    assert found.mean == pytest.approx(outcome.mean(), abs=1e-15)
    for level, value in found.quantiles.items():
        assert value == pytest.approx(outcome.quantile(float(level)), abs=1e-15)
    beyond = {"direction": ("1", outcome == 1), "signed_max": (">2", outcome > 2e-4)}[target]
    assert found.shares[beyond[0]] == pytest.approx(beyond[1].mean())
    seconds = (outcome.index - outcome.index.normalize()).total_seconds()
    if outcome.any():
        at = np.average(seconds, weights=outcome.abs())
        assert found.outcome_at_seconds == pytest.approx(at, rel=1e-10)
    else:  # every class of BRLBTC is 0
        assert found.outcome_at_seconds is None

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from conftest import day_frame, split_params
from hypothesis import given
from hypothesis import strategies as st

from alpha.core.errors import InputError
from alpha.core.frames import FrameReader
from alpha.data.columns import SPLITS
from alpha.label import run as labels
from alpha.split import Split as Splits
from alpha.split.ranges import (
    BAD,
    EMBARGOED,
    KEPT,
    OUTSIDE,
    PURGED,
    ROW_STATUS,
    Range,
    holdout,
    row_status,
)
from alpha.split.run import run

NS = 1_000_000_000
DAY = dt.date(2024, 1, 1)


def by_times(*moments, embargo=0) -> Splits:
    pairs = zip(moments[::2], moments[1::2], strict=True)
    times = dict(zip(SPLITS, pairs, strict=True))
    return split_params(fractions=None, times=times, embargo_seconds=embargo)


def by_fractions(train=0.6, valid=0.2, test=0.2, embargo=0) -> Splits:
    fractions = {"train": train, "valid": valid, "test": test}
    return split_params(fractions=fractions, embargo_seconds=embargo)


def ranges_of(splits, *files, max_gap=10**9) -> tuple[Range, ...]:
    """The ranges for rows at these times (ns), a list a file."""
    return holdout(splits, lambda: (np.array(times) for times in files), max_gap_ns=max_gap)


def test_fractions_share_out_the_observed_span_to_its_last_row():
    train, valid, test = ranges_of(by_fractions(embargo=5), [1000, 1400], [1999])
    assert (train.start_ns, train.end_ns, train.embargo_ns) == (1000, 1600, 0)
    assert (valid.start_ns, valid.end_ns, valid.embargo_ns) == (1600, 1800, 5 * NS)
    assert (test.start_ns, test.end_ns) == (1800, 2000)


def test_explicit_times_are_utc_whether_naive_aware_or_dates():
    tokyo = dt.timezone(dt.timedelta(hours=9))
    splits = by_times(
        DAY, dt.datetime(2024, 1, 2, 9, tzinfo=tokyo), "2024-01-02", "2024-01-03T00:00:00.5",
        "2024-01-04", "2024-01-05",
    )  # fmt: skip
    train, valid, _ = ranges_of(splits, [0, 1])
    midnight = pd.Timestamp("2024-01-01").value
    assert (train.start_ns, train.end_ns) == (midnight, midnight + 86400 * NS)
    assert valid.end_ns == midnight + 2 * 86400 * NS + NS // 2


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (
            ("2024-01-02", "2024-01-01", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-06"),
            "train must end after it starts, found 2024-01-02T00:00:00 to 2024-01-01T00:00:00",
        ),
        (
            ("2024-01-01", "2024-01-03", "2024-01-02", "2024-01-04", "2024-01-05", "2024-01-06"),
            "valid must start when train has ended",
        ),
    ],
)
def test_ranges_that_are_empty_or_overlap_are_refused(times, message):
    with pytest.raises(InputError, match=message):
        ranges_of(by_times(*times), [0, 1])


def test_fractions_are_of_observed_time_in_which_a_gap_counts_no_more_than_the_longest_step():
    """20 rows 10 ns apart, a pause, 20 more: 190 + 30 + 190 + 1 ns were observed."""
    first = np.arange(0, 200, 10)
    train, valid, test = ranges_of(by_fractions(), first, first + 1_000_000, max_gap=30)
    assert train.end_ns == 1_000_000 + round(411 * 0.6) - 220
    assert (valid.start_ns, valid.end_ns) == (train.end_ns, 1_000_000 + round(411 * 0.8) - 220)
    assert (test.start_ns, test.end_ns) == (valid.end_ns, 1_000_191)


@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=60),
    st.integers(1, 60),
    st.lists(st.integers(0, 60), max_size=3),
    st.floats(0.1, 0.8),
)
def test_each_cut_has_its_share_of_observed_time_before_it_however_files_are_cut(
    steps, max_gap, cuts, share
):
    """A slow reference: observed nanoseconds one by one."""
    times = np.concatenate(([0], np.cumsum(steps)))
    observed = [t for a, step in zip(times, steps, strict=False) for t in range(
        a + step - min(step, max_gap), a + step)] + [times[-1]]  # fmt: skip
    files = [part for part in np.split(times, sorted(cuts)) if len(part)]
    splits = by_fractions(share, (1 - share) / 2, (1 - share) / 2)
    wanted = round(len(observed) * share)
    try:
        train, *_, test = ranges_of(splits, *files, max_gap=max_gap)
    except InputError:  # too little time for three ranges
        return
    assert sum(t < train.end_ns for t in observed) == wanted
    assert test.end_ns == times[-1] + 1


def test_a_row_is_kept_only_if_its_whole_window_is_before_the_end_of_its_range():
    """Horizon 2 s, range [10, 20) s: the window of 17.9 ends at 19.9, that of 18 at the end."""
    spans = (Range("train", 10 * NS, 20 * NS, 0),)
    time_ns = np.array([9.9, 10, 17.9, 18, 19.9, 20]) * NS
    which, found = row_status(time_ns.astype(int), np.zeros(6, int), spans, horizon_ns=2 * NS)
    assert which.tolist() == [-1, 0, 0, 0, 0, -1]
    assert found.tolist() == [OUTSIDE, KEPT, KEPT, PURGED, PURGED, OUTSIDE]


def test_the_embargo_drops_the_start_of_the_later_range():
    spans = (Range("valid", 10 * NS, 20 * NS, 3 * NS),)
    time_ns = np.array([10, 12.9, 13]) * NS
    _, found = row_status(time_ns.astype(int), np.zeros(3, int), spans, horizon_ns=NS)
    assert found.tolist() == [EMBARGOED, EMBARGOED, KEPT]


def test_bad_quotes_and_missing_labels_are_told_apart():
    spans = (Range("train", 0, 100 * NS, 0),)
    status = np.array([0, 1, 2, 3, 4])
    _, found = row_status(np.arange(5) * NS, status, spans, horizon_ns=NS)
    words = ["kept", "unlabelled", "unlabelled", "bad", "unlabelled"]
    assert [ROW_STATUS[code] for code in found] == words
    assert found[3] == BAD


@given(
    st.lists(st.integers(1, 40), min_size=2, max_size=200),
    st.integers(1, 60),
    st.integers(0, 60),
    st.integers(0, 3),
)
def test_no_window_of_a_kept_row_reaches_into_another_split(steps, horizon, embargo, code):
    time_ns = np.cumsum(steps) * NS
    spans = ranges_of(by_fractions(embargo=embargo), time_ns, max_gap=10**12)
    status = np.where(np.arange(len(time_ns)) % 5 == 0, code, 0)
    which, found = row_status(time_ns, status, spans, horizon_ns=horizon * NS)
    assert (which >= 0).all()
    for row in np.flatnonzero(found == KEPT):
        inside = (time_ns > time_ns[row]) & (time_ns <= time_ns[row] + horizon * NS)
        assert (which[inside] == which[row]).all()
        assert status[row] == 0


@pytest.fixture
def chain(feature_folder, tmp_path, params):
    """Two days of features and their labels; gives a function that splits them, and says where the
    one fold's splits are."""
    out = tmp_path / "labels"
    labels.run(params.data, params.label, features=feature_folder, out=out)

    def split(splits: Splits):
        where = tmp_path / "splits"
        run(params.data, params.label, splits, features=feature_folder, labels=out / "labels",
            out=where)  # fmt: skip
        return where / "0"

    return split


def test_split_files_hold_features_and_labels_of_exactly_their_rows(
    chain, feature_folder, tmp_path
):
    out = chain(by_times("2024-01-01", "2024-01-02", "2024-01-02", "2024-01-02T00:04",
                         "2024-01-02T00:04", "2024-01-02T00:09:30"))  # fmt: skip
    features = pd.concat([pd.read_hdf(path, "df") for path in sorted(feature_folder.iterdir())])
    truth = pd.concat(
        [pd.read_hdf(path, "df") for path in sorted((tmp_path / "labels" / "labels").glob("*.h5"))]
    )
    for name in SPLITS:
        parts = [pd.read_hdf(path, "df") for path in sorted((out / name).glob("*.h5"))]
        split = pd.concat(parts)
        assert split.index.is_monotonic_increasing
        kept = [*features.columns.drop(["best_bid", "best_ask"]), *truth.columns]
        joined = features.join(truth).loc[split.index, kept]
        pd.testing.assert_frame_equal(split, joined.set_index(split.index))
        assert (split.status == 0).all()
    files = {path.name for path in (out / "train").iterdir()}
    assert files == {"XBT-data-01-01-2024.h5", "rows.json"}


def test_every_row_is_counted_once(chain):
    out = chain(by_fractions(0.4, 0.3, 0.3, embargo=20))
    summary = json.loads((out / "summary.json").read_text())
    assert sum(summary["counts"].values()) == summary["input_rows"] == 1200
    for name, split in summary["splits"].items():
        counts = [split[f] for f in ("bad", "unlabelled", "embargoed", "purged", "kept")]
        assert sum(counts) == split["rows"]
        rows = sum(len(pd.read_hdf(path, "df")) for path in (out / name).glob("*.h5"))
        assert rows == split["kept"]
    # A row a second, of windows of 60 s.
    assert [summary["splits"][name]["purged"] for name in SPLITS] == [60, 60, 0]


def test_duplicates_are_counted_and_the_last_copy_is_kept(tmp_path, params):
    folder, labelled = tmp_path / "f", tmp_path / "labels"
    folder.mkdir()
    frame = day_frame(1500)
    twice = pd.concat([frame[:101], frame[100:]])
    twice.iloc[100, 2:] = -5.0  # the copy that does not count
    twice.to_hdf(folder / "a.h5", key="df", mode="w")
    labels.run(params.data, params.label, features=folder, out=labelled)
    run(params.data, params.label, by_fractions(), features=folder, labels=labelled / "labels",
        out=tmp_path / "splits")  # fmt: skip
    summary = json.loads((tmp_path / "splits" / "0" / "summary.json").read_text())
    assert summary["counts"]["duplicates"] == 1
    assert sum(summary["counts"].values()) == summary["input_rows"] == 1501
    train = pd.read_hdf(tmp_path / "splits" / "0" / "train" / "a.h5", "df")
    assert train["spread"].iloc[100] == frame["spread"].iloc[100]


def test_a_split_that_stays_empty_is_refused_and_earlier_splits_stay(chain, tmp_path):
    out = chain(by_fractions())
    before = sorted(path.name for path in out.rglob("*"))
    times = ("2024-01-01", "2024-01-02", "2024-01-02", "2024-01-02T00:04",
             "2024-02-01", "2024-02-02")  # fmt: skip
    with pytest.raises(InputError, match="test .* must keep at least one row, found none: no row"):
        chain(by_times(*times))
    with pytest.raises(InputError, match="valid .* found none: .* embargoed"):
        chain(by_fractions(embargo=86400))
    assert sorted(path.name for path in out.rglob("*")) == before


def test_labels_of_other_features_are_refused(chain, feature_folder):
    path = sorted(feature_folder.iterdir())[0]
    day_frame(500, start="2024-01-01T23:50:00").to_hdf(path, key="df", mode="w")
    with pytest.raises(InputError, match=r"must be of the feature files .*; label again"):
        chain(by_fractions())


def test_double_precision_features_keep_their_precision(tmp_path, params):
    folder, labelled = tmp_path / "f", tmp_path / "labels"
    folder.mkdir()
    frame = day_frame(1500)
    frame["precise"] = 10_000 + np.arange(1500) * 1e-7
    frame["count"] = np.arange(1500)
    frame.to_hdf(folder / "a.h5", key="df", mode="w")
    labels.run(params.data, params.label, features=folder, out=labelled)
    run(params.data, params.label, by_fractions(), features=folder, labels=labelled / "labels",
        out=tmp_path / "splits")  # fmt: skip
    train = pd.read_hdf(tmp_path / "splits" / "0" / "train" / "a.h5", "df")
    assert str(train["spread"].dtype) == "float32"
    assert (train["precise"] == frame["precise"].loc[train.index]).all()
    assert (train["count"] == frame["count"].loc[train.index]).all()


def test_however_few_rows_are_read_at_a_time_the_files_are_the_same(
    chain, feature_folder, tmp_path, params, monkeypatch
):
    """Rows that are left out, here and there, among them."""
    path = sorted(feature_folder.glob("*.h5"))[0]
    frame = pd.read_hdf(path, "df")
    frame = frame[np.arange(len(frame)) % 50 != 3]
    frame.iloc[[100, 101], 1] = 0.0
    frame = pd.concat([frame.iloc[:30], frame.iloc[29:]])
    frame.to_hdf(path, key="df", mode="w")
    labels.run(params.data, params.label, features=feature_folder, out=tmp_path / "labels")
    where = by_times("2024-01-01", "2024-01-01T23:56", "2024-01-01T23:56", "2024-01-02T00:04",
                     "2024-01-02T00:04", "2024-01-03")  # fmt: skip

    def written():
        out = chain(where)
        return {file.relative_to(out): file.read_bytes() for file in out.rglob("*.*")}

    whole, sizes = written(), list[int]()
    read = FrameReader.matrix

    def matrix(*args, **span):
        found = read(*args, **span)
        sizes.extend([len(found)] * bool(span))  # quotes, for their digest, at once
        return found

    monkeypatch.setattr("alpha.split.run._ROWS", 7)
    monkeypatch.setattr(FrameReader, "matrix", matrix)
    assert written() == whole
    assert max(sizes) == 7

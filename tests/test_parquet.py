import datetime
import decimal
import hashlib
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import day_frame
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from alpha.audit import run as audit
from alpha.core.errors import InputError
from alpha.core.frames import Block, open_frame, write_frame
from alpha.core.parquet import write_parquet
from alpha.data.features import open_folder
from alpha.label import run as labels
from alpha.normalize import run as normalize
from alpha.split import run as splits


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("tz", [None, "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "zstd", "row_group_size": 7},
        {"compression": "gzip", "data_page_version": "2.0", "version": "1.0"},
        {"compression": None, "use_deprecated_int96_timestamps": True},
    ],
)
def test_every_form_in_which_pandas_writes_a_frame_is_read_alike(tmp_path, unit, tz, how):
    frame = day_frame(50)
    frame["count"] = np.arange(50)
    frame["flag"] = frame["count"] > 3
    frame["half"] = frame["count"].astype(np.float16)
    frame.index = frame.index.tz_convert(tz).as_unit(unit)
    frame.to_parquet(tmp_path / "a.parquet", **how)
    with open_frame(tmp_path / "a.parquet") as read:
        assert list(read.columns) == list(frame.columns)
        assert list(read.columns.values()) == list(frame.dtypes)
        assert (read.time_ns() == frame.index.as_unit("ns").asi8).all()
        # INT96 has no time zone: UTC.
        assert read.tz_aware == (tz is not None and "use_deprecated_int96_timestamps" not in how)
        values = read.matrix(list(frame.columns))
        assert (values == frame.to_numpy(dtype=np.float64)).all()
        assert read.matrix(["spread"]).dtype == np.float32


def test_what_a_file_is_its_first_bytes_say_and_not_its_name(tmp_path):
    frame = day_frame(20)
    frame.to_parquet(tmp_path / "a.h5")
    frame.to_hdf(tmp_path / "a.parquet", key="df", mode="w")
    for name in ("a.h5", "a.parquet"):
        with open_frame(tmp_path / name) as read:
            assert (read.column("best_bid") == frame["best_bid"]).all()


def test_what_is_missing_is_nan(tmp_path):
    frame = day_frame(4)
    frame["count"] = pd.array([1, None, 3, 4], dtype="Int8")
    frame["flag"] = pd.array([True, False, None, True], dtype="boolean")
    frame["spread"] = pd.array([None, 0.5, np.nan, np.inf], dtype="Float32")
    frame.to_parquet(tmp_path / "a.parquet")
    with open_frame(tmp_path / "a.parquet") as read:
        found = read.matrix(["count", "flag", "spread"])
    expected = [[1, 1, np.nan], [np.nan, 0, 0.5], [3, np.nan, np.nan], [4, 1, np.inf]]
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))


@pytest.fixture(scope="module")
def cut_file(tmp_path_factory):
    """A file with row groups of many sizes, one of them empty, and its values."""
    path = tmp_path_factory.mktemp("cut") / "a.parquet"
    frame = day_frame(90_000)
    table = pa.Table.from_pandas(frame)
    with parquet.ParquetWriter(path, table.schema) as writer:
        for start, stop in ((0, 10), (10, 10), (10, 40_000), (40_000, 40_001), (40_001, 90_000)):
            writer.write_table(table.slice(start, stop - start))
    return path, frame


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_parts_read_in_any_order_are_those_of_the_whole(cut_file, data):
    path, frame = cut_file
    bounds = st.tuples(st.integers(0, 90_000), st.integers(0, 70_000))
    names = ["spread", "best_ask"]
    with open_frame(path) as read:
        for start, count in data.draw(st.lists(bounds, min_size=1, max_size=6)):
            found = read.matrix(names, start=start, stop=start + count)
            part = slice(start, start + count)
            assert (found == frame[names].iloc[part].to_numpy(np.float64)).all()
            times = read.time_ns(start=start, stop=start + count)
            assert (times == frame.index[part].as_unit("ns").asi8).all()


def test_parts_that_follow_each_other_decode_each_row_once(cut_file, monkeypatch):
    path, frame = cut_file
    decoded, original = [], parquet.ParquetFile.iter_batches

    def counted(*args, **more):
        for batch in original(*args, **more):
            decoded.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(parquet.ParquetFile, "iter_batches", counted)
    with open_frame(path) as read:
        for start in range(0, 90_000, 7_000):
            read.matrix(["spread"], start=start, stop=start + 7_000)
    assert sum(decoded) == len(frame)


def test_of_a_row_group_as_large_as_the_file_no_more_is_in_memory_than_is_read(tmp_path):
    table = pa.table({"a": np.random.default_rng(0).normal(size=1 << 21)})
    parquet.write_table(table, tmp_path / "a", use_dictionary=False, row_group_size=1 << 21)
    before = pa.total_allocated_bytes()
    with open_frame(tmp_path / "a") as read:
        for start in (0, 1_000_000, 1_001_000):
            part = read.matrix(["a"], start=start, stop=start + 1000)
            assert (part[:, 0] == table["a"][start : start + 1000].to_numpy()).all()
            assert pa.total_allocated_bytes() - before < table.nbytes / 4


def refused(path, frame=None, **how):
    """The line with which a file, perhaps made of a frame or a table, is refused."""
    if isinstance(frame, pd.DataFrame):
        frame.to_parquet(path, **how)
    elif frame is not None:
        parquet.write_table(frame, path, **how)
    with pytest.raises(InputError) as caught, open_frame(path, max_bytes=1 << 20) as read:
        read.time_ns()
        read.matrix(list(read.columns))
    line = str(caught.value)
    assert str(path) in line
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["a"] * 4, "string"),
        (pd.Categorical(list("abab")), "dictionary"),
        ([decimal.Decimal("1.5")] * 4, "decimal"),
        ([datetime.date(2024, 1, 1)] * 4, "date32"),
        ([[1.0], [2.0], [], [3.0]], "list"),
        ([{"a": 1}] * 4, "struct"),
        ([b"a"] * 4, "binary"),
        ([None] * 4, "null"),
        (pd.to_timedelta([1, 2, 3, 4], unit="s"), "duration"),
        (pd.period_range("2024", periods=4, freq="D"), "extension"),
    ],
)
def test_a_column_that_is_not_numeric_is_refused_by_name(tmp_path, values, found):
    frame = day_frame(4)
    frame["venue"] = values
    line = refused(tmp_path / "a.parquet", frame)
    assert "column 'venue': must be numeric, found" in line
    assert found in line


def test_without_an_index_of_timestamps_a_column_is_to_be_named(tmp_path, params):
    frame = day_frame(20).reset_index()
    line = refused(tmp_path / "a.parquet", frame)
    assert "the index must hold timestamps, found int64; data.timestamp may name a column" in line
    # Written by a program that knows no index.
    table = pa.Table.from_pandas(frame).replace_schema_metadata(None)
    assert "data.timestamp may name a column" in refused(tmp_path / "a.parquet", table)
    data = params.data.model_copy(update={"pattern": "*.parquet", "timestamp": "timestamp"})
    folder = open_folder(tmp_path, data)
    assert folder.first_ns == day_frame(1).index.as_unit("ns").asi8[0]
    assert folder.features == tuple(
        name for name in frame if name[0] not in "tb" or "volume" in name
    )


def test_a_timestamp_that_is_missing_is_refused_with_its_row(tmp_path):
    frame = day_frame(5)
    frame.index = pd.DatetimeIndex([*frame.index[:3], pd.NaT, frame.index[4]])
    assert "row 3: the timestamp is missing (NaT)" in refused(tmp_path / "a.parquet", frame)


def test_two_columns_of_one_name_are_refused(tmp_path):
    table = pa.table([[1.0], [2.0]], names=["spread", "spread"])
    assert "column 'spread': column names must be unique" in refused(tmp_path / "a", table)


@pytest.mark.parametrize(
    "pandas",
    [
        "{",
        "[]",
        "[" * 100_000,
        json.dumps({"index_columns": ["a", "b"]}),
        json.dumps({"index_columns": 7}),
        json.dumps({"index_columns": ["nowhere"]}),
        "\udcff",
    ],
)
def test_metadata_of_pandas_that_name_no_one_index_are_refused(tmp_path, pandas):
    table = pa.table({"a": [1.0], "b": [2.0]})
    table = table.replace_schema_metadata({"pandas": pandas.encode(errors="surrogateescape")})
    assert "index" in refused(tmp_path / "a", table)


def test_a_file_that_would_need_more_memory_than_allowed_is_refused_unread(tmp_path):
    """As is a file that is small because its values repeat."""
    table = pa.table({"a": np.zeros(10_000_000)})
    line = refused(tmp_path / "a", table, use_dictionary=True)
    assert (tmp_path / "a").stat().st_size < 100_000
    assert "10,000,000 rows would need 6,500 MB; data.max_file_mb allows 1" in line


@pytest.mark.parametrize("kept", [4, 8, 100, 0.3, 0.7, 0.99])
def test_a_file_that_was_cut_is_one_line(tmp_path, kept):
    day_frame(500).to_parquet(tmp_path / "a")
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[: kept if kept >= 4 else int(kept * len(whole))])
    assert "cannot be read as Parquet: " in refused(tmp_path / "a")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damage_anywhere_is_one_line_or_numbers(tmp_path, data):
    path = tmp_path / "a"
    if not (tmp_path / "whole").exists():
        day_frame(50).to_parquet(tmp_path / "whole")
    damaged = bytearray((tmp_path / "whole").read_bytes())
    for at in data.draw(st.lists(st.integers(4, len(damaged) - 1), min_size=1, max_size=4)):
        damaged[at] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    said = ""
    try:
        with open_frame(path, max_bytes=1 << 20) as read:
            read.time_ns()
            assert len(read.matrix(list(read.columns))) == read.rows
    except InputError as error:
        said = str(error)
    assert "\n" not in said


def made(folder, form, params, frames):
    """What the steps make of frames in files of a form, by path: those that read such files, and
    normalization."""
    features = folder / "features"
    features.mkdir(parents=True)
    for name, frame in frames.items():
        path = features / f"{name}{form}"
        frame.to_parquet(path) if form == ".parquet" else frame.to_hdf(path, key="df")
    data = params.data.model_copy(update={"pattern": "XBT*"})
    labels.run(data, params.label, features=features, out=folder)
    splits.run(
        data, params.label, params.split,
        features=features, labels=folder / "labels", out=folder / "split",
    )  # fmt: skip
    normalize.run(
        params.features,
        params.normalize,
        splits=folder / "split",
        out=folder / "normalize",
    )
    audit.run(
        data, params.label, params.split, params.audit,
        features=features, labels=folder / "labels", splits=folder / "split",
        normalization=folder / "normalize", out=folder / "audit",
    )  # fmt: skip
    return {
        str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and features not in path.parents
    }


def test_the_same_rows_in_either_form_make_the_same_bytes(tmp_path, params):
    """Of labels, splits, contract and findings, and so of all that follows; doubled timestamps,
    missing values, columns of several types and a midnight included."""
    days = {}
    for day, start in enumerate(("2024-01-01T23:30:00", "2024-01-02T00:00:00")):
        frame = day_frame(1800, start=start, seed=day)
        frame.iloc[::7, 3] = np.nan
        frame.iloc[5, 4] = np.inf
        frame["my_count"] = np.arange(1800, dtype=np.int16)
        days[f"XBT-data-0{day + 1}-01-2024"] = pd.concat([frame[:50], frame[49:]])
    first, second = (made(tmp_path / form, form, params, days) for form in (".h5", ".parquet"))
    assert "split/0/train/XBT-data-01-01-2024.h5" in first
    assert first == second


def test_files_of_one_name_in_both_forms_are_refused(tmp_path, params):
    day_frame(30).to_parquet(tmp_path / "a.parquet")
    day_frame(30).to_hdf(tmp_path / "a.h5", key="df")
    data = params.data.model_copy(update={"pattern": "*"})
    with pytest.raises(InputError, match=r"a\.h5 and a\.parquet .* lead to a\.h5; data\.pattern"):
        open_folder(tmp_path, data)


@pytest.mark.parametrize("tz", [None, "UTC"])
def test_pandas_reads_what_is_written(tmp_path, tz):
    """Of more rows than are written at a time, missing values included."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(150_000, 2))
    values[::5] = np.nan
    time_ns, status = np.arange(150_000) * 10**9, rng.integers(0, 5, (150_000, 1)).astype(np.int8)
    blocks = [Block(("up", "down"), values), Block(("status",), status)]
    write_frame(tmp_path / "a.h5", time_ns, blocks, tz_aware=tz is not None)
    write_parquet(tmp_path / "a.h5", tmp_path / "a")
    expected = pd.DataFrame(values, columns=["up", "down"])
    expected["status"] = status[:, 0]
    expected.index = pd.DatetimeIndex(time_ns, tz=tz)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a"), expected)


def excluding(path, names):
    with open_frame(path, skip=lambda name: name not in names) as read:
        return read.matrix(names)


def test_what_is_excluded_may_hold_anything(tmp_path):
    frame = day_frame(4)
    expected = frame[["best_bid", "spread"]].to_numpy(float)
    frame["venue"], frame["lists"] = ["a"] * 4, [[1.0], [2.0], [], [3.0]]
    frame["codes"] = pd.Categorical(list("abab"))
    frame.to_parquet(tmp_path / "a.parquet")
    assert (excluding(tmp_path / "a.parquet", ["best_bid", "spread"]) == expected).all()


def test_a_type_of_pandas_is_no_number_where_pandas_is_not_loaded(tmp_path):
    field = pa.field("when", pa.int64(), metadata={"ARROW:extension:name": "another.period"})
    table = pa.table([pa.array([1, 2])], schema=pa.schema([field]))
    assert "column 'when': must be numeric, found an extension" in refused(tmp_path / "a", table)


@pytest.mark.parametrize("name", ["a" * 256, "\x1b[31m", "a\nb", "\u202e", "nul\0"])
def test_a_name_that_cannot_be_shown_or_written_is_refused(tmp_path, name):
    line = refused(tmp_path / "a", pa.table({name: [1.0]}))
    assert "a column's name must be printable UTF-8 of at most 255 bytes" in line
    assert line.isprintable()

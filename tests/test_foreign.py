import os
import pickle
import resource
import subprocess
import sys
import zlib

import h5py
import numpy as np
import pandas as pd
import pytest
import tables
from conftest import day_frame

from alpha.core.errors import InputError
from alpha.core.frames import open_frame


class Trap:
    """Writes a marker file if anything unpickles it."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.mkdir, (str(self.marker),))


@pytest.mark.parametrize("unit", ["ns", "us", "ms"])
@pytest.mark.parametrize("tz", [None, "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize(
    "how",
    [
        {"format": "fixed"},
        {"format": "table"},
        {"format": "table", "data_columns": True},
        {"format": "fixed", "complib": "blosc:zstd", "complevel": 5},
        {"format": "table", "complib": "zlib", "complevel": 1},
        {"format": "fixed", "complib": "bzip2", "complevel": 1},
    ],
)
def test_every_form_in_which_pandas_writes_a_frame_is_read_alike(tmp_path, unit, tz, how):
    frame = day_frame(50)
    frame["count"] = np.arange(50)
    frame["flag"] = frame["count"] > 3
    frame.index = frame.index.tz_convert(tz).as_unit(unit)
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", **how)
    with open_frame(tmp_path / "a.h5") as read:
        assert set(read.columns) == set(frame.columns)
        assert (read.time_ns() == frame.index.as_unit("ns").asi8).all()
        assert read.tz_aware == (tz is not None)
        values = read.matrix(list(frame.columns))
        assert (values == frame.to_numpy(dtype=np.float64)).all()


def test_timestamps_may_be_in_a_column(tmp_path):
    frame = day_frame(20).reset_index()
    frame["timestamp"] = frame["timestamp"].dt.tz_localize(None)
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w")
    with open_frame(tmp_path / "a.h5") as read:
        assert (read.time_ns("timestamp") == day_frame(20).index.as_unit("ns").asi8).all()
        with pytest.raises(InputError, match="index must hold timestamps"):
            read.time_ns()
        with pytest.raises(InputError, match="'spread'.*must hold timestamps"):
            read.time_ns("spread")


@pytest.mark.parametrize("form", ["fixed", "table"])
def test_object_and_text_columns_are_refused_with_file_and_column_named(tmp_path, form):
    frame = day_frame(20)
    frame["venue"] = pd.Series(["a"] * 20, index=frame.index, dtype=object)
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", format=form)
    with (
        pytest.raises(InputError, match=r"a\.h5.*venue") as caught,
        open_frame(tmp_path / "a.h5"),
    ):
        pass
    assert "\n" not in str(caught.value)


def test_a_pickle_in_a_file_is_never_loaded(tmp_path):
    marker = tmp_path / "ran"
    trap = pickle.dumps(Trap(marker), protocol=0)
    fixed, table = tmp_path / "fixed.h5", tmp_path / "table.h5"
    day_frame(20).to_hdf(fixed, key="df", mode="w")
    day_frame(20).to_hdf(table, key="df", mode="w", format="table")
    with h5py.File(fixed, "a") as file:
        for node in (file["df"], file["df/axis1"], file["df/block0_values"]):
            for name in ("name", "freq", "tz", "info", "evil"):
                node.attrs[name] = np.bytes_(trap)
    with h5py.File(table, "a") as file:
        file["df/table"].attrs["values_block_0_kind"] = np.bytes_(trap)
    with open_frame(fixed) as read:
        assert read.rows == 20
    with (
        pytest.raises(InputError, match=r"table\.h5: column 'values_block_0'.*never loaded"),
        open_frame(table),
    ):
        pass
    assert not marker.exists()


def test_an_object_array_is_refused_without_loading_it(tmp_path):
    marker = tmp_path / "ran"
    path = tmp_path / "a.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    with tables.open_file(str(path), "a") as file:
        file.remove_node("/df/block0_values")
        atom = tables.ObjectAtom()
        file.create_vlarray("/df", "block0_values", atom).append(Trap(marker))
    with (
        pytest.raises(InputError, match=r"ask_volume_level0, .*: holds Python objects"),
        open_frame(path),
    ):
        pass
    assert not marker.exists()


def test_a_small_file_that_would_fill_the_memory_is_refused(tmp_path):
    path = tmp_path / "bomb.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    with h5py.File(path, "a") as file:
        for name, width in (
            ("axis1", ()),
            ("block0_values", (2,)),
            ("block1_values", (5,)),
        ):
            attributes = dict(file["df"][name].attrs)
            del file["df"][name]
            node = file["df"].create_dataset(
                name, (10**11, *width), "f8", chunks=(1000, *width), compression="gzip"
            )
            node.attrs.update(attributes)
    assert path.stat().st_size < 10**6
    with (
        pytest.raises(InputError, match=r"would need 800,000 MB; data.max_file_mb allows 100"),
        open_frame(path, key="df", max_bytes=10**8),
    ):
        pass


def test_links_out_of_the_file_are_not_followed(tmp_path):
    path, other = tmp_path / "a.h5", tmp_path / "other.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    day_frame(20).to_hdf(other, key="df", mode="w")
    with h5py.File(path, "a") as file:
        del file["df/block0_values"]
        file["df/block0_values"] = h5py.ExternalLink(str(other), "/df/block0_values")
    with (
        pytest.raises(InputError, match="is a link out of the frame"),
        open_frame(path),
    ):
        pass


@pytest.mark.parametrize("name", ["axis0", "axis1", "block0_items", "block0_values"])
def test_no_file_that_a_link_names_is_opened(tmp_path, name):
    """It might be a device, or a pipe that nobody writes to."""
    path = tmp_path / "a.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    with h5py.File(path, "a") as file:
        del file["df"][name]
        file["df"][name] = h5py.ExternalLink("no/such/file.h5", f"/df/{name}")
    with pytest.raises(InputError, match=f"{name} is a link out of the frame"), open_frame(path):
        pass


def test_a_key_that_leads_out_of_the_file_is_not_followed(tmp_path):
    day_frame(20).to_hdf(tmp_path / "other.h5", key="df", mode="w")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["df"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/df")
    with (
        pytest.raises(InputError, match=r"a\.h5: key 'df' is a link out of the file"),
        open_frame(tmp_path / "a.h5"),
    ):
        pass


def test_unreadable_files_are_named_in_one_line(tmp_path):
    whole = tmp_path / "whole.h5"
    day_frame(2000).to_hdf(whole, key="df", mode="w")
    (tmp_path / "text.h5").write_text("not HDF5")
    (tmp_path / "cut.h5").write_bytes(whole.read_bytes()[:20_000])
    (tmp_path / "folder.h5").mkdir()
    pd.Series([1.0]).to_hdf(tmp_path / "series.h5", key="df")
    for name in ("text.h5", "cut.h5", "folder.h5", "none.h5", "series.h5"):
        with (
            pytest.raises(InputError, match=name) as caught,
            open_frame(tmp_path / name),
        ):
            pass
        assert "\n" not in str(caught.value)
    with (
        pytest.raises(InputError, match="no key 'other', found df"),
        open_frame(whole, key="other"),
    ):
        pass


def test_a_missing_timestamp_is_refused_with_its_row(tmp_path):
    frame = day_frame(20)
    frame.index = frame.index.where(np.arange(20) != 7)
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w")
    with (
        open_frame(tmp_path / "a.h5") as read,
        pytest.raises(InputError, match="row 7: the timestamp is missing"),
    ):
        read.time_ns()


def test_both_real_files_read_as_pandas_reads_them(realdata):
    for path in sorted(realdata.glob("*.h5")):
        frame = pd.read_hdf(path, "df")
        with open_frame(path) as read:
            assert list(read.columns) == list(frame.columns)
            assert (read.time_ns() == frame.index.as_unit("ns").asi8).all()
            values = read.matrix(list(frame.columns))
        assert np.array_equal(values, frame.to_numpy(), equal_nan=True)


@pytest.mark.parametrize("form", ["fixed", "table"])
def test_a_file_damaged_anywhere_gives_values_or_one_line_never_a_traceback(tmp_path, form):
    path = tmp_path / "a.h5"
    day_frame(300).to_hdf(path, key="df", mode="w", format=form, complib="zlib", complevel=1)
    sound = path.read_bytes()
    rng = np.random.default_rng(5)
    refused = []
    for _ in range(150):
        damaged = bytearray(sound[: rng.integers(len(sound) // 2, len(sound) + 1)])
        for at in rng.integers(0, len(damaged), rng.choice([1, 5, 50])):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            with open_frame(path, key="df", max_bytes=10**8) as read:
                read.time_ns()
                read.matrix(list(read.columns))
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert all("a.h5" in line and "\n" not in line for line in refused)


@pytest.mark.parametrize(
    ("unit", "value"), [("ns", -(2**63) + 1), ("ns", 2**63 - 1), ("s", 2**60), ("ms", -(2**55))]
)
def test_a_timestamp_that_no_window_around_it_fits_is_one_line(tmp_path, unit, value):
    frame = day_frame(20)
    path = tmp_path / "a.h5"
    frame.to_hdf(path, key="df", mode="w")
    with h5py.File(path, "r+") as file:
        index = file["df/axis1"]
        index.attrs["kind"] = np.bytes_(f"datetime64[{unit}]")
        times = np.arange(20)
        times[7] = value
        index[...] = times
    message = r"a\.h5: row 7: the timestamp must be within the years"
    with open_frame(path) as found, pytest.raises(InputError, match=message):
        found.time_ns()


def test_an_index_that_only_says_that_it_holds_times_is_one_line(tmp_path):
    path = tmp_path / "a.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    with h5py.File(path, "r+") as file:
        attributes = dict(file["df/axis1"].attrs)
        del file["df/axis1"]
        index = file["df"].create_dataset("axis1", data=np.array([b"x12"] * 20))
        index.attrs.update(attributes)
    message = "the index must hold timestamps, found"
    with open_frame(path) as found, pytest.raises(InputError, match=message):
        found.time_ns()


def test_numbers_wider_than_eight_bytes_are_refused_with_their_column(tmp_path):
    """Their bytes differ between machines."""
    frame = day_frame(20)
    frame["wide"] = frame["spread"].to_numpy().astype(np.longdouble)
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w")
    message = r"a\.h5: column wide: must be numeric, found float128"
    with pytest.raises(InputError, match=message), open_frame(tmp_path / "a.h5"):
        pass


def line_of(path, **how):
    """The one line with which a file is refused, at the latest as it is read."""
    with pytest.raises(InputError) as caught, open_frame(path, **how) as read:
        read.time_ns()
        read.matrix(list(read.columns))
    line = str(caught.value)
    assert str(path) in line
    assert line.isprintable()
    return line


def kinds():
    return {
        "category": pd.Categorical([1.5, 2.5] * 10),
        "timedelta64": pd.to_timedelta(np.arange(20), unit="s"),
        "period": pd.period_range("2024", periods=20, freq="s"),
        "bytes8": ["a"] * 20,
    }


@pytest.mark.parametrize("form", ["fixed", "table"])
@pytest.mark.parametrize("kind", kinds())
def test_what_only_looks_like_numbers_is_refused_unless_it_is_excluded(tmp_path, form, kind):
    if (form, kind) == ("fixed", "category"):
        pytest.skip("pandas writes none")
    frame = day_frame(20)
    frame["other"] = kinds()[kind]
    how = {"data_columns": True} if form == "table" else {}
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", format=form, **how)
    line = line_of(tmp_path / "a.h5")
    assert "column other: " in line
    assert kind in line or "Python objects" in line or "|S" in line
    assert "data.exclude" in line
    with open_frame(tmp_path / "a.h5", skip="other".__eq__) as read:
        assert set(read.columns) == set(frame) - {"other"}
        found = read.matrix(["best_ask", "spread"])
    assert (found == frame[["best_ask", "spread"]].to_numpy(float)).all()


def test_a_column_that_is_excluded_is_never_loaded(tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "a.h5"
    day_frame(20).assign(text="a").to_hdf(path, key="df", mode="w")
    with tables.open_file(str(path), "a") as file:
        [name] = [one._v_name for one in file.root.df if one._v_attrs._f_list() and (
            "PSEUDOATOM" in one._v_attrs
        )]  # fmt: skip
        file.remove_node(f"/df/{name}")
        file.create_vlarray("/df", name, tables.ObjectAtom()).append(Trap(marker))
    with open_frame(path, skip="text".__eq__) as read:
        read.time_ns()
        read.matrix(list(read.columns))
    assert not marker.exists()


def test_of_two_columns_of_one_name_none_stands(tmp_path):
    frame = day_frame(20)
    twice = pd.concat([frame, frame[["spread"]] + 1], axis=1)
    twice.to_hdf(tmp_path / "a.h5", key="df", mode="w", format="table")
    assert "column 'spread': column names must be unique" in line_of(tmp_path / "a.h5")
    short = day_frame(20).rename(columns={"spread": "x", "my_own": "x"})  # a letter is pickled once
    short.to_hdf(tmp_path / "a.h5", key="df", mode="w", format="table")
    assert "a name twice, a MultiIndex?" in line_of(tmp_path / "a.h5")
    frame.to_hdf(tmp_path / "b.h5", key="df", mode="w", format="table", data_columns=True)
    with h5py.File(tmp_path / "b.h5", "a") as file:
        file["df/table"].attrs["my_own_kind"] = file["df/table"].attrs["spread_kind"]
    assert "column 'spread': column names must be unique" in line_of(tmp_path / "b.h5")


@pytest.mark.parametrize("form", ["fixed", "table"])
@pytest.mark.parametrize("axis", [0, 1])
def test_several_levels_are_said(tmp_path, form, axis):
    frame = day_frame(20)
    if axis:
        frame.columns = pd.MultiIndex.from_product([["XBT"], frame.columns])
    else:
        frame.index = pd.MultiIndex.from_product([["XBT"], frame.index.tz_localize(None)])
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", format=form)
    assert "MultiIndex" in line_of(tmp_path / "a.h5")


@pytest.mark.parametrize("form", ["fixed", "table"])
@pytest.mark.parametrize("name", ["é" * 128, "\x1b[31mred", "a\nalpha check: ok", "\u202e"])
def test_a_name_that_cannot_be_shown_or_written_is_refused(tmp_path, form, name):
    frame = day_frame(20).rename(columns={"spread": name})
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", format=form)
    line = line_of(tmp_path / "a.h5")
    assert "a column's name must be printable UTF-8 of at most 255 bytes, found '" in line


def test_a_name_that_is_no_text_is_refused(tmp_path):
    day_frame(20).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["df/axis0"][0] = b"\xff\xfe"
    assert "printable UTF-8" in line_of(tmp_path / "a.h5")


def replaced(path, name, make):
    """Another dataset in the place of one, with its attributes."""
    with h5py.File(path, "a") as file:
        attributes = dict(file["df"][name].attrs)
        del file["df"][name]
        make(file["df"], name).attrs.update(attributes)


@pytest.mark.parametrize(("shape", "dtype"), [((7,), "S400000000"), ((10**8,), "S8")])
def test_names_that_would_fill_the_memory_are_not_read(tmp_path, shape, dtype):
    path = tmp_path / "a.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    how = {"chunks": (min(shape[0], 10**4),), "compression": "gzip"}
    replaced(path, "axis0", lambda df, name: df.create_dataset(name, shape, dtype, **how))
    assert path.stat().st_size < 200_000
    assert "would need" in line_of(path, max_bytes=10**8)
    assert "must hold fewer or shorter names" in line_of(path, max_bytes=10**10)


def test_all_blocks_together_are_within_the_limit(tmp_path):
    day_frame(20).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    with open_frame(tmp_path / "a.h5", max_bytes=15_000):
        pass
    frame = day_frame(20)
    wide = {f"w{at}": frame["spread"].astype("f8" if at % 2 else "i4") for at in range(120)}
    frame = pd.concat([frame, pd.DataFrame(wide)], axis=1)
    frame.to_hdf(tmp_path / "b.h5", key="df", mode="w")
    assert "would need 0 MB" in line_of(tmp_path / "b.h5", max_bytes=15_000)


def test_a_chunk_is_part_of_what_a_file_needs(tmp_path):
    path = tmp_path / "a.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    how = {"maxshape": (None, 2), "chunks": (1 << 24, 2), "compression": "gzip"}
    replaced(path, "block1_values", lambda df, name: df.create_dataset(name, (20, 2), "f8", **how))
    assert "block1_values would need 268 MB" in line_of(path, max_bytes=10**8)


def test_a_chunk_that_decompresses_to_more_than_it_is_of_is_one_line(tmp_path):
    """HDF5 has no limit of its own: the system's is set while it decodes."""
    path = tmp_path / "a.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 24)) for _ in range(64)) + packer.flush()

    def make(df, name):
        made = df.create_dataset(name, (20, 2), "f8", chunks=(20, 2), compression="gzip")
        made.id.write_direct_chunk((0, 0), bomb)
        return made

    replaced(path, "block1_values", make)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    assert "cannot be read as HDF5" in line_of(path, max_bytes=10**7)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_huge_attribute_is_not_read(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", libver="latest") as file:
        file.create_group("df").attrs["pandas_type"] = np.zeros(1 << 19)
    assert "the attribute 'pandas_type' is too large" in line_of(tmp_path / "a.h5")


def test_an_infinite_number_of_blocks_is_one_line(tmp_path):
    day_frame(20).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    for count in (np.inf, 10**9):
        with h5py.File(tmp_path / "a.h5", "a") as file:
            file["df"].attrs["nblocks"] = count
        line_of(tmp_path / "a.h5")


def test_a_filter_that_is_not_known_is_named_by_its_number(tmp_path):
    path = tmp_path / "a.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")

    def make(df, name):
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((20, 2))
        plan.set_filter(300, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((20, 2))
        made = h5py.h5d.create(df.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, space, plan)
        return h5py.Dataset(made)

    replaced(path, "block1_values", make)
    assert "HDF5 filter 300, which is not known" in line_of(path)


@pytest.mark.parametrize("start", [b"\x1f\x8b\x08", b"PK\x03\x04", b"time,bid\n", b'{"a": 1}'])
def test_another_kind_of_file_is_said_to_be_that(tmp_path, start):
    (tmp_path / "a.h5").write_bytes(start * 100)
    line = line_of(tmp_path / "a.h5")
    assert f"must be HDF5 or Parquet, but starts with {(start * 3)[:8]!r}" in line


def test_a_file_that_is_still_written_is_said_to_be(tmp_path):
    path = tmp_path / "a.h5"
    day_frame(2000).to_hdf(path, key="df", mode="w")
    whole = path.read_bytes()
    code = "import h5py, sys; held = h5py.File(sys.argv[1], 'a'); print(1, flush=True); input()"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert "is today's recording still running?" in line_of(path)
        other.stdin.write(b"\n")
        other.stdin.close()
    path.write_bytes(whole[: len(whole) // 2])
    assert "is today's recording still running?" in line_of(path)


@pytest.mark.parametrize("dtype", [">f8", "f2", "i2", ">u4"])
def test_numbers_of_any_width_and_order_are_as_pandas_reads_them(tmp_path, dtype):
    path = tmp_path / "a.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    values = np.arange(40).reshape(20, 2) % 31
    replaced(
        path, "block1_values", lambda df, name: df.create_dataset(name, data=values.astype(dtype))
    )
    frame = pd.read_hdf(path, "df")
    with open_frame(path) as read:
        found = read.matrix(list(read.columns))
    assert (found == frame.to_numpy(float)).all()


@pytest.mark.parametrize("dtype", ["c16", "S3", "i4"])
def test_an_index_or_a_column_of_no_such_numbers_is_one_line(tmp_path, dtype):
    path = tmp_path / "a.h5"
    day_frame(20).to_hdf(path, key="df", mode="w")
    name = "axis1" if dtype == "i4" else "block1_values"
    shape = (20,) if dtype == "i4" else (20, 2)
    replaced(
        path, name, lambda df, name: df.create_dataset(name, data=np.ones(shape).astype(dtype))
    )
    assert "must" in line_of(path)


def test_a_byte_of_truth_is_one_or_zero_as_pandas_reads_it(tmp_path):
    frame = day_frame(20).assign(flag=np.arange(20) % 2 == 0)
    for form in ("fixed", "table"):
        path = tmp_path / f"{form}.h5"
        frame.to_hdf(path, key="df", mode="w", format=form)
        sound = path.read_bytes()
        truths = bytes([1, 0] * 10)
        if form == "fixed":
            assert sound.count(truths) == 1
            path.write_bytes(sound.replace(truths, bytes([65, 0] * 10)))
        with open_frame(path) as read:
            assert read.columns["flag"].kind == "b"
            assert (read.column("flag") == pd.read_hdf(path, "df")["flag"]).all()


def test_what_a_file_says_of_itself_is_shown_escaped(tmp_path):
    day_frame(20).to_hdf(tmp_path / "a.h5", key="df", mode="w")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["df/block1_values"].attrs["value_type"] = np.bytes_(b"\x1b[2J\nalpha check: ok")
    assert r"must be numeric, found \x1b[2J\nalpha check: ok" in line_of(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["df"].attrs["pandas_type"] = np.bytes_(b"\x1b[2J\n")
    assert r"found \x1b[2J\n" in line_of(tmp_path / "a.h5")

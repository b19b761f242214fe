import os
import pickle

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

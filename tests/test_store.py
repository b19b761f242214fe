import os
import pickle
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import blosc2
import h5py
import numpy as np
import pandas as pd
import pytest
import tables
from conftest import day_frame
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.core.errors import InputError
from alpha.core.store import Block, chunked, chunks, open_frame, open_writer, write_frame
from alpha.core.store.logical import nodes

BLOCKS = (
    Block(("a", "b"), np.arange(600, dtype=np.float32).reshape(300, 2)),
    Block(("c",), np.linspace(0, 1, 300)[:, None]),
    Block(("code",), (np.arange(300) % 3).astype(np.int8)[:, None]),
)
TIMES = 1_704_067_200_000_000_000 + np.arange(300) * 1_000_000_000


class Trap:
    """Writes a marker file if anything unpickles it."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (os.mkdir, (str(self.marker),))


@pytest.mark.parametrize("aware", [False, True])
def test_what_is_written_is_what_pandas_and_the_reader_read(tmp_path, aware):
    path = tmp_path / "a.h5"
    write_frame(path, TIMES, BLOCKS, aware=aware)
    frame = pd.read_hdf(path, "df")
    assert list(frame.columns) == ["a", "b", "c", "code"]
    assert [str(dtype) for dtype in frame.dtypes] == [
        "float32",
        "float32",
        "float64",
        "int8",
    ]
    assert str(frame.index.dtype) == ("datetime64[ns, UTC]" if aware else "datetime64[ns]")
    assert (frame.index.asi8 == TIMES).all()
    with open_frame(path, key="df") as read:
        assert read.aware == aware
        assert (read.time_ns() == TIMES).all()
        assert (read.matrix(["a", "b", "c", "code"]) == frame.to_numpy()).all()
        assert (read.matrix(["c", "a"], start=7, stop=9) == frame[["c", "a"]][7:9]).all().all()


def test_the_same_content_has_the_same_bytes_at_another_time_under_another_name(
    tmp_path,
):
    write_frame(tmp_path / "a.h5", TIMES, BLOCKS, aware=True)
    time.sleep(1.1)  # HDF5 keeps times to the second
    write_frame(tmp_path / "b.h5", TIMES, BLOCKS, aware=True)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


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
    with open_frame(tmp_path / "a.h5", key="df") as read:
        assert set(read.columns) == set(frame.columns)
        assert (read.time_ns() == frame.index.as_unit("ns").asi8).all()
        assert read.aware == (tz is not None)
        values = read.matrix(list(frame.columns))
        assert (values == frame.to_numpy(dtype=np.float64)).all()


def test_timestamps_may_be_in_a_column(tmp_path):
    frame = day_frame(20).reset_index()
    frame["timestamp"] = frame["timestamp"].dt.tz_localize(None)
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w")
    with open_frame(tmp_path / "a.h5", key="df") as read:
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
        open_frame(tmp_path / "a.h5", key="df"),
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
    with open_frame(fixed, key="df") as read:
        assert read.rows == 20
    with (
        pytest.raises(InputError, match=r"table\.h5: column 'values_block_0'.*never loaded"),
        open_frame(table, key="df"),
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
        open_frame(path, key="df"),
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
        open_frame(path, key="df"),
    ):
        pass


def test_a_key_that_leads_out_of_the_file_is_not_followed(tmp_path):
    day_frame(20).to_hdf(tmp_path / "other.h5", key="df", mode="w")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["df"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/df")
    with (
        pytest.raises(InputError, match=r"a\.h5: key 'df' is a link out of the file"),
        open_frame(tmp_path / "a.h5", key="df"),
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
            open_frame(tmp_path / name, key="df"),
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
        open_frame(tmp_path / "a.h5", key="df") as read,
        pytest.raises(InputError, match="row 7: the timestamp is missing"),
    ):
        read.time_ns()


def test_both_real_files_read_as_pandas_reads_them(realdata):
    for path in sorted(realdata.glob("*.h5")):
        frame = pd.read_hdf(path, "df")
        with open_frame(path, key="df") as read:
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


# -- writing in parts, and in threads ------------------------------------------------------------


def wide(rows: int, seed: int = 0) -> tuple[np.ndarray, list[Block]]:
    """More columns than a chunk is wide, of every kind of values."""
    rng = np.random.default_rng(seed)
    features = np.round(rng.normal(size=(rows, 89)), 1).astype(np.float32)
    features[rng.random(features.shape) < 0.01] = np.nan
    return TIMES[0] + np.arange(rows) * 10**9, [
        Block((*(f"feature_{at}" for at in range(88)), "größe"), features),
        Block(("bid", "ask"), rng.normal(size=(rows, 2))),
        Block(("code",), rng.integers(-3, 4, (rows, 1)).astype(np.int8)),
        Block(("flag", "other"), rng.random((rows, 2)) > 0.5),
    ]


def write_with_pytables(path, time_ns, blocks):
    """pandas' fixed format as PyTables makes it, node by node."""
    with tables.open_file(str(path), "w") as file:
        group = file.create_group("/", "df")

        def array(name, values, **attributes):
            make = file.create_carray if values.nbytes > 4096 else file.create_array
            node = make(group, name, obj=values, track_times=False)
            for key, value in {"transposed": True, **attributes}.items():
                setattr(node._v_attrs, key, value)

        def names(name, values):
            array(
                name, np.array([value.encode() for value in values]), kind="string", nan_rep="nan"
            )

        attributes = {
            "pandas_type": "frame", "pandas_version": "0.15.2", "encoding": "UTF-8",
            "errors": "strict", "ndim": 2, "axis0_variety": "regular",
            "axis1_variety": "regular", "nblocks": len(blocks),
        }  # fmt: skip
        names("axis0", [name for block in blocks for name in block.names])
        array("axis1", time_ns, kind="datetime64[ns]", index_class="datetime", tz="UTC")
        for number, block in enumerate(blocks):
            attributes[f"block{number}_items_variety"] = "regular"
            names(f"block{number}_items", block.names)
            array(f"block{number}_values", block.values)
        for name, value in attributes.items():
            setattr(group._v_attrs, name, value)


@pytest.mark.parametrize("rows", [1, 40, 2047, 5000, 40_000])
def test_what_is_written_is_what_pytables_would_write_to_the_last_attribute(tmp_path, rows):
    time_ns, blocks = wide(rows)
    found = write_frame(tmp_path / "a.h5", time_ns, blocks, aware=True)
    write_with_pytables(tmp_path / "b.h5", time_ns, blocks)
    assert found == nodes(tmp_path / "a.h5") == nodes(tmp_path / "b.h5")
    frames = [pd.read_hdf(tmp_path / name, "df") for name in ("a.h5", "b.h5")]
    pd.testing.assert_frame_equal(*frames)
    with open_frame(tmp_path / "a.h5", key="df") as read:
        values = read.matrix(list(frames[1].columns))
    assert np.array_equal(values, frames[1].to_numpy(dtype=np.float64), equal_nan=True)


def test_frames_of_one_form_that_follow_each_other_have_nodes_of_their_own(tmp_path):
    """What is known of the first is not what the others say."""
    for at, (rows, aware) in enumerate([(5000, True), (5001, True), (7, True), (7, False)] * 2):
        path = tmp_path / f"{at}.h5"
        time_ns, blocks = wide(rows)
        assert write_frame(path, time_ns + at, blocks, aware=aware) == nodes(path)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), rows=st.integers(1, 40_000))
def test_wherever_rows_are_cut_the_file_has_the_same_bytes(tmp_path_factory, data, rows):
    folder = tmp_path_factory.mktemp("cut")
    cuts = data.draw(st.lists(st.integers(0, rows) | st.sampled_from([0, rows]), max_size=6))
    time_ns, blocks = wide(rows)
    whole = write_frame(folder / "whole.h5", time_ns, blocks, aware=False)
    columns = [(block.names, block.values.dtype) for block in blocks]
    with open_writer(folder / "cut.h5", columns, rows=rows, aware=False) as writer:
        for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), rows], strict=True):
            writer.append(time_ns[low:high], [block.values[low:high] for block in blocks])
    assert (folder / "whole.h5").read_bytes() == (folder / "cut.h5").read_bytes()
    assert writer.nodes == whole


def test_a_frame_gets_as_many_rows_and_such_columns_as_were_announced(tmp_path):
    def write(rows, *parts):
        columns = [(("a", "b"), np.dtype(np.float32))]
        with open_writer(tmp_path / "a.h5", columns, rows=rows, aware=True) as writer:
            for values in parts:
                writer.append(TIMES[: len(values)], [values])

    part = np.zeros((3, 2), dtype=np.float32)
    write(6, part, part)
    with pytest.raises(ValueError, match="a frame of 7 rows was given 6"):
        write(7, part, part)
    with pytest.raises(ValueError, match="a frame of 5 rows was given more"):
        write(5, part, part)
    with pytest.raises(ValueError, match="at least one row"):
        write(0)
    with pytest.raises(ValueError, match="2 columns of float32, found 2 of float64"):
        write(3, part.astype(np.float64))
    with pytest.raises(ValueError, match="2 columns of float32, found 1 of float32"):
        write(3, part[:, :1])
    with (
        pytest.raises(ValueError, match="as many rows as the index"),
        open_writer(tmp_path / "a.h5", [], rows=3, aware=True) as writer,
    ):
        writer.append(TIMES[:3], [part])


def test_bytes_depend_neither_on_the_number_of_threads_nor_on_who_is_done_first(
    tmp_path, monkeypatch
):
    time_ns, blocks = wide(20_000)
    encode = chunks.encode

    def dawdling(*args):
        time.sleep(random.random() / 100)
        return encode(*args)

    monkeypatch.setattr(chunks, "encode", dawdling)
    for threads in (1, 2, 5):
        monkeypatch.setattr(chunks, "POOL", ThreadPoolExecutor(threads))
        found = write_frame(tmp_path / f"{threads}.h5", time_ns, blocks, aware=True)
        assert found == nodes(tmp_path / f"{threads}.h5")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_bytes_do_not_depend_on_the_number_of_cores(tmp_path):
    program = """
import os, sys
from pathlib import Path
import numpy as np
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: int(sys.argv[2])]))
from alpha.core.store import Block, write_frame
values = np.random.default_rng(0).normal(size=(9000, 130)).astype(np.float32)
names = tuple(map(str, range(130)))
write_frame(Path(sys.argv[1]), np.arange(9000), [Block(names, values)], aware=True)
"""
    for cores in ("1", "2"):
        subprocess.run([sys.executable, "-c", program, tmp_path / cores, cores], check=True)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


# -- chunks --------------------------------------------------------------------------------------


@given(
    rows=st.integers(1, 300),
    columns=st.integers(1, 30),
    dtype=st.sampled_from(["i1", "?", "f4", "f8", "i8"]),
    seed=st.integers(0, 5),
)
def test_a_chunk_is_a_frame_that_blosc2_reads_and_that_is_read_back(rows, columns, dtype, seed):
    """Random bits, small numbers or zeros; smaller than the chunk, or as large."""
    chunk = (rows + seed % 2, columns + seed % 3)
    rng = np.random.default_rng(seed)
    values = rng.integers(0, [1, 2, 100][seed % 3], (rows, columns)).astype(dtype)
    if seed == 3:
        values = np.frombuffer(rng.bytes(values.nbytes), np.uint8).view(values.dtype)
        values = values.reshape(rows, columns)
    whole = np.zeros(chunk, dtype=dtype)
    whole[:rows, :columns] = values
    stored = chunks.encode(values, chunk)
    assert blosc2.schunk_from_cframe(stored).decompress_chunk(0) == whole.tobytes()
    assert len(stored) <= whole.nbytes + chunks.OVERHEAD
    out = np.empty(chunk, dtype=dtype)
    assert chunks.decode(stored, out)
    assert out.tobytes() == whole.tobytes()


def test_a_chunk_of_another_size_is_not_taken_for_one_of_ours():
    stored = chunks.encode(np.ones((10, 3)), (10, 3))
    for out in (np.empty((9, 3)), np.empty((10, 4)), np.empty((15, 2)), np.empty((10, 3), "f4")):
        assert not chunks.decode(stored, out)
    for other in (b"", stored[:-1], stored + b"\0", stored[1:], bytes(len(stored))):
        assert not chunks.decode(other, np.empty((10, 3)))


@pytest.mark.parametrize(
    ("shape", "itemsize", "expected"),
    [
        ((86_400, 120), 4, (2048, 60)),
        ((86_400, 89), 4, (2048, 45)),
        ((86_400, 127), 4, (2048, 43)),
        ((86_400, 63), 8, (2048, 21)),
        ((86_400, 1), 8, (16_384, 1)),
        ((86_400, 40), 8, (2048, 20)),
        ((700, 120), 4, (700, 60)),
        ((86_400, 1), 1, (16_384, 1)),
    ],
)
def test_a_row_of_a_chunk_is_an_element_to_blosc2(shape, itemsize, expected):
    assert chunks.shape(*shape, itemsize) == expected
    assert expected[1] * itemsize <= 255


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_chunks_read_directly_are_what_hdf5_reads(tmp_path_factory, data):
    """Any columns in any order, from any row to any other."""
    path = tmp_path_factory.getbasetemp() / "wide.h5"
    time_ns, blocks = wide(5000)
    if not path.exists():
        write_frame(path, time_ns, blocks, aware=True)
    names = [name for block in blocks for name in block.names]
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True) | st.just(names))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, 4999), st.integers(1, 5000))))
    with open_frame(path, key="df") as read:
        direct = read.matrix(chosen, start=start, stop=stop)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(chunked, "fill", lambda *args: False)
            assert direct.tobytes() == read.matrix(chosen, start=start, stop=stop).tobytes()
            assert (read.time_ns() == time_ns).all()
        assert (read.time_ns() == time_ns).all()


def test_files_of_others_with_the_same_filter_are_read_by_hdf5(tmp_path):
    """With the chunks that we would choose, too."""
    frame = day_frame(5000)
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", complib="blosc2:zstd", complevel=3)
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        old = file["df/block0_values"]
        values, attributes = old[:], dict(old.attrs)
        del file["df/block0_values"]
        node = file.create_dataset(
            "df/block0_values",
            data=values,
            chunks=chunks.shape(*values.shape, values.itemsize),
            compression=chunks.FILTER,
            compression_opts=(0, 0, 0, 0, 9, 2, 5),
        )
        node.attrs.update(attributes)
    with open_frame(tmp_path / "a.h5", key="df") as read:
        assert (read.matrix(list(frame.columns)) == frame.to_numpy()).all()


def test_an_artifact_damaged_anywhere_gives_values_or_one_line_never_a_traceback(tmp_path):
    path = tmp_path / "a.h5"
    write_frame(path, *wide(3000), aware=True)
    sound = path.read_bytes()
    rng = np.random.default_rng(6)
    refused = []
    for turn in range(300):
        damaged = bytearray(sound if turn % 2 else sound[: rng.integers(1000, len(sound))])
        for at in rng.integers(0, len(damaged), rng.choice([1, 5, 50, 500])):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            with open_frame(path, key="df", max_bytes=10**8) as read:
                read.time_ns()
                read.matrix(list(read.columns))
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 100
    assert all("a.h5" in line and "\n" not in line for line in refused)


@pytest.mark.parametrize("field", [0, 4, 8, 12, 22, 31])
def test_a_chunk_whose_header_is_damaged_gives_values_or_one_line(tmp_path, field):
    """Sizes and flags, which a decompressor believes, byte by byte."""
    path = tmp_path / "a.h5"
    write_frame(path, *wide(3000), aware=True)
    with h5py.File(path) as file:
        start = file["df/block0_values"].id.get_chunk_info(0).byte_offset + 97
    sound = path.read_bytes()
    for value in (0, 1, 0x7F, 0x80, 0xFF):
        damaged = bytearray(sound)
        damaged[start + field] = value
        path.write_bytes(damaged)
        refused = []
        try:
            with open_frame(path, key="df") as read:
                read.matrix(list(read.columns))
        except InputError as error:
            refused.append(str(error))
        assert all("a.h5: cannot be read as HDF5" in line for line in refused)
        assert all("\n" not in line for line in refused)


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
    with open_frame(path, key="df") as found, pytest.raises(InputError, match=message):
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
    with open_frame(path, key="df") as found, pytest.raises(InputError, match=message):
        found.time_ns()


def test_numbers_wider_than_eight_bytes_are_refused_with_their_column(tmp_path):
    """Their bytes differ between machines."""
    frame = day_frame(20)
    frame["wide"] = frame["spread"].to_numpy().astype(np.longdouble)
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w")
    message = r"a\.h5: column wide: must be numeric, found float128"
    with pytest.raises(InputError, match=message), open_frame(tmp_path / "a.h5", key="df"):
        pass

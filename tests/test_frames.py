import pickle
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pandas as pd
import pytest
import tables
from conftest import ROOT, day_frame
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha.core import frames
from alpha.core.errors import InputError
from alpha.core.frames import Block, open_frame, open_writer, write_frame

TIMES = 1_704_067_200_000_000_000 + np.arange(300) * 1_000_000_000
BLOCKS = (
    Block(("a", "b"), np.arange(600, dtype=np.float32).reshape(300, 2)),
    Block(("c",), np.linspace(0, 1, 300)[:, None]),
    Block(("code",), (np.arange(300) % 3).astype(np.int8)[:, None]),
)


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


@pytest.fixture(params=["compressed", "plain"])
def stored(request, monkeypatch):
    """Frames of either size, however small the test's are."""
    monkeypatch.setattr(frames, "_PLAIN_BYTES", 0 if request.param == "compressed" else 1 << 40)


@pytest.mark.parametrize("tz_aware", [False, True])
def test_what_is_written_is_what_pandas_and_the_reader_read(tmp_path, tz_aware, stored):
    path = tmp_path / "a.h5"
    write_frame(path, TIMES, BLOCKS, tz_aware=tz_aware)
    frame = pd.read_hdf(path, "df")
    assert list(frame.columns) == ["a", "b", "c", "code"]
    assert [str(dtype) for dtype in frame.dtypes] == ["float32", "float32", "float64", "int8"]
    assert str(frame.index.dtype) == ("datetime64[ns, UTC]" if tz_aware else "datetime64[ns]")
    assert (frame.index.asi8 == TIMES).all()
    with open_frame(path) as read:
        assert read.tz_aware == tz_aware
        assert (read.time_ns() == TIMES).all()
        assert (read.matrix(["a", "b", "c", "code"]) == frame.to_numpy()).all()
        assert (read.matrix(["c", "a"], start=7, stop=9) == frame[["c", "a"]][7:9]).all().all()
        assert (read.column("code") == frame["code"]).all()


@pytest.mark.parametrize("rows", [1, 40, 4095, 4096, 4097, 20_000])
def test_pandas_pytables_and_the_reader_read_the_same_values(tmp_path, rows, stored):
    path = tmp_path / "a.h5"
    time_ns, blocks = wide(rows)
    write_frame(path, time_ns, blocks, tz_aware=True)
    frame = pd.read_hdf(path, "df")
    names = [name for block in blocks for name in block.names]
    assert list(frame.columns) == names
    with tables.open_file(str(path)) as file, open_frame(path) as read:
        assert np.array_equal(file.root.df.axis1[:], time_ns)
        for number, block in enumerate(blocks):
            values = file.get_node(f"/df/block{number}_values")[:]
            assert values.dtype == block.values.dtype
            assert np.array_equal(values, block.values, equal_nan=block.values.dtype.kind == "f")
            assert np.array_equal(frame[list(block.names)], block.values, equal_nan=True)
            assert np.array_equal(read.matrix(block.names), block.values, equal_nan=True)
        whole = np.hstack([block.values.astype(np.float64) for block in blocks])
        assert np.array_equal(read.matrix(names), whole, equal_nan=True)


def test_nothing_in_a_file_is_pickled(tmp_path, stored):
    write_frame(tmp_path / "a.h5", *wide(5000), tz_aware=True)
    with h5py.File(tmp_path / "a.h5") as file:
        nodes = [file]
        file.visititems(lambda _, node: nodes.append(node))
        values = [value for node in nodes for value in node.attrs.values()]
    assert len(nodes) == 12
    for value in values:
        assert isinstance(value, str | bytes | np.integer | np.bool_ | h5py.Empty)
        # As each pickle does.
        assert not str(value).rstrip("'").endswith(".")


def test_the_same_content_has_the_same_bytes_at_another_time_under_another_name(tmp_path, stored):
    write_frame(tmp_path / "a.h5", TIMES, BLOCKS, tz_aware=True)
    time.sleep(1.1)  # HDF5 keeps times to the second
    write_frame(tmp_path / "b.h5", TIMES, BLOCKS, tz_aware=True)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


@settings(max_examples=25, deadline=None)
@given(data=st.data(), rows=st.integers(1, 40_000))
def test_wherever_rows_are_cut_the_file_has_the_same_bytes(tmp_path_factory, data, rows):
    folder = tmp_path_factory.mktemp("cut")
    cuts = data.draw(st.lists(st.integers(0, rows) | st.sampled_from([0, rows]), max_size=6))
    time_ns, blocks = wide(rows)
    write_frame(folder / "whole.h5", time_ns, blocks, tz_aware=False)
    columns = [(block.names, block.values.dtype) for block in blocks]
    with open_writer(folder / "cut.h5", columns, rows=rows, tz_aware=False) as writer:
        for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), rows], strict=True):
            writer.append(time_ns[low:high], [block.values[low:high] for block in blocks])
    assert (folder / "whole.h5").read_bytes() == (folder / "cut.h5").read_bytes()


def test_a_frame_gets_as_many_rows_and_such_columns_as_were_announced(tmp_path):
    def write(rows, *parts):
        columns = [(("a", "b"), np.dtype(np.float32))]
        with open_writer(tmp_path / "a.h5", columns, rows=rows, tz_aware=True) as writer:
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
    with pytest.raises(ValueError, match=r"float32 of shape \(2,\), found float64 of shape \(2,\)"):
        write(3, part.astype(np.float64))
    with pytest.raises(ValueError, match=r"float32 of shape \(2,\), found float32 of shape \(1,\)"):
        write(3, part[:, :1])
    with (
        pytest.raises(ValueError, match="as many rows as the index"),
        open_writer(tmp_path / "a.h5", [], rows=3, tz_aware=True) as writer,
    ):
        writer.append(TIMES[:3], [part])


@pytest.mark.parametrize("shape", [(3,), (3, 1), (3, 3)])
def test_a_block_has_a_name_for_each_column(tmp_path, shape):
    block = Block(("a", "b"), np.zeros(shape))
    with pytest.raises(ValueError, match=r"rows must be float64 of shape \(2,\), found float64"):
        write_frame(tmp_path / "a.h5", TIMES[:3], [block], tz_aware=True)


def test_bytes_depend_neither_on_the_number_of_threads_nor_on_who_is_done_first(
    tmp_path, monkeypatch
):
    time_ns, blocks = wide(30_000)
    make = frames._chunk

    def dawdling(*args):
        time.sleep(random.random() / 100)
        return make(*args)

    monkeypatch.setattr(frames, "_chunk", dawdling)
    for threads in (1, 2, 5):
        monkeypatch.setattr(frames, "_POOL", ThreadPoolExecutor(threads))
        write_frame(tmp_path / f"{threads}.h5", time_ns, blocks, tz_aware=True)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_bytes_do_not_depend_on_the_number_of_cores(tmp_path):
    program = """
import os, sys
from pathlib import Path
import numpy as np
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: int(sys.argv[2])]))
from alpha.core.frames import Block, write_frame
values = np.random.default_rng(0).normal(size=(19_000, 130)).astype(np.float32)
names = tuple(map(str, range(130)))
write_frame(Path(sys.argv[1]), np.arange(19_000), [Block(names, values)], tz_aware=True)
"""
    for cores in ("1", "2"):
        subprocess.run([sys.executable, "-c", program, tmp_path / cores, cores], check=True)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_neither_reading_nor_the_module_imports_what_only_writing_needs(tmp_path):
    write_frame(tmp_path / "a.h5", *wide(5000), tz_aware=True)
    program = """
import sys
from pathlib import Path
from alpha.core.frames import open_frame
with open_frame(Path(sys.argv[1])) as read:
    read.matrix(list(read.columns))
assert not {"pandas", "tables", "blosc2"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program, tmp_path / "a.h5"], check=True)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_columns_in_any_order_from_any_row_to_any_other(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "wide.h5"
    time_ns, blocks = wide(30_000)
    if not path.exists():
        write_frame(path, time_ns, blocks, tz_aware=True)
    names = [name for block in blocks for name in block.names]
    whole = np.hstack([block.values.astype(np.float64) for block in blocks])
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True) | st.just(names))
    start, stop = sorted(data.draw(st.tuples(st.integers(0, 29_999), st.integers(1, 30_000))))
    expected = whole[start:stop, [names.index(name) for name in chosen]]
    with open_frame(path) as read:
        found = read.matrix(chosen, start=start, stop=stop)
        assert np.array_equal(found, expected, equal_nan=True)
        assert found.flags.c_contiguous
        wide_columns = {"bid", "ask"} & set(chosen)
        assert found.dtype == (np.float64 if wide_columns else np.float32)
        assert (read.time_ns(start=start, stop=stop) == time_ns[start:stop]).all()


def test_a_pickle_put_into_an_artifact_is_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (marker.mkdir, ())

    path, marker = tmp_path / "a.h5", tmp_path / "ran"
    write_frame(path, *wide(3000), tz_aware=True)
    with h5py.File(path, "r+") as file:
        for node in (file, file["df"], file["df/axis1"], file["df/block0_values"]):
            for name in ("TITLE", "CLASS", "FILTERS", "name"):
                node.attrs[name] = np.bytes_(pickle.dumps(Trap(), protocol=0))
    with open_frame(path) as read:
        assert read.matrix(list(read.columns)).shape == (3000, 94)
    assert not marker.exists()


@pytest.mark.parametrize("rows", [3000, 30_000])
def test_an_artifact_damaged_anywhere_gives_values_or_one_line_never_a_traceback(tmp_path, rows):
    path = tmp_path / "a.h5"
    write_frame(path, *wide(rows), tz_aware=True)
    sound = path.read_bytes()
    rng = np.random.default_rng(6)
    refused = []
    for turn in range(200):
        damaged = bytearray(sound if turn % 2 else sound[: rng.integers(1000, len(sound))])
        # Half of them where what stands is about the frame.
        reach = min(len(damaged), 40_000) if turn % 4 < 2 else len(damaged)
        for at in rng.integers(0, reach, rng.choice([1, 5, 50, 500])):
            damaged[at] = rng.integers(256)
        path.write_bytes(damaged)
        try:
            with open_frame(path, max_bytes=10**8) as read:
                read.time_ns()
                read.matrix(list(read.columns))
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 80
    assert all("a.h5" in line and "\n" not in line for line in refused)


@pytest.mark.parametrize("field", range(0, 132, 4))
def test_a_chunk_whose_header_is_damaged_gives_values_or_one_line(tmp_path, field):
    """Sizes and flags, which a decompressor believes, byte by byte."""
    path = tmp_path / "a.h5"
    if not (tmp_path.parent / "sound.h5").exists():
        write_frame(tmp_path.parent / "sound.h5", *wide(25_000), tz_aware=True)
    sound = (tmp_path.parent / "sound.h5").read_bytes()
    with h5py.File(tmp_path.parent / "sound.h5") as file:
        start = file["df/block0_values"].id.get_chunk_info(0).byte_offset
    refused = []
    for value in (0, 1, 0x7F, 0x80, 0xFF):
        damaged = bytearray(sound)
        damaged[start + field] = value
        path.write_bytes(damaged)
        try:
            with open_frame(path) as read:
                read.matrix(["feature_0", "bid"], stop=10)
        except InputError as error:
            refused.append(str(error))
    assert all("a.h5: cannot be read as HDF5" in line for line in refused)
    assert all("\n" not in line for line in refused)


def test_files_of_others_with_the_same_filter_are_read(tmp_path):
    frame = day_frame(5000)
    frame.to_hdf(tmp_path / "a.h5", key="df", mode="w", complib="blosc2:zstd", complevel=3)
    with open_frame(tmp_path / "a.h5") as read:
        assert (read.matrix(list(frame.columns)) == frame.to_numpy()).all()


LIMITED = """
import alpha, resource, sys
import numpy as np
from pathlib import Path
from alpha.core import frames
if sys.argv[2] == "chunks":
    frames._PLAIN_BYTES = 0
frames.import_ahead()
path, rows = Path(sys.argv[1]), 20_000
values = np.random.default_rng(0).normal(size=(rows, 3))
columns = [(("a", "b", "c"), values.dtype)]
for limit in map(int, sys.argv[3:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, -1))
    try:
        with frames.open_writer(path, columns, rows=rows, tz_aware=True) as writer:
            if limit > 0:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, -1))
            writer.append(np.arange(rows), [values])
            writer._settle(0)
            # Below 0, nothing is left for what is written when the file is closed.
            if limit < 0:
                resource.setrlimit(resource.RLIMIT_FSIZE, (-limit, -1))
        print("whole")
    except Exception as error:
        assert "errno = 27" in str(error) or error.errno in (27, 28), error
        print("refused")
"""


@pytest.mark.parametrize("kind", ["plain", "chunks"])
def test_a_frame_that_finds_no_room_is_never_taken_as_whole(tmp_path, kind):
    """Nor does HDF5 print of it, at any place, which PyTables does not say of the last ones."""
    path = tmp_path / "a.h5"
    limits = [10_000_000, 1, 5000, 100_000, 400_000, -1, -3000]
    words = [sys.executable, "-c", LIMITED, str(path), kind, *map(str, limits)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.split() == ["whole"] + ["refused"] * (len(limits) - 1)

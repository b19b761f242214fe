import numpy as np
import pandas as pd
import pytest
from conftest import day_frame

from alpha.__main__ import main
from alpha.core.frames import Block, write_frame


def convert(frames, out):
    return main(["convert", "--frames", str(frames), "--out", str(out)])


@pytest.mark.parametrize("name", ["labels/labels/a.h5", "splits/0/valid/a.h5"])
def test_a_file_in_parquet_is_the_same_frame(chain, tmp_path, name):
    assert convert(chain[0] / name, tmp_path / "a.parquet") == 0
    expected = pd.read_hdf(chain[0] / name, "df")
    found = pd.read_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(found, expected, check_freq=False)


def test_a_folder_becomes_a_folder_of_the_same_files(chain, tmp_path):
    assert convert(chain[0] / "splits" / "0", tmp_path / "out") == 0
    made = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.*")}
    assert made == {f"{split}/a.parquet" for split in ("train", "valid", "test")}
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.parquet")}
    assert convert(chain[0] / "splits" / "0", tmp_path / "out") == 0
    assert before == {path: path.read_bytes() for path in before}


def test_a_frame_of_more_rows_than_are_held_is_whole(tmp_path):
    rng = np.random.default_rng(0)
    blocks = [
        Block(("x",), rng.normal(size=(70_000, 1))),
        Block(("y", "z"), rng.normal(size=(70_000, 2)).astype(np.float32)),
        Block(("n",), rng.integers(0, 99, (70_000, 1))),
    ]
    write_frame(tmp_path / "a.h5", np.arange(70_000) * 10**9, blocks, tz_aware=False)
    assert convert(tmp_path / "a.h5", tmp_path / "a.parquet") == 0
    expected = pd.read_hdf(tmp_path / "a.h5", "df")
    found = pd.read_parquet(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(found, expected, check_freq=False)


def test_what_cannot_be_converted_is_one_line_and_leaves_nothing(tmp_path, capsys):
    empty, bad = tmp_path / "empty", tmp_path / "bad"
    empty.mkdir()
    bad.mkdir()
    write_frame(bad / "a.h5", np.arange(3), [Block(("x",), np.ones((3, 1)))], tz_aware=True)
    (bad / "b.h5").write_bytes(b"no HDF5")
    times = day_frame(3)
    times["heard"] = times.index.tz_localize(None)
    times.to_hdf(tmp_path / "times.h5", key="df")
    for frames, words in (
        (tmp_path / "none", "must be an HDF5 file or a folder with .h5 files"),
        (empty, "must be an HDF5 file or a folder with .h5 files"),
        (bad, "b.h5: must be HDF5 or Parquet"),
        (tmp_path / "times.h5", "column 'heard': must be numeric, found timestamps"),
    ):
        assert convert(frames, tmp_path / "out") == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("alpha convert: error: ")
        assert words in line
        assert not list(tmp_path.glob("out*"))

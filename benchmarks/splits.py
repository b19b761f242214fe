"""The splits step beside what pandas takes to write the same frames; reading a split."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from alpha.core.frames import open_frame
from alpha.data.columns import LABEL_COLUMNS, SPLITS
from benchmarks import data
from benchmarks.harness import Bench, Measurement, faster, in_turn, number, same, within
from benchmarks.peers import splits as peers
from benchmarks.steps import Chain, Cost, params_file, peak_mb, process, seconds

_STEP = "splits step"


def measure(bench: Bench) -> Iterator[Measurement]:
    month = bench.sizes.month_days
    features = data.days(bench, month)
    params, _ = params_file(bench.work / "params.json", data={"dir": str(features)})
    chain = Chain(params, features, bench.work)
    process(chain.labels())
    process(chain.splits())
    paths = [
        path for split in SPLITS for path in sorted((chain.splits_folder / split).glob("*.h5"))
    ]
    theirs = {way: bench.work / way for way in peers.WAYS}
    costs: list[Cost] = []
    writing: dict[str, list[float]] = {"fixed": [], "table": []}
    for _ in range(min(3, bench.sizes.rounds)):
        # What the system still has to write of the one before counts for none.
        os.sync()
        costs.append(process(chain.splits()))
        for way, taken in writing.items():
            os.sync()
            taken.append(peers.write(paths, theirs[way], way))
    peers.write(paths, theirs["blosc:lz4"], "blosc:lz4")
    pandas = {path: theirs["fixed"] / f"{path.parent.name}-{path.name}" for path in paths}
    _check(pandas)

    size = f"{month} days, {number(month * bench.sizes.day_rows)} rows × 120"
    for way, taken in writing.items():
        what = f"pandas to_hdf of the same frames, {way}"
        found = faster(_STEP, what, size, seconds(costs), taken, goal=1)
        yield replace(found, peak_mb=peak_mb(costs))
    ours, lz4 = _megabytes(paths), _megabytes(list(theirs["blosc:lz4"].glob("*.h5")))
    what = "bytes, of pandas' with blosc:lz4"
    yield within(_STEP, what, size, [ours], [lz4], goal=1, unit="MB")

    reading = in_turn(
        {"ours": lambda: _read(paths), "pandas": lambda: peers.read(list(pandas.values()), len)},
        bench.sizes.rounds,
    )
    what = "reading the splits: pandas read_hdf, fixed"
    yield faster(_STEP, what, size, reading["ours"], reading["pandas"], goal=2)


def _read(paths: Sequence[Path]) -> None:
    for path in paths:
        with open_frame(path, key="df") as frame:
            frame.time_ns()
            frame.matrix([name for name in frame.columns if name not in LABEL_COLUMNS])
            frame.matrix(LABEL_COLUMNS)


def _check(pandas: dict[Path, Path]) -> None:
    """What we read of our files is what pandas reads of its own."""
    for path, its in pandas.items():

        def check(theirs, path=path) -> None:
            with open_frame(path, key="df") as frame:
                names = [name for name in frame.columns if name not in LABEL_COLUMNS]
                same(f"times of {path}", frame.time_ns(), theirs.index.as_unit("ns").asi8)
                for columns in (names, list(LABEL_COLUMNS)):
                    mine = frame.matrix(columns)
                    same(f"{path}", mine, theirs[columns].to_numpy(dtype=mine.dtype))

        peers.read([its], check)


def _megabytes(paths: Sequence[Path]) -> float:
    return float(np.sum([path.stat().st_size for path in paths])) / 1e6

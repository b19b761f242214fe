"""The labels step, from feature files to label files, beside the same in pandas; and what it
takes after a day was appended."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from benchmarks import data
from benchmarks.harness import Bench, Measurement, faster, number, same, within
from benchmarks.steps import Chain, in_turn, params_file, peak_mb, process, seconds

_STEP = "labels step"


def measure(bench: Bench) -> Iterator[Measurement]:
    month = bench.sizes.month_days
    features = data.days(bench, month)
    params, _ = params_file(bench.work / "params.json", data={"dir": str(features)})
    chain = Chain(params, features, bench.work)
    theirs = bench.work / "peer"
    peer = ["-m", "benchmarks.peers.labels", features, theirs]
    process(chain.labels())
    process(peer)
    _check(bench.work / "labels" / "labels", theirs)
    rounds = min(3, bench.sizes.rounds)
    costs = in_turn({"ours": chain.labels(), "pandas": peer}, rounds)
    ours = seconds(costs["ours"])
    size = f"{month} days, {number(month * bench.sizes.day_rows)} rows × 120"
    what = "pandas read_hdf, rolling, to_hdf"
    found = faster(_STEP, what, size, ours, seconds(costs["pandas"]), goal=5)
    yield replace(found, peak_mb=peak_mb(costs["ours"]))

    longer = data.days(bench, month + 1)
    again = process(Chain(params, longer, bench.work).labels())
    what = "a day appended, run again: of the month's time"
    yield within(_STEP, what, f"{month} + 1 days", [again.seconds], [median(ours)])


def _check(ours: Path, theirs: Path) -> None:
    for path in sorted(theirs.glob("*.h5")):
        mine, its = pd.read_hdf(ours / path.name, "df"), pd.read_hdf(path, "df")
        assert isinstance(mine, pd.DataFrame)
        assert isinstance(its, pd.DataFrame)
        same(f"times of {path.name}", mine.index.asi8, its.index.as_unit("ns").asi8)
        for name in its.columns:
            same(f"{name} of {path.name}", np.asarray(mine[name]), np.asarray(its[name]))

"""Raw data to features: a day of level-2 updates and trades, beside the same in pandas and plain
Python, beside polars reading the files and building nothing, and beside hftbacktest's converter; and
what more files cost in memory."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv

from alpha.ingest import run
from benchmarks import harness
from benchmarks.harness import Bench, Measurement, faster, number, same, within
from benchmarks.peers import ingest as peer
from benchmarks.steps import ROOT, in_turn, params_file, peak_mb, process, seconds

_STEP = "ingest step"
# Updates of a level for each second of a day, and for each trade.
_UPDATES, _OF_TRADE = 30, 20
# An interpreter that has hftbacktest, which brings too much to come with the others.
_CONVERTER = "HFTBACKTEST_PYTHON"


def measure(bench: Bench) -> Iterator[Measurement]:
    raw, ours, theirs = (bench.work / name for name in ("raw", "ours", "peer.h5"))
    raw.mkdir()
    files = write_day(raw, 0, bench.sizes.day_rows)
    file, params = params_file(bench.work / "params.json", ingest=_ingest(raw))
    step = ["-m", "alpha", "ingest", "--params", file, "--out", ours]
    plain = ["-m", "benchmarks.peers.ingest", *files, theirs]
    process(step)
    process(plain)
    _check(ours, theirs)
    rounds = min(3, bench.sizes.rounds)
    costs = in_turn({"ours": step, "pandas": plain}, rounds)
    size = f"{number(bench.sizes.day_rows * _UPDATES)} updates"
    what = "pandas read_csv, a loop over rows, rolling"
    found = faster(_STEP, what, size, seconds(costs["ours"]), seconds(costs["pandas"]), goal=10)
    yield replace(found, peak_mb=peak_mb(costs["ours"]))

    calls = {
        "ours": lambda: run.run(params.ingest, out=ours),
        "polars": lambda: peer.parse(*map(str, files)),
    }
    times = harness.in_turn(calls, rounds)
    what = "of the time of polars reading the files"
    yield within(_STEP, what, size, times["ours"], times["polars"], goal=2.5)

    if converter := os.environ.get(_CONVERTER):
        theirs_s = [_convert(converter, files) for _ in range(rounds)]
        what = "hftbacktest's converter, which makes no features"
        yield faster(_STEP, what, size, times["ours"], theirs_s, goal=1.5)

    for day in range(1, 4):
        write_day(raw, day, bench.sizes.day_rows)
    more = [process(step).peak_mb]
    what = "peak memory with four times the files"
    yield within(_STEP, what, size, more, [peak_mb(costs["ours"])], goal=1.2, unit="MB")


def write_day(folder: Path, day: int, rows: int) -> tuple[Path, Path]:
    """Files of updates and trades as Tardis has them: a walk with levels a tick apart around it."""
    random = np.random.default_rng(day)
    count = rows * _UPDATES
    start = np.datetime64("2024-01-01", "us").astype(np.int64) + day * 86_400_000_000
    stamp = start + np.sort(random.integers(0, rows * 1_000_000, count))
    mid = np.round(20_000 + np.cumsum(random.normal(0, 0.01, count)))
    buys = random.random(count) < 0.5
    away = random.geometric(0.2, count) * 0.5
    price = np.where(buys, mid - away, mid + away)
    amount = np.where(random.random(count) < 0.3, 0, random.integers(1, 1000, count)) / 100
    first = np.arange(count) < 200
    side = np.where(buys, "bid", "ask")
    names = "exchange symbol timestamp local_timestamp is_snapshot side price amount".split()
    text = [pa.array(np.full(count, word)) for word in ("bitmex", "XBTUSD")]
    snapshot = pa.array(np.where(first, "true", "false"))
    stamp[first] = stamp[0]
    book = pa.table([*text, stamp, stamp + 5000, snapshot, side, price, amount], names)
    some = slice(200, None, _OF_TRADE)
    taken = np.where(buys[some], "sell", "buy")
    names = "exchange symbol timestamp local_timestamp id side price amount".split()
    ids = pa.array([f"t{day}-{at}" for at in range(len(taken))])
    few = [column[: len(taken)] for column in text]
    trades = pa.table(
        [*few, stamp[some], stamp[some] + 5000, ids, taken, price[some], amount[some] + 0.01], names
    )
    paths = folder / f"book-{day}.csv", folder / f"trades-{day}.csv"
    for path, table in zip(paths, (book, trades), strict=True):
        options = pyarrow.csv.WriteOptions(quoting_style="none")
        pyarrow.csv.write_csv(table, path, options)
    return paths


def _ingest(raw: Path) -> dict[str, object]:
    formats = {"book-*.csv": "tardis_incremental_book_L2", "trades-*.csv": "tardis_trades"}
    return {"sources": [{"dir": str(raw), "files": formats}]}


def _check(ours: Path, theirs: Path) -> None:
    peers = pd.read_hdf(theirs, key="df")
    [path] = ours.glob("*.h5")
    mine = pd.read_hdf(path, key="df")
    assert isinstance(mine, pd.DataFrame)
    assert isinstance(peers, pd.DataFrame)
    both = mine.index[mine.best_bid.notna()].intersection(peers.index.tz_localize("UTC"))
    assert len(both) > 0.5 * len(peers)
    peers = peers.set_index(peers.index.tz_localize("UTC")).loc[both]
    for name in ("best_bid", "best_ask", "ask_price_level9", "bid_volume_level3"):
        same(name, mine.loc[both, name].to_numpy(), peers[name].to_numpy(), within=1e-6)


def _convert(python: str, files: tuple[Path, Path]) -> float:
    """Seconds of the conversion alone, after one that compiles."""
    words = [python, "-m", "benchmarks.peers.ingest", "convert", *map(str, files)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])

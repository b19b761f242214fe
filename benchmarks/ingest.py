"""Raw data to features: a day of level-2 updates and trades, beside the same in pandas and plain
Python, beside polars reading the files and building nothing, and beside hftbacktest's converter;
and what more files cost in memory."""

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
_UPDATES, _OF_TRADE = 60, 20
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
        "ours": lambda: run.run(params.ingest, params.data, out=ours),
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
    """Files of updates and trades as Tardis has them: a book whose middle walks by a tick now and
    then, which takes the level there, and is never crossed."""
    random = np.random.default_rng(day)
    count = rows * _UPDATES
    start = np.datetime64("2024-01-01", "us").astype(np.int64) + day * 86_400_000_000
    step = random.choice([-1, 0, 1], rows, p=[0.25, 0.5, 0.25])
    mid = 20_000 + np.cumsum(step)
    # Levels that the middle comes to, and all others; prices are in ticks.
    moves = np.flatnonzero(step)
    stamp = np.sort(random.integers(0, rows * 1_000_000, count))
    bids = np.concatenate((step[moves] < 0, random.random(count) < 0.5))
    away = random.geometric(0.2, count)
    price = np.concatenate(
        (mid[moves], mid[stamp // 1_000_000] + np.where(bids[-count:], -away, away))
    )
    amount = random.integers(1, 1000, count) * (random.random(count) > 0.3)
    amount = np.concatenate((np.zeros(len(moves)), amount)) / 100
    stamp = np.concatenate((moves * 1_000_000, stamp))
    order = np.argsort(stamp, kind="stable")
    stamp, bids, price, amount = (of[order] for of in (stamp, bids, price, amount))
    snapshot = stamp < 1_000_000
    stamp[snapshot] = stamp[0]
    stamp += start
    paths = folder / f"book-{day}.csv", folder / f"trades-{day}.csv"
    columns = {
        "is_snapshot": np.where(snapshot, "true", "false"),
        "side": np.where(bids, "bid", "ask"),
        "price": price * 0.5,
        "amount": amount,
    }
    _write(paths[0], stamp, columns)
    few = slice(_UPDATES * 2, None, _OF_TRADE)
    columns["id"] = np.char.add(f"t{day}-", np.arange(len(stamp)).astype(str))
    columns["side"] = np.where(bids, "sell", "buy")
    columns["amount"] = amount + 0.01
    del columns["is_snapshot"]
    _write(paths[1], stamp[few], {name: of[few] for name, of in columns.items()})
    return paths


def _write(path: Path, stamp: np.ndarray, columns: dict[str, np.ndarray]) -> None:
    market = {"exchange": "bitmex", "symbol": "XBTUSD"}
    text = {name: np.full(len(stamp), word) for name, word in market.items()}
    table = pa.table({**text, "timestamp": stamp, "local_timestamp": stamp + 5000, **columns})
    pyarrow.csv.write_csv(table, path, pyarrow.csv.WriteOptions(quoting_style="none"))


def _ingest(raw: Path) -> dict[str, object]:
    formats = {"book-*.csv": "tardis_incremental_book_L2", "trades-*.csv": "tardis_trades"}
    return {"sources": [{"dir": str(raw), "files": formats}]}


def _check(ours: Path, path: Path) -> None:
    peers = pd.read_hdf(path, key="df")
    [day] = ours.glob("*.h5")
    mine = pd.read_hdf(day, key="df")
    assert isinstance(mine, pd.DataFrame)
    assert isinstance(peers, pd.DataFrame)
    both = mine.index[mine.best_bid.notna()].intersection(peers.index.tz_localize("UTC"))
    assert len(both) > 0.5 * len(peers)
    peers = peers.set_index(peers.index.tz_localize("UTC")).loc[both]
    # But for windows that begin with the data, all are the same, in the float32 of ours.
    mine, peers = mine.loc[both].iloc[301:], peers.iloc[301:]
    for name in peers.columns:
        theirs = peers[name].to_numpy(np.float32)
        same(name, mine[name].to_numpy(np.float32), theirs, within=1e-5)


def _convert(python: str, files: tuple[Path, Path]) -> float:
    """Seconds of the conversion alone, after one that compiles."""
    words = [python, "-m", "benchmarks.peers.ingest", "convert", *map(str, files)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])

"""The step: what every run's signal earns, by fold and over each path of folds. In memory are the
quotes of all files, and the trades of one model."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha.core.artifacts import MADE_FROM, read_json, whole_folder, write_csv, write_manifest
from alpha.core.text import track
from alpha.data.features import FeatureFolder, open_symbols
from alpha.data.params import Label, classes
from alpha.data.splits import check_quotes
from alpha.evaluate import figures, folds
from alpha.evaluate.figures import Row
from alpha.evaluate.folds import Block
from alpha.evaluate.inputs import check_predictions, read_predictions
from alpha.learn.kinds import MATCHED_MLP
from alpha.learn.params import run_folder
from alpha.trade.simulation import Market, trade
from alpha.trade.statistics import Observed, over_tries

SIDED = ("signed_max", "end_return", "direction", "triple_barrier")
SPLITS = ("valid", "test")
_CSV: Any = {"index": False, "date_format": "%Y-%m-%dT%H:%M:%S.%fZ"}


def run(params: Any, runs: Sequence[str], given: Any) -> None:
    """Trade `runs`, named model-seed, and write the folder `given.out`: figures.csv and, of a
    target with a side, equity/{model}.csv and trades/{model}-{seed}.csv. Raises InputError, naming
    the file, where one is missing, is not of its format, or is not as it was written."""
    predicted = None
    with whole_folder(given.out) as part:
        if (target := params.label.target) in SIDED:
            of = product(folds.read(given.splits)[1], runs)
            predicted = check_predictions(given.predictions, of, given.splits, params.label)
            rows = list(_trade(params, runs, given, part))
        else:
            side = "one side only" if target in ("up", "down") else "no side"
            why = f"{target} has {side}: what knowing it is worth is an upper bound, not a trade"
            rows = [Row(model="all", split="test", figure="trading", reason=why)]
            for model in {run.rpartition("-")[0] for run in runs}:
                # Or `dvc plots` would miss the folder.
                none = pd.DataFrame(columns=["time", "equity_bps"])
                _write(part / "equity" / f"{model}.csv", none)
        figures.write(part / figures.NAME, figures.table(rows))
        write_manifest(part / MADE_FROM, {"predictions": predicted})


def _trade(params: Any, runs: Sequence[str], given: Any, out: Path) -> Iterator[Row]:
    """The figures of every run and model; writes the other files."""
    paths, numbers = folds.read(given.splits)
    every = _folders(runs, given.predictions / str(numbers[0]))
    folders = open_symbols(given.features, params.data)
    about = given.splits / "paths.json"
    check_quotes(about, read_json(about).get("features"), folders)
    markets = {of.symbol: read_market(of, params) for of in folders}
    # Valid as if it were one path, of all folds.
    valids = [Block(fold=fold, start_ns=-(2**63), end_ns=2**63 - 1) for fold in numbers]
    places = {("test", ""): paths, ("valid", ""): [valids]}
    for number, blocks in enumerate(zip(*paths, strict=True) if numbers[1:] else ()):
        name = f"block {number}" if paths[1:] else f"fold {blocks[0].fold}"
        places["test", name] = [[block] for block in blocks]
    for symbol in filter(None, markets):
        places["test", f"symbol {symbol}"] = paths
    seen: dict[tuple[str, str], Observed] = {}
    times: dict[tuple[str, int], np.ndarray] = {}
    returns: dict[tuple[str, int | None], np.ndarray] = {}
    for model, of_model in groupby(track(every, "trade", total=len(every)), lambda one: one[0]):
        traded: dict[int, dict[tuple[str, int], pd.DataFrame]] = {}
        for _, seed, where in of_model:
            traded[seed] = {}
            for fold in numbers:
                folder, of_symbols = given.predictions / str(fold) / where, {}
                for symbol, market in markets.items():
                    files = (folder / of / f"{symbol}.h5" for of in SPLITS)
                    files = files if symbol else (folder / f"{of}.h5" for of in SPLITS)
                    valid, test = (read_signal(path, params.label) for path in files)
                    chosen, of_valid = choose(*valid, market, params)
                    threshold = math.inf if chosen is None else chosen
                    of_test = trade(*test, threshold, market, params)
                    of_symbols[symbol] = (valid[0], of_valid), (test[0], of_test)
                    event = f"fold {fold} {symbol}".strip()
                    of: dict[str, Any] = {"split": "valid", "event": event, "value": chosen}
                    yield Row(model, seed, figure="trade_threshold", **of)
                for split, each in zip(SPLITS, zip(*of_symbols.values(), strict=True), strict=True):
                    times[split, fold] = np.unique(np.concatenate([time for time, _ in each]))
                    pairs = zip(of_symbols, each, strict=True)
                    those = [of.assign(symbol=name) for name, (_, of) in pairs]
                    traded[seed][split, fold] = pd.concat(those).sort_values("time", kind="stable")
            for at, of_paths in places.items() if not seen else ():
                some = [_inside(times[at[0], of.fold], of) for path in of_paths for of in path]
                starts = [block.start_ns for block in of_paths[0]]
                seen[at] = Observed(np.unique(np.concatenate(some)), starts, params)
            by_fold = [traded[seed]["test", fold].assign(fold=fold) for fold in numbers]
            _write(out / "trades" / f"{model}-{seed}.csv", pd.concat(by_fold))
        for key in (*traded, None):
            for at, of_paths in places.items():
                copies = []
                for seed, path in product(traded if key is None else [key], of_paths):
                    parts = [_inside(traded[seed][at[0], of.fold], of) for of in path]
                    copies.append(_of_place(pd.concat(parts), at[1]))
                of = {"model": model, "seed": key, "split": at[0], "slice": at[1]}
                rows, found = seen[at].earned(copies, **of)
                yield from rows
                if at == ("test", ""):
                    returns[model, key] = found
        equity = np.cumsum(np.mean(returns[model, None], axis=0))
        curve = pd.DataFrame({"time": seen["test", ""].ends_ns, "equity_bps": equity})
        _write(out / "equity" / f"{model}.csv", curve.iloc[:: -math.ceil(len(equity) / 1000)][::-1])
    yield from over_tries(returns, params.evaluate.tries)


def _folders(runs: Sequence[str], predictions: Path) -> list[tuple[str, int, Path]]:
    """Model, seed and folder inside a fold's of each run, and of the matched MLPs, by model."""
    found = [(run.rpartition("-")[0], int(run.rpartition("-")[2]), run_folder(run)) for run in runs]
    matched = [(MATCHED_MLP, seed, where / MATCHED_MLP) for _, seed, where in found]
    return found + [one for one in matched if (predictions / one[2]).is_dir()]


def read_market(folder: FeatureFolder, params: Any) -> Market:
    """The quotes of all rows that count, and sizes where they are named."""
    data, parts = params.data, []
    for file in folder.files:
        with folder.open(file) as frame:
            time_ns, kept = folder.times(file, frame)
            columns = frame.matrix([data.best_bid, data.best_ask, *(params.trade.sizes or ())])
        parts.append((time_ns, *columns[kept].T.astype(np.float64)))
    return Market(params.label, *map(np.concatenate, zip(*parts, strict=True)))


def read_signal(path: Path, label: Label) -> tuple[np.ndarray, np.ndarray]:
    """The times of a file of predictions, and what it says at each, (rows,): above 0 to buy."""
    found = read_predictions(path, classes(label))
    if not classes(label):
        return found.time_ns, found.score
    return found.time_ns, found.values[:, -1] - found.values[:, 0]


def choose(
    time_ns: np.ndarray, signal: np.ndarray, market: Market, params: Any
) -> tuple[float | None, pd.DataFrame]:
    """Of the quantiles of |signal| the one that earns most in all, with enough trades, the first of
    equals; None if none earns. And the trades of the best, even so; none without enough."""
    best, most, found = None, -math.inf, trade(time_ns, signal, math.inf, market, params)
    size = np.abs(signal[np.isfinite(signal)])
    for threshold in np.quantile(size, params.trade.quantiles).tolist() if len(size) else ():
        trades = trade(time_ns, signal, threshold, market, params)
        earns = float(trades["net_bps"].sum())
        if trades["net_bps"].count() >= params.trade.least_trades and earns > most:
            best, most, found = threshold, earns, trades
    return best if most > 0 else None, found


def _inside(found: Any, block: Block) -> Any:
    """Of ascending times (rows,), or of trades, those in a block."""
    times = found["time"] if isinstance(found, pd.DataFrame) else found
    return found[slice(*np.searchsorted(times, (block.start_ns, block.end_ns)))]


def _of_place(trades: pd.DataFrame, place: str) -> pd.DataFrame:
    """Those of a symbol, if the place is one's, else all."""
    kind, _, name = place.partition(" ")
    return trades[trades["symbol"] == name] if kind == "symbol" else trades


def _write(path: Path, table: pd.DataFrame) -> None:
    path.parent.mkdir(exist_ok=True)
    times = table.columns.intersection(["time", "entry_time", "exit_time"])
    at = {name: pd.to_datetime(table[name], utc=True) for name in times}
    write_csv(path, table.assign(**at), **_CSV)

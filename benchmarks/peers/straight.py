"""The whole chain as one script: pandas, scikit-learn and Keras, from files to figures.

    python -m benchmarks.peers.straight FEATURES OUT SETTINGS

Reads all files, labels, cuts splits with purge and embargo, scales and clips, fits the constant,
a ridge, an MLP, and a net of silos with an MLP of its size; writes predictions on every split, and
metrics.json with block bootstrap intervals and how long those took. SETTINGS is JSON: parameters of
both sides.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score
from sklearn.preprocessing import StandardScaler

from benchmarks.peers import ridge
from benchmarks.peers.bootstrap import row_numbers
from benchmarks.peers.labels import by_pandas

SPLITS = ("train", "valid", "test")
_QUOTES = ["best_bid", "best_ask"]
_BATCH = 1 << 13


def cut(time_ns: np.ndarray, settings: dict[str, Any]) -> Iterator[np.ndarray]:
    """Of train, valid and test: which rows have their windows inside, after the embargo."""
    steps = np.minimum(np.diff(time_ns, prepend=time_ns[0]), settings["max_gap_ns"])
    passed, share, start = np.cumsum(steps), 0.0, time_ns[0]
    for name in SPLITS:
        share += settings["fractions"][name]
        wanted = round((int(passed[-1]) + 1) * min(share, 1.0))
        row = min(np.searchsorted(passed, wanted), len(time_ns) - 1)
        end = time_ns[row] + wanted - passed[row]
        first = start if name == "train" else start + settings["embargo_ns"]
        yield (time_ns >= first) & (time_ns + settings["horizon_ns"] < end)
        start = end


def scaled(xs: list[np.ndarray], clip: float) -> list[np.ndarray]:
    """By the statistics of the first, train; NaN becomes 0, the mean."""
    scaler = StandardScaler().fit(xs[0])
    out = [np.clip(scaler.transform(x), -clip, clip) for x in xs]
    return [np.nan_to_num(x, copy=False, nan=0.0) for x in out]


def models(
    xs: list[np.ndarray], ys: list[np.ndarray], settings: dict[str, Any]
) -> Iterator[tuple[str, Callable[[np.ndarray], np.ndarray]]]:
    """Name and prediction of each model, fitted when it is asked for."""
    mean, sigma = ys[0].mean(), ys[0].std()
    yield "mean", lambda x: np.full(len(x), mean)
    intercept, weights = ridge.fit(xs[0], ys[0], settings["penalty"])
    yield "ridge", lambda x: intercept + x @ weights
    if not settings["networks"]:
        return
    import keras

    from benchmarks.peers import training

    builds: dict[str, Callable[[], Any]] = {
        "mlp": lambda: training.mlp(xs[0].shape[1]),
        "matched_mlp": lambda: training.mlp(xs[0].shape[1], settings["matched_mlp"]),
        "silos": lambda: training.silos(settings["owns"]),
    }
    scores = [((y - mean) / sigma).astype(np.float32)[:, None] for y in ys]
    for name in settings["networks"]:
        keras.utils.set_random_seed(0)
        net = builds[name]()
        training.fit(
            net,
            (xs[0], scores[0]),
            (xs[1], scores[1]),
            batch=settings["batch_size"],
            epochs=settings["epochs"],
        )
        yield (
            name,
            lambda x, net=net: (
                mean + sigma * net.predict(x, batch_size=_BATCH, verbose=0)[:, 0].astype(np.float64)
            ),
        )


def figures(y: np.ndarray, f: np.ndarray, mean: float, thresholds: list[float]) -> dict[str, Any]:
    loss, constant = (y - f) ** 2, (y - mean) ** 2
    moves = float(np.std(f)) > 0
    return {
        "rows": len(y),
        "skill": float(1 - loss.mean() / constant.mean()),
        "rank_ic": float(np.corrcoef(rankdata(y), rankdata(f))[0, 1]) if moves else None,
        "average_precision": [
            float(average_precision_score(y > threshold, f)) if (y > threshold).any() else None
            for threshold in thresholds
        ],
    }


def intervals(
    y: np.ndarray, fs: dict[str, np.ndarray], mean: float, *, block: int, resamples: int
) -> dict[str, dict[str, list[float]]]:
    """Of each model's predictions: 95 % of resamples of blocks of rows, of skill and of rank IC
    (ranks of the whole). All models share what a resample gathers of the outcome."""
    constant, x = (y - mean) ** 2, rankdata(y)
    losses = {name: (y - f) ** 2 for name, f in fs.items()}
    ranks = {name: rankdata(f) for name, f in fs.items() if np.ptp(f) > 0}
    starts = np.random.default_rng(0).integers(0, len(y), (resamples, -(-len(y) // block)))
    found: dict[tuple[str, str], list[float]] = {}
    for rows in row_numbers(starts, block, len(y)):
        of_constant, of_x = constant[rows].mean(), x[rows]
        for name, loss in losses.items():
            found.setdefault((name, "skill"), []).append(1 - loss[rows].mean() / of_constant)
        for name, z in ranks.items():
            found.setdefault((name, "rank_ic"), []).append(np.corrcoef(of_x, z[rows])[0, 1])
    ends: dict[str, dict[str, list[float]]] = {name: {} for name in fs}
    for (name, figure), values in found.items():
        ends[name][figure] = np.quantile(values, (0.025, 0.975)).tolist()
    return ends


def main(features: Path, out: Path, settings: dict[str, Any]) -> None:
    whole = pd.concat([pd.read_hdf(path, "df") for path in sorted(features.glob("*.h5"))])
    time_ns = whole.index.as_unit("ns").asi8
    bid, ask = (whole[name].to_numpy() for name in _QUOTES)
    _, _, outcome, status = by_pandas(
        time_ns, bid, ask, settings["horizon_ns"], settings["max_gap_ns"]
    )
    names = [name for name in whole.columns if name not in _QUOTES]
    kept = [(status == 0) & inside for inside in cut(time_ns, settings)]
    values = whole[names].to_numpy(dtype=np.float32)
    xs = scaled([values[rows] for rows in kept], settings["clip"])
    ys = [outcome[rows] for rows in kept]
    mean = float(ys[0].mean())
    fs: list[dict[str, np.ndarray]] = [{} for _ in SPLITS]
    for name, predict in models(xs, ys, settings):
        (out / name).mkdir(parents=True, exist_ok=True)
        for at, split in enumerate(SPLITS):
            fs[at][name] = predict(xs[at])
            written = pd.DataFrame(
                {"alpha_outcome": ys[at], "prediction": fs[at][name]}, index=whole.index[kept[at]]
            )
            written.to_hdf(out / name / f"{split}.h5", key="df", mode="w")
    metrics: dict[str, Any] = {
        split: {name: figures(y, f, mean, settings["thresholds"]) for name, f in of.items()}
        for split, y, of in zip(SPLITS, ys, fs, strict=True)
    }
    started = time.perf_counter()
    block, resamples = settings["block"], settings["resamples"]
    ends = {
        split: intervals(y, of, mean, block=block, resamples=resamples)
        for split, y, of in list(zip(SPLITS, ys, fs, strict=True))[1:]
    }
    seconds = time.perf_counter() - started
    found = {"figures": metrics, "intervals": ends, "bootstrap_seconds": seconds}
    (out / "metrics.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    folder, target, file = map(Path, sys.argv[1:])
    main(folder, target, json.loads(file.read_text(encoding="utf-8")))

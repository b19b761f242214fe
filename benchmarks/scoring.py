"""Scoring beside Keras' and LightGBM's own `predict`: many rows, and the one that arrived just now.

Ours starts from raw features, as they are in a file, and the peers from normalized ones.
"""

import time
from collections.abc import Iterator
from typing import Any

import lightgbm
import numpy as np

from alpha.check import load
from alpha.data.contract import Contract, apply
from alpha.data.features import families
from alpha.learn.kinds import find
from alpha.learn.known import Known
from alpha.learn.saved import Model
from alpha.models.networks.network import Network
from alpha.models.trees.lightgbm import Trees
from alpha.normalize.moments import Moments
from alpha.score.scorer import Scorer
from benchmarks import data
from benchmarks.harness import Bench, Measurement, absolute, faster, in_turn, number, same
from benchmarks.steps import ROOT

_STEP = "scoring"
# How Keras predicts: as it comes, and in larger batches; and the goal of each.
_WAYS = {"": (32, 20), ", 4096 rows a batch": (4096, 2)}
_LATEST_US = 50
# Networks add in float32, in an order of their own.
_NEAR = 1e-3
_TREES = 100
_WARM = 200


def measure(bench: Bench) -> Iterator[Measurement]:
    params, rows = load(ROOT / "tests" / "params.yaml"), min(bench.sizes.matrix_rows, 1 << 17)
    x = data.features(data.market(rows, seed=rows), seed=rows, nan=False)
    names = tuple(data.names())
    found = Moments(x.shape[1])
    found.add(x)
    figures = {
        key: getattr(found, key) for key in ("mean", "sigma", "finite", "nan", "inf", "rows")
    }
    of = tuple(families(names, params.features).values())
    contract = Contract(names=names, families=of, clip=10.0, **figures)
    z, _, _ = apply(x, contract)
    known, size = Known(z, np.empty((rows, 3))), f"{number(rows)} × {x.shape[1]}"
    for name in ("mlp", "silos"):
        net = _random(find(name).build(of, getattr(params, name), 1))
        fitted = Network(net, np.zeros(1), 1.0).compiled()
        its = net.predict(z, batch_size=4096, verbose=0)[:, 0]
        same(f"predictions of {name}", fitted.predict(known), its, within=_NEAR * np.std(its))
        calls = {
            "ours": lambda fitted=fitted: fitted.predict(Known(apply(x, contract)[0], known.past))
        }
        for what, (batch, _) in _WAYS.items():
            calls[what] = lambda net=net, batch=batch: net.predict(z, batch_size=batch, verbose=0)
        seconds = in_turn(calls, bench.sizes.rounds)
        for what, (_, goal) in _WAYS.items():
            named = f"{name}: Keras predict{what}"
            yield faster(_STEP, named, size, seconds["ours"], seconds[what], goal=goal)
        yield from _one_row(name, _scorer(fitted, contract), x, names)
    booster = lightgbm.train(
        {"verbosity": -1, "num_threads": 1}, lightgbm.Dataset(z, z[:, 0] * z[:, 1]), _TREES
    )
    trees = Trees(booster.model_to_string(), 0.0, 1.0)
    same("predictions of trees", trees.predict(known), booster.predict(z, raw_score=True))
    calls = {"ours": lambda: trees.predict(known), "theirs": lambda: booster.predict(z)}
    seconds = in_turn(calls, bench.sizes.rounds)
    what = "trees: Booster.predict on all cores"
    yield faster(_STEP, what, size, seconds["ours"], seconds["theirs"], goal=1)
    yield from _one_row("trees", _scorer(trees, contract), x, names)


def _random(net: Any) -> Any:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=of.shape) / np.sqrt(len(of)) for of in net.get_weights()]
    net.set_weights(weights)
    return net


def _scorer(fitted: Any, contract: Contract) -> Scorer:
    return Scorer(Model(fitted, {"classes": []}, features=True, past=False), contract)


def _one_row(
    name: str, scorer: Scorer, x: np.ndarray, names: tuple[str, ...]
) -> Iterator[Measurement]:
    """From a mapping of features to a number, warm."""
    taken = []
    for row in x[:20_000].tolist():
        mapping = dict(zip(names, row, strict=True))
        started = time.perf_counter()
        scorer.predict_row(mapping)
        taken.append(1e6 * (time.perf_counter() - started))
    for share, goal in ((50, None), (99, _LATEST_US)):
        figure = float(np.percentile(taken[_WARM:], share))
        what = f"{name}: one row, {share} % of them within"
        yield absolute(_STEP, what, f"1 × {len(names)}", [figure], goal=goal, unit="µs")

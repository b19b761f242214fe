"""Ridge regression beside scikit-learn's: on an array in memory, and from the split's files."""

from collections.abc import Iterator

import numpy as np

from alpha.data.contract import read_contract
from alpha.learn import dataset
from alpha.learn.dataset import Stream
from alpha.learn.losses import Objective
from alpha.models.baselines.lines import Ridge
from benchmarks import chain, data
from benchmarks.harness import (
    Bench,
    Measurement,
    faster,
    in_turn,
    more_memory,
    number,
    same,
    within,
)
from benchmarks.peers import ridge as peers
from benchmarks.steps import params_file

_STEP = "ridge"
# Of the outcome's sigma: scikit-learn adds in float32, as its input is.
_NEAR = 1e-3


def measure(bench: Bench) -> Iterator[Measurement]:
    features = data.days(bench, bench.sizes.ridge_days)
    _, params = params_file(bench.work / "params.json", data={"dir": str(features)})
    chain.prepare(params, bench.work)
    contract = read_contract(bench.work / "normalize" / "0.json")
    folder = bench.work / "splits" / "0" / "train"
    train = dataset.load(folder, contract)
    objective = Objective.fit(train.y, params.label, params.loss)
    penalty = params.ridge.penalty

    def from_files() -> Ridge:
        return Ridge.fit(Stream(folder, contract), objective, params.ridge)

    intercept, weights = peers.fit(train.x, train.y, penalty)
    for found in (Ridge.fit(train, objective, params.ridge), from_files()):
        mine, its = found.predict(train.known), intercept + train.x.astype(np.float64) @ weights
        same("predictions of ridge", mine / objective.sigma, its / objective.sigma, within=_NEAR)
    seconds = in_turn(
        {
            "ours": lambda: Ridge.fit(train, objective, params.ridge),
            "files": from_files,
            "sklearn": lambda: peers.fit(train.x, train.y, penalty),
        },
        bench.sizes.rounds,
    )
    size = f"{number(len(train.y))} × {train.x.shape[1]}"
    what = "scikit-learn Ridge on the array, ours reads HDF5"
    yield faster(_STEP, what, size, seconds["files"], seconds["sklearn"], goal=3)
    what = "scikit-learn Ridge on the array, both"
    yield faster(_STEP, what, size, seconds["ours"], seconds["sklearn"], goal=8)
    more = [more_memory(from_files) / 1e6]
    yield within(_STEP, "extra memory, of the array", size, more, [train.x.nbytes / 1e6], unit="MB")

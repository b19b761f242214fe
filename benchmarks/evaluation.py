"""A model's whole evaluation on one split: from arrays to every figure with its interval."""

from collections.abc import Iterator

import numpy as np

from alpha.check import load
from alpha.evaluate.assess import Parameters, assess
from alpha.evaluate.details import SplitFigures
from alpha.evaluate.inputs import Columns
from alpha.evaluate.split_rows import SplitRows, Standard
from benchmarks import data
from benchmarks.harness import Bench, Measurement, absolute, in_turn, number, same
from benchmarks.peers import ranking as peers
from benchmarks.steps import ROOT


def measure(bench: Bench) -> Iterator[Measurement]:
    params = load(ROOT / "params.yaml")
    rows = bench.sizes.evaluated_rows
    of = data.market(rows, seed=rows)
    outcome, score = data.judged(rows)
    volatility = np.exp(of.level.astype(np.float64))
    columns = Columns(of.time_ns, outcome, volatility, score, score)
    label, evaluate = params.label, params.evaluate
    standard = Standard(columns, label, params.loss)
    parameters = Parameters(evaluate.thresholds_bps, 2 * evaluate.fees.taker_bps, label.horizon_ns)

    def ours() -> SplitFigures:
        split = SplitRows(
            columns,
            standard=standard,
            bootstrap=evaluate.bootstrap,
            horizon_seconds=label.horizon_seconds,
        )
        return assess(split, columns, parameters, clipped=0, replaced=0)[0]

    found = ours()
    same("rank IC", found.rank_ic, peers.rank_ic(outcome, score), within=1e-12)
    mse = np.mean((outcome - score) ** 2)
    skill = 1 - mse / np.mean((outcome - outcome.mean()) ** 2)
    same("skill", found.skill, skill, within=1e-9)
    for event, threshold in zip(found.events, evaluate.thresholds_bps, strict=True):
        its = peers.average_precision(outcome > threshold * 1e-4, score)
        same(event.name, event.average_precision, its, within=1e-12)
    seconds = in_turn({"ours": ours}, bench.sizes.rounds)["ours"]
    size = f"{number(rows)} rows, {number(evaluate.bootstrap.resamples)} resamples"
    yield absolute("evaluation", "seconds for a model on a split", size, seconds, goal=3)

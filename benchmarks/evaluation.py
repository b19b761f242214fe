"""A model's whole evaluation on one split: from arrays to every figure with its interval."""

from collections.abc import Iterator

import numpy as np

from alpha.check import load
from alpha.evaluate.assess import assess
from alpha.evaluate.figures import Figures, Selection, table
from alpha.evaluate.inputs import Columns
from alpha.evaluate.split_rows import SplitRows, Standard
from benchmarks import data
from benchmarks.harness import Bench, Measurement, absolute, in_turn, number, same
from benchmarks.peers import ranking as peers
from benchmarks.steps import ROOT


def measure(bench: Bench) -> Iterator[Measurement]:
    params = load(ROOT / "tests" / "params.yaml")
    rows = bench.sizes.evaluated_rows
    of = data.market(rows, seed=rows)
    outcome, score = data.judged(rows)
    volatility = np.exp(of.level.astype(np.float64))
    columns = Columns(of.time_ns, outcome, volatility, score, score)
    evaluate = params.evaluate
    standard = Standard(columns, params.label, params.loss, evaluate)

    def ours() -> Selection:
        split = SplitRows(columns, standard)
        found = assess(split, columns, {"clipped": 0, "replaced": 0})
        return Figures(table(found.rows)).of("", "")

    found = ours()
    same("rank IC", found["rank_ic"].value, peers.rank_ic(outcome, score), within=1e-12)
    mse = np.mean((outcome - score) ** 2)
    skill = 1 - mse / np.mean((outcome - outcome.mean()) ** 2)
    same("skill", found["skill"].value, skill, within=1e-9)
    events = found.events("average_precision")
    for event, threshold in zip(events, evaluate.thresholds_bps, strict=True):
        its = peers.average_precision(outcome > threshold * 1e-4, score)
        same(event.name, event["average_precision"].value, its, within=1e-12)
    seconds = in_turn({"ours": ours}, bench.sizes.rounds)["ours"]
    size = f"{number(rows)} rows, {number(evaluate.bootstrap.resamples)} resamples"
    yield absolute("evaluation", "seconds for a model on a split", size, seconds, goal=3)

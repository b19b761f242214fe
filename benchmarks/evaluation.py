"""A model's whole evaluation on one split: from arrays to every figure with its interval."""

from collections.abc import Iterator

import numpy as np

from alpha.check import load
from alpha.core.scratch import PART_ROWS
from alpha.evaluate.assess import Knobs, assess
from alpha.evaluate.details import SplitFigures
from alpha.evaluate.predicted import Predicted
from alpha.evaluate.rows import SplitRows, Standard
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
    columns = of.time_ns, outcome, volatility, score, score
    parts = [
        Predicted(*(column[first : first + PART_ROWS] for column in columns))
        for first in range(0, rows, PART_ROWS)
    ]
    label, knobs = params.label, params.evaluate
    standard = Standard.fit(parts, label, params.loss, bench.work)
    of_assess = Knobs(knobs.thresholds_bps, 2 * knobs.fees.taker_bps, label.horizon_ns)

    def ours() -> SplitFigures:
        split = SplitRows.of(
            parts,
            standard=standard,
            knobs=knobs.bootstrap,
            horizon_seconds=label.horizon_seconds,
            folder=bench.work,
        )
        return assess(split, parts, of_assess, clipped=0, replaced=0)[0]

    found = ours()
    same("rank IC", found.rank_ic, peers.rank_ic(outcome, score), within=1e-12)
    mse = np.mean((outcome - score) ** 2)
    skill = 1 - mse / np.mean((outcome - outcome.mean()) ** 2)
    same("skill", found.skill, skill, within=1e-9)
    for event, threshold in zip(found.events, knobs.thresholds_bps, strict=True):
        its = peers.average_precision(outcome > threshold * 1e-4, score)
        same(event.name, event.average_precision, its, within=1e-12)
    seconds = in_turn({"ours": ours}, bench.sizes.rounds)["ours"]
    size = f"{number(rows)} rows, {number(knobs.bootstrap.resamples)} resamples"
    yield absolute("evaluation", "seconds for a model on a split", size, seconds, goal=3)

"""The label kernel beside a copy of its bytes, polars, pandas and a mask for each row."""

from collections.abc import Iterator

import numpy as np

from alpha.check import load
from alpha.data.params import Label
from alpha.label import targets
from benchmarks import data
from benchmarks.harness import (
    Bench,
    Measurement,
    copier,
    faster,
    in_turn,
    more_memory,
    number,
    same,
    within,
)
from benchmarks.peers import labels as peers
from benchmarks.steps import ROOT
from tests.reference import label_row

_STEP = "label kernel"
# Rows that are labelled by masks: each takes milliseconds.
_MASKS = 20


def measure(bench: Bench) -> Iterator[Measurement]:
    default = load(ROOT / "tests" / "params.yaml").label
    for rows in bench.sizes.vectors:
        of = data.market(rows, seed=rows)
        for horizon in bench.sizes.horizons:
            label = default.model_copy(update={"horizon_seconds": horizon})
            yield from _measure(bench, of, label)


def _measure(bench: Bench, of: data.Market, label: Label) -> Iterator[Measurement]:
    quotes = of.time_ns, of.bid, of.ask
    rows, knobs = len(of.time_ns), (label.horizon_ns, label.max_gap_ns)
    rng = np.random.default_rng(0)
    found = targets.compute(*quotes, label)
    outputs = found.up, found.down, found.alpha_outcome, found.status
    for name, peer in (("pandas", peers.by_pandas), ("polars", peers.by_polars)):
        for mine, its in zip(outputs, peer(*quotes, *knobs), strict=True):
            same(f"labels of {name}", mine, its)
    sample = np.sort(rng.choice(rows, size=min(rows, bench.sizes.referenced), replace=False))
    for row in sample:
        slow = label_row(*quotes, row, label)
        same(f"labels of the slow reference at {row}", [out[row] for out in outputs], slow)
    sample = sample[found.status[sample] == 0][:_MASKS]
    outcome = found.alpha_outcome[sample]
    same("labels of masks", outcome, peers.by_mask(*quotes, sample, label.horizon_ns))

    seconds = in_turn(
        {
            "ours": lambda: targets.compute(*quotes, label),
            "copy": copier(*quotes, *outputs),
            "polars": lambda: peers.by_polars(*quotes, *knobs),
            "pandas": lambda: peers.by_pandas(*quotes, *knobs),
            "mask": lambda: peers.by_mask(*quotes, sample, label.horizon_ns),
        },
        bench.sizes.rounds,
    )
    ours, size = seconds["ours"], f"{number(rows)} rows, {label.horizon_seconds:g} s"
    yield within(_STEP, "a copy of inputs and outputs", size, ours, seconds["copy"], goal=3)
    yield faster(_STEP, "polars rolling", size, ours, seconds["polars"], goal=6)
    yield faster(_STEP, "pandas rolling backwards", size, ours, seconds["pandas"], goal=6)
    masks = [one * rows / len(sample) for one in seconds["mask"]]
    what = f"a mask a row (of {len(sample)} rows, scaled up)"
    yield faster(_STEP, what, size, ours, masks, goal=10_000)
    result = sum(out.nbytes for out in outputs)
    more = [(more_memory(lambda: targets.compute(*quotes, label)) - result) / 1e6]
    yield within(
        _STEP, "extra memory, of its outputs", size, more, [result / 1e6], goal=1, unit="MB"
    )

"""The steps at 1, 2, 4, 8 and 12 times a month, a year of seconds: time, and the peak of memory.

All stream but labels, which keep the outcomes for their quantiles, and evaluate, which keeps a
split. One feature a family rather than ten, so that a year fits on a disk.
"""

import shutil
from collections.abc import Iterator
from statistics import median

from benchmarks import data
from benchmarks.harness import Bench, Measurement, number
from benchmarks.steps import Chain, Cost, params_file, process

_STEP = "scale"
_STREAM = ("splits", "normalize", "predict")
_RUN = "ridge-0"
# A peak may grow by so much while rows grow by this factor; and MB at any size.
_GROWTH, _FACTOR = 1.2, 8
_MOST_MB = 2000.0
# Every ratio is to the smallest size, so it is measured several times.
_ROUNDS = 3


def measure(bench: Bench) -> Iterator[Measurement]:
    sizes = bench.sizes.series
    first = _chain(bench, sizes[0])
    costs: dict[str, list[Cost]] = {}
    for size in sizes:
        chain = first if size == sizes[0] else _chain(bench, size)
        rounds = min(_ROUNDS, bench.sizes.rounds) if chain is first else 1
        for name, cost in _steps(chain, rounds):
            costs.setdefault(name, []).append(cost)
        if chain is not first:
            shutil.rmtree(chain.folder)
    for name, of_sizes in costs.items():
        yield from _growth(bench, name, of_sizes)


def _chain(bench: Bench, size: int) -> Chain:
    features = data.days(bench, size * bench.sizes.series_days, per_family=1)
    params, _ = params_file(
        bench.work / f"params-{size}.json",
        data={"dir": str(features)},
        baselines=["ridge"],
        networks=[],
        trees=[],
    )
    return Chain(params, features, bench.work / f"chain-{size}")


def _steps(chain: Chain, rounds: int) -> Iterator[tuple[str, Cost]]:
    """Each step, and what it costs: the median of some rounds."""
    steps = {
        "labels": chain.labels(),
        "splits": chain.splits(),
        "normalize": chain.normalize(),
        "predict": chain.predict("baselines/ridge"),
        "evaluate": chain.evaluate(),
    }
    for name, words in steps.items():
        if name == "predict":
            process(chain.train(_RUN))
            process(chain.skip_audit())
        found = [process(words) for _ in range(rounds)]
        seconds = median(cost.seconds for cost in found)
        yield name, Cost(seconds, max(cost.peak_mb for cost in found))


def _growth(bench: Bench, name: str, costs: list[Cost]) -> Iterator[Measurement]:
    sizes, days = bench.sizes.series, bench.sizes.series_days
    rows = [size * days * bench.sizes.day_rows for size in sizes]
    span = f"{number(rows[0])} to {number(rows[-1])} rows × 12"
    times, least, most = sizes[-1] / sizes[0], costs[0], costs[-1]
    yield Measurement(
        _STEP,
        f"{name}: time of {times:g} × rows",
        span,
        "s",
        most.seconds,
        least.seconds,
        (most.seconds / least.seconds,),
        goal=times + 1,
        least=False,
        series=tuple(
            (float(count), cost.seconds, cost.peak_mb)
            for count, cost in zip(rows, costs, strict=True)
        ),
    )
    grown = min(_FACTOR, int(times))
    at = sizes.index(sizes[0] * grown)
    if name in _STREAM:
        yield Measurement(
            _STEP,
            f"{name}: peak memory of {grown} × rows",
            span,
            "MB",
            costs[at].peak_mb,
            least.peak_mb,
            (costs[at].peak_mb / least.peak_mb,),
            goal=_GROWTH,
            least=False,
        )
    peak = max(cost.peak_mb for cost in costs)
    what = f"{name}: peak memory at any size"
    yield Measurement(_STEP, what, span, "MB", peak, None, (peak,), goal=_MOST_MB, least=False)

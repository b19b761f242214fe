"""What the engines cost, in the table of the other measurements: see benchmarks/overhead.py."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import overhead
from benchmarks.harness import Bench, Measurement, absolute, within

_STEP = "engines"
_ROUNDS = 3


def measure(bench: Bench) -> Iterator[Measurement]:
    rounds = min(_ROUNDS, bench.sizes.rounds)
    shares, jobs, no_op, least = [], 0, [], []
    with tempfile.TemporaryDirectory(dir=bench.work) as scratch:
        checkout = overhead.clone(Path(scratch) / "clone")
        for _ in range(rounds):
            alone = overhead.steps(checkout)
            whole, jobs = overhead.from_nothing(checkout, 2)
            shares.append((whole - alone) / jobs)
        for _ in range(rounds):
            first, *others = (
                overhead.seconds(checkout, words)[0] for words in overhead.NO_OP.values()
            )
            no_op.append(first)
            least.append(sum(others))
    yield absolute(_STEP, "orchestration of a job", f"{jobs} jobs", shares, goal=overhead.JOB_LIMIT)
    what = "nothing to do: snakemake --version and dvc status"
    yield within(_STEP, what, f"{jobs} jobs", no_op, least, goal=overhead.NO_OP_LIMIT)

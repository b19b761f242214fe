"""How often a verdict finds skill where there is none.

    python -m benchmarks.no_signal --markets 40

Simulated markets without signal and without volatility regimes, so that nothing is learnable:
every model that is given a skill_* or actionable_* verdict was fooled. Prints each of them, and
how many there were.
"""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from alpha.check import Params, load
from alpha.evaluate import details
from benchmarks.chain import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--markets", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rows-per-day", type=int, default=17280, help="default: one each 5 s")
    args = parser.parse_args()
    found, models = 0, 0
    with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
        rows = [args.rows_per_day] * args.markets
        for seed, verdicts in enumerate(pool.map(judge, range(args.markets), rows)):
            fooled = {
                name: said
                for name, said in verdicts.items()
                if said[0].startswith(("skill", "actionable"))
            }
            found, models = found + len(fooled), models + len(verdicts)
            print(f"market {seed}: {fooled or 'none'}", flush=True)
    print(f"{found} of {models} models over {args.markets} markets were given skill")


def judge(seed: int, rows_per_day: int) -> dict[str, tuple[str, float | None]]:
    """Each model's verdict, and its skill on test, in one market without anything to learn."""
    params = without_signal(load(Path("params.yaml")), seed, rows_per_day)
    with tempfile.TemporaryDirectory() as name:
        run(params, Path(name))
        judged = details.read(Path(name) / "evaluate")
    return {
        name: (model.verdict.name, judged.on(name)["skill"].value)
        for name, model in judged.by_model.items()
    }


def without_signal(params: Params, seed: int, rows_per_day: int) -> Params:
    market = {
        "seed": 1000 + seed,
        "rows_per_day": rows_per_day,
        "signal_strength": 0.0,
        "volatility_strength": 0.0,
    }
    return params.model_copy(
        update={"simulate": params.simulate.model_copy(update=market), "seeds": (seed,)}
    )


if __name__ == "__main__":
    main()

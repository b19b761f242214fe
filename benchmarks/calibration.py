"""How often verdicts, flags and the audit find what is not there, and how often what is; and how
often intervals hold the truth.

    python -m benchmarks.calibration                 # all of it: docs/calibration.md and .svg
    python -m benchmarks.calibration --markets 20 --networks 0 --power 5 --draws 200

Simulated markets go through the whole chain, each by itself; intervals are judged on draws that
need no training (benchmarks.coverage). What is done is kept in results/calibration/, which git
ignores, and the same command goes on from there: remove that folder after a change of what is
measured. What failed is said, and is tried again by the next run.
"""

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from alpha.audit import findings
from alpha.check import Params, load
from alpha.evaluate import details
from benchmarks import calibration_report, chain, coverage

_DOCUMENT = coverage.ROOT / "docs" / "calibration.md"
# The oracle's skill, and the strengths of signal and of volatility that give it.
STRENGTHS = {0.005: (1.42, 0.0), 0.01: (1.8, 0.0), 0.02: (2.4, 0.0), 0.05: (3.0, 0.053)}
# By hours of a split: its draws in one piece of work, which takes about as long as a market, and
# which part of all draws are enough, as the longest take long.
_BATCHES = {5: (250, 1), 24: (100, 1), 144: (20, 4)}
# Models without a skill by construction.
_PLAIN = ("zero", "mean", "median")
_SEEDS = (0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    numbers = {
        "markets": (200, "without anything to learn"),
        "networks": (20, "of those again, with networks"),
        "power": (50, "of each strength of signal"),
        "draws": (4000, "of each kind and length of split"),
        "rows-per-day": (17280, "of a market, which has five days"),
        "jobs": (2, "at once"),
    }
    for name, (default, what) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} ({default})")
    parser.add_argument("--out", type=Path, default=coverage.ROOT / "results" / "calibration")
    parser.add_argument("--document", type=Path, default=_DOCUMENT, help="written at the end")
    given = parser.parse_args()
    wanted = list(pieces(given))
    done = work_off(wanted, given.out / "done.jsonl", work, jobs=given.jobs)
    groups = defaultdict(list)
    for piece in wanted:
        if piece in done:
            groups[piece.rpartition("/")[0]].append(done[piece])
    text = calibration_report.markdown(groups, plot=given.document.with_suffix(".svg").name)
    print(text)
    given.document.write_text(text, encoding="utf-8")
    calibration_report.plot(groups, given.document.with_suffix(".svg"))
    print(f"{len(done)} of {len(wanted)} pieces are done; written: {given.document}")


def pieces(given: argparse.Namespace) -> Iterator[str]:
    """The names of all pieces of work: their group, and their number in it."""
    for kind in coverage.KINDS:
        for hours, (most, part) in _BATCHES.items():
            draws = max(1, given.draws // part)
            size = min(most, draws)
            yield from (f"coverage/{kind}/{hours}/{size}/{at}" for at in range(draws // size))
    rows = given.rows_per_day
    yield from (f"nothing/{rows}/{at}" for at in range(given.markets))
    for skill in STRENGTHS:
        yield from (f"something/{rows}/{skill}/{at}" for at in range(given.power))
    yield from (f"networks/{rows}/{at}" for at in range(given.networks))


def work_off(
    wanted: list[str], path: Path, work: Callable[[str], Any], *, jobs: int
) -> dict[str, Any]:
    """What `work` found of each piece, from `path` or now; without those that failed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    done = dict(lines(path))
    for _ in range(3):  # again if a process was killed, which takes the others with it
        left = [piece for piece in wanted if piece not in done]
        with (
            ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool,
            path.open("a", encoding="utf-8") as file,
        ):
            running = {pool.submit(work, piece): piece for piece in left}
            killed = False
            for at, future in enumerate(as_completed(running), 1):
                piece = running[future]
                try:
                    done[piece] = future.result()
                except BrokenProcessPool:
                    killed = True
                    continue
                except Exception as error:  # one market's failure is not the others'
                    print(f"{piece} failed: {error!r}", flush=True)
                    continue
                file.write(json.dumps([piece, done[piece]]) + "\n")
                file.flush()
                print(f"{at}/{len(left)} {piece}", flush=True)
        if not killed:
            break
    return {piece: done[piece] for piece in wanted if piece in done}


def lines(path: Path) -> Iterator[tuple[str, Any]]:
    """What is done; a line that a kill cut off is not."""
    if not path.exists():
        return
    text = path.read_text(encoding="utf-8")
    if text and not text.endswith("\n"):
        path.write_text(text := text[: text.rfind("\n") + 1], encoding="utf-8")
    yield from map(json.loads, text.splitlines())


def work(piece: str) -> Any:
    """What one piece finds."""
    group, *about, number = piece.split("/")
    if group == "coverage":
        kind, hours, size = about
        return coverage.draws(kind, int(hours), int(number), int(size))
    signal, volatility = STRENGTHS[float(about[1])] if group == "something" else (0.0, 0.0)
    market = {
        "seed": 1000 + int(number),
        "rows_per_day": int(about[0]),
        "signal_strength": signal,
        "volatility_strength": volatility,
    }
    params = load(coverage.ROOT / "tests" / "params.yaml")
    changes: dict[str, Any] = {
        "simulate": params.simulate.model_copy(update=market),
        "seeds": tuple(_SEEDS),
    }
    if group != "networks":
        changes["networks"] = ()
    with tempfile.TemporaryDirectory() as name:
        audited = group == "nothing"
        return _judge(params.model_copy(update=changes), Path(name), audited=audited)


def _judge(params: Params, folder: Path, *, audited: bool) -> dict[str, Any]:
    """Verdict and flags of each model, whether its skill is above 0; the oracle's skill, whether it
    is, and what the audit finds."""
    chain.run(params, folder, audited=audited)
    found, judged = findings.read(folder / "audit").findings, details.read(folder / "evaluate")
    oracle = judged.on("oracle")
    return {
        "oracle": oracle["skill"].value,
        "oracle_above": oracle["skill"].least > 0,
        "findings": [[one.severity, one.kind] for one in found] if audited else None,
        "models": {
            name: {
                "verdict": model.verdict.name,
                "above": judged.on(name)["skill"].least > 0,
                "flags": [flag.name for flag in model.verdict.flags],
            }
            for name, model in judged.by_model.items()
            if name not in _PLAIN
        },
    }


if __name__ == "__main__":
    main()

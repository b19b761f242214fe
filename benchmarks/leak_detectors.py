"""Who finds leaks: the audit, deepchecks and Evidently on the same frames.

    python -m benchmarks.leak_detectors                      # all, on the catalogue and held out
    python -m benchmarks.leak_detectors --only audit -v      # and which were missed
    python -m benchmarks.leak_detectors --write docs/leaks.md

Frames come from tests/leaks, of the simulated day and of the real one (`--realdata`). Each peer is
installed by pip into an environment of its own in `--cache`, at the versions below. How alarms are
counted stands in docs/leaks.md.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "leaks"))

import numpy as np
from auditing import NAME, Bench, Tally
from catalogue import Catalogue, Planted, catalogue, held_out, plant
from markets import real, simulated

from alpha.check import load
from alpha.core.frames import open_frame
from alpha.data.splits import features_of

ROOT = Path(__file__).resolve().parents[1]
# What pip installs for each peer; deepchecks does not import beside newer ones.
PINNED = {
    "deepchecks": (
        "deepchecks==0.19.1", "scikit-learn==1.5.2", "numpy==1.26.4", "pandas==2.2.3",
        "scipy==1.13.1", "category-encoders==2.6.4", "setuptools==75.8.0",
    ),
    "evidently": (
        "evidently==0.7.23", "scikit-learn==1.5.2", "numpy==1.26.4", "pandas==2.2.3",
        "scipy==1.13.1",
    ),
}  # fmt: skip
AUDIT = "audit"
DETECTORS = (AUDIT, *PINNED)
# A line of the table each: the detector, its checks, of which any counts, and whether the threshold
# is the best in hindsight instead of the check's own.
LABEL = ("label_correlation", "label_correlation_train", "label_correlation_change")
RULES: dict[str, tuple[str, tuple[str, ...], bool]] = {
    "alpha audit": (AUDIT, ("leak",), False),
    "deepchecks, label correlation": ("deepchecks", LABEL, False),
    "the same, best threshold": ("deepchecks", LABEL[:1], True),
    "deepchecks, drift too": ("deepchecks", (*LABEL, "drift"), False),
    "Evidently, label correlation": ("evidently", LABEL[:1], False),
    "the same, best threshold ": ("evidently", LABEL[:1], True),
    "Evidently, drift too": ("evidently", (LABEL[0], "drift"), False),
}
# Of the honest columns, what may be suspected at the best threshold.
FEW = 0.05
MARKS = "<!-- by python -m benchmarks.leak_detectors -->", "<!-- end -->"

Scores = dict[str, dict[str, float]]  # by check and column; an alarm at 0 and above


@dataclass
class Judged:
    """The frames of one market and of some catalogues, each with whether its cases are leaks, and
    what each detector said of each."""

    frames: list[tuple[Planted, bool]]
    said: dict[str, list[Scores]]

    def tally(self, detector: str, checks: Sequence[str], threshold: float = 0.0) -> Tally:
        tally = Tally()
        for (planted, leaks), scores in zip(self.frames, self.said[detector], strict=True):
            by_name = [item for check in checks for item in scores[check].items()]
            named = [name for name, score in by_name if score >= threshold]
            tally.add(planted, named, leaks=leaks)
        return tally

    def in_hindsight(self, detector: str, checks: Sequence[str]) -> Tally:
        """At the threshold with the most leaks found of those with few enough false alarms."""
        each = {s for one in self.said[detector] for check in checks for s in one[check].values()}
        cuts = np.unique(np.quantile(sorted(each), np.linspace(0, 1, 400)))
        tallies = [self.tally(detector, checks, cut) for cut in cuts]
        quiet = [one for one in tallies if len(one.suspected) <= FEW * len(one.honest)]
        return max(quiet, key=lambda one: one.recall)


def wilson(count: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share, in which most of its surprises at 0 and 1 are foreseen.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927.
    """
    if of == 0:
        return 0.0, 1.0
    share = count / of
    centre = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return centre - half, centre + half


def judge(
    bench: Bench, catalogues: Sequence[Catalogue], detectors: Sequence[str], cache: Path
) -> Judged:
    """Make the frames, audit them, and show them to the peers."""
    frames = [
        (planted, leaks)
        for one in catalogues
        for cases, leaks in ((one.leaks, True), (one.honest, False))
        for planted in plant(cases, bench.market)
    ]
    said: dict[str, list[Scores]] = {name: [] for name in detectors}
    peers = [name for name in detectors if name != AUDIT]
    with tempfile.TemporaryDirectory(dir=cache) as name:
        folder, digests = Path(name), []
        for planted, _ in frames:
            if AUDIT in detectors:
                leaks = bench.audit(planted.frame).leaks
                named = dict.fromkeys((column for one in leaks for column in one.columns), 0.0)
                said[AUDIT].append({"leak": named})
            if peers:
                here = bench.prepare(planted.frame)
                digests.append(export(here / "splits" / "0", folder))
                shutil.rmtree(here)
        for peer in peers:
            # Answers are kept by what was asked, as peers take their time.
            answers = cache / f"{peer}-answers"
            answers.mkdir(exist_ok=True)
            script = ROOT / "benchmarks" / "peers" / f"leaks_{peer}.py"
            command = [environment(peer, cache), script, folder, answers]
            subprocess.run(command, check=True, cwd=folder)
            said[peer] = [json.loads((answers / f"{one}.json").read_text()) for one in digests]
    return Judged(frames, said)


def export(splits: Path, folder: Path) -> str:
    """Write train and test of a frame into the folder, as arrays: features without infinities,
    outcomes, times. Returns the name of the file, which is its digest."""
    held: dict[str, np.ndarray] = {}
    for split in ("train", "test"):
        with open_frame(splits / split / NAME) as frame:
            names = features_of(frame)
            values = frame.matrix(names)
            held[split] = np.where(np.isfinite(values), values, np.nan)
            held[f"{split}_y"] = frame.column("alpha_outcome")
            held[f"{split}_ns"] = frame.time_ns()
    hasher = hashlib.sha256("\n".join(names).encode())
    for values in held.values():
        hasher.update(np.ascontiguousarray(values).data)
    np.savez(folder / f"{hasher.hexdigest()}.npz", names=np.array(names), **held)
    return hasher.hexdigest()


def environment(peer: str, cache: Path) -> Path:
    """The Python of an environment with the peer in it, which is made once."""
    folder = cache / "-".join(PINNED[peer][0].split("=="))
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PINNED[peer]], check=True)
        (folder / "complete").touch()
    return python


def lines(judged: dict[str, Judged], detectors: Sequence[str], what: str) -> list[str]:
    """Lines of the table: a detector each, with recall and false alarms in each market."""
    found = []
    for name, (detector, checks, hindsight) in RULES.items():
        if detector not in detectors:
            continue
        cells = []
        for one in judged.values():
            tally = one.in_hindsight(detector, checks) if hindsight else one.tally(detector, checks)
            all_leaks = len(tally.found) + len(tally.missed)
            cells.append(share(len(tally.found), all_leaks))
            cells.append(share(len(tally.suspected), len(tally.honest)))
        found.append(f"| {name} | {what} | {' | '.join(cells)} |")
    return found


def share(count: int, of: int) -> str:
    low, high = wilson(count, of)
    return f"{count} of {of}: {count / of:.0%} ({low:.0%} to {high:.0%})"


def write(path: Path, table: Sequence[str]) -> None:
    """Replace the table between the marks in a page."""
    before, rest = path.read_text(encoding="utf-8").split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    body = "\n".join(table)
    path.write_text(f"{before}{MARKS[0]}\n{body}\n{MARKS[1]}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", nargs="+", choices=DETECTORS, default=DETECTORS)
    parser.add_argument("--seeds", nargs="*", type=int, default=[101, 102, 103])
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "leak_detectors"
    )
    realdata = os.environ.get("ALPHA_REALDATA", ROOT / ".." / "shared" / "realdata")
    parser.add_argument("--realdata", type=Path, default=Path(realdata))
    parser.add_argument("--write", type=Path, help="a page with the marks around its table")
    parser.add_argument("-v", "--verbose", action="store_true", help="name what was got wrong")
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    params = load(ROOT / "tests" / "params.yaml")
    markets = {"simulated": simulated(params.simulate, params.label)}
    markets["real"] = real(args.realdata, params.label)
    table = [
        "| detector | leaks | found, simulated | false alarms, simulated | found, real | "
        "false alarms, real |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    chosen = {"catalogue": [catalogue()], "held out": [held_out(seed) for seed in args.seeds]}
    for what, catalogues in chosen.items():
        judged = {}
        for name, market in markets.items() if catalogues else ():
            with tempfile.TemporaryDirectory(dir=args.cache) as folder:
                bench = Bench(params, market, Path(folder))
                judged[name] = judge(bench, catalogues, args.only, args.cache)
            if args.verbose:
                for rule, (detector, checks, _) in RULES.items():
                    if detector in args.only:
                        tally = judged[name].tally(detector, checks)
                        print(
                            f"{rule}, {what}, {name}: missed {tally.missed}, suspected "
                            f"{sorted(tally.suspected)}",
                            flush=True,
                        )
        table += lines(judged, args.only, what) if judged else []
    print("\n".join(table))
    if args.write:
        write(args.write, table)


if __name__ == "__main__":
    main()

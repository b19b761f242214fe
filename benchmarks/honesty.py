"""How often "actionable on paper" is said where nothing can be earned, and how often where
something can: many simulated markets, each walked forward over 20 folds and traded on paper.

    python -m benchmarks.honesty                     # all of it: docs/honesty.md
    python -m benchmarks.honesty --markets 5 --networks 1 --out /tmp/h --document /tmp/h/h.md
    python -m benchmarks.honesty --report            # the document, of what is done so far

What is done is kept in results/honesty/, which git ignores, and the same command goes on from
there: remove that folder after a change of what is measured. What failed is said, and is tried
again by the next run.
"""

import argparse
import math
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from alpha.check import Params, load
from alpha.data.features import open_folder
from alpha.evaluate import details, folds, oracle
from alpha.trade.run import SIDED, SPLITS, choose, read_market, read_signal
from alpha.trade.simulation import trade
from alpha.trade.statistics import Observed
from benchmarks import calibration, chain, honesty_report
from benchmarks.coverage import ROOT


class Group(NamedTuple):
    """Markets of one kind, and what learns from them."""

    signal: float
    volatility: float
    target: str = "end_return"
    networks: tuple[str, ...] = ()
    turn: int = 0  # groups of a lower one are worked off first


GROUPS = {
    "nothing": Group(0.0, 0.0),
    "networks": Group(0.0, 0.0, networks=("mlp", "silos"), turn=1),
    "abs_max": Group(0.0, 0.0, target="abs_max", turn=2),
    "regimes": Group(0.0, 1.0, turn=1),
    "signal 1": Group(1.0, 1.0),
    "signal 2": Group(2.0, 1.0),
}
# What a consumer pays each way, in bps; where nothing can be earned it is also judged without.
FEES = 1.0
FOLDS = 20
# Levels of the book but the first, and flow over two of its four windows: features cost time.
EXCLUDED = (r"level[1-9]$", r"(count|volume|liquidity)_(10|30)s$")
_TREES, _EPOCHS, _BATCH = 100, 4, 512
# Models without a skill by construction.
_PLAIN = ("zero", "mean", "median")
_FIGURES = ("net_bps", "bps_per_day", "trades")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    numbers = {
        "markets": (50, "of each kind without anything to earn"),
        "signal": (20, "of each strength of signal"),
        "networks": (10, "without anything to earn, with networks"),
        "rows-per-day": (4320, "of a market"),
        "jobs": (2, "at once"),
    }
    for name, (default, what) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} ({default})")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "honesty")
    parser.add_argument("--document", type=Path, default=ROOT / "docs" / "honesty.md")
    parser.add_argument("--report", action="store_true", help="write what is done, and do no more")
    given = parser.parse_args()
    kept = given.out / "done.jsonl"
    if given.report:
        done = dict(calibration.lines(kept))
    else:
        done = calibration.work_off(pieces(given), kept, work, jobs=given.jobs)
    found = defaultdict(list)
    for piece in sorted(done):
        found[piece.split("/")[0]].append(done[piece])
    shown = {group: found[group] for group in GROUPS if group in found}
    about = {"fees": FEES, "folds": FOLDS, "rows": given.rows_per_day, "trees": _TREES}
    text = honesty_report.markdown(shown, GROUPS, **about, days=FOLDS + 3, epochs=_EPOCHS)
    if left := len(set(pieces(given)) - set(done)):
        text += f"\n{left} of {len(pieces(given))} markets are still to be done.\n"
    print(text)
    given.document.write_text(text, encoding="utf-8")
    print(f"written: {given.document}")


def pieces(given: argparse.Namespace) -> list[str]:
    """The names of all pieces of work: group, rows of a day, number. Groups with the same turn go
    on side by side, so that a part of the work says something of each."""
    named = []
    for name, group in GROUPS.items():
        count = (
            given.networks if group.networks else given.signal if group.signal else given.markets
        )
        for at in range(count):
            named.append((group.turn, (at + 1) / count, f"{name}/{given.rows_per_day}/{at}"))
    return [name for *_, name in sorted(named)]


def work(piece: str) -> dict[str, Any]:
    """What one market's models are said to be, at each level of fees, and what it took."""
    name, rows, number = piece.split("/")
    group, wall, processor = GROUPS[name], time.monotonic(), time.process_time()
    found: dict[str, Any] = {"fees": {}}
    with tempfile.TemporaryDirectory() as scratch:
        folder, params = Path(scratch), of_market(group, int(rows), int(number))
        features = chain.fit(params, folder)
        best = Oracle(params, folder, features)
        for taker_bps in (FEES,) if group.signal else (FEES, 0.0):
            charged, into = charge(params, taker_bps), f"{taker_bps:g}"
            chain.judge(charged, folder, features=features, into=into)
            judged = details.read(folder / into / "evaluate")
            found["fees"][into] = _said(judged) | {"oracle": best.earns(charged)}
        found["oracle_skill"] = judged.on("oracle")["skill"].value
    took = {"seconds": time.monotonic() - wall, "processor": time.process_time() - processor}
    return found | {name: round(of, 1) for name, of in took.items()}


def of_market(group: Group, rows_per_day: int, number: int) -> Params:
    """The params of a market of a group; the same number has the same seed in each."""
    params = load(ROOT / "tests" / "params.yaml")
    days = params.split.walk_forward.spans
    market = {
        "seed": 5000 + number,
        "days": round(days["train"] + days["valid"] + days["test"]) + FOLDS - 1,
        "rows_per_day": rows_per_day,
        "signal_strength": group.signal,
        "volatility_strength": group.volatility,
    }
    changes: dict[str, dict[str, Any]] = {
        "data": {"exclude": EXCLUDED},
        "simulate": market,
        "label": {"target": group.target},
        "split": {"scheme": "walk_forward", "folds": tuple(range(FOLDS))},
        "lightgbm": {"n_estimators": _TREES},
        "train": {"epochs": _EPOCHS, "batch_size": _BATCH},
    }
    sections = {name: getattr(params, name).model_copy(update=of) for name, of in changes.items()}
    ladder = {"networks": group.networks, "seeds": (0,)}
    return params.model_copy(update={**sections, **ladder})


def charge(params: Params, taker_bps: float) -> Params:
    """The same with these fees."""
    fees = params.evaluate.fees.model_copy(update={"taker_bps": taker_bps})
    evaluate = params.evaluate.model_copy(update={"fees": fees})
    return params.model_copy(update={"evaluate": evaluate})


def _said(judged: details.Details) -> dict[str, Any]:
    """The model that valid chooses; verdict and figures of each."""
    models = {}
    for name in (name for name in judged.models if name not in _PLAIN):
        verdict, test = judged.by_model[name].verdict, judged.on(name)
        models[name] = {
            "verdict": verdict.name,
            "flags": [flag.name for flag in verdict.flags],
            "proven": test.proven,
            "skill": test["skill"].value,
            "skill_low": test["skill"].low,
            "deflated_sharpe": test["deflated_sharpe"].value,
            "net_bps_low": test["net_bps"].low,
            "valid_net_bps": judged.on(name, "valid")["net_bps"].value,
            **{figure: test[figure].value for figure in _FIGURES},
        }
    overfit = judged.on("all")["overfit_probability"].value
    return {"best": judged.best, "overfit_probability": overfit, "models": models}


class Oracle:
    """The best forecast there can be, at the times of models' predictions in `folder`; `known` if
    the target is one with a side."""

    def __init__(self, params: Params, folder: Path, features: Path) -> None:
        known = oracle.read(features, params.label, params.loss)
        self.known = not isinstance(known, str) and params.label.target in SIDED
        if isinstance(known, str) or not self.known:
            return
        self.paths, numbers = folds.read(folder / "splits")
        where = [folder / "predict" / str(fold) / "baselines" / "zero" for fold in numbers]
        times = [[read_signal(of / f"{at}.h5", params.label)[0] for at in SPLITS] for of in where]
        every = np.unique(np.concatenate([of for fold in times for of in fold]))
        values = oracle.values_at(known, every)
        # By fold, of valid and of test: times, and what is to come.
        self.signals = [[(of, values[np.searchsorted(every, of)]) for of in fold] for fold in times]
        self.market = read_market(open_folder(features, params.data), params)

    def earns(self, params: Params) -> dict[str, float | None] | None:
        """What it earns as models do: beyond the threshold that valid chooses in each fold."""
        if not self.known:
            return None
        traded = []
        for valid, test in self.signals:
            chosen, _ = choose(*valid, self.market, params)
            threshold = math.inf if chosen is None else chosen
            traded.append(trade(*test, threshold, self.market, params))
        times = np.concatenate([time_ns for _, (time_ns, _) in self.signals])
        observed = Observed(times, [block.start_ns for block in self.paths[0]], params)
        rows, _ = observed.earned([pd.concat(traded)], model="oracle", split="test")
        of_figures = {row.figure: row for row in rows}
        earned = {name: of_figures[name].value for name in _FIGURES if name in of_figures}
        return earned | {"net_bps_low": of_figures["net_bps"].low}


if __name__ == "__main__":
    main()

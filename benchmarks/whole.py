"""The whole chain beside one straight script: same labels, splits, models, epochs and figures."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from alpha.check import Params
from alpha.core.artifacts import read_json
from alpha.core.frames import open_frame
from alpha.data.columns import SPLITS
from alpha.data.features import families
from alpha.evaluate import details
from alpha.learn.kinds import MATCHED_MLP
from alpha.learn.params import ladder, run_folder, runs
from alpha.models.networks.silos import matched_parameters
from benchmarks import data
from benchmarks.harness import Bench, Measurement, absolute, faster, number, same
from benchmarks.steps import Chain, Job, flow, params_file, peak_mb, process

_STEP = "whole chain"
# In skill: between two ridges, one of which is float32.
_NEAR = 1e-3
# A resampled interval may be this many times as wide as the other.
_WIDTHS = 2.0
_MOST_MB = 2000.0


def measure(bench: Bench) -> Iterator[Measurement]:
    month = bench.sizes.month_days
    features = data.days(bench, month)
    epochs = bench.sizes.chain_epochs
    file, params = params_file(
        bench.work / "params.json",
        data={"dir": str(features)},
        # Neither side stops early.
        train={"epochs": epochs, "patience": epochs},
        baselines=["mean", "ridge"],
        networks=list(bench.sizes.networks),
        trees=[],
        seeds=[0],
    )
    chain = Chain(file, features, bench.work / "ours")
    (chain.folder / "pins").mkdir(parents=True)
    settings = bench.work / "settings.json"
    settings.write_text(json.dumps(_settings(params)), encoding="utf-8")
    theirs = bench.work / "peer"

    seconds, costs = flow(_jobs(chain, runs(params)))
    peer = process(["-m", "benchmarks.peers.straight", features, theirs, settings])
    metrics = read_json(theirs / "metrics.json")
    _check(bench, chain, theirs, metrics)

    size = f"{month} days, {number(month * bench.sizes.day_rows)} rows × 120"
    models = ", ".join(ladder(params))
    what = f"pandas, scikit-learn, Keras fit in one script ({models})"
    found = faster(_STEP, what, size, [seconds], [peer.seconds], goal=5)
    yield replace(found, peak_mb=peak_mb(list(costs.values())))
    what = "the same without the script's bootstrap"
    bare = peer.seconds - metrics["bootstrap_seconds"]
    yield faster(_STEP, what, size, [seconds], [bare])
    most = max(cost.peak_mb for name, cost in costs.items() if not name.startswith("train "))
    what = "peak memory of a step, training aside"
    yield absolute(_STEP, what, size, [most], goal=_MOST_MB, unit="MB")
    for name, cost in costs.items():
        found = absolute(_STEP, f"of which {name}", size, [cost.seconds], goal=None)
        yield replace(found, peak_mb=cost.peak_mb)


def _jobs(chain: Chain, runs: list[str]) -> dict[str, Job]:
    jobs = {
        "labels": Job(chain.labels()),
        "guard": Job(chain.guard(), ["labels"]),
        "splits": Job(chain.splits(), ["guard"]),
        "normalize": Job(chain.normalize(), ["splits"]),
        "audit": Job(chain.skip_audit(), ["splits"]),
    }
    folders = {str(run_folder(run).parent): run for run in runs} | {"baselines": "baselines"}
    # The longest first, so that the shorter ones fill what is left.
    for models, run in reversed(folders.items()):
        jobs[f"train {models}"] = Job(chain.train(run), ["normalize"])
        jobs[f"predict {models}"] = Job(chain.predict(models), [f"train {models}"])
    needed = ["audit", *(f"predict {models}" for models in folders)]
    jobs["evaluate"] = Job(chain.evaluate(), needed)
    return jobs


def _settings(params: Params) -> dict[str, Any]:
    """What the script must know to do the same."""
    of = list(families(data.names(), params.features).values())
    networks = [
        name
        for net in params.networks
        for name in ([MATCHED_MLP, net] if net == "silos" else [net])
    ]
    bootstrap = params.evaluate.bootstrap
    return {
        "horizon_ns": params.label.horizon_ns,
        "max_gap_ns": params.label.max_gap_ns,
        "fractions": params.split.fractions,
        "embargo_ns": round(params.split.embargo_seconds * 1e9),
        "clip": params.normalize.clip,
        "penalty": params.ridge.penalty,
        "networks": networks,
        "owns": [
            [at for at, name in enumerate(of) if name == family] for family in dict.fromkeys(of)
        ],
        "matched_mlp": matched_parameters(of, params.silos, 1).hidden,
        "batch_size": params.train.batch_size,
        "epochs": params.train.epochs,
        "thresholds": [bps * 1e-4 for bps in params.evaluate.thresholds_bps],
        "block": round(bootstrap.block_horizons * params.label.horizon_seconds),
        "resamples": bootstrap.resamples,
    }


def _check(bench: Bench, chain: Chain, theirs: Path, metrics: dict[str, Any]) -> None:
    """Rows, outcomes, skill, and how wide its intervals are."""
    found = details.read(chain.folder / "evaluate")
    for split, by_model in metrics["figures"].items():
        for model, its in by_model.items():
            what = f"{model} on {split}"
            near = _NEAR if model in ("mean", "ridge") else bench.sizes.noise
            ours = found.run(f"{model}-0", split)
            skill, events = ours["skill"], ours.events("average_precision")
            same(f"rows of {what}", ours["rows"].value, its["rows"])
            same(f"skill of {what}", skill.value, its["skill"], within=near)
            for mine, other in zip(events, its["average_precision"], strict=True):
                if model == "ridge" and other is not None:
                    precision = mine["average_precision"].value
                    same(f"{mine.name} of {what}", precision, other, within=near)
            if model == "mean" or split == "train" or skill.low is None or skill.high is None:
                continue
            _check_width(what, (skill.low, skill.high), metrics["intervals"][split][model]["skill"])
    for model in metrics["figures"]["train"]:
        inside = run_folder("silos-0") / model if model == MATCHED_MLP else run_folder(f"{model}-0")
        _check_outcomes(chain.folder / "predict" / "0" / inside, theirs / model)


def _check_width(what: str, ours: tuple[float, float], its: list[float]) -> None:
    wide = (ours[1] - ours[0]) / (its[1] - its[0])
    if not 1 / _WIDTHS <= wide <= _WIDTHS:
        raise AssertionError(f"{what}: an interval {wide:.2f} times as wide as the peer's")


def _check_outcomes(ours: Path, theirs: Path) -> None:
    for split in SPLITS:
        read = []
        for folder in (ours, theirs):
            with open_frame(folder / f"{split}.h5", key="df") as frame:
                read.append((frame.time_ns(), frame.column("alpha_outcome")))
        for what, mine, its in zip(("times", "outcomes"), *read, strict=True):
            same(f"{what} of {ours / split}", mine, its)

"""The whole chain in one process, without the engines: for many small markets in a row."""

from argparse import Namespace
from pathlib import Path
from typing import Any

from alpha.audit import findings
from alpha.audit import run as audit
from alpha.check import Params
from alpha.core.artifacts import write_json
from alpha.data.params import SIMULATED
from alpha.data.splits import splits_digest
from alpha.evaluate import run as evaluation
from alpha.label import run as labels
from alpha.learn.params import run_folder, runs
from alpha.normalize import run as normalize
from alpha.predict import run as predict
from alpha.simulate import run as simulate
from alpha.split import run as splits
from alpha.trade import run as trade
from alpha.train import run as train


def prepare(params: Params, folder: Path) -> Path:
    """Labels, splits and contract into `folder`; where the feature files are.

    They are those in the folder data.dir, or simulated first if that is the default.
    """
    features = Path(params.data.dir)
    if params.data.dir == SIMULATED:
        features = folder / "simulate"
        simulate.run(params.simulate, out=features)
    labels.run(params.data, params.label, features=features, out=folder / "labels")
    splits.run(
        params.data,
        params.label,
        params.split,
        features=features,
        labels=folder / "labels" / "labels",
        out=folder / "splits",
    )
    normalize.run(
        params.features,
        params.normalize,
        splits=folder / "splits",
        out=folder / "normalize",
    )
    return features


def run(params: Params, folder: Path, *, audited: bool = False) -> None:
    """Every step from feature files to evaluation into `folder`; no finding unless `audited`, which
    takes longer than all else."""
    features = fit(params, folder, audited=audited)
    judge(params, folder, features=features)


def fit(params: Params, folder: Path, *, audited: bool = False) -> Path:
    """Every step from feature files to predictions into `folder`; where the feature files are."""
    features = prepare(params, folder)
    if audited:
        audit.run(
            params.data,
            params.label,
            params.split,
            params.audit,
            features=features,
            labels=folder / "labels" / "labels",
            splits=folder / "splits",
            normalization=folder / "normalize",
            out=folder / "audit",
        )
    else:
        (folder / "audit").mkdir()
        found = {"findings": [], "splits": splits_digest(folder / "splits")}
        write_json(folder / "audit" / findings.NAME, found)
    baselines = {name: getattr(params, name) for name in params.baselines}
    others = runs(params)[len(baselines) :]
    for fold in map(str, params.split.folds):
        of: dict[str, Any] = {
            "train": folder / "splits" / fold / "train",
            "valid": folder / "splits" / fold / "valid",
            "normalization": folder / "normalize" / f"{fold}.json",
        }
        jobs: list[Any] = [(baselines, 0, Path("baselines"), True)]
        for run in others:
            model, _, seed = run.rpartition("-")
            jobs.append(({model: getattr(params, model)}, int(seed), run_folder(run), False))
        for models, seed, where, in_folders in jobs:
            out = folder / "train" / fold / where
            what = params.label, params.loss, params.train, models
            train.run(*what, seed=seed, in_folders=in_folders, out=out, **of)
        predict.run(
            models=folder / "train" / fold,
            splits=folder / "splits" / fold,
            normalization=of["normalization"],
            out=folder / "predict" / fold,
        )
    return features


def judge(params: Params, folder: Path, *, features: Path, into: str = "") -> None:
    """What the predictions in `folder` earn, and the evaluation, into its folders trade and
    evaluate, or those in its folder `into`."""
    folders: dict[str, Path] = {
        "features": features,
        "splits": folder / "splits",
        "predictions": folder / "predict",
    }
    traded = folder / into / "trade"
    trade.run(params, runs(params), Namespace(**folders, out=traded))
    evaluation.run(
        params.label,
        params.loss,
        params.evaluate,
        params.verdict,
        **folders,
        audit=folder / "audit",
        runs=runs(params),
        models=folder / "train",
        trade=traded,
        out=folder / into / "evaluate",
    )

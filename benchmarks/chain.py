"""The whole chain in one process, without the engines: for many small markets in a row."""

from pathlib import Path

from alpha import labels, normalization, predict, simulate, splits, train
from alpha.evaluation import run as evaluation
from alpha.params import SIMULATED, Params


def prepare(params: Params, folder: Path) -> Path:
    """Labels, splits and contract.json into `folder`; where the feature files are.

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
        params.splits,
        features=features,
        labels=folder / "labels",
        out=folder / "splits",
    )
    normalization.run(
        params.features,
        params.normalization,
        train=folder / "splits" / "train",
        out=folder / "contract.json",
    )
    return features


def run(params: Params, folder: Path) -> None:
    """Every step from feature files to evaluation into `folder`."""
    features, contract = prepare(params, folder), folder / "contract.json"
    for run in params.runs:
        model, _, seed = run.rpartition("-")
        train.run(
            params.label,
            params.loss,
            params.train,
            params.rung(model),
            model=model,
            seed=int(seed),
            train=folder / "splits" / "train",
            valid=folder / "splits" / "valid",
            normalization=contract,
            out=folder / "train" / run,
        )
        predict.run(
            model=folder / "train" / run,
            splits=folder / "splits",
            normalization=contract,
            out=folder / "predict" / run,
        )
    evaluation.run(
        params.label,
        params.loss,
        params.evaluate,
        params.verdict,
        features=features,
        runs=params.runs,
        models=folder / "train",
        predictions=folder / "predict",
        out=folder / "evaluate",
    )

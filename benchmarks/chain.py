"""The whole chain in one process, without the engines: for many small markets in a row."""

from pathlib import Path

from alpha.audit import findings
from alpha.audit import run as audit
from alpha.check import Params
from alpha.core.artifacts import write_json
from alpha.data.params import SIMULATED
from alpha.evaluate import run as evaluation
from alpha.label import run as labels
from alpha.learn.params import run_folder, runs
from alpha.normalize import run as normalize
from alpha.predict import run as predict
from alpha.simulate import run as simulate
from alpha.split import run as splits
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
    features, contract = prepare(params, folder), folder / "normalize" / "0.json"
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
        write_json(folder / "audit" / findings.NAME, {"findings": []})
    for run in runs(params):
        model, _, seed = run.rpartition("-")
        train.run(
            params.label,
            params.loss,
            params.train,
            {model: getattr(params, model)},
            seed=int(seed),
            train=folder / "splits" / "0" / "train",
            valid=folder / "splits" / "0" / "valid",
            normalization=contract,
            out=folder / "train" / "0" / run_folder(run),
        )
    predict.run(
        models=folder / "train" / "0",
        splits=folder / "splits" / "0",
        normalization=contract,
        out=folder / "predict" / "0",
    )
    evaluation.run(
        params.label,
        params.loss,
        params.evaluate,
        params.verdict,
        features=features,
        audit=folder / "audit",
        runs=runs(params),
        models=folder / "train",
        predictions=folder / "predict",
        splits=folder / "splits",
        out=folder / "evaluate",
    )

"""Trained models of every kind in one folder of results, as scoring finds them."""

import shutil
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np

from alpha.data.contract import read_contract
from alpha.data.splits import split_digest
from alpha.learn.history import Trained
from alpha.learn.kinds import find
from alpha.models.networks.network import Network
from alpha.models.trees.lightgbm import Trees
from alpha.train import run as train

BASELINES = ("mean", "persistence", "har", "ridge")
# The folder of each in results/train; those of classes end in -classes.
MODELS = {
    **{name: f"0/baselines/{name}" for name in BASELINES},
    "mlp": "0/mlp/0",
    "silos": "0/silos/0",
    "lightgbm": "0/lightgbm/0",
    "mlp-classes": "0/mlp/1",
    "lightgbm-classes": "0/lightgbm/1",
}
CODES = [-1.0, 0.0, 1.0]


def results(chain: tuple[Path, Any]) -> Path:
    """The folder of results of the fixture `chain`, made once; read it, do not change it."""
    folder, params = chain
    made = folder.parent / "scoring" / "results"
    if made.exists():
        return made
    shutil.copytree(folder / "normalize", made / "normalize")
    contract = read_contract(folder / "normalize" / "0.json")
    given = {"train": folder / "splits" / "0" / "train", "valid": folder / "splits" / "0" / "valid"}
    given["normalization"] = folder / "normalize" / "0.json"
    models = {name: getattr(params, name) for name in BASELINES}
    out = made / "train"
    train.run(
        params.label, params.loss, params.train, models, seed=0, in_folders=True,
        out=out / "0" / "baselines", **given,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    for name, inside in MODELS.items():
        model, _, classes = name.partition("-")
        if model in BASELINES:
            continue
        outputs = 3 if classes else 1
        of = find(model)
        if model == "lightgbm":
            fitted: Any = _trees(rng, len(contract.names), outputs)
        else:
            net = of.build(contract.families, getattr(params, model), outputs)
            net.set_weights([rng.normal(size=weight.shape) for weight in net.get_weights()])
            center = np.log([0.2, 0.5, 0.3]) if classes else np.array([0.01])
            fitted = Network(net, center, 1.0 if classes else 0.02)
        about = {
            "model": model,
            "seed": 0,
            "normalization": contract.hash,
            "classes": CODES if classes else [],
            "label": params.label.model_dump(mode="json"),
            "configuration": "1" * 64,
            "splits": {name: split_digest(given[name]) for name in ("train", "valid")},
        }
        (out / inside).parent.mkdir(parents=True, exist_ok=True)
        train._write(out / inside, Trained(fitted, []), about)
    return made


def _trees(rng: np.random.Generator, features: int, outputs: int) -> Trees:
    x = rng.normal(size=(800, features))
    y = x.sum(axis=1)
    settings: dict[str, Any] = {"verbosity": -1, "num_threads": 1, "num_leaves": 7}
    if outputs > 1:
        y, settings = np.digitize(y, [-1, 1]), settings | {"objective": "multiclass"}
        settings["num_class"] = outputs
    booster = lightgbm.train(settings, lightgbm.Dataset(x, y), 12)
    return Trees(booster.model_to_string(), 0.01, 0.02)

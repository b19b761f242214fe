"""The files of an evaluation: the table, details.json, and what `dvc metrics` and `dvc plots` show.

The CSV files are of the test split: means over seeds, but that threshold checks are of all seeds'
rows together, and calibration has the seeds one after the other.
"""

import json
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from alpha.core.artifacts import write_csv, write_json
from alpha.evaluate import figures
from alpha.evaluate.details import Details

HEADLINE_DIGITS = 4  # after the point; figures.csv has all of them
_CHECK = [
    *("seeds", "rows", "label_above", "prediction_above", "both", "windows", "base_rate"),
    *("precision", "recall", "lift", "realised_bps", "after_fees_bps"),
]
_SLICE = ["rows", "skill", "rank_ic", "std_ratio"]
_DECILE = ["calibration_rows", "calibration_prediction", "calibration_outcome"]
_LADDER = [
    *("model", "skill", "skill_low", "skill_high", "hindsight", "hindsight_low", "hindsight_high"),
    *("valid_skill", "against", "difference", "difference_low", "difference_high"),
]
_IMPORTANCE = ["model", "family", "importance", "spread"]


def write(folder: Path, details: Details, histories: dict[str, dict[str, list[float]]]) -> None:
    """Write every file of an evaluation into `folder`, which exists and is empty."""
    figures.write(folder / figures.NAME, details.figures.table)
    details.figures_sha256 = sha256((folder / figures.NAME).read_bytes()).hexdigest()
    write_json(folder / "details.json", details.model_dump(mode="json"))
    # In the order in which `dvc exp show` has its columns, which is as fixed as a sorted one.
    text = json.dumps(_metrics(details), indent=2, allow_nan=False)
    (folder / "metrics.json").write_text(f"{text}\n", encoding="utf-8")
    for name, columns in histories.items():
        _write(folder / "learning_curves" / f"{name}.csv", pd.DataFrame(columns))
    for name in details.models:
        for plot, found in _plots(details, name).items():
            _write(folder / plot / f"{name}.csv", found)
    over = details.figures.table[details.figures.table["seed"].isna()]
    _write(folder / "ladder.csv", _ladder(details))
    importance = _wide(over, ["model", "event"], ["importance", "importance_spread"])
    _write(folder / "importance.csv", importance.set_axis(_IMPORTANCE, axis=1))


def _metrics(details: Details) -> dict[str, Any]:
    """A few figures of the model that valid would choose, whatever model that is: one column each
    in a table of experiments. Then of every model, in the ladder's order."""
    models: dict[str, dict[str, Any]] = {}
    for model in details.models:
        found: dict[str, float | None] = {}
        for split in ("valid", "test"):
            names = f"skill_{split}", f"{split}_low", f"{split}_high"
            found |= dict(zip(names, details.on(model, split)["skill"][:3], strict=True))
        found["hindsight"], found["hindsight_low"], *_ = details.on(model)["hindsight"]
        found["rank_ic"] = details.on(model)["rank_ic"].value
        # As precise as a skill is of interest; adding 0 makes a rounded −0 a plain 0.
        models[model] = {
            name: None if value is None else round(value, HEADLINE_DIGITS) + 0.0
            for name, value in found.items()
        }
        models[model]["verdict"] = details.by_model[model].verdict.name
    best = details.best
    return models if best is None else {"best": {"model": best, **models[best]}, **models}


def _plots(details: Details, model: str) -> dict[str, pd.DataFrame]:
    """Each of a model's CSV files, by name."""
    table, label, over = details.figures.table, details.on("label"), details.on(model)
    both = table[(table["model"] == model) & (table["split"] == "test")]
    test = both[both["seed"].isna()]
    ends = test[test["figure"] == "after_fees_bps"]
    bins = _wide(both[both["seed"].notna()], ["seed", "fold", "event"], _DECILE)[["seed", *_DECILE]]
    quantiles = {
        "quantile": [float(level.event) for level in over.events("prediction_quantile")],
        "label": label.values("quantile"),
        "prediction": over.values("prediction_quantile"),
    }
    distribution = {
        "outcome": [(low + high) / 2 for low, high in pairwise(details.bin_edges)],
        "label": label.shares("count"),
        "prediction": over.shares("prediction_count"),
    }
    return {
        "quantiles": pd.DataFrame(quantiles),
        "distribution": pd.DataFrame(distribution),
        "thresholds": _wide(test[test["event"].isin(ends["event"])], ["event"], _CHECK)
        .rename(columns={"event": "threshold_bps"})
        .astype({"threshold_bps": float})
        .assign(after_fees_low_bps=ends["low"].array, after_fees_high_bps=ends["high"].array),
        "calibration": bins.rename(columns=lambda name: name.removeprefix("calibration_")),
        "days": _slices(test, "day"),
        "regimes": _slices(test, "regime"),
        "folds": _folds(details, model),
    }


def _folds(details: Details, model: str) -> pd.DataFrame:
    """Each fold's block of test, in time order; a holdout's is the whole."""
    found = details.on(model).folds or [details.on(model)]
    rows = [
        (one.name or "0", start, *one["skill"][:3], one["rank_ic"].value)
        for one, start in zip(found, details.starts, strict=True)
    ]
    return pd.DataFrame(rows, columns=["fold", "start", "skill", "low", "high", "rank_ic"])


def _slices(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    found = _wide(rows[rows["slice"].str.startswith(f"{kind} ")], ["slice"], _SLICE)
    return found.rename(columns={"slice": kind}).replace({kind: f"^{kind} "}, "", regex=True)


def _wide(rows: pd.DataFrame, by: list[str], names: list[str]) -> pd.DataFrame:
    """The figures `names` side by side, in the table's order of `by`."""
    found = rows[rows["figure"].isin(names)].set_index([*by, "figure"])["value"]
    return found.unstack(sort=False).reindex(columns=names).reset_index()


def _ladder(details: Details) -> pd.DataFrame:
    against = {rung.model: rung.against for rung in details.ladder}
    rows = []
    for name in [*against, *(["oracle"] if details.oracle_reason is None else [])]:
        names = "skill", "hindsight", "skill_difference"
        skill, hindsight, by = (details.on(name)[figure][:3] for figure in names)
        valid = details.on(name, "valid")["skill"].value
        rows.append((name, *skill, *hindsight, valid, against.get(name), *by))
    return pd.DataFrame(rows, columns=_LADDER)


def _write(path: Path, found: pd.DataFrame) -> None:
    path.parent.mkdir(exist_ok=True)
    # Counts as whole numbers.
    write_csv(path, found.convert_dtypes(), index=False)

"""The files of an evaluation: the table, details.json, and what `dvc metrics` and `dvc plots` show
of them, which are views of the table.

The CSV files are of the test split, where DVC draws one line per column: quantiles, days and
regimes are means over seeds, threshold counts are of all seeds' rows together, calibration has
the seeds one after the other.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from alpha.core.artifacts import write_json
from alpha.evaluate import figures
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Selection

HEADLINE_DIGITS = 4  # after the point; figures.csv has all of them
_CHECK = (
    *("seeds", "rows", "label_above", "prediction_above", "both", "windows", "base_rate"),
    *("precision", "recall", "lift", "realised_bps", "after_fees_bps"),
)
_SLICE = ("rows", "skill", "rank_ic", "std_ratio")
_DECILE = ("rows", "prediction", "outcome")
_LADDER = (
    *("model", "skill", "skill_low", "skill_high", "valid_skill", "against", "difference"),
    *("difference_low", "difference_high"),
)
Rows = Iterable[Sequence[Any]]


def write(folder: Path, details: Details, histories: dict[str, dict[str, list[float]]]) -> None:
    """Write every file of an evaluation into `folder`, which exists and is empty."""
    figures.write(folder / figures.NAME, details.figures.table)
    write_json(folder / "details.json", details.model_dump(mode="json"))
    # In the order in which `dvc exp show` has its columns, which is as fixed as a sorted one.
    text = json.dumps(_metrics(details), indent=2, allow_nan=False)
    (folder / "metrics.json").write_text(f"{text}\n", encoding="utf-8")
    for name, columns in histories.items():
        _write(
            folder / "learning_curves" / f"{name}.csv", columns, zip(*columns.values(), strict=True)
        )
    for name in details.models:
        for plot, header, rows in _plots(details, name):
            _write(folder / plot / f"{name}.csv", header, rows)
    _write(folder / "ladder.csv", _LADDER, _ladder(details))
    importance = (
        (name, family.event, family["importance"].value, family["importance_spread"].value)
        for name in details.models
        for family in details.on(name, "valid").events("importance")
    )
    _write(folder / "importance.csv", ("model", "family", "importance", "spread"), importance)


def _metrics(details: Details) -> dict[str, Any]:
    """A few figures of the model that valid would choose, whatever model that is: one column each
    in a table of experiments. Then of every model, in the ladder's order."""
    models = {name: _headline(details, name) for name in details.models}
    if details.best is None:
        return models
    return {"best": {"model": details.best, **models[details.best]}, **models}


def _headline(details: Details, model: str) -> dict[str, Any]:
    """The skill on valid and on test, each with the ends of its interval, and what came of it."""
    found: dict[str, Any] = {}
    for split in ("valid", "test"):
        skill = details.on(model, split)["skill"]
        found |= {f"skill_{split}": skill.value}
        found |= {f"{split}_low": skill.low, f"{split}_high": skill.high}
    found["rank_ic"] = details.on(model)["rank_ic"].value
    for name, value in found.items():
        # As precise as a skill is of interest; adding 0 makes a rounded −0 a plain 0.
        found[name] = None if value is None else round(value, HEADLINE_DIGITS) + 0.0
    return found | {"verdict": details.by_model[model].verdict.name}


def _plots(details: Details, model: str) -> Iterator[tuple[str, Sequence[str], Rows]]:
    """The name, the header and the rows of each of a model's CSV files."""
    test, label, edges = details.on(model), details.on("label"), details.bin_edges
    levels = [float(level.event) for level in test.events("prediction_quantile")]
    columns = levels, label.values("quantile"), test.values("prediction_quantile")
    yield "quantiles", ("quantile", "label", "prediction"), zip(*columns, strict=True)
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    shares = middles, label.shares("count"), test.shares("prediction_count")
    yield "distribution", ("outcome", "label", "prediction"), zip(*shares, strict=True)
    header = ("threshold_bps", *_CHECK, "after_fees_low_bps", "after_fees_high_bps")
    fees = [one["after_fees_bps"] for one in test.thresholds]
    yield (
        "thresholds",
        header,
        (
            (float(one.event), *_values(one, _CHECK), after.low, after.high)
            for one, after in zip(test.thresholds, fees, strict=True)
        ),
    )
    yield (
        "calibration",
        ("seed", *_DECILE),
        (
            (seed, *_values(decile, [f"calibration_{name}" for name in _DECILE]))
            for seed in details.by_model[model].seeds
            for decile in details.figures.of(model, "test", seed).events("calibration_rows")
        ),
    )
    for kind in ("day", "regime"):
        slices = ((one.name, *_values(one, _SLICE)) for one in test.slices(kind))
        yield f"{kind}s", (kind, *_SLICE), slices


def _values(of: Selection, names: Iterable[str]) -> list[float | None]:
    return [of[name].value for name in names]


def _ladder(details: Details) -> Rows:
    rungs = {rung.model: rung.against for rung in details.ladder}
    for name in (*rungs, *(["oracle"] if details.oracle_reason is None else [])):
        skill, valid = details.on(name)["skill"], details.on(name, "valid")["skill"]
        by = details.on(name)["skill_difference"]
        of_test, against = (skill.value, skill.low, skill.high), rungs.get(name)
        yield name, *of_test, valid.value, against, by.value, by.low, by.high


def _write(path: Path, header: Iterable[str], rows: Rows) -> None:
    path.parent.mkdir(exist_ok=True)
    # Counts as whole numbers.
    found = pd.DataFrame(list(rows), columns=list(header)).convert_dtypes()
    found.to_csv(path, index=False, lineterminator="\n")

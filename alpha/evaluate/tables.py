"""The files of an evaluation: the table, details.json, and what `dvc metrics` and `dvc plots` show
of them, which are views of the table.

The CSV files are of the test split, where DVC draws one line per column: quantiles, days and
regimes are means over seeds, threshold counts are of all seeds' rows together, calibration has
the seeds one after the other.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

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
Rows = Iterable[Sequence[Any]]


def write(folder: Path, details: Details, histories: dict[str, dict[str, list[float]]]) -> None:
    """Write every file of an evaluation into `folder`, which exists and is empty."""
    figures.write(folder / figures.NAME, details.figures.table)
    write_json(folder / "details.json", details.model_dump(mode="json"))
    # In the order in which `dvc exp show` has its columns, which is as fixed as a sorted one.
    text = json.dumps(_metrics(details), indent=2, allow_nan=False)
    (folder / "metrics.json").write_text(f"{text}\n", encoding="utf-8")
    for name, columns in histories.items():
        path = folder / "learning_curves" / f"{name}.csv"
        _write(path, list(columns), zip(*columns.values(), strict=True))
    for name in details.models:
        test = details.on(name)
        plots: dict[str, tuple[Sequence[str], Rows]] = {
            "quantiles": (("quantile", "label", "prediction"), _quantiles(details, test)),
            "distribution": (("outcome", "label", "prediction"), _distribution(details, test)),
            "thresholds": (
                ("threshold_bps", *_CHECK, "after_fees_low_bps", "after_fees_high_bps"),
                (
                    (float(one.event), *_values(one, _CHECK), fees.low, fees.high)
                    for one in test.thresholds
                    if (fees := one["after_fees_bps"])
                ),
            ),
            "calibration": (("seed", "rows", "prediction", "outcome"), _calibration(details, name)),
        }
        for kind in ("day", "regime"):
            slices = ((one.name, *_values(one, _SLICE)) for one in test.slices(kind))
            plots[f"{kind}s"] = ((kind, *_SLICE), slices)
        for plot, (header, rows) in plots.items():
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
        of = {f"skill_{split}": skill.value, f"{split}_low": skill.low, f"{split}_high": skill.high}
        found |= of
    found["rank_ic"] = details.on(model)["rank_ic"].value
    # As precise as a skill is of interest; adding 0 makes a rounded −0 a plain 0.
    found = {
        name: None if value is None else round(value, HEADLINE_DIGITS) + 0.0
        for name, value in found.items()
    }
    return found | {"verdict": details.by_model[model].verdict.name}


def _values(of: Selection, names: Iterable[str]) -> list[float | None]:
    return [of[name].value for name in names]


def _quantiles(details: Details, test: Selection) -> Rows:
    label = details.on("label").values("quantile")
    for of_label, level in zip(label, test.events("prediction_quantile"), strict=True):
        yield float(level.event), of_label, level["prediction_quantile"].value


def _distribution(details: Details, test: Selection) -> Rows:
    edges = details.bin_edges
    label, prediction = details.on("label").shares("count"), test.shares("prediction_count")
    for at, of_both in enumerate(zip(label, prediction, strict=True)):
        yield (edges[at] + edges[at + 1]) / 2, *of_both


def _calibration(details: Details, model: str) -> Rows:
    names = ("calibration_rows", "calibration_prediction", "calibration_outcome")
    for seed in details.by_model[model].seeds:
        for decile in details.figures.of(model, "test", seed).events(names[0]):
            yield seed, *_values(decile, names)


_LADDER = (
    *("model", "skill", "skill_low", "skill_high", "valid_skill", "against", "difference"),
    *("difference_low", "difference_high"),
)


def _ladder(details: Details) -> Rows:
    rungs = {rung.model: rung.against for rung in details.ladder}
    for name in (*rungs, *(["oracle"] if details.oracle_reason is None else [])):
        skill, valid = details.on(name)["skill"], details.on(name, "valid")["skill"]
        by = details.on(name)["skill_difference"]
        against = rungs.get(name)
        yield (
            name,
            skill.value,
            skill.low,
            skill.high,
            valid.value,
            against,
            by.value,
            by.low,
            by.high,
        )


def _write(path: Path, header: Sequence[str], rows: Rows) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: str | float | None) -> str:
    """The shortest text that reads back as the same number; empty where there is none."""
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return ""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else repr(value)

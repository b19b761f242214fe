"""The files of an evaluation: JSON for `dvc metrics`, CSV for `dvc plots`, and all the rest.

The CSV files are of the test split, where DVC draws one line per column: quantiles, days and
regimes are means over seeds, threshold counts are of all seeds' rows together, calibration has
the seeds one after the other. The other splits are in details.json.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from alpha.core.artifacts import write_json
from alpha.data.columns import SplitName
from alpha.evaluate.details import Details, Figure, Model, SliceOverSeeds, Threshold

HEADLINE_DIGITS = 4  # after the point; details.json has all of them
DRAWN_SPLIT: SplitName = "test"
Row = Sequence[Any]


def write(folder: Path, details: Details, histories: dict[str, dict[str, list[float]]]) -> None:
    """Write every file of an evaluation into `folder`, which exists and is empty."""
    write_json(folder / "details.json", details.model_dump(mode="json"))
    # In the order in which `dvc exp show` has its columns, which is as fixed as a sorted one.
    text = json.dumps(_metrics(details), indent=2, allow_nan=False)
    (folder / "metrics.json").write_text(f"{text}\n", encoding="utf-8")
    for name, columns in histories.items():
        rows = zip(*columns.values(), strict=True)
        _write_csv(folder / "learning_curves" / f"{name}.csv", list(columns), rows)
    for name in details.models:
        for plot, (header, of_model) in _PLOTS.items():
            _write_csv(folder / plot / f"{name}.csv", header, of_model(details, name))
    _write_csv(folder / "ladder.csv", _LADDER, _ladder(details))
    _write_csv(folder / "importance.csv", _IMPORTANCE, _importance(details))


def _metrics(details: Details) -> dict[str, Any]:
    """A few figures of the model that valid would choose, whatever model that is: one column each
    in a table of experiments. Then of every model, in the ladder's order."""
    models = {name: _headline(details.by_model[name]) for name in details.models}
    if details.best is None:
        return models
    return {"best": {"model": details.best, **models[details.best]}, **models}


def _headline(model: Model) -> dict[str, Any]:
    """The skill on valid and on test, each with the ends of its interval, and what came of it."""
    valid, test = model.splits["valid"], model.splits["test"]
    return {
        "skill_valid": _rounded(valid.skill.mean),
        "valid_low": _rounded(valid.skill.low),
        "valid_high": _rounded(valid.skill.high),
        "skill_test": _rounded(test.skill.mean),
        "test_low": _rounded(test.skill.low),
        "test_high": _rounded(test.skill.high),
        "rank_ic": _rounded(test.rank_ic.mean),
        "verdict": model.verdict.name,
    }


def _rounded(value: Figure) -> Figure:
    """As precise as a skill is of interest, so that a table of differences is short."""
    # Adding 0 makes a rounded −0 a plain 0.
    return None if value is None else round(value, HEADLINE_DIGITS) + 0.0


def _quantiles(details: Details, model: str) -> Iterable[Row]:
    drawn = details.by_model[model].splits[DRAWN_SPLIT]
    return zip(
        details.quantile_levels, drawn.label_quantiles, drawn.prediction_quantiles, strict=True
    )


def _thresholds(details: Details, model: str) -> Iterable[Row]:
    checks = details.by_model[model].splits[DRAWN_SPLIT].thresholds
    return (list(check.model_dump().values()) for check in checks)


def _calibration(details: Details, model: str) -> Iterable[Row]:
    for run in details.by_run.values():
        if run.model == model:
            for decile in run.splits[DRAWN_SPLIT].calibration:
                yield run.seed, decile.rows, decile.prediction, decile.outcome


def _slices(slices: Sequence[SliceOverSeeds]) -> Iterable[Row]:
    for one in slices:
        yield one.name, one.rows, one.skill.mean, one.rank_ic.mean, one.std_ratio.mean


def _distribution(details: Details, model: str) -> Iterable[Row]:
    edges = details.bin_edges
    label = details.labels[DRAWN_SPLIT].counts
    prediction = details.by_model[model].splits[DRAWN_SPLIT].prediction_counts
    rows, predicted = max(sum(label), 1), max(sum(prediction), 1.0)
    for at, (of_label, of_prediction) in enumerate(zip(label, prediction, strict=True)):
        yield (edges[at] + edges[at + 1]) / 2, of_label / rows, of_prediction / predicted


_SLICE = ("skill", "rank_ic", "std_ratio")
_PLOTS = {
    "quantiles": (("quantile", "label", "prediction"), _quantiles),
    "thresholds": (tuple(Threshold.model_fields), _thresholds),
    "calibration": (("seed", "rows", "prediction", "outcome"), _calibration),
    "days": (
        ("day", "rows", *_SLICE),
        lambda details, model: _slices(details.by_model[model].splits[DRAWN_SPLIT].days),
    ),
    "regimes": (
        ("regime", "rows", *_SLICE),
        lambda details, model: _slices(details.by_model[model].splits[DRAWN_SPLIT].regimes),
    ),
    "distribution": (("outcome", "label", "prediction"), _distribution),
}
_LADDER = (
    "model",
    "skill",
    "skill_low",
    "skill_high",
    "valid_skill",
    "against",
    "difference",
    "difference_low",
    "difference_high",
)
_IMPORTANCE = ("model", "family", "importance", "spread")


def _ladder(details: Details) -> Iterable[Row]:
    for rung in details.ladder:
        splits = details.by_model[rung.model].splits
        skill, by = splits[DRAWN_SPLIT].skill, rung.skill_difference
        ends = by.value, by.low, by.high
        valid = splits["valid"].skill.mean
        yield rung.model, skill.mean, skill.low, skill.high, valid, rung.against, *ends
    if details.oracle.reason is None:
        best, known = details.oracle.skill[DRAWN_SPLIT], details.oracle.skill["valid"].value
        yield "oracle", best.value, best.low, best.high, known, None, None, None, None


def _importance(details: Details) -> Iterable[Row]:
    for name, model in details.by_model.items():
        for family, over in model.importance.items():
            yield name, family, over.mean, over.spread


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
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

"""The files of an evaluation: JSON for `dvc metrics`, CSV for `dvc plots`, and all the rest.

The quantiles and thresholds CSV are of the test split, where DVC draws one line per column:
predictions' quantiles are means over seeds, threshold counts are of all seeds' rows together.
The other splits are in details.json.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from alpha.artifacts import write_json
from alpha.evaluation.details import Details, Model, Threshold
from alpha.params import SplitName

HEADLINE_SPLITS: tuple[SplitName, ...] = ("valid", "test")
DRAWN_SPLIT: SplitName = "test"


def write(folder: Path, details: Details, histories: dict[str, dict[str, list[float]]]) -> None:
    """Write every file of an evaluation into `folder`, which exists and is empty."""
    write_json(folder / "details.json", details.model_dump(mode="json"))
    write_json(
        folder / "metrics.json",
        {name: _headline(model) for name, model in details.by_model.items()},
    )
    for name, columns in histories.items():
        rows = zip(*columns.values(), strict=True)
        _write_csv(folder / "learning_curves" / f"{name}.csv", list(columns), rows)
    for name, model in details.by_model.items():
        drawn = model.splits[DRAWN_SPLIT]
        rows = zip(
            details.quantile_levels, drawn.label_quantiles, drawn.prediction_quantiles, strict=True
        )
        header = ["quantile", "label", "prediction"]
        _write_csv(folder / "quantiles" / f"{name}.csv", header, rows)
        header = list(Threshold.model_fields)
        checks = (list(check.model_dump().values()) for check in drawn.thresholds)
        _write_csv(folder / "thresholds" / f"{name}.csv", header, checks)


def _headline(model: Model) -> dict[str, Any]:
    headline: dict[str, Any] = {
        split: {
            "skill": model.splits[split].skill.mean,
            "skill_spread": model.splits[split].skill.spread,
            "rank_ic": model.splits[split].rank_ic.mean,
        }
        for split in HEADLINE_SPLITS
    }
    return headline | {"verdict": model.verdict}


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: float | None) -> str:
    """The shortest text that reads back as the same number; empty where there is none."""
    if value is None or value != value:
        return ""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return str(int(value)) if whole else repr(value)

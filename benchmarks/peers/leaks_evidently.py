"""What Evidently says of each column of some frames: scores by check, an alarm at 0 and above.

    python leaks_evidently.py FOLDER OUT    # for each FOLDER/NAME.npz, OUT/NAME.json

Runs in an environment of its own, so it imports nothing of this project. A column's correlation
with the outcome is an alarm from 0.9 on, the limit of Evidently's test of target and features; its
drift from the threshold on that Evidently chooses for it.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
from evidently import DataDefinition, Dataset, Report  # noqa: E402  # warns when imported
from evidently.metrics import ColumnCorrelationMatrix, ValueDrift  # noqa: E402

LARGE = 0.9
# One row in so many: neither of its checks looks at neighbours, and it takes a minute for all.
THINNED = 5


def look(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, dict[str, float]]:
    """For each check, how far beyond its limit each column is."""
    features = [name for name in train.columns if name != "y"]
    # It refuses to look for drift where a split holds no value.
    full = [name for name in features if train[name].notna().any() and test[name].notna().any()]
    kinds = DataDefinition(numerical_columns=list(train.columns))
    first, second = (Dataset.from_pandas(one, data_definition=kinds) for one in (train, test))
    kinds_of = ("pearson", "spearman")
    correlations = [ColumnCorrelationMatrix(column_name="y", kind=kind) for kind in kinds_of]
    largest: dict[str, float] = {}
    for one in Report(correlations).run(first, None).dict()["metrics"]:
        names, values = one["value"]["column_name"], one["value"]["value"]
        for at, name in names.items():
            if np.isfinite(values[at]):
                largest[name] = max(largest.get(name, 0.0), abs(values[at]))
    drift = Report([ValueDrift(column=name) for name in full]).run(second, first).dict()["metrics"]
    return {
        "label_correlation": {name: value - LARGE for name, value in largest.items()},
        "drift": {
            one["config"]["column"]: float(one["value"]) - one["config"]["threshold"]
            for one in drift
        },
    }


def main(folder: Path, out: Path) -> None:
    for path in sorted(folder.glob("*.npz")):
        answer = out / f"{path.stem}.json"
        if answer.exists():
            continue
        with np.load(path) as held:
            frames = []
            for split in ("train", "test"):
                frame = pd.DataFrame(held[split], columns=held["names"].tolist())
                frame["y"] = held[f"{split}_y"]
                frames.append(frame[::THINNED].reset_index(drop=True))
        answer.write_text(json.dumps(look(*frames)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

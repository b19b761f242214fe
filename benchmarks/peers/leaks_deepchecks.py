"""What deepchecks says of each column of some frames: alarms and scores, by check.

    python leaks_deepchecks.py FOLDER OUT   # for each FOLDER/NAME.npz, OUT/NAME.json

Answers that are there stay. Runs in an environment of its own, so it imports nothing of this
project. A column is named by a
check where it fails the check's default condition.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
from deepchecks.tabular import Dataset, checks  # noqa: E402  # warns when imported


def look(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, dict[str, float]]:
    """For each check, how far beyond its condition each column is: alarm at 0 and above."""
    kinds = {"label": "y", "datetime_name": "time", "cat_features": [], "label_type": "regression"}
    first, second = Dataset(train, **kinds), Dataset(test, **kinds)
    alone = checks.FeatureLabelCorrelation().run(first, with_display=False).value
    both = checks.FeatureLabelCorrelationChange().run(first, second, with_display=False).value
    drift = checks.FeatureDrift().run(first, second, with_display=False).value
    # The conditions that the suites data_integrity and train_test_validation add.
    return {
        "label_correlation": {name: score - 0.8 for name, score in alone.items()},
        "label_correlation_train": {n: score - 0.7 for n, score in both["train"].items()},
        "label_correlation_change": {
            name: change - 0.2 for name, change in both["train-test difference"].items()
        },
        "drift": {n: one["Drift score"] - 0.2 for n, one in drift.items() if one is not None},
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
                frame["y"], frame["time"] = held[f"{split}_y"], pd.to_datetime(held[f"{split}_ns"])
                frames.append(frame)
        answer.write_text(json.dumps(look(*frames), default=float))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

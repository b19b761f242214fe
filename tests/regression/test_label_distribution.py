"""The label distribution is pinned: a silent shift fails here, and names the day and figure.

If a shift is what you meant, accept it with `pytest tests/regression --force-regen`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import PARAMS_TEXT

from alpha.check import parse
from alpha.core.artifacts import read_json
from alpha.label import run as labels
from alpha.label import targets
from alpha.simulate import run as simulate

PARAMS = parse(PARAMS_TEXT, source="params.yaml")
TARGETS = ("abs_max", "signed_max", "end_return", "direction", "large_move", "triple_barrier")


def figures(features: Path, pattern: str, tmp_path: Path, **changes: object) -> dict[str, Any]:
    """What is pinned of each day: its part of the label profile."""
    data = PARAMS.data.model_copy(update={"pattern": pattern})
    label = PARAMS.label.model_copy(update=changes)
    labels.run(data, label, features=features, out=tmp_path / "labels")
    return rounded(read_json(tmp_path / "labels" / "profile.json")["days"])


def rounded(value: Any) -> Any:
    """Floats to 10 significant digits: more than any shift leaves, less than libraries differ."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return float(np.format_float_scientific(value, 9)) if isinstance(value, float) else value


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two short simulated days with every defect of a collector."""
    defects = PARAMS.simulate.defects.model_copy(
        update={"gaps_per_day": 3.0, "crossed_per_day": 5.0}
    )
    config = PARAMS.simulate.model_copy(
        update={"days": 2, "rows_per_day": 8640, "defects": defects}
    )
    out = tmp_path_factory.mktemp("market") / "features"
    simulate.run(config, out=out)
    return out


@pytest.mark.parametrize("target", TARGETS)
def test_labels_of_the_simulated_market_are_distributed_as_pinned(
    market, tmp_path, data_regression, target
):
    data_regression.check(figures(market, "*.h5", tmp_path, target=target))


@pytest.mark.parametrize("symbol", ["ETHUSD", "BRLBTC"])
@pytest.mark.parametrize("price", ["touch", "mid"])
def test_labels_of_real_recordings_are_distributed_as_pinned(
    realdata, tmp_path, data_regression, symbol, price
):
    data_regression.check(figures(realdata, f"{symbol}-*.h5", tmp_path, price=price))


def test_a_label_moved_by_one_row_is_seen(market, tmp_path, monkeypatch):
    """The guard itself: rolling every label by a row must change what is pinned."""
    before = figures(market, "*.h5", tmp_path)
    sound = targets.compute

    def shifted(*args: Any, **config: Any) -> targets.Labels:
        found = sound(*args, **config)
        return targets.Labels(*(np.roll(values, 1) for values in found))

    monkeypatch.setattr(labels, "compute", shifted)
    after = figures(market, "*.h5", tmp_path)
    for name in before:
        assert before[name]["outcome_at_seconds"] != after[name]["outcome_at_seconds"]

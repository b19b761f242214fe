"""Shared fixtures: the project's params, feature files as users write them, real data."""

import fcntl
import os
from pathlib import Path
from typing import Any

import alpha  # noqa: F401  # isort: skip  # before NumPy, whose instructions it chooses
import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from alpha.check import Params, parse
from alpha.label import run as labels
from alpha.normalize import run as normalize
from alpha.split import Split
from alpha.split import run as splits

ROOT = Path(__file__).resolve().parent.parent
# Compiled passes are compiled by the first example that needs them.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
# Those of the checkout are its user's, and may say anything.
PARAMS_TEXT = (ROOT / "tests" / "params.yaml").read_text(encoding="utf-8")


_SPLIT: dict[str, Any] = parse(PARAMS_TEXT, source="params.yaml").split.model_dump()

# The longest come first, so that two workers end together; the first builds what the second, which
# does without, leaves for later files.
FIRST = "test_workflow.py", "test_tutorial.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> tuple[int, bool]:
        name = item.path.name
        at = FIRST.index(name) if name in FIRST else len(FIRST)
        return at, item.get_closest_marker("workflow") is None

    items.sort(key=place)


@pytest.fixture
def params() -> Params:
    """The params of the tests."""
    return parse(PARAMS_TEXT, source="params.yaml")


@pytest.fixture(scope="session")
def realdata() -> Path:
    """The folder of real order-book files; tests skip without it, except in CI."""
    folder = Path(os.environ.get("ALPHA_REALDATA", ROOT / ".." / "shared" / "realdata"))
    if not folder.is_dir():
        reason = f"{folder}: no real order-book data (set ALPHA_REALDATA)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


def split_params(**changes: Any) -> Split:
    """The tests' params of splits with these changes, validated as a user's."""
    return Split.model_validate(_SPLIT | changes)


def random_quotes(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Bid and ask of a random walk on half-unit ticks, spread one or two ticks."""
    bid = 100.0 + 0.5 * np.cumsum(rng.integers(-1, 2, rows))
    return bid, bid + 0.5 * rng.integers(1, 3, rows)


def day_frame(rows: int = 600, *, start: str = "2024-01-01", seed: int = 0) -> pd.DataFrame:
    """A day of a researcher's features: one row a second, a handful of features."""
    rng = np.random.default_rng(seed)
    bid, ask = random_quotes(rng, rows)
    index = pd.date_range(start, periods=rows, freq="s", tz="UTC", name="timestamp")
    frame = pd.DataFrame({"best_bid": bid, "best_ask": ask}, index=index)
    for name in (
        "ask_volume_level0",
        "bid_volume_level0",
        "return_10s",
        "spread",
        "my_own",
    ):
        frame[name] = rng.normal(size=rows).astype(np.float32)
    return frame


@pytest.fixture
def feature_folder(tmp_path: Path) -> Path:
    """Two days of feature files that meet at midnight, as pandas writes them."""
    folder = tmp_path / "features"
    folder.mkdir()
    for day, start in ((1, "2024-01-01T23:50:00"), (2, "2024-01-02T00:00:00")):
        frame = day_frame(start=start, seed=day)
        frame.to_hdf(folder / f"XBT-data-0{day}-01-2024.h5", key="df", mode="w")
    return folder


@pytest.fixture(scope="session")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Params]:
    """A folder with features, labels, splits and contracts; read it, do not change it."""
    params = parse(PARAMS_TEXT, source="params.yaml")
    folder = tmp_path_factory.mktemp("chain")
    (folder / "features").mkdir()
    day_frame(3000).to_hdf(folder / "features" / "a.h5", key="df", mode="w")
    labels.run(params.data, params.label, features=folder / "features", out=folder / "labels")
    splits.run(
        params.data,
        params.label,
        params.split,
        features=folder / "features",
        labels=folder / "labels" / "labels",
        out=folder / "splits",
    )
    normalize.run(
        params.features,
        params.normalize,
        splits=folder / "splits",
        out=folder / "normalize",
    )
    return folder, params


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The miniature market in a clone, after `snakemake --cores 2`. All workers of pytest share it:
    copy it."""
    from checkout import Checkout  # of tests/workflow

    folder = tmp_path_factory.getbasetemp()
    # A worker's own lies in that of all.
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with (folder / "miniature.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "miniature.built").exists():
            return Checkout(folder / "miniature")
        checkout = Checkout.clone(folder / "miniature")
        checkout.run("snakemake", "--cores", "2")
        (folder / "miniature.built").touch()
        return checkout

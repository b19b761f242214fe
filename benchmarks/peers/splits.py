"""Frames to HDF5 files with pandas, in each way it has, one day at a time; and back."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

# Each way's options of to_hdf. blosc:lz4 as small as it gets.
WAYS: dict[str, dict[str, Any]] = {
    "fixed": {"format": "fixed"},
    "table": {"format": "table"},
    "blosc:lz4": {"format": "fixed", "complib": "blosc:lz4", "complevel": 9},
}


def write(paths: Sequence[Path], out: Path, way: str) -> float:
    """Seconds that to_hdf takes for the frames in `paths`, each read before the clock starts."""
    out.mkdir(parents=True, exist_ok=True)
    seconds = 0.0
    for path in paths:
        frame = pd.read_hdf(path, "df")
        started = time.perf_counter()
        frame.to_hdf(out / f"{path.parent.name}-{path.name}", key="df", mode="w", **WAYS[way])
        seconds += time.perf_counter() - started
    return seconds


def read(paths: Sequence[Path], use: Callable[[pd.DataFrame], None]) -> None:
    for path in paths:
        found = pd.read_hdf(path, "df")
        assert isinstance(found, pd.DataFrame)
        use(found)

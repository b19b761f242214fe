"""What is accepted, read by pandas and labelled by the slow reference, beside what alpha wrote."""

import io
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha import check
from tests.reference import label_all

UNREAD, MARKED = 3, 4


# What pickles of pandas' own name: the steps of a regular index, its zone, numbers.
_NAMED = re.compile(r"pandas\._libs\.tslibs\.offsets\.\w+|datetime\.\w+|numpy\.(dtype|\w+_)")


class _Harmless(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if not _NAMED.fullmatch(f"{module}.{name}"):
            raise pickle.UnpicklingError(f"names {module}.{name}")
        return super().find_class(module, name)


def _loads(content: bytes, **_: Any) -> Any:
    return _Harmless(io.BytesIO(content)).load()


def compare() -> int:
    """0 where all labels are equal, MARKED where rows were marked or dropped too, UNREAD where
    pandas cannot read a file; an error says what differs."""
    pickle.loads = _loads
    params = check.load(Path("params.yaml"))
    data, label = params.data, params.label
    folder = Path(data.dir)
    paths = [path for path in folder.glob(data.pattern) if path.is_file()]
    paths = paths or sorted(folder.glob(f"*/{data.pattern}"))
    marked = 0
    for inside in sorted({path.parent for path in paths}):
        try:
            frames = [_read(path, data) for path in sorted(inside.glob(data.pattern))]
        except Exception as error:
            print(f"pandas: {error}", file=sys.stderr)
            return UNREAD
        frames.sort(key=lambda one: (one.index[0], one.index[-1]))
        every = pd.concat(frames)
        kept = every[~every.index.duplicated(keep="last")]
        bid, ask = (kept[name].to_numpy(float) for name in (data.best_bid, data.best_ask))
        wanted = label_all(kept.index.to_numpy("M8[ns]").view(np.int64), bid, ask, label)
        where = Path("results/label/labels") / inside.relative_to(folder)
        made = pd.concat(pd.read_hdf(path, "df") for path in where.glob("*.h5")).sort_index()
        assert (made.index.asi8 == kept.index.asi8).all(), "other rows than the reference's"
        for name, values in zip(("up", "down", "alpha_outcome", "status"), wanted, strict=True):
            np.testing.assert_allclose(made[name], values, rtol=1e-9, atol=1e-12, err_msg=name)
        marked += len(every) - len(kept) + int(np.count_nonzero(wanted[3] >= 2))
    return MARKED if marked else 0


def _read(path: Path, data: Any) -> pd.DataFrame:
    parquet = path.suffix == ".parquet"
    found = pd.read_parquet(path) if parquet else pd.read_hdf(path, data.key)
    if data.timestamp:
        found = found.set_index(data.timestamp)
    if not isinstance(found, pd.DataFrame) or not isinstance(found.index, pd.DatetimeIndex):
        raise TypeError("not a frame with times as its index")
    found.index = pd.DatetimeIndex(found.index).as_unit("ns")
    return found.tz_localize("UTC") if found.index.tz is None else found.tz_convert("UTC")

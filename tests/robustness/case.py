"""What a case is: what is written, what is run on it, and what must hold then."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha.core.params import parse

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE_MB = 50
# Small enough that a few hundred rows make splits.
_PARAMS = parse((ROOT / "tests" / "params.yaml").read_text(encoding="utf-8"), source="params")
_SMALL: dict[str, Any] = {
    "data": {"dir": "features", "max_file_mb": MAX_FILE_MB},
    "label": {"horizon_seconds": 10},
    "split": {"embargo_seconds": 10},
}
MARKER = "RAN"  # what a pickle writes if anything loads it
LABEL = "label --features features --out results/label"
FEATURES = ("check", LABEL)


class Must(StrEnum):
    """What must become of an input."""

    REFUSE = "be refused"
    ACCEPT = "be accepted, as the reference reads it"
    EITHER = "be refused, or accepted as the reference reads it"


@dataclass(frozen=True)
class Case:
    """`write` is given the folder of a case: an empty one, or with `run` one of a whole run by
    hand. Each command is run there, as if it were the first."""

    kind: str
    name: str
    write: Callable[[Path], Any]
    must: Must = Must.REFUSE
    commands: tuple[str, ...] = FEATURES
    says: str = ""  # what the line must match: the cause, in words of its user
    run: bool = False
    trusted: bool = True  # whether the oracle may read it with pandas


def merged(content: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The content with changes of some of its keys, at any depth."""
    found = deepcopy(dict(content))
    for key, value in changes.items():
        deep = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = merged(found[key], value) if deep else value
    return found


def params(**sections: Any) -> dict[str, Any]:
    """The params of all cases, with changes of some sections."""
    return merged(merged(_PARAMS, _SMALL), sections)


def write_params(folder: Path, **sections: Any) -> None:
    """JSON is YAML too."""
    text = json.dumps(params(**sections), ensure_ascii=False)
    (folder / "params.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))


def frame(rows: int = 240, *, start: str = "2024-01-01", seed: int = 0) -> pd.DataFrame:
    """A row a second: quotes on ticks, and some features."""
    rng = np.random.default_rng(seed)
    bid = 100 + 0.5 * np.cumsum(rng.integers(-1, 2, rows))
    index = pd.date_range(start, periods=rows, freq="s", tz="UTC", name="timestamp")
    made = pd.DataFrame({"best_bid": bid, "best_ask": bid + 0.5}, index=index)
    for name in ("ask_volume_level0", "return_10s", "spread"):
        made[name] = rng.normal(size=rows).astype(np.float32)
    return made


def save(folder: Path, made: pd.DataFrame, name: str = "a.h5", **how: Any) -> Path:
    """A feature file as users write it."""
    path = folder / "features" / name
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".parquet":
        made.to_parquet(path, **how)
    else:
        made.to_hdf(path, key="df", mode="w", **how)
    return path


def changed(change: Callable[[pd.DataFrame], Any], **how: Any) -> Callable[[Path], None]:
    """Writes a sound frame after a change of it, which is made in place or given back."""

    def write(folder: Path) -> None:
        made = frame()
        given = change(made)
        save(folder, made if given is None else given, **how)

    return write


def numbered(cases: Iterator[Case]) -> list[Case]:
    """All cases, of which no two may have one name."""
    found = list(cases)
    names = [f"{case.kind}: {case.name}" for case in found]
    assert len(set(names)) == len(names), sorted({name for name in names if names.count(name) > 1})
    return found

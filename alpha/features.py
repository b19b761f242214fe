"""The feature contract: which files there are, in which order, with which columns and rows."""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.errors import InputError
from alpha.params import Data, Features
from alpha.store import NODES, FrameReader, open_frame

OUTCOME_COLUMNS = ("up", "down", "alpha_outcome")
PAST_COLUMNS = ("past_outcome_1", "past_outcome_5", "past_outcome_30", "past_volatility")
# What labels adds to a row: none of them is a feature.
LABEL_COLUMNS = (*OUTCOME_COLUMNS, *PAST_COLUMNS, "status")


@dataclass(frozen=True)
class FeatureFile:
    """One feature file: where it stands in time, and which of its rows count."""

    path: Path
    time_ns: np.ndarray  # (kept rows,) int64, strictly increasing
    kept: np.ndarray  # (kept rows,) int64, their row numbers in the file
    rows: int  # in the file, duplicates included
    aware: bool  # the file's index carries a time zone

    @property
    def duplicates(self) -> int:
        return self.rows - len(self.kept)


@dataclass(frozen=True)
class FeatureFolder:
    """The feature files of a folder in time order; `features` in the first file's order."""

    data: Data
    files: tuple[FeatureFile, ...]
    features: tuple[str, ...]

    @property
    def first_ns(self) -> int:
        return int(self.files[0].time_ns[0])

    @property
    def last_ns(self) -> int:
        return int(self.files[-1].time_ns[-1])

    def open(self, file: FeatureFile) -> AbstractContextManager[FrameReader]:
        return _open(file.path, self.data)

    def quotes(self, file: FeatureFile) -> tuple[np.ndarray, np.ndarray]:
        """Best bid and best ask of the file's kept rows, two (kept rows,) float64 arrays."""
        with self.open(file) as frame:
            bid, ask = (
                frame.column(self.data.best_bid),
                frame.column(self.data.best_ask),
            )
        return bid[file.kept], ask[file.kept]


def open_folder(folder: Path, data: Data) -> FeatureFolder:
    """Find and check the feature files of a folder; only their timestamps are read.

    Of rows with the same timestamp the last stands, across files too. Raises InputError,
    naming file, row or column, for: no file, an unreadable or empty file, timestamps out of
    order, files that overlap in time, missing quotes, or columns that differ between files.
    """
    paths = feature_paths(folder, data)
    features: tuple[str, ...] = ()
    scanned: list[tuple[Path, np.ndarray, bool]] = []
    for path in paths:
        with _open(path, data) as frame:
            names = feature_names(frame, data)
            if not scanned:
                features = names
            _same_columns(path, names, paths[0], features)
            time_ns = frame.time_ns(data.timestamp)
            if len(time_ns) == 0:
                raise InputError(f"{path}: must hold at least one row, found none")
            _in_order(path, time_ns)
            scanned.append((path, time_ns, frame.aware))
    scanned.sort(key=lambda item: (int(item[1][0]), int(item[1][-1]), item[0].name))
    files = []
    for number, (path, time_ns, aware) in enumerate(scanned):
        follower = scanned[number + 1] if number + 1 < len(scanned) else None
        if follower is not None and follower[1][0] < time_ns[-1]:
            raise InputError(
                f"{follower[0]}: row 0: files must not overlap in time, but {path.name} reaches "
                f"{moment(time_ns[-1])} and this one starts at {moment(follower[1][0])}"
            )
        after = None if follower is None else int(follower[1][0])
        kept = last_of_each(time_ns, after)
        if len(kept) == 0:
            raise InputError(f"{path}: every row is repeated by {scanned[number + 1][0].name}")
        files.append(FeatureFile(path, time_ns[kept], kept, len(time_ns), aware))
    return FeatureFolder(data, tuple(files), features)


def feature_paths(folder: Path, data: Data) -> list[Path]:
    """The folder's feature files by name. Raises InputError if there is none."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "none"
        raise InputError(f"{folder}: must be a folder of feature files (data.dir), found {found}")
    paths = sorted(path for path in folder.glob(data.pattern) if path.is_file())
    # What the simulated market is recorded in matches a pattern as wide as "*".
    paths = [path for path in paths if path.name != NODES]
    if not paths:
        raise InputError(f"{folder}: holds no feature file that matches {data.pattern!r}")
    return paths


def feature_names(frame: FrameReader, data: Data) -> tuple[str, ...]:
    """The names of a file's features: numeric, neither quote nor timestamp, not excluded."""
    for role in ("best_bid", "best_ask"):
        name = getattr(data, role)
        if name not in frame.columns:
            raise InputError(
                f"{frame.path}: must have the column {name!r} (data.{role}), "
                f"found {_some(frame.columns)}"
            )
    skipped = {data.best_bid, data.best_ask, data.timestamp}
    names = tuple(
        name
        for name, dtype in frame.columns.items()
        if name not in skipped
        and dtype.kind != "M"
        and not any(re.search(pattern, name) for pattern in data.exclude)
    )
    if not names:
        raise InputError(f"{frame.path}: must have at least one feature beside its quotes")
    for name in names:
        if name in LABEL_COLUMNS:
            raise InputError(
                f"{frame.path}: column {name!r} has the name of a label; rename it, or leave it "
                f"out with data.exclude"
            )
    return names


def families(names: Sequence[str], features: Features) -> dict[str, str]:
    """The family of each feature. Raises InputError for a feature in none or in several."""
    found = {}
    for name in names:
        matches = [
            family for family, pattern in features.families.items() if re.search(pattern, name)
        ]
        if len(matches) != 1:
            raise InputError(
                f"feature {name!r} must be in exactly one family (features.families), found "
                f"{' and '.join(matches) if matches else 'none'}"
            )
        found[name] = matches[0]
    return found


def last_of_each(time_ns: np.ndarray, after: int | None) -> np.ndarray:
    """Row numbers of the last row of each timestamp, (unique rows,) int64.

    `time_ns` is sorted; `after` is the first timestamp of the following file, whose rows
    stand in for this file's rows of the same timestamp.
    """
    last = np.empty(len(time_ns), dtype=bool)
    last[:-1] = time_ns[1:] != time_ns[:-1]
    last[-1] = after is None or time_ns[-1] != after
    return np.flatnonzero(last)


def moment(time_ns: int | np.integer) -> str:
    """A timestamp for people: ISO 8601, UTC, no more digits than it needs."""
    text = str(np.datetime64(int(time_ns), "ns"))
    return text.rstrip("0").rstrip(".") if "." in text else text


def _open(path: Path, data: Data) -> AbstractContextManager[FrameReader]:
    return open_frame(path, key=data.key, max_bytes=round(data.max_file_mb * 1e6))


def _in_order(path: Path, time_ns: np.ndarray) -> None:
    back = time_ns[1:] < time_ns[:-1]
    if back.any():
        row = int(np.argmax(back)) + 1
        raise InputError(
            f"{path}: row {row}: timestamps must not go back, found {moment(time_ns[row])} "
            f"after {moment(time_ns[row - 1])}"
        )


def _same_columns(path: Path, names: tuple[str, ...], first: Path, expected: tuple) -> None:
    missing = [name for name in expected if name not in names]
    extra = [name for name in names if name not in expected]
    if missing or extra:
        found = [f"{_some(missing)} missing"] if missing else []
        found += [f"{_some(extra)} added"] if extra else []
        raise InputError(
            f"{path}: must have the features of {first.name}, found {' and '.join(found)}"
        )


def _some(names: Sequence[str] | dict) -> str:
    listed = list(names)
    more = f" and {len(listed) - 8} more" if len(listed) > 8 else ""
    return ", ".join(listed[:8]) + more

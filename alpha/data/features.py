"""Feature files in order, with their columns and rows."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alpha.core.artifacts import digest_of_arrays
from alpha.core.errors import InputError
from alpha.core.frames import FrameReader, open_frame
from alpha.core.params import quickly
from alpha.core.text import some
from alpha.data.columns import LABEL_COLUMNS
from alpha.data.params import Data, Features

# The share of crossed rows from which a file is refused, and where 1971 starts.
_MOST_CROSSED, _YEAR_NS = 0.9, 365 * 86_400 * 10**9


@dataclass(frozen=True)
class FeatureFile:
    """One feature file: where it stands in time, and how many of its rows count."""

    path: Path
    first_ns: int  # of the rows that count
    last_ns: int
    rows: int  # in the file, duplicates included
    duplicates: int
    tz_aware: bool  # the file's index carries a time zone
    after_ns: int | None = None  # the first timestamp of the following file
    symbol: str = ""  # the folder that it is in, if there are several

    @property
    def name(self) -> str:
        """That of the HDF5 files that are made of this one: of its labels, and in splits. Of one
        of several symbols it is in a folder of the symbol's."""
        return f"{self.symbol}/{_name(self.path)}" if self.symbol else _name(self.path)


@dataclass(frozen=True)
class FeatureFolder:
    data: Data
    files: tuple[FeatureFile, ...]  # in time order
    features: tuple[str, ...]  # in the first file's order
    symbol: str = ""  # its own name, if there are several
    left_out: tuple[str, ...] = ()  # columns that other symbols do not have

    @property
    def first_ns(self) -> int:
        return self.files[0].first_ns

    @property
    def last_ns(self) -> int:
        return self.files[-1].last_ns

    def open(self, file: FeatureFile) -> AbstractContextManager[FrameReader]:
        return _open(file.path, self.data)

    def each_time(self) -> Iterator[np.ndarray]:
        """`times` of each file."""
        for file in self.files:
            with self.open(file) as frame:
                yield self.times(file, frame)[0]

    def quotes(self, file: FeatureFile) -> tuple["Quotes", str]:
        """Timestamps and quotes of the rows that count; and a SHA-256 of what labels are made of:
        the timestamps (int64), bids and asks (float64) of all rows."""
        with self.open(file) as frame:
            time_ns = frame.time_ns(self.data.timestamp)
            both = frame.matrix((self.data.best_bid, self.data.best_ask))
        if (crossed := float(np.mean(both[:, 0] > both[:, 1]))) > _MOST_CROSSED:
            what = f"the bid is above the ask in {crossed:.0%} of rows"
            raise InputError(f"{file.path}: {what}: are data.best_bid and data.best_ask swapped?")
        every = Quotes(time_ns, *both.T.astype(np.float64, order="C"))
        kept = last_of_each(time_ns, file.after_ns)
        return Quotes(*(column[kept] for column in every)), digest_of_arrays(*every)

    def times(self, file: FeatureFile, frame: FrameReader) -> tuple[np.ndarray, np.ndarray]:
        """The timestamps of the rows that count, (kept rows,) int64 and strictly increasing, and
        which rows of the open file they are, (kept rows,) int64."""
        time_ns = frame.time_ns(self.data.timestamp)
        kept = last_of_each(time_ns, file.after_ns)
        return time_ns[kept], kept


class Quotes(NamedTuple):
    """Rows that count, each (rows,): int64 `time_ns`, float64 `bid` and `ask` of any value."""

    time_ns: np.ndarray
    bid: np.ndarray
    ask: np.ndarray


def open_symbols(folder: Path, data: Data) -> list[FeatureFolder]:
    """The feature files of each symbol, by name: of the one whose files are in the folder, or of
    each folder in it that holds some. Features are those that all symbols have. Raises InputError
    as `open_folder` does, and if there are none."""
    inside = dict.fromkeys(sorted(path.parent for path in folder.glob(f"*/{data.pattern}")))
    if any(folder.glob(data.pattern)) or not inside:
        return [open_folder(folder, data)]
    found = [open_folder(path, data) for path in inside]
    common = tuple(name for name in found[0].features if all(name in of.features for of in found))
    if not common:
        raise InputError(f"{folder}: symbols must have at least one feature in common, found none")
    symbols = []
    for path, of in zip(inside, found, strict=True):
        files = tuple(replace(file, symbol=path.name) for file in of.files)
        others = tuple(name for name in of.features if name not in common)
        symbols.append(FeatureFolder(data, files, common, path.name, others))
    return symbols


def left_out(folder: Path, symbols: Sequence[FeatureFolder]) -> str:
    """A line on the entries of a folder that are no feature files, or nothing."""
    known = {folder, *(file.path for of in symbols for file in of.files)}
    places = {path.parent for path in known - {folder}} | {folder}
    others = {path for one in places for path in one.iterdir()} - known - places
    names = some(sorted(str(path.relative_to(folder)) for path in others))
    why = f"neither match data.pattern ({symbols[0].data.pattern!r}) nor are folders of symbols"
    return f"{folder}: left out {len(others):,}, which {why} alone: {names!r}\n" * bool(others)


def check_files(paths: Iterable[Path]) -> None:
    """Raise InputError, naming it, for what is no file. Nothing is opened: a pipe would hang."""
    for path in paths:
        if not (path.is_file() and str(path).isprintable()):
            what = "must be a file of printable name, not a folder, a pipe, a device or a dead link"
            raise InputError(f"{str(path)!a}: {what}")


def all_times(folders: Sequence[FeatureFolder]) -> Iterator[np.ndarray]:
    """The times of the rows of all symbols, (rows,) int64 each, strictly increasing over all."""
    if len(folders) == 1:
        yield from folders[0].each_time()
    else:
        yield np.unique(np.concatenate([times for of in folders for times in of.each_time()]))


def open_folder(folder: Path, data: Data) -> FeatureFolder:
    """Find and check the feature files of a folder; only their timestamps are read. The last of
    the rows with the same timestamp stands, across files too. Raises InputError, naming file, row
    or column, for timestamps out of order, files that overlap, or columns that are missing or
    differ."""
    if not folder.is_dir():
        found = "a file" if folder.exists() else "none"
        raise InputError(f"{folder}: must be a folder of feature files (data.dir), found {found}")
    paths = sorted(folder.glob(data.pattern))
    check_files(paths)
    if not paths:
        raise InputError(f"{folder}: holds no feature file that matches {data.pattern!r}")
    named = (re.match(r"(.+)-data-\d\d-\d\d-\d{4}\.", path.name) for path in paths)
    if len(symbols := sorted({match[1] for match in named if match})) > 1:
        must = f"must hold files of one symbol, found several symbols ({some(symbols)})"
        one = f"{symbols[0]}-*{paths[0].suffix}"
        raise InputError(f"{folder}: {must}; data.pattern chooses one, such as {one!r}")
    by_name = {_name(path): path for path in paths}
    for path in paths:
        if (other := by_name[_name(path)]) is not path:
            both = f"{path.name} and {other.name} must not both be feature files"
            why = f"as both lead to {_name(path)}; data.pattern chooses files"
            raise InputError(f"{folder}: {both}, {why}")
    features: tuple[str, ...] = ()
    scanned: list[tuple[FeatureFile, int | None]] = []
    for path in paths:
        with _open(path, data) as frame:
            names = _feature_names(frame, data)
            features = features or names
            _same_columns(path, names, paths[0].name, features)
            time_ns = frame.time_ns(data.timestamp)
            scanned.append(_scan(path, time_ns, tz_aware=frame.tz_aware))
    scanned.sort(key=lambda found: (found[0].first_ns, found[0].last_ns, found[0].path.name))
    followers = (file for file, _ in scanned[1:])
    files = [_before(*pair, follower) for pair, follower in zip(scanned, followers, strict=False)]
    return FeatureFolder(data, (*files, scanned[-1][0]), features)


def _name(path: Path) -> str:
    return f"{path.name.removesuffix('.parquet').removesuffix('.h5')}.h5"


def _scan(path: Path, time_ns: np.ndarray, *, tz_aware: bool) -> tuple[FeatureFile, int | None]:
    """A file by itself, and the last timestamp before its last one."""
    if len(time_ns) == 0:
        raise InputError(f"{path}: must hold at least one row, found none")
    back = time_ns[1:] < time_ns[:-1]
    if back.any():
        row = int(np.argmax(back)) + 1
        hint = "; does their unit change?" if time_ns[row] < _YEAR_NS else ""
        if 3540 * 10**9 <= time_ns[row - 1] - time_ns[row] <= 3600 * 10**9:
            hint = "; an hour that comes twice? Times must be UTC"
        found = f"{moment(time_ns[row])} after {moment(time_ns[row - 1])}{hint}"
        raise InputError(f"{path}: row {row}: timestamps must not go back, found {found}")
    if time_ns[0] < _YEAR_NS:
        what = f"timestamps must be after 1970, found {moment(time_ns[0])}"
        raise InputError(f"{path}: row 0: {what}; are they of the unit that the file states?")
    below = int(np.searchsorted(time_ns, time_ns[-1])) - 1
    duplicates = int(np.count_nonzero(time_ns[1:] == time_ns[:-1]))
    first, last = int(time_ns[0]), int(time_ns[-1])
    file = FeatureFile(path, first, last, len(time_ns), duplicates, tz_aware)
    return file, int(time_ns[below]) if below >= 0 else None


def _before(file: FeatureFile, before_last_ns: int | None, follower: FeatureFile) -> FeatureFile:
    """The file as the `follower` leaves it, which repeats its last timestamp or does not."""
    if follower.first_ns < file.last_ns:
        ends = f"reaches {moment(file.last_ns)} and this one starts at {moment(follower.first_ns)}"
        must = f"files must not overlap in time, but {file.path.name} {ends}"
        hint = "several symbols in one folder? data.pattern chooses files"
        raise InputError(f"{follower.path}: row 0: {must}; {hint}")
    if follower.first_ns > file.last_ns:
        return replace(file, after_ns=follower.first_ns)
    if before_last_ns is None:
        raise InputError(f"{file.path}: every row is repeated by {follower.path.name}")
    count = file.duplicates + 1
    return replace(file, last_ns=before_last_ns, duplicates=count, after_ns=follower.first_ns)


def _feature_names(frame: FrameReader, data: Data) -> tuple[str, ...]:
    """The names of a file's features: numeric, neither quote nor timestamp, not excluded."""
    numbers = [name for name, dtype in frame.columns.items() if dtype.kind != "M"]
    for role, name in (("best_bid", data.best_bid), ("best_ask", data.best_ask)):
        if name not in numbers:
            must = f"must have the column {name!r} (data.{role})"
            raise InputError(f"{frame.path}: {must}, found {some(numbers, most=8)}")
    skipped = {data.best_bid, data.best_ask, data.timestamp}
    names = tuple(name for name in numbers if name not in skipped)
    if not names:
        raise InputError(f"{frame.path}: must have at least one feature beside its quotes")
    if taken := [name for name in names if name in LABEL_COLUMNS]:
        fix = "rename it, or leave it out with data.exclude"
        raise InputError(f"{frame.path}: column {taken[0]!r} has the name of a label; {fix}")
    return names


def families(names: Sequence[str], features: Features) -> dict[str, str]:
    """The family of each feature. Raises InputError for a feature in none or in several."""
    patterns = features.families.items()
    with quickly("features.families"):
        by_name = {name: [of for of, one in patterns if re.search(one, name)] for name in names}
    for name, matches in by_name.items():
        if len(matches) != 1:
            must = f"feature {name!r} must be in exactly one family (features.families)"
            raise InputError(f"{must}, found {' and '.join(matches) or 'none'}")
    return {name: family for name, [family] in by_name.items()}


def last_of_each(time_ns: np.ndarray, after: int | None) -> np.ndarray:
    """Row numbers of the last row of each timestamp, (unique rows,) int64; `time_ns` is sorted.
    Rows of the following file, which starts at `after`, stand in for those of the same time."""
    last = np.empty(len(time_ns), dtype=bool)
    last[:-1] = time_ns[1:] != time_ns[:-1]
    last[-1] = after is None or time_ns[-1] != after
    return np.flatnonzero(last)


def moment(time_ns: int | np.integer) -> str:
    """A timestamp for people: ISO 8601, UTC, no more digits than it needs."""
    text = str(np.datetime64(int(time_ns), "ns"))
    return text.rstrip("0").rstrip(".") if "." in text else text


def _open(path: Path, data: Data) -> AbstractContextManager[FrameReader]:
    needed = {data.best_bid, data.best_ask, data.timestamp}

    def excluded(name: str) -> bool:
        with quickly("data.exclude"):
            return name not in needed and any(re.search(pattern, name) for pattern in data.exclude)

    return open_frame(path, data.key, max_bytes=round(data.max_file_mb * 1e6), skip=excluded)


def _same_columns(path: Path, names: tuple[str, ...], first: str, expected: tuple) -> None:
    missing = [name for name in expected if name not in names]
    extra = [name for name in names if name not in expected]
    found = [f"{some(missing, most=8)} missing"] if missing else []
    found += [f"{some(extra, most=8)} added"] if extra else []
    if found:
        raise InputError(f"{path}: must have the features of {first}, found {' and '.join(found)}")

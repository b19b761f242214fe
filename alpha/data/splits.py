"""Labels and splits as `alpha label` and `alpha split` wrote them: what they were made from, folds,
their splits' rows, and the features in them."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, Field, NonNegativeInt, PositiveInt

from alpha.core import artifacts, parallel
from alpha.core.errors import InputError
from alpha.core.frames import FrameReader, open_frame
from alpha.data.columns import LABEL_COLUMNS, SPLITS, SplitName
from alpha.data.features import FeatureFolder
from alpha.data.params import Label

# Which rows a split has: of its own files, or of those that all folds share.
ROWS = "rows.json"
_PART_ROWS = 1 << 15
Blocks = list[tuple[tuple[str, ...], np.dtype]]


_Name = Annotated[str, Field(pattern=r"^([^./][^/]*/)?[^/]+$")]
# A file, a range of its rows, the end exclusive, and their digest.
_Row = tuple[_Name, NonNegativeInt, PositiveInt, str]


class _Rows(BaseModel, extra="forbid"):
    """The format of rows.json: which split of which fold, such as 0/train, the label's params, and
    rows, files in time order."""

    split: str
    label: dict[str, Any]
    rows: Annotated[list[_Row], Field(min_length=1)]


class Piece(NamedTuple):
    """Consecutive rows of a file of a split, their digest, and a symbol if there are several."""

    path: Path
    rows: range
    digest: str
    symbol: str

    def open(self) -> AbstractContextManager[FrameReader]:
        return open_frame(self.path, rows=self.rows)


class RowsDigest:
    """SHA-256 of rows, as they come: of each block by itself, however rows are cut."""

    def __init__(self, blocks: Blocks) -> None:
        self._names = artifacts.digest([[list(names), str(dtype)] for names, dtype in blocks])
        self._hashers = [sha256() for _ in range(1 + len(blocks))]

    def update(self, time_ns: np.ndarray, values: Sequence[np.ndarray]) -> None:
        """Take in times (n,) int64, and (n, columns) of each block."""
        for hasher, column in zip(self._hashers, (time_ns, *values), strict=True):
            hasher.update(np.ascontiguousarray(column).data)

    def hexdigest(self) -> str:
        return artifacts.digest([self._names, *(one.hexdigest() for one in self._hashers)])


def rows_digest(frame: FrameReader) -> str:
    """That of all rows of an open split file."""
    blocks = blocks_of(frame, features_of(frame))
    found = RowsDigest(blocks)
    for time_ns, values in parallel.ahead(_parts(frame, blocks)):
        found.update(time_ns, values)
    return found.hexdigest()


def blocks_of(frame: FrameReader, features: Sequence[str]) -> Blocks:
    """How a split's file has the features of a frame, and labels: by their dtypes, float32 where
    that is enough."""
    found: Blocks = []
    of = {name: np.result_type(np.float32, frame.columns[name]) for name in features}
    for dtype in (np.dtype(np.float32), np.dtype(np.float64)):
        if names := tuple(name for name in features if of[name] == dtype):
            found.append((names, dtype))
    outcomes, status = LABEL_COLUMNS[:-1], LABEL_COLUMNS[-1:]
    return [*found, (outcomes, np.dtype(np.float64)), (status, np.dtype(np.int8))]


def folds(splits: Path) -> list[int]:
    """The numbers of the folds in what `alpha split` wrote, ascending. Raises InputError if there
    is none."""
    found = sorted(int(path.parent.name) for path in splits.glob("*/summary.json"))
    if not found:
        raise InputError(f"{splits}: must be a folder that `alpha split` wrote, found no fold")
    return found


def write_rows(split: Path, label: Label, rows: Sequence[tuple[str, range, str]]) -> None:
    """Write rows.json of a split: of each file, in time order, its rows and their digest."""
    listed = [(name, of.start, of.stop, digest) for name, of, digest in rows]
    content = {"split": _place(split), "label": label.model_dump(mode="json"), "rows": listed}
    artifacts.write_json(split / ROWS, content)


def _place(split: Path) -> str:
    return f"{split.resolve().parent.name}/{split.name}"


def split_pieces(split: Path, symbol: str | None = None) -> list[Piece]:
    """A split's rows, of each file in time order, of one symbol, or of all. Raises InputError if
    there is none, or rows.json is not of its format."""
    shared, found = split.parent.parent / "rows", []
    folder = shared if shared.is_dir() else split
    for name, start, stop, digest in artifacts.parse(_Rows, split / ROWS).rows:
        found.append(Piece(folder / name, range(start, stop), digest, name.rpartition("/")[0]))
    kept = [piece for piece in found if symbol in (None, piece.symbol)]
    if not kept:
        raise InputError(f"{split}: must have rows of {symbol}, found none")
    return kept


def split_digest(split: Path, label: Label | None = None) -> str:
    """A digest of what rows.json says of a split. Raises InputError if its rows were labelled with
    other params than `label`."""
    about = artifacts.parse(_Rows, split / ROWS)
    if label is not None:
        _check_label(split, label, about.label)
    return artifacts.digest(about.model_dump(mode="json"))


def check_split(split: Path, label: Label | None = None) -> str:
    """The `split_digest` of a split, all of whose rows are as they were written. Raises InputError
    if rows, a file or its name are not, or if they were labelled with other params than `label`."""
    about = artifacts.parse(_Rows, split / ROWS)
    if about.split != _place(split):
        must = f"must be split {_place(split)}, found {about.split}"
        raise InputError(f"{split}: {must}; split again")
    digest, pieces = split_digest(split, label), split_pieces(split)
    for path in sorted({*split.rglob("*.h5")} - {piece.path for piece in pieces}):
        raise InputError(f"{path}: must be a file of {split / ROWS}, and is none; split again")
    for piece in pieces:
        with piece.open() as frame:
            found = rows_digest(frame)
        if found != piece.digest:
            why = f"the digest of its rows does not match {split / ROWS}"
            raise InputError(f"{piece.path}: was changed after it was written ({why}); split again")
    return digest


def check_splits(fold: Path) -> dict[SplitName, str]:
    """`check_split` of each split of a fold."""
    return {name: check_split(fold / name) for name in SPLITS}


def splits_digest(splits: Path) -> str:
    """A digest of paths.json, and of what summary.json and rows.json say of each fold."""
    every = (str(path.relative_to(splits)) for path in splits.rglob("*.json"))
    each = {name: artifacts.digest(artifacts.read_json(splits / name)) for name in every}
    return artifacts.digest(each)


def _parts(frame: FrameReader, blocks: Blocks) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    for at in parallel.cut(frame.rows, _PART_ROWS):
        rows: Any = {"start": at.start, "stop": at.stop}
        values = [frame.matrix(names, **rows).astype(of, copy=False) for names, of in blocks]
        yield frame.time_ns(**rows), values


def check_labels(labels: Path, label: Label, folders: Sequence[FeatureFolder]) -> dict[str, str]:
    """Digests of timestamps and quotes by the names of feature files. Raises InputError unless
    labels are as `alpha label` wrote them, with these params, of files with the same digests."""
    made = artifacts.read_manifest(labels / artifacts.MADE_FROM)
    _check_label(labels, label, made.get("label"))
    return check_quotes(labels, made.get("features"), folders)


def check_quotes(made: Path, known: Any, folders: Sequence[FeatureFolder]) -> dict[str, str]:
    """The digests of feature files. Raises InputError unless they are those `known`, of which
    something was `made`."""
    found = {file.name: of.quotes(file)[1] for of in folders for file in of.files}
    known = known if isinstance(known, dict) else {}
    for name in (*found, *known):
        if known.get(name) != found.get(name):
            other = "one of other timestamps or quotes" if name in found else "no such file"
            must = f"must be of the feature files that are given, of {name} found {other}"
            raise InputError(f"{made}: {must}; label again")
    return found


def _check_label(where: Path, label: Label, found: Any) -> None:
    for key, wanted in label.model_dump(mode="json").items():
        other = found.get(key) if isinstance(found, dict) else None
        if other != wanted:
            must = f"must be labelled with label.{key} {wanted}"
            raise InputError(f"{where}: {must}, found {other}; label again")


def split_symbols(split: Path) -> list[str]:
    """The symbols of a split, by name; of a single one the empty name."""
    return sorted({piece.symbol for piece in split_pieces(split)})


def features_of(frame: FrameReader) -> tuple[str, ...]:
    """The names of the features in an open split file, in its order."""
    return tuple(name for name in frame.columns if name not in LABEL_COLUMNS)

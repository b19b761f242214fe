"""The splits as `alpha split` wrote them: folds, their splits' rows, and the features in them."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from alpha.core.artifacts import read_json
from alpha.core.errors import InputError
from alpha.core.frames import FrameReader, open_frame
from alpha.data.columns import LABEL_COLUMNS

# In place of a split's files: which rows of the files that all folds share are its.
ROWS = "rows.json"


class Piece(NamedTuple):
    """Consecutive rows of a file of a split, and its symbol if there are several."""

    path: Path
    rows: range
    symbol: str

    def open(self) -> AbstractContextManager[FrameReader]:
        return open_frame(self.path, rows=self.rows)


def folds(splits: Path) -> list[int]:
    """The numbers of the folds in what `alpha split` wrote, ascending. Raises InputError if there
    is none."""
    found = sorted(int(path.parent.name) for path in splits.glob("*/summary.json"))
    if not found:
        raise InputError(f"{splits}: must be a folder that `alpha split` wrote, found no fold")
    return found


def split_pieces(split: Path, symbol: str | None = None) -> list[Piece]:
    """A split's rows, of each file in time order: of its files, or those of rows/ beside its fold
    that its rows.json names; of one symbol, or of all, files in order of time. Raises InputError if
    there is none, or rows.json is not of its format."""
    rows, found = split.parent.parent / "rows", list[tuple[int, Piece]]()
    if (split / ROWS).is_file():
        try:
            for at, (name, start, stop, _) in enumerate(read_json(split / ROWS)["rows"]):
                found.append((at, Piece(rows / name, range(start, stop), _symbol(Path(name)))))
        except (LookupError, TypeError, ValueError) as error:
            raise InputError(f"{split / ROWS}: is not a list of rows: {error!r}") from None
    else:
        for path in split.rglob("*.h5"):
            with open_frame(path) as frame:
                piece = Piece(path, range(frame.rows), _symbol(path.relative_to(split)))
                found.append((int(frame.time_ns(stop=1)[0]), piece))
    kept = [pair for pair in found if symbol in (None, pair[1].symbol)]
    if not kept:
        of = f" of {symbol}" if symbol else ""
        raise InputError(f"{split}: must be a split's folder with .h5 files{of}, found none")
    return [piece for _, piece in sorted(kept, key=lambda pair: (pair[0], pair[1].path))]


def _symbol(name: Path) -> str:
    return "" if name.parent == Path() else name.parent.name


def split_symbols(split: Path) -> list[str]:
    """The symbols of a split, by name; of a single one the empty name."""
    return sorted({piece.symbol for piece in split_pieces(split)})


def features_of(frame: FrameReader) -> tuple[str, ...]:
    """The names of the features in an open split file, in its order."""
    return tuple(name for name in frame.columns if name not in LABEL_COLUMNS)

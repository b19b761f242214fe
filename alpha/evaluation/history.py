"""A training history: one row an epoch, as `alpha train` wrote it."""

import csv
import math
from pathlib import Path

from alpha.errors import InputError

REQUIRED = ("epoch", "train_loss", "valid_loss")


def read(path: Path) -> dict[str, list[float]]:
    """Columns of history.csv as lists of floats, NaN where a cell is empty.

    Raises InputError, naming file, row and column, if it is missing, lacks a column of
    `REQUIRED`, has no rows, or holds what is not a number, or an epoch that is not whole.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            names = reader.fieldnames or []
            rows = list(reader)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: is not CSV: {error}") from None
    for name in REQUIRED:
        if name not in names:
            raise InputError(f"{path}: must have a column {name!r}, found {', '.join(names)}")
    if not rows:
        raise InputError(f"{path}: must have a row for each epoch, found none")
    columns = {
        name: [_number(path, at, name, row[name]) for at, row in enumerate(rows)] for name in names
    }
    for at, epoch in enumerate(columns["epoch"]):
        if not epoch.is_integer():
            raise InputError(f"{path}: row {at}, column 'epoch': must be whole, found {epoch}")
    return columns


def epochs(history: dict[str, list[float]]) -> int:
    """How many epochs were trained: 0 for a closed form."""
    return int(history["epoch"][-1])


def best_epoch(history: dict[str, list[float]]) -> int | None:
    """The epoch with the smallest valid loss, the first of equals; None if none is finite."""
    pairs = zip(history["valid_loss"], history["epoch"], strict=True)
    finite = [(loss, int(epoch)) for loss, epoch in pairs if math.isfinite(loss)]
    return min(finite)[1] if finite else None


def _number(path: Path, row: int, column: str, text: str | None) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        raise InputError(
            f"{path}: row {row}, column {column!r}: must be a number, found {text!r}"
        ) from None

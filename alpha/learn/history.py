"""A training history: one row an epoch, written by `alpha train`."""

import csv
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from alpha.core.errors import InputError

REQUIRED = ("epoch", "train_loss", "valid_loss")


@dataclass(frozen=True)
class Epoch:
    """A line of the history, after an epoch, or a tree. Losses are over the best constant's loss
    on train, so that 1 is what that constant scores on train (train_loss is measured on some rows
    of train: Splits.train_loss); prediction_* are of valid, in
    units of the outcome or the class code; near_mean_share is the share of valid predictions that
    hardly leave the train mean (alpha.learn.losses.near_mean_tolerance). None where it was not
    measured."""

    epoch: int
    train_loss: float
    valid_loss: float
    prediction_mean: float | None = None
    prediction_std: float | None = None
    prediction_max: float | None = None
    near_mean_share: float | None = None


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


def write_history(path: Path, history: list[Epoch]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(field.name for field in fields(Epoch))
        writer.writerows(asdict(epoch).values() for epoch in history)


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

"""The folds of an evaluation as one: which rows of which fold's files each split is made of.

Test is pooled path by path: each path is the whole test time, rebuilt of blocks of folds. Train and
valid are the rows that any fold has, each with what the last fold that has it predicted.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, Field

from alpha.core.artifacts import parse
from alpha.core.errors import InputError
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Label, classes
from alpha.evaluate.hindsight import Part, by_row
from alpha.evaluate.inputs import Columns, Trained, read_predictions, read_times, symbols
from alpha.learn.losses import Objective
from alpha.learn.params import Loss


class Block(BaseModel):
    """The rows of a fold's test in a range of time, the end exclusive."""

    fold: int
    start_ns: int
    end_ns: int


class _Paths(BaseModel):
    paths: Annotated[list[Annotated[list[Block], Field(min_length=1)]], Field(min_length=1)]


class FoldLoss(NamedTuple):
    """That of a fold, and the best constant of its train rows, of each symbol."""

    objective: Objective
    constants: list[np.ndarray]


class Pool(NamedTuple):
    """Rows of folds' files, in time order, and each fold's part with its loss; of one file none."""

    files: Sequence[tuple[int, range | None]]
    parts: Sequence[tuple[slice, FoldLoss]]

    def split_parts(self, columns: Columns) -> list[Part]:
        """The parts, with the constant of each row."""
        found = []
        for rows, of in self.parts:
            constant = by_row(of.constants, columns.symbol[rows], rows.stop - rows.start)
            found.append(Part(rows, of.objective, constant))
        return found


def read(splits: Path) -> tuple[list[list[Block]], list[int]]:
    """The paths in paths.json in the folder `splits`, each of blocks in time order, and the folds.
    Raises InputError, naming the file, if it is missing or not of its format."""
    paths = parse(_Paths, splits / "paths.json").paths
    return paths, sorted({block.fold for path in paths for block in path})


@np.errstate(over="ignore", invalid="ignore")
def pools(
    paths: list[list[Block]], folds: Sequence[int], first: Trained, label: Label, loss: Loss
) -> dict[SplitName, list[Pool]]:
    """The pool of train, that of valid, and those of test, one a path, by the files of the `first`
    run. Raises InputError, naming the file, if a block has no rows."""
    alone = len(paths) == len(paths[0]) == 1
    if alone and "" in symbols(first.file(folds[0], "train")):
        return {split: [Pool([(folds[0], None)], [])] for split in SPLITS}
    losses = {}
    for fold in folds:
        train = read_predictions(first.file(fold, "train"), classes(label))
        objective = Objective.fit(train.outcome, label, loss)
        of_symbols = [train.outcome[train.symbol == one] for one in np.unique(train.symbol)]
        constants = [objective.best_constant(of) for of in of_symbols] or [objective.constant]
        losses[fold] = FoldLoss(objective, constants)
    found: dict[SplitName, list[Pool]] = {}
    every = [Block(fold=fold, start_ns=-(2**63), end_ns=2**63 - 1) for fold in folds]
    for split in SPLITS:
        by = paths if split == "test" else [every]
        given = [[block_times(first.file(of.fold, split), of) for of in path] for path in by]
        # Near the ends of its range a fold may lack rows that another has.
        of_paths = (reduce(np.union1d, [of[2] for of in path]) for path in given)
        rows = reduce(np.intersect1d, of_paths)
        found[split] = [_pool(rows, path, losses) for path in given]
    return found


def block_times(path: Path, block: Block) -> tuple[int, int, np.ndarray]:
    """A block's fold, its first row in a file of predictions, and its times, (rows,). Raises
    InputError, naming the file, if it has none."""
    time_ns, ends = read_times(path), (block.start_ns, block.end_ns)
    start, stop = np.searchsorted(time_ns, ends).tolist()
    if start == stop:
        shown = " to ".join(map(str, np.array(ends, "datetime64[ns]")))
        raise InputError(f"{path}: must have rows from {shown}, found none")
    return block.fold, start, time_ns[start:stop]


def _pool(rows: np.ndarray, given: Sequence[Any], losses: dict[int, FoldLoss]) -> Pool:
    """Of ascending times (rows,), each of the last of the `given` `block_times` that has it."""
    owner, place = np.zeros((2, len(rows)), dtype=np.int64)
    for at, (_, start, time_ns) in enumerate(given):
        own = np.minimum(np.searchsorted(time_ns, rows), len(time_ns) - 1)
        has = time_ns[own] == rows
        owner[has], place[has] = at, own[has] + start
    new = (np.diff(owner, prepend=-1) != 0) | (np.diff(place, prepend=-2) != 1)
    files, parts = [], []
    for first, end in pairwise([*np.flatnonzero(new).tolist(), len(rows)]):
        fold, start = given[owner[first]][0], int(place[first])
        files.append((fold, range(start, start + end - first)))
        parts.append((slice(first, end), losses[fold]))
    return Pool(files, parts)


def read_pool(
    pool: Pool, run: Trained, split: SplitName, label: Label, same_as: Any = None
) -> Columns:
    """What a run predicted of a pool's rows, as `read_predictions` has it; `same_as` another run,
    and these times and outcomes."""
    found = []
    each = [rows for rows, _ in pool.parts] or [slice(None)]
    for (fold, only), rows in zip(pool.files, each, strict=True):
        same = same_as and (same_as[0].file(fold, split), *(of[rows] for of in same_as[1:]))
        path = run.file(fold, split)
        found.append(read_predictions(path, classes(label), only=only, same_as=same))
    columns = zip(*(vars(of).values() for of in found), strict=True)
    return Columns(*(np.concatenate(of) if of[1:] else of[0] for of in columns))

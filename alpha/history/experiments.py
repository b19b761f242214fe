"""alpha experiments: what each experiment changed, and what came of it, by DVC's API."""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd
from rich.console import RenderableType
from rich.padding import Padding

from alpha.core import params as core_params
from alpha.core import text
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError

SUMMARY = "a table of experiments: what they changed, and the best model on valid"
OPTIONS = [Option("--commits", "those of so many commits, HEAD and before", "1", type=int)]
SECTIONS: dict[str, Any] = {}


def command(params: Any, args: Arguments) -> None:
    from dvc.api import exp_show
    from dvc.exceptions import DvcException

    try:
        text.show(table(exp_show(num=args.commits), core_params.read(args.params)))
    except DvcException as error:
        raise InputError(" ".join(str(error).split())) from None


def table(rows: list[dict[str, Any]], params: dict[str, Any]) -> Iterator[RenderableType]:
    """Of DVC's rows, each commit's with those of its experiments after it: a line each, and one of
    what it changed of `params` against the commit. One that has not ended shows no figures: DVC has
    those of the commit there."""
    cells, changes = [("experiment", "created", "best", "valid", "test", "verdict")], [""]
    commit: dict[str, Any] = {}
    keys = list(map(str, pd.json_normalize(params)))  # dotted, as DVC has them
    for row in rows:
        if row["rev"] == "workspace":
            continue
        if row["typ"] == "baseline":
            commit = row
        state = (row["State"] or "success").lower()
        best = [row.get(f"best.{key}") for key in ("model", "skill_valid", "skill_test", "verdict")]
        named, *skills, verdict = best if state == "success" else (None, None, None, state)
        figures = [text.figure(one) for one in skills]
        name = row["Experiment"] or row["rev"]
        cells.append((name, row["Created"] or "", named or "", *figures, verdict or ""))
        changes.append(", ".join(_changes(commit, row, keys)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line, changed in zip(cells, changes, strict=True):
        sides = zip(line, "<<<>><", widths, strict=True)
        padded = (f"{cell:{side}{width}}" for cell, side, width in sides)
        yield text.coloured("  ".join(padded).rstrip())
        if changed:
            yield Padding(changed, (0, 0, 0, 2))
    if len(cells) < 3:
        yield "No experiments of this commit: `dvc exp run -S label.horizon_seconds=120` makes one."


def _changes(commit: dict[str, Any], row: dict[str, Any], keys: Iterable[str]) -> Iterator[str]:
    """The params, of those with these keys, that are not the commit's."""
    for key in keys:
        value = row.get(key)
        if value is not None and value != commit.get(key):
            yield f"{key}={value:.10g}" if isinstance(value, float) else f"{key}={value}"

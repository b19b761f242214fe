"""alpha check: params and feature files before anything runs, since both engines remove a step's
earlier results before the step could object. It alone loads all params."""

import os
import sys
from collections.abc import Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from alpha.audit import Audit
from alpha.core import params as core_params
from alpha.core import text
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.data import features
from alpha.data.columns import SplitName
from alpha.data.features import all_times, families, moment, open_symbols
from alpha.data.params import SIMULATED, Data, Features, Label
from alpha.evaluate.params import Evaluate, Verdict
from alpha.ingest.params import INGESTED, Ingest, find_files, market
from alpha.learn.kinds import KINDS
from alpha.learn.params import LADDER, Loss, Train, sections
from alpha.normalize import Normalize
from alpha.report import Report
from alpha.simulate import Simulate
from alpha.split import Split, schemes
from alpha.split.ranges import Times, count_rows, summarize
from alpha.trade import Trade

SUMMARY = "check params.yaml and feature files, and show the splits; change nothing"
OPTIONS: Sequence[Option] = []
SECTIONS: dict[str, Any] = {
    "data": Data, "features": Features, "simulate": Simulate, "ingest": Ingest, "label": Label,
    "split": Split, "normalize": Normalize, "audit": Audit, **LADDER, "loss": Loss, "train": Train,
    "evaluate": Evaluate, "trade": Trade, "verdict": Verdict, "report": Report,
    **{model: section for kind in KINDS for model, section in sections(kind).items()},
}  # fmt: skip
# All sections, as attributes.
Params: Any = core_params.model(SECTIONS)


class Checked(NamedTuple):
    """How many folds the data give, of each that split.folds names what becomes of the rows, and
    by symbol the columns that not all symbols have."""

    given: int
    folds: dict[int, dict[SplitName, dict[str, Any]]]
    left_out: dict[str, tuple[str, ...]]


def command(params: Any, args: Arguments) -> None:
    given, folds, left_out = run(params)
    if not folds:
        print(f"{INGESTED}: still to be made from raw data: `make run`, or `dvc repro`")
    for number, splits in folds.items():
        if params.split.scheme != "holdout":
            print(f"fold {number}")
        for name, rows in splits.items():
            start, end = (text.moment(rows.pop(key)) for key in ("start", "end"))
            del rows["rows"]
            print(f"{name:5}  {start} to {end}: {rows.pop('kept'):,} rows kept")
            lost = (f"{count:,} {status}" for status, count in rows.items() if count)
            print("      ", ", ".join(lost))
    for symbol, columns in left_out.items():
        left = f"{symbol}: left out, as not all symbols have them: {text.some(columns, most=8)}"
        print(text.one_line(left))
    if given > len(folds) > 0:
        sets = "`alpha folds --write` sets them all."
        print(f"The data give {given} folds, 0 to {given - 1}: {sets}")


def load(path: Path) -> Any:
    """All sections of a params.yaml. Raises InputError, one line for the first problem."""
    return _validated(core_params.read(path), str(path))


def parse(content: str, *, source: str) -> Any:
    """All sections of the content of a params.yaml; `source` names it in errors."""
    return _validated(core_params.parse(content, source=source), source)


def _validated(content: dict[str, Any], source: str) -> Any:
    from alpha.__main__ import SECTIONS as NAMES

    return core_params.validate(content, Params, NAMES, source=source)


def look(params: Any) -> None:
    """Raise InputError for what in the folders of data DVC would wait for, or fail at."""
    for folder in (params.data.dir, *(source.dir for source in params.ingest.sources)):
        features.check_files(Path(at, name) for at, _, names in os.walk(folder) for name in names)


def run(params: Any, *, rows: bool = True, ingested: bool = True, every: bool = False) -> Checked:
    """Check the feature files' columns and timestamps and the splits' ranges; change nothing.

    With `rows`, all quotes are read too; what then becomes of them is, of the simulated market, as
    if it had neither gaps nor defects. With `every`, split.folds may name others than the data
    give. Of raw data whose feature files are still to be made, unless `ingested`, no more is
    checked than that they are there. Raises InputError as the steps would.
    """
    # A compiler, which not every start of an engine waits for.
    from alpha.label.run import label_files
    from alpha.label.targets import compute

    label, sources = params.label, params.ingest.sources
    look(params)
    left_out: dict[str, tuple[str, ...]] = {}
    if sources:
        if params.data.dir != INGESTED:
            must = f"must be {INGESTED} with ingest.sources"
            raise InputError(f"data.dir: {must}, found {params.data.dir!r}")
        find_files(market(params.ingest))
        if not (ingested and Path(INGESTED).is_dir()):
            return Checked(0, {}, {})
    # That market may not be there yet, or be about to change; its folds are those of its files.
    if params.data.dir == SIMULATED and not (every and Path(SIMULATED).is_dir()):
        times: Times = partial(map, params.simulate.times, range(params.simulate.days))
        quotes = (np.ones(params.simulate.rows_per_day),) * 2
        first_ns, *_, last_ns = np.concatenate([day[[0, -1]] for day in times()]).tolist()
        known = (("", day, compute(day, *quotes, label, end_ns=last_ns).status) for day in times())
    else:
        folders = open_symbols(Path(params.data.dir), params.data)
        if not (every or sources):
            print(features.left_out(Path(params.data.dir), folders), end="", file=sys.stderr)
        families(folders[0].features, params.features)
        times = partial(all_times, folders)
        first_ns, last_ns = min(of.first_ns for of in folders), max(of.last_ns for of in folders)
        if last_ns - first_ns < label.horizon_ns:
            must = f"must reach further than label.horizon_seconds ({label.horizon_seconds:g})"
            reach = f"{moment(first_ns)} to {moment(last_ns)}"
            raise InputError(f"{params.data.dir}: {must}, found {reach}")
        made = chain.from_iterable(label_files(folder, label) for folder in folders)
        known = ((file.symbol, time_ns, of.status) for file, _, time_ns, _, of, _ in made)
        for name in params.trade.sizes or ():
            if name not in folders[0].features:
                raise InputError(f"trade.sizes: must be names of features, found {name!r}")
        left_out = {of.symbol: of.left_out for of in folders if of.left_out}
    found = schemes.scheme(params.split, times, max_gap_ns=label.max_gap_ns)
    given = len(found.folds)
    if every:
        return Checked(given, {}, left_out)
    folds = dict(zip(params.split.folds, schemes.chosen(params.split, found).folds, strict=True))
    if not rows:
        return Checked(given, {}, left_out)
    counts: dict[int, dict[str, np.ndarray]] = {fold: {} for fold in folds}
    for symbol, time_ns, status in known:
        for fold, ranges in folds.items():
            count_rows(counts[fold], symbol, ranges, time_ns, status, horizon_ns=label.horizon_ns)
    ends, only = (first_ns, last_ns), params.split.scheme == "holdout"
    of_folds = {
        fold: summarize(of, counts[fold], ends, None if only else fold)
        for fold, of in folds.items()
    }
    return Checked(given, of_folds, left_out)

"""alpha check: params and feature files before anything runs, since both engines remove a step's
earlier results before the step could object. It alone loads all params."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alpha.audit import Audit
from alpha.core import params as core_params
from alpha.core import text
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.data.features import families, moment, open_folder
from alpha.data.params import SIMULATED, Data, Features, Label
from alpha.evaluate.params import Evaluate, Verdict
from alpha.ingest.params import INGESTED, Ingest, find_files, market
from alpha.learn.kinds import KINDS
from alpha.learn.params import LADDER, Loss, sections
from alpha.models.networks.params import Train
from alpha.normalize import Normalize
from alpha.report import Report
from alpha.simulate import Simulate
from alpha.split import Split
from alpha.split.ranges import ROW_STATUS, Range, Times, holdout, row_status, rows_of

SUMMARY = "check params.yaml and feature files, and show the splits; change nothing"
OPTIONS: Sequence[Option] = []
SECTIONS: dict[str, Any] = {
    "data": Data, "features": Features, "simulate": Simulate, "ingest": Ingest, "label": Label,
    "split": Split, "normalize": Normalize, "audit": Audit, **LADDER, "loss": Loss, "train": Train,
    "evaluate": Evaluate, "verdict": Verdict, "report": Report,
    **{model: section for kind in KINDS for model, section in sections(kind).items()},
}  # fmt: skip
# All sections, as attributes.
Params: Any = core_params.model(SECTIONS)


def command(params: Any, args: Arguments) -> None:
    found = run(params)
    if not found:
        print(f"{INGESTED}: still to be made from raw data: `make run`, or `dvc repro`")
    for span, rows in found:
        start, end = (text.moment(moment(ns)) for ns in (span.start_ns, span.end_ns))
        print(f"{span.name:5}  {start} to {end}: {rows.pop('kept'):,} rows kept")
        print("      ", ", ".join(f"{count:,} {status}" for status, count in rows.items() if count))


def load(path: Path) -> Any:
    """All sections of a params.yaml. Raises InputError, one line for the first problem."""
    return _validated(core_params.read(path), str(path))


def parse(content: str, *, source: str) -> Any:
    """All sections of the content of a params.yaml; `source` names it in errors."""
    return _validated(core_params.parse(content, source=source), source)


def _validated(content: dict[str, Any], source: str) -> Any:
    from alpha.__main__ import SECTIONS as NAMES

    return core_params.validate(content, Params, NAMES, source=source)


def run(
    params: Any, *, rows: bool = True, ingested: bool = True
) -> list[tuple[Range, dict[str, int]]]:
    """Check the feature files' columns and timestamps and the splits' ranges; change nothing.

    With `rows`, all quotes are read too. Returns the splits, and how many rows of each have which
    status; of the simulated market, as if it had neither gaps nor defects. Of raw data whose
    feature files are still to be made, unless `ingested`, no more is checked than that they are
    there. Raises InputError as the steps would.
    """
    # A compiler, which not every start of an engine waits for.
    from alpha.label.run import label_files
    from alpha.label.targets import compute

    label, sources = params.label, params.ingest.sources
    if sources:
        if params.data.dir != INGESTED:
            raise InputError(
                f"data.dir: must be {INGESTED} with ingest.sources, found {params.data.dir!r}"
            )
        find_files(market(params.ingest))
        if not (ingested and Path(INGESTED).is_dir()):
            return []
    if params.data.dir == SIMULATED:  # which may not be there yet, or be about to change
        times: Times = partial(_simulated, params.simulate)
        quotes = (np.ones(params.simulate.rows_per_day),) * 2
        first_ns, *_, last_ns = np.concatenate([day[[0, -1]] for day in times()]).tolist()
        known = ((day, compute(day, *quotes, label, end_ns=last_ns).status) for day in times())
    else:
        folder = open_folder(Path(params.data.dir), params.data)
        families(folder.features, params.features)
        times, first_ns, last_ns = folder.each_time, folder.first_ns, folder.last_ns
        if last_ns - first_ns < label.horizon_ns:
            raise InputError(
                f"{params.data.dir}: must reach further than label.horizon_seconds "
                f"({label.horizon_seconds:g}), found {moment(first_ns)} to {moment(last_ns)}"
            )
        known = ((time_ns, made.status) for *_, time_ns, _, made, _ in label_files(folder, label))
    ranges = holdout(params.split, times, max_gap_ns=label.max_gap_ns)
    if not rows:
        return []
    counts = np.zeros((len(ranges) + 1, len(ROW_STATUS)), dtype=int)
    for time_ns, status in known:
        np.add.at(counts, row_status(time_ns, status, ranges, horizon_ns=label.horizon_ns), 1)
    each = zip(ranges, counts[:-1].tolist(), strict=True)
    return [
        (span, rows_of(span, count, first_ns=first_ns, last_ns=last_ns)) for span, count in each
    ]


def _simulated(market: Simulate) -> Iterator[np.ndarray]:
    """The times of each simulated day's rows."""
    first = np.datetime64(market.start, "ns").astype(np.int64)
    for day in range(market.days):
        rows = np.arange(day * market.rows_per_day, (day + 1) * market.rows_per_day)
        yield first + np.round(rows * (86_400e9 / market.rows_per_day)).astype(np.int64)

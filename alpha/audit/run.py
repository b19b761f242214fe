"""The audit: what it finds on the data at hand, the worst first."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from alpha.audit import Audit, days, drift, leads, peers, quotes, sample
from alpha.audit import splits as cut
from alpha.audit.findings import NAME, SEVERITIES, Findings
from alpha.audit.knowledge import findings_of, knowing
from alpha.core.artifacts import whole_folder, write_csv, write_json
from alpha.core.errors import InputError
from alpha.core.text import warn
from alpha.data.contract import read_contract
from alpha.data.features import open_symbols
from alpha.data.params import Data, Label
from alpha.data.splits import check_labels, check_splits, folds, splits_digest
from alpha.split import Split


def run(
    data: Data,
    label: Label,
    split: Split,
    audit: Audit,
    *,
    features: Path,
    labels: Path,
    splits: Path,
    normalization: Path,
    out: Path,
) -> None:
    """Write out/findings.json, out/features.csv, every feature's figures, and out/passed, with a
    file such as 0.json for each fold, for which its trainings wait and which depends on its
    contract alone. Of several folds the splits of the last are looked at, as one code cuts all.
    Raises InputError, after one line for each finding, if there is one that audit.fail_on names, or
    if labels or splits are not as they were written."""
    contracts = {fold: read_contract(normalization / f"{fold}.json") for fold in folds(splits)}
    last, contract = max(contracts.items())
    every, splits = splits_digest(splits), splits / str(last)
    check_splits(splits)
    folders = open_symbols(features, data)
    check_labels(labels, label, folders)
    drifting, moved = drift.check(splits, contract, label)
    paths = {"features": features, "labels": labels, "splits": splits}
    found = [*cut.check(data, label, split, **paths, contract=contract), *drifting]
    tables: list[pd.DataFrame] = []
    for folder in folders:
        of = sample.read(folder, label, labels=labels, rows=audit.rows)
        known = leads.figures(of)
        known = known.join(peers.figures(of, known.index[knowing(known) != ""]))
        tables.append(known)
        those = [*findings_of(known, of), *days.check(folder, of), *quotes.check(folder, label)]
        where = f"{folder.symbol}: " if folder.symbol else ""
        found += [replace(one, sentence=f"{where}{one.sentence}") for one in those]
    found.sort(key=lambda one: SEVERITIES.index(one.severity))
    refused = {"none": 0, "leak": 1, "warning": 2}[audit.fail_on]
    worst = [one for one in found if one.severity in SEVERITIES[:refused]]
    if worst:
        warn(*(f"{one.severity}: {one.sentence}" for one in worst))
        kinds = ", ".join(dict.fromkeys(one.kind for one in worst))
        must = f"the data must have no finding of a {audit.fail_on} (audit.fail_on)"
        raise InputError(f"{must}, found {len(worst)}: {kinds}")
    with whole_folder(out) as part:
        write_json(part / NAME, Findings(findings=found, splits=every).model_dump(mode="json"))
        # Of several symbols, the figures of the first.
        table = tables[0].join(moved.set_index("feature"))
        write_csv(part / "features.csv", table.reset_index(), index=False, float_format="%.6g")
        (part / "passed").mkdir()
        for fold, one in contracts.items():
            write_json(part / "passed" / f"{fold}.json", {"contract": one.hash})
    for severity in SEVERITIES:
        if count := sum(one.severity == severity for one in found):
            print(f"audit: {count} {severity}{'s' * (count > 1)}")

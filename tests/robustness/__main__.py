"""Hostile and odd inputs, a command each, and what came of them:

    python -m tests.robustness --cases 5000 --seed 0 --keep kept

It ends with 1 if an input was accepted though wrong, gave more than one line, took more than 10 s
or too much memory, or changed earlier artifacts; `--keep` names a folder for those inputs.
"""

import argparse
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path

from tests.robustness import (
    artifacts,
    columns,
    damage,
    folders,
    folds,
    hdf5,
    models,
    names,
    params_files,
    parquet_files,
    quotes,
    raw_tables,
    recordings,
    structure,
    times,
)
from tests.robustness.case import Case, numbered
from tests.robustness.trial import SOUND, Bench, Found, Outcome, bench

MODULES = (
    hdf5,
    parquet_files,
    columns,
    names,
    times,
    quotes,
    folders,
    raw_tables,
    recordings,
    params_files,
    artifacts,
    folds,
    models,
)


def corpus() -> list[Case]:
    """All cases that are written by hand."""
    return numbered(case for module in MODULES for case in module.cases())


def sample(cases: Sequence[Case], most: int) -> list[Case]:
    """Cases of about so many commands, of each kind as evenly as can be."""
    kinds: dict[str, list[Case]] = {}
    for case in cases:
        kinds.setdefault(case.kind, []).append(case)
    share = most / sum(len(case.commands) for case in cases)
    for kind, of in kinds.items():
        count = min(len(of), max(1, round(share * len(of))))
        kinds[kind] = [of[at * len(of) // count] for at in range(count)]
    return [case for row in zip_longest(*kinds.values()) for case in row if case]


def table(found: Iterable[Found]) -> str:
    """How often each outcome came of each kind of input."""
    counts: dict[str, Counter[Outcome]] = {}
    peak: Counter[str] = Counter()
    for one in found:
        counts.setdefault(one.case.kind, Counter())[one.outcome] += 1
        word = one.command.split()[0]
        peak[word] = max(peak[word], one.ran.peak)
    total = sum(counts.values(), Counter())
    shown = [one for one in Outcome if total[one] or one in SOUND[:3]]
    width = max(map(len, [*counts, "all"]))
    lines = [f"{'':{width}}  cases" + "".join(f"  {one}" for one in shown)]
    for kind, of in [*counts.items(), ("all", total)]:
        cells = (f"  {of[one]:{len(one)}}" for one in shown)
        lines.append(f"{kind:{width}}  {of.total():5}" + "".join(cells))
    zero = (Outcome.WRONG, Outcome.TRACEBACK, Outcome.HANG, Outcome.CHANGED)
    lines += ["", *(f"{one.value.lower()}: {total[one]}" for one in zero)]
    most = ", ".join(f"{word} {peak[word] / 1e6:,.0f} MB" for word in sorted(peak))
    return "\n".join([*lines, f"peak memory: {most}"])


class Report:
    """Tells of each failure as it comes, and counts everything."""

    def __init__(self, place: Bench, kept: Path | None) -> None:
        self.place, self.kept, self.found = place, kept, list[Found]()

    def tell(self, one: Found) -> None:
        self.found.append(one)
        if one.outcome in SOUND:
            return
        case = one.case
        print(f"{one.outcome}: {case.kind}: {case.name!r}: alpha {one.command}\n    {one.why}")
        sys.stdout.flush()
        if self.kept:
            name = re.sub(r"\W+", "-", f"{case.kind}-{case.name}")[:100]
            self.kept.mkdir(parents=True, exist_ok=True)
            with self.place.written(case) as (made, _):
                # Links and devices as what they are.
                subprocess.run(["cp", "-aT", made, self.kept / name], check=True)

    def try_damage(self, form: str, changes: list[damage.Edit]) -> None:
        """Of one that fails, the smallest that fails alike."""
        for one in self.place.try_case(damage.case(form, changes)):
            if one.outcome not in SOUND:

                def fails(case: Case, outcome: Outcome = one.outcome) -> bool:
                    return any(of.outcome == outcome for of in self.place.try_case(case))

                least = damage.case(form, damage.smallest(fails, form, changes))
                alike = [of for of in self.place.try_case(least) if of.outcome == one.outcome]
                one = (alike or [one])[0]
            self.tell(one)


def _try_all(report: Report, given: argparse.Namespace) -> None:
    """Most of them by hand, the rest at random, half of it in bytes; of a kind all by hand."""
    chosen = [case for case in corpus() if re.search(given.only, f"{case.kind}: {case.name}")]
    most = sys.maxsize if given.only else given.cases * 3 // 4
    for case in sample(chosen, most):
        for one in report.place.try_case(case):
            report.tell(one)
    if given.only:
        return
    left = max(given.cases - len(report.found), 8)
    structure.fuzz(report.place, left // 2, given.seed, report.tell)
    model_bytes = (report.place.sound / "model.zip").stat().st_size
    for form, changes in damage.cases(given.seed, model_bytes):
        if len(report.found) >= given.cases:
            return
        report.try_damage(form, changes)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=5000, help="commands that are run")
    parser.add_argument("--seed", type=int, default=0, help="of those that are made at random")
    parser.add_argument("--keep", type=Path, help="folder for the files of those that fail")
    parser.add_argument("--only", default="", help="a pattern that kinds and names must match")
    given = parser.parse_args(argv)
    with bench() as place:
        report = Report(place, given.keep)
        with suppress(KeyboardInterrupt):  # What was found so far is shown.
            _try_all(report, given)
    print(table(report.found))
    return int(any(one.outcome not in SOUND for one in report.found))


if __name__ == "__main__":
    sys.exit(main())

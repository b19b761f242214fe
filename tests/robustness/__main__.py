"""Hostile and odd inputs, a command each, and what came of them:

    python -m tests.robustness --cases 5000 --seed 0 --keep kept

It ends with 1 if an input was accepted though wrong, gave more than one line, took more than 10 s
or too much memory, or changed earlier artifacts; `--keep` names a folder for those inputs.
"""

import argparse
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

from tests.robustness import columns, folders, hdf5, names, quotes, times
from tests.robustness.case import Case, numbered
from tests.robustness.trial import SOUND, Bench, Found, Outcome, bench

MODULES = hdf5, columns, names, times, quotes, folders


def corpus() -> list[Case]:
    """All cases that are written by hand."""
    return numbered(case for module in MODULES for case in module.cases())


def sample(cases: Sequence[Case], most: int) -> list[Case]:
    """At most so many cases, of each kind as evenly as can be."""
    kinds: dict[str, list[Case]] = {}
    for case in cases:
        kinds.setdefault(case.kind, []).append(case)
    share = most / len(cases)
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


def keep(one: Found, place: Bench, folder: Path) -> None:
    """The folder of a case that failed, as it was before its command."""
    name = f"{one.case.kind}-{one.case.name}".replace("/", "-").replace(" ", "-")[:100]
    with place._written(one.case) as made:
        shutil.copytree(made, folder / name, dirs_exist_ok=True, symlinks=True)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--only", default="", help="kinds and names with these words")
    given = parser.parse_args(argv)
    chosen = [case for case in corpus() if given.only in f"{case.kind}: {case.name}"]
    found: list[Found] = []
    with bench() as place:
        for case in sample(chosen, given.cases):
            for one in place.try_case(case):
                found.append(one)
                if one.outcome not in SOUND:
                    print(f"{one.outcome}: {case.kind}: {case.name}: alpha {one.command}\n"
                          f"    {one.why}", flush=True)  # fmt: skip
                    if given.keep:
                        keep(one, place, given.keep)
    print(table(found))
    return int(any(one.outcome not in SOUND for one in found))


if __name__ == "__main__":
    sys.exit(main())

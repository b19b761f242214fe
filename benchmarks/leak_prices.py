"""What leaks are worth: a price list of kinds, and a published case.

    python -m benchmarks.leak_prices              # both, into docs/leaks.md
    python -m benchmarks.leak_prices published    # the published case alone

Tables stand between marks in the page, and what made them before is replaced. Real data is looked
for in the folder ALPHA_REALDATA, by default ../shared/realdata; what needs it is left as it is
where that is missing, and the reason is said.
"""

import argparse
import os
import time
from collections.abc import Iterable
from pathlib import Path

import alpha  # noqa: F401  # isort: skip  # before NumPy, whose instructions it chooses
from alpha.check import load
from alpha.core.errors import InputError
from benchmarks import price_list, published
from benchmarks.steps import ROOT

PAGE = ROOT / "docs" / "leaks.md"
PARTS = {"prices": price_list.lines, "published": published.lines}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.leak_prices",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    wanted = parser.parse_args().parts or list(PARTS)
    if unknown := [part for part in wanted if part not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)} (there are {', '.join(PARTS)})")
    params = load(ROOT / "tests" / "params.yaml")
    folder = Path(os.environ.get("ALPHA_REALDATA", ROOT / ".." / "shared" / "realdata"))
    if not folder.is_dir():
        print(f"skipped: {folder}: no real order-book data (set ALPHA_REALDATA)")
        return
    for part in wanted:
        started, lines = time.perf_counter(), []
        for line in PARTS[part](folder, params):
            print(line, flush=True)
            lines.append(line)
        PAGE.write_text(replaced(PAGE.read_text("utf-8"), part, lines), "utf-8")
        print(f"{part}: {time.perf_counter() - started:.0f} s, in {PAGE.relative_to(ROOT)}")


def replaced(page: str, part: str, lines: Iterable[str]) -> str:
    """The page with `lines` between the two marks of a part, each alone in its line. Raises
    InputError unless both are there, once and in order."""
    first, last = (f"<!-- {word} {part} -->\n" for word in ("made:", "end of"))
    before, *rest = page.split(first)
    inside = rest[0].split(last) if len(rest) == 1 else []
    if len(inside) != 2:
        raise InputError(f"the page must have {first.strip()} and then {last.strip()}, once each")
    return before + first + "\n" + "".join(f"{line}\n" for line in lines) + "\n" + last + inside[1]


if __name__ == "__main__":
    main()

"""Measure each step beside its peers, and say what was found.

    python -m benchmarks                   # all topics: benchmarks/results.md and results.svg
    python -m benchmarks labels ridge      # some topics
    python -m benchmarks --quick           # small sizes: whether it works, not how fast

Data is made once and kept in build/bench.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.report import markdown, plot, table
from benchmarks.steps import ENVIRONMENT, ROOT
from benchmarks.topics import SIZES, TOPICS, Measured

_RESULTS = ROOT / "benchmarks" / "results.md"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("topics", nargs="*", metavar="TOPIC", help=", ".join(TOPICS))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "bench")
    arguments = parser.parse_args()
    unknown = [topic for topic in arguments.topics if topic not in TOPICS]
    if unknown:
        parser.error(f"no such topic: {', '.join(unknown)} (there are {', '.join(TOPICS)})")
    sizes = SIZES["quick" if arguments.quick else "full"]
    wanted = [topic for topic in TOPICS if topic in (arguments.topics or TOPICS)]
    cache = arguments.cache.resolve()
    cache.mkdir(parents=True, exist_ok=True)
    found = []
    for topic in wanted:
        started = time.perf_counter()
        print(f"-- {topic}", flush=True)
        found.append(_measured(topic, sizes.name, cache))
        print(f"   {time.perf_counter() - started:.0f} s", flush=True)
    print()
    print(table(found))
    if arguments.quick:
        print("Small sizes: it works, and how fast is for a whole run to say.")
    elif wanted == list(TOPICS):
        _RESULTS.write_text(markdown(found, plot=_RESULTS.with_suffix(".svg").name), "utf-8")
        plot(found, _RESULTS.with_suffix(".svg"))
        print(f"\nwritten: {_RESULTS.relative_to(ROOT)}")


def _measured(topic: str, sizes: str, cache: Path) -> Measured:
    """A topic in a process of its own, so that none leaves threads or memory to the next."""
    out = cache / f"{topic}.json"
    words = [sys.executable, "-m", "benchmarks.topics", topic, sizes, cache, out]
    done = subprocess.run([str(word) for word in words], cwd=ROOT, env=ENVIRONMENT)
    if done.returncode != 0:
        sys.exit(f"{topic}: failed")
    return Measured.of(json.loads(out.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()

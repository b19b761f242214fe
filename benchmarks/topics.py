"""The topics that are measured, and one of them in a process of its own.

python -m benchmarks.topics TOPIC SIZES CACHE OUT
"""

import importlib
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import FULL, QUICK, Bench, Measurement, Sizes, free_cores
from benchmarks.report import line

# Each is a module with `measure(bench)`, in the order of the table.
TOPICS = (
    "kernel",
    "ingest",
    "labels",
    "normalization",
    "splits",
    "training",
    "ridge",
    "scoring",
    "ranking",
    "bootstrap",
    "evaluation",
    "whole",
    "engines",
    "scale",
)
SIZES = {sizes.name: sizes for sizes in (FULL, QUICK)}


@dataclass(frozen=True)
class Measured:
    """What a topic gave; `cores` is the least that the two cores did of twice one's work."""

    topic: str
    cores: float
    measurements: tuple[Measurement, ...]

    @classmethod
    def of(cls, content: dict[str, Any]) -> "Measured":
        found = tuple(Measurement(**one) for one in content["measurements"])
        return cls(content["topic"], content["cores"], found)


def measure(topic: str, sizes: Sizes, cache: Path) -> Iterator[Measurement]:
    """The measurements of one topic as they come, in a folder of which nothing is left."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=f"{topic}-") as work:
        bench = Bench(sizes, cache / "data", Path(work))
        yield from importlib.import_module(f"benchmarks.{topic}").measure(bench)


def main(topic: str, sizes: str, cache: str, out: str) -> None:
    before = free_cores()
    found = []
    for one in measure(topic, SIZES[sizes], Path(cache)):
        found.append(one)
        print(line(one), flush=True)
    measured = Measured(topic, min(before, free_cores()), tuple(found))
    Path(out).write_text(json.dumps(asdict(measured)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

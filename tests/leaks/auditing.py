"""What `alpha audit` says of a frame: the steps before it are run on a folder made of the frame."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from catalogue import Catalogue, Planted, plant
from markets import Market

from alpha.audit import findings
from alpha.core.frames import Block, write_frame
from alpha.label import run as label
from alpha.normalize import run as normalize
from alpha.split import run as split

NAME = "day.h5"


class Bench:
    """A market's labels, made once, as they depend on its quotes alone; and audits of frames."""

    def __init__(self, params: Any, market: Market, folder: Path) -> None:
        self.params, self.market, self.folder, self._count = params, market, folder, 0
        self.labels = folder / "labels"
        features = self._write(market.frame, folder / "market")
        label.run(params.data, params.label, features=features, out=self.labels)

    def prepare(self, frame: pd.DataFrame) -> Path:
        """A folder with features, splits and contracts of a frame with the market's times and
        quotes."""
        self._count += 1
        here, params = self.folder / str(self._count), self.params
        features, splits = self._write(frame, here / "features"), here / "splits"
        sections = params.data, params.label, params.split
        split.run(*sections, features=features, labels=self.labels / "labels", out=splits)
        out = here / "normalize"
        normalize.run(params.features, params.normalize, splits=splits, out=out)
        return here

    def audit(self, frame: pd.DataFrame) -> findings.Findings:
        """The findings of such a frame."""
        from alpha.audit import run as audit

        here, params = self.prepare(frame), self.params
        audit.run(
            params.data,
            params.label,
            params.split,
            params.audit,
            features=here / "features",
            labels=self.labels / "labels",
            splits=here / "splits",
            normalization=here / "normalize",
            out=here / "audit",
        )
        found = findings.read(here / "audit")
        shutil.rmtree(here)
        return found

    def _write(self, frame: pd.DataFrame, folder: Path) -> Path:
        folder.mkdir(parents=True)
        quotes = ("best_bid", "best_ask")
        names = tuple(name for name in frame.columns if name not in quotes)
        blocks = [
            Block(quotes, frame[[*quotes]].to_numpy()),
            Block(names, frame[[*names]].to_numpy()),
        ]
        write_frame(folder / NAME, frame.index.as_unit("ns").asi8, blocks, tz_aware=True)
        return folder


@dataclass
class Tally:
    """How a detector did, by names: of leaks it found and missed some, of honest columns it
    suspected some, in any frame that has them."""

    found: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    honest: set[str] = field(default_factory=set)
    suspected: set[str] = field(default_factory=set)

    @property
    def recall(self) -> float:
        return len(self.found) / (len(self.found) + len(self.missed))

    def add(self, planted: Planted, suspects: Iterable[str], *, leaks: bool) -> None:
        """Count a frame whose cases are leaks, or none. A leak of many columns is found by half
        of them; what stands beside it is honest."""
        columns, named = set(planted.frame.columns[2:]), set(suspects)
        for case, names in planted.columns.items() if leaks else ():
            is_found = 2 * len(named & set(names)) >= len(names)
            (self.found if is_found else self.missed).append(case)
            columns -= set(names)
        self.honest |= columns
        self.suspected |= columns & named


def judge(bench: Bench, cases: Catalogue) -> Tally:
    """Audit all frames of the catalogue; what a finding calls a leak is a suspect."""
    tally = Tally()
    for some, leaks in ((cases.leaks, True), (cases.honest, False)):
        for planted in plant(some, bench.market):
            named = [name for one in bench.audit(planted.frame).leaks for name in one.columns]
            tally.add(planted, named, leaks=leaks)
    return tally

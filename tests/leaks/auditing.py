"""What `alpha audit` says of a frame: the steps before it are run on a folder made of the frame."""

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

    def audit(self, frame: pd.DataFrame) -> findings.Findings:
        """The findings of a frame with the market's times and quotes."""
        from alpha.audit import run as audit

        self._count += 1
        here, params = self.folder / str(self._count), self.params
        features, labels = self._write(frame, here / "features"), self.labels / "labels"
        splits, contract = here / "splits", here / "contract.json"
        sections = params.data, params.label, params.split
        split.run(*sections, features=features, labels=labels, out=splits)
        train = splits / "train"
        normalize.run(params.features, params.normalize, train=train, out=contract)
        audit.run(
            *sections,
            params.audit,
            features=features,
            labels=labels,
            splits=splits,
            normalization=contract,
            out=here / "audit",
        )
        return findings.read(here / "audit")

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
    """How a detector did: the names of leaks that it found or missed, and of columns that know
    nothing of the future, left alone or suspected."""

    found: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    suspected: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return len(self.found) / (len(self.found) + len(self.missed))

    def add_leaks(self, planted: Planted, suspects: Iterable[str]) -> None:
        """Count a frame of leaks: one of many columns is found by half of them. The features
        around them are honest."""
        named, leaks = set(suspects), {name for names in planted.columns.values() for name in names}
        for case, names in planted.columns.items():
            is_found = 2 * len(named & set(names)) >= len(names)
            (self.found if is_found else self.missed).append(case)
        self.suspected += sorted(f"{name} beside leaks" for name in named - leaks)

    def add_honest(self, planted: Planted, suspects: Iterable[str]) -> None:
        """Count a frame without a leak, each of its columns."""
        named, new = set(suspects), set(planted.frame.columns[2:])
        self.suspected += sorted(named - set(self.suspected))
        self.cleared = sorted((new | set(self.cleared)) - set(self.suspected))


def judge(bench: Bench, cases: Catalogue) -> Tally:
    """Audit all frames of the catalogue; what a finding calls a leak is a suspect."""
    tally = Tally()
    for leaks, add in ((cases.leaks, tally.add_leaks), (cases.honest, tally.add_honest)):
        for planted in plant(leaks, bench.market):
            found = bench.audit(planted.frame).leaks
            add(planted, [name for one in found for name in one.columns])
    return tally

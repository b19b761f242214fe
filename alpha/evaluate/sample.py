"""One prediction on one split, gone through in parts: what its figures are made of.

First come the rows in the order of time, whose losses and threshold checks are added up, and
which are put into a scratch file; then the same rows in the order of the prediction, for all that
ranks. In memory is one part of the rows, or one bucket of them, and what is added up by cell.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from alpha.core import parallel
from alpha.evaluate.bootstrap import add_at
from alpha.evaluate.breakdown import Judged, Sums, by_slot
from alpha.evaluate.buckets import Unordered, visit
from alpha.evaluate.calibration import Calibration
from alpha.evaluate.distribution import Distribution
from alpha.evaluate.predicted import Predicted
from alpha.evaluate.ranking import FORESEEN, JUDGED, Events, RankProducts
from alpha.evaluate.ranks import TO_RANK, InRowOrder, Ranker, to_rank
from alpha.evaluate.rows import SplitRows
from alpha.evaluate.thresholds import Check


@dataclass(frozen=True)
class Event:
    """Something that predictions should foresee: its name, and where it is among `of`."""

    name: str
    of: Events
    at: int


@dataclass(frozen=True)
class _Some:
    """Some rows: what is predicted of them, their outcomes' ranks and slots (RANKED), and the
    cells that they are in."""

    part: Predicted
    ranked: np.ndarray
    cells: np.ndarray

    def kept(self) -> "_Some":
        """Those of which the prediction is finite."""
        keep = self.part.finite
        if keep.all():
            return self
        return _Some(self.part.those(keep), self.ranked[keep], self.cells[keep])

    def judged(self) -> np.ndarray:
        """As JUDGED."""
        records = np.empty(len(self.cells), dtype=JUDGED)
        records["value"], records["outcome"] = self.part.score, self.part.outcome
        records["ranks"], records["slots"] = self.ranked["ranks"], self.ranked["slots"]
        records["cell"] = self.cells
        return records


class Sample:
    """The rows of a split where a prediction is finite, and what was found of them.

    `sums` are by slot (alpha.evaluate.breakdown), `kept` (cells,) counts the rows.
    `loss` and `constant_loss` (cells,) are of all rows of the split: where a prediction is not
    finite, of the best constant. If `known_only` such rows are left out of everything.
    """

    def __init__(
        self, rows: SplitRows, checks: Sequence[Check] = (), *, known_only: bool = False
    ) -> None:
        self.rows, self.checks = rows, checks
        self._known_only = known_only
        cells = rows.blocks.cells
        self.kept = np.zeros(cells)
        self.loss = np.zeros(cells)
        self.constant_loss = np.zeros(cells) if known_only else rows.constant_by_cell
        self.sums = [Sums() for _ in rows.slots.rows]
        self.squared_error = self.absolute_error = 0.0
        self.near_mean = 0
        self._judged = Unordered(rows.folder, JUDGED)
        self._foreseen = {
            code: Unordered(rows.folder, FORESEEN)
            for code in rows.standard.objective.classes
            if code != 0
        }
        self._came = dict.fromkeys(self._foreseen, 0)
        self.events: list[Event] = []

    @classmethod
    def of(
        cls,
        rows: SplitRows,
        parts: Iterable[Predicted],
        checks: Sequence[Check] = (),
        *,
        known_only: bool = False,
    ) -> "Sample":
        """From what is predicted of all rows of the split, in parts."""
        sample = cls(rows, checks, known_only=known_only)
        for some in sample._of(parts):
            sample._add(some)
        sample._rank(parts)
        return sample

    @property
    def count(self) -> int:
        return self.sums[0].kept

    def rank_ic(self, slot: int) -> float:
        """Of the rows of a slot that are kept. Raises Undefined as RankProducts does."""
        return self.products.rank_ic(slot, self.sums[slot].kept)

    def _of(self, parts: Iterable[Predicted]) -> Iterator[_Some]:
        first = 0
        for part in parallel.ahead(parts):
            stop = first + len(part.time_ns)
            ranked, cells = (
                self.rows.ranked.read(first, stop),
                self.rows.blocks.of_rows(first, stop),
            )
            some = _Some(part, ranked, cells)
            yield some.kept() if self._known_only else some
            first = stop

    def _add(self, some: _Some) -> None:
        objective, part = self.rows.standard.objective, some.part
        keep = part.finite
        constant = objective.losses(part.outcome, objective.constant)
        losses = objective.losses(part.outcome, part.values)
        if not keep.all():
            np.copyto(losses, constant, where=~keep)
        add_at(losses, some.cells, self.loss)
        if self._known_only:
            add_at(constant, some.cells, self.constant_loss)
        judged = Judged(keep, part.outcome, part.score, losses, constant)
        self.sums[0].add(judged)
        for slot, those in by_slot(some.ranked["slots"]):
            self.sums[slot].add(judged.those(those))
        self._add_kept(some.kept())

    def _add_kept(self, some: _Some) -> None:
        y, f, cells = some.part.outcome, some.part.score, some.cells
        add_at(np.ones(len(y)), cells, self.kept)
        with np.errstate(over="ignore"):
            error = y - f
            self.absolute_error += float(np.sum(np.abs(error)))
            self.squared_error += float(np.sum(np.square(error, out=error)))
        mean, hair = self.rows.standard.mean, self.rows.standard.hair
        if mean is not None and hair is not None:
            self.near_mean += int(np.count_nonzero(np.abs(f - mean) <= hair))
        for check in self.checks:
            check.add(some.part.time_ns, y, f, cells)
        # Once a row is left out, ranks are found anew.
        if self.count == self.sums[0].rows:
            self._judged.add(some.judged())
        for at, code in enumerate(self.rows.standard.objective.classes):
            if code in self._foreseen:
                event = np.empty(len(y), dtype=FORESEEN)
                event["value"], event["cell"] = some.part.values[:, at], cells
                event["outcome"] = y == code
                self._came[code] += int(np.count_nonzero(event["outcome"]))
                self._foreseen[code].add(event)

    def _rank(self, parts: Iterable[Predicted]) -> None:
        """Go through the rows in the order of the prediction, and of the chance of each class."""
        rows, cells = self.count, self.rows.blocks.cells
        by_slot = np.array([sums.kept for sums in self.sums])
        if rows < self.rows.rows:
            self._rank_anew(parts, by_slot)
        above = Events(
            [check.level for check in self.checks],
            [check.label_above for check in self.checks],
            rows=rows,
            cells=cells,
        )
        self.products = RankProducts(len(by_slot), cells)
        self.calibration = Calibration(rows)
        self.distribution = Distribution(rows, self.rows.standard.bin_edges)
        ranker = Ranker(by_slot, self.products, self.calibration)
        visit(self._judged, [ranker, self.distribution, above])
        for at, check in enumerate(self.checks):
            self.events.append(Event(f"outcome > {check.threshold_bps:g} bps", above, at))
        for code, foreseen in self._foreseen.items():
            came = Events([0.5], [self._came[code]], rows=rows, cells=cells)
            visit(foreseen, [came])
            self.events.append(Event(f"class {code:+g}", came, 0))

    def _rank_anew(self, parts: Iterable[Predicted], by_slot: np.ndarray) -> None:
        """Give the records the ranks that outcomes have among the rows that are kept."""
        folder = self.rows.folder
        with self._judged:
            outcomes, self._judged = Unordered(folder, TO_RANK), Unordered(folder, JUDGED)
        for some in self._of(parts):
            kept = some.kept()
            slots = kept.ranked["slots"]
            outcomes.add(to_rank(kept.part.outcome, slots, first=outcomes.count))
        order = InRowOrder(outcomes.count, folder)
        visit(outcomes, [Ranker(by_slot, order)])
        with order.ranked() as ranked:
            for some in self._of(parts):
                kept, first = some.kept(), self._judged.count
                anew = ranked.read(first, first + len(kept.cells))
                self._judged.add(replace(kept, ranked=anew).judged())

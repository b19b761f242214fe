"""What all runs are compared by: what train's label gives, and the rows of one split."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from alpha.core import parallel
from alpha.data.params import Label
from alpha.evaluate import distribution, metrics
from alpha.evaluate.bootstrap import LEAST_EFFECTIVE, Blocks, first_rows
from alpha.evaluate.figures import by_event, by_name
from alpha.evaluate.hindsight import Part, Parts, best_losses, by_row, days
from alpha.evaluate.inputs import Columns
from alpha.evaluate.metrics import Undefined, finite_or_none
from alpha.evaluate.params import Evaluate
from alpha.evaluate.ranking import Order
from alpha.learn.losses import Objective, near_mean_tolerance
from alpha.learn.params import Loss

REGIMES = ("low", "middle", "high")
DAY_NS = 86400 * 10**9


Apart = Sequence[tuple[str, slice | np.ndarray]]  # names of rows, a slice of them or (rows,) bool


class Regimes:
    """Cut points of past volatility between low, middle and high; or the reason of none."""

    def __init__(self, span_ns: int, volatility: np.ndarray) -> None:
        """The terciles of train's finite past volatility, (rows,), over a span of time."""
        finite = volatility[np.isfinite(volatility)]
        self.cuts: tuple[float, ...] = ()
        self.reason: str | None = None
        if span_ns < DAY_NS:
            self.reason = "train spans less than a day"
        elif not len(finite):
            self.reason = "no row of train has a past volatility"
        elif metrics.constant(finite):
            self.reason = "the past volatility of train is constant"
        else:
            self.cuts = tuple(np.quantile(finite, (1 / 3, 2 / 3), overwrite_input=True).tolist())

    def of(self, volatility: np.ndarray) -> np.ndarray:
        """The regime of each row, (rows,) int8; len(REGIMES), which is none, without a volatility
        or without cuts. A volatility at a cut is below it."""
        regime = np.searchsorted(self.cuts, volatility).astype(np.int8)
        regime[~np.isfinite(volatility) | (not self.cuts)] = len(REGIMES)
        return regime


class Standard:
    """Params, and what is fitted on train's outcomes, and nothing else."""

    def __init__(self, train: Columns, label: Label, loss: Loss, evaluate: Evaluate) -> None:
        """From train's rows, at least one."""
        self.label, self.evaluate = label, evaluate
        self.block_seconds = evaluate.bootstrap.block_horizons * label.horizon_seconds
        outcome, self.rows = train.outcome, len(train.outcome)
        self.block_means = self.means_of_blocks(train)
        with np.errstate(over="ignore", invalid="ignore"):
            self.objective = Objective.fit(outcome, label, loss)
        classes = self.objective.classes
        self.thresholds_bps = () if classes else evaluate.thresholds_bps
        self.mean, self.std = map(finite_or_none, (self.objective.mean, metrics.std(outcome)))
        # How far from the train mean a prediction still counts as near it.
        self.near_mean_tolerance = None if self.std is None else near_mean_tolerance(self.std)
        self.bin_edges = distribution.bin_edges(outcome, classes)
        self.regimes = Regimes(int(train.time_ns[-1] - train.time_ns[0]), train.volatility)
        self.reference = distribution.Reference(outcome, classes)

    def means_of_blocks(self, columns: Columns) -> np.ndarray:
        """The mean outcomes of blocks of time side by side, (blocks,)."""
        starts = first_rows(columns.time_ns, max(1, round(self.block_seconds * 1e9)))
        return np.add.reduceat(columns.outcome, starts[:-1]) / np.diff(starts)

    def near(self, score: np.ndarray) -> float:
        """How many of the predictions, (rows,), are near it. Raises Undefined if it overflowed."""
        if self.mean is None or self.near_mean_tolerance is None:
            raise Undefined("train's outcomes are too large for a mean and a standard deviation")
        with np.errstate(over="ignore", invalid="ignore"):
            return float(np.count_nonzero(np.abs(score - self.mean) <= self.near_mean_tolerance))


class SplitRows:
    """The rows of one split, the same for every run, and what is known of them.

    `days` has the rows of each UTC day, as the table names it, `regime` (rows,) each row's,
    `constant_by_cell` (cells,) the losses of train's best constant, `best_by_cell` those of the one
    that fits these rows (None if in too few blocks) and `best_total` their sum, `label` the label's
    own figures and `shift` those against train's; `digest` is of all times and outcomes.
    """

    def __init__(
        self, columns: Columns, standard: Standard, parts: Parts = (), apart: Apart = ()
    ) -> None:
        """`parts` are each fold's rows and loss, by default all and the standard's; the rows of
        `apart`, by name, are also looked at by themselves."""
        self.standard, objective = standard, standard.objective
        self.time_ns, self.outcome = time_ns, outcome = columns.time_ns, columns.outcome
        self.rows = rows = len(outcome)
        resampling = standard.evaluate.bootstrap.model_dump(exclude={"block_horizons"})
        constant = by_row([objective.constant], columns.symbol, rows)
        self.parts = parts or [Part(slice(0, rows), objective, constant)]
        resampling["parts"] = [part.rows.start for part in self.parts]
        self.blocks = Blocks(time_ns, standard.block_seconds, **resampling)
        losses = [of.loss.losses(outcome[of.rows], of.constant) for of in self.parts]
        self.constant_by_cell = self.blocks.by_cell(np.concatenate(losses))
        del losses  # what comes needs the memory
        best = best_losses(objective, self.parts, outcome, columns.symbol)
        self.best_total, by_cell = metrics.total(best), self.blocks.by_cell(best)
        few = self.blocks.reason or self.blocks.effective(by_cell) < LEAST_EFFECTIVE
        self.best_by_cell = None if few else by_cell
        # Why skill has no interval, or None if it has.
        self.skill_reason = self.blocks.reason
        if not self.skill_reason and self.blocks.effective(self.constant_by_cell) < LEAST_EFFECTIVE:
            spread = f"fewer than {LEAST_EFFECTIVE} blocks of time"
            self.skill_reason = f"the constant's loss falls into {spread}"
        block_means = standard.block_means, standard.means_of_blocks(columns)
        self.shift = distribution.shift(standard.reference, outcome, block_means)
        self.regime = standard.regimes.of(columns.volatility)
        starts = first_rows(time_ns, DAY_NS, 0)
        dates = (time_ns[starts[:-1]] // DAY_NS).astype("datetime64[D]")
        ends = map(slice, starts[:-1].tolist(), starts[1:].tolist())
        self.days = {f"day {date}": part for date, part in zip(dates, ends, strict=True)}
        order = Order(outcome)
        ascending = outcome[order.rows]
        quantiles = distribution.quantiles(ascending)
        counts = distribution.counts(ascending, standard.bin_edges)
        del ascending  # what comes needs the memory
        figures = {
            "rows": rows,
            "days": len(self.days),
            "observed_days": days(self.blocks),
            "zero_share": (rows - np.count_nonzero(outcome)) / rows if rows else None,
            "mean": finite_or_none(metrics.total(outcome) / rows) if rows else None,
            "std": finite_or_none(metrics.std(outcome)) if rows else None,
        }
        self.label = by_name(figures) + by_event("count", counts) + by_event("quantile", quantiles)
        self.ranks = self.ranks_of(order)
        hasher = hashlib.sha256(np.ascontiguousarray(time_ns, dtype="<i8").data)
        hasher.update(np.ascontiguousarray(outcome, dtype="<f8").data)
        self.digest = hasher.hexdigest()
        self.apart: dict[str, tuple[slice | np.ndarray, SplitRows]] = {}
        for name, those in apart:
            alone = list(_within(self.parts, those))
            self.apart[name] = those, SplitRows(columns.of(those), standard, alone)

    @property
    def regimes(self) -> dict[str, np.ndarray]:
        """The rows of each regime, (rows,) bool, as `days`; none without cuts."""
        names = REGIMES if self.standard.regimes.cuts else ()
        return {f"regime {name}": self.regime == code for code, name in enumerate(names)}

    def ranks_of(self, order: Order) -> list[np.ndarray]:
        """Centered ranks of a value, (rows,) int32 each: among all rows that have one, among those
        of a row's day, and of its regime."""
        lengths = [day.stop - day.start for day in self.days.values()]
        days = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
        parts = (None, days, self.regime)
        return parallel.each(lambda part: order.centered_ranks(self.rows, part), parts)


def _within(parts: Parts, those: slice | np.ndarray) -> Iterator[Part]:
    """The parts of some rows alone, a slice of them or (rows,) bool."""
    first = 0
    for rows, loss, constant in parts:
        if isinstance(those, slice):
            start, stop = max(rows.start, those.start), min(rows.stop, those.stop)
            kept: Any = slice(start - rows.start, max(start, stop) - rows.start)
        else:
            kept = those[rows]
        if len(own := constant[kept]):
            yield Part(slice(first, first := first + len(own)), loss, own)

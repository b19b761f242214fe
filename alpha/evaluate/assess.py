"""The figures of one run on one split, as rows of the table, and their resamples."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from alpha.core import parallel
from alpha.evaluate import distribution, metrics, ranking, thresholds
from alpha.evaluate.bootstrap import LEAST_BLOCKS, LEAST_EFFECTIVE, ratio
from alpha.evaluate.figures import Row, by_event, by_name
from alpha.evaluate.hindsight import Parts
from alpha.evaluate.inputs import Columns
from alpha.evaluate.over_seeds import Resamples, Widened, key
from alpha.evaluate.ranking import Order, RankedEvent
from alpha.evaluate.split_rows import SplitRows
from alpha.evaluate.thresholds import Check

_NOT_FINITE = "no prediction is finite"
# Losses are computed of so many rows at once, which bounds the memory.
_PART_ROWS = 1 << 18
_OF_SPLIT = (
    *("rows", "non_finite", "loss", "constant_loss", "skill", "hindsight", "explained_variance"),
    *("level_skill", "mse", "mae", "rank_ic"),
    *("std_ratio", "label_zero_share", "near_mean_share", "clipped", "replaced"),
)
_APART = ("rows", "loss", "skill", "hindsight", "rank_ic", "std_ratio")


class Assessed(NamedTuple):
    """One run on one split: `rows` of which the mean over seeds says something, and others that
    stand `alone`, all without model, seed and split; and the threshold checks, by τ in bps."""

    rows: list[Row]
    alone: list[Row]
    checks: dict[float, Check]
    resamples: Resamples


def scored(
    parts: Parts, outcome: np.ndarray, score: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Outcomes, scores, losses of the `values` and losses of the best constant, (rows,) each, by
    the loss of each part. The losses are the constant's where there is no score (NaN)."""
    found, of_constant = np.empty(len(outcome)), np.empty(len(outcome))
    for rows, objective, constant in parts:
        start, stop, _ = rows.indices(len(outcome))
        for first in range(start, stop, _PART_ROWS):
            part = slice(first, min(first + _PART_ROWS, stop))
            best = constant[part.start - start : part.stop - start]
            of_constant[part] = objective.losses(outcome[part], best)
            found[part] = objective.losses(outcome[part], values[part])
    np.copyto(found, of_constant, where=np.isnan(score))
    return outcome, score, found, of_constant


def figures_of_rows(
    products: tuple[int, int, int], columns: Sequence[np.ndarray]
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Loss, skill, rank IC and std ratio of some rows, and the reason of each that is None: from
    the `products` of their ranks, and what `scored` gives. Rows without a score (NaN) count in
    loss and skill, and in nothing else."""
    outcome, score, losses, constant_losses = columns
    keep = ~np.isnan(score)
    rows, kept = len(keep), int(np.count_nonzero(keep))
    # If nothing was predicted at all, loss and skill are of no rows.
    counted = rows if kept else 0
    total, of_constant = metrics.total(losses), metrics.total(constant_losses)
    constant = metrics.constant(outcome)
    # A mask would copy the rows.
    those = slice(None) if kept == rows else keep
    spread = metrics.std(outcome[those]), metrics.std(score[those])
    return metrics.defined(
        {
            "loss": lambda: metrics.mean(total, counted),
            "skill": lambda: metrics.skill(total, of_constant, counted, constant=constant),
            "rank_ic": lambda: ranking.spearman(products, kept),
            "std_ratio": lambda: metrics.std_ratio(*spread, kept),
        },
        instead=_NOT_FINITE if rows and not kept else None,
    )


def assess(split: SplitRows, predicted: Columns, counts: Mapping[str, int]) -> Assessed:
    """Every figure of one run on one split, with the `counts` of what its inputs had wrong.

    For loss and skill rows whose prediction is not finite stand for the best constant, so that to
    abstain gains nothing; of the other figures they are left out. A figure that is not defined has
    a reason, as have lists that are empty and intervals that are missing.
    """
    run, blocks, once = _Run(split, predicted), split.blocks, Widened(split.blocks, tries=1)
    rows, alone, checks, resamples = run.found
    standard, round_trip_bps = split.standard, split.standard.evaluate.round_trip_bps
    run.in_order()
    figures, reasons = run.of_all_rows()
    figures |= {"rows": split.rows, "non_finite": split.rows - run.kept, **counts}
    names = "skill", "hindsight", "rank_ic", "loss"
    ends = {name: once.ends(figures[name], resamples.get(name)) for name in names}
    rows[:0] = by_name({name: figures.get(name) for name in _OF_SPLIT}, reasons, ends)
    for place, those in (split.days | split.regimes).items():
        columns = run.scored(those)
        figures, reasons = figures_of_rows(run.products[place], columns)
        rows += by_name({"rows": len(columns[0])} | figures, reasons, slice=place)
    for place, (those, own) in split.apart.items():
        of_part = (row for row in assess(own, predicted.of(those), {}).rows if not row.slice)
        rows += [row._replace(slice=place) for row in of_part if row.figure in _APART]
    for threshold in standard.thresholds_bps:
        check, sums = thresholds.check(threshold, split, predicted.score)
        checks[threshold], after = check, None
        # Of fewer blocks a resample has all or nothing: that is one spell, however many windows.
        if blocks.reason is None and blocks.effective(sums[1]) >= LEAST_BLOCKS:
            acted = resamples[key("after_fees_bps", repr(threshold))] = blocks.sums(sums)
            after = thresholds.after_fees_resampled(acted, round_trip_bps=round_trip_bps)
        ends = {"after_fees_bps": once.ends(check["after_fees_bps"], after)}
        alone += by_name(check, ends=ends, event=repr(threshold))
    missing = run.missing | {
        "intervals": blocks.reason,
        "interval of skill": None if blocks.reason else split.skill_reason,
        "regimes": standard.regimes.reason,
        "thresholds": None if checks else "outcomes are classes, not returns",
        "calibration": None if run.kept else run.instead or "no rows",
    }
    rows += [Row(figure=name, reason=reason) for name, reason in missing.items() if reason]
    return run.found


class _Run:
    """One run's predictions of a split, and what its methods find."""

    def __init__(self, split: SplitRows, predicted: Columns) -> None:
        self.split, self.predicted, self.score = split, predicted, predicted.score
        self.kept_by_cell = split.blocks.by_cell(~np.isnan(self.score))
        self.kept = int(np.sum(self.kept_by_cell))
        # The reason of all figures, if there is nothing to compute them from.
        self.instead = _NOT_FINITE if split.rows and not self.kept else None
        # Of ranks, of all rows by "" and of each slice.
        self.products: dict[str, tuple[int, int, int]] = {}
        self.rank_sums: list[np.ndarray] = []
        self.found = Assessed([], [], {}, {})
        self.whole: tuple[np.ndarray, ...] = ()  # scored, of several parts
        self.missing: dict[str, str | None] = {}

    def in_order(self) -> None:
        """What the order of the predictions gives: products of ranks, distribution, calibration,
        and how they rank outcomes above each threshold, or each class but 0."""
        (rows, alone, *_), split, x = self.found, self.split, self.split.ranks
        if self.kept < split.rows:
            x = split.ranks_of(Order(np.where(np.isnan(self.score), np.nan, split.outcome)))
        order = Order(self.score)
        y = split.ranks_of(order)
        parts: list[Mapping[str, Any]] = [{"": slice(None)}, split.days, split.regimes]
        for of_x, of_y, slices in zip(x, y, parts, strict=True):
            for place, those in slices.items():
                self.products[place] = ranking.products(of_x[those], of_y[those])
        kept_by_cell, blocks = self.kept_by_cell, split.blocks
        self.rank_sums = ranking.rank_ic_statistics(x[0], y[0], kept_by_cell, blocks)
        ascending_ranks = y[0][order.rows]
        del x, y, of_x, of_y  # what comes needs the memory
        prediction, outcome = self.score[order.rows], split.outcome[order.rows]
        rows += by_event("prediction_quantile", distribution.quantiles(prediction))
        counts = distribution.counts(prediction, split.standard.bin_edges)
        rows += by_event("prediction_count", counts)
        deciles = distribution.calibration(prediction, outcome, ascending_ranks)
        for name, values in deciles.items():
            alone += by_event(f"calibration_{name}", dict(enumerate(values)))
        del prediction, outcome, ascending_ranks
        above = {
            f"outcome > {threshold:g} bps": split.outcome > threshold * thresholds.BPS
            for threshold in split.standard.thresholds_bps
        }
        self._events(order, above)
        del order, above
        for at, code in enumerate(split.standard.objective.classes):
            if code != 0:
                came = {f"class {code:+g}": split.outcome == code}
                self._events(Order(self.predicted.values[:, at]), came)

    def _events(self, order: Order, came: Mapping[str, np.ndarray]) -> None:
        """How well an order of the predictions ranks rows in which an event came, (rows,) bool."""
        blocks, cell = self.split.blocks, self.split.blocks.of_rows[order.rows]
        events = parallel.each(
            lambda event: RankedEvent(event[order.rows], order, cell, cells=blocks.cells),
            came.values(),
        )
        for name, ranked in zip(came, events, strict=True):
            found = {
                "base_rate": ranked.positives / self.kept if self.kept else None,
                "average_precision": ranked.average_precision,
                "decile_lift": ranked.decile_lift,
            }
            reason = ranked.reason and (self.instead or ranked.reason)
            self.found.rows.extend(by_name(found, dict.fromkeys(found, reason), event=name))
            if reason is None and blocks.effective(ranked.by_cell[:, 1]) < LEAST_EFFECTIVE:
                few = f"the event falls into fewer than {LEAST_EFFECTIVE} blocks of time"
                self.missing[f"interval of {name}"] = few
            elif reason is None and blocks.reason is None:
                sums = blocks.sums((*ranked.by_cell.T, self.kept_by_cell))
                of_statistic, of_event, of_top, both, rows = sums
                precisions = np.clip(ratio(of_statistic, of_event), 0.0, 1.0)
                self.found.resamples[key("average_precision", name)] = precisions
                lifts = ratio(ratio(both, of_top), ratio(of_event, rows))
                self.found.resamples[key("decile_lift", name)] = lifts

    def scored(self, rows: slice | np.ndarray) -> tuple[np.ndarray, ...]:
        columns, parts = (self.split.outcome, self.score, self.predicted.values), self.split.parts
        if len(parts) > 1:
            self.whole = self.whole or scored(parts, *columns)
            return tuple(column[rows] for column in self.whole)
        alone = parts[0]._replace(rows=slice(None), constant=parts[0].constant[rows])
        return scored([alone], *(column[rows] for column in columns))

    def of_all_rows(self) -> tuple[dict[str, float | None], dict[str, str]]:
        """Figures, and the reason of each that is None; after `in_order`."""
        split, kept, columns = self.split, self.kept, self.scored(slice(None))
        found, undefined = figures_of_rows(self.products[""], columns)
        by_cell, constant = split.blocks.by_cell(columns[2]), metrics.total(columns[3])
        losses, best = metrics.total(columns[2]), split.best_total
        del columns  # what comes needs the memory
        counted, same = split.rows if kept else 0, metrics.constant(split.outcome)
        with np.errstate(over="ignore", invalid="ignore"):
            error = split.outcome - self.score
            of_level = self._of_level(error, losses, constant) if counted and not same else {}
            np.abs(error, out=error)
            absolute, squared = np.nansum(error), np.nansum(np.square(error, out=error))
        zeros = split.rows - int(np.count_nonzero(split.outcome))
        others, reasons = metrics.defined(
            {
                "constant_loss": lambda: metrics.mean(constant, counted),
                "hindsight": lambda: metrics.skill(losses, best, counted, constant=same),
                "mse": lambda: metrics.mean(squared, kept),
                "mae": lambda: metrics.mean(absolute, kept),
                "label_zero_share": lambda: metrics.mean(zeros, split.rows),
                "near_mean_share": lambda: metrics.mean(split.standard.near(self.score), kept),
            },
            instead=self.instead,
        )
        of_losses = by_cell, split.constant_by_cell
        both = found | {"hindsight": others["hindsight"]}
        self.found.resamples.update(resampled(split, both, of_losses, self.rank_sums))
        return found | others | of_level, undefined | reasons

    def _of_level(
        self, error: np.ndarray, losses: float, of_constant: float
    ) -> dict[str, float | None]:
        """Squared error in two parts (Murphy 1988), of the level and of what tells rows apart, from
        errors (rows,), NaN where nothing was predicted, and the sums of the losses; of other
        losses nothing. `level_skill` is what of the skill is of the level."""
        split, objective = self.split, self.split.standard.objective
        rows, best = split.rows, split.best_total
        if objective.classes or objective.loss.name != "mse":
            return {}
        lost = np.isnan(error)
        each = ((lost[of.rows], split.outcome[of.rows], of.constant) for of in split.parts)
        abstained = [outcome[gone] - constant[gone] for gone, outcome, constant in each]
        of_bias = (np.nansum(error) + np.sum(np.concatenate(abstained))) ** 2 / rows
        parts = np.array([best - losses + of_bias, of_constant - best - of_bias])
        with np.errstate(divide="ignore"):
            parts /= (best, of_constant)
        names = "explained_variance", "level_skill"
        return dict(zip(names, map(metrics.finite_or_none, parts), strict=True))


def resampled(
    split: SplitRows,
    figures: Mapping[str, float | None],
    losses: Sequence[np.ndarray],
    rank_sums: Sequence[np.ndarray],
) -> Resamples:
    """Those of loss, skills and rank IC, as far as they are among the `figures` and have an
    interval: from losses and the constant's by cell, (cells,), and `rank_ic_statistics`."""
    blocks, found = split.blocks, {}
    if blocks.reason is not None:
        return {}
    if figures["loss"] is not None:
        best = split.best_by_cell if figures.get("hindsight") is not None else None
        every = (blocks.rows, *losses) if best is None else (blocks.rows, *losses, best)
        rows, of_loss, of_constant, *of_best = blocks.sums(every)
        found["loss"] = ratio(of_loss, rows)
        if figures["skill"] is not None and split.skill_reason is None:
            found["skill"] = 1.0 - ratio(of_loss, of_constant)
        if of_best:
            found["hindsight"] = 1.0 - ratio(of_loss, of_best[0])
    if figures["rank_ic"] is not None:
        found["rank_ic"] = ranking.rank_ic_resampled(blocks.sums(rank_sums))
    return found

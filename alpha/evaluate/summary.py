"""From what each run gives on each split to the table of figures, the ladder and the verdicts."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Label
from alpha.evaluate import figures, tables, verdict
from alpha.evaluate.assess import Resamples, fees_name
from alpha.evaluate.details import Details, Model, Shift, SplitFigures, Threshold
from alpha.evaluate.details import Label as LabelFigures
from alpha.evaluate.distribution import LEVELS
from alpha.evaluate.figures import Figures, Interval, Row
from alpha.evaluate.inputs import Trained
from alpha.evaluate.oracle import Known, OfSplit, Oracle
from alpha.evaluate.over_seeds import Widened, compare_to_baselines, difference, mean_resampled
from alpha.evaluate.params import Evaluate
from alpha.evaluate.params import Verdict as Limits
from alpha.evaluate.split_rows import Standard
from alpha.evaluate.thresholds import after_fees_resampled, meaning, pool, with_ends
from alpha.learn import history

_OF_RUN = (
    *("rows", "non_finite", "loss", "constant_loss", "skill", "mse", "mae", "rank_ic"),
    *("std_ratio", "label_zero_share", "near_mean_share", "clipped", "replaced"),
)
_OF_SLICE = ("rows", "loss", "skill", "rank_ic", "std_ratio")


@dataclass(frozen=True)
class Assessed:
    """One run, and its figures and resamples on every split."""

    run: Trained
    figures: dict[SplitName, SplitFigures]
    resamples: dict[SplitName, Resamples]


@dataclass(frozen=True)
class OnSplit:
    """What remains of a split when its rows are not needed any more."""

    label: LabelFigures
    digest: str
    skill_reason: str | None
    widened: Widened
    shift: Shift
    oracle: OfSplit


def write(
    folder: Path,
    assessed: Sequence[Assessed],
    *,
    standard: Standard,
    splits: Mapping[SplitName, OnSplit],
    known: Known | str,
    label: Label,
    evaluate: Evaluate,
    limits: Limits,
) -> None:
    """Write all files of an evaluation into `folder`, which exists and is empty."""
    round_trip_bps, test = 2 * evaluate.fees.taker_bps, splits["test"]
    by_model: dict[str, list[Assessed]] = {}
    for one in assessed:
        by_model.setdefault(one.run.model, []).append(one)
    models = list(by_model)
    runs = figures.table(row for one in assessed for row in _of_run(one))
    over = _with_ends(figures.over_seeds(runs), by_model, splits)
    checks = figures.table(_thresholds(by_model, splits, round_trip_bps))
    skills = Figures(over)
    on_test = {model: [one.resamples["test"] for one in runs] for model, runs in by_model.items()}
    skill = {model: skills.of(model)["skill"].value for model in models}

    def against(model: str, other: str) -> Interval:
        values, resamples = (skill[model], skill[other]), (on_test[model], on_test[other])
        return difference(values, resamples, test.widened, test.skill_reason)

    rungs = compare_to_baselines(
        models,
        {split: {model: skills.of(model, split)["skill"] for model in models} for split in SPLITS},
        against,
    )
    best = Oracle.of(known, {split: one.oracle for split, one in splits.items()})
    others = [
        *_of_label(assessed[0], splits),
        *(
            _row("oracle", figure, interval, split)
            for figure in ("skill", "rank_ic")
            for split, interval in getattr(best.figures, figure).items()
        ),
        *(_row(rung.model, "skill_difference", by) for rung, by in rungs),
        *(
            _row(model, "oracle_share", best.share(skill[model], on_test[model], test.widened))
            for model in models
        ),
        *_over_days(skills, models),
    ]
    alone = figures.table(row for one in assessed for row in _of_run_alone(one))
    every = [figures.table(others), over, checks, runs, alone]
    found = Figures(pd.concat(every, ignore_index=True))
    about: dict[str, Any] = {
        "loss": standard.objective.words,
        "threshold_meaning": meaning(label),
        "round_trip_bps": round_trip_bps,
        "level": evaluate.bootstrap.level,
        "tries": evaluate.tries,
    }

    def judge(model: str) -> Model:
        seeds = by_model[model]
        judged = verdict.judge(
            {split: found.of(model, split) for split in SPLITS},
            limits=limits,
            shift=[splits[split].shift for split in SPLITS[1:]],
            oracle=best.figures,
            seeds=len(seeds),
            classes=bool(standard.objective.classes),
            **about,
        )
        configuration = _configuration([one.run.configuration for one in seeds])
        numbers = [one.run.seed for one in seeds]
        return Model(seeds=numbers, configuration=configuration, verdict=judged)

    details = Details(
        models=models,
        runs=[one.run.name for one in assessed],
        classes=list(standard.objective.classes),
        train_rows=standard.rows,
        train_mean=standard.mean,
        train_std=standard.std,
        tolerance=standard.near_mean_tolerance,
        bin_edges=standard.bin_edges.tolist(),
        regime_cuts=list(standard.regimes.cuts),
        resamples=evaluate.bootstrap.resamples,
        block_seconds=test.widened.blocks.seconds,
        test_digest=test.digest,
        oracle_reason=best.figures.reason,
        ladder=[rung for rung, _ in rungs],
        by_model={model: judge(model) for model in models},
        figures=found,
        **about,
    )
    tables.write(folder, details, {one.run.name: one.run.history for one in assessed})


def _row(model: str, figure: str, found: Interval, split: str = "test") -> Row:
    return Row(model=model, split=split, figure=figure, **found._asdict())


def _of_run(one: Assessed) -> Iterator[Row]:
    """The figures of a run of which the mean over seeds says something."""
    of_run = partial(Row, model=one.run.model, seed=one.run.seed)
    yield from _listed(partial(of_run, split="valid"), "importance", one.run.importance.items())
    for split, found in one.figures.items():
        at, why = partial(of_run, split=split), dict(found.undefined)
        for name in _OF_RUN:
            row = at(figure=name, value=getattr(found, name), reason=why.pop(name, None))
            ends = found.intervals.get(name)
            yield row._replace(low=ends.low, high=ends.high) if ends else row
        # Without rows there are no quantiles.
        quantiles = zip(LEVELS, found.prediction_quantiles, strict=False)
        yield from _listed(at, "prediction_quantile", quantiles)
        yield from _listed(at, "prediction_count", enumerate(found.prediction_counts))
        for event in found.events:
            its = partial(at, event=event.name, reason=why.pop(event.name, None))
            for name in ("base_rate", "average_precision", "decile_lift"):
                yield its(figure=name, value=getattr(event, name))
        slices = [(f"day {day.name}", day) for day in found.days]
        slices += [(f"regime {regime.name}", regime) for regime in found.regimes]
        for place, part in slices:
            for name in _OF_SLICE:
                value, reason = getattr(part, name), part.undefined.get(name)
                yield at(slice=place, figure=name, value=value, reason=reason)
        for name, reason in why.items():
            yield at(figure=name, reason=reason)


def _of_run_alone(one: Assessed) -> Iterator[Row]:
    """The other figures of a run."""
    of_run = partial(Row, model=one.run.model, seed=one.run.seed)
    yield of_run(split="train", figure="epochs", value=history.epochs(one.run.history))
    yield of_run(split="train", figure="best_epoch", value=history.best_epoch(one.run.history))
    for split, found in one.figures.items():
        at = partial(of_run, split=split)
        for name in ("rows", "prediction", "outcome"):
            values = [getattr(decile, name) for decile in found.calibration]
            yield from _listed(at, f"calibration_{name}", enumerate(values))
        for check in found.thresholds:
            yield from _of_check(at, check)


def _listed(
    at: partial[Row], figure: str, values: Iterable[tuple[Any, float | None]]
) -> Iterator[Row]:
    """A figure's value at each event."""
    return (at(figure=figure, event=str(event), value=value) for event, value in values)


def _of_check(at: partial[Row], check: Threshold) -> Iterator[Row]:
    found = check.model_dump()
    event = repr(found.pop("threshold_bps"))
    low, high = found.pop("after_fees_low_bps"), found.pop("after_fees_high_bps")
    for name, value in found.items():
        row = at(figure=name, event=event, value=value)
        yield row._replace(low=low, high=high) if name == "after_fees_bps" else row


def _of_label(one: Assessed, splits: Mapping[SplitName, OnSplit]) -> Iterator[Row]:
    """The label on each split, and its shift from train's."""
    for split, on in splits.items():
        at = partial(Row, model="label", split=split)
        for name, value in on.label.model_dump(exclude={"counts"}).items():
            yield at(figure=name, value=value)
        yield from _listed(at, "count", enumerate(on.label.counts))
        quantiles = zip(LEVELS, one.figures[split].label_quantiles, strict=False)
        yield from _listed(at, "quantile", quantiles)
        for name in ("psi", "ks", "p_value", "blocks") if split != "train" else ():
            yield at(figure=name, value=getattr(on.shift, name), reason=on.shift.reason)


def _with_ends(
    over: pd.DataFrame,
    by_model: Mapping[str, Sequence[Assessed]],
    splits: Mapping[SplitName, OnSplit],
) -> pd.DataFrame:
    """The means over seeds with the ends of those that have resamples."""
    for at, row in over[over["slice"] == ""].iterrows():
        name = f"{row['figure']} of {row['event']}" if row["event"] else row["figure"]
        resamples = [seed.resamples[row["split"]] for seed in by_model[row["model"]]]
        if pd.notna(row["value"]) and (mean := mean_resampled(resamples, name)) is not None:
            over.loc[at, ["low", "high"]] = splits[row["split"]].widened.ends(row["value"], mean)
    return over


def _thresholds(
    by_model: Mapping[str, Sequence[Assessed]],
    splits: Mapping[SplitName, OnSplit],
    round_trip_bps: float,
) -> Iterator[Row]:
    """The threshold checks of all seeds' rows together."""
    for model, seeds in by_model.items():
        for split, on in splits.items():
            resamples = [seed.resamples[split] for seed in seeds]
            for checks in zip(*(seed.figures[split].thresholds for seed in seeds), strict=True):
                pooled = pool(checks, round_trip_bps=round_trip_bps)
                name = fees_name(pooled.threshold_bps)
                acted = [seed[name] for seed in resamples if name in seed]
                # A seed that acts in too few blocks would hide behind the others.
                if len(acted) >= max(1, sum(check.prediction_above > 0 for check in checks)):
                    together = np.sum(acted, axis=0)
                    after = after_fees_resampled(together, round_trip_bps=round_trip_bps)
                    pooled = with_ends(pooled, on.widened.ends(pooled.after_fees_bps, after))
                yield from _of_check(partial(Row, model=model, split=split), pooled)


def _over_days(skills: Figures, models: Iterable[str]) -> Iterator[Row]:
    """The mean and the spread over days of each day's rank IC."""
    for model in models:
        for split in SPLITS:
            days = [day["rank_ic"].value for day in skills.of(model, split).slices("day")]
            known = [value for value in days if value is not None]
            at = partial(Row, model=model, split=split)
            if len(known) < 2:
                yield at(figure="rank_ic_days", reason="fewer than two days have a rank IC")
                continue
            spread = 0.0 if min(known) == max(known) else float(np.std(known, ddof=1))
            yield at(figure="rank_ic_days", value=float(np.mean(known)))
            yield at(figure="rank_ic_days_spread", value=spread)


def _configuration(of_runs: Sequence[str]) -> str:
    """One for the seeds of a model: theirs if it is the same, else a digest of the different."""
    first, *others = distinct = sorted(set(of_runs))
    return hashlib.sha256("\n".join(distinct).encode()).hexdigest() if others else first

"""The step: what every run's predictions are worth on every split. In memory are the rows of one
split, what one run predicts of them, and the resampled figures of every run."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from alpha.audit import findings
from alpha.core.artifacts import MADE_FROM, read_json, read_manifest, whole_folder
from alpha.core.errors import InputError
from alpha.core.text import track
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Label
from alpha.data.splits import splits_digest
from alpha.evaluate import figures, folds, inputs, oracle, over_time, tables
from alpha.evaluate.assess import Assessed, assess
from alpha.evaluate.details import Details, Model
from alpha.evaluate.figures import Figures, Interval, Row, by_event, by_name
from alpha.evaluate.hindsight import power
from alpha.evaluate.over_seeds import Widened, compare_to_baselines, difference, key, mean_resampled
from alpha.evaluate.params import Evaluate
from alpha.evaluate.params import Verdict as Limits
from alpha.evaluate.split_rows import SplitRows, Standard
from alpha.evaluate.thresholds import after_fees_resampled, meaning, pool
from alpha.evaluate.verdict import judge
from alpha.learn import history
from alpha.learn.params import Loss

# A model's seeds, or a run's paths, on each split.
OfSeeds = Mapping[tuple[str, SplitName], Sequence[Assessed]]
Intervals = Mapping[SplitName, Widened]


def run(
    label: Label,
    loss: Loss,
    evaluate: Evaluate,
    limits: Limits,
    *,
    runs: list[str],
    features: Path,
    audit: Path,
    splits: Path,
    models: Path,
    predictions: Path,
    out: Path,
    trade: Path | None = None,
) -> None:
    """Evaluate `runs`, named model-seed and lowest rung first, and write the folder `out`.

    Reads the audit's findings.json, paths.json of `splits`, of each fold and run history.csv,
    model.json and perhaps importance.json, its {split}.h5 and inputs.json, the same of a matched
    MLP in matched_mlp/, and perhaps features/oracle/ and figures.csv of `trade`. Raises InputError,
    naming the file, where one is missing, of another format, or of other rows than a run before,
    or where what was made from what does not fit together.
    """
    audited, (paths, numbers) = findings.read(audit), folds.read(splits)
    if audited.splits != splits_digest(splits):
        raise InputError(f"{audit}: must be of the splits in {splits}, found others; audit again")
    leaks = audited.leaks
    given = inputs.check_predictions(predictions, product(numbers, runs), splits, label, models)
    traded = None if trade is None else read_manifest(trade / MADE_FROM).get("predictions")
    if traded not in (None, given):
        must = f"must be trades on the predictions in {predictions}"
        raise InputError(f"{trade}: {must}, found those on others; trade again")
    trained = inputs.trained(runs, numbers, models=models, predictions=predictions)
    pools = folds.pools(paths, numbers, trained[0], label, loss)
    symbols = [*enumerate(inputs.symbols(trained[0].file(numbers[0], "test")))]
    symbols = symbols if symbols[1:] else []
    blocks = enumerate(pools["test"][0].files if numbers[1:] else ())
    names = [f"block {at}" if paths[1:] else f"fold {fold}" for at, (fold, _) in blocks]
    known = oracle.read(features, label, loss, read_json(splits / "paths.json").get("features"))
    of_label: list[Row] = []
    widened: dict[SplitName, Widened] = {}
    oracles: dict[SplitName, oracle.OfSplit] = {}
    assessed: dict[tuple[str, SplitName], list[Assessed]] = defaultdict(list)
    each = [(split, pool, one) for split in SPLITS for pool in pools[split] for one in trained]
    with whole_folder(out) as part:
        for split, pool, one in track(each, "evaluate", total=len(each)):
            if one is trained[0]:
                predicted = folds.read_pool(pool, one, split, label)
                if split == "train":
                    standard = Standard(predicted, label, loss, evaluate)
                parts, apart = pool.split_parts(predicted), list[Any]()
                if split == "test":
                    apart = [(name, of.rows) for name, of in zip(names, parts, strict=False)]
                    apart += ((f"symbol {of}", predicted.symbol == at) for at, of in symbols)
                rows = SplitRows(predicted, standard, parts, apart)
                # Past volatility has become regimes.
                predicted = replace(predicted, volatility=np.empty(0))
            else:
                same_as = trained[0], rows.time_ns, rows.outcome
                predicted = folds.read_pool(pool, one, split, label, same_as)
            if one is trained[0] and pool is pools[split][0]:
                of_split = rows.label if split == "train" else rows.label + rows.shift
                of_label += (row._replace(model="label", split=split) for row in of_split)
                widened[split] = Widened(rows.blocks, evaluate.tries, rows.skill_reason)
                oracles[split] = oracle.of_split(known, rows, widened[split])
                digest, starts = rows.digest, [rows.time_ns[of.rows.start] for of in rows.parts]
            found = assess(rows, predicted, dict(one.counts[split]))
            assessed[one.name, split].append(found)
            if split == SPLITS[-1]:
                found.rows.extend(over_time.figures(rows, predicted.score))
            del predicted  # what is read next needs the memory
            if one is trained[-1]:
                del rows
        details = _assemble(trained, standard, of_label, assessed, widened, oracles)
        details.test_digest, details.paths = digest, len(paths)
        details.predictions = given
        details.starts = np.datetime_as_string(np.array(starts, "datetime64[ns]"), "s").tolist()
        if trade is not None:
            both = details.figures.table, figures.read(trade / figures.NAME).table
            details.figures = Figures(pd.concat(both, ignore_index=True))
        details.oracle_reason = known if isinstance(known, str) else None
        for model in details.models:
            seeds = {one.seed: one.configurations for one in trained if one.model == model}
            details.by_model[model] = Model(
                seeds=list(seeds),
                configuration=_configuration(chain(*seeds.values())),
                verdict=judge(details, model, seeds=len(seeds), limits=limits, leaks=leaks),
            )
        tables.write(part, details, {one.name: one.history for one in trained})


def _assemble(
    trained: Sequence[inputs.Trained],
    standard: Standard,
    of_label: Sequence[Row],
    assessed: OfSeeds,
    widened: Intervals,
    oracles: Mapping[SplitName, oracle.OfSplit],
) -> Details:
    """The table of figures of every run `assessed` on every split, and what stands beside it; all
    but verdicts, the digest of test and why there is no oracle."""
    evaluate = standard.evaluate
    names = list(dict.fromkeys(one.model for one in trained))
    of_seeds = {
        (of, split): [*chain(*(assessed[one.name, split] for one in trained if one.model == of))]
        for of, split in product(names, SPLITS)
    }
    of_runs, alone = _of_runs(trained, assessed)
    over = _over_seeds(of_runs, of_seeds, widened)
    skills, test = Figures(over), widened["test"]
    resamples = {name: [one.resamples for one in of_seeds[name, "test"]] for name in names}
    skill, hindsight = (
        {one: (skills.of(one)[what].value, mean_resampled(resamples[one], what)) for one in names}
        for what in ("skill", "hindsight")
    )
    varying = [name for name in names if not skills.of(name).constant]
    best = skills.best(names, "valid") or names[0]
    could = [by_name(power(*hindsight[name], test), model=name, split="test") for name in varying]
    rungs = compare_to_baselines(
        names, skills, lambda one, other: difference(skill[one], skill[other], test)
    )
    shares = [(name, oracle.share(oracles["test"], *skill[name], test)) for name in names]
    lower = names[: names.index(best)]
    others = [
        *of_label,
        *(_row("oracle", "skill", best.skill, split) for split, best in oracles.items()),
        *(_row("oracle", "rank_ic", best.rank_ic, split) for split, best in oracles.items()),
        *(_row(rung.model, "skill_difference", by) for rung, by in rungs),
        *(_row(name, "oracle_share", share) for name, share in shares),
        *(_row(of, "best_difference", difference(skill[best], skill[of], test)) for of in lower),
        *chain.from_iterable(could),
        *_over_days(skills, names),
        *_over_folds(skills, names),
    ]
    checks = _pooled(of_seeds, widened, evaluate.round_trip_bps)
    every = [figures.table(others), over, figures.table(checks), of_runs, alone]
    return Details(
        models=names,
        runs=[one.name for one in trained],
        loss=standard.objective.words,
        classes=list(standard.objective.classes),
        train_rows=standard.rows,
        train_mean=standard.mean,
        train_std=standard.std,
        tolerance=standard.near_mean_tolerance,
        bin_edges=standard.bin_edges.tolist(),
        regime_cuts=list(standard.regimes.cuts),
        round_trip_bps=evaluate.round_trip_bps,
        threshold_meaning=meaning(standard.label),
        level=evaluate.bootstrap.level,
        tries=evaluate.tries,
        resamples=evaluate.bootstrap.resamples,
        block_seconds=standard.block_seconds,
        test_digest="",
        oracle_reason=None,
        ladder=[rung for rung, _ in rungs],
        by_model={},
        figures=Figures(pd.concat(every, ignore_index=True)),
    )


def _row(model: str, figure: str, found: Interval, split: str = "test") -> Row:
    return Row(model=model, split=split, figure=figure, **found._asdict())


def _of_runs(
    trained: Sequence[inputs.Trained], assessed: OfSeeds
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The figures of runs of which the mean over seeds says something, and the others."""
    rows: list[Row] = []
    alone: list[Row] = []
    for one in trained:
        of_run: dict[str, Any] = {"model": one.model, "seed": one.seed}
        for fold, lost in enumerate(one.importance):
            at = of_run | {"split": "valid", "fold": fold}
            rows += by_event("importance", lost.families, **at)
            rows += by_event("feature_importance", lost.features, **at)
        rows += by_name({"diverged_epochs": history.diverged(one.history)}, split="train", **of_run)
        epochs = history.epochs(one.history), history.best_epoch(one.history)
        both = dict(zip(("epochs", "best_epoch"), epochs, strict=True))
        alone += by_name(both, split="train", **of_run)
        for split in SPLITS:
            for path, found in enumerate(assessed[one.name, split]):
                at = of_run | {"split": split, "fold": path}
                rows += (row._replace(**at) for row in found.rows)
                alone += (row._replace(**at) for row in found.alone)
    return figures.table(rows), figures.table(alone)


def _over_seeds(of_runs: pd.DataFrame, of_seeds: OfSeeds, widened: Intervals) -> pd.DataFrame:
    """The means over seeds, with the ends of those that have resamples."""
    over = figures.over_seeds(of_runs)
    for at, row in over[(over["slice"] == "") & over["value"].notna()].iterrows():
        resamples = [seed.resamples for seed in of_seeds[row["model"], row["split"]]]
        mean = mean_resampled(resamples, key(row["figure"], row["event"]))
        if mean is not None:
            over.loc[at, ["low", "high"]] = widened[row["split"]].ends(row["value"], mean)
    return over


def _pooled(of_seeds: OfSeeds, widened: Intervals, round_trip_bps: float) -> Iterator[Row]:
    """The threshold checks of all seeds' rows together."""
    for (model, split), seeds in of_seeds.items():
        for threshold in seeds[0].checks:
            checks, event = [seed.checks[threshold] for seed in seeds], repr(threshold)
            pooled, name = pool(checks, round_trip_bps=round_trip_bps), key("after_fees_bps", event)
            acted = [seed.resamples[name] for seed in seeds if name in seed.resamples]
            after = None
            # A seed that acts in too few blocks would hide behind the others.
            if len(acted) >= max(1, sum(check["prediction_above"] != 0 for check in checks)):
                together = np.sum(acted, axis=0)
                after = after_fees_resampled(together, round_trip_bps=round_trip_bps)
            ends = {"after_fees_bps": widened[split].ends(pooled["after_fees_bps"], after)}
            yield from by_name(pooled, ends=ends, model=model, split=split, event=event)


def _over_days(skills: Figures, models: Iterable[str]) -> Iterator[Row]:
    """The mean and the spread over days of each day's rank IC."""
    for model, split in product(models, SPLITS):
        days = [day["rank_ic"].value for day in skills.of(model, split).slices("day")]
        known = [value for value in days if value is not None]
        found: dict[str, float | None] = {"rank_ic_days": None}
        if len(known) > 1:
            spread = 0.0 if min(known) == max(known) else float(np.std(known, ddof=1))
            found = {"rank_ic_days": float(np.mean(known)), "rank_ic_days_spread": spread}
        few = None if len(known) > 1 else "fewer than two days have a rank IC"
        yield from by_name(found, {"rank_ic_days": few}, model=model, split=split)


def _over_folds(skills: Figures, models: Iterable[str]) -> Iterator[Row]:
    """In how many of test's blocks, if there are several, a skill is above 0, and its interval."""
    for model in models:
        found = [one["skill"] for one in skills.of(model).folds]
        positive = sum((one.value or 0.0) > 0 for one in found)
        proven = sum(one.least > 0 for one in found)
        counts = {"folds": len(found), "folds_positive": positive, "folds_proven": proven}
        yield from by_name(counts if found else {}, model=model, split="test")


def _configuration(of_runs: Iterable[str]) -> str:
    """One for a model's seeds and folds: theirs if it is the same, else a digest of all."""
    first, *others = distinct = sorted(set(of_runs))
    return hashlib.sha256("\n".join(distinct).encode()).hexdigest() if others else first

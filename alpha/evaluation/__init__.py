"""Evaluation: what every run's predictions are worth on every split.

One run and one split are in memory at a time, and of each the resampled figures. `metrics.json`
is the headline for `dvc metrics`, `details.json` has every figure, and the CSV files are for
`dvc plots`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpha.artifacts import whole_folder
from alpha.errors import InputError
from alpha.evaluation import history, inputs, ladder, oracle, shift, tables, verdict
from alpha.evaluation.assess import Knobs, Resamples, assess
from alpha.evaluation.details import Details, Interval, Model, Run, SplitFigures
from alpha.evaluation.inputs import Predicted, Trained
from alpha.evaluation.oracle import Oracle
from alpha.evaluation.over_seeds import Widened, model_split, over_seeds, skill_difference
from alpha.evaluation.quantiles import LEVELS
from alpha.evaluation.rows import SplitRows, Standard
from alpha.evaluation.thresholds import meaning
from alpha.objective import classes
from alpha.params import SPLITS, Evaluate, Label, Loss, SplitName
from alpha.params import Verdict as Limits
from alpha.progress import track


def run(
    label: Label,
    loss: Loss,
    evaluate: Evaluate,
    limits: Limits,
    *,
    runs: list[str],
    features: Path,
    models: Path,
    predictions: Path,
    out: Path,
) -> None:
    """Evaluate `runs`, named model-seed and lowest rung first, and write the folder `out`.

    Reads of each run models/{run}/ history.csv, model.json and importance.json if there is one,
    predictions/{run}/{split}.h5 and inputs.json; the same of a rival in the subfolder rival/;
    and features/oracle/ if there is one. Raises InputError, naming the file, where one is
    missing, is not of its format, or holds other rows than the runs before it.
    """
    found = inputs.trained(runs, models=models, predictions=predictions)
    known = oracle.read(features, label, loss)
    codes = classes(label)
    knobs = Knobs(
        thresholds_bps=() if codes else evaluate.thresholds_bps,
        round_trip_bps=2 * evaluate.fees.taker_bps,
        horizon_ns=label.horizon_ns,
    )
    same = _SameRows(label, loss, evaluate)
    assessed: dict[str, _Assessed] = {}
    for each in track(found, "evaluate", total=len(found)):
        one = assessed[each.name] = _Assessed(each, {}, {})
        for split in SPLITS:
            predicted = inputs.predicted(each, split, classes=codes)
            rows = same.rows(split, predicted)
            counts = getattr(each.counts, split)
            one.figures[split], one.resamples[split] = assess(
                rows,
                predicted.prediction,
                knobs,
                clipped=counts.clipped,
                replaced=counts.replaced,
            )
    details = _details(
        list(assessed.values()), same.splits, known, label, evaluate, limits, knobs.round_trip_bps
    )
    with whole_folder(out) as part:
        tables.write(part, details, {name: one.run.history for name, one in assessed.items()})


@dataclass(frozen=True)
class _Assessed:
    """One run, and its figures and resamples on every split."""

    run: Trained
    figures: dict[SplitName, SplitFigures]
    resamples: dict[SplitName, Resamples]


class _SameRows:
    """Runs are compared with each other, so their predictions must be of the same rows."""

    def __init__(self, label: Label, loss: Loss, evaluate: Evaluate) -> None:
        self._fitted = label, loss
        self._bootstrap = evaluate.bootstrap
        self._first: dict[SplitName, Path] = {}
        self._standard: Standard | None = None
        self.splits: dict[SplitName, SplitRows] = {}

    def rows(self, split: SplitName, found: Predicted) -> SplitRows:
        """The rows of `split`, of which train is the first. Raises InputError if others."""
        arrays = found.time_ns, found.outcome, found.volatility
        if self._standard is None:
            self._standard = Standard.fit(*arrays, *self._fitted)
        rows = SplitRows.of(
            *arrays,
            standard=self._standard,
            knobs=self._bootstrap,
            horizon_seconds=self._fitted[0].horizon_seconds,
        )
        earlier = self.splits.setdefault(split, rows)
        path = self._first.setdefault(split, found.path)
        if rows.digest != earlier.digest:
            raise InputError(
                f"{found.path}: must hold the same times and outcomes as {path}, found others"
            )
        return earlier


def _details(
    assessed: Sequence[_Assessed],
    splits: Mapping[SplitName, SplitRows],
    known: oracle.Known | str,
    label: Label,
    evaluate: Evaluate,
    limits: Limits,
    round_trip_bps: float,
) -> Details:
    standard, test = splits["train"].standard, splits["test"]
    widened = {split: Widened(rows.blocks, evaluate.tries) for split, rows in splits.items()}
    by_model: dict[str, list[_Assessed]] = {}
    for one in assessed:
        by_model.setdefault(one.run.model, []).append(one)
    over = {
        model: {
            split: model_split(
                [seed.figures[split] for seed in seeds],
                [seed.resamples[split] for seed in seeds],
                widened[split],
                round_trip_bps=round_trip_bps,
            )
            for split in SPLITS
        }
        for model, seeds in by_model.items()
    }
    judged = Oracle.judge(known, splits, widened)
    shifts = [
        shift.compare(
            split,
            splits["train"].outcome,
            splits[split].outcome,
            train_blocks=splits["train"].block_means,
            blocks=splits[split].block_means,
            classes=standard.objective.classes,
        )
        for split in SPLITS[1:]
    ]

    def on_test(model: str) -> list[Resamples]:
        return [seed.resamples["test"] for seed in by_model[model]]

    def difference(model: str, against: str) -> Interval:
        return skill_difference(
            (over[model]["test"].skill.mean, over[against]["test"].skill.mean),
            (on_test(model), on_test(against)),
            widened["test"],
            test.skill_reason,
        )

    return Details(
        models=list(by_model),
        runs=[one.run.name for one in assessed],
        loss=standard.objective.words,
        classes=list(standard.objective.classes),
        train_rows=standard.rows,
        train_mean=standard.mean,
        train_std=standard.std,
        hair=standard.hair,
        quantile_levels=list(LEVELS),
        bin_edges=standard.bin_edges.tolist(),
        regime_cuts=list(standard.regimes.cuts),
        round_trip_bps=round_trip_bps,
        threshold_meaning=meaning(label),
        level=evaluate.bootstrap.level,
        tries=evaluate.tries,
        resamples=evaluate.bootstrap.resamples,
        block_seconds=test.blocks.seconds,
        test_digest=test.digest,
        labels={split: rows.label for split, rows in splits.items()},
        shift=shifts,
        oracle=judged.figures,
        ladder=ladder.climb(
            list(by_model),
            {split: {model: over[model][split].skill for model in over} for split in SPLITS},
            difference,
        ),
        by_run={one.run.name: _run(one) for one in assessed},
        by_model={
            model: Model(
                seeds=[seed.run.seed for seed in seeds],
                configuration=_configuration([seed.run.configuration for seed in seeds]),
                splits=over[model],
                importance={
                    family: over_seeds([seed.run.importance.get(family) for seed in seeds])
                    for family in dict.fromkeys(
                        name for seed in seeds for name in seed.run.importance
                    )
                },
                oracle_share=judged.share(
                    over[model]["test"].skill.mean, on_test(model), widened["test"]
                ),
                verdict=verdict.judge(
                    over[model],
                    limits=limits,
                    shift=shifts,
                    oracle=judged.figures,
                    loss=standard.objective.words,
                    threshold_meaning=meaning(label),
                    round_trip_bps=round_trip_bps,
                    level=evaluate.bootstrap.level,
                    tries=evaluate.tries,
                    seeds=len(seeds),
                    classes=bool(standard.objective.classes),
                ),
            )
            for model, seeds in by_model.items()
        },
    )


def _run(one: _Assessed) -> Run:
    return Run(
        model=one.run.model,
        seed=one.run.seed,
        epochs=history.epochs(one.run.history),
        best_epoch=history.best_epoch(one.run.history),
        importance=one.run.importance,
        splits=one.figures,
    )


def _configuration(of_runs: Sequence[str]) -> str:
    """One for the seeds of a model: theirs if it is the same, else a digest of the different."""
    distinct = sorted(set(of_runs))
    if len(distinct) == 1:
        return distinct[0]
    return hashlib.sha256("\n".join(distinct).encode()).hexdigest()

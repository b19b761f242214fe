"""The step: what every run's predictions are worth on every split.

In memory are the rows of one split, what one run predicts of them, and the resampled figures of
every run. `metrics.json` is the headline for `dvc metrics`, `details.json` has every figure, and
the CSV files are for `dvc plots`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alpha.core.artifacts import whole_folder
from alpha.core.progress import track
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Label, classes
from alpha.evaluate import inputs, ladder, oracle, shift, tables, verdict
from alpha.evaluate.assess import Parameters, Resamples, assess
from alpha.evaluate.details import Details, Interval, Model, Run, Shift, SplitFigures
from alpha.evaluate.details import Label as LabelFigures
from alpha.evaluate.distribution import LEVELS
from alpha.evaluate.inputs import Columns, PredictionFile, Trained
from alpha.evaluate.oracle import OfSplit, Oracle
from alpha.evaluate.over_seeds import Widened, model_split, over_seeds, skill_difference
from alpha.evaluate.params import Evaluate
from alpha.evaluate.params import Verdict as Limits
from alpha.evaluate.split_rows import SplitRows, Standard
from alpha.evaluate.thresholds import meaning
from alpha.learn import history
from alpha.learn.params import Loss


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
    parameters = Parameters(
        thresholds_bps=() if classes(label) else evaluate.thresholds_bps,
        round_trip_bps=2 * evaluate.fees.taker_bps,
        horizon_ns=label.horizon_ns,
    )
    assessed = {each.name: _Assessed(each, {}, {}) for each in found}
    pairs = [(split, each) for split in SPLITS for each in found]
    judged = _Judge(label, loss, evaluate, known)
    with whole_folder(out) as part:
        for split, each in track(pairs, "evaluate", total=len(pairs)):
            rows, predicted = judged.read(each, split)
            counts = getattr(each.counts, split)
            one = assessed[each.name]
            one.figures[split], one.resamples[split] = assess(
                rows, predicted, parameters, clipped=counts.clipped, replaced=counts.replaced
            )
            # Or this run's would be in memory while the next run's are read.
            del rows, predicted
        details = _details(
            list(assessed.values()), judged, label, evaluate, limits, parameters.round_trip_bps
        )
        (part / "figures.csv").write_text("model\n")
        tables.write(part, details, {name: one.run.history for name, one in assessed.items()})


@dataclass(frozen=True)
class _Assessed:
    """One run, and its figures and resamples on every split."""

    run: Trained
    figures: dict[SplitName, SplitFigures]
    resamples: dict[SplitName, Resamples]


@dataclass(frozen=True)
class _Split:
    """What remains of a split when its rows are not needed any more."""

    label: LabelFigures
    digest: str
    skill_reason: str | None
    widened: Widened
    shift: Shift
    oracle: OfSplit


class _Judge:
    """What runs are judged by: the rows of one split at a time, the same for every run, and
    what was found of the splits before."""

    def __init__(
        self, label: Label, loss: Loss, evaluate: Evaluate, known: oracle.Known | str
    ) -> None:
        self._label, self._loss, self._evaluate = label, loss, evaluate
        self.known = known
        self._now: tuple[SplitName, PredictionFile, SplitRows] | None = None
        self._train_blocks: np.ndarray | None = None
        self.standard: Standard
        self.splits: dict[SplitName, _Split] = {}

    def read(self, run: Trained, split: SplitName) -> tuple[SplitRows, Columns]:
        """The rows of `split`, of which train is the first, and what a run predicts of them.

        Raises InputError if a file cannot be used, or holds other rows than an earlier run's.
        """
        file = PredictionFile(run, split, classes=classes(self._label))
        if self._now is not None and self._now[0] == split:
            _, first, rows = self._now
            return rows, file.read(same_as=(first.path, rows.time_ns, rows.outcome))
        # The last split's rows are not needed any more.
        self._now = None
        columns = file.read()
        rows = self._first(split, columns)
        self._now = split, file, rows
        return rows, columns

    def _first(self, split: SplitName, columns: Columns) -> SplitRows:
        if split == SPLITS[0]:
            self.standard = Standard.fit(columns, self._label, self._loss)
        rows = SplitRows.of(
            columns,
            standard=self.standard,
            bootstrap=self._evaluate.bootstrap,
            horizon_seconds=self._label.horizon_seconds,
        )
        # Of train, which is the first, block means are kept for the shift.
        if self._train_blocks is None:
            self._train_blocks = rows.block_means
        widened = Widened(rows.blocks, self._evaluate.tries)
        self.splits[split] = _Split(
            label=rows.label,
            digest=rows.digest,
            skill_reason=rows.skill_reason,
            widened=widened,
            shift=shift.compare(
                split,
                self.standard.reference,
                rows.outcome,
                train_blocks=self._train_blocks,
                blocks=rows.block_means,
            ),
            oracle=oracle.of_split(self.known, rows, widened),
        )
        return rows


def _details(
    assessed: Sequence[_Assessed],
    judged: _Judge,
    label: Label,
    evaluate: Evaluate,
    limits: Limits,
    round_trip_bps: float,
) -> Details:
    standard, splits, test = judged.standard, judged.splits, judged.splits["test"]
    by_model: dict[str, list[_Assessed]] = {}
    for one in assessed:
        by_model.setdefault(one.run.model, []).append(one)
    over = {
        model: {
            split: model_split(
                [seed.figures[split] for seed in seeds],
                [seed.resamples[split] for seed in seeds],
                splits[split].widened,
                round_trip_bps=round_trip_bps,
            )
            for split in SPLITS
        }
        for model, seeds in by_model.items()
    }
    best = Oracle.of(judged.known, {split: one.oracle for split, one in splits.items()})
    shifts = [splits[split].shift for split in SPLITS[1:]]

    def on_test(model: str) -> list[Resamples]:
        return [seed.resamples["test"] for seed in by_model[model]]

    def difference(model: str, against: str) -> Interval:
        return skill_difference(
            (over[model]["test"].skill.mean, over[against]["test"].skill.mean),
            (on_test(model), on_test(against)),
            test.widened,
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
        block_seconds=test.widened.blocks.seconds,
        test_digest=test.digest,
        labels={split: one.label for split, one in splits.items()},
        shift=shifts,
        oracle=best.figures,
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
                oracle_share=best.share(
                    over[model]["test"].skill.mean, on_test(model), test.widened
                ),
                verdict=verdict.judge(
                    over[model],
                    limits=limits,
                    shift=shifts,
                    oracle=best.figures,
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

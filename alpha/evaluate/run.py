"""The step: what every run's predictions are worth on every split.

In memory are the rows of one split, what one run predicts of them, and the resampled figures of
every run. `figures.csv` has every figure, `details.json` the verdicts, `metrics.json` the headline
for `dvc metrics`, and the other CSV files are for `dvc plots`.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from alpha.core.artifacts import whole_folder
from alpha.core.text import track
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Label, classes
from alpha.evaluate import inputs, oracle, shift, summary
from alpha.evaluate.assess import Parameters, assess
from alpha.evaluate.inputs import Columns, Trained
from alpha.evaluate.over_seeds import Widened
from alpha.evaluate.params import Evaluate
from alpha.evaluate.params import Verdict as Limits
from alpha.evaluate.split_rows import SplitRows, Standard
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

    Reads of each run, in its folder of `models`, history.csv, model.json and importance.json if
    there is one; in its folder of `predictions` {split}.h5 and inputs.json;
    the same of a matched MLP in the subfolder matched_mlp/;
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
    assessed = {each.name: summary.Assessed(each, {}, {}) for each in found}
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
        summary.write(
            part,
            list(assessed.values()),
            standard=judged.standard,
            splits=judged.splits,
            known=judged.known,
            label=label,
            evaluate=evaluate,
            limits=limits,
        )


class _Judge:
    """What runs are judged by: the rows of one split at a time, the same for every run, and
    what was found of the splits before."""

    def __init__(
        self, label: Label, loss: Loss, evaluate: Evaluate, known: oracle.Known | str
    ) -> None:
        self._label, self._loss, self._evaluate = label, loss, evaluate
        self.known = known
        self._now: tuple[SplitName, Path, SplitRows] | None = None
        self._train_blocks: np.ndarray | None = None
        self.standard: Standard
        self.splits: dict[SplitName, summary.OnSplit] = {}

    def read(self, run: Trained, split: SplitName) -> tuple[SplitRows, Columns]:
        """The rows of `split`, of which train is the first, and what a run predicts of them.

        Raises InputError if a file cannot be used, or holds other rows than an earlier run's.
        """
        path, codes = run.predictions / f"{split}.h5", classes(self._label)
        if self._now is not None and self._now[0] == split:
            _, first, rows = self._now
            same_as = first, rows.time_ns, rows.outcome
            return rows, inputs.read_predictions(path, codes, same_as=same_as)
        # The last split's rows are not needed any more.
        self._now = None
        columns = inputs.read_predictions(path, codes)
        rows = self._first(split, columns)
        self._now = split, path, rows
        # Past volatility has become regimes, and memory is short.
        return rows, replace(columns, volatility=np.empty(0))

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
        self.splits[split] = summary.OnSplit(
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

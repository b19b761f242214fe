"""The step: what every run's predictions are worth on every split.

A part of the rows of one split and run is in memory at a time, what is added up by cell of time,
and of each run the resampled figures; what has to be put in order is in scratch files beside the
output. `metrics.json` is the headline for `dvc metrics`, `details.json` has every figure, and the
CSV files are for `dvc plots`.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from alpha.core.artifacts import whole_folder
from alpha.core.progress import track
from alpha.data.columns import SPLITS, SplitName
from alpha.data.params import Label, classes
from alpha.evaluate import inputs, oracle, shift, summary
from alpha.evaluate.assess import Knobs, assess
from alpha.evaluate.inputs import Same, Saved, Trained
from alpha.evaluate.over_seeds import Widened
from alpha.evaluate.params import Evaluate
from alpha.evaluate.params import Verdict as Limits
from alpha.evaluate.predicted import Predicted
from alpha.evaluate.rows import SplitRows, Standard
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
    codes = classes(label)
    knobs = Knobs(
        thresholds_bps=() if codes else evaluate.thresholds_bps,
        round_trip_bps=2 * evaluate.fees.taker_bps,
        horizon_ns=label.horizon_ns,
    )
    assessed = {each.name: summary.Assessed(each, {}, {}) for each in found}
    pairs = [(split, each) for split in SPLITS for each in found]
    with whole_folder(out) as part:
        judged = _Judge(label, loss, evaluate, known, part.parent)
        for split, each in track(pairs, "evaluate", total=len(pairs)):
            rows, predicted = judged.read(each, split)
            counts = getattr(each.counts, split)
            one = assessed[each.name]
            one.figures[split], one.resamples[split] = assess(
                rows, predicted, knobs, clipped=counts.clipped, replaced=counts.replaced
            )
        judged.leave()
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
        self,
        label: Label,
        loss: Loss,
        evaluate: Evaluate,
        known: oracle.Known | str,
        folder: Path,
    ) -> None:
        self._fitted = label, loss
        self._evaluate = evaluate
        self._folder = folder
        self.known = known
        self._now: tuple[SplitName, Path, SplitRows] | None = None
        self._train_blocks: np.ndarray | None = None
        self.standard: Standard
        self.splits: dict[SplitName, summary.OnSplit] = {}

    def read(self, run: Trained, split: SplitName) -> tuple[SplitRows, Iterable[Predicted]]:
        """The rows of `split`, of which train is the first, and what a run predicts of them.

        Raises InputError, then or while these are gone through, if they are other rows than an
        earlier run's.
        """
        saved = Saved(run, split, classes=classes(self._fitted[0]))
        if self._now is None or self._now[0] != split:
            self.leave()
            self._now = split, saved.path, self._first(split, saved)
            return self._now[2], saved
        _, path, rows = self._now
        return rows, Same(saved, path, rows.digests)

    def leave(self) -> None:
        """Forget the rows of the split that was read last."""
        if self._now is not None:
            self._now[2].ranked.close()
            self._now = None

    def _first(self, split: SplitName, saved: Saved) -> SplitRows:
        label, loss = self._fitted
        if self._train_blocks is None:
            self.standard = Standard.fit(saved, label, loss, self._folder)
        rows = SplitRows.of(
            saved,
            standard=self.standard,
            knobs=self._evaluate.bootstrap,
            horizon_seconds=label.horizon_seconds,
            folder=self._folder,
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
                rows.shares,
                train_blocks=self._train_blocks,
                blocks=rows.block_means,
            ),
            oracle=oracle.of_split(self.known, rows, saved, widened),
        )
        return rows

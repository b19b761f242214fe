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
from alpha.evaluate import distribution, inputs, oracle, summary
from alpha.evaluate.assess import Parameters, assess
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
    there is one; in its folder of `predictions` {split}.h5 and inputs.json; the same of a matched
    MLP in the subfolder matched_mlp/; and features/oracle/ if there is one. Raises InputError,
    naming the file, where one is missing, is not of its format, or holds other rows than the runs
    before it.
    """
    found = inputs.trained(runs, models=models, predictions=predictions)
    known = oracle.read(features, label, loss)
    parameters = Parameters(
        thresholds_bps=() if classes(label) else evaluate.thresholds_bps,
        round_trip_bps=2 * evaluate.fees.taker_bps,
        horizon_ns=label.horizon_ns,
    )
    assessed = [summary.Assessed(each, {}, {}) for each in found]
    splits: dict[SplitName, summary.OnSplit] = {}
    pairs = [(split, one) for split in SPLITS for one in assessed]
    with whole_folder(out) as part:
        for split, one in track(pairs, "evaluate", total=len(pairs)):
            path, counts = one.run.predictions / f"{split}.h5", getattr(one.run.counts, split)
            if one is assessed[0]:
                first, predicted = path, inputs.read_predictions(path, classes(label))
                if split == "train":
                    standard = Standard(predicted, label, loss)
                rows = SplitRows(
                    predicted,
                    standard=standard,
                    bootstrap=evaluate.bootstrap,
                    horizon_seconds=label.horizon_seconds,
                )
                if split == "train":
                    train_blocks = rows.block_means
                # Past volatility has become regimes.
                predicted = replace(predicted, volatility=np.empty(0))
                widened = Widened(rows.blocks, evaluate.tries)
                splits[split] = summary.OnSplit(
                    label=rows.label,
                    digest=rows.digest,
                    skill_reason=rows.skill_reason,
                    widened=widened,
                    shift=distribution.shift(
                        split,
                        standard.reference,
                        rows.outcome,
                        train_blocks=train_blocks,
                        blocks=rows.block_means,
                    ),
                    oracle=oracle.of_split(known, rows, widened),
                )
            else:
                same_as = first, rows.time_ns, rows.outcome
                predicted = inputs.read_predictions(path, classes(label), same_as=same_as)
            one.figures[split], one.resamples[split] = assess(
                rows, predicted, parameters, clipped=counts.clipped, replaced=counts.replaced
            )
            # What is read next needs the memory.
            del predicted
            if one is assessed[-1]:
                del rows
        summary.write(
            part,
            assessed,
            standard=standard,
            splits=splits,
            known=known,
            label=label,
            evaluate=evaluate,
            limits=limits,
        )

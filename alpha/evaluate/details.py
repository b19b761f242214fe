"""What one run gives on one split; and details.json, which has what an evaluation says beside the
table of figures (alpha.evaluate.figures). A figure is a finite number, or None if not defined."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alpha.core.artifacts import parse
from alpha.data.columns import SplitName
from alpha.evaluate import figures
from alpha.evaluate.figures import Figures, Interval, Selection

Figure = Annotated[float, Field(allow_inf_nan=False)] | None
VerdictName = Literal["collapsed", "no_skill", "skill_not_actionable", "actionable_on_paper"]


class Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Ends(Part):
    """The ends of a moving-block-bootstrap interval, at Details.level."""

    low: float
    high: float


class Threshold(Part):
    """The threshold check at one τ. `seeds` runs are counted together."""

    threshold_bps: float
    seeds: int
    rows: int
    label_above: int
    prediction_above: int
    both: int
    windows: int  # apart from each other among prediction_above; of the seed with fewest
    base_rate: Figure
    precision: Figure
    recall: Figure
    lift: Figure
    realised_bps: Figure  # mean outcome of the rows with prediction > τ
    after_fees_bps: Figure  # the same less the fees of a round trip
    after_fees_low_bps: Figure = None
    after_fees_high_bps: Figure = None


class Event(Part):
    """How well one seed's predictions rank the rows where an event comes true."""

    name: str  # such as "outcome > 10 bps", or "class +1"
    base_rate: Figure
    average_precision: Figure  # the area under the precision-recall curve
    decile_lift: Figure  # share of events in the top decile of predictions over the base rate


class Bin(Part):
    """A decile of the predictions, or less of them where predictions are tied."""

    rows: int
    prediction: float  # means
    outcome: float


class Slice(Part):
    """One day or one regime. `undefined` gives the reason of each None."""

    name: str  # 2024-01-01, or low, middle, high
    rows: int
    loss: Figure
    skill: Figure
    rank_ic: Figure
    std_ratio: Figure
    undefined: dict[str, str]


class SplitFigures(Part):
    """One run on one split. `undefined` gives the reason of each figure that is None, of each list
    that is empty, of `intervals` and `interval of skill` that are missing, and of an event without
    figures by its name; `intervals` has the ends of skill, rank_ic, and loss."""

    rows: int
    non_finite: int  # predictions that are NaN or ±inf: counted, and left out of the figures
    loss: Figure  # what Details.loss names, in units of the outcome
    constant_loss: Figure  # of the best constant fitted on train
    skill: Figure
    mse: Figure
    mae: Figure
    rank_ic: Figure
    std_ratio: Figure
    label_zero_share: Figure
    near_mean_share: Figure
    label_quantiles: list[Figure]  # at Details.quantile_levels
    prediction_quantiles: list[Figure]
    prediction_counts: list[int]  # in the bins of Details.bin_edges
    thresholds: list[Threshold]
    events: list[Event]
    calibration: list[Bin]
    days: list[Slice]  # in time order
    regimes: list[Slice]  # low, middle and high past volatility; empty if not available
    intervals: dict[str, Ends]
    clipped: int  # feature values of this split beyond the clip
    replaced: int  # feature values of this split that were NaN or ±inf, and became 0
    undefined: dict[str, str]


class Oracle(Part):
    """The best that could be known at t of a simulated market; None and a reason elsewhere."""

    skill: dict[SplitName, Interval]
    rank_ic: dict[SplitName, Interval]
    reason: str | None = None


class Shift(Part):
    """How far the label's distribution on one split is from train's; p_value is of ks."""

    split: SplitName
    psi: Figure  # population stability index
    ks: Figure  # Kolmogorov-Smirnov distance of the means of blocks of time
    p_value: Figure
    blocks: int
    reason: str | None = None


class Label(Part):
    """The label on one split, the same for all models."""

    rows: int
    days: int
    zero_share: Figure
    mean: Figure
    std: Figure
    counts: list[int]  # in the bins of Details.bin_edges


class Flag(Part):
    """What should be known of a model beside its verdict."""

    name: Literal["overfit", "unstable_over_seeds", "label_shift", "leak_suspected"]
    sentence: str


class Verdict(Part):
    """A named diagnosis, a sentence a person understands, and the figures that made it."""

    name: VerdictName
    sentence: str
    figures: dict[str, Figure]
    flags: list[Flag]


class Rung(Part):
    """A model against the best of those below it in the ladder, chosen on valid."""

    model: str
    against: str | None  # None for the lowest
    improves: bool | None  # whether it is worth its complexity; None for the lowest
    sentence: str


class Model(Part):
    seeds: list[int]
    configuration: str  # the same for two evaluations of the same trained models
    verdict: Verdict


class Details(Part):
    model_config = ConfigDict(extra="ignore", frozen=True, arbitrary_types_allowed=True)

    models: list[str]  # in the ladder's order
    runs: list[str]  # named model-seed
    loss: str  # what skill compares, in words
    classes: list[float]  # of a classification target; empty for a regression
    train_rows: int
    train_mean: Figure  # of the outcome
    train_std: Figure
    tolerance: Figure  # a prediction at most this far from the train mean counts as "near"
    bin_edges: list[float]  # of label and prediction; the outer bins also hold all beyond
    regime_cuts: list[float]  # of past volatility, fitted on train; empty if not available
    round_trip_bps: float  # a consumer's fees to get in and out
    threshold_meaning: str  # what the realised outcome is, or why there is no check
    level: float  # of every interval
    tries: int  # the intervals over the seeds are widened for so many
    resamples: int
    block_seconds: float
    test_digest: str  # of the test split's times and outcomes
    oracle_reason: str | None  # why there is no oracle
    ladder: list[Rung]
    by_model: dict[str, Model]
    figures: Figures = Field(Figures(figures.table([])), exclude=True, repr=False)

    def on(self, model: str, split: str = "test") -> Selection:
        """The figures of a model over its seeds."""
        return self.figures.of(model, split)

    def run(self, name: str, split: str = "test") -> Selection:
        """The figures of one run."""
        model, _, seed = name.rpartition("-")
        return self.figures.of(model, split, int(seed))

    def runs_of(self, model: str) -> list[str]:
        return [f"{model}-{seed}" for seed in self.by_model[model].seeds]

    @property
    def best(self) -> str | None:
        """The model with the largest skill on valid, the lowest rung of equals; None without any.
        Chosen on valid, so that the figures on test are not what picked it."""
        skills = {name: self.on(name, "valid")["skill"].value for name in self.models}
        known = {name: skill for name, skill in skills.items() if skill is not None}
        return max(known, key=known.__getitem__, default=None)


def read(evaluation: Path) -> Details:
    """Read details.json and figures.csv of a folder that `alpha evaluate` wrote.

    Raises InputError, naming the file, if one is missing or is not of this format.
    """
    found = parse(Details, evaluation / "details.json")
    return found.model_copy(update={"figures": figures.read(evaluation / figures.NAME)})

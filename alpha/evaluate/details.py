"""details.json: what an evaluation says beside the table of figures (alpha.evaluate.figures)."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from alpha.core.artifacts import parse
from alpha.core.errors import InputError
from alpha.evaluate import figures
from alpha.evaluate.figures import Figures, Selection

Figure = Annotated[float, Field(allow_inf_nan=False)] | None
VerdictName = Literal["collapsed", "no_skill", "skill_not_actionable", "actionable_on_paper"]


class Flag(BaseModel):
    """What should be known of a model beside its verdict."""

    name: Literal["overfit", "unstable_over_seeds", "label_shift", "leak_suspected"]
    sentence: str


class Answer(BaseModel):
    """What is known of one of the two questions, and why."""

    answer: Literal["yes", "no", "not proven"] = "not proven"
    why: str = ""


class Verdict(BaseModel):
    """A named diagnosis, a sentence a person understands, and the figures that made it; and what it
    says of both questions."""

    name: VerdictName
    learnable: Answer = Answer()
    actionable: Answer = Answer()
    sentence: str
    figures: dict[str, Figure]
    flags: list[Flag]


class Rung(BaseModel):
    """A model against the best of those below it in the ladder, chosen on valid."""

    model: str
    against: str | None  # None for the lowest
    improves: bool | None  # whether it is worth its complexity; None for the lowest
    sentence: str


class Model(BaseModel):
    seeds: list[int]
    configuration: str  # the same for two evaluations of the same trained models
    verdict: Verdict


class Details(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

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
    predictions: dict[str, str] = {}  # digests of what was predicted in folders such as 0/mlp/0
    oracle_reason: str | None  # why there is no oracle
    figures_sha256: str = ""  # of figures.csv
    paths: int = 1  # over which the figures on test are means, too
    starts: list[str] = [""]  # of each fold's block of test
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
        """The model that valid chooses, so that the figures on test are not what picked it."""
        return self.figures.best(self.models, "valid")


def read(evaluation: Path) -> Details:
    """Both files of a folder that `alpha evaluate` wrote. Raises InputError, naming the file, if
    one is missing or is not of this format."""
    found, path = parse(Details, evaluation / "details.json"), evaluation / figures.NAME
    of_figures = figures.read(path)
    if found.figures_sha256 not in ("", sha256(path.read_bytes()).hexdigest()):
        why = "its digest does not match details.json"
        raise InputError(f"{path}: was changed after it was written ({why}); evaluate again")
    return found.model_copy(update={"figures": of_figures})

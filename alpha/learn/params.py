"""Params that training, prediction and evaluation share: the ladder, and the loss."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from alpha.core.errors import InputError
from alpha.core.params import Positive, Section, Seed

# Each kind is a list in params.yaml, a folder of alpha/models, and has stages of its own.
KINDS = {
    "baselines": ("zero", "mean", "median", "persistence", "har", "ridge"),
    "networks": ("mlp", "silos"),
    "trees": ("lightgbm",),
}
MODELS = tuple(name for names in KINDS.values() for name in names)
# The plain network that is trained beside silos, in a folder of that name inside its run's.
MATCHED_MLP = "matched_mlp"


class Loss(Section):
    name: Literal["mse", "mae", "huber", "quantile", "tail_mse"]
    huber_delta: Positive
    quantile: Annotated[float, Field(gt=0, lt=1, strict=True)]
    tail_quantile: Annotated[float, Field(gt=0, lt=1, strict=True)]
    tail_weight: Annotated[float, Field(ge=1, allow_inf_nan=False, strict=True)]
    class_weights: Literal["none", "balanced"]


def _of(kind: str) -> AfterValidator:
    def check(name: str) -> str:
        if name not in KINDS[kind]:
            raise ValueError(f"must be one of {', '.join(KINDS[kind])}, found {name!r}")
        return name

    return AfterValidator(check)


def _no_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ValueError(f"must not repeat, found {list(values)}")
    return values


_Distinct = AfterValidator(_no_repeats)
# The sections that say what is trained.
LADDER: dict[str, Any] = {
    "baselines": Annotated[
        tuple[Annotated[str, _of("baselines")], ...], Field(min_length=1), _Distinct
    ],
    "networks": Annotated[tuple[Annotated[str, _of("networks")], ...], _Distinct],
    "trees": Annotated[tuple[Annotated[str, _of("trees")], ...], _Distinct],
    "seeds": Annotated[tuple[Seed, ...], Field(min_length=1), _Distinct],
}


def ladder(params: Any) -> tuple[str, ...]:
    """Every model that is trained, lowest first, from the sections LADDER."""
    return (*params.baselines, *params.networks, *params.trees)


def runs(params: Any) -> list[str]:
    """What is trained, as model-seed, lowest first: a baseline with seed 0 alone."""
    random = (*params.networks, *params.trees)
    seeded = [f"{model}-{seed}" for model in random for seed in params.seeds]
    return [f"{model}-0" for model in params.baselines] + seeded


def run_folder(run: str) -> Path:
    """Where a run, named model-seed, is inside results/train and results/predict: MODEL/SEED, or
    baselines/MODEL, as these are fitted once, with seed 0. Raises InputError if there is no such
    model."""
    model, _, seed = run.rpartition("-")
    fitted_once = kind(model) == "baselines" and seed == "0"
    return Path("baselines", model) if fitted_once else Path(model, seed)


def kind(model: str) -> str:
    """The kind of a model. Raises InputError if there is no such model."""
    for found, names in KINDS.items():
        if model in names:
            return found
    raise InputError(f"no such model {model!r}: must be one of {', '.join(MODELS)}")


def sections(kind: str) -> dict[str, type[Section]]:
    """The sections that have the parameters of a kind's models, by model."""
    found: dict[str, type[Section]] = import_module(f"alpha.models.{kind}.params").SECTIONS
    return found

"""Params that several steps share: the ladder of models, their loss, and how they are trained."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from alpha.core.params import Count, Positive, Section, Seed
from alpha.core.params import model as sections_of
from alpha.learn.kinds import KINDS, kind


class Loss(Section):
    name: Literal["mse", "mae", "huber", "quantile", "tail_mse"]
    huber_delta: Positive
    quantile: Annotated[float, Field(gt=0, lt=1, strict=True)]
    tail_quantile: Annotated[float, Field(gt=0, lt=1, strict=True)]
    tail_weight: Annotated[float, Field(ge=1, allow_inf_nan=False, strict=True)]
    class_weights: Literal["none", "balanced"]


class Train(Section):
    """How models are trained; but for `pool`, the loop of the networks."""

    pool: bool  # of several symbols, all by one model
    learning_rate: Positive
    batch_size: Count
    epochs: Count
    patience: Count
    # TensorFlow starts so many at once.
    threads: Annotated[int, Field(ge=1, le=256, strict=True)]
    memory_mb: Positive


def _list(item: Any, *limits: Any) -> Any:
    def check(values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"must not repeat, found {list(values)}")
        return values

    return Annotated[(tuple[item, ...], *limits, AfterValidator(check))]


def _name(kind: str) -> Any:
    def check(name: str) -> str:
        if name not in KINDS[kind]:
            known = ", ".join(KINDS[kind]) or "none"
            own = " (files in alpha/models/own, in lower case, by names not taken)"
            raise ValueError(f"must be one of {known}{own * (kind == 'own')}, found {name!r}")
        return name

    return Annotated[str, AfterValidator(check)]


def _parameters(own: dict[str, Any]) -> dict[str, Section]:
    files = {name: import_module(f"alpha.models.own.{name}") for name in own}
    for name, file in files.items():
        if not (hasattr(file, "Model") or hasattr(file, "build")):
            must = "must have a class Model or a function build"
            raise ValueError(f"alpha/models/own/{name}.py {must}")
    of = {name: getattr(file, "Parameters", Section) for name, file in files.items()}
    return dict(sections_of(of).model_validate(own))


# The sections that say what is trained.
LADDER: dict[str, Any] = {
    "baselines": _list(_name("baselines"), Field(min_length=1)),
    "networks": _list(_name("networks")),
    "trees": _list(_name("trees")),
    "own": dict[_name("own"), Any],  # type: ignore[misc]
    "seeds": _list(Seed, Field(min_length=1)),
}


def ladder(params: Any) -> tuple[str, ...]:
    """Every model that is trained, lowest first, from the sections LADDER."""
    return (*params.baselines, *params.networks, *params.trees, *params.own)


def runs(params: Any) -> list[str]:
    """What is trained, as model-seed, lowest first: a baseline with seed 0 alone."""
    random = ladder(params)[len(params.baselines) :]
    seeded = [f"{model}-{seed}" for model in random for seed in params.seeds]
    return [f"{model}-0" for model in params.baselines] + seeded


def run_folder(run: str) -> Path:
    """Where a run, named model-seed, is inside results/train and results/predict: MODEL/SEED, or
    baselines/MODEL, as these are fitted once, with seed 0. Raises InputError for another model."""
    model, _, seed = run.rpartition("-")
    once = kind(model) == "baselines" and seed == "0"
    return Path("baselines", model) if once else Path(model, seed)


def sections(kind: str) -> dict[str, Any]:
    """The sections with the parameters of a kind's models, by model; most baselines have none.
    Those of one's own share the section own, as their names alone are known before it is read."""
    if kind == "own":
        return {kind: Annotated[LADDER[kind], AfterValidator(_parameters)]}
    own: dict[str, type[Section]] = import_module(f"alpha.models.{kind}.params").SECTIONS
    return {model: own.get(model, Section) for model in KINDS[kind]}

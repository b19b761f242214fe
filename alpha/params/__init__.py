"""params.yaml as frozen, validated objects: every knob, its type and its range.

Reading is YAML 1.2 (as DVC reads and writes it, so 1e-3 is a number in both), unknown keys
are refused, and every problem is one line that names the key.
"""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from alpha.errors import InputError
from alpha.params.data import (
    SIMULATED,
    Data,
    Defects,
    Features,
    Label,
    Normalization,
    Simulate,
    Splits,
)
from alpha.params.judgement import Bootstrap, Evaluate, Fees, Verdict
from alpha.params.models import (
    KINDS,
    RUNGS,
    Baseline,
    Ladder,
    Lightgbm,
    Loss,
    Mlp,
    Network,
    NoKnobs,
    Ridge,
    Rung,
    Silos,
    Train,
    Tree,
)
from alpha.params.types import SPLITS, Seed, SplitName

__all__ = [
    "KINDS",
    "RUNGS",
    "SIMULATED",
    "SPLITS",
    "Bootstrap",
    "Data",
    "Defects",
    "Evaluate",
    "Features",
    "Fees",
    "Label",
    "Lightgbm",
    "Loss",
    "Mlp",
    "NoKnobs",
    "Normalization",
    "Params",
    "Ridge",
    "Rung",
    "Silos",
    "Simulate",
    "SplitName",
    "Splits",
    "Train",
    "Verdict",
    "load",
    "parse",
]


class Params(Ladder):
    """The whole of params.yaml; attributes are its sections, the rungs of the ladder too."""

    data: Data
    features: Features
    simulate: Simulate
    label: Label
    splits: Splits
    normalization: Normalization
    baselines: Annotated[tuple[Baseline, ...], Field(min_length=1)]
    networks: tuple[Network, ...]
    trees: tuple[Tree, ...]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    loss: Loss
    train: Train
    evaluate: Evaluate
    verdict: Verdict

    @model_validator(mode="after")
    def _no_repeats(self) -> "Params":
        for name in (*KINDS, "seeds"):
            values = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} must not repeat, found {list(values)}")
        return self

    @property
    def ladder(self) -> tuple[str, ...]:
        """Every rung that is trained, lowest first."""
        return (*self.baselines, *self.networks, *self.trees)

    @property
    def runs(self) -> list[str]:
        """What is trained, as model-seed, lowest rung first: a baseline with seed 0 alone."""
        random = (*self.networks, *self.trees)
        seeded = [f"{model}-{seed}" for model in random for seed in self.seeds]
        return [f"{model}-0" for model in self.baselines] + seeded


def load(path: Path) -> Params:
    """Read and validate a params.yaml. Raises InputError, one line for the first problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    return parse(text, source=str(path))


def parse(text: str, *, source: str) -> Params:
    """Validate the text of a params.yaml; `source` names it in errors."""
    try:
        content = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise InputError(f"{source}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise InputError(f"{source}: must hold sections of params, found {type(content).__name__}")
    _no_dates(content, source)
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{source}: {_first_problem(error)}") from None


def _no_dates(content: Any, source: str, key: str = "") -> None:
    """DVC cannot record a date; as text it can."""
    if isinstance(content, dt.date):
        raise InputError(f'{source}: {key}: dates must be quoted, as in "{content.isoformat()}"')
    if isinstance(content, dict | list):
        items = content.items() if isinstance(content, dict) else enumerate(content)
        for name, value in items:
            _no_dates(value, source, f"{key}.{name}".lstrip("."))


def _first_problem(error: ValidationError) -> str:
    # A misspelt key is both missing and unknown; the unknown name is what the user can mend.
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    first: Any = problems[0]
    key = ".".join(str(part) for part in first["loc"]) or "params"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] == "extra_forbidden":
        return f"{key}: no such key{more}"
    if first["type"] == "missing":
        return f"{key}: is missing{more}"
    if first["type"] == "value_error":
        return f"{key}: {first['ctx']['error']}{more}"
    message = first["msg"][0].lower() + first["msg"][1:]
    return f"{key}: {message}, found {first['input']!r}{more}"

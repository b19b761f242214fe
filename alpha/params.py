"""params.yaml as frozen, validated objects: every knob, its type and its range.

Reading is YAML 1.2 (as DVC reads and writes it, so 1e-3 is a number in both), unknown keys
are refused, and every problem is one line that names the key.
"""

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from alpha.errors import InputError

# Strict: true is not 1, and "3" is not 3.
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
# Up to ten years, so that nanoseconds fit; a horizon is no shorter than timestamps tell apart.
Seconds = Annotated[float, Field(ge=1e-6, le=3e8, strict=True)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]
Name = Annotated[str, Field(min_length=1)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Seed = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
SplitName = Literal["train", "valid", "test"]
Model = Literal["mean", "ridge", "mlp"]

# Where the simulate step writes its market, and the default of data.dir.
SIMULATED = "results/simulate"
SPLITS: tuple[SplitName, ...] = ("train", "valid", "test")


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Data(Section):
    # Quotes and braces have a meaning in the commands and patterns of the two engines.
    dir: Annotated[str, Field(min_length=1, pattern=r"""^[^'"{}$`\\\n]+$""")]
    pattern: Annotated[str, Field(pattern=r"^[^/]+$")]
    key: Name
    timestamp: Name | None
    best_bid: Name
    best_ask: Name
    exclude: tuple[str, ...]
    max_file_mb: Positive

    @model_validator(mode="after")
    def _patterns_compile(self) -> "Data":
        for pattern in self.exclude:
            _compile(pattern)
        return self


class Features(Section):
    families: dict[Name, str]

    @model_validator(mode="after")
    def _patterns_compile(self) -> "Features":
        for pattern in self.families.values():
            _compile(pattern)
        return self


PerDay = Annotated[float, Field(ge=0, le=10_000)]


class Defects(Section):
    gaps_per_day: PerDay
    gap_seconds: Annotated[float, Field(ge=31, le=43200)]
    duplicates_per_day: PerDay
    nan_share: Annotated[float, Field(ge=0, le=0.5)]
    inf_share: Annotated[float, Field(ge=0, le=0.5)]
    constant_hours_per_day: Annotated[float, Field(ge=0, le=24)]
    crossed_per_day: PerDay


class Simulate(Section):
    seed: Seed
    symbol: FileName
    # Nanoseconds since 1970 must fit the timestamps.
    start: Annotated[dt.date, Field(ge=dt.date(1970, 1, 1), le=dt.date(2200, 1, 1))]
    days: Annotated[int, Field(ge=1, le=3660)]
    rows_per_day: Annotated[int, Field(ge=100, le=864_000)]
    tick: Positive
    price: Positive
    signal_strength: Annotated[float, Field(ge=0, le=3)]
    volatility_strength: Annotated[float, Field(ge=0, le=1.5)]
    defects: Defects

    @model_validator(mode="after")
    def _price_in_ticks(self) -> "Simulate":
        if not 100 <= self.price / self.tick <= 1e9:
            raise ValueError(
                f"price must be 100 to 1e9 ticks, found {self.price:g} / {self.tick:g}"
            )
        return self


class Label(Section):
    horizon_seconds: Annotated[float, Field(ge=1e-6, le=86400, strict=True)]
    price: Literal["touch", "mid"]
    target: Literal[
        "abs_max",
        "signed_max",
        "up",
        "down",
        "end_return",
        "direction",
        "loud",
        "triple_barrier",
    ]
    max_gap_seconds: Seconds
    threshold_bps: NonNegative
    barrier_bps: Positive

    @property
    def horizon_ns(self) -> int:
        return round(self.horizon_seconds * 1e9)

    @property
    def max_gap_ns(self) -> int:
        return round(self.max_gap_seconds * 1e9)


Moment = dt.datetime | dt.date


class Splits(Section):
    scheme: Literal["holdout"]
    fractions: dict[SplitName, Annotated[float, Field(gt=0, lt=1)]] | None
    times: dict[SplitName, tuple[Moment, Moment]] | None
    embargo_seconds: Annotated[float, Field(ge=0, le=3e8, strict=True)]

    @model_validator(mode="after")
    def _one_way_to_say_it(self) -> "Splits":
        if (self.fractions is None) == (self.times is None):
            raise ValueError("give either fractions or times, and set the other to null")
        given = self.fractions if self.fractions is not None else self.times
        assert given is not None
        if set(given) != set(SPLITS):
            raise ValueError(f"must name exactly train, valid and test, found {sorted(given)}")
        if self.fractions is not None and sum(self.fractions.values()) > 1 + 1e-9:
            total = sum(self.fractions.values())
            raise ValueError(f"fractions must add up to at most 1, found {total:g}")
        return self


class Normalization(Section):
    clip: Positive


class Train(Section):
    learning_rate: Positive
    batch_size: Count
    epochs: Count
    patience: Count


class Mean(Section):
    pass


class Ridge(Section):
    penalty: NonNegative


class Mlp(Section):
    hidden: Annotated[tuple[Count, ...], Field(min_length=1)]
    dropout: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegative


class Fees(Section):
    taker_bps: Annotated[float, Field(allow_inf_nan=False)]
    maker_bps: Annotated[float, Field(allow_inf_nan=False)]


class Evaluate(Section):
    thresholds_bps: Annotated[tuple[NonNegative, ...], Field(min_length=1)]
    fees: Fees


class Params(Section):
    """The whole of params.yaml; attributes are its sections."""

    data: Data
    features: Features
    simulate: Simulate
    label: Label
    splits: Splits
    normalization: Normalization
    models: Annotated[tuple[Model, ...], Field(min_length=1)]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)]
    train: Train
    mean: Mean
    ridge: Ridge
    mlp: Mlp
    evaluate: Evaluate

    @model_validator(mode="after")
    def _no_repeats(self) -> "Params":
        for name, values in (("models", self.models), ("seeds", self.seeds)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} must not repeat, found {list(values)}")
        return self


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


def _compile(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None

"""Sections of params.yaml as frozen, validated objects: the types they are made of, and reading.
It is YAML 1.2, as DVC reads it: 1e-3 is a number in both.
"""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from alpha.core.errors import InputError

# Strict: true is not 1, and "3" is not 3.
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=True)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=True)]
# Up to ten years, so that nanoseconds fit; a horizon is no shorter than timestamps tell apart.
Seconds = Annotated[float, Field(ge=1e-6, le=3e8, strict=True)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]
Name = Annotated[str, Field(min_length=1)]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
Seed = Annotated[int, Field(ge=0, lt=2**31, strict=True)]


class Section(BaseModel):
    """One section of params.yaml, or a part of one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)
    # Keys of earlier versions, which are refused by their names of today.
    renamed: ClassVar[Mapping[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _refuse_old_names(cls, content: Any) -> Any:
        for key in content if isinstance(content, dict) else ():
            if key in cls.renamed:
                raise ValueError(f"{key} is now called {cls.renamed[key]}")
        return content


def read(path: Path) -> dict[str, Any]:
    """The content of a params.yaml, not validated yet. Raises InputError if it is not one."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    return parse(text, source=str(path))


def parse(text: str, *, source: str) -> dict[str, Any]:
    """The content of the text of a params.yaml; `source` names it in errors."""
    try:
        content = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise InputError(f"{source}: is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise InputError(f"{source}: must hold sections of params, found {type(content).__name__}")
    _no_dates(content, source)
    return content


def model(sections: Mapping[str, Any]) -> type[BaseModel]:
    """A class whose attributes are these sections (name -> type) of a params.yaml."""
    fields: dict[str, Any] = {name: (of, ...) for name, of in sections.items()}
    return create_model("Params", __base__=Section, **fields)


def validate(
    content: Mapping[str, Any], model: type[BaseModel], known: Mapping[str, str], *, source: str
) -> Any:
    """The sections of `content` that are the model's; only the names of others are looked at:
    `known` has "" for each, or for one of an earlier version the name of today. Raises InputError,
    one line for the first problem, which names the key."""
    for name in content:
        if name not in known:
            raise InputError(f"{source}: {name}: no such key")
        if known[name]:
            raise InputError(f"{source}: {name} is now called {known[name]}")
    given = {name: value for name, value in content.items() if name in model.model_fields}
    try:
        return model.model_validate(given)
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
    # A misspelt key is both missing and unknown; the unknown name is what the user can fix.
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    first: Any = problems[0]
    key = ".".join(str(part) for part in first["loc"]) or "params"
    what = {"extra_forbidden": "no such key", "missing": "is missing"}.get(first["type"])
    if first["type"] == "value_error":
        what = str(first["ctx"]["error"])
    elif what is None:
        what = f"{first['msg'][0].lower()}{first['msg'][1:]}, found {first['input']!r}"
    return f"{key}: {what}" + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")

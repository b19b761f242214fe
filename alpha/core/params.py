"""Sections of params.yaml as frozen, validated objects: the types they are made of, and reading.
It is YAML 1.2, as DVC reads it: 1e-3 is a number in both.
"""

import datetime as dt
import json
import re
import signal
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from alpha.core.artifacts import check_file
from alpha.core.errors import InputError
from alpha.core.text import nearest

# Strict: true is not 1, and "3" is not 3.
Positive = Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False, strict=True)]
NonNegative = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False, strict=True)]
# Up to ten years, so that nanoseconds fit; a horizon is no shorter than timestamps tell apart.
Seconds = Annotated[float, Field(ge=1e-6, le=3e8, strict=True)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000, strict=True)]
Name = Annotated[str, Field(min_length=1)]
# The description of a pattern says in errors what must hold.
FileName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_-]+$", description="be of letters, digits, - and _")
]
Seed = Annotated[int, Field(ge=0, lt=2**31, strict=True)]
# Of a params.yaml: what takes a parser no more than a second.
_CHARACTERS, _DEPTH = 100_000, 20
_CONTROL = re.compile("[\x00-\x08\n-\x1f\x7f\ud800-\udfff]")

# What must hold, where pydantic has words of Python's for it.
_KEYS, _LIST = "hold keys, or be {}", "be a list, as in [a, b]"
_MUST = {"dict_type": _KEYS, "model_type": _KEYS, "tuple_type": _LIST}


def _in_time(when: Any) -> Any:
    if not 1970 <= when.year <= 2200:
        raise ValueError(f"must be of the years 1970 to 2200, found {when}")
    return when


# Nanoseconds since 1970 must fit the timestamps.
InTime = AfterValidator(_in_time)


class Section(BaseModel):
    """One section of params.yaml, or a part of one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


def read(path: Path) -> dict[str, Any]:
    """The content of a params.yaml, not validated yet. Raises InputError if it is not one."""
    try:
        check_file(path)
        with path.open(encoding="utf-8") as file:
            text = file.read(_CHARACTERS + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}") from None
    return parse(text, source=str(path))


def parse(text: str, *, source: str) -> dict[str, Any]:
    """The content of the text of a params.yaml; `source` names it in errors."""
    try:
        _check_form(text, source)
        content = YAML(typ="safe").load(text)
    except (YAMLError, ValueError) as error:
        what = str(error)
        if isinstance(error, MarkedYAMLError) and error.problem_mark:
            what = f"line {error.problem_mark.line + 1}: {error.problem}"
        raise InputError(f"{source}: is not YAML: {' '.join(what.split())}") from None
    if not isinstance(content, dict):
        raise InputError(f"{source}: must hold sections of params, found {type(content).__name__}")
    _check_values(content, source)
    return content


def _check_form(text: str, source: str) -> None:
    """Refuse what a parser would not end with: a small text can stand for a huge one."""
    if len(text) > _CHARACTERS:
        raise InputError(f"{source}: must have at most {_CHARACTERS:,} characters")
    depth = 0
    for event in YAML(typ="safe").parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        alias = isinstance(event, AliasEvent)
        if alias or depth > _DEPTH:
            what = f"aliases, as *{event.anchor}" if alias else f"more than {_DEPTH} levels"
            raise InputError(f"{source}: line {event.start_mark.line + 1}: must not have {what}")


@contextmanager
def quickly(what: str) -> Iterator[None]:
    """Raise InputError if the block, in which patterns meet names, takes a second of the processor:
    some would take years. Only a signal ends them, so of other threads than the first it is not."""

    def end(*_: Any) -> None:
        raise InputError(f"{what}: must not take a second to match, as (a+)+ may: repeat once")

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, 1)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def model(sections: Mapping[str, Any]) -> type[BaseModel]:
    """A class whose attributes are these sections (name -> type) of a params.yaml."""
    fields: dict[str, Any] = {name: (of, ...) for name, of in sections.items()}
    return create_model("Params", __base__=Section, **fields)


def validate(
    content: Mapping[str, Any], model: type[BaseModel], known: Collection[str], *, source: str
) -> Any:
    """The sections of `content` that are the model's; of others only that their names are
    `known` is looked at. Raises InputError, one line for the first problem, which names the key."""
    for name in content:
        if name not in known:
            raise InputError(f"{source}: {name}: no such key{nearest(name, known)}")
    given = {name: value for name, value in content.items() if name in model.model_fields}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise InputError(f"{source}: {_first_problem(error, model)}") from None


def _check_values(content: Any, source: str, key: str = "") -> None:
    """DVC cannot record a date; as text it can. Nor has it other tags."""
    if isinstance(content, dt.date):
        raise InputError(f'{source}: {key}: dates must be quoted, as in "{content.isoformat()}"')
    if isinstance(content, dict | list):
        for name, value in content.items() if isinstance(content, dict) else enumerate(content):
            if isinstance(content, dict) and not isinstance(name, str):
                raise InputError(f"{source}: {key}: keys must be text, found {name!r}")
            _check_values(value, source, f"{key}.{name}".lstrip("."))
    elif isinstance(content, str) and _CONTROL.search(f"{key}{content}"):
        raise InputError(f"{source}: {key}: must have no control characters, found {content!r}")
    elif isinstance(content, int) and abs(content) >= 2**63:
        raise InputError(f"{source}: {key}: must have at most 18 digits")
    elif not isinstance(content, str | int | float | None):
        raise InputError(f"{source}: {key}: must be text, a number, true or false, or nothing")


def _first_problem(error: ValidationError, model: type[BaseModel]) -> str:
    # A misspelt key is both missing and unknown; the unknown name is what the user can fix.
    problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    first: Any = problems[0]
    loc, kind = [part for part in first["loc"] if part != "[key]"], first["type"]
    *section, name = loc or ["params"]
    known = _keys(model, section)
    unknown = f"no such key{nearest(str(name), known)}"
    what = {"extra_forbidden": unknown, "missing": "is missing"}.get(kind)
    if kind == "value_error":
        what = str(first["ctx"]["error"])
    elif what is None:
        must = _MUST.get(kind) or re.sub(r"^.* should ", "", first["msg"])
        if kind == "string_pattern_mismatch":
            must = getattr(known.get(name), "description", None) or must
        found = json.dumps(first["input"], ensure_ascii=False, default=str)
        found = found if first["input"] is not None else "nothing"
        what = f"must {must}, found {found}"
    key = ".".join(map(str, [*section, name]))
    return f"{key}: {what}" + (f" (and {len(problems) - 1} more)" if len(problems) > 1 else "")


def _keys(model: type[BaseModel], section: Iterable[Any]) -> Mapping[str, Any]:
    """The keys that a section may have, or a part of one; none where they are free."""
    for name in section:
        of = getattr(model.model_fields.get(name), "annotation", None)
        inner = (one for one in (of, *get_args(of)) if hasattr(one, "model_fields"))
        model = next(inner, BaseModel)
    return model.model_fields

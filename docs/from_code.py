"""The pages of the reference that are made from the code: every parameter, every command."""

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from alpha.__main__ import COMMANDS
from alpha.check import Params
from alpha.learn.kinds import KINDS

# A comment that goes on below the value stands at least so far to the right.
_BESIDE = 20
_LONG = 80
_LIMITS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}


def parameters(root: Path) -> str:
    """A table for each section of params.yaml: what a value may be, what it is, and the comment."""
    text = (root / "params.yaml").read_text(encoding="utf-8")
    values, said = YAML(typ="safe").load(text), comments(text)
    schema = Params.model_json_schema()
    parts = []
    for section, of in schema["properties"].items():
        rows = [
            [f"`{key}`", kind, _value(value), said.pop(key, "")]
            for key, kind, value in _leaves(section, of, values[section], schema["$defs"])
        ]
        parts += [f"## {section}", said.get(section, "")]
        table = _table(["key", "what it may be", "in params.yaml", "meaning"], rows)
        parts.append(table if rows else "It has no parameters.")
    return "\n\n".join(filter(None, parts))


def commands(_: Path) -> str:
    """What each command does, and its options, as `alpha COMMAND --help` has them."""
    parts = []
    for name, module in COMMANDS.items():
        found = import_module(module)
        summary = f"{found.SUMMARY[0].upper()}{found.SUMMARY[1:]}."
        rows = [
            [
                f"`{option.flag}`",
                option.what,
                f"`{option.default}`" if option.default is not None else "",
                "yes" if option.required and option.default is None else "",
            ]
            for option in found.OPTIONS
        ]
        parts += [f"## alpha {name}", summary]
        parts += [_table(["option", "what", "default", "required"], rows)] if rows else []
    return "\n\n".join(parts)


PAGES = {"reference/parameters": parameters, "reference/commands": commands}


def comments(text: str) -> dict[str, str]:
    """The comment of each key of a params.yaml, by its dotted name: the lines above it, or what
    stands beside its value and goes on below that."""
    said: dict[str, list[str]] = {}
    keys: list[tuple[int, str]] = []  # those that the line is inside of, with their indents
    above: list[str] = []
    for line in text.splitlines():
        before, _, comment = f" {line}".partition(" #")
        indent = len(line) - len(line.lstrip())
        if key := re.match(r" +(\w+):", before):
            keys = [(at, name) for at, name in keys if at < indent] + [(indent, key[1])]
            said[".".join(name for _, name in keys)] = [*above, comment.strip()]
            above = []
        elif indent >= _BESIDE:
            said[".".join(name for _, name in keys)].append(comment.strip())
        else:
            above = [*above, comment.strip()] if comment else []
    return {key: " ".join(filter(None, lines)) for key, lines in said.items()}


def _leaves(key: str, of: dict[str, Any], value: Any, defs: dict[str, Any]) -> Any:
    """Each parameter in a part of the schema: its dotted key, what it may be, and its value."""
    of = defs[of["$ref"].rpartition("/")[2]] if "$ref" in of else of
    if "properties" in of:
        for name, part in of["properties"].items():
            yield from _leaves(f"{key}.{name}", part, value[name], defs)
    elif of.get("additionalProperties") is not False:
        names = ", ".join(f"`{model}`" for model in KINDS.get(key, ()))
        yield key, f"list of {names}" if names else words(of), value


def words(of: dict[str, Any]) -> str:
    """What a JSON schema asks of a value, in words."""
    if "anyOf" in of:
        return " or ".join(dict.fromkeys(map(words, of["anyOf"])))
    if "enum" in of or "const" in of:
        return " or ".join(f"`{value}`" for value in of.get("enum", [of.get("const")]))
    if "prefixItems" in of:
        return f"[{', '.join(map(words, of['prefixItems']))}]"
    kind = of.get("type", "string")
    if kind == "array":
        return f"list of {words(of['items'])}" + ", not empty" * ("minItems" in of)
    if kind == "object":
        inside, key = of.get("additionalProperties", True), words(of.get("propertyNames", {}))
        return "map" if inside is True else f"map of {key} to {words(inside)}"
    name = {"string": "text", "integer": "whole number"}.get(kind, kind)
    name = {"date": "date", "date-time": "time"}.get(of.get("format", ""), name)
    limits = [f"{sign} {of[limit]:.10g}" for limit, sign in _LIMITS.items() if limit in of]
    if "pattern" in of:
        limits.append(f"that matches {_code(of['pattern'])}")
    return " ".join([name, ", ".join(limits)]).strip()


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _code(text) if len(text) < _LONG else "*see the file*"


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    cells = ([cell.replace("|", "\\|").replace("\n", " ") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)

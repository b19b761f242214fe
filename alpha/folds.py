"""alpha folds: which folds the data give, as DVC needs a list of them in params.yaml."""

from typing import Any

from ruamel.yaml import YAML

from alpha import check
from alpha.core.artifacts import read_bytes, whole
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.ingest.params import INGESTED

SUMMARY = "print the folds that the data give for split.scheme, or write them to params.yaml"
OPTIONS = [Option("--write", "set split.folds in the params", type=bool, required=False)]
SECTIONS = check.SECTIONS


def command(params: Any, args: Arguments) -> None:
    given = [*range(check.run(params, rows=False, every=True).given)]
    if not given:
        raise InputError(f"{INGESTED}: must be made first, as folds are of its rows: `make run`")
    if args.write:
        text = read_bytes(args.params).decode()
        with whole(args.params) as part:
            part.write_bytes(_replace(text, given).encode())
    print(f"split.folds: {given}")


def _replace(text: str, folds: list[int]) -> str:
    """The text of a params.yaml with these folds, and all else as it is."""
    node: Any = YAML().compose(text)
    key: Any = node
    for name in ("split", "folds"):
        key, node = next(pair for pair in node.value if pair[0].value == name)
    # A list without brackets ends where the next key begins, and may stand below its own.
    last = node if node.flow_style or not node.value else node.value[-1]
    return f"{text[: key.end_mark.index]}: {folds}{text[last.end_mark.index :]}"

"""Files of params that are no YAML, too deep, or name what cannot be."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.robustness.case import Case, Must, frame, params, save, write_params

_CHECK = ("check",)


def _text(folder: Path, content: bytes) -> None:
    save(folder, frame())
    (folder / "params.yaml").write_bytes(content)


def _set(folder: Path, key: str, value: Any) -> None:
    save(folder, frame())
    *above, last = key.split(".")
    sections: Any = {last: value}
    for name in reversed(above):
        sections = {name: sections}
    write_params(folder, **sections)


def _texts() -> Iterator[Case]:
    laughs = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (96 + at, 96 + at, b",".join([b"*%c" % (95 + at)] * 9))
        for at in range(2, 12)
    )
    texts = {
        "empty": b"",
        "a comment": b"# nothing",
        "a list": b"- 1\n- 2\n",
        "a number": b"5\n",
        "text": b"hello\n",
        "null": b"null\n",
        "no YAML": b"data: [1, 2\n",
        "tabs": b"\tdata:\n\t\tdir: x\n",
        "NUL": b"data:\0\n",
        "no text": b"\xff\xfe\xfd",
        "UTF-16": "data: {}".encode("utf-16"),
        "an alias of itself": b"data: &a\n  dir: *a\n",
        "a list of itself": b"&a [*a]\n",
        "aliases that explode": laughs,
        "an alias of nothing": b"data: *a\n",
        "an exploding anchor in a section": laughs + b"data: *k\n",
        "100,000 deep": b"data: " + b"[" * 100_000,
        "900 deep": b"data: " + b"{a: " * 900 + b"1" + b"}" * 900,
        "a key twice": b"data: {dir: a}\ndata: {dir: b}\n",
        "two documents": b"a: 1\n---\nb: 2\n",
        "an object of Python": b"data: !!python/object/apply:os.mkdir [RAN]\n",
        "an object of Python by name": b"data: !!python/name:os.system\n",
        "a tag": b"data: !foo bar\n",
        "binary": b"data: !!binary aGVsbG8=\n",
        "a set": b"data: !!set {a, b}\n",
        "a merge of itself": b"data: &a\n  <<: *a\n",
        "an escape": b'"\\x1b[31mred": 1\n',
        "a key that is a list": b"? [a, b]\n: 1\n",
        "a key that is null": b"null: 1\n",
        "a key that is a map": b"? {a: 1}\n: 1\n",
        "a forged line": b'"a\\nalpha check: error: fine": 1\n',
        "a key of 1 MB": b"x" * (1 << 20) + b": 1\n",
        "10 MB": b"# " + b"x" * (10 << 20),
        "a number of 5,000 digits": b"seeds: [" + b"9" * 5000 + b"]\n",
        "a date": b"data: 2024-01-01\n",
        "a directive": b"%YAML 9.9\n---\ndata: {}\n",
        "a lone surrogate": b'data: "\\ud800"\n',
    }
    for what, content in texts.items():
        yield Case(
            "params", f"the file is {what}", partial(_text, content=content), commands=_CHECK
        )
    for what, make in {
        "missing": lambda path: None,
        "a folder": Path.mkdir,
        "a FIFO": os.mkfifo,
        "a dead link": lambda path: path.symlink_to("no"),
        "endless": lambda path: path.symlink_to("/dev/zero"),
        "a link to itself": lambda path: path.symlink_to(path.name),
    }.items():

        def instead(folder: Path, make: Any = make) -> None:
            save(folder, frame())
            (folder / "params.yaml").unlink()
            make(folder / "params.yaml")

        yield Case("params", f"the file is {what}", instead, commands=_CHECK)


# What no key may be, but for those whose value it is.
_WRONG = [
    None,
    True,
    -1,
    0,
    1.5,
    1e400,
    10**30,
    "",
    "x\n",
    "\x1b[31m",
    [],
    {},
    [[]],
    {"a": 1},
    "9" * 5000,
]


def _keys(content: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        key = f"{above}{name}"
        if isinstance(value, dict) and value and key != "features.families":
            yield from _keys(value, f"{key}.")
        else:
            yield key, value


def _values() -> Iterator[Case]:
    for number, (key, value) in enumerate(_keys(params())):
        # A few of them each, all of them for some key.
        for at in {(number + 4 * step) % len(_WRONG) for step in range(4)}:
            # It may be what the key is for: then the run is as any.
            write = partial(_set, key=key, value=_WRONG[at])
            what = f"{key} is {str(_WRONG[at])[:20]!r}"
            yield Case("params", what, write, Must.EITHER, _CHECK)
        if not isinstance(value, dict | list):
            write = partial(_set, key=key, value={"no_such": 1})
            yield Case("params", f"{key} holds keys", write, commands=_CHECK)
        write = partial(_set, key=f"{key}x", value=value)
        yield Case(
            "params",
            f"{key}x is no key",
            write,
            commands=_CHECK,
            says="no such key|is missing|must",
        )
    hard: dict[str, list[Any]] = {
        "data.pattern": [".", "..", "**", "[", "a" * 5000, "*\0", "../*.h5", "*.h5\n"],
        "data.key": [".", "/", "..", "df/axis0", "\0", "a" * 70_000, "df/../df"],
        "data.dir": [".", "/", "/dev/null", "/proc/self", "~", "a" * 5000, "features\0", "\ud800"],
        "data.exclude": [["("], ["(a+)+$"], ["^best"], [".*"], ["a" * 100_000]],
        "data.best_bid": ["best_ask", "nan", "spread\n"],
        "data.timestamp": ["best_bid", "spread", ""],
        "data.max_file_mb": [1e-9, 1e300, float("nan"), float("inf")],
        "label.horizon_seconds": [1e-6, 86400, 1e9, float("nan")],
        "label.max_gap_seconds": [1e-6, 3e8, 1e-300],
        "label.max_stale_seconds": [1e-6, 3e8],
        "split.fractions": [
            {"train": 1, "valid": 0, "test": 0},
            {"train": 0.5},
            {"train": 1e-300, "valid": 0.5, "test": 0.1},
        ],
        "split.embargo_seconds": [3e8, -1, 1e300],
        "mlp.hidden": [[10**9], [], [0], [64] * 10_000, [1.5]],
        "silos.fusion": [[10**9], [-1]],
        "silos.units": [10**9],
        "lightgbm.num_leaves": [10**9, 1],
        "features.families": [
            {},
            {"a": "("},
            {"a": "(\\w+)+$", "b": "x"},
            {"": ".*"},
            {"../x": ".*"},
            {"a\nb": ".*"},
            {"a/b": ".*"},
        ],
        "evaluate.thresholds_bps": [[], [-1], [1e300], [2, 2]],
        "seeds": [[], [0, 0], [2**31], ["a"], [1.5], list(range(100_000))],
        "baselines": [["no_such"], ["os.system"], ["../x"], ["ridge", "ridge"], [], "ridge"],
        "networks": [["mlp/../../x"], [None]],
        "report.stretch": [
            ["0001-01-01", "9999-12-31"],
            ["2024-01-01T00:00", "2023-01-01T00:00"],
            ["now", "then"],
            [1, 2],
            ["2024-01-01"],
        ],
    }
    for key, values in hard.items():
        for at, value in enumerate(values):
            write = partial(_set, key=key, value=value)
            yield Case("params", f"{key} is {str(value)[:40]!r}, {at}", write, Must.EITHER, _CHECK)
    for first, last in (
        ("0001-01-01", "9999-12-31"),
        ("9999-12-31", "9999-12-31"),
        ("2024-13-01", "2024-14-01"),
        ("2024-01-01T25:00", "x"),
    ):

        def ranges(folder: Path, first: str = first, last: str = last) -> None:
            save(folder, frame())
            times = {name: [first, last] for name in ("train", "valid", "test")}
            write_params(folder, split={"fractions": None, "times": times})

        yield Case("params", f"splits from {first} to {last}", ranges, commands=_CHECK)


def cases() -> Iterator[Case]:
    yield from _texts()
    yield from _values()

"""Names of columns, files and folders that shells, terminals and tables take for something else."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import h5py
import numpy as np

from tests.robustness.case import FEATURES, Case, Must, frame, save, write_params

_ODD = {
    "300 bytes": "x" * 300,
    "70,000 bytes": "y" * 70_000,
    "NUL inside": "a\0b",
    "NUL alone": "\0",
    "a new line": "a\nalpha check: error: all is well",
    "a carriage return": "a\rb",
    "an escape": "\x1b[2J\x1b[31mred",
    "a bell": "a\x07",
    "C1 controls": "a\x9b31mb",
    "a line separator": "a\u2028b",
    "right to left": "a\u202eb",
    "a path out": "../../out",
    "a path": "/etc/passwd",
    "a dot": ".",
    "empty": "",
    "blank": " ",
    "a formula": "=cmd|'/c calc'!A1",
    "another formula": "@SUM(1+1)",
    "HTML": "<script>alert(1)</script>",
    "a template": "{{ 7 * 7 }}${x}%s",
    "an emoji": "🦆",
    "Greek": "σπρεντ",
    "combined letters": "e\u0301",
    "quotes": "a'b\"c`d",
    "commas": "a,b;c\td",
    "a comment": "# a",
    "a reserved word": "index",
    "NaN": "nan",
    "a number": "12",
}


def _column(folder: Path, name: str, form: str) -> None:
    save(folder, frame().rename(columns={"spread": name}), format=form)


def _bytes(folder: Path, name: bytes) -> None:
    """A name that is no text in UTF-8."""
    path = save(folder, frame().rename(columns={"spread": "x" * len(name)}))
    with h5py.File(path, "r+") as file:
        for node in ("df/axis0", "df/block0_items"):
            values = file[node][:]
            values[values == b"x" * len(name)] = name
            file[node][:] = values


def _columns() -> Iterator[Case]:
    for what, name in _ODD.items():
        for form in ("fixed", "table"):
            # pandas writes no such name, or another one.
            if form == "table" and what in ("a dot", "empty", "70,000 bytes"):
                continue
            write = partial(_column, name=name, form=form)
            yield Case("names", f"a column of {what}, {form}", write, Must.EITHER)
    for what, name in {
        "lone surrogates": "\ud800".encode("utf-8", "surrogatepass"),
        "Latin-1": b"caf\xe9",
        "bytes that are no text": b"\xff\xfe\xfd",
        "a cut letter": b"a\xe2\x82",
    }.items():
        yield Case(
            "names", f"a column of {what}", partial(_bytes, name=name), Must.EITHER, trusted=False
        )

    def twins(folder: Path) -> None:
        """Two names of two days' that differ in their bytes alone."""
        _bytes(folder, b"caf\xe9")
        path = save(
            folder, frame(start="2024-01-01T00:04:00").rename(columns={"spread": "xxxx"}), "b.h5"
        )
        with h5py.File(path, "r+") as file:
            for node in ("df/axis0", "df/block0_items"):
                values = file[node][:]
                values[values == b"xxxx"] = b"caf\xea"
                file[node][:] = values

    yield Case(
        "names", "names that differ in bytes that are no text", twins, Must.EITHER, trusted=False
    )
    for what, names in {
        "whole numbers": range(5),
        "floats": np.arange(5.0),
        "None": ["best_bid", "best_ask", None, "a", "b"],
        "pairs": [("a", at) for at in range(5)],
    }.items():

        def numbers(folder: Path, names=tuple(names)) -> None:
            made = frame()
            made.columns = list(names)
            made["best_bid"], made["best_ask"] = 1.0, 2.0
            save(folder, made)

        yield Case("names", f"columns that are {what}", numbers, Must.EITHER)


def _files() -> Iterator[Case]:
    def named(folder: Path, name: str) -> None:
        path = save(folder, frame())
        path.rename(path.with_name(name))

    for what, name in _ODD.items():
        if "\0" in name or "/" in name or len(name) > 250 or name in (".", ""):
            continue
        write = partial(named, name=f"{name}.h5")
        yield Case("names", f"a file of {what}", write, Must.EITHER, trusted=name != "blank")

    def not_text(folder: Path) -> None:
        path = save(folder, frame())
        path.rename(path.with_name(b"caf\xe9.h5".decode("utf-8", "surrogateescape")))

    yield Case("names", "a file of bytes that are no text", not_text, Must.EITHER)
    yield Case("names", "a file of 255 bytes", partial(named, name="x" * 252 + ".h5"), Must.EITHER)
    yield Case("names", "a hidden file", partial(named, name=".a.h5"), Must.EITHER)
    yield Case("names", "no name but its ending", partial(named, name=".h5"), Must.EITHER)

    def folder_of(folder: Path, name: str) -> None:
        save(folder, frame())
        (folder / "features").rename(folder / name)
        write_params(folder, data={"dir": name})

    for name in (
        "with space",
        "(a)",
        "données",
        "a;b",
        "a&b",
        "-a",
        "[a]",
        "a*",
        "#a",
        "%20",
        "🦆",
    ):
        write = partial(folder_of, name=name)
        yield Case("names", f"the folder {name}", write, Must.ACCEPT, FEATURES[:1])


def cases() -> Iterator[Case]:
    yield from _columns()
    yield from _files()

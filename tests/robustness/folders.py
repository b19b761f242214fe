"""Folders of feature files with something else in them, of several symbols, or of thousands."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py

from tests.robustness.case import FEATURES, LABEL, Case, Must, frame, save, write_params

_SECOND = "2024-01-01T00:04:00"


def _case(name: str, write: Any, must: Must = Must.REFUSE, **given: Any) -> Case:
    return Case("folders", name, write, must, **given)


def _beside(folder: Path, make: Callable[[Path], Any], name: str = "b.h5") -> None:
    """A sound file, and something beside it."""
    save(folder, frame())
    make(folder / "features" / name)


def _devices() -> Iterator[Case]:
    made: dict[str, Callable[[Path], Any]] = {
        "a dead link": lambda path: path.symlink_to("nowhere.h5"),
        "a link to itself": lambda path: path.symlink_to(path.name),
        "a FIFO": os.mkfifo,
        "a link to a FIFO": lambda path: (os.mkfifo(path.with_name("f")), path.symlink_to("f")),
        "a link to a device": lambda path: path.symlink_to("/dev/zero"),
        "a socket": lambda path: socket.socket(socket.AF_UNIX).bind(os.path.relpath(path)),
        "an empty file": Path.touch,
        "a link to a folder": lambda path: path.symlink_to(".."),
    }
    for what, make in made.items():
        must = Must.EITHER if "folder" in what else Must.REFUSE
        yield _case(f"{what} beside a file", partial(_beside, make=make), must, says=r"b\.h5|f\b")
        write = partial(_alone, make=make)
        yield _case(f"{what} alone", write)
    yield _case("a folder with the name of a file", partial(_beside, make=Path.mkdir), Must.EITHER)
    link = partial(_beside, make=lambda path: path.symlink_to("../real.h5"))

    def linked(folder: Path) -> None:
        save(folder, frame(start=_SECOND)).rename(folder / "real.h5")
        link(folder)

    yield _case("a link to a file", linked, Must.ACCEPT)
    said = {"must": Must.ACCEPT, "commands": ("check",), "says": "left out|not read|ignored"}
    for name in ("b.hdf5", "c.H5", "notes.txt.h5x"):
        of = partial(_beside, make=lambda path: path.write_bytes(b"x"), name=name)
        if name != "notes.txt.h5x":
            yield _case(f"{name} beside a.h5", of, **said)

    def inside(folder: Path) -> None:
        save(folder, frame())
        (folder / "features" / "day2").mkdir()
        save(folder, frame(start=_SECOND), "day2/b.h5")

    yield _case("a day in a folder of its own beside a.h5", inside, **said)


def _alone(folder: Path, make: Callable[[Path], Any]) -> None:
    (folder / "features").mkdir()
    make(folder / "features" / "b.h5")


def _whole() -> Iterator[Case]:
    yield _case("no folder", lambda folder: None, says="features")
    yield _case("an empty folder", lambda folder: (folder / "features").mkdir(), says="features")
    yield _case("a file in its place", lambda folder: (folder / "features").touch())
    yield _case("a dead link in its place", lambda folder: (folder / "features").symlink_to("no"))
    itself = lambda folder: (folder / "features").symlink_to("features")  # noqa: E731
    yield _case("a link to itself in its place", itself)
    yield _case(
        "a device in its place", lambda folder: (folder / "features").symlink_to("/dev/null")
    )
    for what, start in {"is a copy": "2024-01-01", "overlaps": "2024-01-01T00:02:00"}.items():

        def overlap(folder: Path, start: str = start) -> None:
            save(folder, frame())
            save(folder, frame(start=start, seed=1), "b.h5")

        yield _case(f"the second file {what}", overlap)

    def pair(folder: Path) -> None:
        save(folder, frame())
        save(folder, frame(start=_SECOND), "a.parquet")
        write_params(folder, data={"pattern": "a.*"})

    yield _case("a.h5 and a.parquet", pair, says="a.parquet")

    def symbols(folder: Path) -> None:
        save(folder, frame(), "XBT-data-01-01-2024.h5")
        save(folder, frame(start=_SECOND), "ETH-data-02-01-2024.h5")

    yield _case("files of two symbols", symbols, says="symbols")

    def apart(folder: Path, start: str, seed: int) -> None:
        save(folder, frame())
        save(folder, frame(start=start, seed=seed), "b.h5")

    for what, start in {
        "meet at a row": "2024-01-01T00:03:59",
        "follow one another": _SECOND,
        "are a day apart": "2024-01-02",
        "are a year apart": "2025-01-01",
    }.items():
        commands = (LABEL,) if "apart" in what else FEATURES  # no day is without rows
        write = partial(apart, start=start, seed=1)
        yield _case(f"two files {what}", write, Must.ACCEPT, commands=commands)

    def backwards(folder: Path) -> None:
        save(folder, frame(start=_SECOND))
        save(folder, frame(), "b.h5")

    yield _case("files in another order than their names", backwards, Must.ACCEPT)
    for count in (50, 200):
        yield _case(
            f"{count} files of three rows",
            partial(_many, count=count),
            Must.ACCEPT,
            commands=(LABEL,),
            trusted=False,
        )


def _many(folder: Path, count: int) -> None:
    path = save(folder, frame(3))
    first = frame(3).index.asi8
    for at in range(1, count):
        other = path.with_name(f"b{at}.h5")
        shutil.copy(path, other)
        with h5py.File(other, "r+") as file:
            file["df/axis1"][:] = first + at * 3 * (first[1] - first[0])


def _symbols() -> Iterator[Case]:
    def of(folder: Path, **made: Any) -> None:
        for name, one in made.items():
            (folder / "features" / name).mkdir(parents=True)
            save(folder, one, f"{name}/a.h5")

    yield _case("two symbols", partial(of, A=frame(), B=frame(seed=1)), Must.ACCEPT)
    yield _case("one symbol's folder", partial(of, A=frame()), Must.ACCEPT)
    other = frame(seed=1).rename(columns={"spread": "gap"})
    yield _case(
        "symbols of which one has another feature", partial(of, A=frame(), B=other), Must.ACCEPT
    )
    none = frame(seed=1).rename(columns=lambda name: name if "best" in name else f"x_{name}")
    yield _case("symbols without a common feature", partial(of, A=frame(), B=none))
    bad = frame(seed=1).iloc[::-1]
    yield _case("of two symbols one is out of order", partial(of, A=frame(), B=bad), says="B/")
    no_ask = frame().drop(columns="best_ask")
    yield _case("of two symbols one has no ask", partial(of, A=frame(), B=no_ask), says="B/")
    for what, make in {
        "a FIFO": os.mkfifo,
        "a dead link": lambda path: path.symlink_to("no"),
    }.items():

        def within(folder: Path, make: Any = make) -> None:
            of(folder, A=frame(), B=frame(seed=1))
            make(folder / "features" / "B" / "c.h5")

        yield _case(f"in a symbol's folder {what}", within, says=r"c\.h5")

        def only(folder: Path, make: Any = make) -> None:
            of(folder, A=frame())
            (folder / "features" / "B").mkdir()
            make(folder / "features" / "B" / "c.h5")

        yield _case(f"in a symbol's folder nothing but {what}", only, says=r"c\.h5")

    def linked(folder: Path) -> None:
        of(folder, A=frame())
        (folder / "features" / "B").symlink_to("A")

    yield _case("a symbol's folder is a link to another", linked, Must.EITHER)

    def loop(folder: Path) -> None:
        of(folder, A=frame())
        (folder / "features" / "B").symlink_to("../features")

    yield _case("a symbol's folder leads back", loop, Must.EITHER)
    for name in ("with space", "=1+1", "a\nb", "\x1b[31m", "<b>", "données"):
        yield _case(
            f"a symbol by the name {name!r}",
            partial(of, **{name: frame(), "B": frame()}),
            Must.EITHER,
        )


def cases() -> Iterator[Case]:
    for group in (_devices, _whole, _symbols):
        yield from group()

"""Exported models and folders of models that were changed, or made to do harm."""

import io
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from alpha.score.export import zipped
from tests.robustness.case import Case, Must, frame, save
from tests.robustness.hdf5 import TRAP

_SCORE = "score --model {} --features features --out results/scores.h5"
_ZIP = (_SCORE.format("model.zip"),)
_RIDGE = "results/train/0/baselines/ridge"
_FOLDER = (
    _SCORE.format(_RIDGE),
    f"export --model {_RIDGE} --out results/other.zip",
    "predict --models results/train/0/baselines --splits results/split/0 "
    "--normalization results/normalize/0.json --out results/predict/0/baselines",
)


def _files(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def _of_bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        path = folder / "model.zip"
        path.write_bytes(change(path.read_bytes()))

    return write


def _packed(members: Callable[[dict[str, bytes]], Any], method: int = 0) -> Callable[[Path], None]:
    """A zip of other members: pairs of names, or entries, and contents."""

    def write(folder: Path) -> None:
        path = folder / "model.zip"
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", method) as file:
            for name, content in members(_files(path)):
                file.writestr(name, content, method)
        path.write_bytes(made.getvalue())

    return write


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    return entry


def _zips() -> Iterator[Case]:
    def case(name: str, write: Any, must: Must = Must.REFUSE) -> Case:
        return Case("exported models", name, write, must, _ZIP, run=True)

    yield case("as it is", lambda folder: None, Must.ACCEPT)
    for at in range(24):
        yield case(
            f"a flipped byte at {at}/24",
            _of_bytes(lambda content, at=at: _flip(content, len(content) * at // 24)),
        )
        cut = _of_bytes(lambda content, at=at: content[: len(content) * at // 24])
        yield case(f"cut after {at}/24", cut)
    yield case("with a byte after its end", _of_bytes(lambda content: content + b"x"))
    yield case("with a byte before its start", _of_bytes(lambda content: b"x" + content))
    yield case("twice", _of_bytes(lambda content: content * 2))
    yield case("a text", _of_bytes(lambda content: b"no zip"))
    yield case("a pickle", _of_bytes(lambda content: TRAP))
    for name in (
        "../out.txt",
        "/tmp/out.txt",
        "a/b.txt",
        "..\\out.txt",
        "more.txt",
        "a\0.txt",
        "x" * 5000 + ".txt",
        "model.json/",
        "\x1b[31m.txt",
        "CON.txt",
        "más.txt",
    ):
        more = _packed(lambda files, name=name: [*files.items(), (name, b"x")])
        yield case(f"with {name[:20]!r} in it", more)
    link = _packed(lambda files: [*files.items(), (_entry("link.txt", 0o120777), b"/etc/passwd")])
    yield case("with a link in it", link)
    turned = _packed(
        lambda files: [
            (_entry(name, 0o120777) if name == "parameters.json" else name, content)
            for name, content in files.items()
        ]
    )
    yield case("with a file that is a link", turned)
    twice = _packed(lambda files: [*files.items(), ("parameters.json", b"{}")])
    yield case("with one file twice", twice)
    for name in ("model.json", "manifest.json", "contract.json", "parameters.json", "summary.json"):
        without = _packed(lambda files, n=name: [one for one in files.items() if one[0] != n])
        yield case(f"without {name}", without)
        for what, content in {
            "empty": b"",
            "null": b"null",
            "a list": b"[]",
            "deep": b"[" * 100_000,
            "huge": b"9" * 5000,
        }.items():

            def whole(folder: Path, name: str = name, content: bytes = content) -> None:
                """With a manifest that fits."""
                files = _files(folder / "model.zip")
                files.pop("manifest.json")
                (folder / "model.zip").write_bytes(zipped(files | {name: content}))

            if name not in ("manifest.json", "summary.json"):
                yield case(f"{name} is {what}, as its manifest says", whole)
    packed = _packed(lambda files: files.items(), zipfile.ZIP_DEFLATED)
    yield case("the same, compressed", packed)
    bomb = _packed(
        lambda files: [*files.items(), ("bomb.txt", bytes(1 << 28))], zipfile.ZIP_DEFLATED
    )
    yield case("with 256 MB of zeros", bomb)
    many = _packed(lambda files: [*files.items(), *((f"f{at}.txt", b"") for at in range(20_000))])
    yield case("with 20,000 files", many)
    encrypted = _of_bytes(
        lambda content: content.replace(
            b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
        )
    )
    yield case("that says it is encrypted", encrypted)
    for what, make in {
        "a FIFO": os.mkfifo,
        "a dead link": lambda path: path.symlink_to("no.zip"),
        "a link to itself": lambda path: path.symlink_to(path.name),
        "a device": lambda path: path.symlink_to("/dev/zero"),
        "missing": lambda path: None,
    }.items():

        def instead(folder: Path, make: Any = make) -> None:
            (folder / "model.zip").unlink()
            make(folder / "model.zip")

        yield case(what, instead)


def _flip(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 0x41
    return bytes(changed)


def _edit(folder: Path, name: str, change: Callable[[Any], Any]) -> None:
    path = folder / _RIDGE / name
    content = json.loads(path.read_text())
    path.write_text(json.dumps(change(content) or content))


def _resigned(folder: Path, change: Callable[[Any], Any]) -> None:
    """Other parameters, as model.json says: who can write both need not be believed."""
    _edit(folder, "parameters.json", change)
    digest = sha256((folder / _RIDGE / "parameters.json").read_bytes()).hexdigest()
    _edit(folder, "model.json", lambda about: about | {"files": {"parameters.json": digest}})


def _folders() -> Iterator[Case]:
    def case(name: str, write: Any, must: Must = Must.REFUSE, **how: Any) -> Case:
        return Case(
            "folders of models", name, write, must, **{"commands": _FOLDER, "run": True} | how
        )

    yield case("as it is", lambda folder: None, Must.ACCEPT)
    for name in ("model.json", "parameters.json"):

        def damaged(folder: Path, change: Any, name: str = name) -> None:
            path = folder / _RIDGE / name
            content = path.read_bytes()
            path.unlink()
            change(path, content)

        changes: dict[str, Any] = {
            "is missing": lambda path, content: None,
            "is empty": lambda path, content: path.touch(),
            "is a folder": lambda path, content: path.mkdir(),
            "is a FIFO": lambda path, content: os.mkfifo(path),
            "is a dead link": lambda path, content: path.symlink_to("no"),
            "is a link to itself": lambda path, content: path.symlink_to(path.name),
            "is endless": lambda path, content: path.symlink_to("/dev/zero"),
            "is 100,000 deep": lambda path, content: path.write_bytes(b"[" * 100_000),
            "is a number of 5,000 digits": lambda path, content: path.write_bytes(b"9" * 5000),
            "is a pickle": lambda path, content: path.write_bytes(TRAP),
            "is no text": lambda path, content: path.write_bytes(b"\xff\xfe" + content),
        }
        for at in range(8):
            changes[f"has a flipped byte at {at}/8"] = lambda path, content, at=at: (
                path.write_bytes(_flip(content, len(content) * at // 8))
            )
            changes[f"is cut after {at}/8"] = lambda path, content, at=at: path.write_bytes(
                content[: len(content) * at // 8]
            )
        for what, change in changes.items():
            # What it says of seed, label and configuration is no part of what predicts.
            flipped = name == "model.json" and "flipped" in what
            must = Must.EITHER if flipped else Must.REFUSE
            yield case(f"{name} {what}", partial(damaged, change=change), must)
    abouts: dict[str, Any] = {
        "no model": {"model": None},
        "another model": {"model": "har"},
        "an unknown model": {"model": "../../evil"},
        "a module": {"model": "os.system"},
        "a file above": {"files": {"../har/parameters.json": "0" * 64}},
        "an absolute file": {"files": {"/etc/passwd": "0" * 64}},
        "no files": {"files": {}},
        "files as a list": {"files": ["parameters.json"]},
        "a digest that is none": {"files": {"parameters.json": "x"}},
        "another contract": {"normalization": "0" * 64},
        "a contract that is a number": {"normalization": 5},
        "one class": {"classes": [1.0]},
        "classes that descend": {"classes": [1.0, 0.0]},
        "classes that are text": {"classes": ["a", "b"]},
        "a class that is missing": {"classes": [float("nan"), 1.0]},
        "classes of another model": {"classes": [0.0, 1.0]},
        "an infinite class": {"classes": [0.0, float("inf")]},
    }
    for what, change in abouts.items():
        write = partial(_edit, name="model.json", change=lambda about, c=change: about | c)
        yield case(f"model.json names {what}", write)
    write = partial(_edit, name="model.json", change=lambda about: [about])
    yield case("model.json is a list", write)
    weights: dict[str, Any] = {
        "NaN": lambda of: {key: _nan(value) for key, value in of.items()},
        "empty": lambda of: {key: [] for key in of},
        "text": lambda of: dict.fromkeys(of, "x"),
        "nothing": lambda of: dict.fromkeys(of),
        "of other names": lambda of: {f"{key}2": value for key, value in of.items()},
        "with more": lambda of: of | {"more": 1},
        "objects": lambda of: {key: {"a": 1} for key in of},
        "ragged": lambda of: {key: [[1], [1, 2]] for key in of},
        "of more features": lambda of: {key: _longer(value) for key, value in of.items()},
        "1e308": lambda of: {key: _as(value, 1e308) for key, value in of.items()},
        "huge": lambda of: {key: _as(value, 10**400) for key, value in of.items()},
        "infinite": lambda of: {key: _as(value, float("inf")) for key, value in of.items()},
    }
    for what, change in weights.items():
        must = Must.EITHER if what == "1e308" else Must.REFUSE
        yield case(f"parameters are {what}, and signed", partial(_resigned, change=change), must)


def _as(value: Any, number: Any) -> Any:
    return [_as(one, number) for one in value] if isinstance(value, list) else number


def _nan(value: Any) -> Any:
    return _as(value, float("nan"))


def _longer(value: Any) -> Any:
    return [*value, value[-1]] if isinstance(value, list) else value


def _scored() -> Iterator[Case]:
    """Feature files of another shape than training's."""

    def case(name: str, change: Any, must: Must = Must.REFUSE, form: str = "fixed") -> Case:
        def write(folder: Path) -> None:
            shutil.rmtree(folder / "features")
            made = frame()
            save(folder, made if (given := change(made)) is None else given, format=form)

        return Case("scored rows", name, write, must, _ZIP, run=True)

    yield case("in another order", lambda made: made[made.columns[::-1]], Must.ACCEPT)
    yield case("with a column more", lambda made: made.assign(more=1.0), Must.ACCEPT)
    yield case("as doubles", lambda made: made.astype(float), Must.ACCEPT)
    yield case("as a table", lambda made: None, Must.ACCEPT, "table")
    yield case("without a column", lambda made: made.drop(columns="spread"))
    yield case(
        "with a column of another name", lambda made: made.rename(columns={"spread": "Spread"})
    )
    for value in (np.nan, np.inf, 1e300, -1e300, 3e38, 5e-324):
        change = lambda made, v=value: made.assign(spread=np.float64(v))  # noqa: E731
        yield case(f"with {value} in a feature", change, Must.ACCEPT)
    yield case("out of order", lambda made: made.iloc[::-1])
    yield case("one row", lambda made: made.iloc[:1], Must.ACCEPT)
    yield case("no row", lambda made: made.iloc[:0])
    yield case("with text", lambda made: made.assign(spread="a"))
    for out in (
        "results/s.csv",
        "results/s",
        "features/a.h5",
        "features",
        "results/label/labels/a.h5",
        "results/../features/a.h5",
        "model.zip",
    ):
        command = f"score --model model.zip --features features --out {out}"
        must = Must.EITHER if out == "results/label/labels/a.h5" else Must.REFUSE
        yield Case("scored rows", f"to {out}", lambda folder: None, must, (command,), run=True)


def cases() -> Iterator[Case]:
    for group in (_zips, _folders, _scored):
        yield from group()

"""What steps are given, changed between them: each says whose it is, or is refused."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.robustness.case import Case, Must, frame, save, write_params
from tests.robustness.hdf5 import TRAP
from tests.robustness.trial import WHOLE_RUN

_SPLIT, _NORMALIZE, _TRAIN, _PREDICT = WHOLE_RUN[1:5]
_AUDIT = (
    "audit --features features --labels results/label/labels --splits results/split "
    "--normalization results/normalize --out results/audit"
)
_GUARD = "guard --labels results/label --pins pins --out results/guard"
_EVALUATE = (
    "evaluate --features features --audit results/audit --splits results/split "
    "--models results/train --predictions results/predict --trade results/trade "
    "--out results/evaluate"
)
_MODELS = {
    "baselines": ["zero", "mean", "median", "persistence", "har", "ridge"],
    "seeds": [0],
    "networks": [],
    "trees": [],
}


def _case(
    name: str, write: Callable[[Path], Any], command: str, must: Must = Must.REFUSE, says: str = ""
) -> Case:
    def prepared(folder: Path) -> None:
        write_params(folder, **_MODELS)
        (folder / "results" / "trade").mkdir()
        write(folder)

    return Case("artifacts", name, prepared, must, (command,), says, run=True)


def _value(folder: Path, name: str, column: str, row: int, value: Any) -> None:
    """One value of a frame in an artifact."""
    with h5py.File(folder / "results" / name, "r+") as file:
        for number in range(int(file["df"].attrs["nblocks"])):
            names = file[f"df/block{number}_items"][:].astype(str).tolist()
            if column in names:
                values = file[f"df/block{number}_values"]
                old = values[row, names.index(column)]
                values[row, names.index(column)] = value(old) if callable(value) else value


def _flip(value: Any) -> Any:
    """A bit in the middle of the mantissa, of float32 or of float64."""
    bits = np.array([value]).view(f"i{value.itemsize}")
    return (bits ^ (1 << 4 * value.itemsize - 4)).view(value.dtype)[0]


def _values() -> Iterator[Case]:
    # A file, a column of it, and the step that is given it.
    read = {
        "label/labels/a.h5": ("alpha_outcome", _SPLIT),
        "split/0/train/a.h5": ("spread", _TRAIN),
        "split/0/valid/b.h5": ("alpha_outcome", _TRAIN),
        "split/0/test/b.h5": ("spread", _PREDICT),
        "split/0/train/b.h5": ("spread", _NORMALIZE),
        "predict/0/baselines/ridge/test.h5": ("prediction", _EVALUATE),
        "predict/0/baselines/har/valid.h5": ("alpha_outcome", _EVALUATE),
    }
    for name, (column, command) in read.items():
        for what, value in {
            "a flipped bit": _flip,
            "NaN": np.nan,
            "an infinity": np.inf,
            "1e300": 1e300,
        }.items():
            write = partial(_value, name=name, column=column, row=20, value=value)
            yield _case(f"{what} in {column} of {name}", write, command)
    for name in ("label/labels/a.h5", "split/0/train/a.h5"):
        command = _SPLIT if "label/" in name else _NORMALIZE
        for status in (1, 3, 7, -1):
            write = partial(_value, name=name, column="status", row=20, value=status)
            yield _case(f"a status of {status} in {name}", write, command)

    def earlier(folder: Path, name: str) -> None:
        with h5py.File(folder / "results" / name, "r+") as file:
            file["df/axis1"][20] += 1

    for name, command in (
        ("label/labels/a.h5", _SPLIT),
        ("split/0/train/a.h5", _TRAIN),
        ("split/0/test/b.h5", _PREDICT),
        ("predict/0/baselines/ridge/test.h5", _EVALUATE),
    ):
        yield _case(f"a time that is 1 ns later in {name}", partial(earlier, name=name), command)


def _files() -> Iterator[Case]:
    def change(folder: Path, name: str, how: Callable[[Path], Any]) -> None:
        how(folder / "results" / name)

    def add(path: Path) -> None:
        shutil.copy(path, path.with_name("z.h5"))

    def replace(make: Callable[[Path], Any]) -> Callable[[Path], None]:
        def made(path: Path) -> None:
            path.unlink()
            make(path)

        return made

    def cut(path: Path, share: float = 0.6) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    def flip(path: Path, share: float) -> None:
        content = bytearray(path.read_bytes())
        content[int(len(content) * share)] ^= 0x10
        path.write_bytes(content)

    ways: dict[str, Callable[[Path], Any]] = {
        "removed": Path.unlink,
        "added beside": add,
        "cut": cut,
        "empty": replace(Path.touch),
        "a FIFO": replace(os.mkfifo),
        "a folder": replace(Path.mkdir),
        "a dead link": replace(lambda path: path.symlink_to("no")),
        "a pickle": replace(lambda path: path.write_bytes(TRAP)),
    }
    frames = {
        "label/labels/b.h5": (_SPLIT, _AUDIT),
        "split/0/train/b.h5": (_NORMALIZE, _TRAIN, _PREDICT),
        "split/0/valid/b.h5": (_TRAIN,),
        "split/0/test/b.h5": (_PREDICT,),
        "predict/0/baselines/ridge/test.h5": (_EVALUATE,),
    }
    for name, commands in frames.items():
        for what, how in ways.items():
            for command in commands:
                word = command.split()[0]
                yield _case(f"{name} {what}, {word}", partial(change, name=name, how=how), command)
    texts = {
        "label/profile.json": (_GUARD,),
        "normalize/0.json": (_TRAIN, _PREDICT, _AUDIT),
        "split/paths.json": (_EVALUATE,),
        "split/0/summary.json": (_TRAIN,),
        "train/0/baselines/ridge/history.csv": (_EVALUATE,),
        "train/0/baselines/ridge/importance.json": (_EVALUATE,),
        "predict/0/baselines/ridge/inputs.json": (_EVALUATE,),
    }
    ways = {
        "removed": Path.unlink,
        "cut": cut,
        "empty": replace(Path.touch),
        "a FIFO": replace(os.mkfifo),
        "100,000 deep": lambda path: path.write_bytes(b"[" * 100_000),
        "null": lambda path: path.write_bytes(b"null"),
        "a list": lambda path: path.write_bytes(b"[]"),
        "a number of 5,000 digits": lambda path: path.write_bytes(b"9" * 5000),
        "no text": lambda path: path.write_bytes(b"\xff\xfe\xfd"),
        **{f"flipped at {at}/6": partial(flip, share=at / 6) for at in range(6)},
    }
    for name, commands in texts.items():
        for what, how in ways.items():
            for command in commands:
                word = command.split()[0]
                # A model may have no importance, and a summary may be for people alone.
                loose = (name.endswith("importance.json") and what == "removed") or (
                    name.endswith("summary.json")
                )
                yield _case(
                    f"{name} {what}, {word}",
                    partial(change, name=name, how=how),
                    command,
                    Must.EITHER if loose else Must.REFUSE,
                )


def _mixed() -> Iterator[Case]:
    """Whole artifacts, but of another run."""
    yield from (
        _case(f"as they are, {command.split()[0]}", lambda folder: None, command, Must.ACCEPT)
        for command in (_SPLIT, _NORMALIZE, _TRAIN, _PREDICT, _AUDIT, _GUARD)
    )

    def swapped(folder: Path, one: str, other: str) -> None:
        first, second = folder / "results" / one, folder / "results" / other
        first.rename(folder / "aside")
        second.rename(first)
        (folder / "aside").rename(second)

    for one, other, command in (
        ("predict/0/baselines/ridge", "predict/0/baselines/mean", _EVALUATE),
        ("predict/0/baselines/ridge/test.h5", "predict/0/baselines/ridge/valid.h5", _EVALUATE),
        ("predict/0/baselines/ridge/test.h5", "predict/0/baselines/har/test.h5", _EVALUATE),
        ("split/0/train", "split/0/valid", _NORMALIZE),
        ("split/0/train", "split/0/valid", _TRAIN),
        ("split/0/test", "split/0/valid", _PREDICT),
        ("label/labels/a.h5", "label/labels/b.h5", _SPLIT),
        ("train/0/baselines/ridge", "train/0/baselines/har", _EVALUATE),
    ):
        yield _case(
            f"{one} and {other} swapped, {command.split()[0]}",
            partial(swapped, one=one, other=other),
            command,
        )

    def params_of(folder: Path, **sections: Any) -> None:
        write_params(folder, **_MODELS, **sections)

    for what, sections in {
        "another horizon": {"label": {"horizon_seconds": 20}},
        "a shorter horizon": {"label": {"horizon_seconds": 5}},
        "another target": {"label": {"target": "up"}},
        "another price": {"label": {"price": "mid"}},
        "another longest gap": {"label": {"max_gap_seconds": 3}},
        "quotes swapped": {"data": {"best_bid": "best_ask", "best_ask": "best_bid"}},
    }.items():
        yield _case(f"labels of {what}", partial(params_of, **sections), _SPLIT)

    def prices(folder: Path, change: Callable[[Any], Any]) -> None:
        made = frame()
        given = change(made)
        save(folder, made if given is None else given)

    for what, change in {
        "other prices": lambda made: made.assign(best_bid=made.best_bid - 1),
        "one other price": lambda made: made.assign(
            best_bid=made.best_bid.where(np.arange(len(made)) != 50, made.best_bid - 0.5)
        ),
        "a row less": lambda made: made.iloc[:-1],
        "a row less inside": lambda made: made.drop(index=made.index[50]),
    }.items():
        for command in (_SPLIT, _AUDIT):
            yield _case(
                f"labels of {what}, {command.split()[0]}", partial(prices, change=change), command
            )

    def more(folder: Path) -> None:
        save(folder, frame(start="2024-01-01T00:08:00", seed=2), "c.h5")

    yield _case("a day without labels", more, _SPLIT)
    yield _case(
        "a day less than labels", lambda folder: (folder / "features/b.h5").unlink(), _SPLIT
    )

    def contract(folder: Path, change: Callable[[Any], Any]) -> None:
        path = folder / "results" / "normalize" / "0.json"
        content = json.loads(path.read_text())
        path.write_text(json.dumps(change(content) or content))

    for what, change in {
        "another mean": lambda content: content["mean"].__setitem__(0, 5.0),
        "another order": lambda content: content["names"].reverse(),
        "a feature less": lambda content: content["names"].pop(),
        "a sigma of NaN": lambda content: content["sigma"].__setitem__(0, float("nan")),
        "a negative sigma": lambda content: content["sigma"].__setitem__(0, -1.0),
        "no clip": lambda content: content.update(clip=None),
        "no hash": lambda content: content.pop("hash", None),
        "another family": lambda content: content["families"].update(spread="other"),
    }.items():
        for command in (_TRAIN, _PREDICT):
            yield _case(
                f"a contract with {what}, {command.split()[0]}",
                partial(contract, change=change),
                command,
            )


def cases() -> Iterator[Case]:
    for group in (_values, _files, _mixed):
        yield from group()

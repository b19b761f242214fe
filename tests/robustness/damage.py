"""Byte-level fuzzing: sound files of each form, with bytes that were changed, cut, moved, repeated.

The number of a case and the seed make it, whatever was tried before.
"""

import gzip
import random
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tests.robustness import raw_tables, recordings
from tests.robustness.case import FEATURES, Case, Must, frame, params, save, write_params


class Edit(NamedTuple):
    how: str
    at: int
    size: int
    value: int  # a byte, or where a block is taken from

    def __str__(self) -> str:
        return f"{self.how} {self.size} at {self.at} ({self.value})"


class Form(NamedTuple):
    """A sound file, where it stands in a case, and what is run on it."""

    path: str
    content: Callable[[], bytes]
    commands: tuple[str, ...]
    prepare: Callable[[Path], Any]
    must: Must = Must.EITHER
    run: bool = False


def _written(name: str, **how: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return save(Path(folder), frame(120), name, **how).read_bytes()


def _raw(folder: Path, form: Any) -> None:
    raw_tables.sources(folder, {"*": form})


def _features(folder: Path, pattern: str = "*.h5") -> None:
    write_params(folder, data={"pattern": pattern})
    (folder / "features").mkdir()


def _csv() -> bytes:
    return raw_tables.text(raw_tables.rows(240))


def _json() -> bytes:
    return b"\n".join([*recordings.lines(240), b""])


def _forms() -> dict[str, Form]:
    import json

    quotes = partial(_raw, form=raw_tables.QUOTES)
    messages = partial(_raw, form="binance_messages")
    table, csv = "raw/a.csv", raw_tables.INGEST
    score = ("score --model model.zip --features features --out results/scores.h5",)
    hdf5 = {
        "fixed HDF5": {},
        "HDF5 tables": {"format": "table"},
        "packed HDF5": {"complib": "zlib", "complevel": 1},
        "packed HDF5 tables": {"format": "table", "complib": "blosc:zstd", "complevel": 1},
    }
    return {
        **{
            name: Form("features/a.h5", partial(_written, "a.h5", **how), FEATURES, _features)
            for name, how in hdf5.items()
        },
        "Parquet": Form(
            "features/a.parquet",
            partial(_written, "a.parquet"),
            FEATURES,
            partial(_features, pattern="*.parquet"),
        ),
        "CSV": Form(table, _csv, csv, quotes),
        "CSV in gzip": Form(table, lambda: gzip.compress(_csv(), mtime=0), csv, quotes),
        "CSV in zstd": Form(table, lambda: pa.compress(_csv(), "zstd", asbytes=True), csv, quotes),
        "JSON lines": Form("raw/a.jsonl", _json, csv, messages),
        "JSON in gzip": Form("raw/a.jsonl", lambda: gzip.compress(_json(), mtime=0), csv, messages),
        "params": Form(
            "params.yaml",
            lambda: json.dumps(params(), indent=1).encode(),
            ("check",),
            lambda folder: save(folder, frame()),
        ),
        # Whose every byte is said by its manifest, so that any change is wrong.
        "exported models": Form(
            "model.zip", lambda: b"", score, lambda folder: None, Must.REFUSE, run=True
        ),
    }


FORMS = _forms()


@cache
def sound(form: str) -> bytes:
    return FORMS[form].content()


def edits(rng: random.Random, size: int) -> list[Edit]:
    """A few changes of a file of so many bytes."""
    ways = ("set", "flip", "set", "flip", "cut", "drop", "repeat", "copy", "zero", "fill")
    found = []
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        how, at = rng.choice(ways), rng.randrange(size)
        most = {"set": 1, "flip": 1}.get(how, rng.choice((2, 8, 64, 1024)))
        value = (
            rng.randrange(size)
            if how == "copy"
            else rng.choice((0, 1, 127, 255, rng.randrange(256)))
        )
        found.append(Edit(how, at, rng.randint(1, most), value))
    return found


def edited(content: bytes, changes: list[Edit]) -> bytes:
    made = bytearray(content)
    for how, at, size, value in changes:
        at = min(at, len(made))
        block = slice(at, at + size)
        if how == "flip":
            made[block] = bytes(byte ^ (1 << value % 8) for byte in made[block])
        elif how in ("set", "fill", "zero"):
            made[block] = bytes([0 if how == "zero" else value]) * len(made[block])
        elif how == "cut":
            del made[at:]
        elif how == "drop":
            del made[block]
        elif how == "repeat":
            made[at:at] = made[block] * (1 + value % 8)
        else:
            made[block] = made[value : value + size]
    return bytes(made)


def _write(folder: Path, form: str, changes: list[Edit]) -> None:
    of = FORMS[form]
    of.prepare(folder)
    path = folder / of.path
    content = path.read_bytes() if of.run else sound(form)
    made = edited(content, changes)
    # What is as it was, is right.
    path.write_bytes(made if made != content else made + b"\0")


def case(form: str, changes: list[Edit]) -> Case:
    of = FORMS[form]
    name = "; ".join(map(str, changes))
    return Case(
        f"bytes of {form}",
        name,
        partial(_write, form=form, changes=changes),
        of.must,
        of.commands,
        run=of.run,
    )


def cases(seed: int, model_bytes: int) -> Iterator[tuple[str, list[Edit]]]:
    """Of each form in turn, without an end."""
    number = 0
    while True:
        for form in FORMS:
            rng = random.Random(f"{seed}/{number}/{form}")
            size = model_bytes if FORMS[form].run else len(sound(form))
            yield form, edits(rng, size)
        number += 1


def smallest(fails: Callable[[Case], bool], form: str, changes: list[Edit]) -> list[Edit]:
    """The fewest of the changes that still fail."""
    for change in list(changes):
        fewer = [one for one in changes if one is not change]
        if fewer and fails(case(form, fewer)):
            changes = fewer
    return changes

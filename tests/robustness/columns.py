"""Columns that are missing, twice there, of another type, or differ between days."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from tests.robustness.case import Case, Must, changed, frame, merged, save, write_params

_FORMS: tuple[dict[str, Any], ...] = (
    {"format": "fixed"},
    {"format": "table"},
    {"format": "table", "data_columns": True},
)


def _case(name: str, write: Any, must: Must = Must.REFUSE, **given: Any) -> Case:
    return Case("columns", name, write, must, **given)


def _missing() -> Iterator[Case]:
    for names in (["best_bid"], ["best_ask"], ["best_bid", "best_ask"]):
        write = changed(lambda made, names=names: made.drop(columns=names))
        yield _case(f"no {' and '.join(names)}", write, says=names[0])
    yield _case("quotes alone", changed(lambda made: made.iloc[:, :2]), says="feature")
    yield _case("no columns", changed(lambda made: made.iloc[:, :0]))
    yield _case("no rows", changed(lambda made: made.iloc[:0]), says="row")
    yield _case("no rows in a table", changed(lambda made: made.iloc[:0], format="table"))
    for name in ("status", "up", "alpha_outcome"):
        write = changed(lambda made, name=name: made.assign(**{name: 0.0}))
        yield _case(f"a feature with the name of a label: {name}", write, says=name)

    def same(folder: Path) -> None:
        save(folder, frame())
        write_params(folder, data={"best_ask": "best_bid"})

    yield _case("best_bid and best_ask are one column", same, says="best_ask")


def _twice() -> Iterator[Case]:
    def twice(folder: Path, name: str, form: str) -> None:
        if form == "table":
            made = frame()
            save(folder, pd.concat([made, made[[name]] + 1], axis=1), format=form)
            return
        # pandas writes no such file.
        with h5py.File(save(folder, frame()), "r+") as file:
            for node in ("df/axis0", "df/block0_items"):
                names = file[node][:]
                names[names == b"ask_volume_level0"] = name.encode()
                file[node][:] = names

    for form in ("fixed", "table"):
        for name in ("best_bid", "spread"):
            write = partial(twice, name=name, form=form)
            yield _case(f"{name} twice, {form}", write, says="uni(que|ted)|twice|same name")

    def levels(made: pd.DataFrame, axis: str) -> pd.DataFrame:
        made = made.tz_localize(None)
        pairs = pd.MultiIndex.from_product([["XBT"], getattr(made, axis)])
        return made.set_axis(pairs, axis=axis)

    for form in _FORMS[:2]:
        for axis in ("columns", "index"):
            write = changed(partial(levels, axis=axis), **form)
            yield _case(f"{axis} of two levels, {form['format']}", write, says="symbol|MultiIndex")


def _types() -> Iterator[Case]:
    rng = np.random.default_rng(0)
    n = len(frame())
    when = pd.date_range("2024-01-01", periods=n, freq="s")
    odd: dict[str, Any] = {
        "text": np.array(["a"] * n, object),
        "text and numbers": np.array(["a", 1.0] * (n // 2), object),
        "lists": pd.Series([[1]] * n, frame().index),
        "complex": rng.normal(size=n) * 1j,
        "a timedelta": when - when[0],
        "categories": pd.Categorical(rng.choice(["x", "y"], n)),
        "categories of numbers": pd.Categorical(rng.choice([99.0, 101.0], n)),
        "periods": when.to_period("s"),
        "dates": np.array([one.date() for one in when], object),
        "long doubles": rng.normal(size=n).astype(np.longdouble),
    }
    for form in _FORMS:
        how = ", ".join(map(str, form.values()))
        for what, values in odd.items():
            for name in ("best_bid", "extra"):
                if isinstance(values, pd.Series) and form["format"] == "table":
                    continue  # pandas does not write it

                def write(
                    folder: Path, name: str = name, values: Any = values, form: Any = form
                ) -> None:
                    made = frame()
                    made[name] = values
                    try:
                        save(folder, made, **form)
                    except (TypeError, NotImplementedError, ValueError, AssertionError):
                        # pandas does not write all of them: then the file is no frame.
                        save(folder, made.astype({name: object}), format="fixed")

                yield _case(f"{name} holds {what}, {how}", write)
        for what, values in {"times": when, "times with a zone": when.tz_localize("UTC")}.items():
            write = changed(lambda made, v=values: made.assign(best_bid=v), **form)
            yield _case(f"best_bid holds {what}, {how}", write)
            write = changed(lambda made, v=values: made.assign(extra=v), **form)
            yield _case(f"extra holds {what}, {how}", write, Must.EITHER)
        # PyTables has no index of such integers.
        largest = [] if form.get("data_columns") else ["u8"]
        for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", *largest, "f4", "f8", "?"):
            write = changed(lambda made, k=kind: made.assign(extra=np.arange(n).astype(k)), **form)
            yield _case(f"a feature of {kind}, {how}", write, Must.ACCEPT)
        for kind in ("i4", "i8", "u2", *largest, "f4"):
            write = changed(
                lambda made, k=kind: made.assign(
                    best_bid=np.floor(made.best_bid).astype(k),
                    best_ask=np.ceil(made.best_ask + 1).astype(k),
                ),
                **form,
            )
            yield _case(f"quotes of {kind}, {how}", write, Must.ACCEPT)

        def excluded(folder: Path, form: Any = form) -> None:
            made = frame()
            made["venue"] = np.array(["BitMEX"] * n, object)
            save(folder, made, **form)
            write_params(folder, data={"exclude": ["^venue$"]})

        yield _case(f"text that is excluded, {how}", excluded, Must.ACCEPT)
    for what, value in {"NaN": np.nan, "infinite": np.inf, "1e300": 1e300, "0": 0.0}.items():
        write = changed(lambda made, v=value: made.assign(extra=v))
        yield _case(f"a feature that is all {what}", write, Must.ACCEPT)


def _days() -> Iterator[Case]:
    def two(folder: Path, change: Any) -> None:
        save(folder, frame())
        save(folder, change(frame(start="2024-01-01T00:04:00", seed=1)), "b.h5")

    differ = {
        "one is missing": lambda made: made.drop(columns="spread"),
        "one is added": lambda made: made.assign(more=1.0),
        "one is renamed": lambda made: made.rename(columns={"spread": "Spread"}),
        "one is text": lambda made: made.assign(spread="a"),
        "no ask": lambda made: made.drop(columns="best_ask"),
    }
    for what, change in differ.items():
        yield _case(f"on the second day {what}", partial(two, change=change), says="b.h5")
    same = {
        "are in another order": lambda made: made[made.columns[::-1]],
        "are of another type": lambda made: made.astype(float),
    }
    for what, change in same.items():
        yield _case(f"columns of the second day {what}", partial(two, change=change), Must.ACCEPT)


def _families() -> Iterator[Case]:
    def families(folder: Path, of: dict[str, str], extra: str = "extra") -> None:
        save(folder, frame().assign(**{extra: 1.0}))
        write_params(folder)
        content = merged(_content(folder), {})
        content["features"]["families"] = of
        _write(folder, content)

    check = {"commands": ("check",)}
    for what, of in {
        "in no family": {"a": "^spread"},
        "in two families": {"a": ".*", "b": "^spread"},
        "of a family that backtracks": {"a": r"^(\w+\w+)*!$"},
    }.items():
        name = "a" * 60 if "backtracks" in what else "extra"
        yield _case(f"a feature {what}", partial(families, of=of, extra=name), **check)


def _content(folder: Path) -> Any:
    import json

    return json.loads((folder / "params.yaml").read_text(encoding="utf-8"))


def _write(folder: Path, content: Any) -> None:
    import json

    (folder / "params.yaml").write_text(json.dumps(content), encoding="utf-8")


def cases() -> Iterator[Case]:
    for group in (_missing, _twice, _types, _days, _families):
        yield from group()

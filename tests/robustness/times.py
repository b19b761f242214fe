"""Times that are not where, in what order, or of what unit they seem to be."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from tests.robustness.case import Case, Must, changed, frame, save, write_params

_N = len(frame())


def _case(name: str, write: Any, must: Must = Must.REFUSE, **given: Any) -> Case:
    return Case("times", name, write, must, **given)


def _at(change: Callable[[np.ndarray], Any], **how: Any) -> Callable[[Path], None]:
    """A frame at other times: int64 ns, changed in place or given back."""

    def of(made: pd.DataFrame) -> pd.DataFrame:
        times = made.index.as_unit("ns").asi8.copy()
        given = change(times)
        return made.set_axis(pd.DatetimeIndex(times if given is None else given, tz="UTC"))

    return changed(of, **how)


def _orders() -> Iterator[Case]:
    def swapped(times: np.ndarray) -> None:
        times[[100, 101]] = times[[101, 100]]

    yield _case("reversed", _at(lambda times: times[::-1]), says="back")
    yield _case("two swapped", _at(swapped), says="row 101")
    rng = np.random.default_rng(0)
    yield _case("shuffled", _at(lambda times: rng.permutation(times)), says="back")
    yield _case("all one", _at(lambda times: np.full_like(times, times[0])))

    def put(times: np.ndarray, at: int, value: int) -> None:
        times[at] = value

    for at in (0, 100, _N - 1):
        for what, value in {"is missing": np.iinfo(np.int64).min, "is 0": 0, "is 1": 1}.items():
            write = _at(partial(put, at=at, value=value))
            # As the first row, it is a day apart: a gap.
            must = Must.EITHER if at == 0 and value >= 0 else Must.REFUSE
            yield _case(f"row {at} {what}", write, must)
        write = _at(partial(put, at=at, value=(1 << 63) - 1))
        yield _case(f"row {at} is the last of 64 bits", write)

    def twice(times: np.ndarray, count: int) -> None:
        times[50 : 50 + count] = times[50]

    for count in (2, 20, 100):
        yield _case(f"{count} rows of one time", _at(partial(twice, count=count)), Must.ACCEPT)

    def shifted(times: np.ndarray, by: int) -> None:
        times[120:] += by

    hour = 3600 * 10**9
    for what, by in {"5 s": 5, "31 s": 31, "an hour": 3600, "a week": 7 * 86400}.items():
        write = _at(partial(shifted, by=by * 10**9))
        yield _case(f"a gap of {what}", write, Must.EITHER)
    for form in ("fixed", "table"):
        write = _at(partial(shifted, by=-hour), format=form)
        yield _case(f"an hour that comes twice, {form}", write, says="hour|local|daylight|summer")


def _units() -> Iterator[Case]:
    for unit in ("s", "ms", "us", "ns"):
        for zone in (None, "UTC", "Asia/Tokyo", "America/New_York"):
            for form in ("fixed", "table"):

                def of(made: pd.DataFrame, unit: str = unit, zone: Any = zone) -> pd.DataFrame:
                    return made.set_axis(made.index.tz_convert(zone).as_unit(unit))

                write = changed(of, format=form)
                yield _case(f"in {unit}, {zone}, {form}", write, Must.ACCEPT)
    for what, factor in {"us": 1000, "ms": 10**6, "s": 10**9}.items():
        write = _at(lambda times, f=factor: times // f)
        yield _case(f"{what} taken for ns", write, says="1970|unit|microseconds")
    wrong = {"far later": 1000, "in year 2200": 4, "in 1700": -4}
    for what, factor in wrong.items():

        def far(folder: Path, factor: int = factor) -> None:
            path = save(folder, frame())
            with h5py.File(path, "r+") as file:
                file["df/axis1"].attrs["kind"] = np.bytes_("datetime64[us]")
                file["df/axis1"][:] = frame().index.as_unit("us").asi8 * factor

        yield _case(
            f"{what}, by its unit",
            far,
            Must.REFUSE if factor > 100 else Must.EITHER,
            says="year|unit" if factor > 100 else "",
            trusted=False,
        )

    def changes(times: np.ndarray, factor: int) -> None:
        times[120:] //= factor

    for factor in (10**3, 10**6, 10**9):
        write = _at(partial(changes, factor=factor))
        yield _case(f"the unit changes inside, by {factor:.0e}", write, says="unit|back")
        write = _at(lambda times, f=factor: np.concatenate([times[:120] // f, times[120:]]))
        yield _case(f"the unit changes inside, first by {factor:.0e}", write)


def _kinds() -> Iterator[Case]:
    index = frame().index
    for what, values in {
        "numbers of rows": pd.RangeIndex(_N),
        "floats": pd.Index(index.as_unit("ns").asi8 / 1e9),
        "text": pd.Index(index.strftime("%Y-%m-%dT%H:%M:%S")),
        "periods": index.tz_localize(None).to_period("s"),
        "timedeltas": index - index[0],
        "categories": pd.CategoricalIndex(np.arange(_N)),
        "dates": pd.Index([one.date() for one in index], dtype=object),
        "ints of ns": pd.Index(index.as_unit("ns").asi8),
    }.items():
        for form in ("fixed", "table"):

            def write(folder: Path, values: Any = values, form: str = form) -> None:
                try:
                    save(folder, frame().set_axis(values), format=form)
                except (TypeError, NotImplementedError, ValueError):
                    save(folder, frame().set_axis(pd.RangeIndex(_N)))  # pandas does not write it

            yield _case(
                f"an index of {what}, {form}",
                write,
                says="" if what == "dates" else "timestamp|index",
            )

    def in_column(folder: Path, values: Any, form: str) -> None:
        made = frame().reset_index(drop=True)
        made.insert(0, "when", values)
        save(folder, made, format=form)
        write_params(folder, data={"timestamp": "when"})

    naive = index.tz_localize(None)
    for form in ("fixed", "table"):
        for what, values in {"text": naive.astype(str), "ints": naive.asi8}.items():
            write = partial(in_column, values=values, form=form)
            yield _case(f"a column of {what} as times, {form}", write)
        write = partial(in_column, values=naive, form=form)
        yield _case(f"a column of times, {form}", write, Must.ACCEPT)
        missing = naive.where(np.arange(_N) != 7)
        yield _case(
            f"a column of times with one missing, {form}",
            partial(in_column, values=missing, form=form),
        )

    def absent(folder: Path) -> None:
        save(folder, frame())
        write_params(folder, data={"timestamp": "none_such"})

    yield _case("a column of times that is not there", absent, says="none_such")


def _lengths() -> Iterator[Case]:
    for rows in (1, 2, 5, 11):
        write = changed(lambda made, n=rows: made.iloc[:n])
        yield _case(f"{rows} rows", write, Must.EITHER if rows > 10 else Must.REFUSE)
    yield _case("rows 1 ns apart", _at(lambda times: times[0] + np.arange(_N)))
    yield _case("rows an hour apart", _at(lambda times: times[0] + np.arange(_N) * 3600 * 10**9))
    write = _at(lambda times: times + np.random.default_rng(0).integers(0, 10**9, _N))
    yield _case("rows at odd nanoseconds", write, Must.ACCEPT)


def cases() -> Iterator[Case]:
    for group in (_orders, _units, _kinds, _lengths):
        yield from group()

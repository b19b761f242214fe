"""Quotes that are crossed, missing, or of any size."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from tests.robustness.case import Case, Must, changed, frame

_N = len(frame())


def _case(name: str, write: Any, must: Must = Must.REFUSE, **given: Any) -> Case:
    return Case("quotes", name, write, must, **given)


def _set(made: pd.DataFrame, names: list[str], rows: Any, value: Any) -> None:
    made.iloc[rows, made.columns.get_indexer(names)] = value


def _marked() -> Iterator[Case]:
    odd = {
        "NaN": np.nan,
        "infinite": np.inf,
        "-infinite": -np.inf,
        "0": 0.0,
        "-0": -0.0,
        "negative": -5.0,
        "the smallest": 5e-324,
        "1e-300": 1e-300,
        "1e300": 1e300,
        "the largest": 1.7e308,
        "just above the other": np.nextafter(100, 200),
    }
    both = ["best_bid", "best_ask"]
    for what, value in odd.items():
        for names in (both[:1], both[1:], both):
            for rows in ([100], slice(60, 70), slice(-3, None), [0]):
                count = len(range(*rows.indices(_N))) if isinstance(rows, slice) else 1
                at = f"{count} rows from {rows.start if isinstance(rows, slice) else rows[0]}"
                change = partial(_set, names=names, rows=rows, value=value)
                name = f"{' and '.join(names)} {what}, {at}"
                # Outcomes of more than 1e100 times the price are none.
                must = Must.EITHER if "e" in what or "est" in what else Must.ACCEPT
                yield _case(name, changed(change), must)
        change = partial(_set, names=both, rows=slice(None), value=value)
        must = Must.REFUSE if not 0 < value < np.inf else Must.EITHER
        yield _case(f"all quotes {what}", changed(change), must)

    def crossed(made: pd.DataFrame, share: float) -> None:
        rows = np.random.default_rng(0).random(_N) < share
        made.loc[rows, ["best_bid", "best_ask"]] = made.loc[
            rows, ["best_ask", "best_bid"]
        ].to_numpy(copy=True)

    for share in (0.01, 0.05):
        yield _case(f"{share:.0%} crossed", changed(partial(crossed, share=share)), Must.EITHER)
    for share in (0.98, 1.0):
        write = changed(partial(crossed, share=share))
        yield _case(f"{share:.0%} crossed", write, says="ask|swapped")


def _sizes() -> Iterator[Case]:
    for power in (-307, -300, -200, -100, -10, 10, 100, 200, 300, 305):
        write = changed(
            lambda made, p=power: made.assign(
                best_bid=made.best_bid * 10.0**p, best_ask=made.best_ask * 10.0**p
            )
        )
        yield _case(f"prices of 1e{power + 2}", write, Must.ACCEPT)
    spread = np.geomspace(1e-300, 1e300, _N)
    write = changed(lambda made: made.assign(best_bid=spread, best_ask=spread * 1.0001))
    yield _case("prices from 1e-300 to 1e300", write, Must.EITHER)
    for what, change in {
        "locked": lambda made: made.assign(best_ask=made.best_bid),
        "frozen": lambda made: made.assign(best_bid=100.0, best_ask=100.5),
        "with a spread of a billion": lambda made: made.assign(best_ask=1e9),
    }.items():
        yield _case(f"quotes are {what}", changed(change), Must.ACCEPT)
    for kind in ("i8", "u8"):
        top = np.iinfo(kind).max

        def at_the_top(made: pd.DataFrame, kind: str = kind, top: int = top) -> pd.DataFrame:
            bid = np.full(_N, top - 10, kind)
            return made.assign(best_bid=bid, best_ask=bid + np.array(5, kind))

        yield _case(f"prices at the end of {kind}", changed(at_the_top), Must.ACCEPT)


def cases() -> Iterator[Case]:
    yield from _marked()
    yield from _sizes()

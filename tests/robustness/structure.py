"""Structure-aware fuzzing: feature files and params of any shape that users might have, or nearly.

Hypothesis makes them, and of one that fails the smallest.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.robustness.case import FEATURES, Case, Must, frame, save, write_params
from tests.robustness.trial import SOUND, Bench, Found, Outcome

_S = 10**9
_NUMBERS = st.one_of(
    st.sampled_from(
        [0.0, -0.0, np.nan, np.inf, -np.inf, -1.0, 1e-300, 1e300, 5e-324, 100.0, 100.5]
    ),
    st.floats(90, 110).map(lambda value: round(value, 2)),
    st.floats(width=32),
)
_EDITS = st.lists(
    st.tuples(st.integers(0, 119), st.sampled_from(["best_bid", "best_ask", "spread"]), _NUMBERS),
    max_size=6,
)
# What becomes of the times from a row on.
_SHIFTS = st.lists(
    st.tuples(
        st.integers(1, 119),
        st.sampled_from([0, 1, -1, -_S, 3 * _S, 9 * _S, 30 * _S, 31 * _S, 3600 * _S, -3600 * _S]),
    ),
    max_size=3,
)
_FORMS = st.sampled_from(
    [
        ("h5", {}),
        ("h5", {"format": "table"}),
        ("h5", {"format": "table", "data_columns": True}),
        ("h5", {"complib": "blosc:lz4", "complevel": 5}),
        ("parquet", {}),
    ]
)
_NAMES = st.text(min_size=1, max_size=8).filter(
    lambda name: "\0" not in name and name.isprintable() and not name.isspace()
)
_COLUMNS = st.dictionaries(
    _NAMES,
    st.sampled_from(["i1", "u8", "f4", "f8", "?", "f2", "M8[ns]", "U3", "m8[ns]"]),
    max_size=3,
)
_LABELS = st.fixed_dictionaries(
    {},
    optional={
        "horizon_seconds": st.sampled_from([1.0, 2.5, 10.0, 29.999999, 60.0]),
        "price": st.sampled_from(["touch", "mid"]),
        "target": st.sampled_from(
            [
                "abs_max",
                "signed_max",
                "up",
                "down",
                "end_return",
                "direction",
                "large_move",
                "triple_barrier",
            ]
        ),
        "max_gap_seconds": st.sampled_from([1.0, 2.0, 30.0, 3600.0]),
        "max_stale_seconds": st.sampled_from([None, 1.0, 5.0]),
        "threshold_bps": st.sampled_from([0.0, 10.0, 50.0]),
        "barrier_bps": st.sampled_from([1.0, 50.0]),
    },
)
RECIPES = st.fixed_dictionaries(
    {
        "edits": _EDITS,
        "shifts": _SHIFTS,
        "form": _FORMS,
        "columns": _COLUMNS,
        "label": _LABELS,
        "cuts": st.lists(st.integers(1, 119), max_size=2, unique=True),
        "unit": st.sampled_from(["ns", "us", "ms", "s"]),
        "zone": st.sampled_from([None, "UTC", "Asia/Tokyo"]),
        "order": st.booleans(),
    }
)


def write(folder: Path, recipe: dict[str, Any]) -> None:
    """Files of a recipe, one more than it has cuts."""
    made = frame(120)
    for name, kind in recipe["columns"].items():
        values = np.arange(len(made))
        made[name] = (
            values.astype(kind) if kind[0] not in "U" else values.astype(str).astype(object)
        )
    for row, name, value in recipe["edits"]:
        made.iloc[row, made.columns.get_loc(name)] = value
    times = made.index.as_unit("ns").asi8.copy()
    for row, by in recipe["shifts"]:
        times[row:] += by
    made.index = (
        pd.DatetimeIndex(times, tz="UTC").tz_convert(recipe["zone"]).as_unit(recipe["unit"])
    )
    if recipe["order"]:
        made = made[made.columns[::-1]]
    ending, how = recipe["form"]
    bounds = [0, *sorted(recipe["cuts"]), len(made)]
    for number, (start, stop) in enumerate(pairwise(bounds)):
        save(folder, made.iloc[start:stop], f"{number}.{ending}", **how)
    write_params(folder, data={"pattern": f"*.{ending}"}, label=recipe["label"])


class Failed(AssertionError):
    pass


def fuzz(place: Bench, count: int, seed: int, tell: Callable[[Found], None]) -> None:
    """Try so many commands on recipes; of one that fails `tell` is given the smallest alone."""
    done = 0
    while done < count:
        told, smallest = _tried(place, count - done, seed + done)
        for found in told[: count - done]:
            tell(found)
        done += len(told)
        if smallest:
            tell(smallest)
            done += 1


def _tried(place: Bench, count: int, seed: int) -> tuple[list[Found], Found | None]:
    """What became of recipes until one failed, and of the smallest that fails."""
    told: list[Found] = []
    failed: list[Found] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=-(-count // len(FEATURES)),
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @hypothesis.given(RECIPES)
    def one(recipe: dict[str, Any]) -> None:
        plain = {key: value for key, value in recipe.items() if value}
        write_it = partial(write, recipe=recipe)
        made = Case("frames of any shape", str(plain), write_it, Must.EITHER, FEATURES)
        for found in place.try_case(made):
            if found.outcome == Outcome.UNWRITTEN:  # pandas cannot write it.
                hypothesis.reject()
            if found.outcome not in SOUND:
                failed.append(found)
                raise Failed(found.outcome)
            if not failed:
                told.append(found)

    with suppress(Failed):
        one()
    return told, failed[-1] if failed else None

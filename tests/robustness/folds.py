"""Lists of folds, and schemes that no data can give."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.robustness.case import LABEL, Case, Must, frame, save, write_params

_SPLIT = "split --features features --labels results/label/labels --out results/split"
_SECONDS = {"train": 60, "valid": 30, "test": 30, "step": 30}


def _set(folder: Path, **split: Any) -> None:
    save(folder, frame())
    save(folder, frame(start="2024-01-01T00:04:00", seed=1), "b.h5")
    write_params(folder, split=split)


def _case(
    name: str, must: Must = Must.REFUSE, commands: tuple[str, ...] = ("check", _SPLIT), **split: Any
) -> Case:
    return Case("folds", name, partial(_set, **split), must, commands, run=True)


def cases() -> Iterator[Case]:
    walk = {"scheme": "walk_forward", "walk_forward": {"days": None, "seconds": _SECONDS}}
    groups = {"scheme": "combinatorial", "combinatorial": {"groups": 6, "test_groups": 2}}
    for name, scheme in {"holdout": {}, "walk_forward": walk, "combinatorial": groups}.items():
        for folds in (
            [],
            [0, 0],
            [1, 0],
            [-1],
            [10**6],
            [2**70],
            [0.5],
            ["0"],
            "all",
            None,
            [None],
            {"0": 1},
            0,
            [[0]],
            [True],
            list(range(5000)),
            [float("nan")],
        ):
            # Which of them are that of the data, none has to know before.
            yield _case(f"{name} of {str(folds)[:24]}", folds=folds, **scheme)
        every = list(range({"holdout": 1, "combinatorial": 15}.get(name, 12)))
        yield _case(f"all folds of {name}", Must.ACCEPT, ("check", LABEL), folds=every, **scheme)
    yield _case("holdout of a fold that is not there", folds=[0, 1])
    for what, seconds in {
        "longer than the data": {"train": 10**6},
        "of a microsecond": {"train": 1e-6},
        "that never end": {"step": 1e-6},
        "of negative length": {"test": -30},
        "that test rows twice": {"step": 10},
        "with a step of a century": {"step": 3e9},
    }.items():
        given = {"days": None, "seconds": _SECONDS | seconds}
        yield _case(f"walks {what}", scheme="walk_forward", walk_forward=given)
    tiny = {"days": None, "seconds": {"train": 30, "valid": 15, "test": 0.01, "step": 0.01}}
    yield _case(
        "walks of thousands of folds",
        Must.EITHER,
        ("check",),
        scheme="walk_forward",
        walk_forward=tiny,
    )
    for groups, test_groups in ((2, 1), (3, 3), (10, 5), (50, 25), (10**9, 2), (6, 0), (6, -1)):
        of = {"groups": groups, "test_groups": test_groups}
        must = Must.EITHER if groups == 10 else Must.REFUSE
        yield _case(
            f"{test_groups} of {groups} groups",
            must,
            ("check",),
            scheme="combinatorial",
            combinatorial=of,
        )

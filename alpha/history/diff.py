"""alpha diff: what changed between two commits, or a commit and the workspace. What was set, and
what came of it, in words: a section for what changed, nothing for what did not. Nothing is run
and nothing is fetched."""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alpha.core import text
from alpha.core.cli import Arguments, Option
from alpha.data.params import CLASSES
from alpha.history.repository import ABSENT, changes, related
from alpha.history.side import Side, read, setting, steps

SUMMARY = "say what changed between two commits, or a commit and the workspace"
OPTIONS = [
    Option("FROM", "a commit, branch, tag or experiment", "HEAD", type=str, required=False),
    Option("TO", "another; else the workspace", type=str, required=False),
]
SECTIONS: dict[str, Any] = {}

_SEEN = 0.001  # the last digit of a skill as it is printed
_outcome = partial(text.figure, digits=2)
# What is shown of a label's distribution, and how.
_FIGURES: dict[Any, tuple[str, Callable[[float | None], str]]] = {
    "rows": ("rows", text.count),
    "status.0": ("labelled", text.count),
    "zero_share": ("zero share", text.share),
    "quantiles.0.5": ("median", _outcome),
    "quantiles.0.9": ("0.9 quantile", _outcome),
    "quantiles.0.99": ("0.99 quantile", _outcome),
    "quantiles.0.999": ("0.999 quantile", _outcome),
}


def command(params: Any, args: Arguments) -> None:
    run(Path(), args.FROM, args.TO)


def run(root: Path, old: str, new: str | None) -> None:
    """Print what changed in the project in `root` from the commit `old` to the commit `new`, or
    to the workspace.

    Raises InputError if a commit is not one, or has no params.yaml or a damaged dvc.lock.
    """
    text.show(_parts(read(root, old), read(root, new)))


def _parts(old: Side, new: Side) -> Iterator[RenderableType]:
    yield Text(f"From {old.called} to {new.called}", style="bold")
    changed = changes(old.params, new.params)
    params = pd.DataFrame((key, _value(was), "→", _value(now)) for key, was, now in changed)
    code, data = _dependencies(old, new)
    notes = old.notes + new.notes
    absent = any(side.labels is None or side.models is None for side in (old, new))
    results: list[RenderableType] = []
    if old.outs != new.outs or absent:
        results = [*_labels(old, new), *_verdicts(old, new)]
    elif notes or not (params.empty and code.empty and data.empty):
        notes = notes or ["No result changed: every output has the same bytes."]
    else:
        notes = ["Nothing changed: same params, same code, same results."]
    for title, rows in (("Params", params), ("Code", code), ("Data", data)):
        if not rows.empty:
            yield _section(title, _table(rows))
    yield from results
    for note in notes:
        yield Padding(Text(note), (1, 0, 0, 0))


def _dependencies(old: Side, new: Side) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The code, with its steps, and data.dir, with its sizes, where the runs of the same stage saw
    another; by path. A stage of one side alone says nothing of what changed."""
    both = old.deps.merge(
        new.deps, on=["stage", "path"], how="outer", suffixes=("_was", ""), indicator="how"
    )
    order, every = [*new.deps.stage.unique()], steps(new.deps.stage)
    same_stage = both.stage.isin(old.deps.stage) & both.stage.isin(order)
    both = both[same_stage & (both.md5_was != both.md5)]
    both = both.sort_values("stage", key=lambda names: names.map(order.index), kind="stable")
    how = both.how.astype(str).map({"left_only": "removed", "right_only": "new", "both": "changed"})
    both = both.assign(how=how, arrow="→").fillna(text.NOTHING)

    def where(stages: Iterable[str]) -> str:
        found = steps(stages)
        return "every step" if len(every) > 1 and {*found} == {*every} else ", ".join(found)

    outs = {*old.outs, *new.outs}
    data_dirs = [setting(side.params, "data", "dir") for side in (old, new)]
    made = both.path.map(lambda path: related(path, outs)).astype(bool)
    code = both[~both.path.isin(data_dirs) & ~made].groupby("path", as_index=False)
    data = both[both.path.isin(data_dirs)].groupby("path", as_index=False).last()
    return code.agg({"how": "last", "stage": where}), data[["path", "size_was", "arrow", "size"]]


def _value(value: Any) -> str:
    """A parameter as params.yaml could have it, on one line."""
    if value is ABSENT:
        return text.NOTHING
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _labels(old: Side, new: Side) -> Iterator[RenderableType]:
    """The label's distribution on both sides, or why it cannot be compared."""
    if old.labels is None or new.labels is None:
        yield _section("Labels", *(side.absent for side in (old, new) if side.labels is None))
    elif not old.labels.equals(new.labels):
        kinds = [setting(side.params, "label", "target") in CLASSES for side in (old, new)]
        both = pd.DataFrame({"was": old.labels, "now": new.labels}).reindex(list(_FIGURES))
        both[3:] /= 1.0 if any(kinds) else text.BPS
        if kinds[0] != kinds[1]:
            # A quantile of returns is not comparable with one of codes.
            both = both[:3]
        rows = []
        for name, was, now in _known(both).itertuples():
            title, words = _FIGURES[name]
            ratio = text.figure(now / was if was and now is not None else None)
            rows.append((title, words(was), "→", words(now), ratio))
        table = pd.DataFrame(rows, columns=["", old.name, "", new.name, "ratio"])
        title = f"Labels, outcomes in {'class codes' if all(kinds) else 'bps'}"
        yield _section(title, _table(table, figures=True))


def _known(frame: pd.DataFrame) -> pd.DataFrame:
    """None where there is NaN."""
    return frame.astype(object).where(frame.notna(), None)


def _verdicts(old: Side, new: Side) -> Iterator[RenderableType]:
    """The models with another verdict or other flags, or of one side alone, and how much the test
    skill of the others moved; or why they cannot be compared."""
    if old.models is None or new.models is None:
        yield _section("Verdicts", *(side.absent for side in (old, new) if side.models is None))
        return
    both = _known(pd.concat([new.models, old.models], axis=1, keys=["now", "was"]))
    rows, moves = [], []
    for name, row in both.iterrows():
        was, now = row["was"], row["now"]
        flags = _flags(was.flagged, now.flagged)
        if was.verdict is None or now.verdict is None:
            how, one = ("new", now) if was.verdict is None else ("removed", was)
            rows.append((name, f"{how}: {one.verdict}, test skill {_skill(one)}"))
        elif was.verdict != now.verdict or flags:
            same = was.verdict == now.verdict
            verdict = f"{now.verdict}, as before" if same else f"{was.verdict} → {now.verdict}"
            rows += [(name, verdict), ("", f"test skill {_skill(was)} → {_skill(now)}")]
            rows += [("", flags)] * bool(flags)
        elif was.skill_test is not None and now.skill_test is not None:
            skills = f"{text.figure(was.skill_test)} → {text.figure(now.skill_test)}"
            moves.append((abs(now.skill_test - was.skill_test), f"{name}: {skills}"))
    lines: list[RenderableType] = [_table(pd.DataFrame(rows))] if rows else []
    if moves:
        size, what = max(moves, key=lambda move: move[0])
        seen = f"by at most {text.figure(size)} ({what})"
        how = seen if size >= _SEEN / 2 else f"by less than {_SEEN}"
        others = "The other verdicts are the same; their" if rows else "No verdict changed;"
        lines.append(Text(f"{others} test skill {f'moved {how}' if size else 'did not move'}."))
    elif not rows:
        lines.append(Text("No verdict changed."))
    yield _section("Verdicts", *lines)


def _flags(was: list[str] | None, now: list[str] | None) -> str:
    """Those that appeared and that vanished; nothing where a side's are not known."""
    if was is None or now is None:
        return ""
    appeared = [f"+ {flag}" for flag in now if flag not in was]
    return ", ".join(appeared + [f"no longer {flag}" for flag in was if flag not in now])


def _skill(model: pd.Series) -> str:
    ends = text.ends(model.test_low, model.test_high)
    return f"{text.figure(model.skill_test)} {ends}".rstrip()


def _section(title: str, *content: RenderableType) -> Padding:
    body = [Padding(one, (0, 0, 0, 2)) for one in content]
    return Padding(Group(Text(title, style="bold"), *body), (1, 0, 0, 0))


def _table(frame: pd.DataFrame, *, figures: bool = False) -> Table:
    """The last column may be broken over lines. `figures`: to the right, below their header."""
    table = Table(box=None, show_header=figures, header_style="dim", padding=(0, 2, 0, 0))
    for at, name in enumerate(map(str, frame.columns)):
        right = figures and at > 0
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in frame.itertuples(index=False, name=None):
        table.add_row(*map(text.coloured, row))
    return table

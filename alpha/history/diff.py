"""alpha diff: what changed between two commits, or a commit and the workspace. What was set, and
what came of it, in words: a section for what changed, nothing for what did not. Nothing is run
and nothing is fetched."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alpha.core import text
from alpha.core.cli import Arguments, Option
from alpha.data.params import CLASSES
from alpha.guard.words import number
from alpha.history.repository import ABSENT, changes, files, related
from alpha.history.side import WORKSPACE, Labels, Model, Side, read, setting

if TYPE_CHECKING:
    from dvc.output import Output

SUMMARY = "say what changed between two commits, or a commit and the workspace"
OPTIONS = [
    Option("FROM", "a commit, branch, tag or experiment", "HEAD", type=str, required=False),
    Option("TO", "another; else the workspace", type=str, required=False),
]
SECTIONS: dict[str, Any] = {}

_SEEN = 0.001  # the last digit of a skill as it is printed
_LEVELS = ("0.5", "0.9", "0.99", "0.999")  # of quantiles
Row = tuple[str, ...]


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
    params: list[Row] = [
        (key, _value(then), "→", _value(now)) for key, then, now in changes(old.params, new.params)
    ]
    code, data = _dependencies(old, new)
    notes = [note for side in (old, new) for note in _behind(side)]
    absent = any(side.labels is None or side.models is None for side in (old, new))
    results: list[RenderableType] = []
    if old.outs != new.outs or absent:
        results = [*_labels(old, new), *_verdicts(old, new)]
    elif params or code or data or notes:
        notes = notes or ["No result changed: every output has the same bytes."]
    else:
        notes = ["Nothing changed: same params, same code, same results."]
    for title, rows in (("Params", params), ("Code", code), ("Data", data)):
        if rows:
            yield _section(title, _table(rows))
    yield from results
    for note in notes:
        yield Padding(Text(note), (1, 0, 0, 0))


def _behind(side: Side) -> Iterator[str]:
    """Where results are not those of the params and code beside them."""
    fix = ": `make run` brings them up to date" if side.name == WORKSPACE else ""
    if side.edited:
        what = ", ".join(side.edited)
        yield f"The results of {side.called} were made before edits of {what}{fix}."
    if side.outdated:
        what = ", ".join(_steps(side.outdated))
        yield f"In {side.called} these were last run on earlier results: {what}{fix}."


def _dependencies(old: Side, new: Side) -> tuple[list[Row], list[Row]]:
    """The code, with its steps, and data.dir, with its sizes, where the runs of the same stage saw
    another; by path. A stage of one side alone says nothing of what changed."""
    outs = {*old.outs, *new.outs}
    data_dirs = [setting(side.params, "data", "dir") for side in (old, new)]
    found: dict[str, tuple[Output | None, Output | None]] = {}
    stages: dict[str, list[str]] = {}
    for name in (name for name in new.stages if name in old.stages):
        was, now = ({dep.def_path: dep for dep in files(side.stages[name])} for side in (old, new))
        for path in {**was, **now}:
            then, since = was.get(path), now.get(path)
            if then and since and then.hash_info == since.hash_info:
                continue
            if path in data_dirs or not related(path, outs):
                found[path] = then, since
                stages.setdefault(path, []).append(name)
    code: list[Row] = []
    data: list[Row] = []
    every = _steps(new.stages)
    for path, (then, since) in sorted(found.items()):
        if path in data_dirs:
            data.append((path, _size(then), "→", _size(since)))
        else:
            how = "new" if then is None else "removed" if since is None else "changed"
            steps = _steps(stages[path])
            whole = len(every) > 1 and set(steps) >= set(every)
            code.append((path, how, "every step" if whole else ", ".join(steps)))
    return code, data


def _steps(stages: Iterable[str]) -> list[str]:
    """The steps of stages, once each: train for train_networks@mlp-0."""
    return list(dict.fromkeys(name.partition("@")[0].partition("_")[0] for name in stages))


def _value(value: Any) -> str:
    """A parameter as params.yaml could have it, on one line."""
    if value is ABSENT:
        return text.NOTHING
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _size(found: "Output | None") -> str:
    if found is None:
        return text.NOTHING
    size = f"{number(found.meta.nfiles or 0, 'file')}, {(found.meta.size or 0) / 1e6:,.1f} MB"
    return f"{size} (md5 {found.hash_info.value[:7]})"


def _labels(old: Side, new: Side) -> Iterator[RenderableType]:
    """The label's distribution on both sides, or why it cannot be compared."""
    if old.labels is None or new.labels is None:
        missing = [side.absent for side in (old, new) if side.labels is None]
        yield _section("Labels", *missing)
    elif old.labels != new.labels:
        kinds = [setting(side.params, "label", "target") in CLASSES for side in (old, new)]
        scale = 1.0 if any(kinds) else text.BPS
        rows = _label_rows(old.labels, new.labels, scale)
        if kinds[0] != kinds[1]:
            # A quantile of returns is not comparable with one of codes.
            rows = rows[:3]
        header = ("", old.name, "", new.name, "ratio")
        title = f"Labels, outcomes in {'class codes' if all(kinds) else 'bps'}"
        yield _section(title, _table(rows, header=header, figures=True))


def _label_rows(was: Labels, now: Labels, scale: float) -> list[Row]:
    rows = [
        _row("rows", text.count, was.rows, now.rows),
        _row("labelled", text.count, was.status.get("0", 0), now.status.get("0", 0)),
        _row("zero share", text.share, was.zero_share, now.zero_share),
    ]
    for level in _LEVELS:
        name = "median" if level == "0.5" else f"{level} quantile"
        found = [(side.quantiles or {}).get(level) for side in (was, now)]
        scaled = [None if at is None else at / scale for at in found]
        rows.append(_row(name, lambda at: text.figure(at, 2), *scaled))
    return rows


def _row(
    name: str, words: Callable[[float | None], str], old: float | None, new: float | None
) -> Row:
    ratio = text.figure(new / old) if old and new is not None else text.NOTHING
    return name, words(old), "→", words(new), ratio


def _verdicts(old: Side, new: Side) -> Iterator[RenderableType]:
    """The models with another verdict or other flags, or of one side alone, and how much the test
    skill of the others moved; or why they cannot be compared."""
    if old.models is None or new.models is None:
        missing = [side.absent for side in (old, new) if side.models is None]
        yield _section("Verdicts", *missing)
        return
    rows: list[Row] = []
    moves: list[tuple[float, str]] = []
    for name in {**new.models, **old.models}:
        was, now = old.models.get(name), new.models.get(name)
        if was is None or now is None:
            how, one = ("new", now) if was is None else ("removed", was)
            assert one is not None
            rows.append((name, f"{how}: {one.verdict}, test skill {_skill(one)}"))
        elif was.verdict != now.verdict or _flags(was, now):
            same = was.verdict == now.verdict
            rows.append(
                (name, f"{now.verdict}, as before" if same else f"{was.verdict} → {now.verdict}")
            )
            rows.append(("", f"test skill {_skill(was)} → {_skill(now)}"))
            rows += [("", flags) for flags in [_flags(was, now)] if flags]
        elif was.skill_test is not None and now.skill_test is not None:
            skills = f"{text.figure(was.skill_test)} → {text.figure(now.skill_test)}"
            moves.append((abs(now.skill_test - was.skill_test), f"{name}: {skills}"))
    lines: list[RenderableType] = [_table(rows)] if rows else []
    if moves:
        size, what = max(moves, key=lambda move: move[0])
        seen = f"by at most {text.figure(size)} ({what})"
        how = seen if size >= _SEEN / 2 else f"by less than {_SEEN}"
        others = "The other verdicts are the same; their" if rows else "No verdict changed;"
        lines.append(Text(f"{others} test skill {f'moved {how}' if size else 'did not move'}."))
    elif not rows:
        lines.append(Text("No verdict changed."))
    yield _section("Verdicts", *lines)


def _flags(was: Model, now: Model) -> str:
    """Those that appeared and that vanished; nothing where a side's are not known."""
    if was.flags is None or now.flags is None:
        return ""
    appeared = [f"+ {flag}" for flag in now.flags if flag not in was.flags]
    return ", ".join(
        appeared + [f"no longer {flag}" for flag in was.flags if flag not in now.flags]
    )


def _skill(model: Model) -> str:
    ends = text.ends(model.test_low, model.test_high)
    return f"{text.figure(model.skill_test)} {ends}".rstrip()


def _section(title: str, *content: RenderableType) -> Padding:
    body = [Padding(one, (0, 0, 0, 2)) for one in content]
    return Padding(Group(Text(title, style="bold"), *body), (1, 0, 0, 0))


def _table(rows: list[Row], *, header: Row = (), figures: bool = False) -> Table:
    """Columns side by side; the last may be broken over lines. `figures` are to the right."""
    table = Table(box=None, show_header=bool(header), header_style="dim", padding=(0, 2, 0, 0))
    for at, name in enumerate(header or ("",) * len(rows[0])):
        right = figures and at > 0
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table

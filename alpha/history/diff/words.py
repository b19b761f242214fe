"""A comparison as people read it: a section for what changed, nothing for what did not."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alpha.core import text
from alpha.data.params import CLASSES
from alpha.guard.words import number
from alpha.history.diff import compare
from alpha.history.diff.compare import Dependency, Param, Results
from alpha.history.diff.side import Labels, Model, Side

if TYPE_CHECKING:
    from dvc.output import Output

_LEVELS = {
    "0.5": "median",
    "0.9": "0.9 quantile",
    "0.99": "0.99 quantile",
    "0.999": "0.999 quantile",
}
_SEEN = 0.001  # the last digit of a skill as it is printed


def params(changed: Iterable[Param]) -> Iterator[RenderableType]:
    rows = [(one.key, _value(one.old), "→", _value(one.new)) for one in changed]
    if rows:
        yield _section("Params", _table(rows))


def code(changed: Iterable[Dependency], steps: Sequence[str]) -> Iterator[RenderableType]:
    """With the steps that each file or folder belongs to, of all `steps` there are."""
    rows = []
    for one in (one for one in changed if not one.is_data):
        how = "new" if one.old is None else "removed" if one.new is None else "changed"
        every = len(steps) > 1 and set(one.steps) >= set(steps)
        rows.append((one.path, how, "every step" if every else ", ".join(one.steps)))
    if rows:
        yield _section("Code", _table(rows))


def data(changed: Iterable[Dependency]) -> Iterator[RenderableType]:
    rows = [(one.path, _size(one.old), "→", _size(one.new)) for one in changed if one.is_data]
    if rows:
        yield _section("Data", _table(rows))


def labels(old: Side, new: Side) -> Iterator[RenderableType]:
    """The label's distribution on both sides, or why it cannot be compared."""
    if old.labels is None or new.labels is None:
        yield _section("Labels", *_absent(side for side in (old, new) if side.labels is None))
        return
    if old.labels == new.labels:
        return
    kinds = [side.target in CLASSES for side in (old, new)]
    rows = list(_label_rows(old.labels, new.labels, bps=not any(kinds)))
    if kinds[0] != kinds[1]:
        # A quantile of returns is not comparable with one of codes.
        rows = rows[:3]
    unit = "class codes" if all(kinds) else "bps"
    header = ("", old.name, "", new.name, "ratio")
    yield _section(f"Labels, outcomes in {unit}", _table(rows, header=header, figures=True))


def verdicts(old: Side, new: Side) -> Iterator[RenderableType]:
    """The models that are judged otherwise, and how much the others moved."""
    if old.models is None or new.models is None:
        yield _section("Verdicts", *_absent(side for side in (old, new) if side.models is None))
        return
    changed, others = compare.verdicts(old, new)
    lines: list[RenderableType] = []
    if changed:
        lines.append(_table([row for one in changed for row in _verdict_rows(one)]))
    moves = [
        (abs(one.new.skill_test - one.old.skill_test), one.model, one.old, one.new)
        for one in others
        if one.old and one.new and one.old.skill_test is not None
        if one.new.skill_test is not None
    ]
    same = "The other verdicts are the same; their" if changed else "No verdict changed;"
    if moves:
        size, model, then, now = max(moves, key=lambda move: move[0])
        by = f"by at most {text.figure(size)}" if size >= _SEEN / 2 else f"by less than {_SEEN}"
        skills = f"{text.figure(then.skill_test)} → {text.figure(now.skill_test)}"
        which = f" ({model}: {skills})" if size >= _SEEN / 2 else ""
        how = f"moved {by}{which}" if size else "did not move"
        lines.append(Text(f"{same} test skill {how}."))
    elif not changed:
        lines.append(Text("No verdict changed."))
    yield _section("Verdicts", *lines)


def _value(value: Any) -> str:
    """A parameter as params.yaml could have it, on one line."""
    if value is compare.ABSENT:
        return "–"
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def _size(found: "Output | None") -> str:
    if found is None:
        return text.NOTHING
    meta = found.meta
    files = [] if meta.nfiles is None else [number(meta.nfiles, "file")]
    size = [] if meta.size is None else [f"{meta.size / 1e6:,.1f} MB"]
    return f"{', '.join([*files, *size])} (md5 {found.hash_info.value[:7]})".lstrip()


def _label_rows(was: Labels, now: Labels, *, bps: bool) -> Iterator[tuple[str, ...]]:
    yield _row("rows", was.rows, now.rows, text.count)
    yield _row("labelled", was.status.get("0", 0), now.status.get("0", 0), text.count)
    yield _row("zero share", was.zero_share, now.zero_share, text.share)
    scale = text.BPS if bps else 1.0
    for level, name in _LEVELS.items():
        found = [(side.quantiles or {}).get(level) for side in (was, now)]
        then, since = (None if at is None else at / scale for at in found)
        yield _row(name, then, since, lambda at: text.figure(at, 2))


def _row(name: str, old: float | None, new: float | None, words: Any) -> tuple[str, ...]:
    ratio = text.figure(new / old) if old and new is not None else text.NOTHING
    return name, words(old), "→", words(new), ratio


def _verdict_rows(one: Results) -> Iterator[tuple[str, ...]]:
    if one.old is None or one.new is None:
        known = one.new or one.old
        assert known is not None
        how = "removed" if one.new is None else "new"
        yield one.model, f"{how}: {known.verdict}, test skill {_skill(known)}"
        return
    was, now = one.old.verdict, one.new.verdict
    yield one.model, f"{was} → {now}" if was != now else f"{now}, as before"
    yield "", f"test skill {_skill(one.old)} → {_skill(one.new)}"
    appeared, vanished = compare.flags(one)
    if appeared or vanished:
        signs = [*(f"+ {flag}" for flag in appeared), *(f"no longer {flag}" for flag in vanished)]
        yield "", ", ".join(signs)


def _skill(model: Model) -> str:
    ends = text.ends(model.test_low, model.test_high)
    return f"{text.figure(model.skill_test)} {ends}".rstrip()


def _absent(sides: Iterable[Side]) -> list[RenderableType]:
    return [Text(f"Not compared: {side.absent}.") for side in sides]


def _section(title: str, *content: RenderableType) -> Padding:
    body = [Padding(one, (0, 0, 0, 2)) for one in content]
    return Padding(Group(Text(title, style="bold"), *body), (1, 0, 0, 0))


def _table(
    rows: Iterable[tuple[str, ...]], *, header: tuple[str, ...] = (), figures: bool = False
) -> Table:
    """Columns side by side; the last may be broken over lines. `figures` are to the right."""
    rows = list(rows)
    columns = len(rows[0]) if rows else 0
    table = Table(box=None, show_header=bool(header), header_style="dim", padding=(0, 2, 0, 0))
    for at in range(columns):
        right = figures and at > 0
        name = header[at] if header else ""
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table

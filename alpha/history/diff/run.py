"""What changed between two commits, or a commit and the workspace: what was set, and what came
of it, in words. Nothing is run and nothing is fetched."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from alpha.core import text
from alpha.history.diff import compare, words
from alpha.history.diff.side import Side, of_commit, of_workspace


def run(root: Path, old: str, new: str | None, *, runs: Iterable[str]) -> None:
    """Print what changed in the project in `root` from the commit `old` to the commit `new`, or
    to the workspace, whose params name `runs`.

    Raises InputError if a commit is not one, or has no params.yaml or a damaged dvc.lock.
    """
    before = of_commit(root, old)
    after = of_workspace(root) if new is None else of_commit(root, new)
    text.show(_parts(before, after, root if new is None else None, list(runs)))


def _parts(old: Side, new: Side, at: Path | None, runs: list[str]) -> Iterator[RenderableType]:
    """`at` is the folder of `new` if that is the workspace."""
    yield Text(f"From {old.called} to {new.called}", style="bold")
    params = list(compare.params(old.params, new.params))
    code, data = compare.code(old, new), compare.data(old, new)
    outs = compare.results(old, new)
    notes = _behind(old, new, at, runs)
    if not (params or code or data or outs or notes or old.missing or new.missing):
        yield Padding(Text(words.NOTHING), (1, 0, 0, 0))
        return
    yield from words.params(params)
    yield from words.code(code, compare.steps(new.stages))
    yield from words.data(data)
    if outs or old.missing or new.missing:
        yield from words.labels(old, new)
        yield from words.verdicts(old, new)
    elif not notes:
        notes = ["No result changed: every output has the same bytes.", *notes]
    for note in notes:
        yield Padding(Text(note), (1, 0, 0, 0))


def _behind(old: Side, new: Side, at: Path | None, runs: list[str]) -> list[str]:
    """Where results are not those of the params and code beside them."""
    notes = []
    for side in (old, new):
        workspace = at if side is new else None
        params = compare.stale(side, runs=() if workspace is None else runs)
        code = [] if workspace is None else compare.edited(side, workspace, runs=runs)
        found = [f"params {', '.join(params)}"] * bool(params) + [", ".join(code)] * bool(code)
        mend = "" if workspace is None else ": `make run` brings them up to date"
        if found:
            what = " and ".join(found)
            notes.append(f"The results of {side.called} were made before edits of {what}{mend}.")
        if behind := compare.outdated(side, runs=() if workspace is None else runs):
            what = ", ".join(behind)
            notes.append(f"In {side.called} these were last run on earlier results: {what}{mend}.")
    return notes

"""What changed between two commits, or a commit and the workspace: what was set, and what came
of it, in words. Nothing is run and nothing is fetched."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from alpha.core import text
from alpha.history.diff import compare, words
from alpha.history.diff.side import WORKSPACE, Side, read


def run(root: Path, old: str, new: str | None) -> None:
    """Print what changed in the project in `root` from the commit `old` to the commit `new`, or
    to the workspace.

    Raises InputError if a commit is not one, or has no params.yaml or a damaged dvc.lock.
    """
    text.show(_parts(read(root, old), read(root, new)))


def _parts(old: Side, new: Side) -> Iterator[RenderableType]:
    yield Text(f"From {old.called} to {new.called}", style="bold")
    params = list(compare.params(old.params, new.params))
    dependencies = compare.dependencies(old, new)
    notes = [note for side in (old, new) for note in _behind(side)]
    absent = any(side.labels is None or side.models is None for side in (old, new))
    if old.outs != new.outs or absent:
        results = [*words.labels(old, new), *words.verdicts(old, new)]
    elif params or dependencies or notes:
        results = []
        notes = notes or ["No result changed: every output has the same bytes."]
    else:
        results, notes = [], ["Nothing changed: same params, same code, same results."]
    yield from words.params(params)
    yield from words.code(dependencies, compare.steps(new.stages))
    yield from words.data(dependencies)
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
        what = ", ".join(compare.steps(side.outdated))
        yield f"In {side.called} these were last run on earlier results: {what}{fix}."

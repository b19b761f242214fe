"""The last evaluation in the terminal: the table of verdicts, or one model's dashboard."""

from pathlib import Path

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from alpha.core import terminal
from alpha.core.errors import InputError
from alpha.evaluate import details as evaluation_details
from alpha.guard import compare as shift
from alpha.guard import words
from alpha.history.tries import Tried
from alpha.show import dashboard, table


def run(*, evaluation: Path, guard: Path, report: Path, model: str | None, tried: Tried) -> None:
    """Print the table of verdicts and, if they are not as pinned, how labels stand against their
    pin; or the dashboard of `model`; and where the report is.

    Colours only on a terminal. Raises InputError if nothing has been evaluated yet, if the
    evaluation is not of this format, or if it has no such model.
    """
    if not (evaluation / "details.json").is_file():
        raise InputError(f"{evaluation}: holds no evaluation yet; `make run` makes one")
    details = evaluation_details.read(evaluation)
    if model is not None and model not in details.by_model:
        known = ", ".join(details.models)
        raise InputError(f"model must be one of {known}, which were evaluated; found {model!r}")
    parts: list[RenderableType]
    if model is None:
        parts = [table.verdicts(details, tried)]
        lines = table.legend(details, tried) + _labels(guard)
        parts += [Padding(Text(line), (1, 0, 0, 0)) for line in lines]
    else:
        parts = list(dashboard.parts(details, model, tried))
    where = str(report) if report.is_file() else f"none yet at {report}"
    terminal.show(parts, last=f"\nReport: {where}")


def _labels(guard: Path) -> list[str]:
    """A line unless labels are as pinned; none either where no guard has looked at them."""
    if not (guard / shift.NAME).exists():
        return []
    found = shift.read(guard)
    return [] if found.status == "as_pinned" else [words.line(found)]

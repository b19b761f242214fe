"""The last evaluation in the terminal: the table of verdicts, or one model's dashboard."""

from pathlib import Path
from typing import Literal

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alpha.core import text
from alpha.core.errors import InputError
from alpha.evaluate import details as evaluation_details
from alpha.evaluate.details import Details
from alpha.guard import compare as shift
from alpha.guard import words
from alpha.history.tries import Tried
from alpha.show.dashboard import dashboard, headline, notes

_IMPROVES = {True: "yes", False: "no", None: ""}


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
        lines = _legend(details) + notes(details, details.models, tried) + _labels(guard)
        parts = [_verdicts(details, tried)]
        parts += [Padding(Text(line), (1, 0, 0, 0)) for line in lines]
    else:
        parts = list(dashboard(details, model, tried))
    where = str(report) if report.is_file() else f"none yet at {report}"
    text.show(parts, last=f"\nReport: {where}")


def _verdicts(details: Details, tried: Tried) -> Table:
    """One line a model in the ladder's order; each verdict has its flags below it."""
    headlines = {model: headline(details, model, tried) for model in details.models}
    improves = {rung.model: rung.improves for rung in details.ladder}
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("model", style="bold", no_wrap=True)
    for title in ("skill\nvalid", "skill\ntest", "\n[interval]", "rank IC\ntest", "\ntries"):
        justify: Literal["left", "right"] = "left" if "[" in title else "right"
        table.add_column(title, justify=justify, no_wrap=True)
    table.add_column("\nimproves", no_wrap=True)
    table.add_column("verdict\nand flags", no_wrap=True)
    for name, one in headlines.items():
        verdict = details.by_model[name].verdict
        table.add_row(
            name,
            text.figure(details.on(name, "valid")["skill"].value),
            text.figure(one.skill),
            text.ends(one.low, one.high),
            text.figure(details.on(name)["rank_ic"].value),
            text.count(one.tries),
            _IMPROVES[improves.get(name)],
            "\n".join([verdict.name, *(f"+ {flag.name}" for flag in verdict.flags)]),
        )
    if all(one.tries == 1 for one in headlines.values()):
        del table.columns[-3]
    return table


def _legend(details: Details) -> list[str]:
    """What the columns are, and the sentence of the model that valid would choose."""
    tries = "" if details.tries == 1 else f", widened for {details.tries:,} tries"
    lines = [
        f"skill: the share of the {details.loss} of the best constant that a model takes off; 0 "
        f"is no better. [interval]: at {100 * details.level:g} %{tries}. improves: whether on test "
        f"it beats the models above it in this table, of which valid names the best, and a "
        f"constant."
    ]
    reasons = {
        reason
        for test in map(details.on, details.models)
        if test["skill"].value is not None and test["skill"].low is None
        for name in ("intervals", "interval of skill")
        if (reason := test[name].reason) is not None
    }
    lines += [f"No interval of the skill on test: {reason}." for reason in sorted(reasons)]
    if (best := details.best) is not None:
        sentence = details.by_model[best].verdict.sentence
        lines.append(f"Best on valid is {best}. {sentence} More: alpha show {best}")
    return lines


def _labels(guard: Path) -> list[str]:
    """A line unless labels are as pinned; none either where no guard has looked at them."""
    if not (guard / shift.NAME).exists():
        return []
    found = shift.read(guard)
    return [] if found.status == "as_pinned" else [words.line(found)]

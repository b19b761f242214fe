"""The last evaluation in the terminal: the table of verdicts, or one model's dashboard."""

from pathlib import Path

import pandas as pd
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
    improves = {rung.model: rung.improves for rung in details.ladder}
    rows = []
    for name in details.models:
        skill, tries = headline(details, name, tried)
        verdict = details.by_model[name].verdict
        row = {
            "model": name,
            "skill\nvalid": text.figure(details.on(name, "valid")["skill"].value),
            "skill\ntest": text.figure(skill.value),
            "\n[interval]": text.ends(skill.low, skill.high),
            "rank IC\ntest": text.figure(details.on(name)["rank_ic"].value),
            "\ntries": text.count(tries),
            "\nimproves": {True: "yes", False: "no", None: ""}[improves.get(name)],
            "verdict\nand flags": "\n+ ".join([verdict.name, *(f.name for f in verdict.flags)]),
        }
        rows.append(row)
    frame = pd.DataFrame(rows)
    if (frame["\ntries"] == "1").all():
        del frame["\ntries"]
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in map(str, frame):
        right = title.endswith(("valid", "test", "tries"))
        style = "bold" if title == "model" else ""
        table.add_column(title, style=style, justify="right" if right else "left", no_wrap=True)
    for cells in frame.itertuples(index=False):
        table.add_row(*cells)
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

"""The report: one self-contained HTML page of an evaluation and of the data behind it."""

from pathlib import Path

from alpha.core.artifacts import parse, whole
from alpha.data.params import Label
from alpha.evaluate import details as evaluation_details
from alpha.guard import compare as shift
from alpha.label import profile
from alpha.report import lines, page
from alpha.report.content import Contract, SplitSummary


def run(
    label: Label,
    *,
    evaluation: Path,
    labels: Path,
    guard: Path,
    splits: Path,
    normalization: Path,
    out: Path,
) -> None:
    """Write the page `out` from what the steps before it wrote.

    Raises InputError, naming file and key, where something is missing or not of its format.
    """
    details = evaluation_details.read(evaluation)
    text = page.render(
        label,
        details,
        histories={
            name: lines.read_history(evaluation / "learning_curves" / f"{name}.csv")
            for name in details.runs
        },
        labels=profile.read(labels),
        pinned=shift.read(guard),
        splits=parse(SplitSummary, splits / "summary.json"),
        contract=parse(Contract, normalization),
    )
    with whole(out) as part:
        part.write_text(text, encoding="utf-8", newline="\n")

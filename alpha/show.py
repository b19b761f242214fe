"""The table of models of the last evaluation, in the terminal."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from alpha.errors import InputError
from alpha.evaluation import details as evaluation_details
from alpha.evaluation.details import Details
from alpha.report import numbers

# A minus that can be pasted into a calculation, and what a terminal without Unicode can show.
_PLAIN = str.maketrans({"−": "-", "–": "-"})
_ASCII = str.maketrans({"−": "-", "–": "-", "±": "+/-"})


def run(*, evaluation: Path, report: Path) -> None:
    """Print skill, rank IC and verdict of each model, and where the report is.

    Colours only on a terminal. Raises InputError if nothing has been evaluated yet, or if
    the evaluation is not of this format.
    """
    if not (evaluation / "details.json").is_file():
        raise InputError(f"{evaluation}: holds no evaluation yet; `make run` makes one")
    details = evaluation_details.read(evaluation)
    console = Console(highlight=False)
    signs = _ASCII if console.options.ascii_only else _PLAIN
    with console.capture() as captured:
        console.print(_table(details, signs))
        note = "Skill 0 is no better than the train mean; ± is the spread over seeds."
        console.print("\n" + note.translate(signs))
        where = str(report) if report.is_file() else f"none yet at {report}"
        console.print(f"Report: {where}", markup=False, soft_wrap=True)
    # Printed here, as rich would turn a reader that went away (`| head`) into a failure.
    print(captured.get(), end="", flush=True)


def _table(details: Details, signs: dict[int, str]) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("model", style="bold", no_wrap=True)
    for name in ("skill valid", "skill test"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("rank IC valid", "rank IC test"):
        table.add_column(name, justify="right")
    table.add_column("verdict", no_wrap=True)
    for name in details.models:
        model = details.by_model[name]
        valid, test = model.splits["valid"], model.splits["test"]
        cells = (
            numbers.spread(valid.skill),
            numbers.spread(test.skill),
            numbers.figure(valid.rank_ic.mean),
            numbers.figure(test.rank_ic.mean),
        )
        table.add_row(name, *(cell.translate(signs) for cell in cells), model.verdict)
    return table

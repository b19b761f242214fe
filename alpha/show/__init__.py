"""The last evaluation in the terminal: the table of verdicts, or one model's dashboard."""

from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from alpha.errors import InputError
from alpha.evaluation import details as evaluation_details
from alpha.show import dashboard, table
from alpha.tried import Tried

# A minus that can be pasted into a calculation, and what a terminal without Unicode can show.
_PLAIN = str.maketrans({"−": "-", "–": "-"})
_ASCII = {"±": "+/-", "τ": "tau"}
_WIDTH = 100  # where no terminal says otherwise


def run(*, evaluation: Path, report: Path, model: str | None, tried: Tried) -> None:
    """Print the table of verdicts, or the dashboard of `model`, and where the report is.

    Colours only on a terminal. Raises InputError if nothing has been evaluated yet, if the
    evaluation is not of this format, or if it has no such model.
    """
    if not (evaluation / "details.json").is_file():
        raise InputError(f"{evaluation}: holds no evaluation yet; `make run` makes one")
    details = evaluation_details.read(evaluation)
    if model is not None and model not in details.by_model:
        known = ", ".join(details.models)
        raise InputError(f"model must be one of {known}, which were evaluated; found {model!r}")
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _WIDTH
    with console.capture() as captured:
        if model is None:
            console.print(table.verdicts(details, tried))
            lines = table.legend(details, tried)
        else:
            for part in dashboard.parts(details, model, tried):
                console.print(part)
            lines = []
        for line in lines:
            console.print(Padding(Text(line), (1, 0, 0, 0)))
        where = str(report) if report.is_file() else f"none yet at {report}"
        console.print(f"\nReport: {where}", soft_wrap=True)
    text = "".join(f"{line.rstrip()}\n" for line in captured.get().translate(_PLAIN).splitlines())
    if console.options.ascii_only:
        for sign, plain in _ASCII.items():
            text = text.replace(sign, plain)
        text = text.encode("ascii", "replace").decode("ascii")
    # Printed here, as rich would turn a reader that went away (`| head`) into a failure.
    print(text, end="", flush=True)

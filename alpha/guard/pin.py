"""alpha pin: accept the labels as they are, which `alpha guard` compares later ones with."""

from typing import Any

from alpha.core import artifacts
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.data.params import Data, Label
from alpha.guard import compare as shift
from alpha.guard import run as guard
from alpha.guard import words
from alpha.label import profile

SUMMARY = "accept the labels as they are: later ones that differ stop `alpha guard`"
OPTIONS = [
    Option("--labels", "folder that `alpha label` wrote", "results/label"),
    Option("--pins", "folder of the pin, labels.json, which is committed", "pins"),
]
SECTIONS = {"data": Data, "label": Label}


def command(params: Any, args: Arguments) -> None:
    """Write the profile of the labels as the pin, and print what that changes.

    Raises InputError if there is none, or if it is not of these params.
    """
    path, out = args.labels / profile.NAME, args.pins / guard.PIN
    if not path.is_file():
        raise InputError(f"{args.labels}: holds no label profile yet; `make run` makes one")
    found = profile.read(args.labels)
    for change in shift.changes(found.params, profile.sections(params.data, params.label)):
        must = f"must be of the params as they are, with {change.key} {words.written(change.found)}"
        raise InputError(f"{path}: {must}, found {words.written(change.pinned)}; `make run` first")
    try:
        compared = shift.compare(found, guard.pinned(args.pins))
    except InputError:
        # A conflict in git, say: what it was is git's to tell.
        print("The earlier pin cannot be read, and is replaced.")
        compared = shift.compare(found, None)
    if compared.status == "as_pinned":
        print(f"{out}: is so already.")
        return
    with artifacts.whole(out) as part:
        artifacts.write_json(part, found.content)
    if compared.status != "not_pinned":
        print(words.sentence(compared), *words.table(compared), sep="\n")
    print(
        f"{out}: pins {found.total.status.labelled:,} labels of {found.total.rows:,} rows on "
        f"{words.number(len(found.days), 'day')}. Commit it; `make run` compares with it."
    )

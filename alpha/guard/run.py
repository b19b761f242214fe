"""The guard: labels that moved although neither params nor data changed go no further.

The profile that is accepted is the pin: a copy of profile.json, committed with the code.
"""

from pathlib import Path

from alpha.core import artifacts
from alpha.core.errors import InputError
from alpha.core.text import warn
from alpha.guard import compare as shift
from alpha.guard import words
from alpha.label import profile

PIN = "labels.json"


def run(*, labels: Path, pins: Path, out: Path) -> None:
    """Compare the profile of `labels` with its pin, and write shift.json and passed.json, which
    depends on the profile alone: what waits for it does not run again when somebody pins. Raises
    InputError if labels moved and neither params nor data did, and if the pin is damaged."""
    found = profile.read(labels)
    compared = shift.compare(found, pinned(pins))
    if compared.status == "moved":
        warn(*words.table(compared))
        raise InputError(f"{words.moved(compared)}; {words.ACCEPT.removesuffix('.')}")
    if compared.status != "as_pinned":
        print(words.line(compared))
    with artifacts.whole_folder(out) as part:
        artifacts.write_json(part / "passed.json", {"profile": artifacts.digest(found.content)})
        artifacts.write_json(part / shift.NAME, compared.model_dump(mode="json"))


def pinned(pins: Path) -> profile.Profile | None:
    """The pin, None if there is none yet. Raises InputError if it is not of the format."""
    path = pins / PIN
    if not path.exists() and not path.is_symlink():
        return None
    try:
        return artifacts.parse(profile.Profile, path)
    except InputError as error:
        raise InputError(f"{error}; `alpha pin` writes it anew") from None

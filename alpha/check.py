"""A look at params and feature files before anything runs, since both engines remove a step's
earlier results before the step itself could object."""

from pathlib import Path

from alpha.errors import InputError
from alpha.features import families, moment, open_folder
from alpha.params import SIMULATED, Params
from alpha.splits import holdout


def run(params: Params) -> None:
    """Check the feature files' columns and timestamps, and the splits' ranges; change nothing.

    Raises InputError as the steps would. The simulated market needs no check: it may not be
    there yet, or be about to change.
    """
    if params.data.dir == SIMULATED:
        holdout(params.splits, first_ns=0, last_ns=10**18)
        return
    folder = open_folder(Path(params.data.dir), params.data)
    families(folder.features, params.features)
    if folder.last_ns - folder.first_ns < params.label.horizon_ns:
        raise InputError(
            f"{params.data.dir}: must reach further than label.horizon_seconds "
            f"({params.label.horizon_seconds:g}), found {moment(folder.first_ns)} to "
            f"{moment(folder.last_ns)}"
        )
    for span in holdout(params.splits, first_ns=folder.first_ns, last_ns=folder.last_ns):
        if span.end_ns <= folder.first_ns or span.start_ns > folder.last_ns:
            raise InputError(
                f"splits: {span.name} ({moment(span.start_ns)} to {moment(span.end_ns)}) must "
                f"hold data, found {moment(folder.first_ns)} to {moment(folder.last_ns)}"
            )

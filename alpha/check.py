"""alpha check: params and feature files before anything runs, since both engines remove a step's
earlier results before the step could object. It alone loads all params."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alpha.audit import Audit
from alpha.core import params as core_params
from alpha.core.cli import Arguments, Option
from alpha.core.errors import InputError
from alpha.data.features import families, moment, open_folder
from alpha.data.params import SIMULATED, Data, Features, Label
from alpha.evaluate.params import Evaluate, Verdict
from alpha.learn.params import KINDS, LADDER, Loss, sections
from alpha.models.networks.params import Train
from alpha.normalize import Normalize
from alpha.simulate import Simulate
from alpha.split import Split
from alpha.split.ranges import holdout

SUMMARY = "check params.yaml and the folder of feature files; change nothing"
OPTIONS: Sequence[Option] = []
SECTIONS: dict[str, Any] = {
    "data": Data, "features": Features, "simulate": Simulate, "label": Label, "split": Split,
    "normalize": Normalize, "audit": Audit, **LADDER, "loss": Loss, "train": Train,
    "evaluate": Evaluate, "verdict": Verdict,
    **{model: section for kind in KINDS for model, section in sections(kind).items()},
}  # fmt: skip
# All sections, as attributes.
Params: Any = core_params.model(SECTIONS)


def command(params: Any, args: Arguments) -> None:
    run(params)


def load(path: Path) -> Any:
    """All sections of a params.yaml. Raises InputError, one line for the first problem."""
    return _validated(core_params.read(path), str(path))


def parse(text: str, *, source: str) -> Any:
    """All sections of the text of a params.yaml; `source` names it in errors."""
    return _validated(core_params.parse(text, source=source), source)


def _validated(content: dict[str, Any], source: str) -> Any:
    from alpha.__main__ import SECTIONS as NAMES

    return core_params.validate(content, Params, NAMES, source=source)


def run(params: Any) -> None:
    """Check the feature files' columns and timestamps, and the splits' ranges; change nothing.
    Raises InputError as the steps would."""
    if params.data.dir == SIMULATED:  # which may not be there yet, or be about to change
        holdout(params.split, first_ns=0, last_ns=10**18)
        return
    folder = open_folder(Path(params.data.dir), params.data)
    families(folder.features, params.features)
    first_ns, last_ns = folder.first_ns, folder.last_ns
    found = f"found {moment(first_ns)} to {moment(last_ns)}"
    if last_ns - first_ns < params.label.horizon_ns:
        raise InputError(
            f"{params.data.dir}: must reach further than label.horizon_seconds "
            f"({params.label.horizon_seconds:g}), {found}"
        )
    for span in holdout(params.split, first_ns=first_ns, last_ns=last_ns):
        if span.end_ns <= first_ns or span.start_ns > last_ns:
            raise InputError(
                f"split: {span.name} ({moment(span.start_ns)} to {moment(span.end_ns)}) must "
                f"hold data, {found}"
            )

"""A trained model in its folder, as `alpha train` wrote it."""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from re import fullmatch
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np

from alpha.core.artifacts import digest, read_bytes, read_json
from alpha.core.errors import InputError
from alpha.data.contract import Contract
from alpha.learn.kinds import loader
from alpha.learn.known import Known, expected

NAME = "model.json"
# What a damaged or made-up file brings a parser to.
WRONG = (
    ArithmeticError, AssertionError, AttributeError, BadZipFile, EOFError, LookupError, MemoryError,
    OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip


class Model(NamedTuple):
    fitted: Any  # a Predictor, which need not be saved again
    about: dict[str, Any]  # model.json
    features: bool  # whether it looks at them
    past: bool = True  # whether it looks at past outcomes

    @property
    def columns(self) -> tuple[str, ...]:
        """What `predict` gives: a number that ranks, and of classes a probability each."""
        return "prediction", *(f"probability_{at}" for at in range(len(self.about["classes"])))

    def predict(self, known: Known) -> np.ndarray:
        """(rows, columns) float64."""
        prediction, classes = self.fitted.predict(known), self.about["classes"]
        if not classes:
            return prediction.reshape(-1, 1)
        return np.column_stack([expected(prediction, classes), prediction])


# What must be in model.json, and what must hold of it. Names of files are without a folder, so that
# nothing outside of the model's is looked at.
_MUST: dict[str, tuple[Callable[[Any], bool], str]] = {
    "model": (lambda value: isinstance(value, str), "the name of a model"),
    "normalization": (lambda value: isinstance(value, str), "the hash of a contract"),
    "classes": (
        lambda value: len(value) != 1 and value == sorted({float(code) for code in value}),
        "the codes of classes, ascending, or none",
    ),
    "files": (
        lambda value: bool(value) and all(
            fullmatch(r"\w+\.\w+", name) and fullmatch("[0-9a-f]{64}", digest)
            for name, digest in value.items()
        ),
        "SHA-256 hashes by names of files",
    ),
}  # fmt: skip


def digests(run: Path) -> dict[str, str]:
    """A digest of each model.json in the folder of a run: of one, or of each symbol's, and of
    matched MLPs."""
    paths = sorted(run.rglob(NAME))
    return {path.relative_to(run).as_posix(): digest(read_json(path)) for path in paths}


def load_model(folder: Path, contract: Contract) -> Model:
    """Load what `alpha train` wrote. Raises InputError unless it belongs to `contract` (features in
    their order, families), each of its files is as training wrote it, and what it needs is
    installed."""
    about = read_json(folder / NAME)
    for key, (holds, what) in _MUST.items():
        with suppress(*WRONG):
            if holds(about[key]):
                continue
        raise InputError(f"{folder / NAME}: {key}: must be {what}")
    if about["normalization"] != contract.hash:
        hashes = f"({about['normalization'][:12]}) than the one given ({contract.hash[:12]})"
        what = f"was trained under another normalization contract {hashes}; train again"
        raise InputError(f"{folder}: {what}")
    try:
        model = loader(about["model"])
        # A library's own parser may not survive a damaged file, so it must not see one.
        for name, digest in about["files"].items():
            if sha256(read_bytes(folder / name)).hexdigest() != digest:
                what = f"was changed after training (its digest does not match {NAME}); train again"
                raise InputError(f"{folder / name}: {what}")
        # A network looks at features alone; what else is not said otherwise may look at both.
        past = getattr(model, "PAST", not hasattr(model, "build"))
        found = Model(model.load(folder), about, model.FEATURES, past)
        # Who can write both the files and their digests may write anything.
        x = np.zeros((1, len(contract.names) if found.features else 0), dtype=np.float32)
        shape = found.predict(Known(x, np.full((1, 3), np.nan))).shape
        if shape != (1, len(found.columns)):
            raise ValueError(f"predictions must be {len(found.columns)} a row, found {shape}")
        return found
    except ImportError as error:
        raise InputError(f"{folder}: needs the package {error.name}, which is missing") from None
    except WRONG as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{folder}: holds no {about['model']}: {reason}") from None

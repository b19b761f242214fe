"""A trained model, for rows as they come: one, or a frame of them, with the same bits."""

from array import array
from collections import Counter
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from alpha.core.errors import InputError
from alpha.core.text import some
from alpha.data.contract import Contract, apply, read_contract
from alpha.label.past import Past
from alpha.label.targets import compute
from alpha.learn.known import Known, expected
from alpha.learn.saved import Model, load_model
from alpha.score.exported import is_exported, opened
from alpha.score.live import LivePast, label_of

if TYPE_CHECKING:
    import pandas as pd

CONTRACT = "contract.json"
_UNKNOWN = np.full((1, 3), np.nan)


def load_trained(path: Path, normalization: Path | None) -> tuple[Model, Contract]:
    """A model that `alpha train` or `alpha export` wrote, and its contract: without one given, that
    of the same results. Raises InputError if a file is missing, or is not as it was written."""
    if is_exported(path):
        with opened(path) as folder:
            # Its own folder is nothing that a reader of errors could look into.
            try:
                contract = read_contract(folder / CONTRACT)
                return load_model(folder, contract), contract
            except InputError as error:
                raise InputError(str(error).replace(str(folder), str(path))) from None
    contract = read_contract(normalization or contract_of(path))
    return load_model(path, contract), contract


def contract_of(model: Path) -> Path:
    """Where the contract of a trained model is that stands with it in one folder of results."""
    beside = [above / "normalize" / CONTRACT for above in model.resolve().parents]
    for path in beside:
        if path.is_file():
            return path
    raise InputError(f"{model}: no results above it hold normalize/{CONTRACT}; name the contract")


class Scorer:
    """Predicts what `alpha predict` does for the same features, bit for bit. `counts` has how many
    rows were scored, and how many of their values were clipped, or replaced as not finite."""

    def __init__(self, model: Model, contract: Contract) -> None:
        self._model, self._contract = model, contract
        self.features: tuple[str, ...] = contract.names if model.features else ()
        self.families = dict(zip(contract.names, contract.families, strict=True))
        self.label: Mapping[str, Any] = model.about.get("label", {})
        self.classes = tuple(model.classes)
        self.counts = Counter({"rows": 0, "clipped": 0, "replaced": 0})
        self._live = LivePast(label_of(model.about.get("label"))) if model.past else None
        self._past = _UNKNOWN

    @classmethod
    def load(cls, path: str | Path, normalization: str | Path | None = None) -> Self:
        """`path` is a folder that `alpha train` wrote, such as results/train/mlp/0, or a folder or
        zip by `alpha export`; `normalization` the contract, if it is not among the same results.
        Raises InputError as `load_trained`."""
        given = None if normalization is None else Path(normalization)
        return cls(*load_trained(Path(path), given))

    def predict(self, frame: "pd.DataFrame") -> "pd.Series":
        """Of each row, an outcome or of classes the expected code. Columns are in any order, and
        others are ignored; NaN and infinities stand for what is not known. A model of past
        outcomes finds them in the frame itself, by its index of times and its quotes. Raises
        InputError naming columns that are missing or not numeric."""
        import pandas as pd

        found = expected(self._of_frame(frame), self.classes)
        return pd.Series(found, frame.index, name="prediction")

    def probabilities(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """Of each row and class, with the classes' codes as columns. Raises InputError of a
        regression target."""
        import pandas as pd

        if not self.classes:
            raise InputError("a regression target has no probabilities")
        return pd.DataFrame(self._of_frame(frame), frame.index, list(self.classes))

    def predict_row(self, row: Mapping[str, Any]) -> float:
        """`predict` of one row, a mapping from features to numbers; past outcomes are those at the
        last `update`, or none is known."""
        try:
            values = array("d", [row[name] for name in self.features])
        except KeyError:
            self._check_names(row)
            raise
        except TypeError:
            odd = next(name for name in self.features if not isinstance(row[name], Real))
            raise InputError(f"feature {odd!r} must be a number, found {row[odd]!r}") from None
        prediction = self._of(np.array(values).reshape(1, -1), self._past)
        return float(expected(prediction, self.classes)[0])

    def update(self, row: Mapping[str, Any]) -> None:
        """Take in the row that has just arrived, for past outcomes: `time_ns`, UTC, and its quote,
        `best_bid` and `best_ask`. Call it for each row, in order, before `predict_row` of the same
        row; where a model looks at no past, nothing happens. Raises InputError if one is missing,
        or if the time is not after the last."""
        if self._live is not None:
            try:
                values = int(row["time_ns"]), float(row["best_bid"]), float(row["best_ask"])
            except (KeyError, TypeError, ValueError) as error:
                must = "a row must have numbers time_ns, best_bid and best_ask to be remembered"
                raise InputError(f"{must}, found {error!r}") from None
            self._past = self._live.update(*values)

    def _of_frame(self, frame: "pd.DataFrame") -> np.ndarray:
        self._check_names(frame.columns)
        taken = frame[list(self.features)]
        if len(taken.columns) != len(self.features):
            raise InputError("each feature must be one column, found one with several")
        dtypes = taken.dtypes.unique()
        for odd in (dtype for dtype in dtypes if dtype.kind not in "fiub"):
            name = taken.columns[taken.dtypes == odd][0]
            raise InputError(f"column {name!r} must be numeric, found {odd}")
        # As alpha.core.foreign reads them.
        kind = np.result_type(np.float32, *(f"{one.kind}{one.itemsize}" for one in dtypes))
        block = np.ascontiguousarray(taken.to_numpy(kind, na_value=np.nan))
        past = self._past_of(frame) if self._model.past else np.full((len(frame), 3), np.nan)
        return self._of(block, past)

    def _of(self, block: np.ndarray, past: np.ndarray) -> np.ndarray:
        """Of rows as they are in a file, with past outcomes (rows, 3)."""
        x, clipped, replaced = np.empty((len(block), 0), dtype=np.float32), 0, 0
        if self.features:
            x, clipped, replaced = apply(block, self._contract)
        self.counts.update(rows=len(block), clipped=clipped, replaced=replaced)
        return self._model.fitted.predict(Known(x, past))

    def _past_of(self, frame: "pd.DataFrame") -> np.ndarray:
        """Past outcomes of the frame's rows, (rows, 3), as the label step knows them."""
        for name in ("best_bid", "best_ask"):
            if name not in frame:
                raise InputError(f"the frame must have {name!r}, of which past outcomes are made")
        time_ns = frame.index.to_numpy("M8[ns]").view(np.int64)
        if frame.index.dtype.kind != "M" or np.any(np.diff(time_ns) <= 0):
            raise InputError("the frame's index must be times that increase")
        quotes = (frame[name].to_numpy(np.float64) for name in ("best_bid", "best_ask"))
        bid, ask = map(np.ascontiguousarray, quotes)
        label = label_of(self.label)
        outcome = compute(time_ns, bid, ask, label).alpha_outcome
        return Past(label).follow(time_ns, bid, ask, outcome)[:, :3]

    def _check_names(self, names: Any) -> None:
        missing = [name for name in self.features if name not in names]
        if missing:
            raise InputError(f"must have every feature of the model, found none of {some(missing)}")

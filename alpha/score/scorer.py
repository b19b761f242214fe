"""A trained model, for rows as they come: one, or a frame of them, with the same bits."""

from array import array
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from alpha.core.errors import InputError
from alpha.core.text import some
from alpha.data.contract import Contract, apply
from alpha.learn.known import Known
from alpha.learn.saved import Model
from alpha.score.export import load_trained
from alpha.score.live import LivePast, label_of

if TYPE_CHECKING:
    import pandas as pd

_QUOTE = ("best_bid", "best_ask")


class Scorer:
    """Predicts what `alpha predict` does for the same features, bit for bit. `counts` has how many
    rows were scored, and how many of their values were clipped, or replaced as not finite."""

    def __init__(self, model: Model, contract: Contract, *, symbol: str = "") -> None:
        own = model.about.get("symbol", symbol)
        if symbol not in ("", own):
            raise InputError(f"the symbol must be the model's own, {own}, found {symbol!r}")
        self.model, self._contract = model, contract.of(own) if model.features else contract
        self.features: tuple[str, ...] = contract.names if model.features else ()
        self.families = dict(zip(contract.names, contract.families, strict=True))
        self.label: Mapping[str, Any] = model.about.get("label", {})
        self.classes = tuple(model.about["classes"])
        self.counts = Counter({"rows": 0, "clipped": 0, "replaced": 0})
        self._live = self._new_past() if model.past else None
        self._past = np.full((1, 3), np.nan)

    @classmethod
    def load(
        cls, path: str | Path, normalization: str | Path | None = None, *, symbol: str = ""
    ) -> Self:
        """`path` is a folder that `alpha train` wrote, such as results/train/0/mlp/0, or a zip by
        `alpha export`; `normalization` the contract, if it is not among the same results; `symbol`
        whose rows are scored, if each is normalized by itself. Raises InputError as `load_trained`,
        or for a symbol that the contract does not know."""
        loaded = load_trained(Path(path), Path(normalization) if normalization else None)
        return cls(*loaded, symbol=symbol)

    def predict(self, frame: "pd.DataFrame") -> "pd.Series":
        """Of each row, an outcome or of classes the expected code: that column of `table`."""
        return self.table(frame)["prediction"]

    def table(self, frame: "pd.DataFrame") -> "pd.DataFrame":
        """What `alpha score` writes of each row: prediction, and of classes a probability each.

        Columns are in any order, and others are ignored; NaN and infinities stand for what is not
        known. A model of past outcomes finds them in the frame itself, by its index of times and
        its quotes. Raises InputError naming columns that are missing or not numeric."""
        import pandas as pd

        self.check_features(frame.columns)
        taken = frame[list(self.features)]
        if len(taken.columns) != len(self.features):
            raise InputError("each feature must be one column, found one with several")
        for name, dtype in taken.dtypes.items():
            if dtype.kind not in "fiub":
                raise InputError(f"column {name!r} must be numeric, found {dtype}")
        # As alpha.core.foreign reads them.
        kinds = (f"{dtype.kind}{dtype.itemsize}" for dtype in taken.dtypes.unique())
        block = taken.to_numpy(np.result_type(np.float32, *kinds), na_value=np.nan)
        past = self._past_of(frame) if self.model.past else np.full((len(frame), 3), np.nan)
        found = self.score(np.ascontiguousarray(block), past)
        return pd.DataFrame(found, frame.index, list(self.model.columns))

    def predict_row(self, row: Mapping[str, Any]) -> float:
        """`predict` of one row, a mapping from features to numbers; past outcomes are those at the
        last `update`, or none is known."""
        try:
            values = array("d", [row[name] for name in self.features])
        except (KeyError, TypeError, OverflowError):
            self.check_features(row)
            odd = next(name for name in self.features if not _fits(row[name]))
            raise InputError(f"feature {odd!r} must be a number, found {row[odd]!r}") from None
        return float(self.score(np.array(values).reshape(1, -1), self._past)[0, 0])

    def update(self, row: Mapping[str, Any]) -> None:
        """Take in the row that has just arrived, for past outcomes: `time_ns`, UTC, and its quote,
        `best_bid` and `best_ask`. Call it for each row, in order, before `predict_row` of the same
        row; where a model looks at no past, nothing happens. Raises InputError if one is missing,
        or if the time is not after the last."""
        if self._live is not None:
            try:
                quote = (np.array([float(row[name])]) for name in _QUOTE)
                given = np.array([int(row["time_ns"])], dtype=np.int64), *quote
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                must = "a row must have numbers time_ns, best_bid and best_ask to be remembered"
                raise InputError(f"{must}, found {error!r}") from None
            self._past = self._live.update(*given)

    def score(self, block: np.ndarray, past: np.ndarray) -> np.ndarray:
        """(rows, columns of `table`), from features (rows, features) as they are in a file, and
        past outcomes (rows, 3)."""
        x, clipped, replaced = np.empty((len(block), 0), dtype=np.float32), 0, 0
        if self.features:
            x, clipped, replaced = apply(block, self._contract)
        self.counts.update(rows=len(block), clipped=clipped, replaced=replaced)
        return self.model.predict(Known(x, past))

    def check_features(self, names: Any, source: str = "") -> None:
        """Raise InputError, naming the source, if one of the model's is not among `names`."""
        if missing := [name for name in self.features if name not in names]:
            must = "must have every feature of the model, found none of"
            raise InputError(f"{source}{must} {some(missing)}")

    def _new_past(self) -> LivePast:
        return LivePast(label_of(self.model.about.get("label")))

    def _past_of(self, frame: "pd.DataFrame") -> np.ndarray:
        """Past outcomes of the frame's rows, (rows, 3), as the label step knows them."""
        for name in _QUOTE:
            if name not in frame:
                raise InputError(f"the frame must have {name!r}, of which past outcomes are made")
        if frame.index.dtype.kind != "M" or frame.empty:
            raise InputError("the frame's index must be times that increase, at least one")
        for name in _QUOTE:
            if frame[name].dtype.kind not in "fiu":
                raise InputError(f"column {name!r} must be numeric, found {frame[name].dtype}")
        time_ns = frame.index.to_numpy("M8[ns]").view(np.int64)
        return self._new_past().update(time_ns, *(frame[name].to_numpy(float) for name in _QUOTE))


def _fits(value: Any) -> bool:
    try:
        array("d", [value])
    except (TypeError, OverflowError):
        return False
    return True

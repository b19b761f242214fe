"""Mean and population sigma of each column, with scikit-learn and polars."""

from typing import Any

import numpy as np


def by_sklearn(x: np.ndarray, *, batch_rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """At once, or in batches, as of data that do not fit into memory."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    step = batch_rows or len(x)
    for start in range(0, len(x), step):
        scaler.partial_fit(x[start : start + step])
    return scaler.mean_, np.sqrt(scaler.var_)


def polars_frame(x: np.ndarray) -> Any:
    import polars as pl

    return pl.DataFrame(x)


def by_polars(frame: Any) -> tuple[np.ndarray, np.ndarray]:
    """In float64: of float32 a mean near 10,000 would be off."""
    import polars as pl

    wide = pl.all().cast(pl.Float64)
    found = frame.lazy().select(
        wide.mean().name.suffix("_mean"), wide.std(ddof=0).name.suffix("_sigma")
    )
    row = found.collect().to_numpy()[0]
    return row[: frame.width], row[frame.width :]

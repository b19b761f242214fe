"""Labels with pandas, polars and boolean masks, as one would write them.

    python -m benchmarks.peers.labels FEATURES OUT      # the labels step, with pandas

up = max bid in (t, t + horizon] / ask − 1, down = 1 − min ask / bid, abs_max = max(up, down, 0);
status as alpha.data.columns numbers it.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

HORIZON_NS = 60_000_000_000
MAX_GAP_NS = 30_000_000_000

Labels = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def by_pandas(
    time_ns: np.ndarray,
    bid: np.ndarray,
    ask: np.ndarray,
    horizon_ns: int = HORIZON_NS,
    max_gap_ns: int = MAX_GAP_NS,
) -> Labels:
    """Rolling windows look back, so time runs backwards."""
    back = pd.to_datetime((time_ns[-1] - time_ns)[::-1])
    window = pd.Timedelta(horizon_ns, unit="ns")
    top = pd.Series(bid[::-1], back).rolling(window, closed="left").max()
    bottom = pd.Series(ask[::-1], back).rolling(window, closed="left").min()
    return _labels(
        time_ns,
        bid,
        ask,
        top.to_numpy()[::-1],
        bottom.to_numpy()[::-1],
        horizon_ns,
        max_gap_ns,
    )


def by_polars(
    time_ns: np.ndarray,
    bid: np.ndarray,
    ask: np.ndarray,
    horizon_ns: int = HORIZON_NS,
    max_gap_ns: int = MAX_GAP_NS,
) -> Labels:
    import polars as pl

    found = (
        pl.DataFrame({"time": time_ns.view("M8[ns]"), "bid": bid, "ask": ask})
        .rolling("time", period=f"{horizon_ns}ns", offset="0ns", closed="right")
        .agg(pl.col("bid").max(), pl.col("ask").min())
    )
    top, bottom = found["bid"].to_numpy(), found["ask"].to_numpy()
    return _labels(time_ns, bid, ask, top, bottom, horizon_ns, max_gap_ns)


def by_mask(
    time_ns: np.ndarray,
    bid: np.ndarray,
    ask: np.ndarray,
    rows: np.ndarray,
    horizon_ns: int = HORIZON_NS,
) -> np.ndarray:
    """abs_max of some rows whose windows are sound, a boolean mask over all rows for each."""
    out = np.empty(len(rows))
    for at, row in enumerate(rows):
        window = (time_ns > time_ns[row]) & (time_ns <= time_ns[row] + horizon_ns)
        up = bid[window].max() / ask[row] - 1
        down = 1 - ask[window].min() / bid[row]
        out[at] = max(up, down, 0.0)
    return out


def _labels(
    time_ns: np.ndarray,
    bid: np.ndarray,
    ask: np.ndarray,
    top: np.ndarray,
    bottom: np.ndarray,
    horizon_ns: int,
    max_gap_ns: int,
) -> Labels:
    status = _status(time_ns, bid, ask, horizon_ns, max_gap_ns)
    labelled = status == 0
    up = np.where(labelled, top / ask - 1, np.nan)
    down = np.where(labelled, 1 - bottom / bid, np.nan)
    outcome = np.maximum(np.maximum(up, down), 0.0)
    return up, down, outcome, status


def _status(
    time_ns: np.ndarray, bid: np.ndarray, ask: np.ndarray, horizon_ns: int, max_gap_ns: int
) -> np.ndarray:
    """Gaps and bad quotes of each window are counted as differences of running counts."""
    row, until = np.arange(len(time_ns)), time_ns + horizon_ns
    after = np.searchsorted(time_ns, until, side="right")
    bad = ~((bid > 0) & (ask >= bid) & np.isfinite(ask))
    bads = np.concatenate(([0], np.cumsum(bad)))
    # A step counts if it starts before the window's end, which may be on a row.
    starts = after - (time_ns[after - 1] == until)
    gaps = np.concatenate(([0], np.cumsum(np.diff(time_ns) > max_gap_ns), [0]))
    gaps[-1] = gaps[-2]
    status = np.zeros(len(time_ns), dtype=np.int8)
    status[bads[after] > bads[row]] = 3
    status[(gaps[starts] > gaps[row]) | (after == row + 1)] = 2
    status[until > time_ns[-1]] = 1
    return status


def main(features: Path, out: Path) -> None:
    """Read feature files, label across their boundaries, write a label file for each."""
    paths = sorted(features.glob("*.h5"))
    quotes = [pd.read_hdf(path, "df")[["best_bid", "best_ask"]] for path in paths]
    whole = pd.concat(quotes)
    time_ns = whole.index.as_unit("ns").asi8
    up, down, outcome, status = by_pandas(
        time_ns, whole["best_bid"].to_numpy(), whole["best_ask"].to_numpy()
    )
    labels = pd.DataFrame(
        {"up": up, "down": down, "alpha_outcome": outcome, "status": status}, index=whole.index
    )
    out.mkdir(parents=True, exist_ok=True)
    start = 0
    for path, day in zip(paths, quotes, strict=True):
        labels.iloc[start : start + len(day)].to_hdf(out / path.name, key="df", mode="w")
        start += len(day)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

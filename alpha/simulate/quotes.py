"""Features of the best quotes: spread, returns and realized volatility."""

import numpy as np

from alpha.simulate import series

WINDOWS_SECONDS = (10, 30, 60, 300)
_SPREAD_SECONDS = 60


def features(
    bid: np.ndarray, ask: np.ndarray, *, rows: int, interval: float
) -> dict[str, np.ndarray]:
    """Of the last `rows` rows of `bid`, `ask` (n,) in ticks, by name, each (rows,) float64.

    spread and its mean are relative to the mid; return is mid / (mid a window ago) − 1;
    volatility is the root of the sum of the window's squared changes of the mid, relative to
    the mid. n must reach a window further back than `rows`.
    """
    mid = (bid + ask) / 2.0
    now = mid[-rows:]
    spread = (ask - bid).astype(np.float64)
    window = series.window_rows(_SPREAD_SECONDS, interval)
    mean_spread = series.window_sums(spread, window, rows) / window
    found = {"spread": spread[-rows:] / now, f"spread_mean_{_SPREAD_SECONDS}s": mean_spread / now}
    # In half ticks the mid's changes are whole numbers.
    squares = np.diff(bid + ask, prepend=bid[0] + ask[0]) ** 2
    for seconds in WINDOWS_SECONDS:
        window = series.window_rows(seconds, interval)
        then = mid[len(mid) - rows - window : len(mid) - window]
        found[f"return_{seconds}s"] = now / then - 1.0
        swing = np.sqrt(series.window_sums(squares, window, rows)) / 2.0
        found[f"volatility_{seconds}s"] = swing / now
    return found

"""Order flow: trades, and liquidity added and removed, by side.

A row's flow on the side that a pressure g > 0 feeds (buys, bids added, asks removed) has the
intensity

    base · exp(n + REVEAL · f(g) + HUM_LEAN · h),   f(1) = 1, f(0) = 0, f(−1) = −OPPOSITE,
    n = ACTIVITY · log(1 + recent moves) + HUM_ACTIVITY · h0

and the other side the same for −g and −h. h0 and h (one for trades, one for liquidity) are
persistent noise that means nothing: it is why flow tells of the pressure only in part. Of the
volatility regime, flow knows no more than the recent moves of the mid, which prices show.
"""

import numpy as np

from alpha.simulate import series

WINDOWS_SECONDS = (10, 30, 60, 300)
COLUMNS = (
    "buy_count",
    "sell_count",
    "buy_volume",
    "sell_volume",
    "ask_added_liquidity",
    "bid_added_liquidity",
    "ask_removed_liquidity",
    "bid_removed_liquidity",
)
HUMS = 3

_TRADES_PER_SECOND = 0.4
_CONTRACTS_PER_TRADE = 1_500.0
_LIQUIDITY_PER_SECOND = 30_000.0
_ACTIVITY = 0.25
_REVEAL = 1.8
_OPPOSITE = 0.2
_HUM_SECONDS = 40.0
_HUM_ACTIVITY = 0.25
_HUM_LEAN = 0.4
_TRADE_SPREAD = 0.9  # sigma of the logarithm of a row's mean trade
_LIQUIDITY_SPREAD = 1.0  # sigma of the logarithm of a row's added or removed liquidity


def draw(
    pressure: np.ndarray,
    recent_moves: np.ndarray,
    random: np.random.Generator,
    *,
    interval: float,
    before: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The flow of each row, (rows, COLUMNS) whole float64, and the last row's hum.

    `pressure` (rows,) in {−1, 0, 1}; `recent_moves` (rows,) ≥ 0; `before` (HUMS,) is the hum
    of the row before the first. Volumes are in contracts.
    """
    rows = len(pressure)
    noise = random.standard_normal((rows, HUMS + 6))
    keep = np.exp(-interval / _HUM_SECONDS)
    hum = series.persistent(noise[:, :HUMS], before, keep)
    noise = noise[:, HUMS:]
    activity = _ACTIVITY * np.log1p(recent_moves) + _HUM_ACTIVITY * hum[:, 0]
    lean = {
        sign: activity + _REVEAL * np.where(sign * pressure > 0, 1.0, _OPPOSITE) * sign * pressure
        for sign in (1, -1)
    }
    out = np.empty((rows, len(COLUMNS)))
    for side, sign in enumerate((1, -1)):
        intensity = np.exp(lean[sign] + sign * _HUM_LEAN * hum[:, 1])
        count = random.poisson(_TRADES_PER_SECOND * interval * intensity)
        mean = _CONTRACTS_PER_TRADE * np.exp(_TRADE_SPREAD * noise[:, side])
        out[:, side] = count
        out[:, 2 + side] = np.ceil(count * mean)
    for column, sign in enumerate((-1, 1, 1, -1)):
        spread = _LIQUIDITY_SPREAD * noise[:, 2 + column]
        intensity = np.exp(lean[sign] + sign * _HUM_LEAN * hum[:, 2] + spread)
        out[:, 4 + column] = np.rint(_LIQUIDITY_PER_SECOND * interval * intensity)
    return out, hum[-1]


def features(flow: np.ndarray, *, rows: int, interval: float) -> dict[str, np.ndarray]:
    """Sums over look-back windows of the last `rows` rows of `flow` (n, COLUMNS), by name.

    flow_imbalance is (buys − sells) / (buys + sells) in volume, 0 where nothing traded.
    """
    found = {}
    for seconds in WINDOWS_SECONDS:
        window = series.window_rows(seconds, interval)
        sums = {
            name: series.window_sums(flow[:, column], window, rows)
            for column, name in enumerate(COLUMNS)
        }
        found.update({f"{name}_{seconds}s": values for name, values in sums.items()})
        bought, sold = sums["buy_volume"], sums["sell_volume"]
        traded = np.maximum(bought + sold, 1.0)
        found[f"flow_imbalance_{seconds}s"] = (bought - sold) / traded
    return found

"""Order flow: trades, and liquidity added and removed, by side.

Each row's flow on the side that a pressure g > 0 feeds (buys, bids added, asks removed) has the
intensity

    base · exp(v · ACTIVITY[r] + HUM_ACTIVITY · h0 + REVEAL[r] · g + HUM_LEAN · h)

and the opposite side the same with the last two terms negated. h0 and h (one for trades, one
for liquidity) are persistent noise that leans as pressure does and means nothing: it is why
flow tells of the pressure only in part, in some regimes more than in others.
"""

import numpy as np

from alpha.simulate import series
from alpha.simulate.market import PRESSURES, Path

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

_TRADES_PER_SECOND = 0.8
_CONTRACTS_PER_TRADE = 1_500.0
_LIQUIDITY_PER_SECOND = 60_000.0
_ACTIVITY = (-0.9, -0.2, 0.7, 1.6)
_REVEAL = (0.2, 0.4, 0.7, 0.5)
_HUM_SECONDS = 40.0
_HUM_ACTIVITY = 0.35
_HUM_LEAN = 0.35
_TRADE_SPREAD = 0.9  # sigma of the logarithm of a row's mean trade
_LIQUIDITY_SPREAD = 1.0  # sigma of the logarithm of a row's added or removed liquidity


def draw(
    path: Path,
    random: np.random.Generator,
    *,
    interval: float,
    volatility_strength: float,
    before: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The flow of each row, (rows, COLUMNS) whole float64, and the last row's hum.

    `before` (HUMS,) is the hum of the row before the first. Volumes are in contracts.
    """
    rows = len(path.base)
    noise = random.standard_normal((rows, HUMS + 6))
    keep = np.exp(-interval / _HUM_SECONDS)
    hum = series.persistent(noise[:, :HUMS], before, keep)
    noise = noise[:, HUMS:]
    activity = volatility_strength * np.array(_ACTIVITY)[path.regime] + _HUM_ACTIVITY * hum[:, 0]
    lean = np.array(_REVEAL)[path.regime] * np.array(PRESSURES)[path.pressure]
    trades = _TRADES_PER_SECOND * interval
    liquidity = _LIQUIDITY_PER_SECOND * interval
    out = np.empty((rows, len(COLUMNS)))
    for side, sign in enumerate((1.0, -1.0)):
        count = random.poisson(trades * np.exp(activity + sign * (lean + _HUM_LEAN * hum[:, 1])))
        mean = _CONTRACTS_PER_TRADE * np.exp(_TRADE_SPREAD * noise[:, side])
        out[:, side] = count
        out[:, 2 + side] = np.ceil(count * mean)
    for column, sign in enumerate((-1.0, 1.0, 1.0, -1.0)):
        tilt = activity + sign * (lean + _HUM_LEAN * hum[:, 2])
        amount = liquidity * np.exp(tilt + _LIQUIDITY_SPREAD * noise[:, 2 + column])
        out[:, 4 + column] = np.rint(amount)
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

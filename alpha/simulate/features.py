"""Features of a simulated market: of its best quotes, its book and its order flow.

Book: volumes of LEVELS levels a side are lognormal and persist, until its best price moves: then
other queues come to stand there. The side that pressure feeds on is thinner near the quote. Levels
stand one tick apart, further where nobody quotes. After moves of the mid there is less volume, and
more gaps.

Flow: trades, and liquidity added and removed, by side. A row's flow on the side that a pressure
g > 0 feeds (buys, bids added, asks removed) has the intensity

    base · exp(n + REVEAL · f(g) + TAKE · u + HUM_LEAN · h),   f(1) = 1, f(0) = 0,
    f(−1) = −OPPOSITE,   u = 1 where the mid rose since the row before, else 0,
    n = ACTIVITY · log(1 + recent moves) + HUM_ACTIVITY · h0

and the other side the same for −g, −h and falls. h0 and h (one for trades, one for liquidity) are
persistent noise that means nothing: it is why flow tells of the pressure only in part.

Neither knows more of the volatility regime than the recent moves of the mid, which prices show.
"""

import numpy as np

from alpha.simulate import series
from alpha.simulate.market import PRESSURES, Path

WINDOWS_SECONDS = (10, 30, 60, 300)
_SPREAD_SECONDS = 60

LEVELS = 10
# Noise that persists: a volume for each level of both sides, a gap before each but the first.
BOOK_FIELDS = 2 * LEVELS + 2 * (LEVELS - 1)
_BOOK_SECONDS = 20.0
_CONTRACTS = 200_000.0  # at the best quote, typically
_GROWTH = 0.15  # of a level's typical volume, from level to level
_OTHER_QUEUE = 4.0  # times what a row changes of a volume's noise, where the best price moves
_VOLUME_SPREAD = 0.8  # sigma of the logarithm of a volume
_DEPTH = -0.1  # of the logarithm of a volume, on log(1 + recent moves)
_LEAN = 0.35  # of the logarithm of the best volume, on pressure
_LEAN_DECAY = 0.6  # from level to level
_GAP_SIGMAS = (1.4, 2.2)  # noise above which a level stands two or three ticks further
_THIN = 0.15  # of that noise, on log(1 + recent moves)
DEEPEST_TICKS = (LEVELS - 1) * (1 + len(_GAP_SIGMAS))

FLOW_COLUMNS = (
    *("buy_count", "sell_count", "buy_volume", "sell_volume"),
    *("ask_added_liquidity", "bid_added_liquidity"),
    *("ask_removed_liquidity", "bid_removed_liquidity"),
)
HUMS = 3
_TRADES_PER_SECOND = 0.4
_CONTRACTS_PER_TRADE = 1_500.0
_LIQUIDITY_PER_SECOND = 30_000.0
_ACTIVITY = 0.25
_REVEAL = 1.8
_OPPOSITE = 0.2
_TAKE = 0.5
_HUM_SECONDS = 40.0
_HUM_ACTIVITY = 0.25
_HUM_LEAN = 0.4
_TRADE_SPREAD = 0.9  # sigma of the logarithm of a row's mean trade
_LIQUIDITY_SPREAD = 1.0  # sigma of the logarithm of a row's added or removed liquidity


def of_quotes(
    bid: np.ndarray, ask: np.ndarray, *, rows: int, interval: float
) -> dict[str, np.ndarray]:
    """Features of the last `rows` rows of `bid`, `ask` (n,) in ticks, which reach a window further
    back, each (rows,) float64.

    spread and its mean are relative to the mid; return is mid / (mid a window ago) − 1;
    volatility is the root of the sum of the window's squared changes of the mid, relative to it.
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


def of_book(
    path: Path,
    recent_moves: np.ndarray,
    random: np.random.Generator,
    interval: float,
    before: np.ndarray,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Book features of each row by name, each (rows,) float64, and the last row's noise.

    `recent_moves` (rows,) ≥ 0; `before` (BOOK_FIELDS,) is the noise of the row before the first.
    Prices are price / mid − 1; an imbalance is (bids − asks) / (bids + asks) in volume.
    """
    rows = len(path.base)
    keep = np.exp(-interval / _BOOK_SECONDS)
    fresh = random.standard_normal((rows, BOOK_FIELDS))
    for side, price in enumerate((path.ask, path.bid)):
        moved = np.diff(price, prepend=price[0]) != 0
        fresh[moved, side * LEVELS : (side + 1) * LEVELS] *= _OTHER_QUEUE
    noise = series.persistent(fresh, before, keep)
    stir = np.log1p(recent_moves)
    lean = _LEAN * np.array(PRESSURES)[path.pressure]
    mid, found = path.mid, {}
    for side, (name, price, sign) in enumerate((("ask", path.ask, 1), ("bid", path.bid, -1))):
        for level in range(LEVELS):
            if level > 0:
                gap = noise[:, 2 * LEVELS + side * (LEVELS - 1) + level - 1] + _THIN * stir
                price = price + sign * (1 + sum(gap > sigmas for sigmas in _GAP_SIGMAS))
            typical = np.log(_CONTRACTS * (1.0 + _GROWTH * level)) + _DEPTH * stir
            tilt = -sign * lean * _LEAN_DECAY**level
            swing = _VOLUME_SPREAD * noise[:, side * LEVELS + level]
            found[f"{name}_volume_level{level}"] = np.ceil(np.exp(typical + tilt + swing))
            found[f"{name}_price_level{level}"] = price / mid - 1.0
    for count, levels in ((1, "level0"), (5, "levels0_4"), (10, "levels0_9")):
        bids, asks = (
            sum(found[f"{name}_volume_level{level}"] for level in range(count))
            for name in ("bid", "ask")
        )
        found[f"imbalance_{levels}"] = (bids - asks) / (bids + asks)
    return found, noise[-1]


def draw_flow(
    path: Path,
    recent_moves: np.ndarray,
    random: np.random.Generator,
    interval: float,
    before: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The flow of each row, (rows, FLOW_COLUMNS) whole float64, volumes in contracts, and the last
    row's hum. `recent_moves` (rows,) ≥ 0; `before` (HUMS,) is the hum of the row before the first.
    """
    pressure = np.array(PRESSURES)[path.pressure]
    noise = random.standard_normal((len(pressure), HUMS + 6))
    hum = series.persistent(noise[:, :HUMS], before, np.exp(-interval / _HUM_SECONDS))
    noise = noise[:, HUMS:]
    activity = _ACTIVITY * np.log1p(recent_moves) + _HUM_ACTIVITY * hum[:, 0]
    change = np.diff(path.mid, prepend=path.mid[0])
    lean = {
        sign: activity
        + _REVEAL * np.where(sign * pressure > 0, 1.0, _OPPOSITE) * sign * pressure
        + _TAKE * (sign * change > 0)
        for sign in (1, -1)
    }
    out = np.empty((len(pressure), len(FLOW_COLUMNS)))
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


def of_flow(flow: np.ndarray, *, rows: int, interval: float) -> dict[str, np.ndarray]:
    """Sums over look-back windows of the last `rows` rows of `flow` (n, FLOW_COLUMNS), by name.

    flow_imbalance is (buys − sells) / (buys + sells) in volume, 0 where nothing traded.
    """
    found = {}
    for seconds in WINDOWS_SECONDS:
        window = series.window_rows(seconds, interval)
        sums = {
            name: series.window_sums(column, window, rows)
            for name, column in zip(FLOW_COLUMNS, flow.T, strict=True)
        }
        found.update({f"{name}_{seconds}s": values for name, values in sums.items()})
        bought, sold = sums["buy_volume"], sums["sell_volume"]
        found[f"flow_imbalance_{seconds}s"] = (bought - sold) / np.maximum(bought + sold, 1.0)
    return found

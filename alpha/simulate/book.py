"""The book: prices and volumes of LEVELS levels a side, counted from the best quote.

Volumes are lognormal and persist; the side that pressure feeds on is thinner near the quote.
Levels stand one tick apart, further where nobody quotes. After moves of the mid there is less
volume, and more gaps: of the volatility regime, the book knows no more than that.
"""

import numpy as np

from alpha.simulate import series
from alpha.simulate.market import PRESSURES, Path

LEVELS = 10
# Noise that persists: a volume for each level of both sides, a gap before each but the first.
FIELDS = 2 * LEVELS + 2 * (LEVELS - 1)

_SECONDS = 20.0
_CONTRACTS = 200_000.0  # at the best quote, typically
_GROWTH = 0.15  # of a level's typical volume, from level to level
_VOLUME_SPREAD = 0.8  # sigma of the logarithm of a volume
_DEPTH = -0.1  # of the logarithm of a volume, on log(1 + recent moves)
_LEAN = 0.35  # of the logarithm of the best volume, on pressure
_LEAN_DECAY = 0.6  # from level to level
_GAP_SIGMAS = (1.4, 2.2)  # noise above which a level stands two or three ticks further
_THIN = 0.15  # of that noise, on log(1 + recent moves)
DEEPEST_TICKS = (LEVELS - 1) * (1 + len(_GAP_SIGMAS))


def features(
    path: Path,
    recent_moves: np.ndarray,
    random: np.random.Generator,
    *,
    interval: float,
    before: np.ndarray,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Book features of each row by name, each (rows,) float64, and the last row's noise.

    `recent_moves` (rows,) ≥ 0; `before` (FIELDS,) is the noise of the row before the first.
    Prices are relative to the mid, price / mid − 1; an imbalance is (bids − asks) /
    (bids + asks) in volume.
    """
    rows = len(path.base)
    noise = series.persistent(
        random.standard_normal((rows, FIELDS)), before, np.exp(-interval / _SECONDS)
    )
    stir = np.log1p(recent_moves)
    lean = _LEAN * np.array(PRESSURES)[path.pressure]
    mid = (path.bid + path.ask) / 2.0
    found = {}
    totals: dict[str, list[np.ndarray]] = {}
    for side, (name, quote, sign) in enumerate((("ask", path.ask, 1), ("bid", path.bid, -1))):
        price = quote
        total = np.zeros(rows)
        totals[name] = []
        for level in range(LEVELS):
            if level > 0:
                gap = noise[:, 2 * LEVELS + side * (LEVELS - 1) + level - 1] + _THIN * stir
                price = price + sign * (1 + sum(gap > sigmas for sigmas in _GAP_SIGMAS))
            typical = np.log(_CONTRACTS * (1.0 + _GROWTH * level)) + _DEPTH * stir
            tilt = -sign * lean * _LEAN_DECAY**level
            swing = _VOLUME_SPREAD * noise[:, side * LEVELS + level]
            volume = np.ceil(np.exp(typical + tilt + swing))
            found[f"{name}_volume_level{level}"] = volume
            found[f"{name}_price_level{level}"] = price / mid - 1.0
            total = total + volume
            totals[name].append(total)
    for upto in (0, 4, 9):
        bids, asks = totals["bid"][upto], totals["ask"][upto]
        levels = "level0" if upto == 0 else f"levels0_{upto}"
        found[f"imbalance_{levels}"] = (bids - asks) / (bids + asks)
    return found, noise[-1]

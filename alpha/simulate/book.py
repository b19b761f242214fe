"""The book: prices and volumes of LEVELS levels a side, counted from the best quote.

Volumes are lognormal and persist; they thin out in loud regimes, and the side that pressure
feeds on is thinner near the quote. Levels stand one tick apart, further where nobody quotes.
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
_DEPTH = (0.2, 0.0, -0.3, -0.8)
_LEAN = 0.35  # of the logarithm of the best volume, on pressure
_LEAN_DECAY = 0.6  # from level to level
_GAP_SIGMAS = (1.4, 2.2)  # noise above which a level stands two or three ticks further
_THIN = (0.0, 0.0, 0.3, 0.9)
DEEPEST_TICKS = (LEVELS - 1) * (1 + len(_GAP_SIGMAS))


def features(
    path: Path,
    random: np.random.Generator,
    *,
    interval: float,
    volatility_strength: float,
    before: np.ndarray,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Book features of each row by name, each (rows,) float64, and the last row's noise.

    `before` (FIELDS,) is the noise of the row before the first. Prices are relative to the
    mid, price / mid − 1; an imbalance is (bids − asks) / (bids + asks) in volume.
    """
    rows = len(path.base)
    noise = series.persistent(
        random.standard_normal((rows, FIELDS)), before, np.exp(-interval / _SECONDS)
    )
    depth = volatility_strength * np.array(_DEPTH)[path.regime]
    thin = volatility_strength * np.array(_THIN)[path.regime]
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
                gap = noise[:, 2 * LEVELS + side * (LEVELS - 1) + level - 1] + thin
                price = price + sign * (1 + sum(gap > sigmas for sigmas in _GAP_SIGMAS))
            typical = np.log(_CONTRACTS * (1.0 + _GROWTH * level)) + depth
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

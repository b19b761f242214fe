"""The oracle: the expected label of a row, given the market's hidden state, for two targets.

The default one is abs_max, touch, over HORIZON_SECONDS: in ticks it is at least k exactly if
within the window the bid reaches the ask at t plus k, or the ask the bid at t minus k. With
base x, and the spread's shape (below, above) at t, that is

    x(s) − w_below(s) ≥ x(t) + 1 + above + k    or    −x(s) − w_above(s) ≥ −x(t) + 1 + below + k

for some s: the exit of a Markov chain from an interval. Its probability comes from stepping the
very kernel that makes the market (alpha.simulate.market) back from the window's end, and
E[label in ticks] is its sum over k ≥ 1. No sampling is involved.

The other is end_return: the mid is (x + ½) + (w_above − w_below) / 2, of which the last term is 0
on average in every regime, so that E[label in ticks] is the sum of the steps to be expected in
the window, less that term at t.
"""

import numpy as np
from numba import njit
from scipy.interpolate import PchipInterpolator

from alpha.simulate.market import SHAPES, Market, Path

HORIZON_SECONDS = 60
# The targets that it is for, in the order of its columns, and under which prices, as params name
# them: end_return is of mids whatever the price.
PRICES = {"abs_max": ["touch"], "end_return": ["touch", "mid"]}
_DAY_SECONDS = 86400

# Every barrier up to _FINE ticks is computed; beyond, about one in 1 / _COARSE of its size, and
# the logarithm of the probability, smooth by then, is interpolated. The sum ends where no state
# exits with more than _NEGLIGIBLE.
_FINE = 48
_COARSE = 0.06
_NEGLIGIBLE = 1e-9


def of_market(market: Market) -> np.ndarray:
    """E[label in ticks | regime, pressure, shape] for each target, (R, G, S, targets)."""
    return np.stack([expected_ticks(market), expected_move(market)], axis=-1)


def expected_move(market: Market) -> np.ndarray:
    """E[end_return in ticks | regime, pressure, shape], (R, G, S)."""
    reach = market.step.shape[2] // 2
    step = (market.step * np.arange(-reach, reach + 1)).sum(axis=2)
    ahead = np.zeros_like(step)
    for _ in range(_window_rows(market)):
        # The next row's pressure is h, and then its regime q.
        ahead = np.einsum("gh,hrq,qh->rg", market.pressure, market.regime, step + ahead)
    below, above = np.array(SHAPES).T
    # Where nothing is to be expected, rounding errors would make an order of rows.
    return np.round(ahead[:, :, None] - (above - below) / 2.0, 12) + 0.0


def _window_rows(market: Market) -> int:
    return round(_DAY_SECONDS / market.interval) * HORIZON_SECONDS // _DAY_SECONDS


def expected_ticks(market: Market) -> np.ndarray:
    """E[abs_max in ticks | regime, pressure, shape], (R, G, S), to the interpolation's 1e-5."""
    rows = _window_rows(market)
    even = _exit_sums(market, rows, 0)
    # Exit from an interval that is a tick longer above than below.
    uneven = _exit_sums(market, rows, 1)
    by_shape = []
    for below, above in SHAPES:
        sums = (even if below == above else uneven)[2 + min(below, above)]
        # A longer one below is the mirror image: pressure reversed.
        by_shape.append(sums[:, ::-1] if below > above else sums)
    return np.stack(by_shape, axis=-1)


def of_rows(ticks: np.ndarray, path: Path) -> np.ndarray:
    """The oracle of each row, (rows, targets) float64, from `of_market`.

    A tick is 1 / mid here, as in end_return; that abs_max has 1 / ask (up) or 1 / bid (down)
    instead changes it by half the relative spread of itself, about 1e-4 at the default price.
    """
    return ticks[path.regime, path.pressure, path.shape] / path.mid[:, None]


def _exit_sums(market: Market, rows: int, longer: int) -> np.ndarray:
    """Sums over barriers b ≥ i of P(exit: b + longer above, b below) at index i ≥ 1."""
    below, above = np.array(SHAPES).T.copy()
    kernel = (market.regime, market.pressure, market.step, market.shape, below, above)
    barriers: list[int] = []
    chances: list[np.ndarray] = []
    barrier = 1
    while not chances or chances[-1].max() > _NEGLIGIBLE:
        barriers.append(barrier)
        chances.append(_exit(barrier + longer, barrier, rows, kernel))
        barrier += max(1, round(barrier * _COARSE)) if barrier >= _FINE else 1
    every = np.arange(1, barriers[-1] + 1)
    # A state that cannot exit has no logarithm.
    logs = np.log(np.maximum(np.array(chances), 1e-300))
    if len(barriers) > 1:
        logs = PchipInterpolator(barriers, logs)(every)
    exits = np.exp(logs)
    sums = np.cumsum(exits[::-1], axis=0)[::-1]
    beyond = np.zeros((1 + 2 + max(map(max, SHAPES)), *exits.shape[1:]))
    return np.concatenate((beyond[:1], sums, beyond[1:]))


@njit(cache=True, nogil=True)
def _exit(up: int, down: int, rows: int, kernel: tuple[np.ndarray, ...]) -> np.ndarray:
    """P(the bid reaches `up` or the ask `−down` within `rows` rows), (R, G), from base 0.

    The ask reaches −down where −x − w_above ≥ down; one tick of spread is in neither barrier.
    """
    regime, pressure, step, shape, below, above = kernel
    regimes, pressures, steps = step.shape
    deepest = max(below.max(), above.max())
    low = -(down - 1 + deepest)
    width = (up - 1 + deepest) - low + 1
    reach = steps // 2
    # inside[r, x]: the chance that a row in regime r at base x has not exited.
    inside = np.zeros((regimes, width))
    for r in range(regimes):
        for e, i in np.ndindex(len(below), width):
            x = low + i
            if x - below[e] < up and -x - above[e] < down:
                inside[r, i] += shape[r, e]
    stays = np.ones((regimes, pressures, width))
    for _ in range(rows):
        moved = np.zeros((regimes, pressures, width))
        for r, g in np.ndindex(regimes, pressures):
            here = inside[r] * stays[r, g]
            for j in range(steps):
                d = j - reach
                first, last = max(0, -d), min(width, width - d)
                if step[r, g, j] > 0.0 and first < last:
                    # Slices, because a loop over them compiles to vector instructions.
                    _add(moved[r, g, first:last], step[r, g, j], here[first + d : last + d])
        # The regime steps by the pressure's new state.
        mixed, stays = np.zeros_like(moved), np.zeros_like(moved)
        for r, g in np.ndindex(regimes, pressures):
            for q in range(regimes):
                _add(mixed[r, g], regime[g, r, q], moved[q, g])
        for r, g in np.ndindex(regimes, pressures):
            for h in range(pressures):
                _add(stays[r, g], pressure[g, h], mixed[r, h])
    return 1.0 - stays[:, :, -low]


@njit(cache=True, nogil=True)
def _add(out: np.ndarray, factor: float, values: np.ndarray) -> None:
    for i in range(len(out)):
        out[i] += factor * values[i]

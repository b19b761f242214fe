"""The market model: hidden volatility regime, hidden order-flow pressure, and prices in ticks.

One row is Δ = 86400 / rows_per_day seconds; strengths are σ (signal_strength) and v
(volatility_strength).

    pressure  g(t) in {−1, 0, 1}: a Markov chain in continuous time that forgets a pressure at
              rate 1 / PRESSURE_SECONDS and has the shares PRESSURE_SHARES.
    regime    r(t) of REGIMES: a Markov chain that leaves r at rate 1 / DWELL_SECONDS[r] for r'
              with chance NEXT[r][r'], except that pressure ignites and feeds bursts: with
              k(g) = exp(σ · IGNITION · g²) / E[exp(σ · IGNITION · g²)], rates into a burst are
              multiplied by k(g(t)) and rates out of one divided by sqrt(k(g(t))).
    step      d(t), whole ticks: a compound Poisson sum over the row. Moves come at
              c · MOVES_PER_SECOND · exp(v · MOVES_CONTRAST[r]) a second, where c is 1 until day
              activity_change_day and activity_change from it on; each up with chance
              (1 + a)/2 for a = tanh(σ · LOADING[r] · g); its size is geometric with the mean
              SIZE_TICKS · exp(v · SIZE_CONTRAST[r]), at least 1.
    base      x(t) = x(t−1) + d(t)
    spread    w_below(t), w_above(t): ticks by which each side stands back, drawn anew each row
              from SHAPES; w = w_below + w_above has chance ∝ (1 − exp(−v · WIDE[r]))^w.
    quotes    best_bid = tick · (x − w_below),   best_ask = tick · (x + 1 + w_above)

Regime, pressure, spread and step have a random stream each. Book and flow
(alpha.simulate.features) are functions of g(t), of the quotes up to t and of streams of their
own; nothing here looks at them. Hence:

- Given r(t), g(t) and the quotes at t, the prices after t are independent of every feature up
  to t, so that E[outcome | r, g, quotes] (alpha.simulate.oracle) is the best any model can do.
- At σ = 0, k = 1 and a = 0: neither r nor d looks at g, and the prices are the same bit for
  bit whatever the streams of pressure, book and flow say. All that can be learnt is the
  volatility state, as past prices and spreads show it.
- At v = 0 too, the spread is one tick and the steps are independent and identically
  distributed: E[outcome in ticks | all of the past] is one constant.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.linalg import expm

from alpha.simulate import Simulate

PRESSURES = (-1.0, 0.0, 1.0)
PRESSURE_SHARES = (0.1, 0.8, 0.1)
PRESSURE_SECONDS = 75.0

REGIMES = ("calm", "normal", "active", "burst")
BURST = REGIMES.index("burst")
DWELL_SECONDS = (900.0, 400.0, 120.0, 25.0)
NEXT = (
    (0.0, 0.90, 0.0, 0.10),
    (0.55, 0.0, 0.35, 0.10),
    (0.0, 0.60, 0.0, 0.40),
    (0.0, 0.30, 0.70, 0.0),
)
IGNITION = 3.0

MOVES_PER_SECOND = 0.08
MOVES_CONTRAST = (-2.5, -0.7, 0.8, 2.4)
SIZE_TICKS = 1.2
SIZE_CONTRAST = (-0.1, 0.0, 0.2, 1.0)
LOADING = (0.1, 0.3, 0.4, 0.4)

# The ticks by which the bid and the ask stand back, and how much WIDE makes of it.
SHAPES = ((0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 1), (2, 2))
WIDE = (0.01, 0.03, 0.15, 0.7)

# A row's step is cut off where its tail holds less than this.
_TAIL = 1e-10


@dataclass(frozen=True)
class Market:
    """The transition kernel of one row. R regimes, G pressures, S shapes, J largest step."""

    interval: float  # seconds from row to row
    regime: np.ndarray  # (G, R, R) transition probabilities, given the pressure
    pressure: np.ndarray  # (G, G) transition probabilities
    shape: np.ndarray  # (R, S) probabilities of the spread's shape
    step: np.ndarray  # (R, G, 2J + 1) probabilities of a step of −J..J ticks


@dataclass(frozen=True)
class Path:
    """Hidden states and prices of consecutive rows, each (rows,) int64; prices in ticks."""

    regime: np.ndarray
    pressure: np.ndarray
    shape: np.ndarray
    base: np.ndarray

    @property
    def bid(self) -> np.ndarray:
        return self.base - np.array(SHAPES)[self.shape, 0]

    @property
    def ask(self) -> np.ndarray:
        return self.base + 1 + np.array(SHAPES)[self.shape, 1]

    @property
    def mid(self) -> np.ndarray:
        return (self.bid + self.ask) / 2.0


@dataclass(frozen=True)
class Day:
    """One UTC day of a market; every array has (rows,), (rows, features) or (rows, targets)."""

    number: int  # 0 is the first
    time_ns: np.ndarray  # int64, evenly spaced
    best_bid: np.ndarray  # float64, whole multiples of the tick
    best_ask: np.ndarray
    names: tuple[str, ...]
    features: np.ndarray  # float32, finite
    oracle: np.ndarray  # float64, a column for each target of alpha.simulate.oracle
    path: Path  # the hidden states


def build(params: Simulate, activity: float = 1.0) -> Market:
    """The kernel of the module's formulas, where c is `activity`."""
    interval, signal = 86400.0 / params.rows_per_day, params.signal_strength
    wide = 1.0 - np.exp(-params.volatility_strength * np.array(WIDE))
    extra = np.array(SHAPES).sum(axis=1)
    # A spread that two shapes share is shared out evenly.
    weight = wide[:, None] ** extra / np.bincount(extra)[extra]
    return Market(
        interval=interval,
        regime=np.array([expm(rates * interval) for rates in _regime_rates(signal)]),
        pressure=expm(_pressure_rates() * interval),
        shape=weight / weight.sum(axis=1, keepdims=True),
        step=_step(interval, signal, params.volatility_strength, activity),
    )


def start(base: int) -> Path:
    """The row before the first: calm, no pressure, one tick of spread."""
    zero = np.zeros(1, dtype=np.int64)
    return Path(zero, zero + PRESSURES.index(0.0), zero, zero + base)


def walk(market: Market, uniform: np.ndarray, before: Path) -> Path:
    """The rows that follow the last of `before`; `uniform` (4, rows) in [0, 1) decides regime,
    pressure, shape and step."""
    alone = np.zeros(uniform.shape[1], dtype=np.int64)
    pressure = _chain(uniform[1], _cumulate(market.pressure)[None], alone, before.pressure[-1])
    regime = _chain(uniform[0], _cumulate(market.regime), pressure, before.regime[-1])
    shape = _pick(uniform[2], _cumulate(market.shape), regime)
    pressures, steps = market.step.shape[1:]
    cumulated = _cumulate(market.step).reshape(-1, steps)
    step = _pick(uniform[3], cumulated, regime * pressures + pressure) - steps // 2
    return Path(regime, pressure, shape, before.base[-1] + np.cumsum(step))


def _regime_rates(signal: float) -> np.ndarray:
    """Rates of leaving a regime (row) for another (column), (G, R, R), given the pressure."""
    ignition = np.exp(signal * IGNITION * np.array(PRESSURES) ** 2)
    ignition /= ignition @ np.array(PRESSURE_SHARES)
    rates = np.tile(np.array(NEXT) / np.array(DWELL_SECONDS)[:, None], (len(PRESSURES), 1, 1))
    rates[:, :, BURST] *= ignition[:, None]
    rates[:, BURST] /= np.sqrt(ignition)[:, None]
    return rates - rates.sum(axis=2, keepdims=True) * np.eye(len(REGIMES))


def _pressure_rates() -> np.ndarray:
    """Rates of leaving a pressure (row) for another (column), (G, G)."""
    go = 1.0 / PRESSURE_SECONDS
    come = go * PRESSURE_SHARES[0] / PRESSURE_SHARES[1]
    return np.array([[-go, go, 0.0], [come, -2.0 * come, come], [0.0, go, -go]])


def _step(interval: float, signal: float, volatility: float, activity: float) -> np.ndarray:
    """Probabilities of a row's step, (R, G, 2J + 1): the law of a compound Poisson sum with mean
    count n and size law p is the inverse Fourier transform of exp(n · (F(p) − 1))."""
    moves = activity * MOVES_PER_SECOND
    counts = moves * interval * np.exp(volatility * np.array(MOVES_CONTRAST))
    means = np.maximum(SIZE_TICKS * np.exp(volatility * np.array(SIZE_CONTRAST)), 1.0)
    half = 1 << int(np.ceil(np.log2(64 * means.max() * (4 + counts.max()))))
    sizes = np.arange(1, half)
    laws = np.zeros((len(REGIMES), len(PRESSURES), 2 * half - 1))
    for r, (count, mean) in enumerate(zip(counts, means, strict=True)):
        size = (1.0 - 1.0 / mean) ** (sizes - 1) / mean
        for g, pressure in enumerate(PRESSURES):
            lean = np.tanh(signal * LOADING[r] * abs(pressure))
            move = np.zeros(2 * half)  # a move of k ticks at index k, modulo the length
            move[1:half] = size * (1.0 + lean) / 2.0
            move[:-half:-1] = size * (1.0 - lean) / 2.0
            law = np.fft.ifft(np.exp(count * (np.fft.fft(move) - 1.0))).real
            law = np.roll(law, half - 1)[: 2 * half - 1]
            law = np.where(law > _TAIL, law, 0.0)
            if lean == 0:
                # Exactly symmetric, so that without a signal all pressures share one law.
                law = (law + law[::-1]) / 2.0
            laws[r, g] = (law if pressure >= 0 else law[::-1]) / law.sum()
    used = np.flatnonzero(laws.any(axis=(0, 1)))
    reach = max(half - 1 - used[0], used[-1] - half + 1)
    return laws[:, :, half - 1 - reach : half + reach]


def _cumulate(probabilities: np.ndarray) -> np.ndarray:
    """Cumulative probabilities along the last axis that end in 1, so that a draw falls in."""
    cumulated = np.cumsum(probabilities, axis=-1)
    return np.minimum(cumulated / cumulated[..., -1:], 1.0)


@njit(cache=True, nogil=True)
def _chain(uniform: np.ndarray, cumulated: np.ndarray, which: np.ndarray, state: int) -> np.ndarray:
    """States (rows,) of a chain that steps by cumulated[which[row]], (state, next state)."""
    out = np.empty(len(uniform), dtype=np.int64)
    for row in range(len(uniform)):
        state = np.searchsorted(cumulated[which[row], state], uniform[row], side="right")
        out[row] = state
    return out


@njit(cache=True, nogil=True)
def _pick(uniform: np.ndarray, cumulated: np.ndarray, which: np.ndarray) -> np.ndarray:
    out = np.empty(len(uniform), dtype=np.int64)
    for row in range(len(uniform)):
        out[row] = np.searchsorted(cumulated[which[row]], uniform[row], side="right")
    return out

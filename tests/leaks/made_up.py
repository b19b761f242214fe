"""Honest columns that are made of no feature: hidden state, noise, clocks."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from forms import Case, column, normal
from honest import simple
from markets import Market
from scipy import signal


def hidden(name: str, noise: float = 0.0) -> Case:
    """The simulated market's state at each row, which tells the most that can be known."""

    def make(m: Market) -> pd.Series:
        found = m.hidden[name].astype(np.float64)
        scale = {"pressure": 0.45, "regime": 1.0, "oracle": 1.7e-4}[name]
        return found + noise * scale * normal(m, f"{name}{noise}") if noise else found

    called = f"true_{name}" + (f"_noise{noise:g}" if noise else "")
    return column(called, "hidden state", 0.0, make, needs_hidden=True)


def persistent(half_life: float, *, exponent: bool = False) -> Case:
    """First-order autoregressive noise of unit variance; exponent: lognormal."""

    name = f"{'log' if exponent else ''}noise_hl{half_life:g}"

    def make(m: Market) -> pd.Series:
        keep = 0.5 ** (1 / half_life)
        steps = normal(m, name).to_numpy() * np.sqrt(1 - keep**2)
        steps[0] /= np.sqrt(1 - keep**2)
        found = signal.lfilter([1.0], [1.0, -keep], steps)
        return pd.Series(np.exp(found) if exponent else found, index=m.frame.index)

    return simple(name, make, "persistent noise")


def noise(law: str) -> Case:
    name = f"noise_{law}"

    def make(m: Market) -> pd.Series:
        random, n = m.random(name), m.rows
        by_law: dict[str, Callable[[], np.ndarray]] = {
            "normal": lambda: random.normal(size=n),
            "student": lambda: random.standard_t(2, size=n),
            "integer": lambda: np.floor(random.random(n) * 20),
            "binary": lambda: (random.random(n) < 0.01).astype(float),
            "counts": lambda: np.floor(0.05 / (1e-3 + random.random(n))),
            "walk": lambda: np.cumsum(random.normal(size=n)),
            "trend": lambda: np.arange(n) / 1e4 + random.normal(size=n),
            "steps": lambda: np.cumsum((random.random(n) < 5e-4) * 1.0),
            "spikes": lambda: normal(m, "sizes") * np.where(random.random(n) < 2e-4, 1e3, 1.0),
        }
        return pd.Series(by_law[law](), index=m.frame.index)

    return simple(name, make, "noise")


def clock(period: float, wave: str) -> Case:
    """Of the time of day in seconds: sin, cos, or the seconds themselves (saw)."""

    def make(m: Market) -> pd.Series:
        turn = m.time_ns % (86400 * 10**9) / 1e9 / period
        found = turn % 1 if wave == "saw" else getattr(np, wave)(2 * np.pi * turn)
        return pd.Series(found, index=m.frame.index)

    return simple(f"clock_{wave}{period:g}", make, "clock")

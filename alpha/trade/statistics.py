"""What trades come to, with intervals, and how many tries explain a Sharpe ratio.

Sources: Lo (2002) and Mertens (2002), a Sharpe ratio's standard error; Bailey and López de Prado
(2014), the deflated Sharpe ratio; Bailey, Borwein, López de Prado and Zhu (2015), the probability
of backtest overfitting by combinatorially symmetric cross-validation.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import NormalDist, fmean, stdev
from typing import Any

import numpy as np
import pandas as pd

from alpha.evaluate.bootstrap import LEAST_BLOCKS, Blocks, first_rows, ratio
from alpha.evaluate.figures import Row, by_name
from alpha.evaluate.hindsight import days
from alpha.evaluate.over_seeds import Widened, widen

YEAR_SECONDS = 365 * 86400  # markets that never close
# Parts of time in the cross-validation (the paper's S): half of them chooses, half judges.
PARTS = 16
LEAST_CONFIGURATIONS = 4
_NONE = "it makes no trade: on valid no threshold earns with enough trades, or none is passed"
# In bps, of each model and run, or None of a model's runs together: (copies, periods).
Returns = Mapping[tuple[str, int | None], np.ndarray]


def sharpe(returns: np.ndarray) -> tuple[float, float] | None:
    """The mean over the standard deviation of returns (periods,), and its standard error
    √((1 − γ₃ · SR + (γ₄ − 1) / 4 · SR²) / (n − 1)) of their skewness and kurtosis, as if they were
    independent. None where they do not differ."""
    if len(returns) < 2 or np.ptp(returns) == 0:
        return None
    ratio = float(np.mean(returns) / np.std(returns, ddof=1))
    z = (returns - np.mean(returns)) / np.std(returns)
    spread = 1.0 - np.mean(z**3) * ratio + (np.mean(z**4) - 1.0) / 4.0 * ratio**2
    return ratio, math.sqrt(max(float(spread), 0.0) / (len(returns) - 1))


def deflated(found: Sequence[tuple[float, float]], tried: Sequence[float], tries: int) -> float:
    """The probability that Sharpe ratios with these standard errors, in their mean, are truly above
    the one that the best of `tries` without any would have, as the ratios `tried` differ."""
    euler, inverse, best = float(np.euler_gamma), NormalDist().inv_cdf, 0.0
    if tries > 1:
        best = (1 - euler) * inverse(1 - 1 / tries) + euler * inverse(1 - 1 / (tries * math.e))
        best *= stdev(tried)
    return fmean(NormalDist().cdf((one - best) / (error or math.nan)) for one, error in found)


def over_tries(returns: Returns, tries: int) -> Iterator[Row]:
    """The deflated Sharpe ratio of every run and model, and how likely the best model is overfit.
    Each run is a try."""
    found = {key: [one for one in map(sharpe, of) if one] for key, of in returns.items()}
    of_runs = {key: of for key, of in found.items() if key[1] is not None}
    tried = [fmean(one for one, _ in of) for of in of_runs.values() if of]
    tries = max(tries, len(of_runs))
    for (model, seed), of in found.items():
        at: dict[str, Any] = {"split": "test", "figure": "deflated_sharpe", "reason": _NONE}
        if of and tries > len(tried) < 2:
            at["reason"] = "fewer than two runs trade, which does not say how tries differ"
        elif of:
            at |= {"value": deflated(of, tried, tries), "reason": None}
        yield Row(model, seed, **at)
    models = [np.mean(of, axis=0) for (_, seed), of in returns.items() if seed is None]
    value, why = overfit_probability(np.transpose([of for of in models if of.any()]))
    yield Row("all", split="test", figure="overfit_probability", value=value, reason=why)


def overfit_probability(returns: np.ndarray) -> tuple[float | None, str | None]:
    """How often the configuration with the best Sharpe ratio in one half of the time is not above
    the median in the other half, over all halves made of PARTS parts; or None, and why. `returns`
    are (periods, configurations). Where they do not differ the ratio is 0; equals share a rank."""
    periods, configurations = returns.shape if returns.ndim == 2 else (0, 0)
    if configurations < LEAST_CONFIGURATIONS or periods < 2 * PARTS:
        return None, f"fewer than {LEAST_CONFIGURATIONS} models trade, or than {2 * PARTS} periods"
    parts = np.array_split(returns, PARTS)
    sums = np.array([[np.full(configurations, len(of)), of.sum(0), (of**2).sum(0)] for of in parts])
    halves = np.array(list(combinations(range(PARTS), PARTS // 2)))
    count, total, squares = np.moveaxis(sums[halves].sum(axis=1), 1, 0)
    std = np.sqrt(np.maximum(squares - total**2 / count, 0.0) / (count - 1))
    inside = np.divide(total / count, std, out=np.zeros_like(total), where=std > 0)
    # The complement of the first half in the list is the last, and so on.
    outside, best = inside[::-1], np.argmax(inside, axis=1)[:, None]
    of_best = np.take_along_axis(outside, best, axis=1)
    rank = np.sum(outside < of_best, axis=1) + (np.sum(outside == of_best, axis=1) + 1) / 2
    return float(np.mean(rank / (configurations + 1) <= 0.5)), None


class Observed:
    """The time of a split, or of a fold's: how it is resampled, and its periods (n,), which hold
    rows and start at multiples of their length."""

    def __init__(self, time_ns: np.ndarray, starts_ns: Sequence[int], params: Any) -> None:
        """From ascending times, (rows,) int64, at least one; blocks reach over none of the parts
        that start then."""
        resampling = params.evaluate.bootstrap.model_dump(exclude={"block_horizons"})
        seconds = params.evaluate.bootstrap.block_horizons * params.label.horizon_seconds
        self.time_ns, self.period_ns = time_ns, round(params.trade.period_seconds * 1e9)
        parts = np.unique([0, *np.searchsorted(time_ns, starts_ns)]).tolist()
        blocks = Blocks(time_ns, seconds, **resampling, parts=parts)
        self.widened = Widened(blocks, params.evaluate.tries)
        first = first_rows(time_ns, self.period_ns, 0)[:-1]
        self.ends_ns = (time_ns[first] // self.period_ns + 1) * self.period_ns

    def earned(self, copies: Sequence[pd.DataFrame], **at: Any) -> tuple[list[Row], np.ndarray]:
        """The figures of trades, in the mean over `copies` of this time (paths, seeds), and each
        one's returns in bps, (copies, periods), by when positions were left."""
        every = pd.concat(copies, keys=range(len(copies)), names=["copy"]).reset_index("copy")
        done, blocks = every[every["net_bps"].notna()], self.widened.blocks
        net, counted = done["net_bps"].to_numpy(), every["end"].value_counts()
        period = np.searchsorted(self.ends_ns - self.period_ns, done["exit_time"], "right") - 1
        returns = np.zeros((len(copies), len(self.ends_ns)))
        np.add.at(returns, (done["copy"].to_numpy(dtype=int), np.maximum(period, 0)), net)
        values: dict[str, float | None] = {"trades": len(done) / len(copies)}
        for end in ("gap", "unfilled", "refused"):
            values[f"trades_{end}"] = int(counted.get(end, 0)) / len(copies)
        if not len(done):
            return by_name(values | {"net_bps": None}, {"net_bps": _NONE}, **at), returns
        means = "net_bps", "gross_bps", "fees_bps", "holding_seconds"
        values |= {name: float(done[name].mean()) for name in means}
        over = len(copies) * days(blocks)
        values |= {"bps_per_day": net.sum() / over, "turnover": len(done) / over}
        equity = np.cumsum(np.pad(returns, ((0, 0), (1, 0))), axis=1)
        falls = np.max(np.maximum.accumulate(equity, axis=1) - equity, axis=1)
        values |= {"hit_rate": float(np.mean(net > 0)), "drawdown_bps": float(np.mean(falls))}
        if "capacity" in done:
            values["capacity"] = float(done["capacity"].median())
        cell = blocks.of_rows[np.searchsorted(self.time_ns, done["time"])]
        sums = [np.bincount(cell, of, blocks.cells) for of in (net, np.ones(len(net)))]
        few = blocks.reason or blocks.effective(sums[1]) < LEAST_BLOCKS
        resampled = None if few else ratio(*blocks.sums(sums))
        ends = {"net_bps": self.widened.ends(values["net_bps"], resampled)}
        if found := [one for one in map(sharpe, returns) if one]:
            scale = math.sqrt(YEAR_SECONDS * 1e9 / self.period_ns)
            value, error = (scale * fmean(of) for of in zip(*found, strict=True))
            reach = NormalDist().inv_cdf((1 + blocks.level) / 2) * error
            given: Any = {"tries": self.widened.tries, "level": blocks.level}
            ends["sharpe"] = widen(value, value - reach, value + reach, **given)
            values["sharpe"] = value
        return by_name(values, ends=ends, **at), returns

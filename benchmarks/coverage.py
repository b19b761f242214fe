"""Draws of losses that depend on each other as those of real splits do, and whether intervals hold
the skill that they were drawn with.

A draw is a split of a row a second, its outcomes (abs_max, touch, over 60 s, so that neighbours
overlap), and what fixed models make of them. Two markets:

- `market`: the simulated one of params.yaml, of which bursts make most of the loss.
- `eth`: returns of Student's t with 5 degrees of freedom, times a volatility that depends on itself
  as on a real day, ETHUSD on Gemini, 2021-07-01, with its median spread. There the logarithm of
  the minute's realized volatility has the standard deviation 0.45, and the autocorrelations 0.51,
  0.25, 0.23, 0.18 and 0.11 after 1, 10, 20, 30 and 60 minutes: two autoregressions that forget
  within 2 minutes and an hour, with shares 0.35 and 0.28 of the variance, the rest being what a
  minute's realized volatility is off.

Models are linear in the mean outcomes of the last 1, 5 and 30 windows (`har`), in the last window
alone (`last`), and twice as far from the mean as `har`, which has next to no skill (`double`).
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from alpha.check import load
from alpha.evaluate.bootstrap import CELLS_PER_BLOCK, Blocks, ratio
from alpha.evaluate.ranking import Order, rank_ic_resampled, rank_ic_statistics
from alpha.label import targets
from alpha.simulate import market

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("market", "eth")
HOURS = {5: "5 hours", 24: "1 day", 144: "6 days"}
FIGURES = ("skill of har", "skill of last", "skill of double", "har − last", "rank IC of har")
# How blocks are cut: as alpha cuts them, and no longer than params allow.
CUTS = ("as cut", "shortest")
_WINDOW, _NS = 60, 10**9
# Seconds before the split, so that all models know their past.
_BEFORE = 2 * 3600
_MODELS = 3
# The log volatility's autoregressions, by the minute: what they keep, and their deviation.
_KEEPS = np.exp([-1 / 2, -1 / 60])
_SPREADS = 0.45 * np.sqrt([0.35, 0.28])
_SECOND, _HALF_SPREAD = 1.35e-4, 2.35e-4


class Models(NamedTuple):
    """Fixed before any draw that is judged: the mean outcome, that of features, and weights."""

    mean: float
    center: np.ndarray
    weights: np.ndarray  # (features, 2), of har and last


def draws(kind: str, hours: int, batch: int, count: int) -> dict[str, Any]:
    """The draws of one batch: of each the figures (draws, figures) and their ends by cut (draws,
    figures, 2), and the sums of the losses of the constant and of all models."""
    models, found, ends, sums = _fitted(kind), [], {cut: [] for cut in CUTS}, np.zeros(1 + _MODELS)
    bootstrap = _params().evaluate.bootstrap
    knobs = bootstrap.model_dump(exclude={"block_horizons"})
    time_ns = np.arange(hours * 3600) * _NS
    for draw in range(count):
        rng = np.random.default_rng((batch, draw, hours, KINDS.index(kind)))
        outcome, features = _split(kind, rng, len(time_ns))
        har, last = (models.mean + (features - models.center) @ models.weights).T
        double = 2 * har - models.mean
        losses = [np.square(outcome - one) for one in (models.mean, har, last, double)]
        ranks = [Order(one).centered_ranks(len(outcome)) for one in (outcome, har)]
        sums += [np.sum(one) for one in losses]
        for cut in CUTS:
            blocks = Blocks(time_ns, bootstrap.block_horizons * _WINDOW, **knobs)
            if cut == "shortest":
                blocks.length = CELLS_PER_BLOCK
            of_ranks = rank_ic_statistics(*ranks, blocks.rows, blocks)
            per_cell = [*map(blocks.by_cell, losses), *of_ranks]
            resampled = _figures(blocks.sums(per_cell))
            ends[cut].append([blocks.ends(one) for one in resampled])
        found.append(_figures(np.array([[np.sum(one)] for one in per_cell]))[:, 0].tolist())
    return {"figures": found, "ends": ends, "losses": sums.tolist()}


def summary(batches: list[dict[str, Any]]) -> dict[str, list[tuple[str, int, int, float]]]:
    """By cut and figure: its name, in how many draws the interval holds the truth, of how many,
    and its mean width. The truth is the skill over all draws; of the rank IC, whose ranks are of
    one split's rows, the mean over the draws."""
    of_constant, *of_models = np.sum([one["losses"] for one in batches], axis=0)
    skills = 1 - np.array(of_models) / of_constant
    found = np.concatenate([one["figures"] for one in batches])
    truth = np.array([*skills, skills[0] - skills[1], found[:, -1].mean()])
    told = {}
    for cut in CUTS:
        low, high = np.moveaxis(np.concatenate([one["ends"][cut] for one in batches]), 2, 0)
        held = np.sum((low <= truth) & (truth <= high), axis=0)
        widths = np.mean(high - low, axis=0)
        told[cut] = [
            (name, int(count), len(found), float(width))
            for name, count, width in zip(FIGURES, held, widths, strict=True)
        ]
    return told


def _figures(sums: np.ndarray) -> np.ndarray:
    """FIGURES, (figures, resamples), from sums of losses and of `rank_ic_statistics`."""
    skills = [1.0 - ratio(of_model, sums[0]) for of_model in sums[1 : 1 + _MODELS]]
    return np.array([*skills, skills[0] - skills[1], rank_ic_resampled(sums[1 + _MODELS :])])


@cache
def _params() -> Any:
    return load(ROOT / "tests" / "params.yaml")


@cache
def _kernel() -> market.Market:
    return market.build(_params().simulate.model_copy(update={"rows_per_day": 86400}))


@cache
def _fitted(kind: str) -> Models:
    """Least squares on draws of their own."""
    rng = np.random.default_rng((1, KINDS.index(kind)))
    outcomes, features = zip(*(_split(kind, rng, 5 * 3600) for _ in range(40)), strict=True)
    y, x = np.concatenate(outcomes), np.concatenate(features)
    mean, center = float(y.mean()), x.mean(axis=0)
    har = np.linalg.lstsq(x - center, y - mean, rcond=None)[0]
    last = np.linalg.lstsq(x[:, :1] - center[:1], y - mean, rcond=None)[0]
    return Models(mean, center, np.column_stack((har, [last[0], 0.0, 0.0])))


def _split(kind: str, rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of a split, (rows,) in bps, and what models know at each row, (rows, features)."""
    seconds = _BEFORE + rows + _WINDOW
    if kind == "eth":
        shocks = rng.standard_normal((seconds // _WINDOW + 1, 2)) * _SPREADS
        shocks[1:] *= np.sqrt(1 - _KEEPS**2)
        mid = np.exp(_walk(rng.standard_t(5, seconds) / np.sqrt(5 / 3), shocks, _KEEPS))
        bid, ask = mid * (1 - _HALF_SPREAD), mid * (1 + _HALF_SPREAD)
    else:
        path = market.walk(_kernel(), rng.random((4, seconds)), market.start(20_000))
        bid, ask = path.bid.astype(np.float64), path.ask.astype(np.float64)
    time_ns = np.arange(seconds) * _NS
    label = _params().label.model_copy(update={"horizon_seconds": float(_WINDOW)})
    outcome = targets.compute(time_ns, bid, ask, label).alpha_outcome[: _BEFORE + rows] * 1e4
    # The last window that is over at a row started _WINDOW before it.
    over = np.arange(_BEFORE, _BEFORE + rows) - _WINDOW + 1
    sums = np.cumsum(np.append(0.0, outcome))
    known = [(sums[over] - sums[over - length]) / length for length in (1, 300, 1800)]
    return outcome[_BEFORE:], np.column_stack(known)


@njit(cache=True, nogil=True)
def _walk(returns: np.ndarray, shocks: np.ndarray, keeps: np.ndarray) -> np.ndarray:
    """The logarithm of the price, (seconds,), from unit returns and the shocks of each minute."""
    price, level, out = 0.0, np.zeros(len(keeps)), np.empty(len(returns))
    for second in range(len(returns)):
        if second % 60 == 0:
            level = keeps * level + shocks[second // 60]
            volatility = _SECOND * np.exp(level.sum())
        price += volatility * returns[second]
        out[second] = price
    return out

"""The catalogue: leaks that an audit must name, and honest columns that it must not.

`catalogue()` is what a detector may be tuned on. `held_out(seed)` has other windows, offsets,
levels of noise and columns, drawn anew for each seed, and a few forms that the first has not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest

import honest as h
import leaky as k
import leaky_labels as y
import made_up as o
import numpy as np
import pandas as pd
from forms import Case, features_of
from markets import Market


@dataclass(frozen=True)
class Catalogue:
    leaks: tuple[Case, ...]
    honest: tuple[Case, ...]


# What the frames have that cases share: features that both markets' files hold.
FEATURES = re.compile(
    r"^((return|volatility)|(buy|sell)_volume|(ask|bid)_(added|removed)_liquidity)_(10|60|300)s$"
    r"|^(ask|bid)_(volume|price)_level0$|^spread$|^imbalance_level0$"
).search
# Columns of cases in a frame.
MOST = 26
# Which features of a file a whole family is.
VOLUMES = "^(buy|sell)_volume"
BOOK = "volume_level|imbalance_level"


def catalogue() -> Catalogue:
    leaks = (
        *(k.known_return(seconds) for seconds in (1, 2, 5, 10, 20, 30, 60)),
        k.known_return(5, log=False),
        *(k.known_return(seconds, noise=3) for seconds in (2, 30)),
        k.known_level(2, "mid"), k.known_level(30, "mid"), k.known_level(5, "best_ask"),
        *(k.next_window(what, 60) for what in ("volatility", "highest", "lowest", "spread_mean")),
        k.next_window("spread", 10),
        *(k.centred_mean("mid", window) for window in (5, 31, 121)),
        k.centred_mean("mid", 61, relative=True),
        k.centred_mean("return_10s", 21), k.centred_mean("imbalance_level0", 61),
        k.centred_mean("ask_volume_level0", 61), k.centred_mean("volume", 31),
        k.centred_mean("volume", 301), k.centred_mean("bid_added_liquidity_10s", 31, replace=True),
        k.smoothed("mid", "gaussian", 5), k.smoothed("mid", "savgol", 31),
        k.smoothed("mid", "filtfilt", 60), k.smoothed("return_10s", "both_ewma", 5),
        k.smoothed("volatility_60s", "gaussian", 20),
        *(k.early(("return_10s",), rows) for rows in (1, 10)),
        *(k.early(("volatility_60s",), rows) for rows in (1, 2, 30)),
        *(k.early(("buy_volume_60s",), rows) for rows in (1, 10)),
        *(k.early(("ask_added_liquidity_10s",), rows) for rows in (2, 10)),
        *(k.early(("imbalance_level0",), rows) for rows in (1, 2, 10)),
        *(k.early(("spread",), rows) for rows in (1, 30)),
        k.early(("ask_volume_level0",), 1),
        k.early(("return_60s",), 5, keep=True), k.early(("sell_volume_10s",), 10, keep=True),
        k.family_early(VOLUMES, 1), k.family_early(VOLUMES, 10), k.family_early(BOOK, 2),
        k.family_early(".", 1),
        *(k.back_filled("mid", seconds) for seconds in (10, 30, 60)),
        k.back_filled("volatility_60s", 30), k.back_filled("return_10s", 10),
        k.interpolated("mid", 30), k.interpolated("volatility_60s", 30),
        k.nearest("mid", 10), k.nearest("imbalance_level0", 10),
        k.bar("last", 10), k.bar("last", 60), k.bar("max", 60), k.bar("mean", 60),
        k.bar("return", 60), k.bar("last", 60, name="buy_volume_60s"),
        k.bar("last", 10, name="volume"),
        y.outcome(), *(y.outcome(noise=noise) for noise in (0.1, 1.0, 3.0)),
        *(y.outcome(change) for change in y.CHANGES), y.outcome(part=1 / 3),
        y.label_part("up"), y.label_part("down"), y.label_part("", sign=True),
        y.other_horizon(30, "abs_max"), y.other_horizon(120, "end_return"),
        y.other_horizon(300, "abs_max"),
        *(y.mean_outcome(seconds, "behind") for seconds in (60, 300)),
        y.mean_outcome(300, "around"), y.mean_outcome(300, "ahead"),
        y.target_encoded("buy_volume_300s", 3000), y.target_encoded("mid", 500),
        y.signed_by_future("volume", 10), y.signed_by_future("imbalance_level0", 60),
        y.missing_before("spread", 0.95), y.missing_before("return_60s", 0.8),
        y.whole_data("zscore", "mid"), y.whole_data("zscore", "spread"),
        y.whole_data("minmax", "mid"), y.whole_data("demeaned", "mid"),
        y.whole_data("rank", "mid"), y.whole_data("high", "mid"), y.whole_data("close", "mid"),
    )  # fmt: skip
    honest = (
        *(h.past_return(seconds) for seconds in (1, 5, 30, 300)),
        *(h.past_volatility(seconds) for seconds in (10, 60, 1800)),
        h.trailing_mean("mid", 31), h.trailing_mean("mid", 31, relative=True),
        h.trailing_mean("volume", 301), h.trailing_mean("imbalance_level0", 61),
        h.filtered("return_10s", "ewma", 5), h.filtered("imbalance_level0", "ewma", 20),
        h.filtered("mid", "ewma", 10), h.filtered("mid", "butter", 60),
        h.filtered("mid", "savgol", 31), h.filtered("volatility_60s", "butter", 120),
        h.sampled("mid", 30), h.sampled("mid", 10), h.sampled("imbalance_level0", 10),
        h.sampled("volatility_60s", 60),
        *(h.closed_bar(what, 60) for what in ("last", "max", "mean")),
        h.closed_bar("last", 10, name="volume"),
        h.standardized("spread", 600), h.standardized("spread", None), h.standardized("mid", 600),
        h.standardized("mid", None),
        *(h.day_so_far(what) for what in ("high", "low", "open", "range")),
        h.rolling_rank("volume", 600), h.rolling_rank("mid", 300),
        h.lagged_outcome(), h.lagged_outcome(60), h.mean_completed(300),
        h.mean_completed(600, exponential=True), h.encoded_so_far("volatility_60s", 30),
        h.honest_model(),
        o.hidden("pressure"), o.hidden("regime"), o.hidden("oracle"), o.hidden("oracle", 0.3),
        o.hidden("pressure", 1.0), o.hidden("regime", 0.5),
        *(o.persistent(half_life) for half_life in (1, 10, 60, 600, 3600)),
        o.persistent(30, exponent=True),
        *(o.noise(law) for law in ("normal", "student", "integer", "binary", "counts", "walk",
                                   "trend", "steps", "spikes")),
        o.clock(86400, "saw"), o.clock(86400, "sin"), o.clock(3600, "cos"), o.clock(300, "sin"),
        o.clock(60, "sin"), o.clock(60, "saw"),
        h.late("return_10s", 2), h.late("spread", 10), h.repeated("ask_volume_level0", 4),
        h.repeated("return_300s", 30),
        *(h.other(name) for name in h.OTHERS),
    )  # fmt: skip
    return Catalogue(leaks, honest)


def held_out(seed: int) -> Catalogue:
    """Cases that no detector was tuned on; the same for the same seed."""
    random = np.random.default_rng((917, seed))

    def some(low: float, high: float) -> int:
        """A whole number, as likely to be small as large."""
        return round(np.exp(random.uniform(np.log(low), np.log(high))))

    def odd(low: float, high: float) -> int:
        return some(low, high) // 2 * 2 + 1

    def one(*values):
        return values[random.integers(len(values))]

    def rate() -> float:
        return round(float(np.exp(random.uniform(np.log(0.05), np.log(4)))), 2)

    flows = ("bid_added_liquidity_60s", "ask_removed_liquidity_10s", "sell_volume_60s",
             "sell_volume_10s", "bid_removed_liquidity_10s")  # fmt: skip
    quoted = ("return_10s", "return_60s", "return_300s", "volatility_10s", "volatility_300s")
    book = ("bid_volume_level0", "ask_volume_level0", "imbalance_level0")
    leaks = (
        k.known_return(some(1, 4)), k.known_return(some(5, 20)), k.known_return(some(21, 90)),
        k.known_return(some(2, 60), log=False, noise=rate()),
        k.known_level(some(1, 10), "best_bid"), k.known_level(some(11, 90), "mid"),
        *(k.next_window(what, some(20, 200)) for what in ("volatility", "highest", "moves")),
        k.next_window("spread", some(3, 30)),
        k.centred_mean("mid", odd(3, 20)), k.centred_mean("mid", odd(40, 400), relative=True),
        k.centred_mean(one(*quoted), odd(9, 100)), k.centred_mean(one(*book), odd(9, 100)),
        k.centred_mean(one(*flows), odd(21, 200), replace=True),
        k.smoothed(one("mid", "log_mid"), "gaussian", some(2, 20)),
        k.smoothed("mid", "savgol", odd(11, 99)), k.smoothed("log_mid", "filtfilt", some(20, 200)),
        k.smoothed(one(*quoted), "both_ewma", some(2, 15)),
        k.smoothed(one(*flows), "gaussian", some(5, 30)),
        k.early((one(*quoted[:3]),), some(1, 15)), k.early((one(*quoted[3:]),), some(1, 40)),
        k.early((one(*flows),), some(1, 5)), k.early((one(*flows),), some(6, 40)),
        k.early((one(*book),), some(1, 3)), k.early((one(*book),), some(4, 20)),
        k.early((one(*quoted),), some(2, 30), keep=True),
        k.family_early(VOLUMES, some(2, 8)), k.family_early("liquidity", some(1, 6)),
        k.back_filled("mid", some(5, 90)), k.back_filled(one(*quoted), some(5, 60)),
        k.interpolated(one("mid", "log_mid"), some(10, 90)), k.nearest("mid", some(6, 60)),
        k.bar("min", some(5, 300)), k.bar("mean", some(5, 300)), k.bar("return", some(5, 300)),
        k.bar("max", some(20, 120), name=one(*flows)),
        y.outcome(noise=rate()), y.outcome(one("rounded", "scaled", "sqrt"), noise=rate()),
        y.outcome(one("ranked", "clipped", "flag")), y.outcome(part=random.uniform(0.1, 0.5)),
        y.label_part(one("up", "down")), y.other_horizon(some(15, 50), "signed_max"),
        y.other_horizon(some(70, 400), one("abs_max", "end_return")),
        y.mean_outcome(some(30, 600), "behind"), y.mean_outcome(some(30, 600), "around"),
        y.target_encoded(one("volatility_300s", "ask_removed_liquidity_300s"), some(500, 5000)),
        y.signed_by_future(one(*flows), some(5, 60)),
        y.missing_before(one(*quoted), round(random.uniform(0.7, 0.97), 2)),
        y.whole_data("low", "mid"), y.whole_data("zscore", one(*flows)),
    )  # fmt: skip
    honest = (
        h.past_return(some(2, 900)), h.past_volatility(some(5, 3000)),
        h.trailing_mean("log_mid", some(5, 300), relative=True),
        h.trailing_mean(one(*flows), some(5, 600)), h.trailing_mean(one(*book), some(5, 300)),
        h.filtered("log_mid", "butter", some(20, 300)), h.filtered("mid", "savgol", odd(9, 99)),
        h.filtered(one(*book), "ewma", some(3, 100)),
        h.sampled("log_mid", some(5, 120)), h.sampled(one(*flows), some(5, 120)),
        h.closed_bar("min", some(5, 300)), h.closed_bar("sum", some(5, 300), name=one(*flows)),
        h.standardized(one(*flows), some(100, 5000)), h.standardized("mid", some(100, 5000)),
        h.rolling_rank(one(*quoted), some(50, 2000)), h.lagged_outcome(some(1, 300)),
        h.mean_completed(some(20, 2000)), h.mean_completed(some(20, 2000), exponential=True),
        h.encoded_so_far(one(*quoted), some(10, 60)),
        o.hidden("oracle", rate()), o.hidden("pressure", rate()), o.hidden("regime", rate()),
        *(o.persistent(some(low, 10 * low)) for low in (1, 10, 100, 1000)),
        o.persistent(some(5, 500), exponent=True),
        o.clock(some(30, 100), "sin"), o.clock(some(300, 4000), "saw"),
        h.late(one(*quoted), some(1, 30)), h.repeated(one(*flows), some(2, 60)),
    )  # fmt: skip
    return Catalogue(_unlike(leaks), _unlike(honest))


def one_frame(cases: tuple[Case, ...], market: Market, most: int = MOST) -> tuple[Case, ...]:
    """Cases that fit into one frame, of as many kinds as there are: of each in turn the next."""
    by_kind: dict[str, list[Case]] = {}
    for case in cases:
        if case.columns is not None and not (case.needs_hidden and market.hidden.empty):
            by_kind.setdefault(case.kind, []).append(case)
    chosen: dict[str, Case] = {}
    for case in chain.from_iterable(zip_longest(*by_kind.values())):
        if case is not None and len(chosen) < most and not chosen.keys() & set(case.columns):
            chosen.update(dict.fromkeys(case.columns, case))
    return tuple(dict.fromkeys(chosen.values()))


def _unlike(cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """Without those whose name was drawn before."""
    return tuple({case.name: case for case in cases}.values())


@dataclass(frozen=True)
class Planted:
    """A feature file's content with cases planted, and the columns of each of them."""

    frame: pd.DataFrame
    columns: dict[str, tuple[str, ...]]


def plant(cases: tuple[Case, ...], market: Market, *, most: int = MOST) -> Iterator[Planted]:
    """Frames with the cases in them, as many in one as have columns of their own.

    Whole families have a frame each, with all the market's features. The others share theirs, which
    have the FEATURES of both markets, so that no more is read than the cases need.
    """
    packs: list[dict[str, Case]] = []
    for case in cases:
        if case.needs_hidden and market.hidden.empty:
            continue
        if case.columns is None:
            yield _frame({"": case}, market, features_of(market))
            continue
        fitting = (p for p in packs if len(p) < most and not p.keys() & set(case.columns))
        pack = next(fitting, None)
        if pack is None:
            packs.append(pack := {})
        pack.update(dict.fromkeys(case.columns, case))
    for pack in packs:
        yield _frame(pack, market, [name for name in features_of(market) if FEATURES(name)])


def _frame(pack: dict[str, Case], market: Market, features: list[str]) -> Planted:
    of = {case.name: case.planted(market) for case in pack.values()}
    columns = {name: tuple(planted.columns) for name, planted in of.items()}
    taken = {name for names in columns.values() for name in names}
    kept = ["best_bid", "best_ask", *(name for name in features if name not in taken)]
    return Planted(pd.concat((market.frame[kept], *of.values()), axis=1), columns)

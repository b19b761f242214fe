"""How much skill and rank IC each kind of leak fakes: columns of the catalogue tests/leaks, planted
one at a time into a simulated day and a real one, against what the same models reach without."""

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alpha.check import Params
from alpha.core import parallel
from alpha.data.columns import END_OF_DATA, LABELLED
from alpha.evaluate.assess import Assessed
from alpha.learn.kinds import kind
from alpha.split.ranges import KEPT, holdout, row_status
from benchmarks.fits import Estimate, Judge, Rows, fitted, normalized
from benchmarks.steps import ROOT

TARGETS = {
    "abs_max": "how loud the next minute gets (the default outcome)",
    "end_return": "which way it goes",
}
MODELS = ("ridge", "lightgbm")
# Of the catalogue, by name, and in words.
LEAKS = {
    "y_plain_noise1": "the outcome, in as much noise",
    "y_abs_max_30s": "the outcome of another horizon, 30 s",
    "y_mean300_behind": "the mean outcome of the last 300 s, also of windows that are not over",
    "log_ret_next_5s": "the return of the next 5 s",
    "log_ret_next_30s_noise3": "the return of the next 30 s, in three times as much noise",
    "next_60s_volatility": "the volatility of the next 60 s",
    "bar60_mid_return": "the return of the minute bar, known when it starts",
    "mid_less_centred61": "the mid less its mean over 30 s before and after",
    "return_10s_both_ewma5": "a return smoothed forwards and backwards",
    "family_._early1": "every feature one row early",
    "return_10s_early1": "one feature one row early",
    "volatility_60s_early30": "the volatility of the last 60 s, 30 rows early",
    "mid_bfill30": "the mid every 30 s, filled backwards",
    "buy_volume_300s_encoded3000": "a feature as the mean outcome of its bucket, own row included",
    "volume_signed10": "a feature with the sign of the next 10 s",
    "spread_missing0.95": "a feature that is missing before the largest 5 % of outcomes",
    "mid_day_zscore": "the mid by mean and sigma of the whole day",
}


def catalogue() -> dict[str, Any]:
    """The cases of tests/leaks by their names."""
    folder = str(ROOT / "tests" / "leaks")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    import catalogue

    return {case.name: case for case in catalogue.catalogue().leaks}


class Market:
    """A market of tests/leaks, and its rows with a label, split as the step `split` does."""

    def __init__(self, market: Any, params: Params) -> None:
        self.market, self.params = market, params.model_copy(update={"label": market.label})
        time_ns, y = market.time_ns, market.outcome.to_numpy()
        gap_ns = market.label.max_gap_ns
        ranges = holdout(params.split, lambda: [time_ns], max_gap_ns=gap_ns)
        known = np.where(np.isfinite(y), LABELLED, END_OF_DATA).astype(np.int8)
        which, status = row_status(time_ns, known, ranges, horizon_ns=market.label.horizon_ns)
        self.parts = [np.flatnonzero((which == at) & (status == KEPT)) for at in range(3)]
        self.features = market.frame.drop(columns=["best_bid", "best_ask"]).astype(np.float32)
        self.rows = Rows(time_ns, self.features.to_numpy(), y)
        self.judge = Judge(y[self.parts[0]], self.rows[self.parts[2]], self.params)

    def assessed(self, case: Any | None, model: str) -> list[Assessed]:
        """A model that sees the features, and a case's columns beside them or in their place."""
        frame = self.features
        if case is not None:
            frame = frame.assign(**dict(case.planted(self.market).items()))
        rows = Rows(self.rows.time_ns, frame.to_numpy(), self.rows.y)
        return self._fitted(model, [rows[part] for part in self.parts], self.judge)

    def at_random(self, model: str) -> dict[str, Estimate]:
        """Skill and rank IC of a model of the features, if the same rows are drawn at random."""
        order = np.random.default_rng(0).permutation(np.concatenate(self.parts))
        cuts = np.cumsum([len(part) for part in self.parts])[:-1]
        drawn = [self.rows[np.sort(part)] for part in np.split(order, cuts)]
        judge = Judge(drawn[0].y, drawn[2], self.params)
        return judge.figures(self._fitted(model, drawn, judge))

    def _fitted(self, model: str, rows: list[Rows], judge: Judge) -> list[Assessed]:
        """With each seed."""
        train, valid, test = normalized(*rows, clip=self.params.normalize.clip)
        seeds = (0,) if kind(model) == "baselines" else self.params.seeds
        models = [fitted(model, train, valid, self.params, seed=seed) for seed in seeds]
        return [judge.assessed(one.predict(test.known)) for one in models]


def lines(folder: Path, params: Params) -> Iterator[str]:
    """A table for each outcome and market, in Markdown."""
    cases = catalogue()
    import markets

    for target, words in TARGETS.items():
        label = params.label.model_copy(update={"target": target})
        makers = {
            "one simulated day": partial(markets.simulated, params.simulate),
            "ETHUSD, one real day": partial(markets.real, folder),
        }
        for name, make in makers.items():
            yield from _table(f"`{target}`: {words}. {name}", Market(make(label), params), cases)


def _table(title: str, market: Market, cases: dict[str, Any]) -> Iterator[str]:
    sizes = " / ".join(f"{len(part):,}" for part in market.parts)
    yield f"**{title}** ({sizes} rows, {market.features.shape[1]} features)"
    yield ""
    columns = [f"{model}: {figure}" for model in MODELS for figure in ("skill", "rank IC")]
    yield "| leak | sees ahead | " + " | ".join(columns) + " |"
    yield "| --- | --- |" + " --- |" * len(columns)
    base = {model: market.assessed(None, model) for model in MODELS}
    clean = [market.judge.figures(base[model]) for model in MODELS]
    yield _line("*none*", "", clean, "{:.2f}")
    drawn = []
    for found, less in zip(map(market.at_random, MODELS), clean, strict=True):
        # Of other rows: no interval.
        drawn.append({name: Estimate(found[name].value - less[name].value) for name in less})
    yield _line("none, but rows are drawn at random", "", drawn, "{:+.2f}")
    jobs = [(name, model) for name in LEAKS for model in MODELS]
    assessed = parallel.each(lambda job: market.assessed(cases[job[0]], job[1]), jobs)
    by_job = dict(zip(jobs, assessed, strict=True))
    for name, words in LEAKS.items():
        more = [market.judge.figures(by_job[name, model], base[model]) for model in MODELS]
        ahead = cases[name].ahead_seconds
        yield _line(words, "all data" if ahead == np.inf else f"{ahead:g} s", more, "{:+.2f}")
    yield ""


def _line(words: str, ahead: str, found: list[dict[str, Estimate]], form: str) -> str:
    cells = [_cell(figure, form) for one in found for figure in one.values()]
    return f"| {words} | {ahead} | " + " | ".join(cells) + " |"


def _cell(found: Estimate, form: str) -> str:
    value = form.format(found.value)
    if found.low is None:
        return value
    return f"{value} [{form.format(found.low)}, {form.format(found.high)}]"

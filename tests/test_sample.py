"""Figures do not depend on how many rows are in memory: against one part, and slow definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_parts import FOLDER, parts, same
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from alpha.check import Params
from alpha.evaluate.assess import Knobs, assess
from alpha.evaluate.details import SplitFigures
from alpha.evaluate.params import Bootstrap
from alpha.evaluate.quantiles import LEVELS
from alpha.evaluate.rows import SplitRows, Standard

SECOND = 1_000_000_000
DAY = 86400
BOOTSTRAP = Bootstrap(level=0.95, resamples=100, block_horizons=2.0, seed=0)
KNOBS = Knobs(thresholds_bps=(0.0, 5.0), round_trip_bps=15.0, horizon_ns=60 * SECOND)
CLASSES = Knobs(thresholds_bps=(), round_trip_bps=15.0, horizon_ns=60 * SECOND)


@pytest.fixture(scope="module")
def params() -> Params:
    from conftest import PARAMS_TEXT

    from alpha.check import parse

    return parse(PARAMS_TEXT, source="params.yaml")


class Made:
    """A split of three days with many ties, a row of which now and then has no prediction, and
    of constant predictions for a while; or of two classes."""

    def __init__(self, seed: int, rows: int, lost: float) -> None:
        rng = np.random.default_rng(seed)
        self.time_ns = np.sort(rng.choice(3 * DAY, rows, replace=False)) * SECOND
        self.volatility = np.where(rng.random(rows) < 0.1, np.nan, rng.random(rows))
        signal = rng.normal(size=rows)
        self.outcome = np.maximum(np.round(signal + rng.normal(size=rows), 1), 0) * 5e-4
        self.score = np.where(rng.random(rows) < 0.3, 2e-4, np.round(signal, 2) * 5e-4)
        self.score[rng.random(rows) < lost] = np.nan
        chance = np.where(np.isnan(self.score), np.nan, 1 / (1 + np.exp(-np.round(signal, 1))))
        self.chances = np.column_stack((1 - chance, chance))

    def assess(self, params: Params, *, classes: bool, part: int, bucket: int) -> SplitFigures:
        target = "loud" if classes else "abs_max"
        label = params.label.model_copy(update={"target": target})
        outcome = (self.outcome > 5e-4) * 1.0 if classes else self.outcome
        score, values = (self.chances[:, 1], self.chances) if classes else (self.score, None)
        of_all = parts(
            self.time_ns, outcome, score, values=values, volatility=self.volatility, size=part
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("alpha.core.scratch.PART_ROWS", part)
            patch.setattr("alpha.evaluate.buckets.BUCKET_ROWS", bucket)
            rows = SplitRows.of(
                of_all,
                standard=Standard.fit(of_all, label, params.loss, FOLDER),
                knobs=BOOTSTRAP,
                horizon_seconds=label.horizon_seconds,
                folder=FOLDER,
            )
            knobs = CLASSES if classes else KNOBS
            return assess(rows, of_all, knobs, clipped=0, replaced=0)[0]


@settings(max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 500),
    st.sampled_from([0.0, 0.2, 1.0]),
    st.booleans(),
    st.sampled_from([(1, 3), (7, 20), (64, 200)]),
)
def test_the_size_of_parts_and_buckets_does_not_show(params, seed, rows, lost, classes, sizes):
    """Every figure, reason and interval."""
    made = Made(seed, rows, lost)
    part, bucket = sizes
    found = made.assess(params, classes=classes, part=part, bucket=bucket)
    whole = made.assess(params, classes=classes, part=1 << 16, bucket=1 << 18)
    same(found.model_dump(), whole.model_dump())


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.2]))
def test_figures_are_the_obvious_ones_of_whole_columns(params, seed, lost):
    """By numpy, scipy and scikit-learn, from buckets of 50 rows."""
    made = Made(seed, 2000, lost)
    found = made.assess(params, classes=False, part=64, bucket=50)
    keep = np.isfinite(made.score)
    y, f = made.outcome[keep], made.score[keep]
    constant = made.outcome.mean()
    losses = np.where(keep, (made.outcome - made.score) ** 2, (made.outcome - constant) ** 2)
    assert found.non_finite == np.count_nonzero(~keep)
    assert found.loss == pytest.approx(losses.mean(), rel=1e-12)
    assert found.skill == pytest.approx(1 - losses.mean() / made.outcome.var(), rel=1e-9)
    assert found.mae == pytest.approx(np.abs(y - f).mean(), rel=1e-12)
    assert found.std_ratio == pytest.approx(f.std() / y.std(), rel=1e-12)
    assert found.rank_ic == pytest.approx(spearmanr(y, f).statistic, abs=1e-12)
    assert found.prediction_quantiles == np.quantile(f, LEVELS).tolist()
    assert found.label_quantiles == np.quantile(made.outcome, LEVELS).tolist()
    for event, level in zip(found.events, (0.0, 5e-4), strict=True):
        expected = average_precision_score(y > level, f)
        assert event.average_precision == pytest.approx(expected, abs=1e-12)
    assert sum(one.rows for one in found.calibration) == len(y)
    outcomes = math.fsum(one.rows * one.outcome for one in found.calibration)
    assert outcomes == pytest.approx(y.sum(), rel=1e-12)
    days = made.time_ns[keep] // (DAY * SECOND)
    cuts = np.nanquantile(made.volatility, (1 / 3, 2 / 3))
    volatility = made.volatility[keep]
    regimes = np.where(np.isnan(volatility), -1, np.searchsorted(cuts, volatility))
    for slices, of_rows in ((found.days, days), (found.regimes, regimes)):
        for number, one in enumerate(slices):
            those = of_rows == number
            expected = spearmanr(y[those], f[those]).statistic
            assert one.rank_ic == pytest.approx(expected, abs=1e-12)
            assert one.std_ratio == pytest.approx(f[those].std() / y[those].std(), rel=1e-12)

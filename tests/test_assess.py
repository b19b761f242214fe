"""One run on one split: every figure by hand, or none with a reason."""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_columns import columns
from scipy.special import expit
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from alpha.check import Params
from alpha.evaluate.assess import assess
from alpha.evaluate.distribution import LEVELS
from alpha.evaluate.figures import Figures, Row, Selection, table
from alpha.evaluate.params import Bootstrap, Evaluate
from alpha.evaluate.split_rows import SplitRows, Standard

SECOND = 1_000_000_000
ROUGH = st.sampled_from([-2e-3, 0.0, 5e-4, 1e-3, 1.5e-3, 3e-3])
BOOTSTRAP = Bootstrap(level=0.95, resamples=200, block_horizons=2.0, seed=0)
FIGURES = (
    "loss",
    "constant_loss",
    "skill",
    "mse",
    "mae",
    "rank_ic",
    "std_ratio",
    "label_zero_share",
    "near_mean_share",
)


@pytest.fixture(scope="module")
def params() -> Params:
    from conftest import PARAMS_TEXT

    from alpha.check import parse

    return parse(PARAMS_TEXT, source="params.yaml")


class Split(NamedTuple):
    rows: SplitRows
    time_ns: np.ndarray
    outcome: np.ndarray


def evaluation(params: Params, *thresholds_bps: float) -> Evaluate:
    changes = {"thresholds_bps": thresholds_bps, "bootstrap": BOOTSTRAP}
    return params.evaluate.model_copy(update=changes)


def rows_of(params: Params, outcome, *, train=(0.0, 4.0), step=1, **changes) -> Split:
    """Rows `step` seconds apart, judged by what these train outcomes give."""
    label = params.label.model_copy(update=changes.pop("label", {}))
    loss = params.loss.model_copy(update=changes)
    of_train = columns(np.arange(len(train)) * SECOND, train)
    time_ns = np.arange(len(outcome)) * step * SECOND
    standard = Standard(of_train, label, loss, evaluation(params, 5.0))
    return Split(SplitRows(columns(time_ns, outcome), standard), time_ns, outcome)


def selected(rows: list[Row]) -> Selection:
    return Figures(table(rows)).of("", "")


def figures(split: Split, prediction, values=None):
    """The figures, and their resamples."""
    given = columns(split.time_ns, split.outcome, prediction, values=values)
    found = assess(split.rows, given, {"clipped": 1, "replaced": 2})
    return selected(found.rows + found.alone), found.resamples


def of(params: Params, outcome, prediction, **changes) -> Selection:
    return figures(rows_of(params, outcome, **changes), prediction)[0]


def test_figures_of_a_split_by_hand(params: Params):
    """Train mean 2 and std 2, so two predictions of four are within 0.02."""
    found = of(params, [0, 0, 4, 4], [2.01, 1.99, 3, 5])
    assert [found[name].value for name in ("rows", "clipped", "replaced")] == [4, 1, 2]
    assert found["constant_loss"].value == 4.0
    assert (
        found["loss"].value == found["mse"].value == pytest.approx((2.01**2 + 1.99**2 + 1 + 1) / 4)
    )
    assert found["skill"].value == pytest.approx(1 - found["mse"].value / 4)
    assert found["near_mean_share"].value == 0.5
    assert found["label_zero_share"].value == 0.5
    assert found["std_ratio"].value == pytest.approx(np.std([2.01, 1.99, 3, 5]) / 2)
    assert [day["rows"].value for day in found.slices("day")] == [4]
    assert found.slices("day")[0]["skill"].value == pytest.approx(found["skill"].value)
    assert found.undefined == {
        "intervals": "the split spans fewer than 5 blocks of 120 s",
        "interval of outcome > 5 bps": "the event falls into fewer than 2 blocks of time",
        "regimes": "train spans less than a day",
    }


def test_skill_compares_the_loss_that_is_trained_on(params: Params):
    """Absolute errors 1 and 1 against distances 2 and 2 from train's median 2."""
    found = of(params, [0, 4], [1, 3], train=(0.0, 2.0, 9.0), name="mae")
    assert (found["loss"].value, found["constant_loss"].value, found["skill"].value) == (
        1.0,
        2.0,
        0.5,
    )
    assert found["mse"].value == 1.0


@settings(deadline=None)
@given(
    st.integers(0, 8).flatmap(
        lambda rows: st.tuples(
            hnp.arrays(float, rows, elements=ROUGH | st.floats(-1e300, 1e300)),
            hnp.arrays(float, rows, elements=ROUGH | st.floats(width=64)),
        )
    ),
    st.lists(ROUGH, min_size=1, max_size=3),
    st.sampled_from([1, 3600]),
)
def test_nothing_is_raised_and_every_figure_is_finite_or_none_with_a_reason(
    params, arrays, train, step
):
    """Any float prediction, any finite outcome, any number of rows, with blocks or without."""
    outcome, prediction = arrays
    found = of(params, outcome, prediction, train=train, step=step)
    for name in FIGURES:
        assert (found[name].value is None) == (name in found.undefined), name
    for event in found.events("average_precision"):
        assert (event["average_precision"].value is None) == (event.name in found.undefined)


def test_a_constant_prediction_has_skill_but_no_rank_ic(params: Params):
    """The mean is a model too, and its missing rank IC is explained."""
    found = of(params, [0.0, 1.0, 4.0], [2.0, 2.0, 2.0])
    assert found["skill"].value == 0.0
    assert found["rank_ic"].value is None
    assert found.undefined["rank_ic"] == "the prediction is constant"
    assert found["near_mean_share"].value == 1.0
    assert found.values("calibration_rows") == [3]


def test_a_constant_label_leaves_rank_ic_and_std_ratio_undefined(params: Params):
    """Nothing varies, so nothing can be ranked or explained."""
    found = of(params, [3.0, 3.0], [1.0, 2.0])
    assert found.undefined["rank_ic"] == "the outcome is constant"
    assert found.undefined["std_ratio"] == "the outcome is constant"
    assert found.undefined["skill"] == "the outcome is constant"
    assert (found["loss"].value, found["constant_loss"].value) == (2.5, 1.0)


def test_predictions_that_are_not_finite_are_counted_and_gain_nothing(params: Params):
    """In loss and skill they are the constant, 2; the other figures are those of the other
    rows; the label's own distribution is of all."""
    split = rows_of(params, [0, 9, 4, 9])
    found, _ = figures(split, [1, np.nan, 3, np.inf])
    clean = of(params, [0, 4], [1, 3])
    assert (found["rows"].value, found["non_finite"].value) == (4, 2)
    assert found["loss"].value == (1 + 7**2 + 1 + 7**2) / 4
    assert found["skill"].value == pytest.approx(1 - (1 + 49 + 1 + 49) / (4 + 49 + 4 + 49))
    for name in ("mse", "rank_ic"):
        assert found[name].value == clean[name].value, name
    for name in ("base_rate", "average_precision", "decile_lift", "prediction_count"):
        assert found.values(name) == clean.values(name), name
    quantiles = np.quantile([0.0, 4.0, 9.0, 9.0], LEVELS).tolist()
    assert selected(split.rows.label).values("quantile") == quantiles
    assert found["label_zero_share"].value == 0.25


def test_when_no_prediction_is_finite_every_figure_is_none_for_that_reason(params: Params):
    """A diverged net leaves no figures, and says so; on enough rows for intervals too."""
    for rows in (2, 2000):
        found, resamples = figures(rows_of(params, np.arange(rows)), np.full(rows, np.nan))
        assert found["non_finite"].value == rows
        for name in ("skill", "loss", "mse", "rank_ic", "calibration", "outcome > 5 bps"):
            assert found.undefined[name] == "no prediction is finite", name
        assert found["skill"].value is None
        assert found.values("calibration_rows") == []
        assert found.values("prediction_quantile") == [None] * len(LEVELS)
        assert found["skill"].low is None
        assert "skill" not in resamples


def test_a_split_with_one_class_only_has_no_precision_for_a_reason(params: Params):
    """Never above 5 bps, and always."""
    found = of(params, [0.0, 1e-4], [0.0, 1.0])
    assert found.values("average_precision") == [None]
    assert found.events("average_precision")[0]["base_rate"].value == 0.0
    assert found.undefined["outcome > 5 bps"] == "no row has the event"
    assert of(params, [1.0, 2.0], [0.0, 1.0]).undefined["outcome > 5 bps"] == (
        "every row has the event"
    )


def test_headline_figures_have_intervals_around_them(params: Params):
    """On 2000 rows of real skill; and the resamples are kept for pairing."""
    rng = np.random.default_rng(0)
    signal, noise = rng.normal(size=(2, 2000))
    rows = rows_of(params, 1e-3 * (signal + noise), train=1e-3 * (signal + noise)[::-1])
    found, resamples = figures(rows, 1e-3 * signal)
    assert "intervals" not in found.undefined
    for name in ("skill", "rank_ic", "loss"):
        assert found[name].low < found[name].value < found[name].high
        assert resamples[name].shape == (200,)
    assert found["skill"].low > 0.3
    [check] = found.thresholds
    after = check["after_fees_bps"]
    assert after.low < after.value < after.high
    assert resamples["after_fees_bps of 5.0"].shape == (2, 200)
    [event] = found.events("average_precision")
    for name in ("average_precision", "decile_lift"):
        low, high = np.quantile(resamples[f"{name} of {event.name}"], (0.025, 0.975))
        assert low < event[name].value < high


def test_skill_that_hangs_on_one_event_has_no_interval(params: Params):
    """A label that is zero but for one row: a resample without it says nothing of skill."""
    outcome = np.zeros(2000)
    outcome[700] = 1.0
    found, resamples = figures(rows_of(params, outcome, train=outcome), outcome * 0.9)
    assert found["skill"].value > 0.9
    assert (found["skill"].low, found["hindsight"].low) == (None, None)
    assert not {"skill", "hindsight"} & resamples.keys()
    assert found.undefined["interval of skill"] == (
        "the constant's loss falls into fewer than 2 blocks of time"
    )
    assert found["rank_ic"].low is not None


def test_acting_in_one_spell_only_has_no_interval_however_many_windows(params: Params):
    """Resamples have that spell or not: they cannot say what another would have brought."""
    rng = np.random.default_rng(2)
    quiet = np.abs(1e-5 * rng.normal(size=4000))
    once, often = quiet.copy(), quiet.copy()
    once[1000:1200] = 3e-3
    often[::20] = 3e-3
    for outcome, known in ((once, False), (often, True)):
        found, resamples = figures(rows_of(params, outcome, train=outcome), outcome)
        [check] = found.thresholds
        assert check["prediction_above"].value == 200
        assert (check["after_fees_bps"].low is not None) == known
        assert ("after_fees_bps of 5.0" in resamples) == known


def test_the_interval_of_skill_is_as_wide_as_theory_says(params: Params):
    """Independent rows: the spread of the ratio of two means, by the delta method."""
    rng = np.random.default_rng(1)
    signal, noise = rng.normal(size=(2, 20_000))
    outcome = signal + noise
    rows = rows_of(params, outcome, train=outcome)
    found, resamples = figures(rows, signal)
    loss, constant = noise**2, (outcome - outcome.mean()) ** 2
    slope = (loss - (1 - found["skill"].value) * constant) / constant.mean()
    assert np.std(resamples["skill"]) == pytest.approx(np.std(slope) / math.sqrt(20_000), rel=0.2)


def test_classes_are_judged_by_their_probabilities(params: Params):
    """Cross-entropy by hand, no threshold check, and the event is any class but 0."""
    rows = rows_of(params, [0, 0, 0, 1], train=(0, 0, 0, 1), label={"target": "large_move"})
    chance = np.array([0.1, 0.2, 0.3, 0.9])
    values = np.column_stack((1 - chance, chance))
    found, _ = figures(rows, chance, values)
    expected = -np.log([0.9, 0.8, 0.7, 0.9]).mean()
    constant = -(3 * math.log(0.75) + math.log(0.25)) / 4
    assert found["loss"].value == pytest.approx(expected)
    assert found["skill"].value == pytest.approx(1 - expected / constant)
    assert [event.name for event in found.events("average_precision")] == ["class +1"]
    assert found.values("average_precision") == [1.0]
    assert found.values("prediction_count") == [3, 1]
    assert found.thresholds == []
    assert found.undefined["thresholds"] == "outcomes are classes, not returns"


def test_a_class_that_never_comes_is_undefined_and_the_rest_goes_on(params: Params):
    """Of three classes only two are seen; a probability that is not finite drops its row."""
    rng = np.random.default_rng(2)
    outcome = rng.integers(0, 2, 50).astype(float)
    rows = rows_of(params, outcome, train=outcome, label={"target": "direction"})
    chance = expit(rng.normal(size=50))
    values = np.column_stack((np.zeros(50), 1 - chance, chance))
    values[0, 1] = np.nan
    found, _ = figures(rows, chance, values)
    assert found["non_finite"].value == 1
    assert found.undefined["class -1"] == "no row has the event"
    assert found.values("average_precision")[1] is not None
    assert found["skill"].value is not None


DAY = 86400


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

    def assess(self, params: Params, *, classes: bool = False) -> tuple[Selection, pd.DataFrame]:
        """What is found, and the label's and its table."""
        target = "large_move" if classes else "abs_max"
        label = params.label.model_copy(update={"target": target})
        outcome = (self.outcome > 5e-4) * 1.0 if classes else self.outcome
        score, values = (self.chances[:, 1], self.chances) if classes else (self.score, None)
        given = columns(self.time_ns, outcome, score, values=values, volatility=self.volatility)
        evaluate = evaluation(params, 0.0, 5.0)
        split = SplitRows(given, Standard(given, label, params.loss, evaluate))
        found = assess(split, given, {"clipped": 0, "replaced": 0})
        rows = split.label + found.rows + found.alone
        return selected(rows), table(rows)


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.2]))
def test_figures_are_the_obvious_ones_of_whole_columns(params, seed, lost):
    """By numpy, scipy and scikit-learn."""
    made = Made(seed, 2000, lost)
    found, _ = made.assess(params)
    keep = np.isfinite(made.score)
    y, f = made.outcome[keep], made.score[keep]
    constant = made.outcome.mean()
    losses = np.where(keep, (made.outcome - made.score) ** 2, (made.outcome - constant) ** 2)
    assert found["non_finite"].value == np.count_nonzero(~keep)
    assert found["loss"].value == pytest.approx(losses.mean(), rel=1e-12)
    assert found["skill"].value == pytest.approx(1 - losses.mean() / made.outcome.var(), rel=1e-9)
    assert found["mae"].value == pytest.approx(np.abs(y - f).mean(), rel=1e-12)
    assert found["std_ratio"].value == pytest.approx(f.std() / y.std(), rel=1e-12)
    assert found["rank_ic"].value == pytest.approx(spearmanr(y, f).statistic, abs=1e-12)
    assert found.values("prediction_quantile") == np.quantile(f, LEVELS).tolist()
    assert found.values("quantile") == np.quantile(made.outcome, LEVELS).tolist()
    for value, level in zip(found.values("average_precision"), (0.0, 5e-4), strict=True):
        assert value == pytest.approx(average_precision_score(y > level, f), abs=1e-12)
    rows = found.values("calibration_rows")
    assert sum(rows) == len(y)
    outcomes = np.dot(rows, found.values("calibration_outcome"))
    assert outcomes == pytest.approx(y.sum(), rel=1e-12)
    days = made.time_ns[keep] // (DAY * SECOND)
    cuts = np.nanquantile(made.volatility, (1 / 3, 2 / 3))
    volatility = made.volatility[keep]
    regimes = np.where(np.isnan(volatility), -1, np.searchsorted(cuts, volatility))
    for kind, of_rows in (("day", days), ("regime", regimes)):
        for number, one in enumerate(found.slices(kind)):
            those = of_rows == number
            expected = spearmanr(y[those], f[those]).statistic
            assert one["rank_ic"].value == pytest.approx(expected, abs=1e-12)
            assert one["std_ratio"].value == pytest.approx(
                f[those].std() / y[those].std(), rel=1e-12
            )


def _shuffled(values, kind=None, **_):
    """An argsort that leaves ties in any order."""
    by_chance = np.random.default_rng().permutation(len(values))
    return by_chance[_argsort(values[by_chance], kind="stable")]


_argsort = np.argsort


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(2, 500), st.sampled_from([0.0, 0.2]), st.booleans())
def test_the_order_that_a_sort_leaves_ties_in_does_not_show(params, seed, rows, lost, classes):
    """Every figure, reason and interval: equal but for the rounding of sums."""
    made = Made(seed, rows, lost)
    _, expected = made.assess(params, classes=classes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("numpy.argsort", _shuffled)
        _, found = made.assess(params, classes=classes)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12, atol=1e-13)

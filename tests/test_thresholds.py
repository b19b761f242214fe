"""The threshold check against straightforward pandas on the rows themselves."""

from types import SimpleNamespace
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from alpha.check import Params
from alpha.data.params import Label
from alpha.evaluate.bootstrap import Blocks
from alpha.evaluate.thresholds import after_fees_resampled, check, meaning, pool

FLOATS = st.floats(-1e-2, 1e-2, allow_nan=False)
ROUGH = st.sampled_from([-2e-3, 0.0, 5e-4, 1e-3, 1.5e-3, 3e-3])
SECOND = 1_000_000_000
HORIZON = 60 * SECOND


def pairs():
    """Outcome and prediction of equal length, with times 7 s apart."""
    return st.tuples(st.integers(0, 60), st.sampled_from([FLOATS, ROUGH])).flatmap(
        lambda one: st.tuples(*[hnp.arrays(float, one[0], elements=one[1])] * 2)
    )


def checked(outcome, prediction, threshold_bps=10.0, *, time_ns=None, horizon_ns=HORIZON):
    """Rows lie 7 s apart unless times are given; each row is a cell."""
    rows = len(outcome)
    times = np.arange(rows) * 7 * SECOND if time_ns is None else time_ns
    blocks = Blocks(np.arange(rows) * SECOND, 10.0, resamples=100, level=0.9, seed=0)
    standard = SimpleNamespace(
        evaluate=SimpleNamespace(round_trip_bps=15.0), label=SimpleNamespace(horizon_ns=horizon_ns)
    )
    split = SimpleNamespace(time_ns=times, outcome=outcome, blocks=blocks, standard=standard)
    return check(threshold_bps, split, prediction)


def made(outcome, prediction, threshold_bps=10.0):
    return checked(outcome, prediction, threshold_bps)[0]


def windows_apart(time_ns, *, horizon_ns) -> int:
    """All of them called."""
    called = np.ones(len(time_ns))
    return checked(called, called, time_ns=time_ns, horizon_ns=horizon_ns)[0]["windows"]


@settings(deadline=None)
@given(pairs(), st.sampled_from([0.0, 5.0, 10.0, 30.0]))
def test_threshold_check_is_the_straightforward_pandas_computation(arrays, threshold_bps):
    """Filters of a frame, written as one would say them."""
    outcome, prediction = arrays
    found = made(outcome, prediction, threshold_bps)
    frame = pd.DataFrame({"label": outcome, "prediction": prediction})
    level = threshold_bps * 1e-4
    loud, called = frame[frame.label > level], frame[frame.prediction > level]
    hits = frame[(frame.label > level) & (frame.prediction > level)]
    assert (found["rows"], found["label_above"], found["prediction_above"], found["both"]) == (
        len(frame),
        len(loud),
        len(called),
        len(hits),
    )
    assert found["precision"] == (len(hits) / len(called) if len(called) else None)
    assert found["recall"] == (len(hits) / len(loud) if len(loud) else None)
    assert found["base_rate"] == (len(loud) / len(frame) if len(frame) else None)
    if len(called) and len(loud):
        assert found["lift"] == pytest.approx((len(hits) / len(called)) / (len(loud) / len(frame)))
    else:
        assert found["lift"] is None
    if len(called):
        realised = called.label.mean() * 1e4
        assert found["realised_bps"] == pytest.approx(realised, abs=1e-9)
        assert found["after_fees_bps"] == pytest.approx(realised - 15.0, abs=1e-9)
    else:
        assert found["realised_bps"] is None
        assert found["after_fees_bps"] is None


@settings(deadline=None)
@given(st.lists(st.integers(0, 400), unique=True).map(sorted), st.integers(1, 120))
def test_windows_apart_are_those_one_could_act_on_one_after_the_other(seconds, horizon):
    """A loop that waits for the end of each window before it looks for the next row."""
    free, expected = -1, 0
    for second in seconds:
        if second >= free:
            expected += 1
            free = second + horizon
    times = np.array(seconds, dtype=np.int64) * SECOND
    assert windows_apart(times, horizon_ns=horizon * SECOND) == expected


def test_a_row_exactly_a_horizon_later_is_counted():
    """Its window starts where the last one ends; a row a nanosecond before does not count."""
    assert windows_apart(np.array([0, HORIZON]), horizon_ns=HORIZON) == 2
    assert windows_apart(np.array([0, HORIZON - 1]), horizon_ns=HORIZON) == 1


def test_windows_are_of_the_rows_with_prediction_above():
    """Rows 7 s apart, all called: one of nine, as 8 · 7 s are less than a horizon."""
    called = made(np.zeros(90), np.ones(90))
    assert (called["prediction_above"], called["windows"]) == (90, 10)
    assert made(np.ones(90), np.zeros(90))["windows"] == 0


def test_a_row_without_a_prediction_does_not_count():
    """Neither as a row nor among those above."""
    found = made(np.ones(3), np.array([1.0, np.nan, 0.0]))
    assert (found["rows"], found["label_above"], found["prediction_above"]) == (2, 2, 1)


@settings(deadline=None)
@given(pairs(), pairs())
def test_pooled_checks_are_the_check_of_both_seeds_rows_together(one, other):
    """Counting seeds together loses nothing; windows are those of the seed with fewest."""
    checks = [made(*one), made(*other)]
    pooled = pool(checks, round_trip_bps=15.0)
    together = made(*(np.concatenate(both) for both in zip(one, other, strict=True)))
    assert pooled["seeds"] == 2
    assert pooled["windows"] == min(checks[0]["windows"], checks[1]["windows"])
    for name, value in together.items():
        if name not in ("seeds", "windows"):
            assert pooled[name] == pytest.approx(value, abs=1e-9), name


def test_sums_over_all_rows_give_the_outcome_after_fees_itself():
    """The resample that takes every row once; and one without a row is not a number."""
    rng = np.random.default_rng(0)
    outcome, prediction = rng.normal(size=(2, 500)) * 1e-3
    _, statistics = checked(outcome, prediction, 5.0)
    sums = np.array([[np.sum(one), 0.0] for one in statistics])
    found = after_fees_resampled(sums, round_trip_bps=15.0)
    assert found[0] == pytest.approx(made(outcome, prediction, 5.0)["after_fees_bps"])
    assert np.isnan(found[1])


def test_every_target_says_what_its_realised_outcome_is_worth(params: Params):
    """And targets of classes have none."""
    for target in get_args(Label.model_fields["target"].annotation):
        assert meaning(params.label.model_copy(update={"target": target}))
    for target in ("direction", "large_move", "triple_barrier"):
        label = params.label.model_copy(update={"target": target})
        assert meaning(label).startswith("not available")
    assert "upper bound" in meaning(params.label)
    mid = params.label.model_copy(update={"price": "mid"})
    assert "spread is not paid" in meaning(mid)

"""Sharpe ratios and what many tries make of them: by the papers' figures, and slow references."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from alpha.trade import statistics
from alpha.trade.statistics import Observed, deflated, over_tries, overfit_probability, sharpe

SECOND = 10**9


def test_a_sharpe_ratio_has_the_standard_error_of_mertens():
    returns = np.array([1.0, 3.0, -2.0, 0.5, 0.0, 4.0])
    ratio, error = sharpe(returns)
    assert ratio == pytest.approx(np.mean(returns) / np.std(returns, ddof=1))
    skewness, excess = stats.skew(returns), stats.kurtosis(returns)
    # Mertens (2002): of normal returns Lo's (2002) 1 + SR² / 2.
    inside = 1 + ratio**2 / 2 - skewness * ratio + excess / 4 * ratio**2
    assert error == pytest.approx(np.sqrt(inside / 5))
    assert sharpe(np.zeros(9)) is None
    assert sharpe(np.ones(1)) is None


def test_the_standard_error_is_how_much_sharpe_ratios_of_skewed_returns_differ():
    draws = np.random.default_rng(0).exponential(size=(4000, 400)) - 0.8
    found = [sharpe(of) for of in draws]
    assert np.std([ratio for ratio, _ in found]) == pytest.approx(
        np.mean([e for _, e in found]), rel=0.03
    )


def test_the_deflated_sharpe_ratio_is_that_of_the_papers_example():
    """Bailey and López de Prado (2014): an annual ratio of 2.5 of 1250 days, skewness −3, kurtosis
    10, the best of 100 tries whose annual ratios have the variance 1/2: 0.9004; of 46, 0.9505."""
    ratio = 2.5 / np.sqrt(250)
    error = np.sqrt((1 + 3 * ratio + 9 / 4 * ratio**2) / 1249)
    tried = 0.0, np.sqrt(2 * 0.5 / 250)
    assert deflated([(ratio, error)], tried, 100) == pytest.approx(0.9004, abs=5e-5)
    assert deflated([(ratio, error)], tried, 46) == pytest.approx(0.9505, abs=5e-5)
    assert deflated([(ratio, error)], (), 1) == pytest.approx(stats.norm.cdf(ratio / error))


def slow_overfit(returns: np.ndarray, count: int) -> float:
    """As the paper says it: λ = ln(ω / (1 − ω)) of the chosen one's relative rank, at most 0."""
    parts, logits = np.array_split(np.arange(len(returns)), count), []

    def ratios(chosen):
        of = returns[np.concatenate([parts[at] for at in chosen])]
        return [0.0 if np.ptp(one) == 0 else np.mean(one) / np.std(one, ddof=1) for one in of.T]

    for chosen in combinations(range(count), count // 2):
        others = [at for at in range(count) if at not in chosen]
        best = int(np.argmax(ratios(chosen)))
        rank = stats.rankdata(ratios(others))[best] / (returns.shape[1] + 1)
        logits.append(np.log(rank / (1 - rank)))
    return float(np.mean(np.array(logits) <= 1e-12))


def test_the_probability_of_overfitting_is_that_of_a_slow_reference(monkeypatch):
    monkeypatch.setattr(statistics, "PARTS", 8)
    rng = np.random.default_rng(1)
    returns = rng.normal(size=(50, 5)) * (rng.random((50, 5)) < 0.7)
    found, why = overfit_probability(returns)
    assert (found, why) == (slow_overfit(returns, 8), None)


def test_a_configuration_that_always_earns_more_is_not_overfit_and_one_that_paid_once_is():
    rng = np.random.default_rng(2)
    good, lucky = rng.normal(size=(2, 160, 4))
    good[:, 0] += 2.0
    assert overfit_probability(good)[0] == 0.0
    # What one half of the time earns, the other loses.
    lucky[:80, 1:] += [1.0, 2.0, 3.0]
    lucky[80:, 1:] -= [1.0, 2.0, 3.0]
    assert overfit_probability(lucky)[0] > 0.9


@pytest.mark.parametrize("shape", [(100, 3), (31, 4), (0, 0)])
def test_of_few_models_or_periods_the_reason_is_said(shape):
    value, why = overfit_probability(np.ones(shape))
    assert value is None
    assert why == "fewer than 4 models trade, or than 32 periods"


def test_each_run_counts_as_a_try_and_a_model_has_the_mean_of_its_seeds():
    rng = np.random.default_rng(3)
    returns = {("a", seed): rng.normal(0.2, 1, size=(1, 200)) for seed in (0, 1)}
    returns["a", None] = np.concatenate(list(returns.values()))
    returns |= {("zero", 0): np.zeros((1, 200)), ("zero", None): np.zeros((1, 200))}
    rows = {(row.model, row.seed): row for row in over_tries(returns, tries=1)}
    both = [sharpe(returns["a", seed][0]) for seed in (0, 1)]
    tried = [ratio for ratio, _ in both]
    assert rows["a", 0].value == pytest.approx(deflated(both[:1], tried, 3))
    assert rows["a", None].value == pytest.approx((rows["a", 0].value + rows["a", 1].value) / 2)
    assert rows["zero", None].value is None
    assert "no trade" in rows["zero", None].reason
    assert rows["all", None].figure == "overfit_probability"


def test_how_tries_differ_is_not_known_of_one_run_alone():
    returns = {("a", seed): np.random.default_rng(4).normal(size=(1, 50)) for seed in (0, None)}
    found, _, _ = over_tries(returns, tries=5)
    assert found.value is None
    assert "how tries differ" in found.reason
    found, _, _ = over_tries(returns, tries=1)
    assert 0 < found.value < 1


def trades(seconds, net, *, fees=4.0, held=60, **other):
    time = np.asarray(seconds) * SECOND
    columns = {"time": time, "exit_time": time + held * SECOND, "net_bps": net, "end": "horizon"}
    gross = np.asarray(net) + fees
    return pd.DataFrame(
        columns | {"gross_bps": gross, "fees_bps": fees, "holding_seconds": held} | other
    )


def figures(params, copies, rows=86_400):
    seen = Observed(np.arange(rows) * SECOND, [0], params)
    found, returns = seen.earned(copies, model="a")
    return {row.figure: row for row in found}, returns


def test_figures_of_trades_by_hand(params):
    given = trades([0, 1000, 2000, 50_000], [10.0, -6.0, -2.0, 4.0], capacity=[1.0, 2.0, 3.0, 9.0])
    unfilled = trades([3000], [np.nan], capacity=np.nan).assign(end="unfilled")
    found, returns = figures(params, [pd.concat([given, unfilled])])
    values = {name: row.value for name, row in found.items()}
    assert values | {"sharpe": 0} == {
        "trades": 4, "trades_gap": 0, "trades_unfilled": 1, "trades_refused": 0,
        "net_bps": 1.5, "gross_bps": 5.5, "fees_bps": 4.0, "holding_seconds": 60.0,
        "bps_per_day": pytest.approx(6.0), "turnover": pytest.approx(4.0), "hit_rate": 0.5,
        "drawdown_bps": 8.0, "capacity": 2.5, "sharpe": 0,
    }  # fmt: skip
    assert returns.shape == (1, 144)
    assert returns.sum() == 6.0
    assert returns[0, 83] == 4.0
    ratio, error = sharpe(returns[0])
    year = np.sqrt(365 * 144)
    assert values["sharpe"] == pytest.approx(year * ratio)
    assert found["sharpe"].low == pytest.approx(year * (ratio - 1.959964 * error))
    # Four trades are in four blocks at most.
    assert found["net_bps"].low is None


def test_a_loss_from_the_start_is_a_drawdown(params):
    found, _ = figures(params, [trades([0, 5000], [-3.0, -2.0])])
    assert found["drawdown_bps"].value == 5.0


def test_the_interval_is_that_of_resampled_blocks_and_wider_for_more_tries(params):
    rng = np.random.default_rng(5)
    given = trades(np.arange(0, 86_000, 300), rng.normal(2, 10, 287))
    found, _ = figures(params, [given])
    low, high = found["net_bps"].low, found["net_bps"].high
    assert low < found["net_bps"].value < high
    assert high - low == pytest.approx(4 * 10 / np.sqrt(287), rel=0.6)
    evaluate = params.evaluate.model_copy(update={"tries": 100})
    wide, _ = figures(params.model_copy(update={"evaluate": evaluate}), [given])
    for name in ("net_bps", "sharpe"):
        ratio = (wide[name].high - wide[name].value) / (found[name].high - found[name].value)
        assert ratio == pytest.approx(1.77, abs=0.01)


@given(st.permutations(range(3)))
def test_copies_are_one_sample_and_their_order_does_not_matter(order):
    from conftest import PARAMS_TEXT

    from alpha.check import parse

    params = parse(PARAMS_TEXT, source="params.yaml")
    copies = [trades([0, 1000], [1.0, 2.0]), trades([500], [6.0]), trades([], [])]
    found, returns = figures(params, [copies[at] for at in order], rows=7200)
    assert found["trades"].value == 1.0
    assert found["net_bps"].value == 3.0
    assert returns.shape == (3, 12)


def test_without_trades_there_is_a_reason_and_no_figure(params):
    found, returns = figures(params, [trades([], [])])
    assert found["trades"].value == 0
    assert "no trade" in found["net_bps"].reason
    assert "sharpe" not in found
    assert not returns.any()

import pytest
from conftest import PARAMS_TEXT
from hypothesis import given
from hypothesis import strategies as st
from made_details import MEANING, details, over, threshold

from alpha.audit.findings import Finding
from alpha.check import Params, parse
from alpha.evaluate.details import Verdict
from alpha.evaluate.verdict import judge

SKILL = over(0.295, 0.25, 0.33, spread=0.01)
GAIN = (
    "On test it takes 29.5 % off the squared error of the best constant fitted on train "
    "(the skill's 95 % interval is 25 % to 33 %)"
)


def verdict(
    params: Params, skill=SKILL, *, valid=None, test=None, leaks=(), changed=None, **other
) -> Verdict:
    """The verdict on a model that is fine but for what is said: actionable on paper."""
    made = details(
        {
            "silos train": {"skill": SKILL},
            "silos valid": {"skill": SKILL} | (valid or {}),
            "silos test": {"skill": skill} | (test or {}),
        }
        | (changed or {}),
        **other,
    )
    return judge(made, "silos", seeds=2, limits=params.verdict, leaks=leaks)


def test_a_constant_is_collapsed_whatever_its_loss(params):
    """`zero`, `mean` and `median` have predictions without any spread."""
    constant = {"std_ratio": over(0.0), "near_mean_share": over(0.0)}
    found = verdict(params, over(0.0, 0.0, 0.0), test=constant)
    assert found.name == "collapsed"
    assert found.sentence == (
        "On test the standard deviation of its predictions is 0.00 % of the label's (the limit "
        "is 5 %): hardly more than a constant."
    )


def test_a_constant_is_collapsed_even_where_nothing_can_be_compared(params):
    """On a flat stretch of test no std ratio is defined, and zero may be right everywhere."""
    flat = {"std_ratio": over(None), "prediction_quantiles": [2e-4] * 3}
    found = verdict(params, over(1.0, 1.0, 1.0), test=flat)
    assert found.name == "collapsed"
    assert "it predicts the same for every row" in found.sentence


def test_a_collapse_with_a_proven_skill_says_so(params):
    """Its loss is better than the constant's, if only by a little."""
    found = verdict(params, over(0.012, 0.005, 0.02), test={"std_ratio": over(0.03)})
    assert found.name == "collapsed"
    assert "On test it takes 1.2 % off the squared error" in found.sentence
    assert found.sentence.endswith("all the same.")


def test_of_classes_a_proven_skill_is_no_collapse(params):
    """0.2 % against 3 % of a rare class is much to know, and varies little."""
    still = {"std_ratio": over(0.03)}
    proven, luck = over(0.07, 0.03, 0.1), over(0.07, -0.03, 0.1)
    assert verdict(params, proven, test=still, classes=[0.0, 1.0]).name != "collapsed"
    assert verdict(params, luck, test=still, classes=[0.0, 1.0]).name == "collapsed"


def test_what_the_figures_leave_out_is_said(params):
    found = verdict(params, over(0.3, 0.25, 0.33, seeds=1), test={"non_finite": 1234})
    assert "Only 1 of 2 seeds have a skill on test." in found.sentence
    assert "On test 1,234 predictions are not finite: they count as the best constant" in (
        found.sentence
    )


def test_predictions_that_are_not_finite_and_a_training_that_diverged_are_said(params):
    """Of valid too, which chooses the model."""
    trained = {"silos train": {"skill": SKILL, "diverged_epochs": 3}}
    bad = {"valid": {"non_finite": 7}, "test": {"non_finite": 1234}}
    found = verdict(params, changed=trained, **bad)
    assert "On valid 7 and on test 1,234 predictions are not finite" in found.sentence
    assert "Its training diverged: 3 epochs have a loss that is not finite." in found.sentence
    assert "diverged" not in verdict(params).sentence


def test_a_model_that_hugs_the_train_mean_is_collapsed(params):
    """A few spikes make the std ratio look alive."""
    found = verdict(params, test={"std_ratio": over(0.3), "near_mean_share": over(0.992)})
    assert found.name == "collapsed"
    assert "99.2 % of its predictions are within a tolerance of the train mean" in found.sentence


@pytest.mark.parametrize(("ratio", "near"), [(0.05, 0.95), (None, 0.95), (0.05, None)])
def test_at_the_limits_or_where_a_sign_is_not_defined_a_model_is_not_collapsed(params, ratio, near):
    found = verdict(params, test={"std_ratio": over(ratio), "near_mean_share": over(near)})
    assert found.name == "actionable_on_paper"


@pytest.mark.parametrize(
    ("skill", "sentence"),
    [
        (
            over(0.008, -0.003, 0.019),
            "On test it takes 0.80 % off the squared error of the best constant fitted on train "
            "(the skill's 95 % interval is −0.30 % to 1.9 %): this may be luck.",
        ),
        (
            over(0.0, -0.02, 0.02),
            "On test it takes 0 % off the squared error of the best constant fitted on train "
            "(the skill's 95 % interval is −2 % to 2 %): no better than it.",
        ),
        (
            over(-0.032, -0.05, 0.004),
            "On test it adds 3.2 % to the squared error of the best constant fitted on train "
            "(the skill's 95 % interval is −5 % to 0.40 %): no better than it.",
        ),
        (
            over(-0.5, -0.6, -0.4),
            "On test it adds 50 % to the squared error of the best constant fitted on train "
            "(the skill's 95 % interval is −60 % to −40 %): worse than that constant.",
        ),
    ],
)
def test_an_interval_that_is_not_above_zero_is_no_skill(params, skill, sentence):
    found = verdict(params, skill)
    assert found.name == "no_skill"
    assert found.sentence == sentence


def test_skill_without_an_interval_is_no_skill_with_the_reason(params):
    """A split of a few blocks."""
    reason = "the split spans fewer than 5 blocks of 1200 s"
    found = verdict(params, over(0.2), test={"undefined": {"intervals": reason}})
    assert found.name == "no_skill"
    assert found.sentence == (
        "On test it takes 20 % off the squared error of the best constant fitted on train, but "
        f"nothing says if this is luck: {reason}."
    )


def test_a_skill_that_is_not_defined_is_no_skill_with_the_reason(params):
    """A constant label on test leaves nothing to explain."""
    found = verdict(
        params,
        over(None),
        test={
            "std_ratio": over(None),
            "near_mean_share": over(0.2),
            "undefined": {"skill": "every outcome equals the train mean"},
        },
    )
    assert found.name == "no_skill"
    assert "not available: every outcome equals the train mean." in found.sentence
    assert found.figures["test_skill"] is None
    assert found.flags == []


def test_a_constant_never_has_a_skill_however_far_the_level_moved(params):
    """Its predictions are the same for every row: no interval proves anything of it."""
    same = {"prediction_quantiles": [2e-4] * 3, "hindsight": over(0.1, 0.05, 0.2)}
    found = verdict(params, test=same | {"std_ratio": over(None), "near_mean_share": over(None)})
    assert found.name == "collapsed"
    assert found.sentence == "On test it predicts the same for every row."


@pytest.mark.parametrize(
    ("hindsight", "explained", "why"),
    [
        (
            over(-0.002, -0.01, 0.004),
            0.0,
            "nothing off that of the constant that fits test: the level of the outcome moved, it "
            "does not tell rows apart",
        ),
        (
            over(-0.002, -0.01, 0.004),
            0.021,
            "nothing off that of the constant that fits test: it explains 2.1 % of how rows "
            "differ, but is off their level",
        ),
        (
            over(0.012, -0.005, 0.03),
            0.02,
            "1.2 % off that of the constant that fits test (−0.50 % to 3 %), which may be luck",
        ),
        (
            over(0.012, -0.005, 0.03),
            0.06,
            "1.2 % off that of the constant that fits test (−0.50 % to 3 %), which may be luck: "
            "it explains 6 % of how rows differ, but is off their level",
        ),
        (
            over(0.0),
            None,
            "nothing off that of the constant that fits test: the level of the outcome moved, it "
            "does not tell rows apart",
        ),
    ],
)
def test_a_skill_that_is_only_the_levels_is_no_skill_and_both_are_told(
    params, hindsight, explained, why
):
    """Train's best constant was beaten for sure, the one that fits test was not."""
    found = verdict(params, test={"hindsight": hindsight, "explained_variance": explained})
    assert found.name == "no_skill"
    assert found.sentence == f"{GAIN}, but {why}."
    assert found.figures["test_hindsight"] == hindsight.value


@pytest.mark.parametrize(
    ("least", "needed", "told"),
    [
        (
            0.021,
            6.89,
            "A skill of 2.1 % would be proven by 1.0 days of test four times in five; the 0.80 % "
            "that it has in hindsight by about 6.9 days.",
        ),
        (0.021, None, "A skill of 2.1 % would be proven by 1.0 days of test four times in five."),
        (1.0, 50.0, "With this spread, 1.0 days of test could prove no skill at all."),
    ],
)
def test_no_skill_says_what_could_have_been_seen(params, least, needed, told):
    found = verdict(
        params,
        over(0.008, -0.003, 0.019),
        test={"detectable": least, "days_needed": needed},
        changed={"label test": {"observed_days": 1.0}},
    )
    assert found.sentence.endswith(f"this may be luck. {told}")
    seen = (found.figures[name] for name in ("test_detectable", "test_days", "days_needed"))
    assert tuple(seen) == (least, 1.0, needed)


LEAK = Finding(
    kind="lead",
    columns=["next_move"],
    severity="leak",
    where="train",
    sentence="next_move follows the mid by −60 s.",
    what_to_do="Leave it out.",
)


def test_what_is_suspected_of_a_leak_is_never_actionable(params):
    """Whether the audit says so, or its own figures: that acting would pay is no news then."""
    for found in (
        verdict(params, leaks=[LEAK]),
        verdict(params, over(0.95, 0.93, 0.97)),
    ):
        assert found.name == "skill_not_actionable"
        assert [flag.name for flag in found.flags] == ["leak_suspected"]
        assert found.sentence.endswith(
            "but a leak is suspected: until it is ruled out, that acting pays on paper means "
            "nothing."
        )


def test_skill_that_pays_above_the_threshold_chosen_on_valid_is_actionable(params):
    found = verdict(params)
    assert found.name == "actionable_on_paper"
    assert found.sentence == (
        f"{GAIN}. Acting where it predicts more than 10 bps, the threshold chosen on valid, "
        f"leaves 4 bps on test after a taker's round trip of 15 bps (at least 2 bps), in 100 "
        f"windows apart from each other. On paper only; the realised outcome is {MEANING}."
    )


def test_a_verdict_carries_the_figures_that_made_it(params):
    figures = verdict(params).figures
    assert figures == {
        "train_skill": 0.295,
        "valid_skill": 0.295,
        "test_skill": 0.295,
        "test_skill_low": 0.25,
        "test_skill_high": 0.33,
        "test_hindsight": 0.295,
        "test_hindsight_low": 0.25,
        "test_std_ratio": 0.5,
        "test_near_mean_share": 0.1,
        "threshold_bps": 10.0,
        "valid_windows": 100,
        "valid_after_fees_bps": 4.0,
        "valid_after_fees_low_bps": 2.0,
        "test_windows": 100,
        "test_after_fees_bps": 4.0,
        "test_after_fees_low_bps": 2.0,
        "test_lift": 2.0,
    }


def test_the_threshold_is_chosen_on_valid_even_where_another_is_best_on_test(params):
    """20 bps is best on valid and fails on test; that 5 bps would pay there counts nothing."""
    found = verdict(
        params,
        valid={"thresholds": [threshold(5, -9, -10), threshold(10, 4, 2), threshold(20, 9, 3)]},
        test={"thresholds": [threshold(5, 50, 40), threshold(10, 4, 2), threshold(20, 1, -0.5)]},
    )
    assert found.name == "skill_not_actionable"
    assert found.figures["threshold_bps"] == 20
    assert found.sentence == (
        f"{GAIN}, but on test acting where it predicts more than 20 bps, the threshold chosen on "
        f"valid, is not sure to pay a taker's round trip of 15 bps: it leaves 1 bps (−0.5 to "
        f"2.5 bps)."
    )


def test_the_threshold_is_the_one_that_leaves_most_for_sure_not_on_average(params):
    thresholds = [threshold(10, 4, 2), threshold(20, 9, 1)]
    assert verdict(params, valid={"thresholds": thresholds}).figures["threshold_bps"] == 10


def test_a_threshold_passed_in_too_few_windows_of_valid_is_not_chosen(params):
    thresholds = [threshold(10, 4, 2), threshold(20, 90, 80, windows=29)]
    found = verdict(params, valid={"thresholds": thresholds}, test={"thresholds": thresholds})
    assert (found.name, found.figures["threshold_bps"]) == ("actionable_on_paper", 10)


@pytest.mark.parametrize(
    ("valid", "test", "why"),
    [
        (
            [threshold(5, -9, -10), threshold(10, -4.2, -6)],
            [threshold(5, 9, 8), threshold(10, 9, 8)],
            "on valid no threshold is sure to pay a taker's round trip of 15 bps: the best, 10 "
            "bps, leaves −4.2 bps (−6 to −2.4 bps)",
        ),
        (
            [threshold(10, None, None)],
            [threshold(10, 4, 2)],
            "on valid no threshold is sure to pay a taker's round trip of 15 bps: the best, 10 "
            "bps, leaves nothing that can be counted",
        ),
        (
            [threshold(10, 4, 2, windows=29)],
            [threshold(10, 4, 2)],
            "on valid it predicts more than a threshold in 29 windows at most, where 30 are "
            "needed to say whether acting pays",
        ),
        (
            [threshold(10, 4, 2)],
            [threshold(10, 4, 2, windows=29)],
            "on test it predicts more than 10 bps, the threshold chosen on valid, in 29 windows, "
            "where 30 are needed to say whether acting pays",
        ),
        (
            [threshold(10, 4, 2)],
            [threshold(10, 4, 2, lift=1.0)],
            "on test acting where it predicts more than 10 bps, the threshold chosen on valid, "
            "is no better than acting always: the lift is 1.00",
        ),
        (
            [threshold(10, 4, 2)],
            [threshold(10, 4, 2, lift=None)],
            "on test acting where it predicts more than 10 bps, the threshold chosen on valid, "
            "is no better than acting always: the lift is not defined",
        ),
        (
            [],
            [],
            "whether acting on it would pay cannot be known: its outcomes are classes, not returns",
        ),
    ],
)
def test_skill_that_cannot_be_acted_on_says_why(params, valid, test, why):
    found = verdict(params, valid={"thresholds": valid}, test={"thresholds": test})
    assert found.name == "skill_not_actionable"
    assert found.sentence == f"{GAIN}, but {why}."


def test_the_sentence_names_the_loss_the_level_and_the_tries(params):
    found = verdict(params, loss="cross-entropy", level=0.9, tries=12)
    assert "off the cross-entropy of the best constant" in found.sentence
    assert "(the skill's 90 % interval for the best of 12 tries is 25 % to" in found.sentence


figure = st.none() | st.floats(-2, 2)


@given(figure, figure, figure, figure, figure, figure, st.integers(0, 60), figure, figure, figure)
def test_no_figure_makes_it_fail_and_only_proven_figures_are_actionable(
    mean, low, ratio, near, after_fees, least, windows, lift, hindsight, seen
):
    """Every figure may be undefined; bad luck in any of them is enough not to be actionable."""
    thresholds = [threshold(10, after_fees, least, windows=windows, lift=lift)]
    test = {"std_ratio": over(ratio), "near_mean_share": over(near), "thresholds": thresholds}
    test |= {"hindsight": over(hindsight, seen, seen), "detectable": low, "days_needed": seen}
    params = parse(PARAMS_TEXT, source="params.yaml")
    found = verdict(params, over(mean, low, low), valid={"thresholds": thresholds}, test=test)
    proven = (
        (ratio is None or ratio >= 0.05)
        and (near is None or near <= 0.95)
        and (mean is not None and low is not None and low > 0 and not mean > 0.9)
        and (seen is not None and seen > 0)
        and (windows >= 30 and least is not None and least > 0)
        and (lift is not None and lift > 1)
    )
    assert (found.name == "actionable_on_paper") == proven


NEVER = threshold(20, None, None) | {"prediction_above": 0}
LOSES = [threshold(5, -9, -10), threshold(10, -4.2, -6)]


@pytest.mark.parametrize(
    ("given", "learnable", "actionable"),
    [
        ({}, "yes", "yes"),
        ({"valid": {"thresholds": [*LOSES, NEVER]}}, "yes", "no"),
        ({"valid": {"thresholds": [*LOSES, threshold(20, None, None)]}}, "yes", "not proven"),
        ({"valid": {"thresholds": [threshold(10, 4, -2)]}}, "yes", "not proven"),
        ({"valid": {"thresholds": []}}, "yes", "not proven"),
        ({"leaks": [LEAK]}, "not proven", "not proven"),
        ({"skill": over(0.1, -0.1, 0.3)}, "not proven", "not proven"),
        ({"skill": over(-0.5, -0.6, -0.4)}, "no", "not proven"),
        ({"test": {"std_ratio": over(0.0)}}, "no", "not proven"),
    ],
)
def test_both_questions_have_an_answer_with_its_reason(params, given, learnable, actionable):
    """That nothing could be learnt, or that acting loses wherever it acts on valid, is known where
    intervals say so; else it is not proven."""
    found = verdict(params, **given)
    assert (found.learnable.answer, found.actionable.answer) == (learnable, actionable)
    assert found.learnable.why.endswith(".")
    assert found.actionable.why.endswith(".")
    if learnable == "yes":
        assert found.learnable.why == f"{GAIN}."


TRADED = {
    "trades": 120.0,
    "net_bps": over(2.1, 0.4, 3.8),
    "drawdown_bps": 40.0,
    "sharpe": over(3.14, 0.5, 5.8),
    "deflated_sharpe": 0.97,
}
SAID = (
    "leaves 2.1 bps (0.4 to 3.8 bps) a trade on test after latency, spread and fees, in 120 "
    "trades, with a drawdown of 40 bps and a Sharpe ratio of 3.1 a year, not the luck of so many "
    "tries with a probability of 97 %; the choice of the best model is overfit with one of 12 %"
)


def traded(params: Params, *, valid=None, test=None, **other) -> Verdict:
    """The verdict where trading on paper pays but for what is said; thresholds would not."""
    fails = {"thresholds": [threshold(10, -4, -5)]}
    found = {"all test": {"overfit_probability": 0.12}}
    return verdict(
        params,
        valid=fails | TRADED | (valid or {}),
        test=fails | TRADED | (test or {}),
        changed=found,
        **other,
    )


def test_of_a_target_with_a_side_trading_says_if_acting_pays(params):
    found = traded(params)
    assert found.name == "actionable_on_paper"
    assert found.sentence == (
        f"{GAIN}. Trading beyond the threshold chosen on valid {SAID}. On paper only."
    )
    assert found.actionable.answer == "yes"
    assert found.figures["test_trades"] == found.figures["valid_trades"] == 120
    assert found.figures["test_deflated_sharpe"] == 0.97
    assert "threshold_bps" not in found.figures


def test_what_is_not_known_of_tries_is_not_in_the_sentence(params):
    unknown = {"deflated_sharpe": over(None), "sharpe": over(None)}
    found = verdict(params, valid=TRADED, test=TRADED | unknown)
    assert "with a drawdown of 40 bps. On paper only." in found.sentence


def test_trading_of_classes_can_be_actionable_where_thresholds_say_nothing(params):
    assert traded(params, classes=[-1.0, 0.0, 1.0], skill=SKILL).name == "actionable_on_paper"


def test_trades_that_may_be_luck_are_not_actionable(params):
    found = traded(params, test={"net_bps": over(2.1, -0.4, 4.6)})
    assert found.name == "skill_not_actionable"
    luck = SAID.replace("0.4 to 3.8", "−0.4 to 4.6")
    assert found.sentence == f"{GAIN}, but trading is not sure to pay: it {luck}."
    assert found.actionable.answer == "not proven"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"valid": {"trades": 29.0}},
            "on valid it makes 29 trades, where 30 are needed to say whether acting pays",
        ),
        (
            {"valid": {"net_bps": over(-1.0, -2.0, 0.1)}},
            "on valid the best threshold leaves −1 bps (−2 to 0.1 bps) a trade",
        ),
        (
            {"test": {"trades": 29.0}},
            "on test it makes 29 trades, where 30 are needed to say whether acting pays",
        ),
        ({"test": {"net_bps": over(2.1)}}, "(with no interval, as it acts in too few blocks"),
    ],
)
def test_without_enough_trades_or_a_gain_on_valid_it_is_not_actionable(params, changed, why):
    found = traded(params, **changed)
    assert found.name == "skill_not_actionable"
    assert why in found.sentence
    assert found.actionable.answer == "not proven"


def test_where_the_best_threshold_loses_on_valid_for_sure_one_could_not_act(params):
    found = traded(params, valid={"net_bps": over(-2.0, -3.0, -1.0)})
    assert found.actionable.answer == "no"


def test_trading_that_pays_proves_neither_skill_nor_that_nothing_leaks(params):
    assert traded(params, skill=over(0.2, -0.1, 0.5)).name == "no_skill"
    assert traded(params, leaks=[LEAK]).name == "skill_not_actionable"


def test_a_target_without_a_side_keeps_its_threshold_check_and_says_what_that_leaves(params):
    reason = "abs_max has no side: what knowing it is worth is an upper bound, not a trade"
    no_side = {"all test": {"undefined": {"trading": reason}}}
    found = verdict(params, changed=no_side)
    assert found.name == "actionable_on_paper"
    assert found.sentence.endswith(
        "The target abs_max has no side: what knowing it is worth is an upper bound, not a trade."
    )

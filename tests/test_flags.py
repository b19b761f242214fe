import pytest
from made_details import Over, details, over

from alpha.audit.findings import Finding
from alpha.check import Params
from alpha.evaluate.figures import Figures
from alpha.evaluate.flags import raise_flags
from alpha.learn.kinds import FEATURELESS


def about(skill: float | None, low: float | None = None, spread: float | None = None) -> Over:
    """A skill with its interval, 0.01 to both sides unless its low end is given."""
    if skill is None:
        return over(None, spread=spread)
    return over(skill, skill - 0.01 if low is None else low, skill + 0.01, spread=spread)


def raised(
    params: Params,
    *,
    train=0.3,
    valid=0.3,
    test=0.3,
    low=None,
    spread=0.0,
    verdict="skill_not_actionable",
    leaks=(),
    **changed,
) -> dict[str, str]:
    """The sentence of each flag that is raised, of a model that is fine but for what is said, and
    what has `changed` of the label and the oracle, by "label_split"."""
    made = details(
        {
            "silos train": {"skill": over(train)},
            "silos valid": {"skill": about(valid)},
            "silos test": {"skill": about(test, low, spread)},
        }
        | {place.replace("_", " "): figures for place, figures in changed.items()}
    )
    figures = {}
    flags = raise_flags(made, "silos", verdict, params.verdict, figures, leaks)
    assert flags or not figures
    return {flag.name: flag.sentence for flag in flags}


def test_a_model_that_is_fine_raises_no_flag(params):
    assert raised(params) == {}


@pytest.mark.parametrize(
    ("valid", "test", "later"),
    [
        (0.14, 0.3, "0.140 on valid"),
        (0.3, -0.1, "−0.100 on test"),
        (0.1, 0.05, "0.100 on valid and 0.050 on test"),
        (None, 0.05, "0.050 on test"),
    ],
)
def test_less_than_half_of_trains_skill_later_is_overfit(params, valid, test, later):
    assert raised(params, valid=valid, test=test) == {
        "overfit": f"Of a skill of 0.300 on train it keeps {later}: less than 50 % of it."
    }


@pytest.mark.parametrize("train", [None, 0.01, -0.5])
def test_a_model_without_skill_on_train_cannot_overfit(params, train):
    assert raised(params, train=train, valid=-0.9, test=-0.9) == {}


def test_seeds_that_differ_by_more_than_half_their_mean_are_unstable(params):
    assert raised(params, spread=0.15) == {}
    assert raised(params, spread=0.16) == {
        "unstable_over_seeds": "Its skill on test depends on the seed: 0.300 with a spread of "
        "0.160 over 2 seeds."
    }
    assert list(raised(params, spread=0.16, verdict="actionable_on_paper")) == [
        "unstable_over_seeds"
    ]
    assert raised(params, spread=None) == {}


def test_without_skill_only_a_spread_that_matters_is_unstable(params):
    """Around 0 any spread is large beside the mean; a seed that blows up is still told."""
    noise = {"train": 0.0, "valid": 0.0, "test": 0.0001, "verdict": "no_skill"}
    assert raised(params, **noise, spread=0.009) == {}
    assert list(raised(params, **noise, spread=0.3)) == ["unstable_over_seeds"]
    assert raised(params, **noise | {"verdict": "collapsed"}, spread=0.3) == {}


def test_a_label_that_moved_needs_both_a_large_psi_and_a_small_p_value(params):
    def one(psi, p_value):
        return {"psi": psi, "ks": 0.5, "p_value": p_value, "blocks": 40}

    assert raised(params, label_test=one(0.25, 0.001)) == {}
    assert raised(params, label_test=one(0.9, 0.01)) == {}
    assert raised(params, label_test=one(None, 0.001)) == {}
    assert raised(params, label_test=one(0.9, None)) == {}
    assert raised(params, label_test=one(0.9, 0.009)) == {
        "label_shift": "The label is distributed otherwise than on train: on test (PSI 0.90, "
        "p-value 0.009)."
    }


def test_both_splits_where_the_label_moved_are_named(params):
    shift = {"psi": 0.5, "p_value": 0.0}
    sentence = raised(params, label_valid=shift, label_test=shift)["label_shift"]
    assert "on valid (PSI 0.50, p-value <0.001) and on test (PSI 0.50" in sentence


def test_a_skill_too_good_to_be_true_is_suspected_of_a_leak(params):
    assert raised(params, test=0.9) == {}
    # That may be luck.
    assert raised(params, test=0.95, low=0.0) == {}
    assert "a skill of 0.910 on test is above 0.900" in raised(params, test=0.91)["leak_suspected"]
    assert "on valid" in raised(params, valid=0.95)["leak_suspected"]


def test_without_an_interval_nothing_is_overfit_or_a_leak(params):
    """Two rows of test may come out in any way."""
    skills = {"train": 0.5, "valid": 0.01, "test": 0.95}
    made = details({f"silos {split}": {"skill": over(skill)} for split, skill in skills.items()})
    assert raise_flags(made, "silos", "no_skill", params.verdict, {}, ()) == []


def test_a_constant_does_not_leak_even_where_the_oracle_was_unlucky(params):
    oracle = {"skill": over(-0.2, -0.3, -0.1)}
    assert raised(params, test=0.0, low=0.0, oracle_test=oracle, train=0.0) == {}


def test_more_than_the_oracle_knew_is_suspected_of_a_leak(params):
    """Only if the intervals are apart: chance lets a good model touch the oracle."""
    oracle = {"skill": over(0.2, 0.15, 0.25)}
    assert raised(params, low=0.25, oracle_test=oracle) == {}
    sentence = raised(params, low=0.26, oracle_test=oracle)["leak_suspected"]
    assert "on test its skill of at least 0.260 is above all that could be known, 0.250" in sentence


# -- overfit beside what the period lost ---------------------------------------------------------


def with_har(
    params: Params, har: tuple[float, float, float], silos, **changed
) -> dict[str, list[str]]:
    """The flags of silos beside a HAR model, each with its skills on train, valid and test."""
    names = {"train": 0, "valid": 1, "test": 2}
    made = details(
        {f"mean {split}": {"skill": about(har[at])} for split, at in names.items()}
        | {f"silos {split}": {"skill": about(silos[at])} for split, at in names.items()}
        | changed
    )
    found = made.figures.table.replace({"model": {"mean": "har"}})
    models = {"har" if name == "mean" else name: one for name, one in made.by_model.items()}
    made = made.model_copy(
        update={"figures": Figures(found), "models": list(models), "by_model": models}
    )
    return {
        model: [
            flag.sentence for flag in raise_flags(made, model, "no_skill", params.verdict, {}, ())
        ]
        for model in models
    }


def test_a_fall_that_simple_models_share_is_not_overfit(params):
    """HAR kept a third: so did the period, and silos that keep a third learnt nothing by heart."""
    assert with_har(params, (0.12, 0.04, 0.12), (0.3, 0.1, 0.3)) == {"har": [], "silos": []}
    # HAR kept half: a third is less, but not less than half as large a share.
    assert with_har(params, (0.12, 0.06, 0.12), (0.3, 0.1, 0.3))["silos"] == []
    assert with_har(params, (0.12, 0.04, 0.12), (0.3, 0.04, 0.3))["silos"] == [
        "Of a skill of 0.300 on train it keeps 0.040 on valid, where har kept 33.3 % of its own: "
        "a share less than 50 % as large."
    ]


def test_a_model_of_a_few_numbers_is_never_overfit(params):
    """It cannot learn thousands of rows by heart: what it loses, the period lost."""
    assert with_har(params, (0.12, -0.2, 0.0), (0.0, 0.0, 0.0))["har"] == []


def test_where_all_that_could_be_learnt_is_gone_only_a_clear_harm_is_overfit(params):
    """HAR kept nothing. What is a hair below 0 then is not overfit, what does harm is."""
    assert with_har(params, (0.12, 0.12, -0.01), (0.3, 0.3, -0.008))["silos"] == []
    [sentence] = with_har(params, (0.12, 0.12, -0.01), (0.3, 0.3, -0.2))["silos"]
    assert "−0.200 on test, where har kept 0 % of its own" in sentence


def test_a_level_that_moved_is_not_overfit(params):
    """Off in level, silos lose to a constant, and tell rows apart as they did before."""
    apart = {f"silos {split}": {"skill": about(0.3)} for split in ("train", "valid")}
    moved = {"skill": about(0.1), "hindsight": about(-0.2), "explained_variance": 0.28}
    assert with_har(params, (0.1, 0.1, 0.1), (0, 0, 0), **apart, **{"silos test": moved}) == {
        "har": [],
        "silos": [],
    }


def test_less_than_half_within_its_interval_is_not_clearly_overfit(params):
    """Of 0.1 on train it keeps 0.04, but may as well have kept 0.12."""
    wide = {"silos test": {"skill": over(0.04, -0.05, 0.12)}}
    found = with_har(params, (0.1, 0.1, 0.1), (0.1, 0.1, 0.1), **wide)
    assert found["silos"] == []


# -- what the audit found ------------------------------------------------------------------------


def leak(*columns: str) -> Finding:
    what = {"kind": "lead", "severity": "leak", "where": "train", "what_to_do": "Leave it out."}
    return Finding(columns=list(columns), sentence="It knows the future.", **what)


def test_a_column_that_knows_the_future_is_a_leak_of_each_model_that_looks_at_features(params):
    """Three are named, each once."""
    found = raised(params, leaks=[leak("b", "a"), leak("a", "c", "d", "e")])
    assert found == {
        "leak_suspected": "It looks at what the audit says knows the future: b, a, c and 2 more."
    }
    assert raised(params, leaks=[leak("a")])["leak_suspected"].endswith("the future: a.")
    made = details()
    for model in FEATURELESS:
        assert raise_flags(made, model, "no_skill", params.verdict, {}, [leak("a")]) == []


def test_a_leak_of_rows_is_a_leak_of_every_model(params):
    for model in ("mean", "silos"):
        [flag] = raise_flags(details(), model, "no_skill", params.verdict, {}, [leak()])
        assert (flag.name, flag.sentence) == (
            "leak_suspected",
            "The audit found a leak: It knows the future.",
        )


def test_what_the_audit_found_stands_before_a_skill_that_is_too_good(params):
    sentence = raised(params, test=0.95, leaks=[leak("a")])["leak_suspected"]
    assert sentence.index("the audit says") < sentence.index("Too good to be true")

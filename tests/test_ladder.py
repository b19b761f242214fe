import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_details import over, rows

from alpha.evaluate.figures import Figures, Interval, table
from alpha.evaluate.over_seeds import compare_to_baselines

ABOVE = Interval(value=0.018, low=0.011, high=0.025)


def skills(valid, test=None):
    """Skills on valid, and proven ones on test that rise with the ladder unless given."""
    rising = {name: 0.1 + 0.01 * at for at, name in enumerate(valid)}
    made = [row for name in valid for row in rows(name, "valid", {"skill": over(valid[name])})]
    for name, skill in (test or rising).items():
        found = over(skill, None if skill is None else skill - 0.05)
        made += rows(name, "test", {"skill": found, "hindsight": found})
    return Figures(table(made))


def rungs_of(models, skills, difference):
    return [rung for rung, _ in compare_to_baselines(models, skills, difference)]


def test_each_model_is_compared_with_the_best_on_valid_of_those_below():
    """A weak rung in between is not the one to beat."""
    asked = []

    def difference(model: str, against: str) -> Interval:
        asked.append((model, against))
        return ABOVE

    rungs = rungs_of(
        ["mean", "ridge", "mlp", "silos"],
        skills({"mean": 0.0, "ridge": 0.06, "mlp": 0.02, "silos": 0.07}),
        difference,
    )
    assert asked == [("ridge", "mean"), ("mlp", "ridge"), ("silos", "ridge")]
    assert [rung.model for rung in rungs] == ["mean", "ridge", "mlp", "silos"]
    assert [rung.against for rung in rungs] == [None, "mean", "ridge", "ridge"]


def test_the_fair_rival_stands_below_silos_like_any_other_rung():
    rungs = rungs_of(
        ["ridge", "silos_rival", "silos"],
        skills({"ridge": 0.06, "silos_rival": 0.08, "silos": 0.09}),
        lambda model, against: ABOVE,
    )
    assert (rungs[-1].model, rungs[-1].against) == ("silos", "silos_rival")


@given(st.lists(st.none() | st.floats(-1, 1), min_size=1, max_size=6))
def test_no_rung_below_is_better_on_valid_than_the_one_compared_with(on_valid):
    names = [f"m{at}" for at in range(len(on_valid))]
    by_name = dict(zip(names, on_valid, strict=True))
    for at, rung in enumerate(rungs_of(names, skills(by_name), lambda model, against: ABOVE)):
        below = [skill for skill in on_valid[:at] if skill is not None]
        if not below:
            assert rung.against is None
        else:
            assert by_name[rung.against] == max(below)
            assert names.index(rung.against) < at


def test_of_equals_the_simplest_is_the_one_to_beat():
    same = skills({"a": 0.1, "b": 0.1, "c": 0.1})
    rungs = rungs_of(["a", "b", "c"], same, lambda model, against: ABOVE)
    assert rungs[2].against == "a"


@pytest.mark.parametrize(
    ("difference", "improves", "sentence"),
    [
        (
            ABOVE,
            True,
            "Worth its complexity: on test it beats ridge by 0.018 of skill (0.011 to 0.025).",
        ),
        (
            Interval(value=0.002, low=-0.004, high=0.008),
            False,
            "Not worth its complexity: on test it beats ridge by 0.002 of skill, but perhaps by "
            "luck (−0.004 to 0.008).",
        ),
        (
            Interval(value=-0.01, low=-0.02, high=-0.005),
            False,
            "Not worth its complexity: on test it is behind ridge by 0.010 of skill "
            "(−0.020 to −0.005).",
        ),
        (
            Interval(value=0.0, low=0.0, high=0.0),
            False,
            "Not worth its complexity: on test it has the same skill as ridge (0.000 to 0.000).",
        ),
        (
            Interval(reason="the outcome is constant"),
            False,
            "Not worth its complexity: it cannot be compared, as the outcome is constant.",
        ),
        (
            Interval(value=0.1),
            False,
            "Not worth its complexity: it cannot be compared, as the difference has no interval.",
        ),
    ],
)
def test_a_rung_is_worth_its_complexity_only_if_its_interval_is_above_zero(
    difference, improves, sentence
):
    made = skills({"ridge": 0.06, "mlp": 0.07})
    [_, (rung, by)] = compare_to_baselines(
        ["ridge", "mlp"], made, lambda model, against: difference
    )
    assert by == difference
    assert rung.improves is improves
    assert rung.sentence == sentence


def test_a_rung_that_beats_a_bad_one_is_not_worth_it_where_another_is_better():
    """Chosen on valid, the one to beat may be the worst on test."""
    made = skills(
        {"har": 0.05, "ridge": 0.06, "mlp": 0.07}, test={"har": 0.2, "ridge": -0.3, "mlp": 0.1}
    )
    rung = rungs_of(["har", "ridge", "mlp"], made, lambda *_: ABOVE)[-1]
    assert rung.improves is False
    assert rung.sentence == (
        "Not worth its complexity: on test it beats ridge by 0.018 of skill (0.011 to 0.025), but "
        "har has more there, 0.200."
    )


def test_a_rung_that_beats_those_below_but_no_constant_is_not_worth_it():
    made = skills({"ridge": 0.06, "mlp": 0.07}, test={"ridge": -0.3, "mlp": 0.01})
    [_, rung] = rungs_of(["ridge", "mlp"], made, lambda *_: ABOVE)
    assert rung.improves is False
    assert "but not the best constant for sure" in rung.sentence


def test_a_constant_beats_nothing_however_far_the_level_moved():
    """A median that is clearly better than the mean on test has found nothing."""
    made = skills({"mean": 0.0, "median": 0.06}).table
    same = rows("median", "test", {"prediction_quantiles": [2e-4] * 3})
    made = pd.concat([made, table(same)])
    [_, rung] = rungs_of(["mean", "median"], Figures(made), lambda *_: ABOVE)
    assert rung.improves is False
    assert rung.sentence == "Not worth its complexity: it predicts the same for every row."


def test_a_rung_that_only_followed_the_level_is_not_worth_it():
    """It beats the one below and train's constant, but perhaps not the constant that fits test."""
    made = skills({"har": 0.05, "ridge": 0.06}, test={"har": 0.07, "ridge": 0.1}).table
    own = (made["model"] == "ridge") & (made["figure"] == "hindsight")
    made.loc[own, "low"] = -0.01
    [_, rung] = rungs_of(["har", "ridge"], Figures(made), lambda *_: ABOVE)
    assert rung.improves is False
    assert rung.sentence == (
        "Not worth its complexity: on test it beats har by 0.018 of skill (0.011 to 0.025), but "
        "not for sure the constant that fits test."
    )


def test_the_lowest_rung_has_nothing_to_beat():
    made = skills({"zero": 0.0})
    [(rung, by)] = compare_to_baselines(["zero"], made, lambda model, against: ABOVE)
    assert (rung.against, rung.improves, by.value) == (None, None, None)


def test_without_a_skill_below_a_rung_is_not_worth_it_and_says_why():
    """A valid split without rows: nothing can be chosen on it."""
    made = skills({"zero": None, "ridge": None})
    [_, rung] = rungs_of(["zero", "ridge"], made, lambda *_: ABOVE)
    assert rung.improves is False
    assert "no model below it has a skill on valid" in rung.sentence

"""What the whole chain says of markets whose answer is known, and of real ones."""

from pathlib import Path
from typing import Any

import pytest
from conftest import PARAMS_TEXT

from alpha.check import Params, parse
from alpha.evaluate.details import Details, read
from benchmarks.chain import run

FOUND = ("skill_not_actionable", "actionable_on_paper")


def edited(**sections: Any) -> Params:
    """The project's params with other values: a dict for a section, or a value."""
    params = parse(PARAMS_TEXT, source="params.yaml")
    update = {
        name: getattr(params, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in sections.items()
    }
    return params.model_copy(update=update)


def judged(folder: Path, **sections: Any) -> Details:
    run(edited(seeds=(0,), **sections), folder)
    return read(folder / "evaluate")


@pytest.fixture(scope="module")
def market(tmp_path_factory) -> Details:
    """Five days of a market with signal, at a row every five seconds."""
    return judged(
        tmp_path_factory.mktemp("market"),
        simulate={"rows_per_day": 17280},
        train={"batch_size": 1024, "epochs": 6},
    )


@pytest.mark.parametrize("model", ["har", "ridge", "mlp", "silos", "lightgbm"])
def test_what_is_there_to_learn_is_found_but_never_more_than_the_oracle_knows(market, model):
    skill = market.on(model)["skill"]
    assert skill.low > 0
    assert market.by_model[model].verdict.name in FOUND
    assert skill.low <= market.on("oracle")["skill"].high
    share = market.on(model)["oracle_share"]
    assert 0 < share.low <= share.value <= share.high
    assert share.value <= 1 or share.low <= 1


def test_constants_collapse_by_construction(market):
    for model in ("zero", "mean", "median"):
        assert market.by_model[model].verdict.name == "collapsed"


def test_the_families_that_the_market_s_volatility_shows_in_matter_most_to_the_silos(market):
    importance = {
        one.name: one["importance"].value
        for one in market.on("silos", "valid").events("importance")
    }
    ranked = sorted(importance, key=importance.__getitem__, reverse=True)
    assert "volatility" in ranked[:3]
    assert sum(importance.values()) > 0.02


def test_a_net_that_was_hardly_trained_is_called_collapsed(tmp_path):
    """Its loss falls below the train mean's all the same."""
    details = judged(
        tmp_path,
        baselines=("mean",),
        networks=("mlp",),
        trees=(),
        simulate={"rows_per_day": 8640, "days": 3},
        train={"epochs": 1, "learning_rate": 1e-5},
    )
    mlp = details.by_model["mlp"]
    assert details.run("mlp-0", "valid")["skill"].value > 0
    assert mlp.verdict.name == "collapsed"
    assert "test_std_ratio" in mlp.verdict.figures


def test_where_nothing_is_to_be_learnt_nothing_is_found(tmp_path):
    details = judged(
        tmp_path,
        simulate={"rows_per_day": 8640, "signal_strength": 0.0, "volatility_strength": 0.0},
        train={"batch_size": 1024},
    )
    assert not [name for name, model in details.by_model.items() if model.verdict.name in FOUND]


def test_where_activity_falls_no_constant_has_skill_and_har_is_not_overfit(tmp_path):
    """A quarter fewer moves from valid on: the median beats train's mean on test for sure."""
    details = judged(
        tmp_path,
        networks=(),
        trees=(),
        simulate={"rows_per_day": 8640, "volatility_strength": 0.3, "activity_change": 0.75},
    )
    assert details.on("median")["skill"].low > 0
    improves = {rung.model: rung.improves for rung in details.ladder}
    for model in ("zero", "mean", "median"):
        assert details.by_model[model].verdict.name == "collapsed"
        assert "off the" not in details.by_model[model].verdict.sentence
        assert details.on(model)["hindsight"].value <= 0
        assert not improves[model]
    har = details.by_model["har"].verdict
    assert [flag.name for flag in har.flags] == []
    assert details.on("har")["level_skill"].value > 0.4 * details.on("har")["skill"].value
    # The oracle knows of the change, and finds skill in hindsight too.
    assert details.on("oracle")["skill"].low > 0


@pytest.mark.parametrize("symbol", ["ETHUSD", pytest.param("BRLBTC", marks=pytest.mark.slow)])
def test_no_rung_is_actionable_on_real_recordings(realdata, tmp_path, symbol):
    """At a taker's fees; on BRLBTC 99.7 % of outcomes are zero, and even skill is not known. On
    ETHUSD moves are a fifth smaller in the last hours, and HAR is better than train's best
    constant there: in so few hours nothing of that is proven."""
    details = judged(
        tmp_path,
        data={"dir": str(realdata), "pattern": f"{symbol}*.h5"},
        train={"epochs": 3},
    )
    verdicts = {name: model.verdict.name for name, model in details.by_model.items()}
    assert not set(verdicts.values()) & set(FOUND)
    assert details.oracle_reason == "only a simulated market has an oracle"
    har = details.on("har")
    assert har["skill"].least <= 0
    if symbol == "ETHUSD":
        assert har["skill"].value > 0.05
        assert details.on("label")["mean"].value < 0.85 * details.on("label", "train")["mean"].value
        assert har["hindsight"].low < 0 < har["hindsight"].value < har["skill"].value
        said = details.by_model["har"].verdict
        assert 0.2 < said.figures["days_needed"] < 5
        assert "overfit" not in [flag.name for flag in said.flags]

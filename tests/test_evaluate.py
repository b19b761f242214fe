"""The step: files in, files out; every headline recomputed from the saved predictions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT
from made_results import Results, make, seal, truths, write_prediction
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score, r2_score

from alpha.audit.findings import Finding
from alpha.check import Params, parse
from alpha.core.artifacts import read_json, write_json
from alpha.core.errors import InputError
from alpha.data.columns import SPLITS
from alpha.evaluate import details
from alpha.evaluate.details import Details
from alpha.learn.params import run_folder

ALL = ["mean", "ridge", "matched_mlp", "mlp"]
FOLDERS = ("quantiles", "thresholds", "calibration", "days", "regimes", "distribution")


@pytest.fixture(scope="module")
def params() -> Params:
    """The repository's, with fewer resamples."""
    text = PARAMS_TEXT.replace("resamples: 2000", "resamples: 400")
    return parse(text, source="params.yaml")


@pytest.fixture(scope="module")
def made(tmp_path_factory, params: Params) -> Results:
    results = make(tmp_path_factory.mktemp("results"))
    results.evaluate(params)
    return results


@pytest.fixture(scope="module")
def found(made: Results) -> Details:
    return details.read(made.evaluation)


def saved(made: Results, run: str, split: str = "test") -> pd.DataFrame:
    return pd.read_hdf(made.predictions / run_folder(run) / f"{split}.h5", "df")


def table(made: Results, name: str) -> pd.DataFrame:
    return pd.read_csv(made.evaluation / f"{name}.csv")


def small(root, rows: int = 100) -> Results:
    return make(root, rows=rows)


# -- figures ------------------------------------------------------------------------------


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def test_headline_repeats_the_details_and_stays_short(made: Results, found: Details):
    """What `dvc metrics` compares, of every model, and of the best on valid once more."""
    headline = read_json(made.evaluation / "metrics.json")
    assert found.models == ALL
    assert found.by_model.keys() == set(ALL)
    assert list(headline) == ["best", *ALL]
    for name, model in found.by_model.items():
        valid, test = found.on(name, "valid"), found.on(name)
        of_model = {
            "skill_valid": rounded(valid["skill"].value),
            "valid_low": rounded(valid["skill"].low),
            "valid_high": rounded(valid["skill"].high),
            "skill_test": rounded(test["skill"].value),
            "test_low": rounded(test["skill"].low),
            "test_high": rounded(test["skill"].high),
            "hindsight": rounded(test["hindsight"].value),
            "hindsight_low": rounded(test["hindsight"].low),
            "rank_ic": rounded(test["rank_ic"].value),
            "verdict": model.verdict.name,
        }
        assert list(headline[name].items()) == list(of_model.items())
    skills = {name: found.on(name, "valid")["skill"].value for name in found.models}
    assert headline["best"] == {"model": found.best, **headline[found.best]}
    assert skills[found.best] == max(skill for skill in skills.values() if skill is not None)


def test_a_runs_figures_are_recomputed_from_its_files(made: Results, found: Details):
    """Skill by pandas, rank IC by scipy, average precision by scikit-learn."""
    constant = saved(made, "mlp-1", "train").alpha_outcome.mean()
    test = saved(made, "mlp-1")
    error = ((test.alpha_outcome - test.prediction) ** 2).mean()
    figures = found.run("mlp-1")
    assert figures["skill"].value == pytest.approx(
        1 - error / ((test.alpha_outcome - constant) ** 2).mean()
    )
    assert figures["rank_ic"].value == pytest.approx(
        spearmanr(test.alpha_outcome, test.prediction).statistic
    )
    for event, threshold in zip(figures.events("average_precision"), (2, 5, 10, 20), strict=True):
        above = test.alpha_outcome > threshold * 1e-4
        assert event.name == f"outcome > {threshold} bps"
        assert event["average_precision"].value == pytest.approx(
            average_precision_score(above, test.prediction)
        )
    assert (figures["clipped"].value, figures["replaced"].value) == (3, 5)
    assert found.run("mlp-1", "train")["epochs"].value == 7


def test_skill_in_hindsight_is_recomputed_from_the_files(made: Results, found: Details):
    """Of each run scikit-learn's R² there, of the model their mean, with an interval around it."""
    for split in SPLITS:
        values = []
        for seed in (0, 1):
            rows = saved(made, f"mlp-{seed}", split)
            values.append(found.run(f"mlp-{seed}", split)["hindsight"].value)
            assert values[-1] == pytest.approx(r2_score(rows.alpha_outcome, rows.prediction))
        mean = found.on("mlp", split)["hindsight"]
        assert mean.value == pytest.approx(np.mean(values))
        assert mean.low < mean.value < mean.high
        assert mean.value <= found.on("mlp", split)["skill"].value
    train = found.on("mlp", "train")
    assert train["hindsight"].value == pytest.approx(train["skill"].value)


def test_what_test_could_have_shown_stands_beside_every_model_but_constants(found: Details):
    hours = found.on("label")["observed_days"].value * 24
    assert hours == pytest.approx(9000 * 10 / 3600, rel=0.01)
    for model in ("ridge", "mlp"):
        test = found.on(model)
        reach = test["hindsight"].value - test["hindsight"].low
        assert reach < test["detectable"].value < 2 * reach
        assert test["days_needed"].value < 10
    assert found.on("mean")["detectable"].value is None


def test_a_leak_of_the_audit_is_told_of_the_models_that_look_at_features(tmp_path, params: Params):
    leak = Finding(
        kind="lead",
        columns=["tomorrow"],
        severity="leak",
        where="train",
        sentence="It knows.",
        what_to_do="Leave it out.",
    )
    results = small(tmp_path)
    results.evaluate(params, leaks=[leak, replace(leak, severity="warning")])
    found = details.read(results.evaluation)
    said = {name: [flag.name for flag in one.verdict.flags] for name, one in found.by_model.items()}
    assert said["mean"] == []
    assert all("leak_suspected" in said[name] for name in ("ridge", "matched_mlp", "mlp"))
    assert found.by_model["mlp"].verdict.figures["leaking_columns"] == 1


def test_without_an_audit_nothing_is_evaluated(tmp_path, params: Params, monkeypatch):
    """Whoever forgets it is told, not spared."""
    results = small(tmp_path)
    monkeypatch.setattr("made_results.write_json", lambda *_: None)
    with pytest.raises(InputError, match=r"findings\.json"):
        results.evaluate(params)


def test_the_threshold_check_is_a_by_hand_computation_on_the_saved_predictions(
    made: Results, found: Details
):
    """All seeds' rows together; windows by a loop over time, of the seed with fewest."""
    rows = pd.concat(saved(made, f"mlp-{seed}") for seed in (0, 1))
    checks = table(made, "thresholds/mlp").set_index("threshold_bps")
    for threshold in (2, 5, 10, 20):
        level, row = threshold * 1e-4, checks.loc[threshold]
        called = rows[rows.prediction > level]
        assert row.prediction_above == len(called)
        assert row.label_above == (rows.alpha_outcome > level).sum()
        assert row.precision == pytest.approx((called.alpha_outcome > level).mean())
        assert row.recall == pytest.approx(
            (called.alpha_outcome > level).sum() / (rows.alpha_outcome > level).sum()
        )
        after = called.alpha_outcome.mean() * 1e4 - found.round_trip_bps
        assert row.after_fees_bps == pytest.approx(after)
        assert row.after_fees_low_bps < after < row.after_fees_high_bps
        windows = []
        for seed in (0, 1):
            one = saved(made, f"mlp-{seed}")
            free, count = pd.Timestamp.min.tz_localize("UTC"), 0
            for at in one.index[one.prediction > level]:
                if at >= free:
                    count, free = count + 1, at + pd.Timedelta(seconds=60)
            windows.append(count)
        assert row.windows == min(windows)


def test_days_and_regimes_are_those_rows_alone(made: Results, found: Details):
    """A day and the loudest third, cut on train, recomputed by pandas."""
    train, test = saved(made, "ridge-0", "train"), saved(made, "ridge-0")
    constant = train.alpha_outcome.mean()
    cuts = train.past_volatility.quantile([1 / 3, 2 / 3])
    assert found.regime_cuts == pytest.approx(cuts.tolist())
    squared = pd.DataFrame(
        {
            "loss": (test.alpha_outcome - test.prediction) ** 2,
            "constant": (test.alpha_outcome - constant) ** 2,
        }
    )
    figures = found.run("ridge-0")
    for day, rows in squared.groupby(squared.index.strftime("%Y-%m-%d")):
        [one] = [one for one in figures.slices("day") if one.name == day]
        assert one["rows"].value == len(rows)
        assert one["skill"].value == pytest.approx(1 - rows.loss.sum() / rows.constant.sum())
    loud = squared[(test.past_volatility > cuts.iloc[1]).to_numpy()]
    high = figures.slices("regime")[2]
    assert high.name == "high"
    assert high["rows"].value == len(loud)
    assert high["skill"].value == pytest.approx(1 - loud.loss.sum() / loud.constant.sum())
    over = found.on("ridge")
    by_day = [one["rank_ic"].value for one in figures.slices("day")]
    assert over["rank_ic_days"].value == pytest.approx(np.mean(by_day))
    assert over["rank_ic_days_spread"].value == pytest.approx(np.std(by_day, ddof=1))


def test_a_matched_mlp_is_a_model_of_its_own_right_below_its_model(found: Details):
    """With its runs, its figures, its rung; and the counts of the run it was trained beside."""
    assert found.runs[-4:] == ["matched_mlp-0", "mlp-0", "matched_mlp-1", "mlp-1"]
    matched = found.run("matched_mlp-1")
    assert matched["clipped"].value == 3
    assert found.by_model["matched_mlp"].seeds == [0, 1]
    assert [rung.model for rung in found.ladder] == ALL
    assert matched["skill"].value < found.run("mlp-1")["skill"].value


def test_rungs_are_compared_in_the_same_resamples(found: Details):
    """The interval of a difference is narrower than the two intervals would make it."""
    rung = found.ladder[-1]
    mine, other = (found.on(name)["skill"] for name in (rung.model, rung.against))
    by = found.on(rung.model)["skill_difference"]
    assert by.value == pytest.approx(mine.value - other.value)
    width = by.high - by.low
    apart = np.hypot(mine.high - mine.low, other.high - other.low)
    assert 0 < width < 0.8 * apart
    assert rung.improves


def test_the_oracle_is_above_every_model_and_each_has_its_share(made: Results, found: Details):
    """Recomputed from the market's own files."""
    assert found.oracle_reason is None
    truth = pd.concat(
        pd.read_hdf(path, "df") for path in sorted((made.features / "oracle").glob("*.h5"))
    )
    test = saved(made, "mlp-0").join(truth)
    constant = saved(made, "mlp-0", "train").alpha_outcome.mean()
    skill = (
        1
        - ((test.alpha_outcome - test.abs_max) ** 2).sum()
        / ((test.alpha_outcome - constant) ** 2).sum()
    )
    best = found.on("oracle")["skill"]
    assert best.value == pytest.approx(skill)
    assert best.low < best.value < best.high
    assert found.on("oracle")["rank_ic"].value == pytest.approx(
        spearmanr(test.alpha_outcome, test.abs_max).statistic
    )
    for name in ALL:
        skill, share = found.on(name)["skill"].value, found.on(name)["oracle_share"]
        assert skill < best.high
        assert share.value == pytest.approx(skill / best.value)
        assert share.low < share.value < share.high


def test_importance_is_of_the_models_that_have_it(made: Results, found: Details):
    """Mean and spread over seeds; also as a table."""
    assert found.on("ridge", "valid").events("importance") == []
    assert found.run("mlp-1", "valid").values("importance") == [0.011, 0.1]
    assert found.on("mlp", "valid").values("feature_importance") == [0.02]
    rows = table(made, "importance").set_index(["model", "family"])
    assert rows.loc[("mlp", "spread"), "importance"] == pytest.approx(0.0105)
    assert rows.loc[("mlp", "volatility"), "spread"] == 0.0
    assert len(rows) == 2


# -- files --------------------------------------------------------------------------------


def test_every_model_has_its_plots_and_every_run_its_curve(made: Results, found: Details):
    """Learning curves are the histories, number for number."""
    for folder in FOLDERS:
        names = {path.stem for path in (made.evaluation / folder).iterdir()}
        assert names == set(ALL)
    for name in found.runs:
        model, _, seed = name.partition("-")
        matched = Path("mlp", seed, "matched_mlp")
        run = matched if model == "matched_mlp" else run_folder(name)
        pd.testing.assert_frame_equal(
            table(made, f"learning_curves/{name}"), pd.read_csv(made.models / run / "history.csv")
        )
    ladder = table(made, "ladder")
    assert ladder.model.tolist() == [*ALL, "oracle"]
    assert ladder.skill_low.iloc[-1] == found.on("oracle")["skill"].low


def test_plots_tables_are_of_the_test_split(made: Results, found: Details):
    """Quantiles and distribution are means over seeds, calibration has both seeds."""
    seeds = [saved(made, f"mlp-{seed}") for seed in (0, 1)]
    rows = table(made, "quantiles/mlp").set_index("quantile")
    expected = np.mean([seed.prediction.quantile(0.99) for seed in seeds])
    assert rows.loc[0.99, "prediction"] == pytest.approx(expected)
    assert rows.loc[0.99, "label"] == pytest.approx(seeds[0].alpha_outcome.quantile(0.99))
    shares = table(made, "distribution/mlp")
    edges = np.array(found.bin_edges)
    assert shares.outcome.tolist() == pytest.approx(((edges[1:] + edges[:-1]) / 2).tolist())
    assert shares.label.sum() == pytest.approx(1.0)
    assert shares.prediction.sum() == pytest.approx(1.0)
    deciles = table(made, "calibration/mlp")
    for seed, rows in deciles.groupby("seed"):
        cut = pd.qcut(seeds[seed].prediction, 10, labels=False)
        expected = seeds[seed].groupby(cut).alpha_outcome.mean()
        assert rows.outcome.tolist() == pytest.approx(expected.tolist())


def test_same_input_gives_same_bytes(made: Results, params: Params):
    """Twice the same run, every file the same."""

    def files():
        paths = sorted(path for path in made.evaluation.rglob("*.*") if path.is_file())
        return {path.relative_to(made.evaluation): path.read_bytes() for path in paths}

    before = files()
    made.evaluate(params)
    assert len(before) > 30
    assert files() == before


def test_how_many_rows_are_read_at_once_does_not_show(
    made: Results, found: Details, params: Params, tmp_path, monkeypatch
):
    """And nothing but the results is left."""
    monkeypatch.setattr("alpha.evaluate.inputs._PART_ROWS", 700)
    results = _Elsewhere(made.root, tmp_path)
    results.evaluate(params)
    assert [path.name for path in tmp_path.iterdir()] == ["evaluate"]
    pd.testing.assert_frame_equal(
        details.read(results.evaluation).figures.table, found.figures.table, rtol=1e-9
    )


def test_more_tries_widen_the_intervals_of_models_and_not_of_runs(
    made: Results, found: Details, params: Params, tmp_path
):
    """The figures stay."""
    evaluate = params.evaluate.model_copy(update={"tries": 20})
    results = _Elsewhere(made.root, tmp_path)
    results.evaluate(params.model_copy(update={"evaluate": evaluate}))
    wide = details.read(results.evaluation)
    assert wide.tries == 20
    runs = [one.figures.table.dropna(subset="seed") for one in (wide, found)]
    pd.testing.assert_frame_equal(*runs)
    for of in (
        lambda one: one.on("mlp")["skill"],
        lambda one: one.on("mlp").events("decile_lift")[0]["decile_lift"],
        lambda one: one.on("oracle")["skill"],
        lambda one: one.on("mlp")["oracle_share"],
        lambda one: one.on("mlp")["skill_difference"],
    ):
        assert of(wide).low < of(found).low
        assert of(wide).high > of(found).high
    checks = [one.on("mlp").thresholds[1]["after_fees_bps"] for one in (wide, found)]
    assert checks[0].low < checks[1].low


class _Elsewhere(Results):
    """The same results, evaluated into another folder."""

    def __init__(self, root, out) -> None:
        super().__init__(root)
        object.__setattr__(self, "out", out)

    @property
    def evaluation(self):
        return self.out / "evaluate"


# -- what cannot be computed ---------------------------------------------------------------


def rewrite(results: Results, change, runs=("mean-0", "mean-1"), splits=SPLITS) -> None:
    """Each split's predictions of `runs` anew, as `change` of the truth makes outcome,
    prediction and the rest."""
    rows = len(saved(results, runs[0]))
    for run in runs:
        for split in splits:
            truth = truths(rows)[split]
            outcome, prediction, more = change(truth)
            write_prediction(
                results.predictions / run_folder(run) / f"{split}.h5",
                outcome,
                prediction,
                start_ns=truth.start_ns,
                **{"volatility": truth.volatility, **more},
            )
    seal(results)


def test_classes_are_evaluated_by_their_probabilities(tmp_path, params: Params):
    """Skill is of the cross-entropy; only what needs bps or an expected number is left out."""
    results = small(tmp_path, 1000)
    label = params.label.model_copy(update={"target": "large_move"})

    def loud(truth):
        chance = 1 / (1 + np.exp(1 - truth.driver))
        values = np.column_stack((1 - chance, chance))
        return (truth.outcome > 5e-4) * 1.0, chance, {"probabilities": values}

    rewrite(results, loud, ("ridge-0", "ridge-1"))
    results.evaluate(params.model_copy(update={"label": label}), ["ridge-0", "ridge-1"])
    found = details.read(results.evaluation)
    assert (found.loss, found.classes) == ("cross-entropy", [0.0, 1.0])
    assert found.threshold_meaning.startswith("not available")
    assert found.oracle_reason == (
        "the oracle knows only abs_max at touch, and end_return at touch or mid, over 60 s"
    )
    ridge = found.on("ridge")
    assert ridge.thresholds == []
    assert ridge["skill"].low > 0
    assert ridge.events("average_precision")[0].name == "class +1"
    assert ridge["oracle_share"].reason == found.oracle_reason
    assert len((results.evaluation / "thresholds" / "ridge.csv").read_text().splitlines()) == 1


def test_a_constant_label_leaves_figures_out_and_the_rest_goes_on(tmp_path, params: Params):
    """All 3 bps, on every split."""
    results = small(tmp_path, 1000)
    rewrite(results, lambda truth: (np.full(1000, 3e-4), 1e-4 * truth.driver, {}))
    results.evaluate(params, ["mean-0", "mean-1"])
    found = details.read(results.evaluation)
    test = found.on("mean")
    assert test["skill"].value is None
    assert test.undefined["skill"] == "the outcome is constant"
    assert test.undefined["rank_ic"] == "the outcome is constant"
    assert test.undefined["outcome > 2 bps"] == "every row has the event"
    assert test["mae"].value is not None
    assert "train's label is constant" in found.on("label", "valid")["psi"].reason
    assert found.by_model["mean"].verdict.name == "no_skill"


def test_a_split_without_any_finite_prediction_is_a_reason(tmp_path, params: Params):
    """Of one seed: the other speaks for the model; of both: nothing does."""
    results = small(tmp_path, 1000)
    nothing = np.full(1000, np.nan)
    rewrite(results, lambda truth: (truth.outcome, nothing, {}), ["ridge-0"], ["test"])
    results.evaluate(params)
    found = details.read(results.evaluation)
    ridge = found.on("ridge")
    assert ridge["skill"].value == found.run("ridge-1")["skill"].value
    assert (ridge["skill_seeds"].value, ridge["non_finite"].value) == (1, 1000)
    rewrite(results, lambda truth: (truth.outcome, nothing, {}), ["ridge-1"], ["test"])
    results.evaluate(params)
    found = details.read(results.evaluation)
    ridge = found.on("ridge")
    assert ridge.undefined["skill"] == "no prediction is finite"
    assert ridge["oracle_share"].reason == "the model has no skill on test"
    assert found.on("ridge")["skill_difference"].reason == "one of them has no skill on test"
    assert found.on("mlp")["skill"].value is not None


def test_too_short_for_intervals_days_and_regimes_is_a_reason_each(tmp_path, params: Params):
    """A hundred rows, 10 s apart: less than five blocks and than a day."""
    results = small(tmp_path)
    results.evaluate(params)
    found = details.read(results.evaluation)
    mlp = found.on("mlp")
    assert mlp["skill"].value is not None
    assert (mlp["skill"].low, mlp["skill"].high) == (None, None)
    assert mlp.undefined["intervals"] == "the split spans fewer than 5 blocks of 1200 s"
    assert mlp.undefined["regimes"] == "train spans less than a day"
    assert mlp.undefined["rank_ic_days"] == "fewer than two days have a rank IC"
    assert mlp.slices("regime") == []
    assert found.regime_cuts == []
    assert "fewer than 5 blocks" in found.on("ridge")["skill_difference"].reason
    assert "fewer than 5 blocks" in found.on("label")["psi"].reason
    assert found.on("oracle")["skill"].value is not None
    assert found.by_model["mlp"].verdict.name == "no_skill"


# -- identity ------------------------------------------------------------------------------


def test_configurations_and_test_rows_are_identified(tmp_path, params: Params, found: Details):
    """A seed's own configuration changes the model's; other rows change the digest."""
    results = small(tmp_path)
    results.evaluate(params)
    before = details.read(results.evaluation)
    assert before.by_model["mlp"].configuration == "1" * 64
    write_json(results.models / "mlp" / "1" / "model.json", {"configuration": "2" * 64})
    seal(results).evaluate(params)
    after = details.read(results.evaluation)
    assert after.by_model["mlp"].configuration not in ("1" * 64, "2" * 64)
    assert after.by_model["ridge"].configuration == "1" * 64
    assert after.test_digest == before.test_digest != found.test_digest


def test_details_of_another_format_are_refused_by_key(tmp_path):
    """The report says which key is wrong instead of failing on it."""
    (tmp_path / "details.json").write_text('{"models": 3}')
    with pytest.raises(InputError, match=r"details\.json: models: input should be a valid list"):
        details.read(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        details.read(tmp_path / "none")

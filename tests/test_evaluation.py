import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from made_results import RUNS, Results, make, write_prediction
from scipy.stats import spearmanr

from alpha.errors import InputError
from alpha.evaluation import details, history, metrics
from alpha.evaluation.assess import TrainLabel, over_seeds, split_figures
from alpha.evaluation.details import SplitFigures
from alpha.evaluation.quantiles import LEVELS, quantiles
from alpha.evaluation.thresholds import check, is_classification, meaning, pool
from alpha.params import SPLITS, Params

FLOATS = st.floats(-1e-2, 1e-2, allow_nan=False)
ROUGH = st.sampled_from([-2e-3, 0.0, 5e-4, 1e-3, 1.5e-3, 3e-3])
UNDEFINED_WITHOUT_ROWS = {
    "mse",
    "mae",
    "constant_mse",
    "skill",
    "rank_ic",
    "std_ratio",
    "label_zero_share",
    "near_mean_share",
}


def assess(outcome, prediction, *, train=(0.0, 4.0)) -> SplitFigures:
    return split_figures(
        np.array(outcome, dtype=float),
        np.array(prediction, dtype=float),
        train=TrainLabel.fit(np.array(train, dtype=float)),
        thresholds_bps=(5.0,),
        round_trip_bps=15.0,
        clipped=0,
        replaced=0,
    )


def pairs(elements=FLOATS, *, min_size=0, max_size=60):
    """Outcome and prediction of equal length."""
    return st.integers(min_size, max_size).flatmap(
        lambda rows: st.tuples(
            hnp.arrays(float, rows, elements=elements), hnp.arrays(float, rows, elements=elements)
        )
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Results:
    return make(tmp_path_factory.mktemp("results"))


# -- metrics ------------------------------------------------------------------------------


def test_loss_and_skill_are_what_one_computes_by_hand():
    """Errors 1, −1, 2 against deviations 1, 3, 0 from the constant 2."""
    outcome, prediction = np.array([1.0, 5.0, 2.0]), np.array([0.0, 6.0, 0.0])
    assert metrics.mse(outcome, prediction) == 2.0
    assert metrics.mae(outcome, prediction) == pytest.approx(4 / 3)
    assert metrics.skill(outcome, prediction, constant=2.0) == pytest.approx(1 - 6 / 10)


@given(pairs(min_size=2))
def test_skill_of_the_constant_is_zero_and_of_the_outcome_one(arrays):
    """The two fixed points of skill, wherever it is defined."""
    outcome, _ = arrays
    try:
        assert metrics.skill(outcome, np.full(len(outcome), 0.5), constant=0.5) == 0.0
        assert metrics.skill(outcome, outcome, constant=0.5) == 1.0
    except metrics.Undefined:
        assert np.allclose(outcome, 0.5)


def test_skill_is_undefined_where_outcomes_differ_from_the_train_mean_by_rounding_only():
    """The mean of three 0.1 is not 0.1 in floats; that is no variation to explain."""
    outcome = np.full(3, 0.1)
    constant = float(np.sum(outcome)) / 3
    assert constant != 0.1
    with pytest.raises(metrics.Undefined, match="every outcome equals the train mean"):
        metrics.skill(outcome, outcome + 1.0, constant=constant)
    # A variation that is tiny, but not rounding, is something to explain.
    tiny = np.array([1.0, 1.0 + 1e-9])
    assert metrics.skill(tiny, tiny, constant=1.0) == 1.0


@given(pairs(ROUGH, min_size=2) | pairs(min_size=2))
def test_rank_ic_is_scipys_and_pandas_spearman(arrays):
    """Two independent implementations, on data full of ties and on data with few."""
    outcome, prediction = arrays
    if np.ptp(outcome) == 0 or np.ptp(prediction) == 0:
        with pytest.raises(metrics.Undefined, match="is constant"):
            metrics.rank_ic(outcome, prediction)
        return
    found = metrics.rank_ic(outcome, prediction)
    assert found == pytest.approx(spearmanr(outcome, prediction).statistic, abs=1e-12)
    by_pandas = pd.Series(outcome).corr(pd.Series(prediction), method="spearman")
    assert found == pytest.approx(by_pandas, abs=1e-12)


def test_rank_ic_by_hand_gives_ties_their_average_rank():
    """Ranks 1.5, 1.5, 3 against 1, 2, 3: covariance 1.5 over sqrt(1.5 · 2)."""
    found = metrics.rank_ic(np.array([0.0, 0.0, 9.0]), np.array([1.0, 2.0, 3.0]))
    assert found == pytest.approx(1.5 / math.sqrt(1.5 * 2))


@given(hnp.arrays(float, st.integers(1, 50), elements=FLOATS))
def test_quantiles_are_monotone_from_minimum_to_maximum(values):
    """The ends are the extremes, and nothing between is out of order."""
    found = quantiles(values)
    assert (found[0], found[-1]) == (values.min(), values.max())
    assert found == sorted(found)


def test_quantiles_interpolate_between_order_statistics():
    """At level q of 0..10 lies 10 q."""
    assert quantiles(np.arange(11.0)) == pytest.approx([10 * level for level in LEVELS])


# -- the threshold check ------------------------------------------------------------------


@given(pairs(ROUGH) | pairs(), st.sampled_from([0.0, 5.0, 10.0, 30.0]))
def test_threshold_check_is_the_straightforward_pandas_computation(arrays, threshold_bps):
    """Filters of a frame, written as one would say them."""
    outcome, prediction = arrays
    found = check(outcome, prediction, threshold_bps=threshold_bps, round_trip_bps=15.0)
    frame = pd.DataFrame({"label": outcome, "prediction": prediction})
    level = threshold_bps * 1e-4
    loud, called = frame[frame.label > level], frame[frame.prediction > level]
    hits = frame[(frame.label > level) & (frame.prediction > level)]
    assert (found.rows, found.label_above, found.prediction_above, found.both) == (
        len(frame),
        len(loud),
        len(called),
        len(hits),
    )
    assert found.precision == (len(hits) / len(called) if len(called) else None)
    assert found.recall == (len(hits) / len(loud) if len(loud) else None)
    assert found.base_rate == (len(loud) / len(frame) if len(frame) else None)
    if len(called) and len(loud):
        assert found.lift == pytest.approx((len(hits) / len(called)) / (len(loud) / len(frame)))
    else:
        assert found.lift is None
    if len(called):
        realised = called.label.mean() * 1e4
        assert found.realised_bps == pytest.approx(realised, abs=1e-9)
        assert found.after_fees_bps == pytest.approx(realised - 15.0, abs=1e-9)
    else:
        assert found.realised_bps is None
        assert found.after_fees_bps is None


@given(pairs(), pairs())
def test_pooled_checks_are_the_check_of_both_seeds_rows_together(one, other):
    """Counting seeds together loses nothing."""
    knobs = {"threshold_bps": 10.0, "round_trip_bps": 15.0}
    pooled = pool([check(*one, **knobs), check(*other, **knobs)], round_trip_bps=15.0)
    together = check(*(np.concatenate(both) for both in zip(one, other, strict=True)), **knobs)
    assert pooled.seeds == 2
    for name, value in together.model_dump(exclude={"seeds"}).items():
        assert getattr(pooled, name) == pytest.approx(value, abs=1e-9), name


def test_targets_of_classes_have_no_threshold_check(params: Params):
    """And every target says what its realised outcome is worth."""
    for target in ("direction", "loud", "triple_barrier"):
        label = params.label.model_copy(update={"target": target})
        assert is_classification(label)
        assert meaning(label).startswith("not available")
    assert "upper bound" in meaning(params.label)
    mid = params.label.model_copy(update={"price": "mid"})
    assert "spread is not paid" in meaning(mid)


# -- one split's figures ------------------------------------------------------------------


def test_figures_of_a_split_by_hand():
    """Train mean 2 and std 2, so a hair is 0.02; two predictions of four are within it."""
    found = assess([0, 0, 4, 4], [2.01, 1.99, 3, 5])
    assert found.rows == 4
    assert found.constant_mse == 4.0
    assert found.mse == pytest.approx((2.01**2 + 1.99**2 + 1 + 1) / 4)
    assert found.skill == pytest.approx(1 - found.mse / 4)
    assert found.near_mean_share == 0.5
    assert found.label_zero_share == 0.5
    assert found.std_ratio == pytest.approx(np.std([2.01, 1.99, 3, 5]) / 2)
    assert found.undefined == {}


@given(pairs(st.floats(width=64) | ROUGH, max_size=8), st.lists(ROUGH, max_size=3))
def test_nothing_is_raised_and_every_figure_is_finite_or_none_with_a_reason(arrays, train):
    """Any float prediction, any finite outcome, any number of rows, even none in train."""
    outcome, prediction = np.nan_to_num(arrays[0], posinf=1.0, neginf=-1.0), arrays[1]
    found = assess(outcome, prediction, train=train)
    json.dumps(found.model_dump(), allow_nan=False)
    for name in UNDEFINED_WITHOUT_ROWS:
        assert (getattr(found, name) is None) == (name in found.undefined), name


def test_a_constant_prediction_has_skill_but_no_rank_ic():
    """The mean is a model too, and its missing rank IC is explained."""
    found = assess([0.0, 1.0, 4.0], [2.0, 2.0, 2.0])
    assert found.skill == 0.0
    assert found.rank_ic is None
    assert found.undefined == {"rank_ic": "the prediction is constant"}
    assert found.near_mean_share == 1.0


def test_a_constant_outcome_leaves_rank_ic_and_std_ratio_undefined():
    """Nothing varies, so nothing can be ranked."""
    found = assess([3.0, 3.0], [1.0, 2.0])
    assert found.undefined == {
        "rank_ic": "the outcome is constant",
        "std_ratio": "the outcome is constant",
    }
    assert found.skill == pytest.approx(1 - 2.5 / 1)


def test_predictions_that_are_not_finite_are_counted_and_left_out():
    """The figures are those of the other rows; the label's own distribution is of all."""
    found = assess([0, 9, 4, 9], [1, np.nan, 3, np.inf])
    clean = assess([0, 4], [1, 3])
    assert (found.rows, found.non_finite) == (4, 2)
    assert (found.mse, found.skill, found.rank_ic) == (clean.mse, clean.skill, clean.rank_ic)
    assert found.label_quantiles == quantiles(np.array([0.0, 4.0, 9.0, 9.0]))
    assert found.label_zero_share == 0.25


def test_when_no_prediction_is_finite_every_figure_is_none_for_that_reason():
    """A diverged net leaves no figures, and says so."""
    found = assess([0, 4], [np.nan, -np.inf])
    assert found.non_finite == 2
    assert found.skill is None
    assert found.undefined["skill"] == "no prediction is finite"
    assert found.prediction_quantiles == [None] * len(LEVELS)


def test_zero_rows_and_one_row_give_none_not_errors():
    """The smallest inputs there are."""
    assert assess([], []).undefined.keys() == UNDEFINED_WITHOUT_ROWS
    one = assess([1.0], [1.0])
    assert one.skill == 1.0
    assert one.undefined["rank_ic"] == "fewer than two rows"


def test_an_overflowing_error_is_undefined():
    """Finite predictions whose square is not."""
    assert assess([0.0, 1.0], [1e200, 0.0]).undefined["mse"] == "too large for a number"


def test_over_seeds_is_mean_and_sample_deviation_of_what_is_defined():
    """1 and 3 have mean 2 and deviation sqrt 2; a None does not count."""
    found = over_seeds([1.0, None, 3.0])
    assert (found.mean, found.spread, found.seeds) == (2.0, pytest.approx(math.sqrt(2)), 2)
    assert over_seeds([0.1]).spread is None
    assert over_seeds([0.1, 0.1, 0.1]).spread == 0.0
    assert over_seeds([None]).mean is None


# -- the step -----------------------------------------------------------------------------


def test_run_writes_headline_details_and_plots(made: Results, params: Params):
    """The headline repeats the details, and each run and model has its files."""
    made.evaluate(params)
    headline = json.loads((made.evaluation / "metrics.json").read_text())
    found = details.read(made.evaluation)
    assert found.models == ["mean", "ridge", "mlp"]
    assert found.runs == RUNS
    assert headline.keys() == set(found.models)
    for name, model in headline.items():
        assert model["verdict"] == "not yet judged"
        for split in ("valid", "test"):
            over = found.by_model[name].splits[split]
            assert model[split] == {
                "skill": over.skill.mean,
                "skill_spread": over.skill.spread,
                "rank_ic": over.rank_ic.mean,
            }
    names = sorted(path.stem for path in (made.evaluation / "learning_curves").iterdir())
    assert names == sorted(RUNS)
    for folder in ("quantiles", "thresholds"):
        names = sorted(path.stem for path in (made.evaluation / folder).iterdir())
        assert names == sorted(found.models)


def test_runs_figures_are_of_its_files(made: Results, params: Params):
    """One run's skill and rank IC recomputed from its predictions, and its counts carried."""
    made.evaluate(params)
    folder = made.predictions / "mlp-1"
    constant = pd.read_hdf(folder / "train.h5", "df").alpha_outcome.mean()
    test = pd.read_hdf(folder / "test.h5", "df")
    error = ((test.alpha_outcome - test.prediction) ** 2).mean()
    found = details.read(made.evaluation).by_run["mlp-1"]
    expected = 1 - error / ((test.alpha_outcome - constant) ** 2).mean()
    assert found.splits["test"].skill == pytest.approx(expected)
    assert found.splits["test"].rank_ic == pytest.approx(
        test.alpha_outcome.corr(test.prediction, method="spearman")
    )
    assert (found.splits["test"].clipped, found.splits["test"].replaced) == (3, 5)
    assert (found.model, found.seed, found.epochs) == ("mlp", 1, 7)


def test_learning_curves_are_the_histories_number_for_number(made: Results, params: Params):
    """What the plot shows is what training recorded."""
    made.evaluate(params)
    for name in RUNS:
        pd.testing.assert_frame_equal(
            pd.read_csv(made.evaluation / "learning_curves" / f"{name}.csv"),
            pd.read_csv(made.models / name / "history.csv"),
        )


def test_plots_tables_are_of_the_test_split(made: Results, params: Params):
    """Quantiles are means over seeds, thresholds count all seeds' rows together."""
    made.evaluate(params)
    seeds = [pd.read_hdf(made.predictions / f"mlp-{seed}" / "test.h5", "df") for seed in (0, 1)]
    table = pd.read_csv(made.evaluation / "quantiles" / "mlp.csv").set_index("quantile")
    expected = np.mean([seed.prediction.quantile(0.99) for seed in seeds])
    assert table.loc[0.99, "prediction"] == pytest.approx(expected)
    assert table.loc[0.99, "label"] == pytest.approx(seeds[0].alpha_outcome.quantile(0.99))
    rows = pd.concat(seeds)
    table = pd.read_csv(made.evaluation / "thresholds" / "mlp.csv").set_index("threshold_bps")
    called = rows[rows.prediction > 5e-4]
    assert table.loc[5, "prediction_above"] == len(called)
    assert table.loc[5, "precision"] == pytest.approx((called.alpha_outcome > 5e-4).mean())
    assert table.loc[5, "after_fees_bps"] == pytest.approx(
        called.alpha_outcome.mean() * 1e4 - 2 * params.evaluate.fees.taker_bps
    )


def test_same_input_gives_same_bytes(made: Results, params: Params):
    """Twice the same run, every file the same."""

    def files():
        made.evaluate(params)
        return {
            path.relative_to(made.evaluation): path.read_bytes()
            for path in sorted(made.evaluation.rglob("*.*"))
        }

    assert files() == files()


def test_classes_are_evaluated_without_the_threshold_check(made: Results, params: Params):
    """Codes are outcomes as any; only what needs bps is left out, with the reason."""
    label = params.label.model_copy(update={"target": "loud"})
    made.evaluate(params.model_copy(update={"label": label}))
    found = details.read(made.evaluation)
    assert found.threshold_meaning.startswith("not available")
    assert found.by_model["ridge"].splits["test"].thresholds == []
    assert found.by_model["ridge"].splits["test"].skill.mean is not None
    text = (made.evaluation / "thresholds" / "ridge.csv").read_text()
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("split", SPLITS)
def test_a_missing_prediction_file_is_named(tmp_path, params: Params, split: str):
    """And nothing is left behind."""
    results = make(tmp_path, rows=50)
    (results.predictions / "ridge-1" / f"{split}.h5").unlink()
    with pytest.raises(InputError, match=rf"ridge-1/{split}\.h5"):
        results.evaluate(params)
    assert not results.evaluation.exists()


def test_bad_inputs_are_one_line_that_names_the_file(tmp_path, params: Params):
    """History, counts and outcomes that cannot be used; the good folder stays as it was."""
    results = make(tmp_path, rows=50)
    results.evaluate(params)
    before = (results.evaluation / "details.json").read_bytes()
    folder = results.predictions / "ridge-0"
    whole = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    nan, other = np.full(50, np.nan), np.arange(50.0)

    def fails(match: str) -> None:
        with pytest.raises(InputError, match=match) as caught:
            results.evaluate(params)
        assert "\n" not in str(caught.value)
        for path, content in whole.items():
            path.write_bytes(content)

    curve = results.models / "mlp-1" / "history.csv"
    curve.unlink()
    fails(r"mlp-1/history\.csv: cannot be read: No such file")
    curve.write_text("epoch,train_loss\n1,1\n")
    fails("must have a column 'valid_loss', found epoch, train_loss")
    curve.write_text("epoch,train_loss,valid_loss\n1,1,one\n")
    fails("row 0, column 'valid_loss': must be a number, found 'one'")
    curve.write_text("epoch,train_loss,valid_loss\n0.5,1,1\n")
    fails("column 'epoch': must be whole, found 0.5")
    curve.write_text("epoch,train_loss,valid_loss\n")
    fails("must have a row for each epoch")
    (folder / "inputs.json").write_text('{"train": {"clipped": 1, "replaced": 2}}')
    fails(r"ridge-0/inputs\.json: valid: field required")
    write_prediction(folder / "valid.h5", nan, nan)
    fails(r"ridge-0/valid\.h5: row 0, column 'alpha_outcome': must be finite, found nan")
    write_prediction(folder / "valid.h5", other, other)
    fails(r"ridge-0/valid\.h5: must hold the same outcomes as .*mean-0/valid\.h5")
    assert (results.evaluation / "details.json").read_bytes() == before


def test_best_epoch_is_the_first_of_the_smallest_valid_losses():
    """A loss that is not finite never wins."""
    columns = {"epoch": [0.0, 1.0, 2.0, 3.0], "valid_loss": [math.nan, 0.9, 0.8, 0.8]}
    assert history.best_epoch(columns) == 2
    assert history.best_epoch({"epoch": [0.0], "valid_loss": [math.nan]}) is None


def test_details_of_another_format_are_refused_by_key(tmp_path):
    """The report says which key is wrong instead of failing on it."""
    (tmp_path / "details.json").write_text('{"models": 3}')
    with pytest.raises(InputError, match=r"details\.json: models: input should be a valid list"):
        details.read(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        details.read(tmp_path / "none")

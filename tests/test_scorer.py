import os
import subprocess
import sys
from hashlib import md5
from shutil import copytree

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, day_frame
from scoring import CODES, MODELS, results
from test_processor import HASWELL

import alpha
from alpha.core.artifacts import read_json, write_json
from alpha.core.errors import InputError
from alpha.data.contract import read_contract
from alpha.label import run as labels
from alpha.learn import dataset
from alpha.learn.known import Known
from alpha.learn.saved import load_model
from alpha.predict import run as predict
from alpha.score.live import LivePast, label_of

FEATURES = ("ask_volume_level0", "bid_volume_level0", "return_10s", "spread", "my_own")


def scorer(chain, model) -> alpha.Scorer:
    return alpha.Scorer.load(results(chain) / "train" / MODELS[model])


def mappings(frame):
    """Rows as they would arrive, one by one."""
    time_ns = frame.index.as_unit("ns").asi8.tolist()
    columns = {name: frame[name].tolist() for name in frame}
    for at, ns in enumerate(time_ns):
        yield {name: values[at] for name, values in columns.items()} | {"time_ns": ns}


@pytest.fixture(scope="module")
def day():
    """That of `chain`, with values that normalization clips or replaces."""
    frame = day_frame(3000)
    frame.iloc[2000, 3], frame.iloc[2001, 4], frame.iloc[2002, 5] = 1e9, np.nan, -np.inf
    return frame


@pytest.mark.parametrize("model", MODELS)
def test_a_scorer_predicts_the_bits_of_the_predict_step(chain, tmp_path, model):
    folder, _ = chain
    trained = results(chain) / "train" / MODELS[model]
    predict.run(models=trained, splits=folder / "splits" / "0", out=tmp_path / "out",
                normalization=folder / "normalize" / "0.json")  # fmt: skip
    written = pd.read_hdf(tmp_path / "out" / "test.h5", "df")
    of = scorer(chain, model)
    found = of.predict(pd.read_hdf(folder / "features" / "a.h5", "df"))
    assert found.name == "prediction"
    assert found.loc[written.index].to_numpy().tobytes() == written.prediction.to_numpy().tobytes()
    if model.endswith("classes"):
        frame = pd.read_hdf(folder / "features" / "a.h5", "df")
        shares = of.table(frame)
        names = ["probability_0", "probability_1", "probability_2"]
        assert list(shares) == ["prediction", *names]
        assert (shares[names].loc[written.index].to_numpy() == written[names].to_numpy()).all()


@pytest.mark.parametrize("model", MODELS)
def test_one_row_has_the_bits_that_it_has_in_a_frame(chain, day, model):
    whole, live = scorer(chain, model).predict(day), scorer(chain, model)
    for row, expected in zip(mappings(day), whole, strict=True):
        live.update(row)
        assert live.predict_row(row) == expected
    assert live.counts["rows"] == len(day)


@pytest.mark.parametrize("model", MODELS)
def test_a_prediction_depends_neither_on_the_number_of_rows_nor_on_their_order(chain, model):
    """Asked as the predict step does: alone, in sevens, in parts, and shuffled."""
    folder, _ = chain
    contract = read_contract(folder / "normalize" / "0.json")
    fitted = load_model(results(chain) / "train" / MODELS[model], contract).fitted
    known = dataset.load(folder / "splits" / "0" / "train", contract).known
    known = Known(*(np.concatenate([of] * 4)[:5000] for of in (known.x, known.past)))
    whole = fitted.predict(known)
    for size in (1, 7, 4096):
        stop = min(5000, 50 * size)
        parts = [fitted.predict(known[row : min(row + size, stop)]) for row in range(0, stop, size)]
        assert np.concatenate(parts).tobytes() == whole[:stop].tobytes(), size
    order = np.random.default_rng(0).permutation(5000)
    assert fitted.predict(Known(known.x[order], known.past[order])).tobytes() == (
        whole[order].tobytes()
    )


@pytest.mark.parametrize(
    "compiler",
    [
        {},
        pytest.param(
            {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}, marks=pytest.mark.slow
        ),
        pytest.param(HASWELL, marks=pytest.mark.slow),
    ],
    ids=["native", "generic", "haswell"],
)
def test_the_make_of_the_processor_does_not_show(chain, day, tmp_path, compiler):
    """Whatever instructions NumPy and BLAS are free to use, and what Numba compiles for."""
    day.to_pickle(tmp_path / "day")
    program = f"""if True:
        import alpha, hashlib, pandas
        day = pandas.read_pickle({str(tmp_path / "day")!r})
        for model in {list(MODELS.values())!r}:
            found = alpha.Scorer.load({str(results(chain) / "train")!r} + "/" + model).predict(day)
            print(model, hashlib.md5(found.to_numpy().tobytes()).hexdigest())
    """
    inherited = {name: value for name, value in os.environ.items() if name not in alpha.FLOOR}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=inherited | compiler | {alpha.ESCAPE: "1"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    expected = [
        f"{inside} {md5(scorer(chain, model).predict(day).to_numpy().tobytes()).hexdigest()}"
        for model, inside in MODELS.items()
    ]
    assert done.stdout.splitlines() == expected


@pytest.mark.parametrize("model", ["ridge", "mlp", "lightgbm"])
def test_columns_are_found_by_name_and_others_are_ignored(chain, day, model):
    whole = scorer(chain, model).predict(day)
    shuffled = day[[*FEATURES[::-1], "best_ask"]].assign(note="text")
    pd.testing.assert_series_equal(scorer(chain, model).predict(shuffled), whole)


def test_what_was_clipped_or_not_finite_is_counted(chain, day):
    of = scorer(chain, "mlp")
    of.predict(day)
    assert dict(of.counts) == {"rows": 3000, "clipped": 1, "replaced": 2}
    of.predict_row(dict.fromkeys(FEATURES, float("nan")))
    assert dict(of.counts) == {"rows": 3001, "clipped": 1, "replaced": 7}


def test_a_scorer_says_what_it_looks_at(chain):
    of = scorer(chain, "silos")
    assert of.features == FEATURES
    assert of.families["my_own"] == "other"
    assert of.label["target"] == "abs_max"
    assert scorer(chain, "har").features == ()
    assert scorer(chain, "mlp-classes").classes == tuple(CODES)


def test_missing_features_are_named(chain, day):
    of = scorer(chain, "mlp")
    with pytest.raises(
        InputError, match="every feature of the model, found none of spread, my_own"
    ):
        of.predict(day.drop(columns=["spread", "my_own"]))
    row = dict.fromkeys(FEATURES, 0.0)
    del row["spread"]
    with pytest.raises(InputError, match="every feature of the model, found none of spread"):
        of.predict_row(row)
    assert of.counts["rows"] == 0


@pytest.mark.parametrize("value", ["1.5", None, [1.0], pd.NA])
def test_a_value_that_is_no_number_is_named(chain, day, value):
    of = scorer(chain, "mlp")
    with pytest.raises(InputError, match="feature 'spread' must be a number, found "):
        of.predict_row(dict.fromkeys(FEATURES, 0.0) | {"spread": value})
    with pytest.raises(InputError, match="column 'spread' must be numeric, found object"):
        of.predict(day.assign(spread=pd.Series([value] * len(day), day.index, dtype=object)))


def test_two_columns_of_one_name_are_refused(chain, day):
    with pytest.raises(InputError, match="each feature must be one column"):
        scorer(chain, "mlp").predict(pd.concat([day, day[["spread"]]], axis=1))


def test_a_regression_target_has_no_probabilities(chain, day):
    assert list(scorer(chain, "mlp").table(day)) == ["prediction"]


def test_of_classes_a_row_s_probabilities_add_up_to_its_expected_code(chain, day):
    of = scorer(chain, "lightgbm-classes")
    row = next(mappings(day))
    shares = of.table(day.iloc[:1]).to_numpy()[0, 1:]
    assert shares.sum() == pytest.approx(1.0)
    assert of.predict_row(row) == pytest.approx(shares @ CODES)


def test_without_an_update_no_window_is_completed(chain, day):
    first = next(mappings(day))
    for model in ("har", "persistence"):
        of = scorer(chain, model)
        assert of.predict_row(first) == scorer(chain, model).predict(day.iloc[:1]).iloc[0]
        assert of.predict_row({}) == of.predict_row(first)


def test_models_without_a_past_need_no_updates(chain):
    of = scorer(chain, "ridge")
    of.update({})
    assert isinstance(of.predict_row(dict.fromkeys(FEATURES, 1)), float)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"time_ns": 60, "best_ask": 2.0}, "to be remembered, found KeyError.'best_bid'."),
        (
            {"time_ns": 60, "best_bid": "x", "best_ask": 2.0},
            "must have numbers time_ns, best_bid and best_ask to be remembered",
        ),
        ({"time_ns": 50, "best_bid": 1.0, "best_ask": 2.0}, "must be later than 50, found 50"),
        ({"time_ns": 40, "best_bid": 1.0, "best_ask": 2.0}, "must be later than 50, found 40"),
    ],
)
def test_a_row_that_cannot_be_remembered_is_refused(chain, row, problem):
    of = scorer(chain, "har")
    of.update({"time_ns": 50, "best_bid": 1.0, "best_ask": 2.0})
    with pytest.raises(InputError, match=problem):
        of.update(row)


def test_a_frame_without_times_or_quotes_has_no_past(chain, day):
    of = scorer(chain, "har")
    with pytest.raises(InputError, match="the frame must have 'best_bid'"):
        of.predict(day.drop(columns="best_bid"))
    with pytest.raises(InputError, match="index must be times that increase"):
        of.predict(day.reset_index(drop=True))
    for other in (day.iloc[::-1], pd.concat([day, day.iloc[-1:]])):
        with pytest.raises(InputError, match="must be later than 17"):
            of.predict(other)


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    """Two days that meet at midnight, with gaps and bad quotes."""
    folder = tmp_path_factory.mktemp("market") / "features"
    folder.mkdir()
    frames = []
    for day, start in ((1, "2024-01-01T23:48:00"), (2, "2024-01-02T00:00:00")):
        frame = day_frame(720, start=start, seed=day)
        frame.iloc[[60, 61, 300], 0] = np.nan
        frame.iloc[400, 0] = 2 * frame.iloc[400, 1]
        frame = frame.drop(frame.index[150:185]).drop(frame.index[500:512])
        frame.iloc[600:660, :2] = frame.iloc[600, :2].to_numpy()
        frame.to_hdf(folder / f"XBT-data-0{day}-01-2024.h5", key="df", mode="w")
        frames.append(frame)
    return folder, pd.concat(frames)


def arrivals(frame, size):
    """Times and quotes, so many rows at a time."""
    columns = frame.index.as_unit("ns").asi8, frame.best_bid.to_numpy(), frame.best_ask.to_numpy()
    for row in range(0, len(frame), size):
        yield [column[row : row + size] for column in columns]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"target": "signed_max", "price": "mid"},
        {"target": "end_return", "horizon_seconds": 7.5},
        {"target": "triple_barrier", "barrier_bps": 50.0},
        {"target": "large_move", "threshold_bps": 60.0, "max_gap_seconds": 5},
    ],
)
@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_past_outcomes_row_by_row_are_those_of_the_label_step(
    params, market, tmp_path, changed, size
):
    folder, frame = market
    label = type(params.label).model_validate(params.label.model_dump() | changed)
    labels.run(params.data, label, features=folder, out=tmp_path)
    files = sorted((tmp_path / "labels").glob("*.h5"))
    written = pd.concat([pd.read_hdf(path, "df") for path in files])
    live = LivePast(label_of(label.model_dump(mode="json")))
    found = np.concatenate([live.update(*row) for row in arrivals(frame, size)])
    names = ["past_outcome_1", "past_outcome_5", "past_outcome_30"]
    assert found.tobytes() == written[names].to_numpy().tobytes()
    assert 0 < np.isnan(found[:, 0]).sum() < len(found) / 2


def test_a_frozen_run_counts_from_when_it_is_known_to_be_too_long(params, market):
    """The label step looks back from later: outcomes of rows before that stay, live."""
    _, frame = market
    found = []
    for limit in (None, 20.0):
        live = LivePast(label_of(params.label.model_dump() | {"max_stale_seconds": limit}))
        found.append(np.concatenate([live.update(*row) for row in arrivals(frame, 1)]))
    # The first run starts at row 600, a second a row.
    assert (
        np.flatnonzero((found[0] != found[1]).any(axis=1) & (found[0] == found[0])[:, 0])[0] > 620
    )


def test_a_model_of_other_results_needs_its_contract_named(chain, tmp_path, day):
    trained = results(chain) / "train" / "0" / "mlp" / "0"
    copytree(trained, tmp_path / "elsewhere")
    with pytest.raises(InputError, match="no results above it hold normalize/FOLD.json"):
        alpha.Scorer.load(tmp_path / "elsewhere")
    contract = results(chain) / "normalize" / "0.json"
    of = alpha.Scorer.load(str(tmp_path / "elsewhere"), normalization=str(contract))
    pd.testing.assert_series_equal(of.predict(day), scorer(chain, "mlp").predict(day))


def test_a_model_that_does_not_know_its_label_is_scored_unless_it_needs_the_past(chain, tmp_path):
    contract = results(chain) / "normalize" / "0.json"
    for model in ("ridge", "har"):
        copytree(results(chain) / "train" / MODELS[model], tmp_path / model)
        about = read_json(tmp_path / model / "model.json")
        del about["label"]
        write_json(tmp_path / model / "model.json", about)
    assert alpha.Scorer.load(tmp_path / "ridge", contract).label == {}
    with pytest.raises(InputError, match="does not say what its label is; train again"):
        alpha.Scorer.load(tmp_path / "har", contract)


def test_importing_alpha_imports_no_numpy():
    program = "import alpha, sys; assert 'numpy' not in sys.modules; alpha.Scorer; \
assert not {'tensorflow', 'lightgbm', 'pandas', 'h5py', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
    with pytest.raises(AttributeError, match="no attribute 'Score'"):
        _ = alpha.Score

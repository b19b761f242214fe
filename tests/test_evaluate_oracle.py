"""The oracle beside the models: read, matched to rows by time, or not there for a reason.

That its figures are right is recomputed in test_evaluation.py.
"""

import numpy as np
import pandas as pd
import pytest
from made_columns import columns
from made_results import RUNS, make

from alpha.check import Params
from alpha.core.artifacts import read_json, write_json, write_manifest
from alpha.core.errors import InputError
from alpha.core.frames import Block, write_frame
from alpha.evaluate import details
from alpha.evaluate.bootstrap import Blocks
from alpha.evaluate.figures import Interval
from alpha.evaluate.oracle import Known, OfSplit, of_split, share, values_at
from alpha.evaluate.oracle import read as read_oracle
from alpha.evaluate.over_seeds import Widened
from alpha.evaluate.split_rows import SplitRows, Standard


def write(path, times, values) -> None:
    block = Block(("abs_max",), np.array(values, dtype=float)[:, None])
    write_frame(path, np.array(times), [block], tz_aware=True)


def test_values_are_found_by_time(tmp_path):
    """Before, between and after what is known there is nothing; whatever order files are in, and
    of a time in two of them the later file has the word."""
    write(tmp_path / "a.h5", [40, 50], [4.0, 5.0])
    write(tmp_path / "b.h5", [10, 20, 30, 40], [1.0, 2.0, 3.0, 9.0])
    known = Known([tmp_path / "a.h5", tmp_path / "b.h5"], "abs_max")
    found = values_at(known, np.array([5, 15, 20, 30, 40, 50, 99]))
    assert found == pytest.approx([np.nan, np.nan, 2.0, 3.0, 9.0, 5.0, np.nan], nan_ok=True)
    assert np.isnan(values_at(known, np.array([60, 70]))).all()


def test_of_rows_with_the_same_timestamp_the_last_stands(tmp_path, params: Params):
    """As in the labels."""
    results = make(tmp_path, rows=100)
    path = results.features / "oracle" / "2.h5"
    time_ns = np.array([100, 200, 200, 300]) * 10**12
    write(path, time_ns, [1.0, 2.0, 3.0, 4.0])
    about = read_json(path.parent / "oracle.json")
    write_manifest(path.parent / "oracle.json", about)
    known = read_oracle(results.features, params.label, params.loss)
    assert values_at(known, time_ns[2:]).tolist() == [3.0, 4.0]


def test_without_an_oracle_for_this_label_and_loss_the_reason_is_said(tmp_path, params: Params):
    """Data of one's own, another label, another loss; and no row that it knows."""
    results = make(tmp_path, rows=100)
    oracle = results.features / "oracle"

    def reason(changed: Params) -> str:
        results.evaluate(changed, RUNS[-1:])
        found = details.read(results.evaluation)
        assert found.on("oracle")["skill"].reason == found.oracle_reason
        assert found.on("mlp")["oracle_share"].reason == found.oracle_reason
        assert "oracle" not in (results.evaluation / "ladder.csv").read_text()
        return found.oracle_reason

    mid = params.model_copy(update={"label": params.label.model_copy(update={"price": "mid"})})
    known = "the oracle knows only abs_max at touch, and end_return at touch or mid, over 60 s"
    assert reason(mid) == known
    mae = params.model_copy(update={"loss": params.loss.model_copy(update={"name": "mae"})})
    assert reason(mae) == "the oracle is the best prediction for loss mse only, found mae"
    (oracle / "2.h5").unlink()
    with pytest.raises(InputError, match=r"2\.h5: is missing: oracle\.json has its digest"):
        results.evaluate(params, RUNS[-1:])
    write_manifest(oracle / "oracle.json", read_json(oracle / "oracle.json"))
    results.evaluate(params, RUNS[-1:])
    found = details.read(results.evaluation)
    assert found.oracle_reason is None
    assert found.on("oracle", "valid")["skill"].value is not None
    assert found.on("oracle")["skill"].reason == "none of 100 rows has a value of the oracle"
    assert found.on("mlp")["oracle_share"].reason == found.on("oracle")["skill"].reason
    (oracle / "oracle.json").unlink()
    assert reason(params) == "only a simulated market has an oracle"


@pytest.mark.parametrize(("target", "price", "sign"), [
    ("abs_max", "touch", 1.0), ("end_return", "touch", -1.0), ("end_return", "mid", -1.0),
])  # fmt: skip
def test_the_oracle_is_that_of_the_label_s_target(tmp_path, params: Params, target, price, sign):
    """made_results has the one with the other's sign."""
    results = make(tmp_path, rows=100)
    label = params.label.model_copy(update={"target": target, "price": price})
    known = read_oracle(results.features, label, params.loss)
    time_ns = pd.read_hdf(known.paths[0], "df").index.as_unit("ns").astype("int64").to_numpy()
    assert (sign * values_at(known, time_ns) > 0).all()


def test_an_oracle_that_cannot_be_read_is_refused(tmp_path, params: Params):
    """The file is named."""
    results = make(tmp_path, rows=100)
    write_json(results.features / "oracle" / "oracle.json", {"prices": {}})
    with pytest.raises(InputError, match=r"oracle\.json: horizon_seconds: field required"):
        results.evaluate(params, RUNS[-1:])


def test_rows_that_the_oracle_does_not_know_count_nowhere(tmp_path, params: Params):
    """Of every other row it knows the outcome itself: its skill is 1, and so in each resample."""
    time_ns, outcome = np.arange(12_000) * 10**10, np.random.default_rng(0).normal(size=12_000)
    of_split_rows = columns(time_ns, outcome)
    standard = Standard(of_split_rows, params.label, params.loss, params.evaluate)
    split = SplitRows(of_split_rows, standard)
    write(tmp_path / "a.h5", time_ns[::2], outcome[::2])
    found = of_split(Known([tmp_path / "a.h5"], "abs_max"), split, Widened(split.blocks, 1))
    assert found.missing == 6000
    assert found.skill[:3] == pytest.approx((1.0, 1.0, 1.0))
    assert found.rank_ic[:3] == pytest.approx((1.0, 1.0, 1.0))


def test_a_share_of_the_oracle_is_paired():
    """A model with half of the oracle's skill in each resample has half of it for sure."""
    blocks = Blocks(np.arange(1000) * 10**9, 10.0, resamples=200, level=0.9, seed=0)
    whole = np.linspace(0.1, 0.5, 200)
    oracle = OfSplit(Interval(0.3, 0.1, 0.5), Interval(), whole)
    found = share(oracle, 0.15, whole / 2, Widened(blocks, 1))
    assert found[:3] == pytest.approx((0.5, 0.5, 0.5))


def test_an_oracle_of_another_market_is_refused(tmp_path, params: Params):
    results = make(tmp_path, rows=100)
    path = results.features / "oracle" / "oracle.json"
    write_manifest(path, read_json(path) | {"features": {"a.h5": "0" * 64}})
    for quotes, fits in (({"a.h5": "0" * 64}, True), ({"a.h5": "1" * 64}, False)):
        if fits:
            assert read_oracle(results.features, params.label, params.loss, quotes).paths
            continue
        with pytest.raises(InputError, match="of the market that was labelled and split, found an"):
            read_oracle(results.features, params.label, params.loss, quotes)

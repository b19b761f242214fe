"""What an evaluation reads, where it cannot be used: one line that names the file."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from made_results import STEP_NS, make, seal, write_prediction

from alpha.check import Params
from alpha.core.errors import InputError
from alpha.core.frames import Block, write_frame
from alpha.data.columns import SPLITS


@pytest.mark.parametrize("split", SPLITS)
def test_a_missing_prediction_file_is_named(tmp_path, params: Params, split: str):
    """And nothing is left behind."""
    results = make(tmp_path, rows=100)
    (results.predictions / "ridge" / "1" / f"{split}.h5").unlink()
    with pytest.raises(InputError, match=rf"ridge/1/{split}\.h5"):
        results.evaluate(params)
    assert not results.evaluation.exists()


def test_bad_inputs_are_one_line_that_names_the_file(tmp_path, params: Params):
    """History, counts and outcomes that cannot be used; the good folder stays as it was."""
    results = make(tmp_path, rows=100)
    results.evaluate(params)
    before = (results.evaluation / "details.json").read_bytes()
    folder, model = results.predictions / "baselines" / "ridge", results.models / "mlp" / "1"
    whole = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    nan, other = np.full(100, np.nan), np.arange(100.0)

    def fails(match: str, params: Params = params) -> None:
        with pytest.raises(InputError, match=match) as caught:
            results.evaluate(params)
        assert "\n" not in str(caught.value)
        for path, content in whole.items():
            path.write_bytes(content)

    (model / "history.csv").unlink()
    fails(r"mlp/1/history\.csv: cannot be read: No such file")
    (model / "matched_mlp" / "history.csv").unlink()
    fails(r"mlp/1/matched_mlp/history\.csv: cannot be read")
    (model / "model.json").write_text("{}")
    seal(results)
    fails(r"mlp/1/model\.json: configuration: field required")
    (model / "importance.json").write_text('{"families": {"spread": "much"}}')
    fails(r"mlp/1/importance\.json: families.spread: input should be a valid number")
    (results.predictions / "mlp" / "0" / "matched_mlp" / "valid.h5").unlink()
    fails(r"mlp/0/matched_mlp/valid\.h5: is missing: inputs\.json has its digest")
    (folder / "inputs.json").write_text('{"train": {"clipped": 1, "replaced": 2}}')
    fails(r"baselines/ridge/inputs\.json: valid: field required")
    write_prediction(folder / "valid.h5", nan, nan)
    seal(results)
    fails(r"baselines/ridge/valid\.h5: row 0, column 'alpha_outcome': must be finite, found nan")
    write_prediction(folder / "valid.h5", other, other)
    seal(results)
    fails(r"ridge/valid\.h5: must hold the same times and outcomes as .*mean/valid\.h5")
    _remove_rows(folder / "valid.h5")
    seal(results)
    fails(r"baselines/ridge/valid\.h5: must hold at least one row, found none")
    label = params.label.model_copy(update={"target": "large_move"})
    loud = params.model_copy(update={"label": label})
    fails(r"baselines/mean/train\.h5: no column 'probability_0', found alpha_outcome", loud)
    chance = np.full((100, 2), 0.5)
    write_prediction(
        results.predictions / "baselines" / "mean" / "train.h5", other, other, probabilities=chance
    )
    seal(results)
    fails(r"row 2, column 'alpha_outcome': must be one of the classes 0, 1, found 2", loud)
    assert (results.evaluation / "details.json").read_bytes() == before


def _remove_rows(path: Path) -> None:
    """Leave nothing of a frame but its columns."""
    with h5py.File(path, "r+") as file:
        for name in ("df/axis1", "df/block0_values"):
            whole, attributes = file[name], dict(file[name].attrs)
            del file[name]
            empty = file.create_dataset(name, shape=(0, *whole.shape[1:]), dtype=whole.dtype)
            empty.attrs.update(attributes)


def test_rows_out_of_time_order_are_refused(tmp_path, params: Params):
    """Blocks, days and windows are of time."""
    results = make(tmp_path, rows=100)
    frame = pd.read_hdf(results.predictions / "baselines" / "mean" / "train.h5", "df")
    time_ns = frame.index.as_unit("ns").asi8.copy()
    time_ns[7] -= 2 * STEP_NS
    block = Block(tuple(frame.columns), frame.to_numpy())
    write_frame(
        results.predictions / "baselines" / "mean" / "train.h5", time_ns, [block], tz_aware=True
    )
    seal(results)
    with pytest.raises(InputError, match=r"train\.h5: row 7: must be later than the row before"):
        results.evaluate(params)

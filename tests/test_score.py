import os
import re
import subprocess
import sys
from shutil import copytree

import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT, ROOT, day_frame
from scoring import MODELS, results

import alpha
from alpha.__main__ import main
from alpha.core.errors import InputError
from alpha.label import run as labels
from alpha.score import export
from alpha.score import run as score


@pytest.fixture
def folder(tmp_path):
    """Two days that meet at midnight, with a gap, a repeated time and values that stand out."""
    made = tmp_path / "features"
    made.mkdir()
    for day, start in ((1, "2024-01-01T23:45:00"), (2, "2024-01-02T00:00:00")):
        frame = day_frame(900, start=start, seed=day)
        frame = frame.drop(frame.index[300:345])
        frame.iloc[7, 2:4] = np.nan, 1e9
        frame = pd.concat([frame.iloc[:500], frame.iloc[499:]]) if day == 2 else frame
        frame.to_hdf(made / f"XBT-data-0{day}-01-2024.h5", key="df", mode="w")
    return made


def scored(chain, params, model, features, out, **given):
    model = results(chain) / "train" / MODELS[model]
    score.run(params.data, model=model, features=features, out=out, **given)
    return pd.read_hdf(out, "df") if out.suffix == ".h5" else pd.read_parquet(out)


def every_row(folder):
    whole = pd.concat([pd.read_hdf(path, "df") for path in sorted(folder.iterdir())])
    return whole[~whole.index.duplicated(keep="last")]


@pytest.mark.parametrize("model", MODELS)
def test_every_row_that_counts_is_scored_as_a_scorer_does(chain, params, tmp_path, folder, model):
    """The last minute, rows before gaps, and those without any label."""
    found = scored(chain, params, model, folder, tmp_path / "out.h5")
    whole = every_row(folder)
    of = alpha.Scorer.load(results(chain) / "train" / MODELS[model])
    assert (found.index == whole.index).all()
    assert found.prediction.to_numpy().tobytes() == of.predict(whole).to_numpy().tobytes()
    if of.classes:
        assert (found.to_numpy() == of.table(whole).to_numpy()).all()
        assert list(found) == ["prediction", "probability_0", "probability_1", "probability_2"]


def test_har_sees_the_past_of_the_label_step(chain, params, tmp_path, folder):
    found = scored(chain, params, "persistence", folder, tmp_path / "out.h5").prediction
    labels.run(params.data, params.label, features=folder, out=tmp_path / "labels")
    files = sorted((tmp_path / "labels" / "labels").glob("*.h5"))
    past = pd.concat([pd.read_hdf(path, "df") for path in files]).past_outcome_1
    assert past.notna().sum() > 1000
    assert (found[past.notna()] == past[past.notna()]).all()


def test_one_file_is_scored_by_itself(chain, params, tmp_path, folder, capsys):
    first = sorted(folder.iterdir())[0]
    found = scored(chain, params, "mlp", first, tmp_path / "out.h5")
    assert capsys.readouterr().out == (
        f"{tmp_path / 'out.h5'}: 855 rows (0 more were repeated times), 1 values not finite, "
        "1 clipped\n"
    )
    both = scored(chain, params, "mlp", folder, tmp_path / "both.h5")
    assert "1,710 rows (1 more were repeated times), 2 values not" in capsys.readouterr().out
    pd.testing.assert_frame_equal(found, both.iloc[:855])


def test_parquet_holds_what_hdf5_does(chain, params, tmp_path, folder):
    one, other = (
        scored(chain, params, "mlp-classes", folder, tmp_path / f"out{end}")
        for end in (".h5", ".parquet")
    )
    pd.testing.assert_frame_equal(one, other, check_freq=False)
    before = (tmp_path / "out.parquet").read_bytes()
    scored(chain, params, "mlp-classes", folder, tmp_path / "out.parquet")
    assert (tmp_path / "out.parquet").read_bytes() == before


def test_an_exported_model_scores_as_the_trained_one(chain, params, tmp_path, folder):
    model = results(chain) / "train" / "0" / "silos" / "0"
    export.run(model=model, out=tmp_path / "silos.zip")
    for name, given in (("one", model), ("other", tmp_path / "silos.zip")):
        score.run(params.data, model=given, features=folder, out=tmp_path / f"{name}.h5")
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "other.h5").read_bytes()


def test_columns_that_the_model_does_not_know_are_ignored(chain, params, tmp_path, folder):
    expected = scored(chain, params, "ridge", folder, tmp_path / "out.h5")
    for path in folder.iterdir():
        frame = pd.read_hdf(path, "df")
        frame[sorted(frame)].assign(more=1.0).to_hdf(path, key="df", mode="w")
    pd.testing.assert_frame_equal(
        scored(chain, params, "ridge", folder, tmp_path / "more.h5"), expected
    )


@pytest.mark.parametrize("name", ["out.csv", "out", "out.h5.gz"])
def test_another_ending_is_refused(chain, params, tmp_path, folder, name):
    with pytest.raises(InputError, match="--out must end in .h5 or .parquet, found"):
        scored(chain, params, "ridge", folder, tmp_path / name)


def test_missing_features_are_named_and_nothing_is_written(chain, params, tmp_path, folder):
    for path in folder.iterdir():
        pd.read_hdf(path, "df").drop(columns="my_own").to_hdf(path, key="df", mode="w")
    with pytest.raises(
        InputError, match="features: must have every feature of the model, found none of my_o"
    ):
        scored(chain, params, "ridge", folder, tmp_path / "out.h5")
    assert scored(chain, params, "mean", folder, tmp_path / "mean.h5").prediction.nunique() == 1
    assert [path.name for path in tmp_path.glob("*.h5*")] == ["mean.h5"]


def test_a_file_that_is_cut_leaves_nothing_half_written(chain, params, tmp_path, folder):
    last = sorted(folder.iterdir())[-1]
    last.write_bytes(last.read_bytes()[:-3000])
    with pytest.raises(InputError, match=f"^{last}: "):
        scored(chain, params, "ridge", folder, tmp_path / "out.h5")
    assert not list(tmp_path.glob("out*"))


def test_the_command_scores_without_tensorflow_or_lightgbm(chain, tmp_path, folder):
    (tmp_path / "params.yaml").write_text(PARAMS_TEXT)
    program = """if True:
        import sys
        from alpha.__main__ import main
        assert main(sys.argv[1:]) == 0
        print(*{"tensorflow", "lightgbm", "pandas", "sklearn"} & set(sys.modules))
    """
    for model in ("mlp", "lightgbm"):
        words = ["score", "--params", tmp_path / "params.yaml", "--features", folder]
        words += ["--model", results(chain) / "train" / MODELS[model], "--out", tmp_path / "a.h5"]
        done = subprocess.run(
            [sys.executable, "-c", program, *map(str, words)], cwd=ROOT, capture_output=True,
            text=True,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines()[1:] == [""]


def test_the_commands_say_in_one_line_what_is_wrong(chain, tmp_path, folder, capsys):
    (tmp_path / "params.yaml").write_text(PARAMS_TEXT)
    common = ["--params", str(tmp_path / "params.yaml"), "--model", str(tmp_path / "none")]
    for words in (["score", "--features", str(folder)], ["export"]):
        assert main([*words, *common, "--out", str(tmp_path / "out.h5")]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"alpha {words[0]}: error: {tmp_path / 'none'}: no results above")
        assert said.count("\n") == 1


def test_the_python_of_the_page_runs(chain, tmp_path, folder):
    """On results like those of a run."""
    copytree(results(chain), tmp_path / "results")
    folder.rename(tmp_path / "results" / "simulate")
    page = (ROOT / "docs" / "how-to" / "score.md").read_text(encoding="utf-8")
    blocks = re.findall("```python\n(.*?)```", page, re.DOTALL)
    # The script of a live feed is for its file: tests/test_ingest_run.py does the same.
    code = "".join(block for block in blocks if not block.startswith("# live.py"))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.startswith("True Counter({'rows': 856"), done.stderr
    assert done.returncode == 0, done.stderr

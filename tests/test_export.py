import hashlib
import json
import subprocess
import sys
from io import BytesIO
from shutil import copytree
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd
import pytest
from conftest import ROOT, day_frame
from scoring import MODELS, results

import alpha
from alpha.core.artifacts import write_json
from alpha.core.errors import InputError
from alpha.learn import saved
from alpha.score import export

# Only what NumPy and Numba bring with them can be imported.
BARE = """
import sys
class Bare:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        known = {*sys.stdlib_module_names, "alpha", "numpy", "numba", "llvmlite"}
        if top not in known:
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)
sys.meta_path.insert(0, Bare())
import alpha
for path in sys.argv[1:]:
    scorer = alpha.Scorer.load(path)
    for second in range(90):
        now = 1_700_000_000_000_000_000 + second * 10**9
        bid = 100.0 + second % 7
        scorer.update({"time_ns": now, "best_bid": bid, "best_ask": bid + 1})
    print(scorer.predict_row({name: at - 2.0 for at, name in enumerate(scorer.features)}).hex())
"""


@pytest.fixture
def mlp(chain, tmp_path):
    """An exported network."""
    return packed(chain, "mlp", tmp_path / "mlp.zip")


def packed(chain, model, out):
    export.run(model=results(chain) / "train" / MODELS[model], out=out)
    return out


@pytest.mark.parametrize("model", MODELS)
def test_what_is_exported_predicts_as_what_was_trained(chain, tmp_path, model):
    day = day_frame(300)
    trained = alpha.Scorer.load(results(chain) / "train" / MODELS[model])
    read = alpha.Scorer.load(packed(chain, model, tmp_path / "file.zip"))
    pd.testing.assert_series_equal(read.predict(day), trained.predict(day))
    assert (read.families, read.label) == (trained.families, trained.label)


def test_numpy_and_numba_are_all_that_scoring_needs(chain, tmp_path):
    paths = [packed(chain, model, tmp_path / f"{model}.zip") for model in MODELS]
    done = subprocess.run(
        [sys.executable, "-c", BARE, *map(str, paths)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = []
    for model in MODELS:
        scorer = alpha.Scorer.load(results(chain) / "train" / MODELS[model])
        for second in range(90):
            now = 1_700_000_000_000_000_000 + second * 10**9
            bid = 100.0 + second % 7
            scorer.update({"time_ns": now, "best_bid": bid, "best_ask": bid + 1})
        row = {name: at - 2.0 for at, name in enumerate(scorer.features)}
        expected.append(scorer.predict_row(row).hex())
    assert done.stdout.split() == expected


def test_an_export_says_what_it_is(chain, tmp_path):
    files = export.unzipped(packed(chain, "silos", tmp_path / "silos.zip"))
    found = {name: json.loads(files[name]) for name in files if name.endswith(".json")}
    assert found["contract.json"]["families"]["spread"] == "spread"
    assert found["model.json"]["label"]["horizon_seconds"] == 60
    assert found["summary.json"]["versions"]["humble-alpha"] == alpha.__version__
    assert found["summary.json"]["verdict"] is None


def test_the_verdict_of_the_same_training_goes_with_it(chain, tmp_path):
    copytree(results(chain), tmp_path / "results")
    model = tmp_path / "results" / "train" / "0" / "mlp" / "0"
    (tmp_path / "results" / "evaluate").mkdir()
    for configuration, verdict in (("1" * 64, {"name": "no_skill"}), ("2" * 64, None)):
        by_model = {"mlp": {"configuration": configuration, "verdict": {"name": "no_skill"}}}
        write_json(tmp_path / "results" / "evaluate" / "details.json", {"by_model": by_model})
        export.run(model=model, out=tmp_path / "out.zip")
        summary = export.unzipped(tmp_path / "out.zip")["summary.json"]
        assert json.loads(summary)["verdict"] == verdict
    write_json(tmp_path / "results" / "evaluate" / "details.json", [])
    with pytest.raises(InputError, match="details.json: is not what `alpha evaluate` writes"):
        export.run(model=model, out=tmp_path / "other.zip")


def test_the_same_model_is_exported_as_the_same_bytes(chain, tmp_path, monkeypatch):
    first = packed(chain, "silos", tmp_path / "first.zip")
    monkeypatch.chdir(tmp_path)
    second = packed(chain, "silos", tmp_path / "elsewhere" / "second.zip")
    assert first.read_bytes() == second.read_bytes()


def test_any_byte_that_is_changed_is_noticed(mlp):
    whole = mlp.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 200)):
        mlp.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert refusal(mlp).startswith(f"{mlp}: was changed after its export")
    for damaged in (b"", whole[:-1], whole + b"\0", b"\0" + whole):
        mlp.write_bytes(damaged)
        assert refusal(mlp).startswith(f"{mlp}: was changed after its export")
    mlp.write_bytes(whole)
    assert alpha.Scorer.load(mlp)


@pytest.mark.parametrize("name", ["summary.json", "manifest.json", "more.json", "weights.npz"])
def test_a_file_that_was_added_removed_or_replaced_is_noticed(mlp, name):
    with ZipFile(mlp) as file:
        files = {of: file.read(of) for of in file.namelist()}
    for content in (None, b"{}"):
        changed = {of: files[of] for of in files if of != name} | (
            {name: content} if content else {}
        )
        remade(mlp, sorted(changed.items()))
        if changed != files:
            assert refusal(mlp).startswith(f"{mlp}: was changed after its export")


def refusal(path):
    with pytest.raises(InputError) as caught:
        alpha.Scorer.load(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def remade(path, files, **changes):
    """A zip of these files, each as zipfile would write it but for `changes` of its entry."""
    with ZipFile(path, "w") as file:
        for name, content in files:
            entry = ZipInfo(name)
            for key, value in changes.items():
                setattr(entry, key, value)
            file.writestr(entry, content)


def test_a_zip_with_anything_else_in_it_is_refused(chain, tmp_path):
    path = packed(chain, "mlp", tmp_path / "mlp.zip")
    with ZipFile(path) as file:
        files = [(name, file.read(name)) for name in file.namelist()]
    remade(path, files)
    assert alpha.Scorer.load(path)
    for changes in (
        {"compress_type": ZIP_DEFLATED},
        {"date_time": (2026, 1, 1, 0, 0, 0)},
        {"external_attr": 0o120777 << 16},  # a link
        {"comment": b"more"},
    ):
        remade(path, files, **changes)
        assert "or `alpha export` did not write it" in refusal(path)
    for odd in ("../model.json", "/tmp/model.json", "inner/model.json", ""):
        remade(path, [*files, (odd, b"{}")])
        assert "or `alpha export` did not write it" in refusal(path)
    remade(path, files[::-1])
    assert "or `alpha export` did not write it" in refusal(path)
    with pytest.warns(UserWarning, match="Duplicate name"):
        remade(path, [*files, files[0]])
    assert "or `alpha export` did not write it" in refusal(path)


def test_a_zip_that_grows_is_not_unpacked(tmp_path, monkeypatch):
    bomb = tmp_path / "bomb.zip"
    with ZipFile(bomb, "w", ZIP_DEFLATED) as file:
        file.writestr("weights.npz", b"\0" * 50_000_000)

    def read(*_):
        raise AssertionError("must not be read")

    monkeypatch.setattr(ZipFile, "read", read)
    assert "or `alpha export` did not write it" in refusal(bomb)


def test_weights_that_grow_are_refused_whoever_hashed_them(chain, tmp_path):
    """A made-up export may have hashes that fit."""
    files = export.unzipped(packed(chain, "mlp", tmp_path / "mlp.zip"))
    with ZipFile(made := BytesIO(), "w", ZIP_DEFLATED) as file:
        file.writestr("000.npy", b"\0" * 1_000_000)
    files["weights.npz"] = made.getvalue()
    assert "holds no mlp: weights must not be compressed" in refusal(forged(tmp_path, files))


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("architecture.json", b"[]", "holds no mlp: "),
        ("architecture.json", b'{"class_name": "Functional"}', "holds no mlp: 'config'"),
        ("architecture.json", b"[" * 100_000, "is not JSON: "),
        (
            "scale.json",
            b'{"center": [0, 0], "sigma": 1}',
            "center must have a number for each of 1 outputs",
        ),
        ("scale.json", b'{"center": "x", "sigma": 1}', "holds no mlp: "),
        ("weights.npz", b"PK", "holds no mlp: "),
    ],
)
def test_made_up_files_are_refused_in_one_line(chain, tmp_path, name, content, problem):
    files = export.unzipped(packed(chain, "mlp", tmp_path / "mlp.zip")) | {name: content}
    said = refusal(forged(tmp_path, files))
    assert said.startswith(f"{tmp_path / 'forged.zip'}")
    assert problem in said
    assert "\n" not in said


def forged(tmp_path, files):
    """An export of other files, with all hashes to match."""
    about = json.loads(files["model.json"])
    del about["sha256"]
    for name in about["files"]:
        about["files"][name] = hashlib.sha256(files[name]).hexdigest()
    files["model.json"] = json.dumps(about).encode()
    path = tmp_path / "forged.zip"
    path.write_bytes(export.zipped(files))
    return path


def test_a_model_s_own_package_is_named_where_it_is_missing(chain, tmp_path, monkeypatch):
    path = packed(chain, "lightgbm", tmp_path / "out.zip")

    def missing(_):
        raise ModuleNotFoundError("No module named 'skops'", name="skops")

    monkeypatch.setattr(saved, "loader", missing)
    assert refusal(path) == f"{path}: needs the package skops, which is missing"


def test_what_is_no_model_is_named(tmp_path):
    assert refusal(tmp_path / "none").startswith(f"{tmp_path / 'none'}: no results above it hold")
    (tmp_path / "loop.zip").symlink_to("loop.zip")
    assert refusal(tmp_path / "loop.zip").startswith(f"{tmp_path / 'loop.zip'}: no results above")
    (tmp_path / "text.zip").write_text("text")
    assert refusal(tmp_path / "text.zip") == (
        f"{tmp_path / 'text.zip'}: was changed after its export, or `alpha export` did not write it"
    )


def test_a_changed_model_is_not_exported_and_nothing_is_left(chain, tmp_path):
    copytree(results(chain), tmp_path / "results")
    model = tmp_path / "results" / "train" / "0" / "mlp" / "0"
    (model / "scale.json").write_text("{}")
    with pytest.raises(InputError, match="scale.json: was changed after training"):
        export.run(model=model, out=tmp_path / "out.zip")
    assert not list(tmp_path.glob("out*"))

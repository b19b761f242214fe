import json
from pathlib import Path

import pytest
from conftest import PARAMS_TEXT, day_frame

from alpha.__main__ import main
from alpha.core.artifacts import read_json
from alpha.guard import compare as shift
from alpha.label import profile


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with params.yaml and one feature file, labelled."""
    (tmp_path / "params.yaml").write_text(PARAMS_TEXT)
    (tmp_path / "features").mkdir()
    day_frame().to_hdf(tmp_path / "features" / "a.h5", key="df", mode="w")
    monkeypatch.chdir(tmp_path)
    relabel()
    return tmp_path


def relabel() -> None:
    assert main(["label", "--features", "features", "--out", "results/label"]) == 0


def guarded() -> int:
    words = ["--labels", "results/label", "--pins", "pins", "--out", "results/guard"]
    return main(["guard", *words])


def status() -> str:
    return shift.read(Path("results/guard")).status


def edit(old: str, new: str) -> None:
    text = Path("params.yaml").read_text()
    assert old in text
    Path("params.yaml").write_text(text.replace(old, new))


def test_a_pin_is_a_copy_of_the_profile(workplace, capsys):
    """Which the guard then knows; the same bytes every time."""
    assert main(["pin"]) == 0
    accepted = (workplace / "pins" / "labels.json").read_bytes()
    assert accepted == (workplace / "results" / "label" / profile.NAME).read_bytes()
    said = capsys.readouterr().out
    wanted = "pins/labels.json: pins 540 labels of 600 rows on 1 day. Commit it; "
    assert said == f"{wanted}`make run` compares with it.\n"
    assert guarded() == 0
    assert status() == "as_pinned"
    assert main(["pin"]) == 0
    assert capsys.readouterr().out == "pins/labels.json: is so already.\n"
    assert (workplace / "pins" / "labels.json").read_bytes() == accepted
    assert sorted(path.name for path in (workplace / "pins").iterdir()) == ["labels.json"]


def test_a_silent_shift_is_accepted_by_a_new_pin_that_says_what_moved(workplace, capsys):
    assert main(["pin"]) == 0
    path = workplace / "results" / "label" / profile.NAME
    found = read_json(path)
    found["days"]["a.h5"]["mean"] += 1e-4
    path.write_text(json.dumps(found))
    assert guarded() == 2
    capsys.readouterr()
    assert main(["pin"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Labels moved although neither params nor data changed: 1 figure on")
    assert said[2].split()[:2] == ["a.h5", "mean"]
    assert said[2].endswith("+1 bps")
    assert said[-1].endswith("Commit it; `make run` compares with it.")
    assert guarded() == 0
    assert status() == "as_pinned"


def test_a_pin_that_differs_by_rounding_alone_stays_as_it_is(workplace, capsys):
    """Two machines must not take turns at the last digit."""
    assert main(["pin"]) == 0
    path = workplace / "pins" / "labels.json"
    found = read_json(path)
    found["total"]["mean"] *= 1 + 1e-14
    path.write_text(json.dumps(found))
    before = path.read_bytes()
    capsys.readouterr()
    assert main(["pin"]) == 0
    assert capsys.readouterr().out == "pins/labels.json: is so already.\n"
    assert path.read_bytes() == before


def test_other_params_are_told_until_they_are_pinned(workplace, capsys):
    assert main(["pin"]) == 0
    edit("horizon_seconds: 60", "horizon_seconds: 120")
    relabel()
    assert guarded() == 0
    assert status() == "other_params"
    assert main(["pin"]) == 0
    assert "label.horizon_seconds from 60 to 120" in capsys.readouterr().out
    assert guarded() == 0
    assert status() == "as_pinned"


def test_other_data_is_told(workplace):
    assert main(["pin"]) == 0
    day_frame(seed=1).to_hdf(workplace / "features" / "a.h5", key="df", mode="w")
    relabel()
    assert guarded() == 0
    assert status() == "other_data"


def test_another_spelling_of_a_param_is_the_same_param(workplace):
    """60 and 60.0, and another folder."""
    assert main(["pin"]) == 0
    edit("horizon_seconds: 60", "horizon_seconds: 60.0")
    edit("dir: results/simulate", "dir: elsewhere")
    relabel()
    assert guarded() == 0
    assert status() == "as_pinned"
    assert main(["pin"]) == 0


def test_labels_of_params_as_they_were_cannot_be_pinned(workplace, capsys):
    edit("price: touch", "price: mid")
    assert main(["pin"]) == 2
    assert capsys.readouterr().err == (
        "alpha pin: error: results/label/profile.json: must be of the params as they are, with "
        'label.price "mid", found "touch"; `make run` first\n'
    )
    assert not (workplace / "pins").exists()


def test_nothing_can_be_pinned_before_there_are_labels(tmp_path, monkeypatch, capsys):
    (tmp_path / "params.yaml").write_text(PARAMS_TEXT)
    monkeypatch.chdir(tmp_path)
    assert main(["pin"]) == 2
    assert capsys.readouterr().err == (
        "alpha pin: error: results/label: holds no label profile yet; `make run` makes one\n"
    )
    assert not (tmp_path / "pins").exists()


def test_a_damaged_pin_is_replaced(workplace, capsys):
    """A conflict that git left in it, say."""
    (workplace / "pins").mkdir()
    (workplace / "pins" / "labels.json").write_text("<<<<<<< HEAD\n")
    assert guarded() == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["pin"]) == 0
    assert capsys.readouterr().out.startswith("The earlier pin cannot be read, and is replaced.")
    assert guarded() == 0
    assert status() == "as_pinned"


def test_a_damaged_profile_is_not_pinned(workplace, capsys):
    (workplace / "results" / "label" / profile.NAME).write_text("{}")
    assert main(["pin"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (workplace / "pins").exists()


def test_pins_that_cannot_be_written_are_one_line(workplace, capsys):
    (workplace / "pins").write_text("mine")
    assert main(["pin"]) == 2
    assert capsys.readouterr().err.count("\n") == 1

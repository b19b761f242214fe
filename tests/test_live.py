import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alpha.train import live

FIGURES: dict[str, Any] = {"epoch": 1, "train_loss": 0.5, "valid_loss": 0.25, "spread": None}


def watched(folder: Path | None, *epochs: dict[str, Any]) -> None:
    """As a training of at most 12 epochs would be."""
    with live.watch("mlp seed 0", epochs=12, folder=folder) as watcher:
        for best, figures in enumerate(epochs, start=1):
            watcher(FIGURES | figures, best=best)


def test_each_epoch_is_a_line_of_the_log(capsys):
    watched(None, {}, {"epoch": 2, "train_loss": float("nan")})
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "mlp seed 0: epoch 1 of 12: train 0.5000, valid 0.2500, best 1\n"
        "mlp seed 0: epoch 2 of 12: train nan, valid 0.2500, best 2\n"
    )


def test_on_a_terminal_the_bar_alone_is_shown(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    watched(None, {})
    assert capsys.readouterr().err == ""


def test_a_figure_is_in_the_files_that_dvclive_writes(tmp_path: Path, capsys):
    """Figures that were not measured are left out; what is not finite is there as text."""
    watched(tmp_path / "a" / "b", {}, {"epoch": 2, "train_loss": float("inf")})
    found = json.loads((tmp_path / "a" / "b" / "metrics.json").read_text())
    assert found == {"train_loss": "inf", "valid_loss": 0.25, "best_epoch": 2, "step": 2}
    lines = (tmp_path / "a" / "b" / "plots" / "metrics" / "train_loss.tsv").read_text()
    assert lines == "step\ttrain_loss\n1\t0.5\n2\tinf\n"
    assert "no live metrics" not in capsys.readouterr().err


def test_an_epoch_can_be_seen_while_training_goes_on(tmp_path: Path):
    with live.watch("mlp seed 0", epochs=12, folder=tmp_path) as watcher:
        watcher(FIGURES, best=1)
        while not (tmp_path / "metrics.json").exists():
            pass


def test_an_earlier_trainings_epochs_are_gone(tmp_path: Path):
    watched(tmp_path, {}, {"epoch": 2}, {"epoch": 3})
    watched(tmp_path, {})
    lines = (tmp_path / "plots" / "metrics" / "train_loss.tsv").read_text()
    assert lines == "step\ttrain_loss\n1\t0.5\n"


def test_nothing_but_its_folder_is_touched_and_no_call_is_made(tmp_path: Path, monkeypatch):
    """In a repository, within a stage that DVC runs, of somebody who is logged in."""
    seen = tmp_path / "seen"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, args):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo', 'subprocess.Popen'):\n"
        f"        os.close(os.open({str(seen)!r}, os.O_CREAT))\n"
        "sys.addaudithook(hook)\n"
    )
    project = tmp_path / "project"
    (project / ".dvc").mkdir(parents=True)
    monkeypatch.chdir(project)
    subprocess.run(["git", "init", "--quiet"], check=True)
    before = sorted(project.rglob("*"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_ROOT", str(project))
    monkeypatch.setenv("DVC_STUDIO_TOKEN", "token")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "0" * 40)
    watched(Path("live"), {})
    folder = project / "live"
    assert (folder / "metrics.json").exists()
    assert [
        path for path in sorted(project.rglob("*")) if not path.is_relative_to(folder)
    ] == before
    assert not seen.exists()


def test_without_dvclive_one_line_says_so(tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    watched(tmp_path / "live", {})
    first, epoch = capsys.readouterr().err.splitlines()
    assert first == f"no live metrics in {tmp_path / 'live'}: DVCLive is not installed"
    assert epoch.startswith("mlp seed 0: epoch 1")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    watched(tmp_path / "file" / "live", {})
    first, _ = capsys.readouterr().err.splitlines()
    assert first == f"no live metrics in {tmp_path / 'file' / 'live'}: Not a directory"


def test_a_dvclive_that_fails_is_one_line_at_the_end(tmp_path: Path, capsys):
    """Here it finds a folder where its file is to be."""
    (tmp_path / "metrics.json" / "in the way").mkdir(parents=True)
    watched(tmp_path, *[{"epoch": number} for number in range(1, 9)])
    *epochs, last = capsys.readouterr().err.splitlines()
    assert len(epochs) == 8
    assert last == f"no live metrics in {tmp_path}: DVCLive failed"


def test_a_training_that_fails_is_not_held_up(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), live.watch("mlp", epochs=1, folder=tmp_path):
        raise ZeroDivisionError


def test_the_training_itself_imports_neither_dvclive_nor_dvc(tmp_path: Path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom alpha import live, train\n"
        f"with live.watch('mlp', epochs=1, folder=Path({str(tmp_path)!r})): pass\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('dvc', 'dvclive')])\n"
    )
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"

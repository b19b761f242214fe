import json
from pathlib import Path

from alpha.learn.history import Epoch
from alpha.models.networks.training import Live


def watched(folder: Path | None, *losses: float) -> None:
    """As a training of at most 12 epochs would be, with these losses on train."""
    live = Live("mlp seed 0", 12, folder)
    for epoch, loss in enumerate(losses, start=1):
        live(Epoch(epoch, loss, 0.25), best=epoch)


def test_each_epoch_is_a_line_of_the_log(capsys):
    watched(None, 0.5, float("nan"))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        "mlp seed 0: epoch 1 of 12: train 0.5000, valid 0.2500, best 1\n"
        "mlp seed 0: epoch 2 of 12: train nan, valid 0.2500, best 2\n"
    )


def test_on_a_terminal_the_bar_alone_is_shown(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    watched(None, 0.5)
    assert capsys.readouterr().err == ""


def test_a_figure_is_in_the_files_that_dvclive_writes(tmp_path: Path, capsys):
    """Figures that were not measured are left out; what is not finite is there as text."""
    watched(tmp_path / "a" / "b", 0.5, float("inf"))
    found = json.loads((tmp_path / "a" / "b" / "metrics.json").read_text())
    assert found == {"train_loss": "inf", "valid_loss": 0.25, "best_epoch": 2, "step": 2}
    lines = (tmp_path / "a" / "b" / "plots" / "metrics" / "train_loss.tsv").read_text()
    assert lines == "step\ttrain_loss\n1\t0.5\n2\tinf\n"
    assert "no live metrics" not in capsys.readouterr().err


def test_an_earlier_trainings_epochs_are_gone(tmp_path: Path):
    watched(tmp_path, 0.5, 0.4, 0.3)
    watched(tmp_path, 0.5)
    lines = (tmp_path / "plots" / "metrics" / "train_loss.tsv").read_text()
    assert lines == "step\ttrain_loss\n1\t0.5\n"


def test_files_that_cannot_be_written_are_one_line_and_the_training_goes_on(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    watched(tmp_path / "file" / "live", 0.5, 0.4)
    first, no_files, second = capsys.readouterr().err.splitlines()
    assert first.startswith("mlp seed 0: epoch 1")
    assert no_files == f"no live metrics in {tmp_path / 'file' / 'live'}: Not a directory"
    assert second.startswith("mlp seed 0: epoch 2")

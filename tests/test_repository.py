import os
from pathlib import Path

import pytest

from alpha.history.repository import FAILED, outdated

TABLE = "results/evaluate/details.json"


def test_outside_of_dvc_nothing_is_said_to_be_out_of_date(tmp_path: Path):
    assert outdated(tmp_path, TABLE) == []


@pytest.mark.parametrize("broken", ["stages: [", "stages:\n  a: {cmd: 1, nonsense: 2}\n"])
def test_a_project_that_dvc_cannot_read_stops_nobody(tmp_path: Path, broken: str):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / "dvc.yaml").write_text(broken)
    assert outdated(tmp_path, TABLE) == []


def test_a_table_from_elsewhere_is_not_of_the_project(tmp_path: Path):
    """Its stages say nothing of it, nor does a run that failed."""
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc" / "config").write_text("[core]\n    no_scm = true\n")
    (tmp_path / "dvc.yaml").write_text("stages:\n  a: {cmd: x, deps: [in], outs: [out]}\n")
    (tmp_path / "in").touch()
    (tmp_path / FAILED).parent.mkdir()
    (tmp_path / FAILED).write_text("logs/a.log\nlogs/b/0.log\n")
    assert outdated(tmp_path, TABLE) == []
    edited, failed = outdated(tmp_path, "out")
    assert edited.startswith("Not up to date: in")
    assert failed == "The last run failed: logs/a.log, logs/b/0.log says why."
    # By `dvc repro`, say, which knows nothing of that file.
    (tmp_path / "out").write_text("made since")
    os.utime(tmp_path / FAILED, (1, 1))
    assert not any("failed" in line for line in outdated(tmp_path, "out"))

import io
from pathlib import Path

import pytest
from made_results import make

from alpha import show
from alpha.errors import InputError
from alpha.evaluation import details as evaluation_details
from alpha.params import Params
from alpha.report import numbers


def test_show_prints_each_models_figures_and_the_reports_path(
    tmp_path: Path, params: Params, capsys
):
    """In the ladder's order, within 80 columns, without colour codes when nobody looks."""
    results = make(tmp_path, rows=300)
    results.evaluate(params)
    page = tmp_path / "report.html"
    page.touch()
    show.run(evaluation=results.evaluation, report=page)
    lines = capsys.readouterr().out.splitlines()
    header = next(at for at, line in enumerate(lines) if line.startswith("model"))
    rows = lines[header + 1 : header + 4]
    assert [row.split()[0] for row in rows] == ["mean", "ridge", "mlp"]
    details = evaluation_details.read(results.evaluation)
    for row, name in zip(rows, details.models, strict=True):
        valid, test = (details.by_model[name].splits[split] for split in ("valid", "test"))
        skills = f"{numbers.spread(valid.skill)} {numbers.spread(test.skill)}"
        ranks = f"{numbers.figure(valid.rank_ic.mean)} {numbers.figure(test.rank_ic.mean)}"
        figures = f"{skills} {ranks}".replace("−", "-").replace("–", "-")
        assert row.split() == [name, *figures.split(), "not", "yet", "judged"]
    assert lines[-1] == f"Report: {page}"
    assert all(len(line) <= 80 for line in lines[:-1])
    assert not any("\x1b" in line for line in lines)


def test_show_says_when_there_is_no_report(tmp_path: Path, params: Params, capsys):
    """A path that leads nowhere is not printed as if it did."""
    results = make(tmp_path, rows=50)
    results.evaluate(params)
    show.run(evaluation=results.evaluation, report=tmp_path / "none.html")
    assert "Report: none yet at" in capsys.readouterr().out


def test_show_keeps_to_ascii_where_the_terminal_has_nothing_else(
    tmp_path: Path, params: Params, monkeypatch
):
    """± becomes +/-, and nothing fails to encode."""
    results = make(tmp_path, rows=50)
    results.evaluate(params)
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", terminal)
    show.run(evaluation=results.evaluation, report=tmp_path)
    assert b"+/-" in terminal.buffer.getvalue()


def test_show_without_an_evaluation_is_one_line_that_says_what_to_do(tmp_path: Path):
    """Nothing was run yet."""
    with pytest.raises(InputError, match="holds no evaluation yet; `make run` makes one"):
        show.run(evaluation=tmp_path, report=tmp_path / "report.html")

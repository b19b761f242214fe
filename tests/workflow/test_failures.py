import pytest

from workflow.scripts.failures import failures


def test_of_a_failed_step_its_own_line_or_the_end_of_its_traceback_is_told(tmp_path, monkeypatch):
    """Once each, without DVC's line about it; a log that is gone is not missed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.log").write_text(
        "Running stage 'a':\nalpha label: error: no\nERROR: failed to reproduce 'a': it\n"
    )
    trace = "".join(f"line {at}\n" for at in range(100)) + "ZeroDivisionError: division by zero\n"
    (tmp_path / "b.log").write_text(f"{trace}\nERROR: failed to reproduce 'b': it\n")
    (tmp_path / "failed").write_text("a.log\na.log\ngone.log\nb.log\n")
    told = list(failures(tmp_path / "failed"))
    assert told[:3] == ["alpha label: error: no", "(a.log has all of it)", ""]
    assert told[-3:] == ["line 99", "ZeroDivisionError: division by zero", "(b.log has all of it)"]
    assert len(told) < 20
    assert list(failures(tmp_path / "none")) == []


def test_of_a_step_that_the_system_ended_the_signal_is_told(tmp_path, monkeypatch):
    """As where memory ran out: the step itself could say nothing, and DVC's line is long."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.log").write_text(
        "> it\nERROR: failed to reproduce 'a': failed to run: it, exited with -9\n"
    )
    (tmp_path / "failed").write_text("a.log\n")
    said, where = failures(tmp_path / "failed")
    assert said == "a.log: ended by signal 9, as where memory ran out"
    assert where == "(a.log has all of it)"


def test_what_a_log_holds_moves_no_cursor_and_forges_no_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.log").write_text("x\x1b[2Jy\u2028alpha label: error: forged\rz\n")
    (tmp_path / "failed").write_text("a.log\n")
    told = [*failures(tmp_path / "failed")]
    assert told[1:2] == [r"x\x1b[2Jy\u2028alpha label: error: forged\rz"]
    assert all(line.isprintable() for line in told)


@pytest.mark.workflow
@pytest.mark.slow
@pytest.mark.parametrize("name", ["a b's (\u00fc) $x", "{x}\n-"])
def test_in_a_folder_of_any_name_a_failure_says_what_to_fix(miniature, tmp_path, name):
    """One step is run, which fails; Snakemake's own words stand above and below."""
    odd = miniature.copy(tmp_path / name)
    (odd.folder / "pins" / "labels.json").write_text("{")
    printed = odd.run("snakemake", "--cores", "1", fails=True)
    assert "\nalpha guard: error: pins/labels.json: is not JSON: " in printed
    assert "\n(logs/guard.log has all of it)\n" in printed

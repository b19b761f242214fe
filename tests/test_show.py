import io
from pathlib import Path

import pytest
from conftest import PARAMS_TEXT
from made_details import details, over, write

from alpha.audit.findings import Finding, Findings
from alpha.check import parse
from alpha.core.artifacts import write_json
from alpha.core.errors import InputError
from alpha.core.text import percent
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Figures
from alpha.evaluate.over_seeds import stretch
from alpha.evaluate.verdict import judge
from alpha.guard.compare import Change, Shift
from alpha.history.tries import Tried
from alpha.show import run as show

VERDICT = "skill_not_actionable"
ONCE = {"mean": 1, "silos": 1}


@pytest.fixture(autouse=True)
def no_columns(monkeypatch):
    """Whatever terminal the tests are run from."""
    monkeypatch.delenv("COLUMNS", raising=False)


def shown(
    folder: Path,
    capsys,
    *,
    model: str | None = None,
    tried: Tried = ONCE,
    made: Details | None = None,
) -> str:
    """What is printed of an evaluation."""
    write(folder / "evaluate" / "details.json", made or details())
    page = folder / "report.html"
    show.run(
        evaluation=folder / "evaluate",
        guard=folder / "guard",
        audit=folder / "audit",
        report=page,
        model=model,
        tried=tried,
    )
    return capsys.readouterr().out


def row(text: str, start: str) -> list[str]:
    """The cells of the one line that starts with `start`, where two spaces part them."""
    [line] = [line for line in text.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in line.split("  ") if cell]


def test_the_table_has_a_line_a_model_in_the_ladders_order(tmp_path, capsys):
    """With each flag below the verdict, without colours or trailing blanks when nobody looks."""
    lines = shown(tmp_path, capsys).splitlines()
    assert [line.split() for line in lines[:2]] == [
        ["skill", "skill", "hind-", "rank", "IC", "im-", "verdict"],
        ["model", "valid", "test", "[interval]", "sight", "test", "proves", "and", "flags"],
    ]
    assert [cell.split() for cell in lines[2:5]] == [
        ["mean", "0.000", "0.000", "[0.000,", "0.000]", "0.000", "0.250", "collapsed"],
        ["silos", "0.300", "0.300", "[0.200,", "0.500]", "0.300", "0.250", "yes", VERDICT],
        ["+", "label_shift"],
    ]
    assert lines[1].index("proves") == lines[3].index("yes")
    assert all(line == line.rstrip() for line in lines)
    *text, report = lines
    assert report.startswith("Report: ")  # whose path may be long
    assert all(len(line) <= 100 for line in text)
    assert not any("\x1b" in line for line in lines)


def test_the_table_of_a_full_ladder_fits_a_hundred_columns(tmp_path, capsys):
    """With the longest names and figures that are usual."""
    made = details({"silos": {"skill": over(-0.123, -0.456, -0.101)}})
    table = made.figures.table.replace({"model": {"silos": "silos_rival"}})
    made = made.model_copy(
        update={
            "models": ["silos_rival"],
            "by_model": {"silos_rival": made.by_model["silos"]},
            "figures": Figures(table),
        }
    )
    text = shown(tmp_path, capsys, made=made, tried={"silos_rival": 12345})
    assert row(text, "silos_rival")[-1] == "skill_not_actionable"
    assert "…" not in text


@pytest.mark.parametrize("columns", [80, 60])
def test_where_the_terminal_is_narrow_no_verdict_flag_name_or_interval_is_cut(
    tmp_path, capsys, monkeypatch, columns
):
    """Columns of less weight give way, and are named. COLUMNS counts where nobody looks, too."""
    monkeypatch.setenv("COLUMNS", str(columns))
    made = details({"silos": {"skill": over(-0.123, -0.456, -0.101)}})
    flags = [flag.model_copy(update={"name": "unstable_over_seeds"}) for flag in flags_of(made)]
    silos = made.by_model["silos"]
    verdict = silos.verdict.model_copy(update={"flags": flags})
    model = silos.model_copy(update={"verdict": verdict})
    made = made.model_copy(update={"by_model": made.by_model | {"silos": model}})
    text = shown(tmp_path, capsys, made=made, tried={"silos": 12345})
    *lines, _ = text.splitlines()
    assert max(map(len, lines)) <= columns
    assert "…" not in text
    cells = row(text, "silos")
    assert VERDICT in cells
    assert any("]" in cell and "[" in cell for cell in cells)
    assert row(text, " " * 20)[-1] == "+ unstable_over_seeds"
    assert "No room for tries" in text


def flags_of(made: Details):
    return made.by_model["silos"].verdict.flags


def test_no_word_of_a_dashboard_is_cut_where_the_terminal_is_narrow(tmp_path, capsys, monkeypatch):
    """Its figures are those of a wide one, over more lines."""
    wide = shown(tmp_path, capsys, model="silos").split()
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(tmp_path, capsys, model="silos")
    *lines, _ = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert sorted(text.split()) == sorted(wide)


def test_verdicts_have_colours_on_a_terminal_and_none_where_nobody_wants_them(
    tmp_path, capsys, monkeypatch
):
    """A constant that cannot be anything else is not worth a colour."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = shown(tmp_path, capsys)
    assert f"\x1b[33m{VERDICT}\x1b[0m" in text
    assert "\x1b[31mcollapsed" not in text
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in shown(tmp_path, capsys)


def test_below_the_table_stands_the_sentence_of_the_model_that_valid_chooses(tmp_path, capsys):
    """A minus that can be pasted into a calculation."""
    text = shown(tmp_path, capsys)
    assert "Best on valid is silos. It has skill, but -4 bps. More: alpha show silos\n" in text


def test_the_legend_names_the_loss_and_the_level(tmp_path, capsys):
    text = " ".join(shown(tmp_path, capsys, made=details(loss="Huber loss", tries=3)).split())
    assert "the share of the Huber loss of the best constant" in text
    assert "[interval]: at 95 %, widened for 3 tries." in text


def test_tries_that_were_counted_widen_the_interval_and_are_told(tmp_path, capsys):
    text = shown(tmp_path, capsys, tried={"mean": 1, "silos": 40})
    factor = stretch(40, level=0.95)
    low, high = 0.3 - 0.1 * factor, 0.3 + 0.2 * factor
    cells = row(text, "silos")
    assert f"[{low:.3f}, {high:.3f}]" in cells
    assert cells[6] == "40"
    told = " ".join(text.split())
    assert "Configurations evaluated on this test split: silos 40." in told
    assert "evaluate.tries is smaller, 1:" in told
    assert "luck" not in told


@pytest.mark.parametrize("model", [None, "silos"])
def test_a_sentence_has_the_interval_of_its_table(tmp_path, capsys, model):
    """Both widened for the tries that were counted; nothing else is in the sentence."""
    made = details({"silos test": {"skill": over(0.3, 0.2, 0.5), "hindsight": over(0.3, 0.2, 0.4)}})
    verdict = made.by_model["silos"].verdict
    limits, seeds = parse(PARAMS_TEXT, source="p").verdict, 2
    judged = judge(made, "silos", seeds=seeds, limits=limits, leaks=[])
    silos = made.by_model["silos"].model_copy(update={"verdict": judged})
    made = made.model_copy(update={"by_model": made.by_model | {"silos": silos}})
    assert verdict.sentence != judged.sentence
    assert "(the skill's 95 % interval is 20 % to 50 %)" in shown_flat(
        tmp_path, capsys, made=made, model=model
    )
    factor = stretch(40, level=0.95)
    low, high = 0.3 - 0.1 * factor, 0.3 + 0.2 * factor
    text = shown_flat(tmp_path, capsys, made=made, model=model, tried={"silos": 40})
    ends = f"{percent(low)} to {percent(high)}"
    assert f"(the skill's 95 % interval for the best of 40 tries is {ends})" in text
    assert f"[{low:.3f}, {high:.3f}]" in text
    assert "20 % to 50 %" not in text


def shown_flat(*args, **options) -> str:
    """As `shown`, however it is broken over lines."""
    return " ".join(shown(*args, **options).split())


def test_why_a_table_is_not_up_to_date_stands_below_it(tmp_path, capsys):
    write(tmp_path / "details.json", details())
    folders = dict.fromkeys(("evaluation", "guard", "audit", "report"), tmp_path)
    show.run(**folders, model=None, tried=ONCE, stale=["Not up to date: params.yaml (label)."])
    assert "\n\nNot up to date: params.yaml (label).\n\nReport: " in capsys.readouterr().out


def test_tries_that_the_evaluation_already_counts_are_not_counted_twice(tmp_path, capsys):
    """The stored interval is widened for 40 tries: it stays, and there is nothing to tell."""
    text = shown(tmp_path, capsys, made=details(tries=40), tried={"silos": 40})
    assert "[0.200, 0.500]" in text
    assert "Configurations evaluated" not in text


def test_fewer_counted_tries_than_the_user_says_do_not_narrow_the_interval(tmp_path, capsys):
    """They may have been made elsewhere."""
    text = shown(tmp_path, capsys, made=details(tries=9), tried={"silos": 2})
    assert "[0.200, 0.500]" in text
    assert row(text, "silos")[6] == "9"


def test_a_skill_that_may_be_the_luck_of_the_best_try_is_told(tmp_path, capsys):
    """Its interval excludes 0 for one try, and not for ten thousand."""
    made = details({"silos test": {"skill": over(0.3, 0.1, 0.5)}})
    text = " ".join(shown(tmp_path, capsys, made=made, tried={"silos": 10_000}).split())
    assert "an interval includes 0: the skill of silos may be luck." in text
    # So may one that is clear against train's constant, but not in hindsight.
    made = details({"silos test": {"skill": over(0.3, 0.29, 0.31), "hindsight": over(0.1, 0.05)}})
    text = " ".join(shown(tmp_path, capsys, made=made, tried={"silos": 10_000}).split())
    assert "the skill of silos may be luck." in text


def test_a_dashboard_starts_with_the_verdict_and_why(tmp_path, capsys):
    lines = shown(tmp_path, capsys, model="silos").splitlines()
    assert lines[:5] == [
        "silos: skill_not_actionable",
        "It has skill, but -4 bps.",
        "+ label_shift: The label moved.",
        "Ladder: Worth its complexity: it beats mean.",
        "Oracle: 60.0 % of its skill on test (50.0 % to 70.0 %).",
    ]


def test_a_dashboard_says_what_trading_earns(tmp_path, capsys):
    traded = {"trades": 1234.0, "net_bps": over(2.5, 1.0, 4.0), "bps_per_day": 61.7}
    made = details({"silos test": traded | {"drawdown_bps": 40.0, "deflated_sharpe": 0.9}})
    text = shown(tmp_path, capsys, model="silos", made=made)
    assert "Trading on paper on test" in text
    cells = ["1,234", "2.500", "[1.000, 4.000]", "61.700", "40.000", "-", "0.900"]
    assert row(text, "1,234") == cells


def test_a_dashboard_has_every_figure(tmp_path, capsys):
    text = shown(tmp_path, capsys, model="silos")
    cells = [
        row(text, start)
        for start in (
            "rank IC by day",
            "std ratio",
            "near-mean share",
            "loss (squared error)",
            "90 %",
            "10  ",
            "outcome > 10 bps",
            "1  ",
            "book",
        )
    ]
    assert cells == [
        ["rank IC by day", *["0.240"] * 3],
        ["std ratio", *["0.500"] * 3],
        ["near-mean share", *["10.0 %"] * 3],
        ["loss (squared error)", *["1e-07"] * 3],
        ["90 %", "9.00", "6.00"],
        ["10", "200", "100", "40", "100", "40.0 %", "20.0 %", "2.00", "4.0", "[2.0, 6.0]"],
        ["outcome > 10 bps", "20.0 %", "0.450", "[0.400, 0.500]", "2.50", "[2.20, 2.80]"],
        ["1", "7", "5", "0.300", "0.300", "0.300", "0.250"],
        ["book", "0.0100", "0.0020"],
    ]
    assert "less 15.0 bps. The realised outcome is an upper bound:" in " ".join(text.split())


def test_the_worst_day_comes_first_and_one_without_skill_last(tmp_path, capsys):
    text = shown(tmp_path, capsys, model="silos")
    days = [line.split()[0] for line in text.splitlines() if line.startswith("2024-")]
    assert days == ["2024-01-03", "2024-01-01", "2024-01-02"]


def test_families_are_ranked_by_what_is_lost_without_them(tmp_path, capsys):
    lines = shown(tmp_path, capsys, model="silos").splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("family"))
    assert [line.split()[0] for line in lines[start + 1 : start + 4]] == ["spread", "book", "x"]


def test_parts_that_a_model_does_not_have_are_left_out(tmp_path, capsys):
    """A class target has no threshold check, a model without families no importance."""
    made = details({"mean": {"thresholds": [], "events": [], "days": []}})
    text = shown(tmp_path, capsys, model="mean", made=made)
    for title in ("Threshold check", "Events", "Days", "Regimes", "Importance", "Oracle"):
        assert title not in text


def test_a_figure_that_is_not_available_has_its_reason(tmp_path, capsys):
    why = {"skill": "every outcome equals the train mean"}
    made = details({"silos test": {"skill": over(None), "undefined": why}})
    text = shown(tmp_path, capsys, model="silos", made=made)
    assert "Not available on test\nskill: every outcome equals the train mean\n" in text
    assert row(text, "skill  ") == ["skill", "0.300", "0.300", "-"]


def test_a_skill_without_an_interval_has_its_reason_below_the_table(tmp_path, capsys):
    """Once, however many models lack it."""
    reason = "the constant's loss falls into fewer than 2 blocks of time"
    without = {"skill": over(0.3), "undefined": {"interval of skill": reason}}
    made = details({"mean test": without, "silos test": without})
    text = shown(tmp_path, capsys, made=made)
    assert text.count(f"No interval of the skill on test: {reason}.") == 1
    assert "No interval" not in shown(tmp_path, capsys)


def test_an_unknown_model_is_one_line_with_those_that_exist(tmp_path, capsys):
    with pytest.raises(InputError, match="must be one of mean, silos, .* found 'mlp'$"):
        shown(tmp_path, capsys, model="mlp")
    with pytest.raises(InputError, match="found 'silo'; did you mean silos?"):
        shown(tmp_path, capsys, model="silo")


def test_labels_that_are_not_as_pinned_are_told_below_the_table(tmp_path, capsys):
    change = Change(key="label.horizon_seconds", pinned=60.0, found=120.0)
    shift = Shift(status="other_params", outcome="return", params=[change])
    (tmp_path / "guard").mkdir()
    write_json(tmp_path / "guard" / "shift.json", shift.model_dump())
    text = " ".join(shown(tmp_path, capsys).split())
    assert (
        "The labels are of other params (label.horizon_seconds from 60 to 120) than their pin: no "
        "figure moved. `alpha pin` accepts them." in text
    )


def test_labels_that_are_as_pinned_are_not_worth_a_line(tmp_path, capsys):
    """Nor are those of a run without a guard, or without a pin: the guard has said so, once."""
    without = shown(tmp_path, capsys)
    (tmp_path / "guard").mkdir()
    for status in ("as_pinned", "not_pinned"):
        write_json(tmp_path / "guard" / "shift.json", Shift(status=status).model_dump())
        assert shown(tmp_path, capsys) == without
    assert "The labels" not in without


@pytest.mark.parametrize("model", [None, "silos"])
def test_the_last_line_is_where_the_report_is(tmp_path, capsys, model):
    """A path that leads nowhere is not printed as if it did."""
    page = tmp_path / "report.html"
    assert shown(tmp_path, capsys, model=model).endswith(f"\nReport: none yet at {page}\n")
    page.touch()
    assert shown(tmp_path, capsys, model=model).endswith(f"\nReport: {page}\n")


@pytest.mark.parametrize("model", [None, "silos"])
def test_show_keeps_to_ascii_where_the_terminal_has_nothing_else(tmp_path, monkeypatch, model):
    """τ becomes tau, a family's own letters a question mark, and nothing fails to encode."""
    made = details(importance={"größe": over(0.1)})
    write(tmp_path / "details.json", made)
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", terminal)
    show.run(
        evaluation=tmp_path,
        guard=tmp_path,
        audit=tmp_path,
        report=tmp_path,
        model=model,
        tried=ONCE,
    )
    text = terminal.buffer.getvalue().decode("ascii")
    assert "-4 bps" in text
    if model:
        assert "gr??e" in text
        assert "tau, bps" in text


def test_what_looks_like_markup_is_printed_as_it_is(tmp_path, capsys):
    """Names come from the user's files."""
    made = details(importance={"[bold]x": over(0.1)})
    assert "[bold]x" in shown(tmp_path, capsys, model="silos", made=made)


def test_show_without_an_evaluation_is_one_line_that_says_what_to_do(tmp_path):
    """Nothing was run yet."""
    with pytest.raises(InputError, match="holds no evaluation yet; `make run` makes one"):
        show.run(
            evaluation=tmp_path,
            guard=tmp_path,
            audit=tmp_path,
            report=tmp_path / "r.html",
            model=None,
            tried=ONCE,
        )


def test_leaks_and_warnings_of_the_audit_are_named_below_the_table_and_notes_are_not(
    tmp_path, capsys
):
    assert "Audit" not in shown(tmp_path, capsys)
    one = {"where": "features", "sentence": "s", "what_to_do": "w"}
    found = [
        Finding(kind="early", columns=["return_10s"], severity="leak", **one),
        Finding(kind="drift", columns=["mid", "bid"], severity="warning", **one),
        Finding(kind="locked_quotes", columns=[], severity="note", **one),
    ]
    (tmp_path / "audit").mkdir()
    write_json(
        tmp_path / "audit" / "findings.json", Findings(findings=found, splits="").model_dump()
    )
    text = " ".join(shown(tmp_path, capsys).split())
    assert "Audit: 1 leak (early return_10s), 1 warning (drift mid). What to do:" in text
    assert "locked" not in text

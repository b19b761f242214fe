from rich.padding import Padding

from alpha.history.experiments import table

COMMIT = {
    "Experiment": None, "rev": "main", "typ": "baseline", "Created": "Nov 28, 2026", "State": None,
    "best.model": "silos", "best.skill_valid": 0.3, "best.skill_test": 0.2,
    "best.verdict": "skill_not_actionable", "silos.skill_valid": 0.3, "label.horizon_seconds": 60.0,
    "silos.units": 8.0, "networks": "[mlp, silos]", "alpha/label": "a" * 32 + ".dir",
}  # fmt: skip
PARAMS = {"label": {"horizon_seconds": 60}, "silos": {"units": 8}, "networks": ["mlp", "silos"]}
WORKSPACE = {**COMMIT, "rev": "workspace", "Created": None}


def experiment(name: str, **changes) -> dict:
    return {**COMMIT, "Experiment": name, "typ": "branch_base", "Created": "09:10 AM", **changes}


def lines(*rows: dict) -> list[str]:
    return [
        f"  {part.renderable}" if isinstance(part, Padding) else str(part)
        for part in table([WORKSPACE, *rows], PARAMS)
    ]


def test_an_experiment_has_its_figures_and_what_it_changed_against_its_commit():
    """A whole number without its point; what it has in common is not repeated."""
    changed = {"label.horizon_seconds": 120.0, "networks": "[mlp]", "best.model": "mlp"}
    changed |= {"best.skill_test": -0.1, "silos.rank_ic": 0.5, "best.verdict": "no_skill"}
    assert lines(COMMIT, experiment("lucky-guess", **changed)) == [
        "experiment   created       best   valid    test  verdict",
        "main         Nov 28, 2026  silos  0.300   0.200  skill_not_actionable",
        "lucky-guess  09:10 AM      mlp    0.300  −0.100  no_skill",
        "  networks=[mlp], label.horizon_seconds=120",
    ]


def test_one_that_has_not_ended_shows_no_figures_of_its_commit():
    for state in ("Running", "Queued", "Failed"):
        *_, line, changed = lines(COMMIT, experiment("a-b", State=state, **{"silos.units": 4.0}))
        assert line.split() == ["a-b", "09:10", "AM", "–", "–", state.lower()]
        assert changed == "  silos.units=4"


def test_each_commit_has_its_own_experiments():
    other = {**COMMIT, "rev": "abc1234", "silos.units": 16.0}
    one, two = experiment("one"), experiment("two", **{"silos.units": 16.0})
    assert "  silos.units" not in "\n".join(lines(COMMIT, one, other, two))


def test_code_and_results_are_no_change_of_params():
    made = experiment("x", **{"alpha/label": "b" * 32 + ".dir", "silos.skill_valid": 0.4})
    assert not lines(COMMIT, made)[-1].startswith("  ")


def test_without_experiments_there_is_a_line_that_says_how_to_make_one():
    assert lines(COMMIT)[-1].startswith("No experiments of this commit: `dvc exp run -S ")

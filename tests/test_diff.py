import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from alpha.core.artifacts import json_text
from alpha.core.errors import InputError
from alpha.history import diff
from alpha.history.repository import ABSENT, changes

PARAMS: dict[str, Any] = {
    "data": {"dir": "market"},
    "label": {"target": "abs_max"},
    "networks": ["silos"],
    "seeds": [0],
}
DVC_YAML = """
stages:
  label:
    cmd: "-"
    deps: ["${data.dir}", alpha/labels.py]
    params: [label]
    outs:
      - results/label/labels
      - results/label/profile.json: {cache: false}
  train_networks:
    matrix: {model: "${networks}"}
    cmd: "-"
    deps: [results/label/labels, alpha/silos.py]
    outs: ["results/train/${item.model}"]
  evaluate:
    cmd: "-"
    deps: ["${data.dir}", results/train/silos]
    outs: [results/evaluate/details.json]
    metrics:
      - results/evaluate/metrics.json: {cache: false}
"""


class Project:
    """A repository whose results are made up, but recorded by DVC."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def begin(self) -> None:
        """Code, data and dvc.yaml, without a run."""
        self.git("init", "--quiet", "--initial-branch", "main")
        Repo.init(str(self.root)).close()
        for name in ("label", "train", "evaluate"):
            (self.root / "results" / name).mkdir(parents=True)
        (self.root / ".gitignore").write_text(
            "market\nresults/label/labels\nresults/train\nresults/evaluate/details.json\n"
        )
        self.write("dvc.yaml", DVC_YAML)
        self.write("market/1.h5", "one day")
        self.write("alpha/labels.py", "labels = 1")
        self.write("alpha/silos.py", "silos = 1")

    def git(self, *words: str) -> str:
        command = ["git", *words]
        done = subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def write(self, path: str, content: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content)

    def evaluate(self, models: "Models", labels: dict[str, Any], **params: Any) -> None:
        """As if all steps ran: params.yaml, results, DVC's cache and dvc.lock."""
        self.write("params.yaml", json_text({**PARAMS, **params}))
        self.write("results/label/labels", json_text(labels))
        self.write("results/label/profile.json", json_text({"total": labels}))
        self.write("results/train/silos", "weights")
        metrics = {name: headline for name, (headline, _) in models.items()}
        self.write(
            "results/evaluate/metrics.json", json.dumps({"best": metrics["silos"]} | metrics)
        )
        details = {
            name: {"verdict": {"flags": [{"name": flag} for flag in flags]}}
            for name, (_, flags) in models.items()
        }
        self.write("results/evaluate/details.json", json_text({"by_model": details}))
        self.record()

    def record(self) -> None:
        with Repo(str(self.root)) as repo:
            repo.commit(force=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a run")

    def forget(self) -> None:
        """As in a clone that has fetched nothing."""
        for path in (self.root / ".dvc" / "cache").rglob("*"):
            if path.is_file():
                path.unlink()
        (self.root / "results" / "evaluate" / "details.json").unlink()


Models = dict[str, tuple[dict[str, Any], list[str]]]  # headline and flags by model


def labels(**other: Any) -> dict[str, Any]:
    quantiles = {"0.5": 1e-4, "0.9": 4e-4, "0.99": 20e-4, "0.999": 50e-4, "1": 1.0}
    made = {"rows": 1000, "status": {"0": 900, "2": 100}, "zero_share": 0.4}
    return made | {"quantiles": quantiles} | other


def headline(verdict: str, skill: float | None) -> dict[str, Any]:
    ends = {} if skill is None else {"test_low": skill - 0.1, "test_high": skill + 0.1}
    return {"verdict": verdict, "skill_test": skill, "rank_ic": None, **ends}


def judged(skill: float, verdict: str, *flags: str) -> Models:
    """`mean`, and `silos` with this skill on test, ± 0.1, and this verdict."""
    return {
        "mean": (headline("collapsed", 0.0), []),
        "silos": (headline(verdict, skill), list(flags)),
    }


ACTIONABLE = judged(0.3, "actionable_on_paper", "label_shift")


@pytest.fixture(scope="module")
def _nobody() -> Iterator[pytest.MonkeyPatch]:
    """Commits are by nobody in particular."""
    with pytest.MonkeyPatch.context() as patch:
        for who in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{who}_NAME", "nobody")
            patch.setenv(f"GIT_{who}_EMAIL", "nobody@localhost")
        patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        yield patch


@pytest.fixture(scope="module")
def _committed(_nobody: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Project(tmp_path_factory.mktemp("diff") / "project")
    made.root.mkdir()
    _nobody.chdir(made.root)
    made.begin()
    made.evaluate(ACTIONABLE, labels())
    made.commit()
    return made.root


@pytest.fixture
def project(_committed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """One run, which is committed."""
    shutil.copytree(_committed, tmp_path / "project", symlinks=True)
    monkeypatch.chdir(tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def said(project: Project, capsys) -> Callable[..., str]:
    """What is printed, on one line: where lines are broken depends on what is in them."""

    def said(old: str = "HEAD", new: str | None = None) -> str:
        diff.run(project.root, old, new)
        return " ".join(capsys.readouterr().out.split())

    return said


Said = Callable[..., str]


def test_a_workspace_as_committed_has_not_changed(said: Said):
    nothing = "Nothing changed: same params, same code, same results."
    assert said() == f"From HEAD to the workspace {nothing}"
    assert said("HEAD", "main") == f"From HEAD to main {nothing}"


def test_parameters_have_dotted_keys_and_both_values():
    old = {"a": {"b": 1, "c": [1, 2], "gone": "x"}, "same": 1, "section": {"d": 1}}
    new = {"new": {"e": None}, "a": {"b": 1.5, "c": [2]}, "same": 1.0}
    assert list(changes(old, new)) == [
        ("new", ABSENT, {"e": None}),
        ("a.b", 1, 1.5),
        ("a.c", [1, 2], [2]),
        ("a.gone", "x", ABSENT),
        ("section", {"d": 1}, ABSENT),
    ]


def test_true_is_not_one():
    assert list(changes({"a": 1}, {"a": True})) == [("a", 1, True)]


def test_params_are_printed_with_an_arrow(project: Project, said: Said):
    project.evaluate(ACTIONABLE, labels(), seeds=[0, 1], mlp={"hidden": [64]})
    text = said()
    assert 'Params mlp - → {"hidden": [64]} seeds [0] → [0, 1]' in text
    assert text.endswith("No result changed: every output has the same bytes.")


def test_code_that_changed_has_its_steps(project: Project, said: Said):
    project.write("alpha/silos.py", "silos = 2")
    project.evaluate(ACTIONABLE, labels())
    assert "Code alpha/silos.py changed train No result changed" in said()


def test_data_that_changed_says_how_much_there_is(project: Project, said: Said):
    project.write("market/2.h5", "another day")
    project.evaluate(ACTIONABLE, labels())
    text = said()
    assert "Data market 1 file, 0.0 MB (md5 " in text
    assert "→ 2 files, 0.0 MB (md5 " in text
    assert "Code" not in text


def test_a_shift_of_the_labels_has_both_sides_and_their_ratio(project: Project, said: Said):
    quantiles = {"0.5": 2e-4, "0.9": 4e-4, "0.99": 30e-4, "0.999": 50e-4, "1": 1.0}
    moved = labels(status={"0": 450}, zero_share=0.2, quantiles=quantiles)
    project.evaluate(ACTIONABLE, moved)
    text = said()
    assert "Labels, outcomes in bps HEAD workspace ratio rows 1,000 → 1,000 1.000" in text
    assert "labelled 900 → 450 0.500 zero share 40.0 % → 20.0 % 0.500" in text
    assert "median 1.00 → 2.00 2.000 0.9 quantile 4.00 → 4.00 1.000" in text
    assert "0.99 quantile 20.00 → 30.00 1.500 0.999 quantile 50.00 → 50.00 1.000" in text


def test_labels_without_outcomes_have_no_quantiles(project: Project, said: Said):
    project.evaluate(ACTIONABLE, labels(status={"0": 0}, zero_share=None, quantiles=None))
    assert "zero share 40.0 % → - - median 1.00 → - -" in said()


def test_quantiles_of_classes_are_codes(project: Project, said: Said):
    target = {"label": {"target": "direction"}}
    codes = dict.fromkeys(("0.5", "0.9", "0.99", "0.999"), -1.0)
    project.evaluate(ACTIONABLE, labels(quantiles=codes), **target)
    assert "median" not in said()
    project.commit()
    project.evaluate(ACTIONABLE, labels(quantiles=codes | {"0.9": 1.0}), **target)
    assert "Labels, outcomes in class codes" in said()
    assert "median -1.00 → -1.00 1.000 0.9 quantile -1.00 → 1.00" in said()


def test_a_changed_verdict_has_both_skills_and_what_became_of_flags(project: Project, said: Said):
    project.evaluate(judged(0.01, "no_skill", "overfit"), labels())
    assert (
        "Verdicts silos actionable_on_paper → no_skill "
        "test skill 0.300 [0.200, 0.400] → 0.010 [-0.090, 0.110] "
        "+ overfit, no longer label_shift "
        "The other verdicts are the same; their test skill did not move."
    ) in said()


def test_a_flag_alone_is_a_change_of_the_verdict(project: Project, said: Said):
    project.evaluate(judged(0.3, "actionable_on_paper", "label_shift", "overfit"), labels())
    assert "silos actionable_on_paper, as before" in said()
    assert "+ overfit" in said()


def test_without_a_change_the_largest_move_of_skill_is_named(project: Project, said: Said):
    project.evaluate(judged(0.303, "actionable_on_paper", "label_shift"), labels())
    moved = "test skill moved by at most 0.003 (silos: 0.300 → 0.303)."
    assert f"Verdicts No verdict changed; {moved}" in said()


def test_a_move_that_cannot_be_seen_has_no_figures(project: Project, said: Said):
    project.evaluate(judged(0.3001, "actionable_on_paper", "label_shift"), labels())
    assert "No verdict changed; test skill moved by less than 0.001." in said()


def test_models_that_came_and_went_are_named(project: Project, said: Said):
    made = ACTIONABLE | {"mlp": (headline("skill_not_actionable", 0.3), [])}
    project.evaluate(made, labels())
    assert "mlp new: skill_not_actionable, test skill 0.300 [0.200, 0.400]" in said()
    project.commit()
    project.evaluate(ACTIONABLE, labels())
    assert "mlp removed: skill_not_actionable, test skill 0.300 [0.200, 0.400]" in said()


def test_steps_that_ran_before_the_steps_they_depend_on_are_named(project: Project, said: Said):
    """As after a run that stopped between: what is evaluated is not of the labels at hand."""
    project.write("results/label/labels", "others")
    with Repo(str(project.root)) as repo:
        repo.commit("label", force=True)
    note = "In the workspace these were last run on earlier results: train: `make run` brings"
    assert note in said()


def test_two_commits_are_compared_by_what_dvc_has_of_them(project: Project, said: Said):
    project.evaluate(judged(0.0, "no_skill"), labels(), seeds=[1])
    project.commit()
    project.evaluate(ACTIONABLE, labels())
    text = said("HEAD~1", "HEAD")
    assert text.startswith("From HEAD~1 to HEAD Params seeds [0] → [1]")
    assert "silos actionable_on_paper → no_skill" in text
    assert "Nothing changed" in said("HEAD~1")


def test_a_clone_that_has_fetched_nothing_compares_what_git_has(project: Project, said: Said):
    """All but flags."""
    project.evaluate(judged(0.0, "no_skill", "overfit"), labels(rows=1), seeds=[1])
    project.commit()
    project.forget()
    text = said("HEAD~1", "HEAD")
    assert "Params seeds [0] → [1]" in text
    assert "rows 1,000 → 1 0.001" in text
    assert "silos actionable_on_paper → no_skill" in text
    assert "overfit" not in text


def test_small_results_in_the_cache_alone_are_read_there(project: Project, said: Said):
    """As of a commit of an earlier version."""
    project.write("dvc.yaml", DVC_YAML.replace(": {cache: false}", ""))
    ignored = "results/label/profile.json", "results/evaluate/metrics.json"
    project.git("rm", "--quiet", "--cached", *ignored)
    project.write(".gitignore", "market\nresults\n")
    project.evaluate(judged(0.0, "no_skill"), labels(rows=1))
    project.commit()
    assert "silos actionable_on_paper → no_skill" in said("HEAD~1", "HEAD")
    project.forget()
    for path in ignored:
        (project.root / path).unlink()
    not_there = "Not compared: HEAD has no results in this format in git, or in DVC's cache."
    assert f"Labels {not_there} Verdicts {not_there}" in said("HEAD~1", "HEAD")


def test_results_of_another_format_are_not_compared(project: Project, said: Said):
    project.write("results/evaluate/metrics.json", '{"models": 3}')
    assert (
        "Verdicts Not compared: the workspace has no results in this format: `make run` makes them"
        in said()
    )


def test_a_workspace_and_a_commit_without_any_run_say_so(project: Project, said: Said):
    project.git("rm", "--quiet", "--cached", "-r", "dvc.lock", "results")
    for path in ("dvc.lock", "results/label/profile.json", "results/evaluate/metrics.json"):
        (project.root / path).unlink()
    assert (
        "Not compared: the workspace has no results in this format: `make run` makes them" in said()
    )
    project.commit()
    assert "Not compared: HEAD has no dvc.lock: nothing was run in it." in said("HEAD", "HEAD~1")


def test_edits_since_the_last_run_are_named(project: Project, said: Said):
    project.write("params.yaml", json_text({**PARAMS, "label": {"target": "up"}}))
    project.write("alpha/silos.py", "silos = 3")
    assert (
        "The results of the workspace were made before edits of params label, alpha/silos.py: "
        "`make run` brings them up to date."
    ) in said()
    assert "No result changed" not in said()
    project.commit()
    assert "The results of HEAD were made before edits of params label." in said("HEAD", "HEAD~1")


def test_a_model_that_left_the_project_is_not_waited_for(project: Project, said: Said):
    project.write("alpha/silos.py", "silos = 3")
    project.write("dvc.yaml", DVC_YAML.replace("results/train/silos]", "alpha/labels.py]"))
    project.write("params.yaml", json_text(PARAMS | {"networks": []}))
    assert "alpha/silos.py" not in said().partition("before edits")[2]


def test_an_experiment_is_known_by_its_name(project: Project, said: Said):
    first = project.git("rev-parse", "HEAD")
    project.evaluate(ACTIONABLE, labels(), seeds=[1])
    project.commit()
    project.git("update-ref", f"refs/exps/{first[:2]}/{first[2:]}/lucky-guess", "HEAD")
    project.git("reset", "--quiet", "--hard", first)
    assert said("main", "lucky-guess").startswith("From main to lucky-guess Params seeds [0] → [1]")


def test_an_unknown_commit_is_refused(project: Project, said: Said):
    with pytest.raises(InputError, match="'nowhere': must be a commit"):
        said("nowhere")


def test_a_commit_without_params_is_refused(project: Project, said: Said):
    (project.root / "params.yaml").rename(project.root / "other.yaml")
    project.commit()
    with pytest.raises(InputError, match="HEAD: has no params.yaml here"):
        said("HEAD", "HEAD~1")
    with pytest.raises(InputError, match="workspace: has no params.yaml here"):
        said("HEAD~1")


@pytest.mark.parametrize(
    ("file", "text"), [("params.yaml", "["), ("params.yaml", "3"), ("dvc.lock", "stages: [")]
)
def test_a_damaged_file_of_a_commit_is_named(project: Project, said: Said, file: str, text: str):
    project.write(file, text)
    project.commit()
    with pytest.raises(InputError, match="(params.yaml|the stages) of HEAD: ") as raised:
        said("HEAD", "HEAD~1")
    assert "\n" not in str(raised.value)


def test_lines_are_plain_and_fit_a_hundred_columns(project: Project, capsys):
    project.evaluate(judged(0.01, "no_skill", "overfit"), labels(rows=7), words="w " * 200)
    diff.run(project.root, "HEAD", None)
    lines = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 100 and line == line.rstrip() for line in lines)
    assert not any("\x1b" in line for line in lines)

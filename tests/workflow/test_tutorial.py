"""The documentation, followed: the tutorial from its first command to its last, the Python of the
how-to pages, and what the reference says of artifacts, on the results of the tutorial."""

import json
import re
import shutil
import sys
from textwrap import indent

import pandas as pd
import pytest
from checkout import ROOT, Checkout
from documents import blocks, merge, text
from ruamel.yaml import YAML

pytestmark = pytest.mark.workflow

DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
# A quick model of each way to predict: without features, with them, and with seeds.
SMALL = {"baselines": ["mean", "har", "ridge"], "networks": [], "trees": ["lightgbm"]}
SHORTER = ("rows = 36_000", "rows = 6_000")
# The same stages without an engine to start for each.
FASTER = ("make run\n", "dvc repro --quiet\nalpha show\n")


def follow(checkout, page, sections="", *, instead=()):
    """Do what a page says, block after block, in the sections that match, with some of the code
    replaced; what its commands printed."""
    printed = []
    for block in blocks(page):
        if not re.match(sections, block.section):
            continue
        code = block.code
        for one, other in instead:
            code = code.replace(one, other)
        if block.language == "python":
            printed.append(checkout.run(sys.executable, "-c", code))
        elif block.language == "yaml":
            params = YAML().load(checkout.params)
            YAML().dump(merge(params, YAML(typ="safe").load(code)), checkout.params)
        elif block.language == "sh":
            # The environment is there already.
            code = code.replace("make ", "make --silent --assume-old=.venv/installed ")
            code = code.replace(". .venv/bin/activate", "")
            printed.append(checkout.run("bash", "-euo", "pipefail", "-c", code))
    return printed


def clone(folder):
    checkout = Checkout.clone(folder, SMALL)
    # As wide as the pages' tables.
    checkout.environment |= {"PYTHONPATH": str(checkout.folder), "COLUMNS": "100"}
    return checkout


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A clone in which the tutorial's own data was made, run and pinned; and what was printed."""
    checkout = clone(tmp_path_factory.mktemp("tutorial") / "clone")
    return checkout, follow(checkout, TUTORIAL, "[234]", instead=[SHORTER, FASTER])


def test_the_tutorial_leads_to_a_verdict_on_own_data(own):
    checkout, (made, checked, ran, pinned, committed) = own
    assert made == ""
    assert re.findall("^[a-z]+", checked, re.MULTILINE) == ["train", "valid", "test"]
    assert re.search(r"^ridge +-?\d", ran, re.MULTILINE)
    assert "First run on my data" in committed
    assert "pins/labels.json" in pinned
    assert checkout.run("git", "status", "--porcelain", "--untracked-files=no") == ""
    assert "up to date" in checkout.run("dvc", "status")


@pytest.mark.slow
def test_the_tutorial_can_be_followed_from_its_beginning_to_its_end(tmp_path):
    checkout = clone(tmp_path / "clone")
    market, one, *_, changed, back = follow(checkout, TUTORIAL, instead=[SHORTER])
    assert re.search(r"^ridge +-?\d", market, re.MULTILINE)
    assert "ridge" in one
    assert "label.horizon_seconds" in changed
    assert re.search(r"^ridge +-?\d", back, re.MULTILINE)


@pytest.mark.slow
def test_the_tutorial_prints_what_it_shows(tmp_path):
    """Under the params that it is for; networks, whose figures depend on the processor, aside."""
    checkout = clone(tmp_path / "clone")
    shutil.copy(ROOT / "tests" / "params.yaml", checkout.params)
    printed = "".join(follow(checkout, TUTORIAL, "[23]", instead=[FASTER]))
    shown = "".join(block.code for block in blocks(TUTORIAL) if block.language == "text")
    for line in re.sub("^(mlp|matched_mlp|silos) .*\n", "", shown, flags=re.MULTILINE).splitlines():
        assert line in printed, printed


@pytest.mark.parametrize("page", ["predictions"])
def test_the_python_of_a_page_runs(own, page):
    code = [one.code for one in blocks(DOCS / "how-to" / f"{page}.md") if one.language == "python"]
    own[0].run(sys.executable, "-c", "\n".join(code))


@pytest.mark.slow
def test_a_target_is_added_as_the_page_says(tmp_path):
    """Its tests pass, and fail where its reference says otherwise."""
    checkout = clone(tmp_path / "clone")
    # Each file's fragment, and what it goes above.
    above = {
        "alpha/label/targets.py": '    elif label.target == "triple_barrier"',
        "alpha/evaluate/thresholds.py": '    "end_return": "from mid',
        "tests/reference.py": '        "triple_barrier": lambda',
    }
    for block in blocks(DOCS / "how-to" / "label.md"):
        if place := above.pop(block.file, None):
            code, file = block.code.partition("\n")[2], checkout.folder / block.file
            spaces = re.match(" *", place)[0]
            was = file.read_text()
            assert was.count(place) == 1
            file.write_text(was.replace(place, f"{indent(code, spaces)}{place}"))
    assert not above
    names = checkout.folder / "alpha" / "data" / "params.py"
    names.write_text(names.read_text().replace('"triple_barrier",', '"triple_barrier", "width",'))
    tests = "pytest", "-q", "tests/test_label.py", "tests/test_thresholds.py"
    assert "passed" in checkout.run(*tests)
    reference = checkout.folder / "tests" / "reference.py"
    reference.write_text(reference.read_text().replace("lambda: up + down", "lambda: up - down"))
    assert "touch-width" in checkout.run(*tests, fails=True)


@pytest.mark.slow
def test_optuna_tunes_and_its_tries_are_counted(edited, tmp_path):
    """Optuna is no dependency: a study that proposes one value after the other stands for it."""
    (tmp_path / "optuna.py").write_text(OPTUNA)
    edited.environment["PYTHONPATH"] += f":{tmp_path}"
    follow(edited, DOCS / "how-to" / "optuna.md", instead=[("n_trials=5", "n_trials=2")])
    assert re.search(r"^lightgbm .* 3 +no +\w+$", edited.run("alpha", "show"), re.MULTILINE)


OPTUNA = """
class samplers:
    TPESampler = dict


class Trial:
    def __init__(self, number):
        self.number = number

    def suggest_float(self, name, low, high, log):
        return low + self.number * (high - low) / 10

    def suggest_int(self, name, low, high):
        return low + self.number


class Study:
    def optimize(self, objective, n_trials):
        scores = {number: objective(Trial(number)) for number in range(n_trials)}
        self.best_params = max(scores, key=scores.get)


def create_study(direction, sampler):
    return Study()
"""


@pytest.fixture
def edited(own):
    """That clone; its params are put back after the test."""
    before = own[0].params.read_bytes()
    yield own[0]
    own[0].params.write_bytes(before)


def test_two_days_a_fortnight_apart_pass_the_check(edited):
    follow(edited, DOCS / "how-to" / "data.md", "Several files")
    edited.edit({"data.dir": "two-days"})
    shown = edited.run("alpha", "check")
    assert re.findall("^[a-z]+", shown, re.MULTILINE) == ["train", "valid", "test"]


def test_families_of_the_page_hold_each_feature_once_and_one_too_few_is_said(edited):
    page = blocks(DOCS / "how-to" / "family.md")
    families = next(block.code for block in page if block.language == "yaml")
    edited.edit({"features.families": YAML(typ="safe").load(families)["features"]["families"]})
    edited.run("alpha", "check")
    edited.params.write_text(re.sub("(?m)^    other: .*\n", "", edited.params.read_text()))
    said = next(block.code for block in page if block.language == "text")
    assert edited.run("alpha", "check", fails=True) == said


def test_every_artifact_is_in_the_reference_with_its_columns(own):
    """Each file of results is of one of its sections, and has what that says."""
    folder, seen = own[0].folder / "results", set()
    said = dict(sections())
    for path in sorted(folder.rglob("*.*")):
        if path.name.startswith(".") or path.is_dir():
            continue
        name = path.relative_to(folder.parent)
        fits = [pattern for pattern in said if glob(pattern, str(name))]
        assert len(fits) == 1 or "/train/" in str(name), f"{name}: must be in artifacts.md"
        for pattern in fits:
            seen.add(pattern)
            compare(path, said[pattern])
    # There are none here of raw data, of trades and of several folds: test_ingest_run.py,
    # test_trade.py, test_schemes.py.
    others = {"results/split/rows/*.h5"}
    unseen = said.keys() - seen
    assert {of for of in unseen if "/ingest/" not in of and "/trade/" not in of} == others


def test_every_figure_is_in_the_reference(own):
    found = pd.read_csv(own[0].folder / "results" / "evaluate" / "figures.csv")["figure"]
    page = text(DOCS / "reference" / "figures.md")
    names = {re.sub("_spread$|(?<=interval of) .*", "", name) for name in found}
    assert {name for name in names if f"`{name}`" not in page} == set()


def sections():
    """What artifacts.md says, by the pattern that each of its sections begins with."""
    for part in text(DOCS / "reference" / "artifacts.md").split("\n## ")[1:]:
        pattern, _, said = part.partition("\n")
        yield pattern.strip("`"), said


def glob(pattern, name):
    """Whether a path fits: ** stands for any folders, * for a part of a name."""
    regular = re.escape(pattern).replace(r"\*\*/", "(.+/)?").replace(r"\*", "[^/]+")
    return re.fullmatch(regular, name)


def compare(path, said):
    rows = re.findall(r"^\| [`*](\S[^|]*)[`*] \|(.*?)\|.*?\|(.*)\|$", said, re.MULTILINE)
    wanted = {name: dtype.strip() for name, dtype, what in rows if "only for cl" not in what}
    if "Keys:" in said:
        keys = re.findall(r"`(\w+)`", said.partition("Keys:")[2])
        assert sorted({*json.loads(path.read_text())} - {"sha256"}) == keys, path
    elif path.suffix == ".h5":
        found = pd.read_hdf(path, "df").dtypes.astype(str).to_dict()
        features = wanted.pop("each feature", None)
        assert {name: found[name] for name in wanted} == wanted, path
        assert features or set(found) == set(wanted), path
    elif path.suffix == ".csv":
        found = pd.read_csv(path)
        assert list(found) == list(wanted), path
        for name, dtype in wanted.items():
            if found[name].notna().any():
                assert (dtype == "text") == (found[name].dtype.kind not in "if"), (path, name)

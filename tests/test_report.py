import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import PARAMS_TEXT
from hypothesis import given
from hypothesis import strategies as st
from made_results import RUNS, Results, make

from alpha import report
from alpha.errors import InputError
from alpha.evaluation import details as evaluation_details
from alpha.evaluation.details import Details, OverSeeds
from alpha.params import Params, parse
from alpha.report import content, numbers, svg
from alpha.report.inputs import Contract

VOID = {"meta", "link", "br", "img", "input", "hr"}
HOSTILE = "<script>alert(1)</script>&'\".h5"


class Page(HTMLParser):
    """The page as a browser would read it: its text, elements, ids and what it would load."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.elements: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == [], f"unclosed: {self.open}"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.links.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def write(results: Results, params: Params, **label: object) -> str:
    out = results.root / "report.html"
    report.run(
        params.label.model_copy(update=label),
        evaluation=results.evaluation,
        labels=results.labels,
        splits=results.splits,
        normalization=results.normalization,
        out=out,
    )
    return out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Results:
    """Evaluated results and their page, for tests that only read."""
    results = make(tmp_path_factory.mktemp("made"), rows=300)
    params = parse(PARAMS_TEXT, source="params.yaml")
    results.evaluate(params)
    write(results, params)
    return results


@pytest.fixture(scope="module")
def text(made: Results) -> str:
    return (made.root / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def results(made: Results, tmp_path: Path) -> Results:
    """A copy of the results to spoil."""
    return Results(Path(shutil.copytree(made.root, tmp_path / "copy")))


def edit(path: Path, change) -> None:
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


# -- the page -----------------------------------------------------------------------------


def test_page_is_well_formed_and_names_every_model_and_run(text: str):
    """Every element closes, no id is used twice, and nobody is left out."""
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    for name in ("mean", "ridge", "mlp", *RUNS):
        assert name in page.text
    assert page.elements.count("svg") == 8
    assert "not yet judged" in page.text


def test_page_loads_nothing(text: str):
    """Links stay on the page; style sheets, scripts and pictures are inside it or absent."""
    page = Page(text)
    assert page.links
    assert all(link.startswith("#") or link == "data:," for link in page.links)
    assert not {"script", "iframe", "img", "object", "embed"} & set(page.elements)
    assert "http" not in text.replace('xmlns="http', "")
    assert "@import" not in text
    assert "url(" not in text.replace("url(#", "")
    for target in (link[1:] for link in page.links if link.startswith("#")):
        assert target in page.ids


def test_same_inputs_give_the_same_bytes_whatever_the_users_matplotlib_says(
    results: Results, params: Params, text: str
):
    """No clock, no path, no settings of the machine."""
    import matplotlib

    with matplotlib.rc_context({"font.size": 30, "axes.labelpad": 30, "svg.id": "mine"}):
        assert write(results, params) == text
    assert str(results.root) not in text


def test_hostile_names_are_text_and_nothing_else(tmp_path: Path, params: Params):
    """A feature file and a feature called as a script does not become one."""
    days, features = (HOSTILE, "$x_$.h5"), (HOSTILE, "a_1", "b_1")
    results = make(tmp_path, rows=50, days=days, features=features)
    results.evaluate(params)
    text = write(results, params)
    page = Page(text)
    assert "script" not in page.elements
    assert "<script" not in text
    # As a feature file, as a family, and as a constant feature of that family.
    assert page.text.count(HOSTILE) == 4


def test_every_unwanted_count_is_on_the_page(text: str):
    """Duplicates, gaps, bad quotes, constants, NaN, ±inf and clipped values, by name."""
    page = Page(text)
    for defect in (
        "7 rows with the timestamp of another row",
        "60 rows with a step longer than 30 s in their window",
        "20 rows with a quote in their window that is not finite",
        "1 feature files without a single label",
        "1 features that are constant in train",
        "12 values in train that are NaN",
        "4 values in train that are ±inf",
        "3 feature values of test further than 10 sigmas",
        "5 feature values of valid that are NaN or ±inf",
    ):
        assert defect in page.text
    assert "do not account for" not in page.text


def test_counts_that_do_not_add_up_are_on_the_page(results: Results, params: Params):
    """The reader need not add."""
    edit(results.splits / "summary.json", lambda found: found.update(input_rows=3001))
    page = Page(write(results, params))
    assert "6 rows of the input that its counts do not account for" in page.text


def test_figures_on_the_page_are_the_evaluations(made: Results, text: str):
    """Skill with its spread, and the headline's choice by valid."""
    details = evaluation_details.read(made.evaluation)
    page = Page(text)
    for name in details.models:
        assert numbers.spread(details.by_model[name].splits["test"].skill) in page.text
    assert content.lead(details) in page.text


def test_classes_have_no_threshold_check_on_the_page(results: Results, params: Params):
    """The reason stands in its place, and nothing is in bps."""
    label = params.label.model_copy(update={"target": "loud"})
    results.evaluate(params.model_copy(update={"label": label}))
    page = Page(write(results, params, target="loud"))
    assert "Not available: outcomes of target loud are classes, not returns." in page.text
    assert page.elements.count("svg") == 6
    assert "bps" not in page.text


def test_a_page_of_undefined_figures_is_still_a_page(results: Results, params: Params):
    """Every figure of every run None, no day with labels, no feature: dashes, not errors."""

    def nothing(found):
        for level in ("by_run", "by_model"):
            for one in found[level].values():
                for split in one["splits"].values():
                    for name, value in split.items():
                        if isinstance(value, dict) and "mean" in value:
                            split[name] = {"mean": None, "spread": None, "seeds": 0}
                        elif isinstance(value, float):
                            split[name] = None
                        elif name.endswith("quantiles"):
                            split[name] = [None] * len(value)
        found.update(train_mean=None, train_std=None, hair=None)

    edit(results.evaluation / "details.json", nothing)
    empty = json.loads((results.labels / "summary.json").read_text())["days"]["blackout.h5"]
    edit(
        results.labels / "summary.json",
        lambda found: found.update(days={"a.h5": empty, "b.h5": empty}, total=empty),
    )
    edit(
        results.normalization,
        lambda found: found.update(names=[], sigma=[], nan=[], inf=[], families={}),
    )
    page = Page(write(results, params))
    assert "No model has a skill on valid" in page.text
    assert numbers.NOTHING in page.text


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("labels/summary.json", lambda x: x["total"].pop("status"), "total.status: field required"),
        ("splits/summary.json", lambda x: x.pop("counts"), "counts: field required"),
        ("normalization.json", lambda x: x["nan"].pop(), "nan must have a value for each of names"),
        ("evaluate/details.json", lambda x: x.pop("models"), "models: field required"),
    ],
)
def test_an_input_of_another_format_is_one_line_that_names_file_and_key(
    results: Results, params: Params, name: str, change, match: str
):
    """And an earlier report stays as it was."""
    before = (results.root / "report.html").read_text()
    edit(results.root / name, change)
    with pytest.raises(InputError, match=match) as caught:
        write(results, params)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (results.root / "report.html").read_text() == before


def test_a_missing_input_is_named(results: Results, params: Params):
    """A learning curve that evaluation should have left."""
    (results.evaluation / "learning_curves" / "mlp-1.csv").unlink()
    with pytest.raises(InputError, match=r"mlp-1\.csv: cannot be read"):
        write(results, params)


# -- content and numbers ------------------------------------------------------------------


def with_skills(details: Details, skills: dict[str, tuple[float | None, float | None]]) -> Details:
    """The same evaluation with other mean skills on valid and test."""
    found = details.model_dump()
    for name, pair in skills.items():
        for split, value in zip(("valid", "test"), pair, strict=True):
            over = {"mean": value, "spread": None, "seeds": int(value is not None)}
            found["by_model"][name]["splits"][split]["skill"] = over
    return Details.model_validate(found)


def test_lead_chooses_by_valid_and_reports_test(made: Results):
    """The model that happens to be best on test is not the one that is named."""
    details = evaluation_details.read(made.evaluation)
    chosen = {"mean": (0.0, 0.0), "ridge": (0.05, 0.01), "mlp": (0.04, 0.09)}
    lead = content.lead(with_skills(details, chosen))
    assert lead.startswith("The best on valid, ridge, has a skill of 0.010 on test")
    lost = {"mean": (0.0, 0.0), "ridge": (0.05, -0.01), "mlp": (None, 0.09)}
    assert "ridge, does not beat the train mean on test" in content.lead(with_skills(details, lost))
    worse = {"mean": (0.0, 0.0), "ridge": (-0.05, 0.3), "mlp": (-2.0, 0.3)}
    assert content.lead(with_skills(details, worse)).startswith("On valid, no model beats")


def test_undefined_figures_are_grouped_by_reason(made: Results):
    """The constant model's two seeds are one line."""
    details = evaluation_details.read(made.evaluation)
    assert content.undefined(details) == [
        ("the prediction is constant", ["rank IC of mean-0 and mean-1 on every split"])
    ]


def test_families_add_up_what_their_features_have():
    """Two families; one constant feature, one with NaN, one with ±inf."""
    contract = Contract(
        names=["a", "b", "c"],
        families={"a": "one", "b": "two", "c": "one"},
        sigma=[0.0, 1.0, 2.0],
        nan=[0, 3, 4],
        inf=[0, 0, 5],
        clip=10,
        rows=9,
    )
    assert content.families(contract) == [
        content.Family("one", features=2, constant=1, with_nan=1, nan=4, with_inf=1, inf=5),
        content.Family("two", features=1, constant=0, with_nan=1, nan=3, with_inf=0, inf=0),
    ]
    assert [odd.name for odd in content.oddities(contract)] == ["a", "c", "b"]


def test_numbers_read_as_people_write_them():
    """By hand: minus signs, thousands, what is undefined, and shares near their ends."""
    assert numbers.figure(-0.01234) == "−0.012"
    assert numbers.figure(-0.0001) == "0.000"
    assert numbers.figure(-121542.4) == "−121,542"
    assert numbers.figure(1.5e12) == "1.5e+12"
    assert numbers.figure(None) == numbers.count(None) == numbers.share(None) == "–"
    assert numbers.count(1234567) == "1,234,567"
    assert numbers.share(0.1234) == "12.3 %"
    assert numbers.share(0.0001) == "<0.1 %"
    assert numbers.share(0.99999) == ">99.9 %"
    assert (numbers.share(0.0), numbers.share(1.0)) == ("0.0 %", "100.0 %")
    assert numbers.spread(OverSeeds(mean=0.5, spread=0.0, seeds=2)) == "0.500 ± 0"
    assert numbers.spread(OverSeeds(mean=0.5, spread=None, seeds=1)) == "0.500"
    assert numbers.moment("2024-01-01T00:00:00") == "2024-01-01 00:00"
    assert numbers.moment("2021-07-01T14:23:59.400000001") == "2021-07-01 14:23:59"


@given(st.floats(-1e300, 1e300))
def test_a_figure_reads_back_to_its_digits(value: float):
    """No number is shown as another."""
    shown = float(numbers.figure(value).replace("−", "-").replace(",", ""))
    assert shown == pytest.approx(value, rel=0.06, abs=0.00051)


def test_pictures_take_the_pages_colours_and_keep_text_as_text():
    """Placeholders become CSS variables, markup in text is escaped, and $ is no formula."""

    def paint(ax):
        ax.plot([0, 1], [0, 1], color=svg.SERIES[1], marker="o")
        ax.set_xlabel("a <b> $x$")

    found = svg.draw("name", "a title", paint)
    assert "var(--series-2)" in found
    assert "a &lt;b&gt; $x$" in found
    assert "<style" not in found
    assert "#00" not in found
    Page(found)

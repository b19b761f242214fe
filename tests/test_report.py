import json
import math
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import PARAMS_TEXT
from hypothesis import given
from hypothesis import strategies as st
from report_details import FIGURES, FLAGS, Folders, details, make, write

from alpha.check import Params, parse
from alpha.core.errors import InputError
from alpha.evaluate.details import Details
from alpha.evaluate.details import parse as read
from alpha.label.profile import Profile
from alpha.report import content, data, numbers, svg
from alpha.report.inputs import Contract, SplitSummary
from alpha.report.plots import axes, curves, ladder

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
        self.pictures: list[str] = []
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
            if name == "data-name":
                self.pictures.append(value)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def rich() -> Details:
    return details()


@pytest.fixture(scope="module")
def few() -> Details:
    """Of two models: a page that is made faster."""
    return details(models=("mean", "silos"))


@pytest.fixture(scope="module")
def made(tmp_path_factory, rich: Details) -> Folders:
    """A rich evaluation and its page, for tests that only read."""
    folders = make(tmp_path_factory.mktemp("made"), rich)
    write(folders, parse(PARAMS_TEXT, source="params.yaml"))
    return folders


@pytest.fixture(scope="module")
def text(made: Folders) -> str:
    return (made.root / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def folders(made: Folders, tmp_path: Path) -> Folders:
    """A copy of it to spoil."""
    return Folders(Path(shutil.copytree(made.root, tmp_path / "copy")))


def edit(path: Path, change) -> None:
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


# -- the page -----------------------------------------------------------------------------


def test_page_is_well_formed_and_names_every_model_and_run(text: str, rich: Details):
    """Every element closes, no id and no picture is there twice, and nobody is left out."""
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    for name in (*rich.models, *rich.runs):
        assert name in page.text
    assert len(page.pictures) == len(set(page.pictures)) == page.elements.count("svg")


def test_every_part_has_its_pictures(text: str, rich: Details):
    """Ladder, curves, distribution, calibration, thresholds, events, slices, importance."""
    trained = ("mlp", "silos_rival", "silos", "lightgbm")
    varying = [name for name in rich.models if name not in ("zero", "mean", "median")]
    assert sorted(Page(text).pictures) == sorted(
        [
            "skill",
            "rank_ic",
            "differences",
            "oracle-share",
            *(f"learning-{name}" for name in trained),
            *(f"distribution-{name}-test" for name in varying),
            "quantiles-valid",
            "quantiles-test",
            *(f"calibration-{name}-test" for name in varying),
            "precision-test",
            "recall-test",
            "after_fees_bps-test",
            "average_precision-test",
            "decile_lift-test",
            *(f"{what}-day-test" for what in ("skill", "rank_ic")),
            *(f"{what}-volatility-regime-test" for what in ("skill", "rank_ic")),
            "importance-silos",
            "importance-silos_rival",
            "files",
        ]
    )


def test_page_loads_nothing_and_stays_small(text: str):
    """Links stay on the page; style sheets, scripts and pictures are inside it or absent."""
    page = Page(text)
    assert page.links
    assert all(link.startswith("#") or link == "data:," for link in page.links)
    assert not {"script", "iframe", "img", "object", "embed"} & set(page.elements)
    assert "http" not in text.replace('xmlns="http', "")
    assert "@import" not in text
    assert "url(" not in text.replace("url(#", "")
    for target in (link[1:] for link in page.links if link.startswith("#")):
        assert target in page.ids or f'id="{target}"' in text
    assert len(text) < 1_500_000


def test_same_inputs_give_the_same_bytes_whatever_the_users_matplotlib_says(
    tmp_path: Path, params: Params, few: Details
):
    """No clock, no path, no settings of the machine."""
    import matplotlib

    first = write(make(tmp_path / "first", few), params)
    with matplotlib.rc_context({"font.size": 30, "axes.labelpad": 30, "svg.id": "mine"}):
        assert write(make(tmp_path / "second", few), params) == first
    assert str(tmp_path) not in first


def test_the_verdict_comes_first(text: str, rich: Details):
    """The chosen model's name, verdict and sentence stand before all else, then all verdicts."""
    words = Page(text).text
    assert rich.best == "silos"
    verdict = rich.by_model["silos"].verdict
    head = words[: words.index("Target")]
    assert f"actionable on paper silos the best on valid of 10 models {verdict.sentence}" in head
    assert "0.191 [0.180, 0.202]" in head
    parts = ("Verdicts Model", "Why zero", "The ladder", "Figures that are not defined")
    places = [words.index(part) for part in parts]
    assert places == sorted(places)


def test_every_model_has_its_verdict_flags_and_place_in_the_ladder(text: str, rich: Details):
    """Sentence by sentence, and each verdict's figures by name."""
    words = Page(text).text
    for name in rich.models:
        assert rich.by_model[name].verdict.sentence in words
    for sentences in FLAGS.values():
        for name, sentence in sentences.items():
            assert f"{name.replace('_', ' ')} {sentence}" in words
    for rung in rich.ladder:
        assert rung.sentence in words
    assert words.count("std ratio test 0.410") == words.count("windows 1,234") == len(rich.models)


def test_figures_on_the_page_are_the_evaluations_with_their_intervals(text: str, rich: Details):
    """Skill, rank IC, difference, share of the oracle, after fees and events."""
    words = Page(text).text

    def shown(value, low, high, digits=3):
        figures = (numbers.figure(value, digits), numbers.ends(low, high, digits))
        assert " ".join(filter(None, figures)) in words

    for model in rich.by_model.values():
        test = model.splits["test"]
        for over in (test.skill, test.rank_ic):
            shown(over.mean, over.low, over.high)
        shown(model.oracle_share.value, model.oracle_share.low, model.oracle_share.high, 2)
        for check in test.thresholds:
            low, high = check.after_fees_low_bps, check.after_fees_high_bps
            shown(check.after_fees_bps, low, high, 2)
    for rung in rich.ladder:
        difference = rung.skill_difference
        shown(difference.value, difference.low, difference.high)
    for name in axes.varying(rich):
        for event in rich.by_model[name].splits["test"].events:
            over = event.average_precision
            shown(over.mean, over.low, over.high)


def test_tries_are_said_where_intervals_are(text: str):
    """Three tries: in the note under the verdicts, and in the reading help."""
    assert Page(text).text.count("widened for 3 tries") == 2


def test_hostile_names_are_text_and_nothing_else(tmp_path: Path, params: Params, few: Details):
    """Called as a script, a file, feature, family, event, day or reason does not become one."""
    found = few.model_dump()
    silos = found["by_model"]["silos"]
    silos["importance"] = {HOSTILE: silos["importance"]["spread"]}
    silos["splits"]["test"]["events"][0]["name"] = HOSTILE
    silos["splits"]["test"]["days"][0]["name"] = HOSTILE
    silos["verdict"]["sentence"] = HOSTILE
    silos["verdict"]["figures"] = {HOSTILE: 1.0}
    found["ladder"][1]["skill_difference"]["reason"] = HOSTILE
    days, features = (HOSTILE, "$x_$.h5"), (HOSTILE, "a_1", "b_1")
    hostile = Details.model_validate(found)
    page = Page(text := write(make(tmp_path, hostile, days=days, features=features), params))
    assert "script" not in page.elements
    assert "<script" not in text
    # Feature file, family, constant feature and its family; event; day, in two tables; the
    # sentence twice; the verdict's figure; the reason; and a bar of the importance.
    assert page.text.count(HOSTILE) == 12


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
        "12 predictions of mlp that are not finite",
    ):
        assert defect in page.text
    assert "do not account for" not in page.text


def test_counts_that_do_not_add_up_are_a_defect(made: Folders, params: Params, rich: Details):
    """The reader need not add."""
    found = json.loads((made.splits / "summary.json").read_text()) | {"input_rows": 3001}
    defects = data.defects(
        rich,
        params.label,
        read(Profile, made.labels / "profile.json"),
        SplitSummary.model_validate(found),
        read(Contract, made.normalization),
    )
    what = "rows of the input that its counts do not account for"
    assert [defect.count for defect in defects if defect.what == what] == [6]


def test_classes_have_no_threshold_check_on_the_page(tmp_path: Path, params: Params):
    """The reason stands in its place, events remain, and no outcome is in bps."""
    found = details(models=("mean", "ridge"), classes=True, oracle=False)
    page = Page(write(make(tmp_path, found), params, target="loud"))
    assert "Not available: outcomes of target loud are classes, not returns." in page.text
    assert "average_precision-test" in page.pictures
    assert not {"precision-test", "after_fees_bps-test"} & set(page.pictures)
    assert "bps" not in page.text.replace("cut at 1.10 and 2.40 bps per √s", "")


def test_the_page_says_how_labels_stand_against_their_pin(folders: Folders, params: Params):
    """In its section on data, with the command that accepts what differs."""
    assert "The labels are as pinned. " in Page(write(folders, params)).text
    move = {"day": None, "figure": "quantiles.0.5", "pinned": 1.2e-4, "found": 2e-4}
    change = {"key": "label.target", "pinned": "up", "found": "down"}
    found = {"status": "other_params", "outcome": "return", "params": [change], "moves": [move]}
    edit(folders.guard / "shift.json", lambda shift: shift.update(found))
    assert (
        'The labels are of other params (label.target from "up" to "down") than their pin: median '
        "from 1.2 bps to 2 bps. alpha pin accepts them." in Page(write(folders, params)).text
    )


def test_without_an_oracle_one_line_says_why(tmp_path: Path, params: Params):
    """And nothing else is said of it."""
    page = Page(write(make(tmp_path, details(models=("mean", "ridge"), oracle=False)), params))
    assert page.text.count("No oracle: the data is not a simulated market.") == 1
    assert page.text.count("the data is not a simulated market") == 1
    assert "oracle-share" not in page.pictures
    assert "Share of the oracle" not in page.text


def test_what_is_empty_gives_its_reason(tmp_path: Path, params: Params, few: Details):
    """Days, regimes, events, calibration and bins without content: a sentence, not a hole."""
    found = few.model_dump()
    reasons = {
        "days": "test has one day only",
        "regimes": "too few days before test",
        "events": "test has one class only",
        "calibration": "no finite prediction",
        "prediction_counts": "the label is constant",
    }
    for run in found["by_run"].values():
        run["splits"]["test"]["undefined"] = dict(reasons)
        run["splits"]["test"].update(days=[], regimes=[], calibration=[])
    for model in found["by_model"].values():
        model["splits"]["test"].update(days=[], regimes=[], events=[], prediction_counts=[])
        model["importance"] = {}
    found.update(bin_edges=[], regime_cuts=[])
    for label in found["labels"].values():
        label["counts"] = []
    page = Page(write(make(tmp_path, Details.model_validate(found)), params))
    for reason in reasons.values():
        assert f"Not available: {reason}." in page.text
    assert "families" not in page.ids


def test_a_page_of_undefined_figures_is_still_a_page(tmp_path: Path, params: Params, few: Details):
    """Every figure None, no day with labels, no feature: dashes and reasons, not errors."""
    folders = make(tmp_path, few)

    def nothing(found):
        if isinstance(found, dict):
            for name, value in found.items():
                if name in ("low", "high") and "name" not in found and "mean" not in found:
                    found[name] = None if "value" in found else value
                elif name in KEPT:
                    continue
                elif isinstance(value, float):
                    found[name] = None
                elif name.endswith("quantiles"):
                    found[name] = [None] * len(value)
                else:
                    nothing(value)
        elif isinstance(found, list):
            for value in found:
                nothing(value)

    edit(folders.evaluation / "details.json", nothing)
    empty = json.loads((folders.labels / "profile.json").read_text())["days"]["blackout.h5"]
    total = {key: value for key, value in empty.items() if key != "outcome_at_seconds"}
    edit(
        folders.labels / "profile.json",
        lambda found: found.update(days={"a.h5": empty, "b.h5": empty}, total=total),
    )
    edit(
        folders.normalization,
        lambda found: found.update(names=[], sigma=[], nan=[], inf=[], families={}),
    )
    page = Page(write(folders, params))
    assert "No model has a skill on valid" in page.text
    assert numbers.NOTHING in page.text


# What the format wants as numbers.
KEPT = {
    "level",
    "block_seconds",
    "round_trip_bps",
    "threshold_bps",
    "bin_edges",
    "quantile_levels",
    "regime_cuts",
    "classes",
    "calibration",
    "intervals",
    "importance",
    "prediction_counts",
}


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("labels/profile.json", lambda x: x["total"].pop("status"), "total.status: field required"),
        ("guard/shift.json", lambda x: x.update(status="fine"), "status: input should be 'not_"),
        ("splits/summary.json", lambda x: x.pop("counts"), "counts: field required"),
        ("normalization.json", lambda x: x["nan"].pop(), "nan must have a value for each of names"),
        ("evaluate/details.json", lambda x: x.pop("models"), "models: field required"),
    ],
)
def test_an_input_of_another_format_is_one_line_that_names_file_and_key(
    folders: Folders, params: Params, name: str, change, match: str
):
    """And an earlier report stays as it was."""
    before = (folders.root / "report.html").read_text()
    edit(folders.root / name, change)
    with pytest.raises(InputError, match=match) as caught:
        write(folders, params)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert (folders.root / "report.html").read_text() == before


def test_a_missing_input_is_named(folders: Folders, params: Params):
    """A learning curve that evaluation should have left."""
    (folders.evaluation / "learning_curves" / "mlp-1.csv").unlink()
    with pytest.raises(InputError, match=r"mlp-1\.csv: cannot be read"):
        write(folders, params)


# -- content and numbers ------------------------------------------------------------------


def with_skills(found: Details, skills: dict[str, float | None]) -> Details:
    """The same evaluation with other skills on valid; of those not named, none."""
    content = found.model_dump()
    for name in found.models:
        over = {"mean": skills.get(name), "spread": None, "seeds": 1}
        content["by_model"][name]["splits"]["valid"]["skill"] = over
    return Details.model_validate(content)


def test_the_headline_is_chosen_by_valid(rich: Details):
    """Not by test, where silos is best; of equals the lowest rung; of nothing none."""
    assert with_skills(rich, {"ridge": 0.3, "silos": 0.2}).best == "ridge"
    assert with_skills(rich, {"ridge": -0.3, "silos": -0.3}).best == "ridge"
    assert with_skills(rich, {}).best is None


def test_undefined_figures_are_grouped_by_reason(rich: Details):
    """The three constants share a reason; the ladder's and the shift's are there too."""
    found = dict(content.undefined(rich))
    constants = "zero, mean and median"
    assert found["the prediction is constant"] == [
        f"rank IC of {constants} on every split",
        f"calibration of {constants} on every split",
        f"rank IC by day of {constants} on every split",
        f"rank IC by regime of {constants} on valid and test",
    ]
    assert found["regimes are of valid and test"] == ["regimes of every model on train"]
    assert found["its resamples are all equal"] == ["difference in skill of median"]
    assert found["test has one block of time only"] == ["label shift on test"]
    assert found["no order"] == ["rank IC days of zero, mean and median on every split"]
    assert len(found) == 5


def test_a_reason_of_some_seeds_names_them():
    """Of all of a model's, the model; on some splits, these."""
    found = details(models=("mean", "mlp")).model_dump()
    for run, split in (
        ("mlp-0", "valid"),
        ("mlp-0", "test"),
        ("mlp-2", "test"),
        ("mean-0", "test"),
    ):
        found["by_run"][run]["splits"][split]["undefined"]["skill"] = "why"
    assert dict(content.undefined(Details.model_validate(found)))["why"] == [
        "skill of mean and mlp-2 on test",
        "skill of mlp-0 on valid and test",
    ]


def test_an_exploded_model_does_not_flatten_the_others(rich: Details):
    """Its skill is an arrow with the number; what is in the frame needs none."""
    found = rich.model_dump()
    found["by_model"]["har"]["splits"]["test"]["skill"]["mean"] = -121542.0
    picture = Page(ladder.headline(Details.model_validate(found), "skill")).text
    assert "−121,542" in picture
    assert "−0.85" in picture
    assert "0.19" not in picture
    assert "−100,000" not in picture


def test_slices_are_listed_worst_first():
    """By the mean over models of what is defined; without any figure last."""
    found = details(days=3).model_dump()
    skills = {"har": (0.3, 0.1, None), "ridge": (0.1, None, None)}
    for model, values in skills.items():
        for day, value in zip(
            found["by_model"][model]["splits"]["test"]["days"], values, strict=True
        ):
            day["skill"]["mean"] = value
    rows = content.slice_rows(
        Details.model_validate(found),
        ["har", "ridge"],
        lambda split: split.days,
        lambda one: one.skill,
    )
    assert [row.name for row in rows] == ["2024-01-05", "2024-01-04", "2024-01-06"]
    assert [over.mean for over in rows[0].figures] == [0.1, None]


def test_a_learning_curve_is_in_skill_of_its_own_split():
    """By hand: half the constant's loss on train, where the constant on valid loses twice."""
    assert curves.skills([0.5], train_constant=2.0, constant=2.0) == [0.5]
    assert curves.skills([0.5], train_constant=2.0, constant=4.0) == [0.75]
    assert math.isnan(curves.skills([0.5], train_constant=None, constant=1.0)[0])
    assert math.isnan(curves.skills([0.5], train_constant=1.0, constant=0.0)[0])
    assert math.isnan(curves.skills([math.nan], train_constant=1.0, constant=1.0)[0])


def test_models_that_can_be_drawn_look_different(rich: Details):
    """Colour and mark of those that vary; the constants share the muted colour."""
    assert set(axes.varying(rich)) == set(FIGURES) - {"zero", "mean", "median"}
    looks = {(axes.color(rich, name), axes.marker(rich, name)) for name in axes.varying(rich)}
    assert len(looks) == len(axes.varying(rich))
    assert {axes.series(rich, name) for name in ("zero", "mean", "median")} == {0}


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
    assert data.families(contract) == [
        data.Family("one", features=2, constant=1, with_nan=1, nan=4, with_inf=1, inf=5),
        data.Family("two", features=1, constant=0, with_nan=1, nan=3, with_inf=0, inf=0),
    ]
    assert [odd.name for odd in data.oddities(contract)] == ["a", "c", "b"]


def test_numbers_read_as_people_write_them():
    """By hand: minus signs, thousands, what is undefined, and shares near their ends."""
    assert numbers.figure(-0.01234) == "−0.012"
    assert numbers.figure(-0.0001) == "0.000"
    assert numbers.figure(-121542.4) == "−121,542"
    assert numbers.figure(1.5e12) == "1.5e+12"
    assert numbers.figure(None) == numbers.count(None) == numbers.share(None) == "–"
    assert (numbers.brief(30.0), numbers.brief(0.5), numbers.brief(None)) == ("30", "0.500", "–")
    assert numbers.count(1234567) == "1,234,567"
    assert numbers.share(0.1234) == "12.3 %"
    assert numbers.share(0.0001) == "<0.1 %"
    assert numbers.share(0.99999) == ">99.9 %"
    assert (numbers.share(0.0), numbers.share(1.0)) == ("0.0 %", "100.0 %")
    assert (numbers.deviation(0.0), numbers.deviation(0.002)) == ("0", "0.002")
    assert numbers.ends(-0.05, 0.1) == "[−0.050, 0.100]"
    assert numbers.ends(None, 0.1) == ""
    assert numbers.words("unstable_over_seeds") == "unstable over seeds"
    assert numbers.words("rank_ic") == "rank IC"
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
        ax.plot([0, 1], [0, 1], color=svg.SERIES[2], marker="o")
        ax.set_xlabel("a <b> $x$")

    found = svg.draw("name", 'a "title" <i>', paint)
    assert "var(--series-2)" in found
    assert "a &lt;b&gt; $x$" in found
    assert "<style" not in found
    assert "#00" not in found
    assert "<i>" not in found
    Page(found)

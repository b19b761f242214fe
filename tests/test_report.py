import json
import math
import re
import shutil
from dataclasses import replace
from functools import partial
from hashlib import md5
from html.parser import HTMLParser
from pathlib import Path

import numpy
import numpy as np
import pandas as pd
import pytest
from conftest import PARAMS_TEXT
from report_details import FIGURES, FLAGS, Folders, details, make, write

from alpha.check import Params, parse
from alpha.core import frames
from alpha.core import text as numbers
from alpha.core.artifacts import parse as read
from alpha.core.artifacts import read_json, write_json
from alpha.core.errors import InputError
from alpha.data.contract import Contract, read_contract
from alpha.data.features import open_folder
from alpha.data.splits import splits_digest
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Figures, Row, table
from alpha.evaluate.folds import Block
from alpha.label.profile import Profile
from alpha.report import content, features, ladder, lines, stretch, svg
from alpha.report.content import SplitSummary

VOID = {"meta", "link", "br", "img", "input", "hr"}
# A file may have this name.
HOSTILE = "<script>alert(1)<script>&'\" onload=alert(1) href=javascript:alert(1).h5"


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
        assert not [name for name, _ in attrs if name.startswith("on")]
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
    found = read_json(path)
    change(found)
    path.write_text(json.dumps(found))


def where(found: pd.DataFrame, **columns) -> pd.Series:
    """The rows with these values in these columns; None is an empty seed."""
    rows = pd.Series(True, index=found.index)
    for name, value in columns.items():
        rows &= found[name].isna() if value is None else (found[name] == value).fillna(False)
    return rows


def changed(made: Details, change) -> Details:
    """The same evaluation, with a table that `change` made another."""
    found = made.figures.table.copy()
    other = change(found)
    return made.model_copy(update={"figures": Figures(found if other is None else other)})


def added(made: Details, rows: list[Row]) -> Details:
    return changed(made, lambda found: pd.concat([found, table(rows)], ignore_index=True))


# -- the page -----------------------------------------------------------------------------


def test_page_is_well_formed_and_names_every_model_and_run(text: str, rich: Details):
    """Every element closes, no id and no picture is there twice, and nobody is left out."""
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    for name in (*rich.models, *rich.runs):
        assert name in page.text
    assert len(page.pictures) == len(set(page.pictures)) == page.elements.count("svg")


def test_every_part_has_its_pictures(text: str, rich: Details):
    """Ladder, curves, distribution, calibration, thresholds, events, slices, hours, features."""
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
            *(f"rank-ic-hour-{name}" for name in varying),
            *(f"deciles-hour-{name}" for name in varying),
            "stretch-price",
            "stretch-predictions",
            *(f"importance-family-{name}" for name in ("silos", "silos_rival")),
            *(f"importance-feature-{name}" for name in ("silos", "silos_rival")),
            "fading",
            "drift",
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
    """The chosen model and its answers to both questions, each in its own line, and the simplest
    model that may do as well stand before all else; then what it is all of, then all verdicts."""
    words = Page(text).text
    assert rich.best == "silos"
    head = words[: words.index("Verdicts Why Audit")]
    assert (
        "actionable on paper silos the best on valid of 10 models Learnable: yes Silos learnt "
        "something. Could act on it: not proven Fees may eat it. Not proven better than: mlp mlp "
        "is simpler, and has skill; on test the difference in skill is 0.015 [−0.005, 0.035]."
    ) in head
    assert "0.191 [0.180, 0.202]" in head
    assert "Test, 945 rows 2024-01-04 00:00 – 2024-01-05 00:00 Rows 3,007 in 3 files" in head
    parts = ("Verdicts Model", "Why zero", "The ladder", "Figures that are not defined")
    places = [words.index(part) for part in parts]
    assert places == sorted(places)


def test_skill_in_hindsight_stands_beside_skill(text: str):
    """In the headline, and beneath each model's skill in the table of verdicts."""
    words = Page(text).text
    head, table = words[: words.index("Target")], words[words.index("Verdicts Model") :]
    assert "Skill in hindsight 0.178 [0.167, 0.189]" in head
    assert "0.191 [0.180, 0.202] 0.178 [0.167, 0.189]" in table


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

    for test in map(rich.on, rich.models):
        for name, digits in (
            ("skill", 3),
            ("rank_ic", 3),
            ("skill_difference", 3),
        ):
            shown(test[name].value, test[name].low, test[name].high, digits)
        for check in test.thresholds:
            fees = check["after_fees_bps"]
            shown(fees.value, fees.low, fees.high, 2)
    for name in content.varying(rich):
        for event in rich.on(name).events("average_precision"):
            precision = event["average_precision"]
            shown(precision.value, precision.low, precision.high)


def test_tries_are_said_where_intervals_are(text: str):
    """Three tries: in the note under the verdicts, and in the reading help."""
    assert Page(text).text.count("widened for 3 tries") == 2


def test_hostile_names_are_text_and_nothing_else(tmp_path: Path, params: Params, few: Details):
    """Called as a script, a file, feature, family, event, day or reason does not become one."""

    def rename(found: pd.DataFrame) -> pd.DataFrame:
        silos = where(found, model="silos", split="test", seed=None)
        found.loc[silos & (found.event == "outcome > 2 bps"), "event"] = HOSTILE
        found.loc[silos & (found.slice == "day 2024-01-04"), "slice"] = f"day {HOSTILE}"
        found.loc[where(found, figure="skill_difference", model="silos"), "reason"] = HOSTILE
        found = found.drop(found.index[found.figure.str.startswith("importance")][2:])
        found.loc[found.figure.str.startswith("importance"), ["model", "event"]] = "silos", HOSTILE
        return found

    days, features = (HOSTILE, "$x_$.h5"), (HOSTILE, "a_1", "b_1")
    verdict = few.by_model["silos"].verdict.model_copy(
        update={"sentence": HOSTILE, "figures": {HOSTILE: 1.0}}
    )
    silos = few.by_model["silos"].model_copy(update={"verdict": verdict})
    hostile = changed(few, rename).model_copy(update={"by_model": few.by_model | {"silos": silos}})
    page = Page(text := write(make(tmp_path, hostile, days=days, features=features), params))
    assert "script" not in page.elements
    assert "<script" not in text
    # Feature file, family, constant feature and its family; event; day, in two tables; the
    # sentence twice; the verdict's figure; the reason; and a bar of the importance.
    assert page.text.count(HOSTILE) == 12
    assert not [link for link in page.links if not link.startswith(("#", "data:,"))]


def test_what_turns_text_around_or_ends_a_line_is_shown_as_it_is_written(
    tmp_path: Path, params: Params, few: Details
):
    odd = "a\x1b[1m\u202e\u2028\x00b"
    verdict = few.by_model["silos"].verdict.model_copy(update={"sentence": odd})
    silos = few.by_model["silos"].model_copy(update={"verdict": verdict})
    changed_by = few.model_copy(update={"by_model": few.by_model | {"silos": silos}})
    text = write(
        make(tmp_path, changed_by, days=("a", "b"), features=("$x\u202e", "a_1", "b_1")), params
    )
    assert r"a\x1b[1m\u202e\u2028\x00b" in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_every_unwanted_count_is_on_the_page(text: str):
    """Duplicates, gaps, bad and stale quotes, constants, NaN, ±inf and clipped values, by name."""
    page = Page(text)
    for defect in (
        "7 rows with the timestamp of another row",
        "60 rows with a step longer than 30 s in their window",
        "20 rows with a quote in their window that is not finite",
        "10 rows with quotes in their window that stood still",
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
    defects = content.defects(
        rich,
        params.label,
        read(Profile, made.labels / "profile.json"),
        SplitSummary.model_validate(found),
        read_contract(made.normalization),
    )
    what = "rows of the input that its counts do not account for"
    assert list(defects.rows[defects.what == what]) == [6]


def test_classes_have_no_threshold_check_on_the_page(tmp_path: Path, params: Params):
    """The reason stands in its place, events remain, and no outcome is in bps."""
    found = details(models=("mean", "ridge"), classes=True, oracle=False)
    page = Page(write(make(tmp_path, found), params, target="large_move"))
    assert "Not available: outcomes of target large_move are classes, not returns." in page.text
    assert "average_precision-test" in page.pictures
    assert not {"precision-test", "after_fees_bps-test"} & set(page.pictures)
    assert "bps" not in page.text.replace("cut at 1.10 and 2.40 bps per √s", "")


def test_equity_and_trades_are_on_the_page(tmp_path: Path, params: Params, few: Details):
    """Of every model that varies."""
    at = {"model": "silos", "split": "test"}
    traded = [
        Row(**at, figure="trades", value=123.0),
        Row(**at, figure="net_bps", value=2.5, low=1.25, high=3.75),
        Row(**at, figure="deflated_sharpe", value=0.875),
    ]
    found = added(few, traded)
    for number, model in enumerate(found.models):
        path = tmp_path / "trade" / "equity" / f"{model}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        curve = {"equity_bps": [0.0, 5.0 * number, 3.0 * number]}
        times = [f"2024-01-05T00:{minute}0:00.000000Z" for minute in range(3)]
        pd.DataFrame({"time": times} | curve).to_csv(path, index=False)
    page = Page(write(make(tmp_path, found), params, trade=tmp_path / "trade"))
    assert "equity-silos-test" in page.pictures
    assert "silos 123 2.50 [1.25, 3.75]" in page.text
    assert "0.875" in page.text


def test_where_nothing_was_traded_the_page_says_why(tmp_path: Path, params: Params, few: Details):
    reason = "abs_max has no side: what knowing it is worth is an upper bound, not a trade"
    found = added(few, [Row(model="all", split="test", figure="trading", reason=reason)])
    page = Page(write(make(tmp_path, found), params))
    assert f"Nothing was traded: {reason}." in page.text


def test_the_page_says_how_labels_stand_against_their_pin(
    text: str, tmp_path: Path, few: Details, params: Params
):
    """In its section on data, with the command that accepts what differs."""
    assert "The labels are as pinned. " in Page(text).text
    folders = make(tmp_path, few)
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
    reasons = {
        "days": "test has one day only",
        "regimes": "too few days before test",
        "events": "test has one class only",
        "calibration": "no finite prediction",
        "prediction_counts": "the label is constant",
    }

    def without(found: pd.DataFrame) -> pd.DataFrame:
        kept = found[(found.slice == "") & ((found.event == "") | (found.model == "label"))]
        kept = kept[~where(kept, figure="count")]
        quantiles = found[found.figure == "prediction_quantile"]
        why = (
            Row(model=model, seed=seed, split="test", figure=figure, reason=reason)
            for model, seed in (name.split("-") for name in few.runs)
            for figure, reason in reasons.items()
        )
        return pd.concat([kept, quantiles, table(why)], ignore_index=True)

    empty = changed(few, without).model_copy(update={"bin_edges": [], "regime_cuts": []})
    page = Page(write(make(tmp_path, empty), params))
    for reason in reasons.values():
        assert f"Not available: {reason}." in page.text
    assert "families" not in page.ids


def test_a_page_of_undefined_figures_is_still_a_page(tmp_path: Path, params: Params, few: Details):
    """Every figure None, no day with labels, no feature: dashes and reasons, not errors."""

    def nothing(found: pd.DataFrame) -> None:
        found.loc[~found.figure.isin(("epochs", "best_epoch")), ["value", "low", "high"]] = None

    unknown = dict.fromkeys(("train_mean", "train_std", "tolerance"))
    folders = make(tmp_path, changed(few, nothing).model_copy(update=unknown))
    empty = json.loads((folders.labels / "profile.json").read_text())["days"]["blackout.h5"]
    total = {key: value for key, value in empty.items() if key != "outcome_at_seconds"}
    edit(
        folders.labels / "profile.json",
        lambda found: found.update(days={"a.h5": empty, "b.h5": empty}, total=total),
    )
    none = dict.fromkeys(("mean", "sigma", "finite", "nan", "inf"), np.zeros(0))
    contract = replace(read_contract(folders.normalization), names=(), families=(), **none)
    write_json(folders.normalization, contract.content() | {"hash": contract.hash})
    page = Page(write(folders, params))
    assert "No model has a skill on valid" in page.text
    assert numbers.NOTHING in page.text


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("labels/profile.json", lambda x: x["total"].pop("status"), "total.status: field required"),
        ("guard/shift.json", lambda x: x.update(status="fine"), "status: input should be 'not_"),
        ("splits/0/summary.json", lambda x: x.pop("counts"), "counts: field required"),
        ("normalization/0.json", lambda x: x["nan"].pop(), "its hash does not match"),
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

    def change(table: pd.DataFrame) -> None:
        for name in found.models:
            skill = where(table, model=name, split="valid", seed=None, figure="skill", slice="")
            table.loc[skill, "value"] = skills.get(name)

    return changed(found, change)


def test_the_headline_is_chosen_by_valid(rich: Details):
    """Not by test, where silos is best; of equals the lowest rung; of nothing none."""
    assert with_skills(rich, {"ridge": 0.3, "silos": 0.2}).best == "ridge"
    assert with_skills(rich, {"ridge": -0.3, "silos": -0.3}).best == "ridge"
    assert with_skills(rich, {}).best is None


def test_undefined_figures_are_grouped_by_reason(rich: Details):
    """The three constants share a reason, and what has a value may lack its interval; the label's
    shift has its reason beside it."""
    found = content.undefined(rich)
    constants = "zero, mean and median"
    assert found == {
        "the prediction is constant": [
            f"rank IC of {constants} on every split",
            f"rank IC by day of {constants} on every split",
            f"rank IC by regime of {constants} on valid and test",
        ],
        "no order": [f"rank IC days of {constants} on every split"],
        "its resamples are all equal": ["skill difference of median on test"],
    }

    def without(found: pd.DataFrame) -> None:
        for model, split in (("mlp", "valid"), ("mlp", "test"), ("mean", "test")):
            skill = where(found, model=model, seed=None, split=split, figure="skill", slice="")
            found.loc[skill, "reason"] = "why"
            found.loc[skill & (found.model == "mlp"), "value"] = None

    made = changed(details(models=("mean", "mlp")), without)
    assert content.undefined(made)["why"] == [
        "interval of the skill of mean on test",
        "skill of mlp on valid and test",
    ]


def test_an_exploded_model_does_not_flatten_the_others(rich: Details):
    """Its skill is an arrow with the number; what is in the frame needs none."""

    def explode(found: pd.DataFrame) -> None:
        har = where(found, model="har", split="test", seed=None, figure="skill", slice="")
        found.loc[har, "value"] = -121542.0

    picture = Page(ladder.headline(changed(rich, explode), "skill")).text
    assert "−121,542" in picture
    assert "−0.85" in picture
    assert "0.19" not in picture
    assert "−100,000" not in picture


def test_slices_are_listed_worst_first():
    """By the mean over models of what is defined; without any figure last."""
    skills = {"har": (0.3, 0.1, math.nan), "ridge": (0.1, math.nan, math.nan)}

    def change(found: pd.DataFrame) -> None:
        for model, values in skills.items():
            skill = where(found, model=model, split="test", seed=None, figure="skill")
            found.loc[skill & found.slice.str.startswith("day"), "value"] = values

    made = changed(details(models=("har", "ridge"), days=3), change)
    rows = content.worst_first(made, "day", "skill")
    assert list(rows.index) == ["2024-01-05", "2024-01-04", "2024-01-06"]
    assert list(rows.iloc[0]) == [20_000 // 3, 0.1, None]


def test_a_learning_curve_is_in_skill_of_its_own_split():
    """By hand: half the constant's loss on train, where the constant on valid loses twice."""
    half, unknown = pd.Series([0.5]), pd.Series([math.nan])
    assert lines.skills(half, train_constant=2.0, constant=2.0)[0] == 0.5
    assert lines.skills(half, train_constant=2.0, constant=4.0)[0] == 0.75
    assert math.isnan(lines.skills(half, train_constant=None, constant=1.0)[0])
    assert math.isnan(lines.skills(half, train_constant=1.0, constant=0.0)[0])
    assert math.isnan(lines.skills(unknown, train_constant=1.0, constant=1.0)[0])


def test_models_that_can_be_drawn_look_different(rich: Details):
    """Colour and mark of those that vary; the constants share the muted colour."""
    assert set(content.varying(rich)) == set(FIGURES) - {"zero", "mean", "median"}
    looks = {(svg.color(rich, name), svg.marker(rich, name)) for name in content.varying(rich)}
    assert len(looks) == len(content.varying(rich))
    assert {svg.series(rich, name) for name in ("zero", "mean", "median")} == {0}


def test_families_add_up_what_their_features_have():
    """Two families; one constant feature, one with NaN, one with ±inf."""
    contract = Contract(
        names=("a", "b", "c"),
        families=("one", "two", "one"),
        mean=np.zeros(3),
        sigma=np.array([0.0, 1.0, 2.0]),
        finite=np.array([9, 6, 0]),
        nan=np.array([0, 3, 4]),
        inf=np.array([0, 0, 5]),
        clip=10,
        rows=9,
    )
    assert content.families(contract).to_numpy().tolist() == [
        ["one", 2, 1, 1, 4, 1, 5],
        ["two", 1, 0, 1, 3, 0, 0],
    ]


def test_pictures_take_the_pages_colours_and_keep_text_as_text():
    """Placeholders become CSS variables, markup in text is escaped, and $ is no formula."""

    def paint(ax):
        ax.plot([0, 1], [0, 1], color=svg.SERIES[2], marker="o")

    found = svg.draw("name", 'a "title" <i>', paint, xlabel="a <b> $x$", ylabel="y")
    assert "var(--series-2)" in found
    assert "a &lt;b&gt; $x$" in found
    assert "<style" not in found
    assert "#00" not in found
    assert "<i>" not in found
    Page(found)


def test_findings_of_the_audit_stand_with_what_to_do_and_their_absence_is_told(
    text: str, tmp_path: Path, few: Details, params: Params
):
    folders = make(tmp_path, few)
    assert "No finding" in text
    one = {
        "kind": "early", "columns": ["spread"], "severity": "leak", "where": "features",
        "strength": 0.5, "lead_seconds": 1.0, "sentence": "spread is 1 row <early>.",
        "what_to_do": "Shift it.",
    }  # fmt: skip
    write_json(
        folders.audit / "findings.json",
        {"findings": [one], "splits": splits_digest(folders.splits.parent)},
    )
    found = write(folders, params)
    assert "No finding" not in found
    assert "spread is 1 row &lt;early&gt;." in found
    assert found.index("Shift it.") > found.index('class="chip leak"')


# -- what the page is of, over time, and features -----------------------------------------


def test_the_simplest_that_does_as_well_has_a_skill_and_is_not_proven_to_be_beaten(rich: Details):
    """Not a constant, however wide the interval; the best itself if it beats all below it."""

    def wide(found: pd.DataFrame) -> None:
        of_mean = where(found, model="mean", figure="best_difference")
        found.loc[of_mean, "low"] = -1.0

    def narrow(found: pd.DataFrame) -> None:
        found.loc[where(found, figure="best_difference"), "low"] = 0.001

    assert content.as_good(changed(rich, wide)) == "mlp"
    assert content.as_good(changed(rich, narrow)) == "silos"
    assert content.as_good(with_skills(rich, {})) is None


@pytest.mark.parametrize(
    ("names", "simulated", "market"),
    [
        (["SIM-data-01-01-2024.h5", "SIM-data-02-01-2024.h5"], True, "simulated SIM"),
        (["ETH-USD-data-01-01-2024.h5"], False, "ETH-USD"),
        (["A-data-01-01-2024.h5", "B-data-01-01-2024.h5"], False, "feature files of ethusd"),
        (["monday.h5"], False, "monday.h5"),
    ],
)
def test_the_market_is_what_file_names_begin_with_or_their_folder(
    made: Folders, params: Params, names, simulated, market
):
    labels = read(Profile, made.labels / "profile.json")
    labels = labels.model_copy(update={"days": dict.fromkeys(names)})
    data = params.data.model_copy(update={"dir": "/data/ethusd"})
    assert content.market(labels, data, simulated=simulated) == market


def test_the_page_says_how_to_find_the_commit_of_its_results(made: Folders, text: str):
    """By the digest under which dvc.lock has them; and what they are made with, and of."""
    digest = md5((made.evaluation / "details.json").read_bytes()).hexdigest()
    words = Page(text).text
    assert f"git log --oneline -S {digest} -- dvc.lock" in words
    assert f"numpy {numpy.__version__}" in words
    assert "Data 000000000000" in words


def test_every_picture_names_both_axes(text: str):
    """Outside of the frame, beside the numbers: two texts that are no number, or more."""
    for picture in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL):
        words = re.findall(r"<text[^>]*>([^<]*)</text>", picture)
        name = re.search('data-name="([^"]*)"', picture)[1]
        assert len([word for word in words if re.search("[a-z]{3}|bps", word)]) >= 2, name


def test_constants_by_construction_are_grey_and_not_in_the_threshold_check(text: str):
    """A chip of no colour; what varies comes first, and rows of dashes not at all."""
    assert 'class="chip collapsed">collapsed</span></dt>' in text  # in the reading help alone
    assert text.count('class="chip collapsed"') == 1
    check = text[text.index('aria-label="Threshold check on test"') :]
    rows = re.findall(r"</span>(\w+)</th>", check[: check.index("</table>")])
    assert rows == [name for name in FIGURES if name not in ("zero", "mean", "median")]


def test_the_stretch_is_the_hour_in_which_the_price_ranges_furthest(made: Folders, rich: Details):
    """The second; or what the params say."""
    folder = open_folder(made.features, parse(PARAMS_TEXT, source="params.yaml").data)
    path = [(made.predictions, Block(fold=0, start_ns=0, end_ns=2**62))]
    mids, found = stretch.read(None, folder, rich, ["mlp", "silos"], path)
    hour = pd.Timestamp("2024-01-05T11:00")
    assert list(mids.index[[0, -1]]) == [hour, hour + pd.Timedelta(seconds=3590)]
    assert list(found) == ["outcome", "mlp", "silos"]
    assert (found["mlp"] == 0.5 * found["outcome"]).all()
    ends = hour - pd.Timedelta(minutes=30), hour
    _, found = stretch.read(ends, folder, rich, ["mlp"], path)
    assert (len(found), found.index[0]) == (180, ends[0])


def test_a_stretch_is_of_the_fold_in_whose_block_it_begins(tmp_path, made: Folders, rich: Details):
    """Up to the end of that block."""
    folder = open_folder(made.features, parse(PARAMS_TEXT, source="params.yaml").data)
    shutil.copytree(made.predictions, tmp_path / "4")
    first = made.predictions / "mlp" / "0" / "test.h5"
    for seed in (0, 1, 2):
        frame = pd.read_hdf(first, "df")
        block = frames.Block(
            ("alpha_outcome", "prediction"), frame[["alpha_outcome"] * 2].to_numpy()
        )
        time_ns = frame.index.as_unit("ns").asi8
        inside = tmp_path / "7" / "mlp" / str(seed) / "test.h5"
        inside.parent.mkdir(parents=True)
        frames.write_frame(
            inside, time_ns[90:], [frames.Block(block.names, block.values[90:])], tz_aware=True
        )
    half = pd.Timestamp("2024-01-05T10:30")
    path = [
        (tmp_path / "4", Block(fold=4, start_ns=0, end_ns=half.value)),
        (tmp_path / "7", Block(fold=7, start_ns=half.value, end_ns=2**62)),
    ]
    ends = half - pd.Timedelta(minutes=10), half + pd.Timedelta(minutes=10)
    stretched = partial(stretch.read, path=path)
    _, found = stretched(ends, folder, rich, ["mlp"])
    assert (len(found), found.index[-1]) == (60, half - pd.Timedelta(seconds=10))
    assert (found["mlp"] == 0.5 * found["outcome"]).all()
    _, found = stretched((half, ends[1]), folder, rich, ["mlp"])
    assert (len(found), found.index[0]) == (60, half)
    assert (found["mlp"] == found["outcome"]).all()


@pytest.mark.parametrize(
    ("paths", "kind"), [pytest.param(1, "fold", marks=pytest.mark.slow), (3, "block")]
)
def test_several_folds_are_shown_one_by_one(
    tmp_path, rich: Details, params: Params, paths: int, kind: str
):
    rows = [
        Row(model=model, split="test", slice=f"{kind} {at}", figure=figure, value=value, **ends)
        for model in rich.models
        for at in range(2)
        for figure, value, ends in (
            ("rows", 500, {}),
            ("skill", 0.1 - 0.2 * at, {"low": -0.2, "high": 0.2}),
            ("rank_ic", 0.3, {"low": 0.1, "high": 0.5}),
        )
    ]
    both = pd.concat([rich.figures.table, table(rows)], ignore_index=True)
    starts = ["2024-01-04T00:00:00", "2024-01-05T00:00:00"]
    folded = {"paths": paths, "starts": starts, "figures": Figures(both)}
    found = rich.model_copy(update=folded)
    text = write(make(tmp_path, found), params)
    assert "Fold by fold" in text
    assert f'data-name="skill-{"fold" if paths == 1 else "block-of-test"}-test"' in text
    assert "2024-01-04" in text
    of_mlp = pd.read_csv(tmp_path / "evaluate" / "folds" / "mlp.csv")
    assert of_mlp.skill.tolist() == [0.1, -0.1]
    assert of_mlp.start.tolist() == starts


@pytest.mark.parametrize(
    "ends",
    [("2024-01-06T00:00", "2024-01-06T01:00"), ("2024-01-05T11:30", "2024-01-05T11:00")],
)
def test_a_stretch_without_rows_of_test_is_refused(folders: Folders, params: Params, ends):
    """As is one that ends before it starts; the times that there are are told."""
    report = params.report.model_validate({"stretch": ends})
    with pytest.raises(InputError, match=r"rows of test, .* 2024-01-05T10:00 to 2024-01-05T11"):
        write(folders, params.model_copy(update={"report": report}))


def test_a_stretch_is_of_two_moments_in_utc(params: Params):
    for wrong in (["2024-01-06T00:00"], ["2024-01-06T00:00+01:00"] * 2, ["noon", "one"]):
        with pytest.raises(ValueError, match="stretch"):
            params.report.model_validate({"stretch": wrong})


def test_features_are_listed_by_what_is_lost_without_them(made: Folders, rich: Details):
    """By the mean over models; those that no model misses last; with drift, rank IC and gaps."""
    contract = read_contract(made.normalization)
    audited = features.read(made.audit).rename(index={"spread": "unseen"})
    found = features.table(rich, audited, contract)
    assert list(found.index) == ["ask_level0", "ask_level1", "bid_level0", "spread", "unseen"]
    assert list(found) == [
        "silos_rival", "silos", "PSI valid", "PSI test", "IC", "IC late", "NaN", "±inf",
    ]  # fmt: skip
    assert list(found.loc["ask_level1"]) == pytest.approx(
        [0.018] * 2 + [0.1, 0.4, 0.05, 0.02, 12, 0]
    )
    assert found.loc["unseen", "silos"] is None


def test_an_audit_of_another_format_is_named(folders: Folders, params: Params):
    (folders.audit / "features.csv").write_text("feature\nspread\n")
    with pytest.raises(InputError, match=r"audit/features\.csv: must have a column 'psi_valid'"):
        write(folders, params)

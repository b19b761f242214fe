"""The dashboard of one model: its verdict, then every figure behind it."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alpha.core.text import NOTHING, count, ends, figure, share
from alpha.data.columns import SPLITS
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Selection
from alpha.evaluate.over_seeds import widen
from alpha.history.tries import Tried

_DAYS = 10  # at most so many are printed, the worst


class Headline(NamedTuple):
    """A model's skill on test, and its interval widened for `tries`."""

    skill: float | None
    low: float | None
    high: float | None
    tries: int
    reaches_zero: bool  # only because of tries that evaluate.tries does not count


def headline(details: Details, model: str, tried: Tried) -> Headline:
    """The interval is widened for the larger of evaluate.tries and what was counted: tries
    may have been made elsewhere, but those that are known of are never left out."""
    skill, before = details.on(model)["skill"], details.tries
    tries, level = max(before, tried.configurations.get(model, 1)), details.level
    of = skill.value, skill.low, skill.high
    low, high = widen(*of, tries=tries, level=level, already=before)
    reaches_zero = skill.low is not None and low is not None and low <= 0 < skill.low
    return Headline(skill.value, low, high, tries, reaches_zero)


def notes(details: Details, models: list[str], tried: Tried) -> list[str]:
    """What should be known of the tries behind the headlines of `models`."""
    headlines = {model: headline(details, model, tried) for model in models}
    more = {model: one.tries for model, one in headlines.items() if one.tries > details.tries}
    lines = []
    if more:
        each = ", ".join(f"{model} {tries:,}" for model, tries in more.items())
        lines.append(
            f"Configurations evaluated on this test split: {each}. evaluate.tries is smaller, "
            f"{details.tries:,}: here the intervals of skill on test are widened for all of "
            f"them, but in the report and for the verdicts only for {details.tries:,}."
        )
    luck = ", ".join(model for model, one in headlines.items() if one.reaches_zero)
    if luck:
        lines.append(f"Widened so, the interval includes 0: the skill of {luck} may be luck.")
    if tried.unread:
        lines.append(
            f"Not counted: {tried.unread:,} earlier evaluation{'s' * (tried.unread > 1)} of an "
            f"older format, or not in DVC's cache."
        )
    return lines


def dashboard(details: Details, name: str, tried: Tried) -> Iterator[RenderableType]:
    """What to print of the model `name`, from top to bottom. A part without content is left
    out; why a figure of test is not available is said at the end."""
    test, splits = details.on(name), [details.on(name, split) for split in SPLITS]
    yield _verdict(details, name, tried)
    yield _section("Figures over the seeds, by split", _figures(details, name, splits, tried))
    scale, unit = (1.0, "") if details.classes else (1e4, ", in bps")
    quantiles = [
        (f"{100 * float(level.event):g} %", *(_scaled(one, scale) for one in both))
        for level, *both in zip(
            test.events("prediction_quantile"),
            details.on("label").values("quantile"),
            test.values("prediction_quantile"),
            strict=True,
        )
    ]
    fees = figure(details.round_trip_bps, 1)
    days, regimes = (
        sorted(test.slices(kind), key=lambda one: _last_if_none(one["skill"].value))
        for kind in ("day", "regime")
    )
    more = f", the worst {_DAYS} of {len(days)}" if len(days) > _DAYS else ""
    families = sorted(
        details.on(name, "valid").events("importance"),
        key=lambda one: _last_if_none(one["importance"].value, -1.0),
    )
    for title, table in (
        (f"Quantiles on test{unit}", _table(("quantile", "label", "prediction"), quantiles)),
        (
            f"Threshold check on test. After fees: the mean realised outcome less {fees} bps. "
            f"The realised outcome is {details.threshold_meaning}",
            _grid(_CHECKS, test.thresholds),
        ),
        ("Events on test", _grid(_EVENTS, test.events("average_precision"))),
        (f"Days of test, worst first{more}", _grid(_SLICES, days[:_DAYS])),
        ("Regimes of past volatility on test, worst first", _grid(_SLICES, regimes)),
        ("Seeds", _seeds(details, name)),
        (
            "Importance of families: the skill on valid that is lost when one is permuted",
            _grid(_FAMILIES, families),
        ),
    ):
        if table.row_count:
            yield _section(title, table)
    if undefined := test.undefined:
        reasons = "\n".join(f"{what}: {reason}" for what, reason in undefined.items())
        yield _section("Not available on test", Text(reasons))


def _verdict(details: Details, name: str, tried: Tried) -> Group:
    verdict, captured = details.by_model[name].verdict, details.on(name)["oracle_share"]
    lines = [
        Text.assemble((name, "bold"), ": ", (verdict.name, "bold")),
        Text(verdict.sentence),
        *(Text(f"+ {flag.name}: {flag.sentence}") for flag in verdict.flags),
        *(Text(f"Ladder: {rung.sentence}") for rung in details.ladder if rung.model == name),
    ]
    if captured.value is not None:
        between = ""
        if captured.low is not None and captured.high is not None:
            between = f" ({share(captured.low)} to {share(captured.high)})"
        lines.append(Text(f"Oracle: {share(captured.value)} of its skill on test{between}."))
    return Group(*lines, *(Text(line) for line in notes(details, [name], tried)))


def _figures(details: Details, name: str, splits: Sequence[Selection], tried: Tried) -> Table:
    at = f"  {100 * details.level:g} % interval"
    # A loss is far below 1 where outcomes are returns.
    small = "{:.4g}".format
    cells: list[tuple[str, Cell]] = [
        ("skill", _value("skill")),
        (at, _ends("skill")),
        ("  spread over seeds", _value("skill_spread")),
        (f"loss ({details.loss})", _value("loss", lambda v: NOTHING if v is None else small(v))),
        ("rank IC", _value("rank_ic")),
        (at, _ends("rank_ic")),
        ("rank IC by day", _value("rank_ic_days")),
        ("  spread over days", _value("rank_ic_days_spread")),
        ("std ratio", _value("std_ratio")),
        ("near-mean share", _value("near_mean_share", share)),
        ("predictions not finite", _value("non_finite", count)),
    ]
    rows = [[title, *map(cell, splits)] for title, cell in cells]
    test = headline(details, name, tried)
    rows[1][-1] = ends(test.low, test.high)
    return _table(("", *SPLITS), rows)


def _seeds(details: Details, name: str) -> Table:
    rows = []
    for run in details.runs_of(name):
        train, *_, test = splits = [details.run(run, split) for split in SPLITS]
        epochs = [count(train[what].value) for what in ("epochs", "best_epoch")]
        skills = [figure(split["skill"].value) for split in splits]
        rows.append([run.rpartition("-")[2], *epochs, *skills, figure(test["rank_ic"].value)])
    titles = (f"skill {split}" for split in SPLITS)
    return _table(("seed", "epochs", "best epoch", *titles, "rank IC test"), rows)


Cell = Callable[[Selection], str]


def _value(name: str, words: Callable[[float | None], str] = figure) -> Cell:
    return lambda one: words(one[name].value)


def _digits(name: str, digits: int) -> Cell:
    return lambda one: figure(one[name].value, digits)


def _ends(name: str, digits: int = 3) -> Cell:
    return lambda one: ends(one[name].low, one[name].high, digits)


def _name(one: Selection) -> str:
    return one.name


_CHECKS: tuple[tuple[str, Cell], ...] = (
    ("τ, bps", lambda one: f"{float(one.event):g}"),
    ("label >", _value("label_above", count)),
    ("pred. >", _value("prediction_above", count)),
    ("both", _value("both", count)),
    ("windows", _value("windows", count)),
    ("precision", _value("precision", share)),
    ("recall", _value("recall", share)),
    ("lift", _digits("lift", 2)),
    ("after fees", _digits("after_fees_bps", 1)),
    ("[interval]", _ends("after_fees_bps", 1)),
)
_EVENTS: tuple[tuple[str, Cell], ...] = (
    ("event", _name),
    ("base rate", _value("base_rate", share)),
    ("PR-AUC", _value("average_precision")),
    ("[interval]", _ends("average_precision")),
    ("decile lift", _digits("decile_lift", 2)),
    ("[interval]", _ends("decile_lift", 2)),
)
_SLICES: tuple[tuple[str, Cell], ...] = (
    ("", _name),
    ("rows", _value("rows", count)),
    ("skill", _value("skill")),
    ("rank IC", _value("rank_ic")),
    ("std ratio", _value("std_ratio")),
)
_FAMILIES: tuple[tuple[str, Cell], ...] = (
    ("family", _name),
    ("skill lost", _digits("importance", 4)),
    ("spread", _digits("importance_spread", 4)),
)


def _grid(columns: Sequence[tuple[str, Cell]], rows: Sequence[Selection]) -> Table:
    header = [title for title, _ in columns]
    return _table(header, [[cell(one) for _, cell in columns] for one in rows])


def _scaled(value: float | None, scale: float) -> str:
    return figure(None if value is None else value * scale, 2)


def _last_if_none(value: float | None, sign: float = 1.0) -> tuple[bool, float]:
    return value is None, sign * (value or 0.0)


def _section(title: str, content: RenderableType) -> Padding:
    return Padding(Group(Text(title, style="bold"), content), (1, 0, 0, 0))


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """The first column is the rows' names; the others are figures, to the right."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for at, name in enumerate(header):
        table.add_column(name, justify="right" if at else "left", no_wrap=not at)
    for row in rows:
        table.add_row(*row)
    return table

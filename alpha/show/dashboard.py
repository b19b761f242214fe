"""The dashboard of one model: its verdict, then every figure behind it."""

from collections.abc import Iterator, Sequence
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
_COUNTS = {
    *("rows", "label_above", "prediction_above", "both", "windows", "non_finite"),
    *("epochs", "best_epoch"),
}
_SHARES = {"precision", "recall", "base_rate", "near_mean_share"}
_DIGITS = {
    "lift": 2,
    "decile_lift": 2,
    "after_fees_bps": 1,
    "importance": 4,
    "importance_spread": 4,
}
# Columns of tables: titles, and the figures below them; one in brackets stands for its interval.
_CHECKS = (
    "τ, bps | label > | pred. > | both | windows | precision | recall | lift | after fees "
    "| [interval]",
    "threshold label_above prediction_above both windows precision recall lift after_fees_bps "
    "[after_fees_bps]",
)
_EVENTS = (
    "event | base rate | PR-AUC | [interval] | decile lift | [interval]",
    "name base_rate average_precision [average_precision] decile_lift [decile_lift]",
)
_SLICES = " | rows | skill | rank IC | std ratio", "name rows skill rank_ic std_ratio"
_FAMILIES = "family | skill lost | spread", "name importance importance_spread"


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
    value, before_low, before_high, _ = details.on(model)["skill"]
    tries = max(details.tries, tried.configurations.get(model, 1))
    ends = value, before_low, before_high
    low, high = widen(*ends, tries=tries, level=details.level, already=details.tries)
    reaches_zero = before_low is not None and low is not None and low <= 0 < before_low
    return Headline(value, low, high, tries, reaches_zero)


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
    test, fees = details.on(name), figure(details.round_trip_bps, 1)
    days, regimes = (_sorted(test.slices(kind), "skill") for kind in ("day", "regime"))
    more = f", the worst {_DAYS} of {len(days)}" if len(days) > _DAYS else ""
    families = _sorted(details.on(name, "valid").events("importance"), "importance", sign=-1)
    after_fees = f"After fees: the mean realised outcome less {fees} bps. The realised outcome is"
    importance = "Importance of families: the skill on valid that is lost when one is permuted"
    yield _verdict(details, name, tried)
    for title, table in {
        "Figures over the seeds, by split": _figures(details, name, tried),
        f"Quantiles on test{'' if details.classes else ', in bps'}": _quantiles(details, name),
        f"Threshold check on test. {after_fees} {details.threshold_meaning}": _table(
            _CHECKS, test.thresholds
        ),
        "Events on test": _table(_EVENTS, test.events("average_precision")),
        f"Days of test, worst first{more}": _table(_SLICES, days[:_DAYS]),
        "Regimes of past volatility on test, worst first": _table(_SLICES, regimes),
        "Seeds": _seeds(details, name),
        importance: _table(_FAMILIES, families),
    }.items():
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
        known = captured.low is not None and captured.high is not None
        between = f" ({share(captured.low)} to {share(captured.high)})" if known else ""
        lines.append(Text(f"Oracle: {share(captured.value)} of its skill on test{between}."))
    return Group(*lines, *(Text(line) for line in notes(details, [name], tried)))


def _figures(details: Details, name: str, tried: Tried) -> Table:
    interval = f"  {100 * details.level:g} % interval"
    splits, test = [details.on(name, split) for split in SPLITS], headline(details, name, tried)
    table = _grid(["", *SPLITS])
    for title, what in (
        ("skill", "skill"),
        (interval, "[skill]"),
        ("  spread over seeds", "skill_spread"),
        (f"loss ({details.loss})", "loss"),
        ("rank IC", "rank_ic"),
        (interval, "[rank_ic]"),
        ("rank IC by day", "rank_ic_days"),
        ("  spread over days", "rank_ic_days_spread"),
        ("std ratio", "std_ratio"),
        ("near-mean share", "near_mean_share"),
        ("predictions not finite", "non_finite"),
    ):
        cells = [_cell(split, what) for split in splits]
        if what == "[skill]":
            cells[-1] = ends(test.low, test.high)
        table.add_row(title, *cells)
    return table


def _quantiles(details: Details, name: str) -> Table:
    label, test = details.on("label"), details.on(name)
    predicted, unit = test.events("prediction_quantile"), 1 if details.classes else 1e4
    table = _grid(["quantile", "label", "prediction"])
    for level, value in zip(predicted, label.values("quantile"), strict=True):
        both = value, level["prediction_quantile"].value
        cells = (figure(None if one is None else one * unit, 2) for one in both)
        table.add_row(f"{100 * float(level.event):g} %", *cells)
    return table


def _seeds(details: Details, name: str) -> Table:
    skills = [f"skill {split}" for split in SPLITS]
    table = _grid(["seed", "epochs", "best epoch", *skills, "rank IC test"])
    for run in details.runs_of(name):
        train, *_, test = splits = [details.run(run, split) for split in SPLITS]
        table.add_row(
            run.rpartition("-")[2],
            *(_cell(train, what) for what in ("epochs", "best_epoch")),
            *(_cell(split, "skill") for split in splits),
            _cell(test, "rank_ic"),
        )
    return table


def _table(columns: tuple[str, str], rows: Sequence[Selection]) -> Table:
    titles, names = columns
    table = _grid(titles.split("| "))
    for one in rows:
        table.add_row(*(_cell(one, name) for name in names.split()))
    return table


def _cell(one: Selection, what: str) -> str:
    """A figure as its tables show it."""
    if what == "name":
        return one.name
    if what == "threshold":
        return f"{float(one.event):g}"
    name = what.strip("[]")
    value, low, high, _ = one[name]
    if what != name:
        return ends(low, high, _DIGITS.get(name, 3))
    if name in _COUNTS:
        return count(value)
    if name in _SHARES:
        return share(value)
    if name == "loss":  # far below 1 where outcomes are returns
        return NOTHING if value is None else f"{value:.4g}"
    return figure(value, _DIGITS.get(name, 3))


def _sorted(found: list[Selection], name: str, sign: float = 1.0) -> list[Selection]:
    """By a figure, the smallest first, those without it last."""
    return sorted(found, key=lambda one: (one[name].value is None, sign * (one[name].value or 0.0)))


def _section(title: str, content: RenderableType) -> Padding:
    return Padding(Group(Text(title, style="bold"), content), (1, 0, 0, 0))


def _grid(titles: Sequence[str]) -> Table:
    """The first column is the rows' names; the others are figures, to the right."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for at, title in enumerate(titles):
        table.add_column(title.strip(), justify="right" if at else "left", no_wrap=not at)
    return table

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
from alpha.evaluate.tries import widen
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
    test = details.on(name)
    yield _verdict(details, name, tried)
    table = _table(("", *SPLITS), list(_figures(details, name, tried)))
    yield _section("Figures over the seeds, by split", table)
    scale, unit = (1.0, "") if details.classes else (1e4, ", in bps")
    columns = details.on("label").values("quantile"), test.values("prediction_quantile")
    if test.events("prediction_quantile"):
        rows = [
            (
                f"{100 * float(level.event):g} %",
                *(figure(None if one is None else one * scale, 2) for one in both),
            )
            for level, *both in zip(test.events("prediction_quantile"), *columns, strict=True)
        ]
        quantiles = _table(("quantile", "label", "prediction"), rows)
        yield _section(f"Quantiles on test{unit}", quantiles)
    if test.thresholds:
        title = (
            f"Threshold check on test. After fees: the mean realised outcome less "
            f"{figure(details.round_trip_bps, 1)} bps. The realised outcome is "
            f"{details.threshold_meaning}"
        )
        yield _section(title, _table(_CHECK, list(map(_check, test.thresholds))))
    if events := test.events("average_precision"):
        header = ("event", "base rate", "PR-AUC", "[interval]", "decile lift", "[interval]")
        yield _section("Events on test", _table(header, list(map(_event, events))))
    if days := sorted(test.slices("day"), key=lambda day: _last_if_none(day["skill"].value)):
        more = f", the worst {_DAYS} of {len(days)}" if len(days) > _DAYS else ""
        yield _section(f"Days of test, worst first{more}", _slices(days[:_DAYS]))
    if regimes := sorted(test.slices("regime"), key=lambda one: _last_if_none(one["skill"].value)):
        yield _section("Regimes of past volatility on test, worst first", _slices(regimes))
    yield _section("Seeds", _seeds(details, name))
    if families := details.on(name, "valid").events("importance"):
        title = "Importance of families: the skill on valid that is lost when one is permuted"
        lost = [
            (one["importance"].value, one["importance_spread"].value, one.name) for one in families
        ]
        lost.sort(key=lambda one: _last_if_none(None if one[0] is None else -one[0]))
        rows = [(family, figure(mean, 4), figure(spread, 4)) for mean, spread, family in lost]
        yield _section(title, _table(("family", "skill lost", "spread"), rows))
    if undefined := test.undefined:
        reasons = "\n".join(f"{what}: {reason}" for what, reason in undefined.items())
        yield _section("Not available on test", Text(reasons))


def _verdict(details: Details, name: str, tried: Tried) -> Group:
    verdict, share_of = details.by_model[name].verdict, details.on(name)["oracle_share"]
    lines = [
        Text.assemble((name, "bold"), ": ", (verdict.name, "bold")),
        Text(verdict.sentence),
        *(Text(f"+ {flag.name}: {flag.sentence}") for flag in verdict.flags),
        *(Text(f"Ladder: {rung.sentence}") for rung in details.ladder if rung.model == name),
    ]
    if share_of.value is not None:
        between = ""
        if share_of.low is not None and share_of.high is not None:
            between = f" ({share(share_of.low)} to {share(share_of.high)})"
        lines.append(Text(f"Oracle: {share(share_of.value)} of its skill on test{between}."))
    return Group(*lines, *(Text(line) for line in notes(details, [name], tried)))


def _figures(details: Details, name: str, tried: Tried) -> Iterator[Sequence[str]]:
    splits = [details.on(name, split) for split in SPLITS]
    test, at = headline(details, name, tried), f"  {100 * details.level:g} % interval"

    def row(title: str, what: str, words: Callable[[float | None], str] = figure) -> Sequence[str]:
        return title, *(words(split[what].value) for split in splits)

    yield row("skill", "skill")
    skills = [ends(split["skill"].low, split["skill"].high) for split in splits[:-1]]
    yield at, *skills, ends(test.low, test.high)
    yield row("  spread over seeds", "skill_spread")
    yield row(f"loss ({details.loss})", "loss", _small)
    yield row("rank IC", "rank_ic")
    yield at, *(ends(split["rank_ic"].low, split["rank_ic"].high) for split in splits)
    yield row("rank IC by day", "rank_ic_days")
    yield row("  spread over days", "rank_ic_days_spread")
    yield row("std ratio", "std_ratio")
    yield row("near-mean share", "near_mean_share", share)
    yield row("predictions not finite", "non_finite", count)


_CHECK = (
    *("τ, bps", "label >", "pred. >", "both", "windows", "precision", "recall", "lift"),
    *("after fees", "[interval]"),
)


def _check(one: Selection) -> Sequence[str]:
    fees = one["after_fees_bps"]
    counts = ("label_above", "prediction_above", "both", "windows")
    return (
        f"{float(one.event):g}",
        *(count(one[name].value) for name in counts),
        share(one["precision"].value),
        share(one["recall"].value),
        figure(one["lift"].value, 2),
        figure(fees.value, 1),
        ends(fees.low, fees.high, 1),
    )


def _event(one: Selection) -> Sequence[str]:
    precision, lift = one["average_precision"], one["decile_lift"]
    return (
        one.name,
        share(one["base_rate"].value),
        figure(precision.value),
        ends(precision.low, precision.high),
        figure(lift.value, 2),
        ends(lift.low, lift.high, 2),
    )


def _slices(slices: Sequence[Selection]) -> Table:
    figures = ("skill", "rank_ic", "std_ratio")
    rows = [
        (one.name, count(one["rows"].value), *(figure(one[what].value) for what in figures))
        for one in slices
    ]
    return _table(("", "rows", "skill", "rank IC", "std ratio"), rows)


def _seeds(details: Details, name: str) -> Table:
    rows = []
    for run in details.runs_of(name):
        train, *_, test = splits = [details.run(run, split) for split in SPLITS]
        rows.append(
            (
                run.rpartition("-")[2],
                count(train["epochs"].value),
                count(train["best_epoch"].value),
                *(figure(split["skill"].value) for split in splits),
                figure(test["rank_ic"].value),
            )
        )
    skills = (f"skill {split}" for split in SPLITS)
    return _table(("seed", "epochs", "best epoch", *skills, "rank IC test"), rows)


def _small(value: float | None) -> str:
    """A loss, which is far below 1 where outcomes are returns."""
    return NOTHING if value is None else f"{value:.4g}"


def _last_if_none(value: float | None) -> tuple[bool, float]:
    return value is None, value or 0.0


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

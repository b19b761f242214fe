"""The dashboard of one model: its verdict, then every figure behind it."""

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alpha.data.columns import SPLITS
from alpha.evaluate.details import Details, Figure, Model, ModelSplit, OverSeeds, SliceOverSeeds
from alpha.history.tries import Tried
from alpha.report import numbers
from alpha.show.headline import headline, notes

_DAYS = 10  # at most so many are printed, the worst


def parts(details: Details, name: str, tried: Tried) -> Iterator[RenderableType]:
    """What to print of the model `name`, from top to bottom. A part without content is left
    out; why a figure of test is not available is said at the end."""
    model = details.by_model[name]
    test = model.splits["test"]
    yield _verdict(details, name, tried)
    yield _section("Figures over the seeds, by split", _figures(details, name, tried))
    if test.label_quantiles:
        unit = "" if details.classes else ", in bps"
        yield _section(f"Quantiles on test{unit}", _quantiles(details, test))
    if test.thresholds:
        fees = numbers.figure(details.round_trip_bps, 1)
        title = (
            f"Threshold check on test. After fees: the mean realised outcome less {fees} bps. The "
            f"realised outcome is {details.threshold_meaning}"
        )
        yield _section(title, _thresholds(test))
    if test.events:
        yield _section("Events on test", _events(test))
    if test.days:
        worst = sorted(test.days, key=lambda day: _last_if_none(day.skill.mean))
        more = f", the worst {_DAYS} of {len(worst)}" if len(worst) > _DAYS else ""
        yield _section(f"Days of test, worst first{more}", _slices(worst[:_DAYS]))
    if test.regimes:
        worst = sorted(test.regimes, key=lambda regime: _last_if_none(regime.skill.mean))
        yield _section("Regimes of past volatility on test, worst first", _slices(worst))
    yield _section("Seeds", _seeds(details, name))
    if model.importance:
        title = "Importance of families: the skill on valid that is lost when one is permuted"
        yield _section(title, _importance(model))
    if test.undefined:
        reasons = (f"{figure}: {reason}" for figure, reason in test.undefined.items())
        yield _section("Not available on test", Text("\n".join(reasons)))


def _verdict(details: Details, name: str, tried: Tried) -> Group:
    model = details.by_model[name]
    lines = [
        Text.assemble((name, "bold"), ": ", (model.verdict.name, "bold")),
        Text(model.verdict.sentence),
        *(Text(f"+ {flag.name}: {flag.sentence}") for flag in model.verdict.flags),
        *(Text(f"Ladder: {rung.sentence}") for rung in details.ladder if rung.model == name),
    ]
    share = model.oracle_share
    if share.value is not None:
        ends = ""
        if share.low is not None and share.high is not None:
            ends = f" ({numbers.share(share.low)} to {numbers.share(share.high)})"
        lines.append(Text(f"Oracle: {numbers.share(share.value)} of its skill on test{ends}."))
    return Group(*lines, *(Text(line) for line in notes(details, [name], tried)))


def _figures(details: Details, name: str, tried: Tried) -> Table:
    splits = [details.by_model[name].splits[split] for split in SPLITS]
    headlined = headline(details, name, tried)
    skill_ends = [numbers.ends(split.skill.low, split.skill.high) for split in splits[:-1]]
    skill_ends.append(numbers.ends(headlined.low, headlined.high))

    def each(figure: Callable[[ModelSplit], str]) -> list[str]:
        return [figure(split) for split in splits]

    at = f"{100 * details.level:g} % interval"
    rows = [
        ("skill", each(lambda split: numbers.figure(split.skill.mean))),
        (f"  {at}", skill_ends),
        ("  spread over seeds", each(lambda split: numbers.figure(split.skill.spread))),
        (f"loss ({details.loss})", each(lambda split: _small(split.loss.mean))),
        ("rank IC", each(lambda split: numbers.figure(split.rank_ic.mean))),
        (f"  {at}", each(lambda split: numbers.ends(split.rank_ic.low, split.rank_ic.high))),
        ("rank IC by day", each(lambda split: numbers.figure(split.rank_ic_days.mean))),
        ("  spread over days", each(lambda split: numbers.figure(split.rank_ic_days.spread))),
        ("std ratio", each(lambda split: numbers.figure(split.std_ratio.mean))),
        ("near-mean share", each(lambda split: numbers.share(split.near_mean_share.mean))),
        ("predictions not finite", each(lambda split: numbers.count(split.non_finite))),
    ]
    return _table(("", *SPLITS), [(title, *cells) for title, cells in rows])


def _quantiles(details: Details, test: ModelSplit) -> Table:
    scale = 1.0 if details.classes else 1e4

    def cell(value: Figure) -> str:
        return numbers.figure(None if value is None else value * scale, 2)

    levels = zip(
        details.quantile_levels, test.label_quantiles, test.prediction_quantiles, strict=True
    )
    return _table(
        ("quantile", "label", "prediction"),
        [(f"{100 * level:g} %", cell(label), cell(found)) for level, label, found in levels],
    )


def _thresholds(test: ModelSplit) -> Table:
    return _table(
        (
            *("τ, bps", "label >", "pred. >", "both", "windows", "precision", "recall", "lift"),
            *("after fees", "[interval]"),
        ),
        [
            (
                f"{check.threshold_bps:g}",
                numbers.count(check.label_above),
                numbers.count(check.prediction_above),
                numbers.count(check.both),
                numbers.count(check.windows),
                numbers.share(check.precision),
                numbers.share(check.recall),
                numbers.figure(check.lift, 2),
                numbers.figure(check.after_fees_bps, 1),
                numbers.ends(check.after_fees_low_bps, check.after_fees_high_bps, 1),
            )
            for check in test.thresholds
        ],
    )


def _events(test: ModelSplit) -> Table:
    return _table(
        ("event", "base rate", "PR-AUC", "[interval]", "decile lift", "[interval]"),
        [
            (
                event.name,
                numbers.share(event.base_rate),
                numbers.figure(event.average_precision.mean),
                numbers.ends(event.average_precision.low, event.average_precision.high),
                numbers.figure(event.decile_lift.mean, 2),
                numbers.ends(event.decile_lift.low, event.decile_lift.high, 2),
            )
            for event in test.events
        ],
    )


def _slices(slices: Sequence[SliceOverSeeds]) -> Table:
    return _table(
        ("", "rows", "skill", "rank IC", "std ratio"),
        [
            (
                one.name,
                numbers.count(one.rows),
                *(numbers.figure(over.mean) for over in (one.skill, one.rank_ic, one.std_ratio)),
            )
            for one in slices
        ],
    )


def _seeds(details: Details, name: str) -> Table:
    return _table(
        (
            "seed",
            "epochs",
            "best epoch",
            "skill train",
            "skill valid",
            "skill test",
            "rank IC test",
        ),
        [
            (
                str(run.seed),
                numbers.count(run.epochs),
                numbers.count(run.best_epoch),
                *(numbers.figure(run.splits[split].skill) for split in SPLITS),
                numbers.figure(run.splits["test"].rank_ic),
            )
            for run in details.by_run.values()
            if run.model == name
        ],
    )


def _importance(model: Model) -> Table:
    ranked = sorted(model.importance.items(), key=lambda item: _last_if_none(_negative(item[1])))
    return _table(
        ("family", "skill lost", "spread"),
        [
            (family, numbers.figure(lost.mean, 4), numbers.figure(lost.spread, 4))
            for family, lost in ranked
        ],
    )


def _negative(over: OverSeeds) -> Figure:
    return None if over.mean is None else -over.mean


def _last_if_none(value: Figure) -> tuple[bool, float]:
    return value is None, value or 0.0


def _small(value: Figure) -> str:
    """A loss, which is far below 1 where outcomes are returns."""
    return numbers.NOTHING if value is None else f"{value:.4g}"


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

"""The dashboard of one model: its verdict, then every figure behind it."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alpha.core.text import NOTHING, count, ends, figure, share
from alpha.data.columns import SPLITS
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Interval, Selection
from alpha.evaluate.over_seeds import widen
from alpha.history.tries import Tried

_DAYS = 10  # at most so many are printed, the worst
_DIGITS = {"lift": 2, "decile_lift": 2, "after_fees_bps": 1}
_DIGITS |= {"importance": 4, "importance_spread": 4}
_COUNTS = "rows label_above prediction_above both windows non_finite epochs best_epoch"
_SHARES = "precision recall base_rate near_mean_share"
_FORMATS: dict[str, Callable[[float | None], str]] = {
    **{name: partial(figure, digits=digits) for name, digits in _DIGITS.items()},
    **dict.fromkeys(_COUNTS.split(), count),
    **dict.fromkeys(_SHARES.split(), share),
    # Far below 1 where outcomes are returns.
    "loss": lambda value: NOTHING if value is None else f"{value:.4g}",
}
# Columns of tables: titles, and the figures below them; one in brackets stands for its interval.
_FIGURES = (
    "skill |   {level:g} % interval |   spread over seeds | loss ({loss}) | rank IC "
    "|   {level:g} % interval | rank IC by day |   spread over days | std ratio | near-mean share "
    "| predictions not finite",
    "skill [skill] skill_spread loss rank_ic [rank_ic] rank_ic_days rank_ic_days_spread std_ratio "
    "near_mean_share non_finite",
)
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


def headline(details: Details, model: str, tried: Tried) -> tuple[Interval, int]:
    """A model's skill on test, and the tries that its interval is widened for: the larger of
    evaluate.tries and what was counted, as some may have been made elsewhere."""
    skill = details.on(model)["skill"]
    tries = max(details.tries, tried.configurations.get(model, 1))
    low, high = widen(*skill[:3], tries=tries, level=details.level, already=details.tries)
    return skill._replace(low=low, high=high), tries


def notes(details: Details, models: list[str], tried: Tried) -> list[str]:
    """What should be known of the tries behind the headlines of `models`."""
    more, luck, lines = [], [], []
    for model in models:
        (_, low, *_), tries = headline(details, model, tried)
        more += [f"{model} {tries:,}"] if tries > details.tries else []
        # Only because of tries that evaluate.tries does not count.
        before = details.on(model)["skill"].low
        luck += [model] if before is not None and low is not None and low <= 0 < before else []
    if more:
        lines.append(
            f"Configurations evaluated on this test split: {', '.join(more)}. evaluate.tries is "
            f"smaller, {details.tries:,}: here the intervals of skill on test are widened for all "
            f"of them, but in the report and for the verdicts only for {details.tries:,}."
        )
    if luck:
        who = ", ".join(luck)
        lines.append(f"Widened so, the interval includes 0: the skill of {who} may be luck.")
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
        if not table.empty:
            yield _section(title, grid(table))
    if undefined := test.undefined:
        reasons = "\n".join(f"{what}: {reason}" for what, reason in undefined.items())
        yield _section("Not available on test", Text(reasons))


def _verdict(details: Details, name: str, tried: Tried) -> Group:
    verdict, captured = details.by_model[name].verdict, details.on(name)["oracle_share"]
    lines = [
        verdict.sentence,
        *(f"+ {flag.name}: {flag.sentence}" for flag in verdict.flags),
        *(f"Ladder: {rung.sentence}" for rung in details.ladder if rung.model == name),
    ]
    if captured.value is not None:
        known = captured.low is not None and captured.high is not None
        between = f" ({share(captured.low)} to {share(captured.high)})" if known else ""
        lines.append(f"Oracle: {share(captured.value)} of its skill on test{between}.")
    title = Text.assemble((name, "bold"), ": ", (verdict.name, "bold"))
    return Group(title, *map(Text, lines + notes(details, [name], tried)))


def _figures(details: Details, name: str, tried: Tried) -> pd.DataFrame:
    titles = _FIGURES[0].format(level=100 * details.level, loss=details.loss)
    by_split = _table((titles, _FIGURES[1]), [details.on(name, split) for split in SPLITS])
    skill, _ = headline(details, name, tried)
    by_split.iloc[-1, 1] = ends(skill.low, skill.high)
    return by_split.set_axis(SPLITS).T.reset_index(names="")


def _quantiles(details: Details, name: str) -> pd.DataFrame:
    test, unit = details.on(name), 1 if details.classes else 1e4
    found = {
        "label": details.on("label").values("quantile"),
        "prediction": test.values("prediction_quantile"),
    }
    levels = [f"{100 * float(one.event):g} %" for one in test.events("prediction_quantile")]
    table = pd.DataFrame(found, index=pd.Index(levels, name="quantile"), dtype=object)
    return table.map(lambda value: figure(value and value * unit, 2)).reset_index()


def _seeds(details: Details, name: str) -> pd.DataFrame:
    rows = []
    for run in details.runs_of(name):
        on = {split: details.run(run, split) for split in SPLITS}
        row = {"seed": run.rpartition("-")[2], "epochs": _cell(on["train"], "epochs")}
        row["best epoch"] = _cell(on["train"], "best_epoch")
        row |= {f"skill {split}": _cell(one, "skill") for split, one in on.items()}
        rows.append(row | {"rank IC test": _cell(on["test"], "rank_ic")})
    return pd.DataFrame(rows)


def _table(columns: tuple[str, str], rows: Sequence[Selection]) -> pd.DataFrame:
    titles, names = columns
    cells = [[_cell(one, name) for name in names.split()] for one in rows]
    return pd.DataFrame(cells, columns=titles.split(" | "))


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
    return _FORMATS.get(name, figure)(value)


def _sorted(found: list[Selection], name: str, sign: float = 1.0) -> list[Selection]:
    """By a figure, the smallest first, those without it last."""
    return sorted(found, key=lambda one: (one[name].value is None, sign * (one[name].value or 0.0)))


def _section(title: str, content: RenderableType) -> Padding:
    return Padding(Group(Text(title, style="bold"), content), (1, 0, 0, 0))


def grid(frame: pd.DataFrame) -> Table:
    """The first column is the rows' names; the others are figures, to the right."""
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for at, title in enumerate(map(str, frame)):
        table.add_column(title, justify="right" if at else "left", no_wrap=not at)
    for row in frame.itertuples(index=False):
        table.add_row(*row)
    return table

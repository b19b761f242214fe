"""The last evaluation in the terminal: the table of verdicts, or one model's dashboard."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alpha.audit import findings
from alpha.core import text
from alpha.core.errors import InputError
from alpha.core.text import NOTHING, count, ends, figure, share
from alpha.data.columns import SPLITS
from alpha.evaluate import details as evaluation_details
from alpha.evaluate.details import Details
from alpha.evaluate.figures import Selection
from alpha.guard import compare as shift
from alpha.guard import words
from alpha.history.tries import Tried
from alpha.learn.kinds import FEATURELESS
from alpha.show.layout import fitted, of_words, section
from alpha.show.notes import headline, legend, notes, sentence

# Columns of the table that give way, in this order, where it is too wide.
_GIVE_WAY = "\ntries", "hind-\nsight", "rank IC\ntest", "im-\nproves", "skill\nvalid"
_DAYS = 10  # at most so many are printed, the worst
_DIGITS = {"lift": 2, "decile_lift": 2, "after_fees_bps": 1}
_DIGITS |= {"importance": 4, "importance_spread": 4}
_COUNTS = "trades rows label_above prediction_above both windows non_finite epochs best_epoch"
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
    "skill |   {level:g} % interval |   spread over seeds | hindsight skill "
    "|   {level:g} % interval |   explained variance | loss ({loss}) | rank IC "
    "|   {level:g} % interval | rank IC by day |   spread over days | std ratio | near-mean share "
    "| predictions not finite",
    "skill [skill] skill_spread hindsight [hindsight] explained_variance loss rank_ic [rank_ic] "
    "rank_ic_days rank_ic_days_spread std_ratio near_mean_share non_finite",
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
_TRADES = (
    "trades | net, bps | [interval] | a day | drawdown | Sharpe | [interval] | deflated",
    "trades net_bps [net_bps] bps_per_day drawdown_bps sharpe [sharpe] deflated_sharpe",
)
_SLICES = " | rows | skill | rank IC | std ratio", "name rows skill rank_ic std_ratio"
_FOLDS = "fold | skill | [interval] | rank IC | [interval]", "name skill [skill] rank_ic [rank_ic]"
_SYMBOLS = _FOLDS[0].replace("fold", "symbol"), _FOLDS[1]
_FAMILIES = "family | skill lost | spread", "name importance importance_spread"


def run(
    *,
    evaluation: Path,
    guard: Path,
    audit: Path,
    report: Path,
    model: str | None,
    tried: Tried,
    stale: Sequence[str] = (),
) -> None:
    """Print the table of verdicts, how labels stand against their pin if they are not as pinned,
    and the audit's leaks and warnings; or the dashboard of `model`; why they are `stale`, a line
    each; and where the report is.

    Colours only on a terminal. Raises InputError if nothing has been evaluated yet, if the
    evaluation is not of this format, or if it has no such model.
    """
    if not (evaluation / "details.json").is_file():
        raise InputError(f"{evaluation}: holds no evaluation yet; `make run` makes one")
    details = evaluation_details.read(evaluation)
    if model is None:
        table, left_out = _verdicts(details, tried)
        lines = legend(details, left_out, tried) + notes(details, details.models, tried)
        # No guard may have looked at the labels yet.
        pinned = shift.read(guard) if (guard / shift.NAME).exists() else None
        # That nothing is pinned yet is said once, where the guard finds so.
        told = pinned and pinned.status not in ("as_pinned", "not_pinned")
        lines += [words.line(pinned)] if pinned and told else []
        lines += findings.lines(audit)
        below = (Padding(text.coloured(one), (1, 0, 0, 0)) for one in lines)
        parts: list[RenderableType] = [table, *below]
    elif model in details.by_model:
        parts = list(_dashboard(details, model, tried))
    else:
        known, near = ", ".join(details.models), text.nearest(model, details.models)
        must = f"model must be one of {known}, which were evaluated"
        raise InputError(f"{must}; found {model!r}{near}")
    parts += [Padding(Text(line, "bold"), (1, 0, 0, 0)) for line in stale]
    where = str(report) if report.is_file() else f"none yet at {report}"
    text.show(parts, last=f"Report: {where}")


def _verdicts(details: Details, tried: Tried) -> tuple[Table, list[str]]:
    """One line a model in the ladder's order; each verdict has its flags below it. And the columns
    for which there is no room."""
    improves = {rung.model: rung.improves for rung in details.ladder}
    rows = []
    for name in details.models:
        skill, tries = headline(details, name, tried)
        row = {
            "model": name,
            "skill\nvalid": _cell(details.on(name, "valid"), "skill"),
            "skill\ntest": figure(skill.value),
            "\n[interval]": ends(skill.low, skill.high),
            "hind-\nsight": _cell(details.on(name), "hindsight"),
            "rank IC\ntest": _cell(details.on(name), "rank_ic"),
            "\ntries": count(tries),
            "im-\nproves": {True: "yes", False: "no", None: ""}[improves.get(name)],
            "verdict\nand flags": _named(details, name),
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    if (table["\ntries"] == "1").all():
        del table["\ntries"]
    return of_words(table, ("\n[interval]", "im-\nproves", "verdict\nand flags"), _GIVE_WAY)


def _named(details: Details, model: str) -> Text:
    """A model's verdict and flags, a line each; no colours where it cannot be but constant."""
    verdict = details.by_model[model].verdict
    line = "\n+ ".join([verdict.name, *(flag.name for flag in verdict.flags)])
    expected = model in FEATURELESS and verdict.name == "collapsed"
    return Text(line, "dim") if expected else text.coloured(line)


def _dashboard(details: Details, name: str, tried: Tried) -> Iterator[RenderableType]:
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
        "Trading on paper on test": _table(_TRADES, [test] if test["trades"].value else []),
        "Events on test": _table(_EVENTS, test.events("average_precision")),
        "Folds of test": _table(_FOLDS, test.folds),
        "Symbols of test": _table(_SYMBOLS, test.slices("symbol")),
        f"Days of test, worst first{more}": _table(_SLICES, days[:_DAYS]),
        "Regimes of past volatility on test, worst first": _table(_SLICES, regimes),
        "Seeds": _seeds(details, name),
        importance: _table(_FAMILIES, families),
    }.items():
        if not table.empty:
            yield section(title, fitted(table))
    if undefined := test.undefined:
        reasons = "\n".join(f"{what}: {reason}" for what, reason in undefined.items())
        yield section("Not available on test", Text(reasons))


def _verdict(details: Details, name: str, tried: Tried) -> Group:
    verdict, captured = details.by_model[name].verdict, details.on(name)["oracle_share"]
    lines = [
        sentence(details, name, tried),
        *(f"+ {flag.name}: {flag.sentence}" for flag in verdict.flags),
        *(f"Ladder: {rung.sentence}" for rung in details.ladder if rung.model == name),
    ]
    if captured.value is not None:
        known = captured.low is not None and captured.high is not None
        between = f" ({share(captured.low)} to {share(captured.high)})" if known else ""
        lines.append(f"Oracle: {share(captured.value)} of its skill on test{between}.")
    title = Text.assemble((name, "bold"), ": ", _named(details, name).split()[0])
    return Group(title, *map(Text, lines + notes(details, [name], tried)))


def _figures(details: Details, name: str, tried: Tried) -> pd.DataFrame:
    titles = _FIGURES[0].format(level=100 * details.level, loss=details.loss)
    by_split = _table((titles, _FIGURES[1]), [details.on(name, split) for split in SPLITS])
    for of, at in (("skill", 1), ("hindsight", 4)):
        widened, _ = headline(details, name, tried, of)
        by_split.iloc[-1, at] = ends(widened.low, widened.high)
    return by_split.set_axis(SPLITS).T.reset_index(names="")


def _quantiles(details: Details, name: str) -> pd.DataFrame:
    predicted, unit = details.on(name).events("prediction_quantile"), 1 if details.classes else 1e4
    rows = []
    for one, label in zip(predicted, details.on("label").values("quantile"), strict=True):
        both = label, one["prediction_quantile"].value
        cells = [figure(value and value * unit, 2) for value in both]
        rows.append([f"{100 * float(one.event):g} %", *cells])
    return pd.DataFrame(rows, columns=["quantile", "label", "prediction"])


def _seeds(details: Details, name: str) -> pd.DataFrame:
    rows = []
    for run in details.runs_of(name):
        train, *_, test = splits = [details.run(run, split) for split in SPLITS]
        cells = [_cell(train, "epochs"), _cell(train, "best_epoch")]
        cells += [_cell(one, "skill") for one in splits] + [_cell(test, "rank_ic")]
        rows.append([run.rpartition("-")[2], *cells])
    skills = [f"skill {split}" for split in SPLITS]
    return pd.DataFrame(rows, columns=["seed", "epochs", "best epoch", *skills, "rank IC test"])


def _table(columns: tuple[str, str], rows: Sequence[Selection]) -> pd.DataFrame:
    titles, names = columns
    cells = [[_cell(one, name) for name in names.split()] for one in rows]
    return pd.DataFrame(cells, columns=titles.split(" | "))


def _cell(one: Selection, what: str) -> str:
    """A figure as its tables show it."""
    if what == "name":
        return text.one_line(one.name)
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

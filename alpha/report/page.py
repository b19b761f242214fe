"""Put the page together: content, pictures and style into one autoescaped template."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from alpha.evaluation.details import Details
from alpha.evaluation.thresholds import BPS
from alpha.params import SPLITS, Label
from alpha.report import content, numbers, plots
from alpha.report.inputs import Contract, LabelSummary, SplitSummary

_FOLDER = Path(__file__).parent
# Of the levels evaluated, the ones a table has room for.
_TABLE_LEVELS = (0.5, 0.9, 0.99, 0.999, 1.0)


def render(
    label: Label,
    details: Details,
    *,
    histories: dict[str, plots.History],
    labels: LabelSummary,
    splits: SplitSummary,
    contract: Contract,
    bps: bool,
) -> str:
    """The whole page. `bps` says whether outcomes are returns, rather than codes of classes."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "count": numbers.count,
        "figure": numbers.figure,
        "share": numbers.share,
        "moment": numbers.moment,
        "deviation": numbers.deviation,
        "outcome": lambda value: _outcome(value, bps=bps),
    }
    trained = [name for name in details.models if _epochs(details, name) > 0]
    days = list(labels.days.values())
    return environment.get_template("report.html.j2").render(
        css=Markup((_FOLDER / "report.css").read_text(encoding="utf-8")),
        label=label,
        details=details,
        labels=labels,
        splits=splits,
        contract=contract,
        bps=bps,
        unit="bps" if bps else "code",
        split_names=SPLITS,
        trained=trained,
        lead=content.lead(details),
        undefined=content.undefined(details),
        defects=content.defects(details, label, labels, splits, contract),
        families=content.families(contract),
        oddities=content.oddities(contract),
        series={name: plots.series(details, name) for name in details.models},
        table_levels=[(details.quantile_levels.index(level), level) for level in _TABLE_LEVELS],
        day_levels=sorted(labels.total.quantiles or {}, key=float),
        headlines=[Markup(plots.headline(details, what)) for what in ("skill", "rank_ic")],
        curves={name: Markup(plots.learning_curve(details, name, histories)) for name in trained},
        quantiles=[
            (split, Markup(plots.quantiles(details, split, bps=bps))) for split in ("valid", "test")
        ],
        thresholds=[
            (what, Markup(plots.thresholds(details, "test", what)))
            for what in ("precision", "recall")
            if bps
        ],
        days=Markup(plots.days(days, bps=bps)) if len(days) > 1 else None,
    )


def _epochs(details: Details, model: str) -> int:
    return max(run.epochs for run in details.by_run.values() if run.model == model)


def _outcome(value: float | None, *, bps: bool) -> str:
    """An outcome as a table shows it: a return in bps, or a class's code."""
    if value is None:
        return numbers.NOTHING
    return numbers.figure(value / BPS, 2) if bps else numbers.figure(value, 2)

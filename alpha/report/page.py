"""Put the page together: content, pictures and style into one autoescaped template."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from alpha.data.columns import SPLITS
from alpha.data.params import Label
from alpha.evaluate.details import Details, ModelSplit, SliceOverSeeds
from alpha.guard import words
from alpha.guard.compare import Shift
from alpha.label.profile import Profile
from alpha.report import content, data, numbers
from alpha.report.inputs import Contract, SplitSummary
from alpha.report.plots import axes, calibration, curves, distribution, importance, ladder, marks

_FOLDER = Path(__file__).parent
# Of the levels evaluated, the ones a table has room for.
_TABLE_LEVELS = (0.5, 0.9, 0.99, 0.999, 1.0)
_SLICES: dict[str, Callable[[ModelSplit], Sequence[SliceOverSeeds]]] = {
    "days": lambda split: split.days,
    "regimes": lambda split: split.regimes,
}


def render(
    label: Label,
    details: Details,
    *,
    histories: dict[str, curves.History],
    labels: Profile,
    pinned: Shift,
    splits: SplitSummary,
    contract: Contract,
) -> str:
    """The whole page."""
    # Outcomes are returns, or else codes of classes.
    bps = not details.classes
    return (
        _environment(bps=bps)
        .get_template("report.html.j2")
        .render(
            css=Markup((_FOLDER / "report.css").read_text(encoding="utf-8")),
            label=label,
            details=details,
            labels=labels,
            pinned=words.sentence(pinned),
            as_pinned=pinned.status == "as_pinned",
            splits=splits,
            contract=contract,
            bps=bps,
            unit="bps" if bps else "code",
            split_names=SPLITS,
            best=details.best,
            rungs={rung.model: rung for rung in details.ladder},
            shifts={shift.split: shift for shift in details.shift},
            undefined=content.undefined(details),
            defects=data.defects(details, label, labels, splits, contract),
            families=data.families(contract),
            oddities=data.oddities(contract),
            series={name: axes.series(details, name) for name in details.models},
            varying=axes.varying(details),
            table_levels=[
                (details.quantile_levels.index(level), level)
                for level in _TABLE_LEVELS
                if level in details.quantile_levels
            ],
            day_levels=[f"{level:g}" for level in _TABLE_LEVELS],
            slice_tables=_slice_tables(details),
            reason=lambda figure: content.reason(details, "test", figure),
            pictures=_pictures(details, histories, labels, bps=bps),
        )
    )


def _environment(*, bps: bool) -> Environment:
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
        "brief": numbers.brief,
        "share": numbers.share,
        "moment": numbers.moment,
        "deviation": numbers.deviation,
        "words": numbers.words,
        "bps": lambda value: _outcome(value, bps=True),
        "outcome": lambda value: _outcome(value, bps=bps),
    }
    environment.globals["ends"] = numbers.ends
    return environment


def _slice_tables(details: Details) -> dict[str, list[tuple[str, list[content.SliceRow]]]]:
    """For days and for regimes: skill, then rank IC, worst first."""
    models = axes.varying(details)
    return {
        kind: [
            ("Skill", content.slice_rows(details, models, of, lambda one: one.skill)),
            ("Rank IC", content.slice_rows(details, models, of, lambda one: one.rank_ic)),
        ]
        for kind, of in _SLICES.items()
    }


def _pictures(
    details: Details,
    histories: dict[str, curves.History],
    labels: Profile,
    *,
    bps: bool,
) -> dict[str, Any]:
    """Lists of SVG elements by section, or dicts of them by what they show."""
    varying = axes.varying(details)
    files = list(labels.days.values())
    return {
        "ladder": _present(ladder.headline(details, what) for what in ("skill", "rank_ic")),
        "differences": _markup(ladder.differences(details)),
        "oracle": _markup(ladder.oracle_shares(details)),
        "learning": {
            name: Markup(curves.learning_curve(details, name, histories))
            for name in details.models
            if any(run.model == name and run.epochs for run in details.by_run.values())
        },
        "histograms": _present(
            distribution.histogram(details, name, "test", bps=bps) for name in varying
        ),
        "quantiles": {
            split: Markup(distribution.quantiles(details, split, bps=bps))
            for split in ("valid", "test")
        },
        "calibration": _present(
            calibration.calibration(details, name, "test", bps=bps) for name in varying
        ),
        "thresholds": {
            what: _markup(marks.thresholds(details, "test", what))
            for what in ("precision", "recall", "after_fees_bps")
        },
        "events": {
            what: _markup(marks.events(details, "test", what))
            for what in ("average_precision", "decile_lift")
        },
        "slices": {
            kind: _present(
                marks.slices(details, "test", name, _SLICES[kind], what)
                for what in ("skill", "rank_ic")
            )
            for kind, name in (("days", "day"), ("regimes", "volatility regime"))
        },
        "importance": {
            name: Markup(picture)
            for name in details.models
            if (picture := importance.importance(details, name)) is not None
        },
        "files": Markup(distribution.label_by_file(files, bps=bps)) if len(files) > 1 else None,
    }


def _present(pictures: Iterable[str | None]) -> list[Markup]:
    return [Markup(picture) for picture in pictures if picture is not None]


def _markup(picture: str | None) -> Markup | None:
    return None if picture is None else Markup(picture)


def _outcome(value: float | None, *, bps: bool) -> str:
    """An outcome as a table shows it: a return in bps, or a class's code."""
    if value is None:
        return numbers.NOTHING
    return numbers.figure(value / numbers.BPS, 2) if bps else numbers.figure(value, 2)

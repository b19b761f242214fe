"""Put the page together: content, pictures and style into one autoescaped template."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from alpha.core import text
from alpha.data.columns import SPLITS
from alpha.data.params import Label
from alpha.evaluate.details import Details
from alpha.guard import words
from alpha.guard.compare import Shift
from alpha.label.profile import Profile
from alpha.report import content, distribution, ladder, lines, svg
from alpha.report.content import Contract, SplitSummary

_FOLDER = Path(__file__).parent
# Of the levels evaluated, the ones a table has room for.
_TABLE_LEVELS = (0.5, 0.9, 0.99, 0.999, 1.0)
_SLICES = {"days": "day", "regimes": "regime"}


def render(
    label: Label,
    details: Details,
    *,
    histories: dict[str, lines.History],
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
            undefined=content.undefined(details),
            defects=content.defects(details, label, labels, splits, contract),
            families=content.families(contract),
            oddities=content.oddities(contract),
            series={name: svg.series(details, name) for name in details.models},
            varying=svg.varying(details),
            table_levels=[
                (at, float(level.event))
                for at, level in enumerate(details.on("label").events("quantile"))
                if float(level.event) in _TABLE_LEVELS
            ],
            day_levels=[f"{level:g}" for level in _TABLE_LEVELS],
            slice_tables=_slice_tables(details),
            reason=lambda figure: content.reason(details, figure),
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
    named = ("count", "figure", "brief", "share", "moment", "deviation", "words")
    environment.filters |= {name: getattr(text, name) for name in named} | {
        "bps": lambda value: _outcome(value, bps=True),
        "outcome": lambda value: _outcome(value, bps=bps),
    }
    environment.globals["ends"] = text.ends
    return environment


def _slice_tables(details: Details) -> dict[str, list[tuple[str, list[dict[str, Any]]]]]:
    """For days and for regimes: skill, then rank IC, worst first."""
    models = svg.varying(details)
    return {
        name: [
            (title, content.slice_rows(details, models, kind, figure))
            for title, figure in (("Skill", "skill"), ("Rank IC", "rank_ic"))
        ]
        for name, kind in _SLICES.items()
    }


def _pictures(
    details: Details,
    histories: dict[str, lines.History],
    labels: Profile,
    *,
    bps: bool,
) -> dict[str, Any]:
    """Lists of SVG elements by section, or dicts of them by what they show."""
    varying, models = svg.varying(details), details.models
    files = list(labels.days.values())
    learning = [
        name
        for name in models
        if any(details.run(run, "train")["epochs"].value for run in details.runs_of(name))
    ]
    importance = {name: distribution.importance(details, name) for name in models}
    return {
        "ladder": [ladder.headline(details, "skill"), ladder.headline(details, "rank_ic")],
        "differences": ladder.differences(details),
        "oracle": ladder.oracle_shares(details),
        "learning": {name: lines.learning_curve(details, name, histories) for name in learning},
        "histograms": _present(
            distribution.histogram(details, name, "test", bps=bps) for name in varying
        ),
        "quantiles": {
            split: distribution.quantiles(details, split, bps=bps) for split in SPLITS[1:]
        },
        "calibration": _present(
            distribution.calibration(details, name, "test", bps=bps) for name in varying
        ),
        "thresholds": {
            what: lines.by_place(details, "threshold", what)
            for what in ("precision", "recall", "after_fees_bps")
        },
        "events": {
            what: lines.by_place(details, "event", what)
            for what in ("average_precision", "decile_lift")
        },
        "slices": {
            name: _present(lines.by_place(details, kind, what) for what in ("skill", "rank_ic"))
            for name, kind in _SLICES.items()
        },
        "importance": {name: picture for name, picture in importance.items() if picture},
        "files": distribution.label_by_file(files, bps=bps) if len(files) > 1 else None,
    }


def _present(pictures: Iterable[Markup | None]) -> list[Markup]:
    return [picture for picture in pictures if picture is not None]


def _outcome(value: float | None, *, bps: bool) -> str:
    """An outcome as a table shows it: a return in bps, or a class's code."""
    if value is None:
        return text.NOTHING
    return text.figure(value / text.BPS, 2) if bps else text.figure(value, 2)

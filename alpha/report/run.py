"""The report: one self-contained HTML page of an evaluation and of the data behind it.

Content, pictures and style go into one autoescaped template.
"""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from alpha.core import text
from alpha.core.artifacts import parse, whole
from alpha.data.columns import SPLITS
from alpha.data.params import Label
from alpha.evaluate import details as evaluation_details
from alpha.evaluate.details import Details
from alpha.guard import compare as shift
from alpha.guard import words
from alpha.label import profile
from alpha.label.profile import Profile
from alpha.report import content, distribution, ladder, lines, svg
from alpha.report.content import Contract, SplitSummary

_FOLDER = Path(__file__).parent
# Of the levels evaluated, the ones a table has room for.
_TABLE_LEVELS = (0.5, 0.9, 0.99, 0.999, 1.0)
_SLICES = {"days": "day", "regimes": "regime"}


def run(
    label: Label,
    *,
    evaluation: Path,
    labels: Path,
    guard: Path,
    splits: Path,
    normalization: Path,
    out: Path,
) -> None:
    """Write the page `out` from what the steps before it wrote.

    Raises InputError, naming file and key, where something is missing or not of its format.
    """
    details = evaluation_details.read(evaluation)
    curves = evaluation / "learning_curves"
    histories = {name: lines.read_history(curves / f"{name}.csv") for name in details.runs}
    by_file, pinned = profile.read(labels), shift.read(guard)
    summary = parse(SplitSummary, splits / "summary.json")
    contract = parse(Contract, normalization)
    varying, levels = svg.varying(details), details.on("label").events("quantile")
    # Outcomes are returns, or else codes of classes.
    bps = not details.classes
    template = _environment(bps=bps).get_template("report.html.j2")
    html = template.render(
        css=Markup((_FOLDER / "report.css").read_text(encoding="utf-8")),
        label=label,
        details=details,
        labels=by_file,
        pinned=words.sentence(pinned),
        as_pinned=pinned.status == "as_pinned",
        splits=summary,
        contract=contract,
        bps=bps,
        unit="bps" if bps else "code",
        split_names=SPLITS,
        best=details.best,
        rungs={rung.model: rung for rung in details.ladder},
        undefined=content.undefined(details),
        defects=content.defects(details, label, by_file, summary, contract),
        families=content.families(contract),
        oddities=content.oddities(contract),
        series={name: svg.series(details, name) for name in details.models},
        varying=varying,
        table_levels=[
            (at, level)
            for at, level in enumerate(float(one.event) for one in levels)
            if level in _TABLE_LEVELS
        ],
        day_levels=[f"{level:g}" for level in _TABLE_LEVELS],
        slice_tables={
            name: [
                (title, content.slice_rows(details, varying, kind, figure))
                for title, figure in (("Skill", "skill"), ("Rank IC", "rank_ic"))
            ]
            for name, kind in _SLICES.items()
        },
        reason=partial(content.reason, details),
        pictures=_pictures(details, histories, by_file, bps=bps),
    )
    with whole(out) as part:
        part.write_text(html, encoding="utf-8", newline="\n")


def _environment(*, bps: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    named = ("count", "figure", "brief", "share", "moment", "deviation", "words")
    environment.filters |= {name: getattr(text, name) for name in named}
    # An outcome is a return in bps, or a class's code.
    environment.filters["bps"] = lambda value: text.figure(value and value / text.BPS, 2)
    code = partial(text.figure, digits=2)
    environment.filters["outcome"] = environment.filters["bps"] if bps else code
    environment.globals["ends"] = text.ends
    return environment


def _pictures(
    details: Details, histories: dict[str, lines.History], labels: Profile, *, bps: bool
) -> dict[str, Any]:
    """Lists of SVG elements by section, or dicts of them by what they show."""
    varying, models, files = svg.varying(details), details.models, list(labels.days.values())
    histograms = (distribution.histogram(details, name, bps=bps) for name in varying)
    calibration = (distribution.calibration(details, name, bps=bps) for name in varying)
    learning = {name: lines.learning_curve(details, name, histories) for name in models}
    importance = {name: distribution.importance(details, name) for name in models}
    by_threshold, by_event = (
        {what: lines.by_place(details, kind, what) for what in figures}
        for kind, figures in (
            ("threshold", ("precision", "recall", "after_fees_bps")),
            ("event", ("average_precision", "decile_lift")),
        )
    )
    return {
        "ladder": [ladder.headline(details, "skill"), ladder.headline(details, "rank_ic")],
        "differences": ladder.differences(details),
        "oracle": ladder.oracle_shares(details),
        "learning": {name: picture for name, picture in learning.items() if picture},
        "histograms": _present(histograms),
        "quantiles": {
            split: distribution.quantiles(details, split, bps=bps) for split in SPLITS[1:]
        },
        "calibration": _present(calibration),
        "thresholds": by_threshold,
        "events": by_event,
        "slices": {
            name: _present(lines.by_place(details, kind, what) for what in ("skill", "rank_ic"))
            for name, kind in _SLICES.items()
        },
        "importance": {name: picture for name, picture in importance.items() if picture},
        "files": distribution.label_by_file(files, bps=bps) if len(files) > 1 else None,
    }


def _present(pictures: Iterable[Markup | None]) -> list[Markup]:
    return [picture for picture in pictures if picture is not None]

"""The report: one self-contained HTML page of an evaluation and of the data behind it. Its
autoescaped templates name the tables and the pictures that they show."""

from collections.abc import Callable
from functools import partial
from hashlib import md5
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from alpha.audit import findings
from alpha.core import text
from alpha.core.artifacts import digest, parse, read_json, read_manifest, whole
from alpha.core.errors import InputError
from alpha.data.columns import SPLITS
from alpha.data.contract import read_contract
from alpha.data.features import open_symbols
from alpha.data.params import Data, Label
from alpha.data.splits import split_digest, splits_digest
from alpha.evaluate import details as evaluation_details
from alpha.evaluate import folds
from alpha.guard import compare as shift
from alpha.guard import words
from alpha.label import profile
from alpha.report import Report, content, ladder, lines, svg
from alpha.report import equity as equities
from alpha.report import features as features_of
from alpha.report import stretch as stretches

_FOLDER = Path(__file__).parent
# Of the levels evaluated, the ones a table has room for.
_TABLE_LEVELS = {0.5: "50 %", 0.9: "90 %", 0.99: "99 %", 0.999: "99.9 %", 1.0: "max"}


def run(
    data: Data,
    label: Label,
    report: Report,
    *,
    features: Path,
    predictions: Path,
    evaluation: Path,
    labels: Path,
    guard: Path,
    audit: Path,
    splits: Path,
    normalization: Path,
    out: Path,
    trade: Path | None = None,
) -> None:
    """Write the page `out` from what the steps before it wrote.

    Raises InputError, naming file and key, where something is missing or not of its format.
    """
    details = evaluation_details.read(evaluation)
    by_file, pinned = profile.read(labels), shift.read(guard)
    for inside, of in details.predictions.items():
        if digest(read_manifest(predictions / inside / "inputs.json")) != of:
            must = f"must be of the predictions in {predictions / inside}"
            raise InputError(f"{evaluation}: {must}, found those of others; evaluate again")
    paths, (*_, last) = folds.read(splits)
    split_digest(splits / str(last) / SPLITS[-1], label)
    summary = parse(content.SplitSummary, splits / str(last) / "summary.json")
    found = findings.read(audit)
    if found.splits != splits_digest(splits):
        raise InputError(f"{audit}: must be of the splits in {splits}, found others; audit again")
    quotes = read_json(splits / "paths.json").get("features")
    if quotes and digest(quotes) != by_file.data_digest:
        must = f"must be of the feature files that are split in {splits}"
        raise InputError(f"{labels}: {must}, found others; label again")
    contract = read_contract(normalization / f"{last}.json")
    learning = partial(lines.learning_curve, folder=evaluation / "learning_curves")
    varying, bps = content.varying(details), not details.classes
    audited, as_good = features_of.read(audit), content.as_good(details)
    shown = [*filter(None, [as_good, details.best])] or varying[:1]
    # Of several symbols, the first.
    folder = open_symbols(features, data)[0]
    tested = [(predictions / str(block.fold), block) for block in paths[-1]]
    mids, rows = stretches.read(report.stretch, folder, details, shown, tested)

    def drawn(models: list[str], picture: Callable[..., Markup | None]) -> dict[str, Markup]:
        """Those of `models` that there is a picture of."""
        return {name: found for name in models if (found := picture(details, name))}

    no_side = details.on("all")["trading"].reason
    files = trade.glob("equity/*.csv") if trade and not no_side else ()
    curves = {path.stem: path for path in files}
    equity = partial(equities.curve, files=curves)
    html = _template(bps=bps).render(
        css=Markup((_FOLDER / "report.css").read_text(encoding="utf-8")),
        label=label,
        details=details,
        labels=by_file,
        findings=found.findings,
        pinned=words.sentence(pinned),
        as_pinned=pinned.status == "as_pinned",
        splits=summary,
        contract=contract,
        bps=bps,
        unit="bps" if bps else "code",
        best=details.best,
        rungs={rung.model: rung for rung in details.ladder},
        varying=varying,
        undefined=content.undefined(details),
        defects=content.defects(details, label, by_file, summary, contract),
        families=content.families(contract),
        levels=_TABLE_LEVELS,
        learning=drawn(details.models, learning),
        histograms=drawn(varying, lines.histogram),
        calibration=drawn(varying, lines.calibration),
        hours=drawn(varying, lines.rank_ic_by_hour),
        deciles=drawn(varying, lines.deciles_by_hour),
        importance={
            of: drawn(varying, partial(ladder.importance, of=of)) for of in ("family", "feature")
        },
        equity=drawn([name for name in varying if name in curves], equity),
        no_side=no_side,
        audited=audited,
        as_good=as_good,
        mids=mids,
        rows=rows,
        market=content.market(by_file, data, simulated=(features / "oracle").is_dir()),
        made_with=content.made_with(),
        digest=md5((evaluation / "details.json").read_bytes(), usedforsecurity=False).hexdigest(),
    )
    # Scripts are text by the templates; what would turn text around is not even that.
    html = "\n".join(text.one_line(line, most=len(line)) for line in html.split("\n"))
    with whole(out) as part:
        part.write_text(html, encoding="utf-8", newline="\n")


def _template(*, bps: bool) -> Template:
    how: Any = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}
    environment = Environment(loader=FileSystemLoader(_FOLDER), undefined=StrictUndefined, **how)
    named = ("count", "figure", "brief", "share", "moment", "words")
    environment.filters |= {name: getattr(text, name) for name in named}
    # An outcome is a return in bps, or a class's code.
    environment.filters["bps"] = lambda value: text.figure(value and value / text.BPS, 2)
    code = partial(text.figure, digits=2)
    environment.filters["outcome"] = environment.filters["bps"] if bps else code
    environment.globals |= {"ends": text.ends, "split_names": SPLITS}
    # Tables and pictures are made where they are shown.
    environment.globals |= {"content": content, "ladder": ladder, "lines": lines, "svg": svg}
    environment.globals |= {"features": features_of, "stretches": stretches}
    return environment.get_template("report.html.j2")

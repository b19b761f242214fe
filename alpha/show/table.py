"""The table of verdicts: one line a model, and what the columns mean."""

from rich.table import Table

from alpha.evaluate.details import Details
from alpha.history.tries import Tried
from alpha.report import numbers
from alpha.show.headline import headline, notes

_WORTH = {True: "yes", False: "no", None: ""}


def verdicts(details: Details, tried: Tried) -> Table:
    """Skill, rank IC, worth and verdict of each model in the ladder's order; each verdict has
    its flags below it."""
    headlines = {model: headline(details, model, tried) for model in details.models}
    many = any(one.tries > 1 for one in headlines.values())
    worth = {rung.model: rung.worth for rung in details.ladder}
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("model", style="bold", no_wrap=True)
    table.add_column("skill\nvalid", justify="right", no_wrap=True)
    table.add_column("skill\ntest", justify="right", no_wrap=True)
    table.add_column("\n[interval]", no_wrap=True)
    table.add_column("rank IC\ntest", justify="right", no_wrap=True)
    if many:
        table.add_column("\ntries", justify="right", no_wrap=True)
    table.add_column("\nworth", no_wrap=True)
    table.add_column("verdict\nand flags", no_wrap=True)
    for name, one in headlines.items():
        model = details.by_model[name]
        table.add_row(
            name,
            numbers.figure(model.splits["valid"].skill.mean),
            numbers.figure(one.skill),
            numbers.ends(one.low, one.high),
            numbers.figure(model.splits["test"].rank_ic.mean),
            *([numbers.count(one.tries)] if many else []),
            _WORTH[worth.get(name)],
            "\n".join([model.verdict.name, *(f"+ {flag.name}" for flag in model.verdict.flags)]),
        )
    return table


def legend(details: Details, tried: Tried) -> list[str]:
    """What the columns are, the sentence of the model that valid would choose, and the tries."""
    tries = "" if details.tries == 1 else f", widened for {details.tries:,} tries"
    lines = [
        f"skill: the share of the {details.loss} of the best constant that a model takes off; 0 "
        f"is no better. [interval]: at {100 * details.level:g} %{tries}. worth: whether on test it "
        f"beats the models above it in this table, of which valid names the best, and a constant."
    ]
    reasons = {
        reason
        for model in details.by_model.values()
        if (test := model.splits["test"]).skill.mean is not None and test.skill.low is None
        for name in ("intervals", "interval of skill")
        if (reason := test.undefined.get(name)) is not None
    }
    lines += [f"No interval of the skill on test: {reason}." for reason in sorted(reasons)]
    best = details.best
    if best is not None:
        sentence = details.by_model[best].verdict.sentence
        lines.append(f"Best on valid is {best}. {sentence} More: alpha show {best}")
    return lines + notes(details, details.models, tried)
